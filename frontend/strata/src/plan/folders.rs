//! Folders of the image that layers from scratch make or pass through: no layer changes what the
//! base has there.

use std::collections::BTreeSet;

use llb::{Copy, File, Meta, Owner, State};

use super::{EPOCH, Scope, user::User};
use crate::facts::Probe;

/// Folders as the image has them below the layer that is being made.
pub(super) struct Folders<'a> {
    /// What the base has.
    pub(super) probe: &'a Probe,
    /// Whose home is made.
    pub(super) user: &'a User,
}

/// Bits that `mkdir` does not set (`solver/llbsolver/file/backend.go`): sticky and the like, and those
/// that a daemon's umask takes away.
const SPECIAL: u32 = 0o7022;

impl Folders<'_> {
    /// Where `path` leads in the base: in a layer, a folder would take the place of a link
    /// such as `/lib`, and with it all that is behind the link.
    pub(super) fn resolve(&self, path: &str) -> String {
        path.split('/').skip(1).fold(String::new(), |above, name| {
            let path = format!("{above}/{name}");
            self.probe.links.get(&path).cloned().unwrap_or(path)
        })
    }

    /// The folders above `paths`, which are resolved, that are not simply root's, and those that
    /// `paths` are themselves: a layer that gives them back what lower layers have taken from them,
    /// and the user those in the home, which programs write into. None if there are none.
    pub(super) fn stamps(&self, paths: &[String]) -> Option<State> {
        let plain = (Owner { uid: 0, gid: 0 }, 0o755);
        let user = Owner { uid: self.user.uid, gid: self.user.gid };
        let home = format!("{}/", self.user.home);
        let is_new = |folder: &str| !self.probe.folders.contains_key(folder);
        let owner = |folder: &str| (folder.starts_with(&home) && is_new(folder)).then_some(user);
        let is_plain = |folder: &str| {
            let (there, mode) = self.stamp(folder);
            (owner(folder).unwrap_or(there), mode) == plain
        };
        let above = paths.iter().flat_map(|path| {
            let ends = path.match_indices('/').map(|(index, _)| index).skip(1);
            ends.map(move |end| path[..end].to_owned())
        });
        // What is no folder yet may become a file.
        let is_folder = |path: &&String| !is_new(path) || **path == self.user.home;
        let themselves = paths.iter().filter(is_folder).cloned();
        let special: BTreeSet<String> =
            above.chain(themselves).filter(|folder| !is_plain(folder)).collect();
        if special.is_empty() {
            return None;
        }
        let special: Vec<String> = special.into_iter().collect();
        let meta = Meta::named(format!("[internal] owners of {}", special.join(" ")));
        Some(self.layer(&special, owner).build(meta))
    }

    /// Starts a layer with the folders `paths` (resolved and sorted), owned as `owner` says, and
    /// every folder above them with its present owner and mode, because a layer restamps each
    /// folder that it passes through.
    pub(super) fn layer(&self, paths: &[String], owner: impl Fn(&str) -> Option<Owner>) -> File {
        self.with_files(paths, owner, &[])
    }

    /// The same with files in these folders, path and text, that belong to whom their folder does.
    ///
    /// All is made first and copied then: to make a folder or a file changes the time of the
    /// folder above, and a copy sets times last.
    pub(super) fn with_files(
        &self,
        paths: &[String],
        owner: impl Fn(&str) -> Option<Owner>,
        files: &[(String, String)],
    ) -> File {
        let made = paths.iter().fold(File::on(State::scratch()), |file, path| {
            let ends = path.match_indices('/').map(|(index, _)| index).skip(1).chain([path.len()]);
            ends.fold(file, |file, end| {
                let folder = &path[..end];
                let (there, mode) = self.stamp(folder);
                let own = if folder == path { owner(folder) } else { None };
                let is_new = own.is_some() && !self.probe.folders.contains_key(folder);
                let mode = if is_new { self.user.folder_mode() } else { mode };
                let file = file.owner(own.unwrap_or(there));
                if mode & SPECIAL == 0 {
                    file.mkdir(folder, mode)
                } else {
                    special(file, folder, mode)
                }
            })
        });
        let made = files.iter().fold(made, |made, (path, text)| {
            let (folder, _) = path.rsplit_once('/').unwrap_or_default();
            let owner = owner(folder).unwrap_or_else(|| self.stamp(folder).0);
            made.owner(owner).mkfile(path, 0o644, text.as_str())
        });
        let made = made.build(Meta::named(format!("[internal] folders for {}", paths.join(" "))));
        File::on(State::scratch()).timestamp(EPOCH).copy(Copy::new(made, "/", "/"))
    }

    /// The owner and mode of a folder.
    fn stamp(&self, folder: &str) -> (Owner, u32) {
        let Self { probe, user } = self;
        if folder == user.home && user.make.is_some() {
            return (Owner { uid: user.uid, gid: user.gid }, user.folder_mode());
        }
        match probe.folders.get(folder) {
            Some(there) => (Owner { uid: there.uid, gid: there.gid }, there.mode),
            None => (Owner { uid: 0, gid: 0 }, 0o755),
        }
    }
}

/// Makes a folder by a copy, which sets all bits of what it finds below the folder it copies.
fn special(file: File, folder: &str, mode: u32) -> File {
    let (above, name) = folder.rsplit_once('/').unwrap_or_default();
    let made = File::on(State::scratch())
        .mkdir(format!("/{name}"), 0o755)
        .build(Meta::named(format!("[internal] a folder for {folder}")));
    file.copy(Copy::new(made, "/", format!("{above}/")).mode(mode))
}

/// The folders of `dirs`, the user's own.
pub(super) fn dirs(scope: &Scope<'_>, folders: &Folders<'_>) -> State {
    let dirs = &scope.recipe.image.dirs;
    let owner = Owner { uid: folders.user.uid, gid: folders.user.gid };
    let names: Vec<&str> = dirs.iter().map(|dir| dir.value.as_str()).collect();
    let meta = Meta::named(format!("[dirs] make {}", names.join(" ")))
        .at(dirs.iter().map(|dir| scope.location(dir.lines)))
        .ignore_cache(scope.settings.no_cache.covers("dirs"));
    // Sorted, so that one within another finds that made already.
    let mut paths: Vec<String> = names.iter().map(|name| folders.resolve(name)).collect();
    paths.sort_unstable();
    folders.layer(&paths, |_| Some(owner)).build(meta)
}
