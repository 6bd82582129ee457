//! What a Dockerfile copies: the code, where all of it comes from and goes to, and what is no code.

use parse_dockerfile::{CopyInstruction, Source, Stage};

use super::{
    Note,
    dockerfile::{Dockerfile, State},
    draft::{Code, Draft, Files, fits},
    folder::{Folder, LOCKS},
    models, packages, repositories,
};
use crate::{
    manifest::values,
    paths::{below, place},
};

/// What of the build context is part of the code.
pub struct Part {
    /// The line that copies it.
    line: usize,
    /// Where it is in the build context.
    source: String,
    /// Where it goes.
    to: String,
}

impl<'a> Dockerfile<'a> {
    /// Files that are copied, of the build context or of another stage.
    pub fn copy(&mut self, copy: &CopyInstruction<'a>, all: &[Stage<'_, '_>], index: usize) {
        let line = self.line(&copy.copy.span);
        let has_mode = copy.options.iter().any(|flag| flag.name.value == "chmod");
        if has_mode && self.stage.is_final {
            self.note(line, "`--chmod`: modes are those of the file itself");
        }
        let owner = copy.options.iter().find(|flag| flag.name.value == "chown");
        let owner = owner.and_then(|flag| flag.value.as_ref()).map(|owner| owner.value.as_ref());
        if owner.is_some_and(|owner| !is_root(owner)) {
            self.owned(line, "--chown");
        }
        let Some(flag) = copy.options.iter().find(|flag| flag.name.value == "from") else {
            self.sources(line, &copy.src, &copy.dest.value);
            return;
        };
        let stage = self.from(flag, all, index);
        let sources = copy.src.iter().filter_map(|source| match source {
            Source::Path(path) => Some(path.value.to_string()),
            _ => None,
        });
        let sources: Vec<_> = sources.collect();
        let image = match stage.map(|stage| (stage, &all[stage])) {
            None => Some(flag.value.as_ref().map_or_else(String::new, |it| it.value.to_string())),
            // A stage that does nothing is a name for its image.
            Some((stage, Stage { from, instructions: [], .. }))
                if self.base_stage(all, stage).is_none() =>
            {
                Some(self.image(&from.image.value))
            }
            Some(_) => None,
        };
        match (image, stage.and_then(|stage| self.states.get(&stage).cloned())) {
            (Some(image), _) if image.contains("astral-sh/uv") => self.draft.python.uv = true,
            (Some(image), _) if self.stage.is_final => {
                for source in &sources {
                    self.copy_of_image(line, &image, source, &copy.dest.value, sources.len() > 1);
                }
            }
            // What another stage is given of it is for what that makes.
            (Some(_), _) | (None, None) => {}
            (None, Some(stage)) => {
                let (dest, _) = self.filled(line, &copy.dest.value);
                for source in sources {
                    self.copy_of_stage(line, &stage, &source, &dest);
                }
            }
        }
    }

    /// A file or folder of another image; `into` a folder, whatever `dest` looks like.
    fn copy_of_image(&mut self, line: usize, image: &str, source: &str, dest: &str, into: bool) {
        let [(image, _), (path, _), (dest, _)] =
            [image, source, dest].map(|text| self.filled(line, text));
        let path = format!("/{}", path.trim_start_matches('/'));
        let to = self.path(&dest);
        let into = into || dest.ends_with('/') || self.is_folder(&to);
        let to = to + if into { "/" } else { "" };
        let words =
            format!("`COPY --from={image}` of `{path}`: `files` names each, at a place of its own");
        if !self.place_files(Files { from: Some(image), path, to }) {
            self.note(line, words);
        }
    }

