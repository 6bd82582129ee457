//! File operations: copies, files, folders, links, without running anything.

use buildkit_proto::pb::{self, file_action::Action};

use crate::{
    Meta, State,
    marshal::{Caps, Inputs, first_output, seal},
};

/// Actions on a filesystem, one after the other, sealed as one vertex.
#[derive(Clone, Debug)]
pub struct File {
    base: State,
    actions: Vec<(Option<State>, Action)>,
    timestamp: i64,
    owner: Option<Owner>,
}

/// Who owns what an action makes, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// A copy of files out of another state.
#[derive(Clone, Debug)]
pub struct Copy {
    from: State,
    action: pb::FileActionCopy,
}

impl From<Owner> for pb::ChownOpt {
    fn from(owner: Owner) -> Self {
        let by_id = |id| Some(pb::UserOpt { user: Some(pb::user_opt::User::ById(id)) });
        Self { user: by_id(owner.uid), group: by_id(owner.gid) }
    }
}

fn mode_bits(mode: u32) -> i32 {
    i32::try_from(mode).unwrap_or(i32::MAX)
}

impl File {
    /// Actions that start from `base`.
    pub const fn on(base: State) -> Self {
        Self { base, actions: Vec::new(), timestamp: -1, owner: None }
    }

    /// Gives what the actions after this make the time `seconds` since 1970; otherwise a copy
    /// keeps its times and what is new has the time of the build.
    #[must_use]
    pub const fn timestamp(mut self, seconds: i64) -> Self {
        self.timestamp = seconds * 1_000_000_000;
        self
    }

    /// Gives what the actions after this make to `owner`; otherwise a copy keeps its owners and
    /// what is new is root's.
    #[must_use]
    pub const fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    fn then(mut self, from: Option<State>, action: Action) -> Self {
        self.actions.push((from, action));
        self
    }

    /// Makes the folder `path`, and those above it.
    #[must_use]
    pub fn mkdir(self, path: impl Into<String>, mode: u32) -> Self {
        let action = pb::FileActionMkDir {
            path: path.into(),
            mode: mode_bits(mode),
            make_parents: true,
            owner: self.owner.map(Into::into),
            timestamp: self.timestamp,
        };
        self.then(None, Action::Mkdir(action))
    }

    /// Makes the file `path` in a folder that exists.
    #[must_use]
    pub fn mkfile(self, path: impl Into<String>, mode: u32, data: impl Into<Vec<u8>>) -> Self {
        let action = pb::FileActionMkFile {
            path: path.into(),
            mode: mode_bits(mode),
            data: data.into(),
            owner: self.owner.map(Into::into),
            timestamp: self.timestamp,
        };
        self.then(None, Action::Mkfile(action))
    }

    /// Makes the symlink `link` to `target`.
    #[must_use]
    pub fn symlink(self, target: impl Into<String>, link: impl Into<String>) -> Self {
        let action = pb::FileActionSymlink {
            oldpath: target.into(),
            newpath: link.into(),
            owner: self.owner.map(Into::into),
            timestamp: self.timestamp,
        };
        self.then(None, Action::Symlink(action))
    }

    /// Removes `path` if it exists.
    #[must_use]
    pub fn rm(self, path: impl Into<String>) -> Self {
        let action =
            pb::FileActionRm { path: path.into(), allow_not_found: true, allow_wildcard: false };
        self.then(None, Action::Rm(action))
    }

    /// Copies.
    #[must_use]
    pub fn copy(self, Copy { from, mut action }: Copy) -> Self {
        action.timestamp = self.timestamp;
        action.owner = self.owner.map(Into::into);
        self.then(Some(from), Action::Copy(action))
    }

    /// Seals it. Without actions it is the state it starts from.
    pub fn build(self, meta: Meta) -> State {
        if self.actions.is_empty() {
            return self.base;
        }
        let mut inputs = Inputs::default();
        let base = inputs.index(&self.base);
        let sources: Vec<i64> = self
            .actions
            .iter()
            .map(|(from, _)| from.as_ref().map_or(-1, |state| inputs.index(state)))
            .collect();
        let mut caps = Caps::of(["file.base"]);
        let last = self.actions.len() - 1;
        let mut previous = base;
        let mut actions = Vec::with_capacity(self.actions.len());
        for (index, ((_, action), source)) in self.actions.into_iter().zip(sources).enumerate() {
            add_caps(&action, &mut caps);
            actions.push(pb::FileAction {
                input: previous,
                secondary_input: source,
                output: if index == last { 0 } else { -1 },
                action: Some(action),
            });
            // An input beyond the operation's own is the result of an action.
            previous = inputs.len() + i64::try_from(index).unwrap_or(i64::MAX);
        }
        let op = pb::op::Op::File(pb::FileOp { actions });
        first_output(seal(op, None, inputs, caps, meta))
    }
}

fn add_caps(action: &Action, caps: &mut Caps) {
    match action {
        Action::Copy(copy) => {
            if !copy.include_patterns.is_empty() || !copy.exclude_patterns.is_empty() {
                caps.add("file.copy.includeexcludepatterns");
            }
        }
        Action::Symlink(_) => caps.add("file.symlink.create"),
        Action::Rm(_) | Action::Mkdir(_) | Action::Mkfile(_) => {}
    }
}

impl Copy {
    /// What `from` has at `src`, to `dest`: a file to that path, a folder's contents into that
    /// folder, which is made if it is not there. Modes are kept.
    pub fn new(from: State, src: impl Into<String>, dest: impl Into<String>) -> Self {
        Self {
            from,
            action: pb::FileActionCopy {
                src: src.into(),
                dest: dest.into(),
                mode: -1,
                timestamp: -1,
                dir_copy_contents: true,
                create_dest_path: true,
                ..pb::FileActionCopy::default()
            },
        }
    }

    /// Gives every file and folder this mode.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.action.mode = mode_bits(mode);
        self
    }

    /// Takes only what matches one of the patterns.
    #[must_use]
    pub fn include(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.action.include_patterns.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Leaves out what matches one of the patterns.
    #[must_use]
    pub fn exclude(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.action.exclude_patterns.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Takes what `src` leads to if it is a symlink; links below it are copied as they are.
    #[must_use]
    pub const fn follow_link(mut self) -> Self {
        self.action.follow_symlink = true;
        self
    }

    /// Unpacks `src` if it is an archive, as a Dockerfile's `ADD` does.
    #[must_use]
    pub const fn unpack(mut self) -> Self {
        self.action.attempt_unpack_docker_compatibility = true;
        self
    }
}
