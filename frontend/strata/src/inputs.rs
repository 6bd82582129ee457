//! The requirements files that a recipe leads to, one naming the next.

use std::{collections::BTreeMap, sync::Arc};

use llb::{Location, SourceFile};

use crate::{
    mistake::{Mistake, Mistakes},
    recipe::{Recipe, RequirementsPath},
    requirements::{IncludeKind, InstallSet, Requirement, RequirementsFile},
};

/// A walk over requirements files: it says which texts it needs, and is given them.
///
/// Reading them is somebody else's work, from BuildKit or from a disk; what they lead to is the
/// same.
#[derive(Debug)]
pub struct RequirementTexts {
    /// Every file that something named: what for, and by which line.
    named: BTreeMap<RequirementsPath, Named>,
    mistakes: Vec<Mistake>,
}

#[derive(Debug)]
struct Named {
    kind: IncludeKind,
    by: Location,
    /// None until it is given.
    read: Option<RequirementsFile>,
}

impl RequirementTexts {
    /// Starts with the files that the manifest names.
    pub fn new(recipe: &Recipe) -> Self {
        let mut texts = Self { named: BTreeMap::new(), mistakes: Vec::new() };
        for path in &recipe.python.requirements {
            let by = Location { file: Arc::clone(&recipe.file), lines: path.lines };
            texts.name(path.value.clone(), IncludeKind::Requirements, by);
        }
        texts
    }

    /// A file that is named for both is one of requirements: they constrain, too.
    fn name(&mut self, path: RequirementsPath, kind: IncludeKind, by: Location) {
        let named = self.named.entry(path).or_insert(Named { kind, by, read: None });
        named.kind = named.kind.min(kind);
    }

    /// The files to be read next; when there are none, all have been.
    pub fn pending(&self) -> Vec<RequirementsPath> {
        let pending = self.named.iter().filter(|(_, named)| named.read.is_none());
        pending.map(|(path, _)| path.clone()).collect()
    }

    /// Gives a file's text.
    pub fn supply(&mut self, path: RequirementsPath, data: Vec<u8>) {
        let file = SourceFile { name: shown(&path), language: "Text".to_owned(), data };
        let file = Arc::new(file);
        let read = RequirementsFile::parse(&file).unwrap_or_else(|mistakes| {
            self.mistakes.extend(mistakes.0);
            RequirementsFile::default()
        });
        for include in &read.includes {
            let by = Location { file: Arc::clone(&file), lines: include.lines };
            match beside(&path, &include.path) {
                // As pip has it, `-r` names requirements even in a file of constraints.
                Some(other) => self.name(other, include.kind, by),
                None => {
                    let message = format!("`{}` is outside of the build context", include.path);
                    self.mistakes.push(Mistake::at(&by.file, by.lines, message));
                }
            }
        }
        self.done(path, read);
    }

    /// Says that a file cannot be had, and why.
    pub fn missing(&mut self, path: RequirementsPath, why: &str) {
        if let Some(Named { by, .. }) = self.named.get(&path) {
            let place = match path {
                RequirementsPath::Context(_) => "relative to the build context",
                RequirementsPath::Code(_) => "relative to the code's `subdir`",
            };
            let message = format!("cannot read `{}`: {why}", shown(&path));
            let mistake = Mistake::at(&by.file, by.lines, message);
            self.mistakes.push(mistake.help(format!("its path is {place}")));
        }
        self.done(path, RequirementsFile::default());
    }

    fn done(&mut self, path: RequirementsPath, read: RequirementsFile) {
        if let Some(named) = self.named.get_mut(&path) {
            named.read = Some(read);
        }
    }

    /// What all files and the manifest's own packages come to.
    ///
    /// # Errors
    ///
    /// Every mistake in any of them.
    pub fn install_set(&self, recipe: &Recipe) -> Result<InstallSet, Mistakes> {
        let mut mistakes = self.mistakes.clone();
        let mut set = InstallSet::default();
        for Named { kind, read, .. } in self.named.values() {
            if let Some(file) = read {
                set.add_file(*kind, file);
            }
        }
        for package in &recipe.python.packages {
            match Requirement::parse(&package.value) {
                Ok(requirement) => set.add(requirement),
                Err(mistake) => mistakes.push(mistake.on(&recipe.file, package.lines)),
            }
        }
        let python = &recipe.python;
        let extra = python.extra_index_urls.iter().map(|url| url.value.clone());
        set.add_indexes(python.index_url.as_ref().map(|url| url.value.clone()), extra);
        if mistakes.is_empty() { Ok(set) } else { Err(Mistakes(mistakes)) }
    }
}

/// What messages call a file.
fn shown(path: &RequirementsPath) -> String {
    match path {
        RequirementsPath::Context(path) => path.clone(),
        RequirementsPath::Code(path) => format!("code:{path}"),
    }
}

/// The path that `path` is, seen from the file `from`; none if it leaves the root.
fn beside(from: &RequirementsPath, path: &str) -> Option<RequirementsPath> {
    let (RequirementsPath::Context(own) | RequirementsPath::Code(own)) = from;
    let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    Some(match from {
        RequirementsPath::Context(_) => RequirementsPath::Context(joined),
        RequirementsPath::Code(_) => RequirementsPath::Code(joined),
    })
}