    /// A file or folder of another stage.
    fn copy_of_stage(&mut self, line: usize, stage: &State, source: &str, dest: &str) {
        let name = source.rsplit('/').next().unwrap_or(source);
        if self.packages.exported.iter().any(|exported| exported == name) {
            return;
        }
        if is_of_packages(source) {
            if stage.has_installed && self.stage.is_final {
                self.installed = Some((line, stage.clone()));
            }
            return;
        }
        let to = self.path(dest);
        let source = match source.trim_end_matches('/') {
            absolute if absolute.starts_with('/') || absolute.is_empty() => absolute.to_owned(),
            relative => format!("{}/{relative}", stage.workdir.trim_end_matches('/')),
        };
        // A file of a clone is what a command has made there.
        if let Some(clone) = stage.clone.as_ref().filter(|_| !name.contains('.'))
            && let Some(subdir) = below(clone.to.trim_end_matches('/'), &source)
        {
            if !subdir.is_empty() {
                self.note(line, format!("of the remote, only `{subdir}`: `code.subdir`"));
            }
            self.clone_code(line, Code { to, ..clone.clone() });
            return;
        }
        // The part of the build context that it is in, or the parts that are in it.
        let copies = stage.copies.iter();
        let whole = copies
            .clone()
            .rev()
            .find_map(|(from, at)| Some((from, below(at.trim_end_matches('/'), &source)?)));
        let parts: Vec<(String, String)> = match whole {
            Some((from, rest)) => vec![(clean(&format!("{from}/{rest}")), to.clone())],
            None => {
                let part = |(from, at): &(String, String)| {
                    let to = to.trim_end_matches('/');
                    Some((
                        from.clone(),
                        format!("{to}/{}", below(source.trim_end_matches('/'), at)?),
                    ))
                };
                copies.filter_map(part).collect()
            }
        };
        if !parts.is_empty() && (stage.has_code || packages::is_input(name)) {
            for (from, to) in parts {
                self.stage.copies.push((from.clone(), to.clone()));
                self.part(line, from, to);
            }
        } else if stage.has_models {
            if !models::copied(self, &source, &to, dest.ends_with('/')) {
                self.note(
                    line,
                    format!(
                        "`COPY --from` of `{source}`: what is of `models` comes without it; {}",
                        models::of_cache()
                    ),
                );
            }
        } else if stage.has_code {
            self.note(line, format!("`COPY --from` of `{source}`: what a command makes of the code is `code.build`'s"));
        } else {
            self.note(line, format!("`COPY --from` of `{source}`: no stage makes files for a manifest; what another image has, `files` takes"));
        }
    }

    /// Files of the build context that are copied.
    pub fn sources(&mut self, line: usize, sources: &[Source<'_>], dest: &str) {
        let (dest, _) = self.filled(line, dest);
        let to = self.path(&dest);
        let into = dest.ends_with('/') || sources.len() > 1 || self.is_folder(&to);
        for source in sources {
            let path = match source {
                Source::Path(path) => path.value.as_ref(),
                _ => {
                    self.note(
                        line,
                        "a file that the Dockerfile itself holds: make it one of the project",
                    );
                    continue;
                }
            };
            let (path, is_known) = self.filled(line, path);
            if !is_known {
                continue;
            }
            if path.contains("://") {
                self.note(line, format!("`ADD {path}`: a model is `models: [{{url: …, sha256: …, to: {to}}}]`, code is `code: {{git: …}}`"));
                continue;
            }
            if !fits(&path, values::context) && !path.starts_with('/') {
                self.note(line, format!("`{path}` is outside of the build context"));
                continue;
            }
            let path = clean(&path);
            let is_folder = path.is_empty() || self.project.is_folder(&path);
            let at = if into && !is_folder {
                format!("{}/{}", to.trim_end_matches('/'), path.rsplit('/').next().unwrap_or(&path))
            } else {
                to.clone()
            };
            self.stage.copies.push((path.clone(), at.clone()));
            match repositories::told(&path, &at) {
                Some(told) => self.note(line, format!("`{path}` is not carried over: {told}")),
                None => self.part(line, path, at),
            }
        }
    }

    fn part(&mut self, line: usize, source: String, to: String) {
        let name = source.rsplit('/').next().unwrap_or(&source);
        let of_packages = packages::is_input(name);
        if LOCKS.contains(&name) {
            self.packages.locks.push((line, source.clone()));
        }
        if !of_packages {
            self.stage.has_code = true;
        }
        if self.stage.is_final && !of_packages {
            self.copied.push(Part { line, source, to });
        }
    }

    /// A repository that is cloned into the image: its code, if it is the first.
    pub fn clone_code(&mut self, line: usize, clone: Code) {
        if !self.code.source.is_empty() || !fits(&clone.to, values::destination) {
            self.note(line, format!("`git clone {}`: a manifest has one remote", clone.source));
            return;
        }
        let Code { source, reference, to, .. } = clone;
        self.code = Code { source, reference, to, ..std::mem::take(&mut self.code) };
        self.cloned = Some(line);
        self.stage.has_code = true;
    }

    /// Whether there is a folder at that place already.
    fn is_folder(&self, path: &str) -> bool {
        path == self.stage.workdir || values::is_folder(path)
    }

    /// Makes `files` of what is neither code nor models, if it can be.
    fn place_files(&mut self, files: Files) -> bool {
        let place = |Files { path, to, .. }: &Files| place(path, to);
        let is_there = match &files.from {
            Some(image) => fits(image, values::image) && fits(&files.path, values::in_image),
            None => fits(&files.path, values::in_context),
        };
        let is_taken = self.draft.files.iter().any(|other| place(other) == place(&files));
        // What is in `/tmp` is for commands of the build, and an archive may have been unpacked.
        let is_archive = [".tar", ".tgz", ".gz", ".xz", ".bz2", ".zip"];
        let is_archive = is_archive.iter().any(|ending| files.path.ends_with(ending));
        let can_be = is_there
            && !is_archive
            && fits(&files.to, values::files_destination)
            && !is_taken
            && files.to != self.code.to
            && !files.to.starts_with("/tmp/");
        if can_be {
            self.draft.files.push(files);
        }
        can_be
    }

    /// Tells, once, of files that are to be somebody else's than root's.
    pub fn owned(&mut self, line: usize, by: &str) {
        let text = "all that is copied is root's, which the user reads: folders that it writes to \
                    are `dirs`";
        let is_told = self.notes.iter().any(|note| note.text.ends_with(text));
        if self.stage.is_final && !is_told {
            self.note(line, format!("`{by}`: {text}"));
        }
    }

    /// Has the code installed, as a package that may be all that the image has of it.
    pub fn install_code(&mut self) {
        self.code.install = true;
        self.stage.has_installed = true;
    }

    /// The code that another stage has installed, where its packages are all that is copied of it.
    fn place_installed(&mut self) {
        let Some((line, stage)) = self.installed.take() else { return };
        let is_code = |source: &String| {
            let name = source.rsplit('/').next().unwrap_or(source);
            !packages::is_input(name)
        };
        let copies = stage.copies.into_iter().filter(|(source, _)| is_code(source));
        let mut parts: Vec<_> = copies.map(|(source, to)| Part { line, source, to }).collect();
        let is_copied =
            |part: &Part| parts.iter().any(|own| below(&part.source, &own.source).is_some());
        if !self.code.source.is_empty() || self.copied.iter().any(is_copied) {
            return;
        }
        match stage.clone {
            Some(clone) if parts.is_empty() => self.clone_code(line, clone),
            _ => {
                parts.append(&mut self.copied);
                self.copied = parts;
            }
        }
    }

    /// The one folder that all copied parts of the build context come from.
    pub fn place_code(&mut self) {
        self.place_installed();
        let parts = std::mem::take(&mut self.copied);
        // What is cloned beside a project's own folders is something that it uses.
        if let Some(line) = self.cloned
            && parts.iter().any(|part| self.project.is_folder(&part.source))
        {
            let url = std::mem::take(&mut self.code.source);
            self.code.reference = None;
            self.note(line, format!("`git clone {url}`: the code is of the build context, and a manifest has it from one place"));
        }
        if parts.is_empty() || !self.code.source.is_empty() {
            for part in parts {
                let (path, to) = (part.source.clone(), part.to.clone());
                if !self.place_files(Files { from: None, path, to }) {
                    let words =
                        format!("`{}` of the build context: the code is from git", part.name());
                    self.note(part.line, words);
                }
            }
            return;
        }
        // The folder and its place by which most parts come to where they are copied.
        // All of the context at once says most.
        let says = |(part, place): &(&Part, (String, String))| {
            let explained = parts.iter().filter(|part| part.lies_by(place)).count();
            (part.source.is_empty(), explained, place.0.is_empty())
        };
        let places = parts.iter().filter_map(|part| Some((part, part.place(self.project)?)));
        let best = places.rev().max_by_key(says).map(|(_, place)| place);
        let (source, to) = best.unwrap_or_else(|| (String::new(), "/app".to_owned()));
        self.code.to.clone_from(&to);
        let place = (source, to);
        for part in parts.iter().filter(|part| !part.lies_by(&place)) {
            let python = &self.draft.python;
            let says_packages = python.requirements.contains(&part.source)
                || [&python.lock, &python.pyproject].contains(&&Some(part.source.clone()));
            let files = Files { from: None, path: part.source.clone(), to: part.to.clone() };
            if says_packages || self.place_files(files) {
                continue;
            }
            let (name, to) = (part.name(), &place.1);
            self.note(
                part.line,
                format!("`{name}` does not come to `{}`: all of the code goes to `{to}`", part.to),
            );
        }
        let (source, _) = place;
        if parts.iter().all(|part| part.source != source) {
            let names: Vec<_> = parts.iter().map(Part::name).collect();
            let whole = if source.is_empty() { "the folder" } else { &source };
            self.note(
                parts[0].line,
                format!(
                    "the code is all of {whole}, and not only {}: name the others in .dockerignore",
                    names.join(", ")
                ),
            );
        }
        self.code.source = if source.is_empty() { ".".to_owned() } else { source };
    }
}

impl Part {
    /// What people call it.
    fn name(&self) -> &str {
        if self.source.is_empty() { "." } else { &self.source }
    }

    /// The largest folder of the build context that, at a place of its own, has this part where it
    /// is copied to; none if that is no place for code.
    fn place(&self, project: &Folder) -> Option<(String, String)> {
        let (mut source, mut to) = (self.source.as_str(), self.to.as_str());
        while let (Some((above, name)), Some((place, same))) = (
            source.rsplit_once('/').or((!source.is_empty()).then_some(("", source))),
            to.rsplit_once('/'),
        ) && name == same
            && fits(place, values::destination)
        {
            (source, to) = (above, place);
        }
        let is_folder = source.is_empty() || project.is_folder(source);
        (is_folder && fits(to, values::destination)).then(|| (source.to_owned(), to.to_owned()))
    }

    /// Whether a folder at a place has it where it is copied to.
    fn lies_by(&self, (folder, place): &(String, String)) -> bool {
        match below(folder, &self.source) {
            None => false,
            Some("") => self.to == *place,
            Some(rest) => self.to == format!("{place}/{rest}"),
        }
    }
}

/// Takes out files that would be where the code is, which is known last, and tells of each.
pub(super) fn apart(draft: &mut Draft) -> Vec<Note> {
    let Some(code) = &draft.code else { return Vec::new() };
    let (apart, among): (_, Vec<_>) =
        std::mem::take(&mut draft.files).into_iter().partition(|files| files.to != code.to);
    draft.files = apart;
    let told = |Files { path, to, .. }: &Files| Note {
        place: None,
        text: format!(
            "`{path}` goes into `{to}`, where the code is: name its place in there, under `files`"
        ),
    };
    among.iter().map(told).collect()
}

/// Whether the owner that a command gives to files is root.
pub fn is_root(owner: &str) -> bool {
    ["root", "0"].contains(&owner.split(':').next().unwrap_or(owner))
}

/// Whether what is copied from another stage are packages that were installed or built there, by
/// its folder.
fn is_of_packages(path: &str) -> bool {
    let of_python = ["/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/lib64"];
    let path = path.trim_end_matches('/');
    let is_folder = |name: &str| {
        let known = ["site-packages", "dist-packages", ".local", ".cache", "wheels", "wheelhouse"];
        known.contains(&name) || name.ends_with("venv") || name == "install"
    };
    of_python.contains(&path)
        || path.starts_with("/usr/local/lib/python")
        || path.split('/').any(is_folder)
}

/// A path of the build context, relative and without a slash at its end.
pub fn clean(path: &str) -> String {
    let path = path.trim_start_matches('/');
    values::relative(path).unwrap_or_else(|_| path.trim_end_matches('/').to_owned())
}
