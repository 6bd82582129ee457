//! The files that say what to install: requirements, one naming the next, a project, a lock.

use std::{collections::BTreeMap, sync::Arc};

use llb::{Location, SourceFile};

use crate::{
    environment::Environment,
    lock::{self, Kind, Lock, Pyproject},
    mistake::{Mistake, Mistakes, Spanned},
    recipe::{Indexes, InputPath, Python, Recipe},
    requirements::{IncludeKind, InstallSet, Requirement, RequirementsFile, Selection},
};

/// A walk over files: it says which texts it needs, and is given them.
///
/// Reading them is somebody else's work, from BuildKit or from a disk; what they lead to is the
/// same.
#[derive(Debug)]
pub struct Inputs {
    /// Every requirements file that something named: what for, and by which line.
    named: BTreeMap<InputPath, Named>,
    /// The project and the lock, where the manifest names them, and other projects of the lock.
    whole: BTreeMap<InputPath, Whole>,
    mistakes: Vec<Mistake>,
}

/// A file that names no others.
#[derive(Debug)]
struct Whole {
    by: Location,
    /// None until it is given, and if it cannot be had.
    text: Option<Arc<SourceFile>>,
    is_pending: bool,
    /// Whether nobody misses it.
    is_optional: bool,
}

/// What people's files and the manifest ask for.
#[derive(Clone, Debug, Default)]
pub struct Demand {
    /// What is to be resolved, or has been by `lock`.
    pub requirements: InstallSet,
    /// The lock that another tool keeps.
    pub lock: Option<OwnLock>,
    /// The project, whose dependencies are required; with a lock, that the lock is of.
    pub project: Option<Arc<SourceFile>>,
    /// Of a lock that was made from several projects, the others.
    pub members: Vec<Arc<SourceFile>>,
    /// What of the project and of the lock is asked for.
    pub selection: Selection,
}

/// A lock that another tool keeps.
#[derive(Clone, Debug)]
pub struct OwnLock {
    /// The file.
    pub file: Arc<SourceFile>,
    /// What tool's lock it is.
    pub kind: Kind,
}

impl Demand {
    /// What another tool's lock has for an environment, if one was named.
    ///
    /// # Errors
    ///
    /// As [`lock::read`]; what is wrong with the selection is on the recipe's lines.
    pub fn own_lock(
        &self,
        recipe: &Recipe,
        environment: &Environment,
    ) -> Result<Option<Lock>, Mistakes> {
        let Self { lock, project, members, selection, .. } = self;
        let Some(OwnLock { file, kind }) = lock else { return Ok(None) };
        let logins = lock::logins(file, *kind).into_iter();
        let unknown: Vec<Mistake> = logins.filter_map(|host| no_login(&host, recipe)).collect();
        let lock = if unknown.is_empty() {
            lock::read(file, *kind, project.as_ref(), members, selection, environment)
        } else {
            Err(Mistakes(unknown))
        };
        let lock = lock.map_err(|mistakes| recipe.blame_selection(mistakes))?;
        Ok(Some(lock.asked_of(self.requirements.index(), None)))
    }

    /// Refuses a Python that the project is not for, where no lock says for which it is.
    ///
    /// # Errors
    ///
    /// One mistake, on the project's line.
    pub fn check_python(&self, environment: &Environment) -> Result<(), Mistakes> {
        match self.project.as_ref().filter(|_| self.lock.is_none()) {
            Some(project) => Pyproject::parse(project)?.check_python(environment),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Named {
    kind: IncludeKind,
    by: Location,
    /// None until it is given.
    read: Option<RequirementsFile>,
}

impl Inputs {
    /// Starts with the files that the manifest names.
    pub fn new(recipe: &Recipe) -> Self {
        let mut inputs =
            Self { named: BTreeMap::new(), whole: BTreeMap::new(), mistakes: Vec::new() };
        let by = |lines| Location { file: Arc::clone(&recipe.file), lines };
        for path in &recipe.python.requirements {
            inputs.name(path.value.clone(), IncludeKind::Requirements, by(path.lines));
        }
        let whole =
            |lines, is_optional| Whole { by: by(lines), text: None, is_pending: true, is_optional };
        if let Some(lock) = &recipe.python.lock
            && let Some(project) = made_from(&lock.value)
        {
            inputs.whole.insert(project, whole(lock.lines, true));
        }
        for path in recipe.python.pyproject.iter().chain(&recipe.python.lock) {
            inputs.whole.insert(path.value.clone(), whole(path.lines, false));
        }
        inputs
    }

    /// A file that is named for both is one of requirements: they constrain, too.
    fn name(&mut self, path: InputPath, kind: IncludeKind, by: Location) {
        let named = self.named.entry(path).or_insert(Named { kind, by, read: None });
        named.kind = named.kind.min(kind);
    }

    /// The files to be read next; when there are none, all have been.
    pub fn pending(&self) -> Vec<InputPath> {
        let named = self.named.iter().filter(|(_, named)| named.read.is_none());
        let whole = self.whole.iter().filter(|(_, whole)| whole.is_pending);
        named.map(|(path, _)| path).chain(whole.map(|(path, _)| path)).cloned().collect()
    }

    /// Gives a file's text.
    pub fn supply(&mut self, path: InputPath, data: Vec<u8>) {
        let language = match path.name() {
            "Pipfile.lock" => "JSON",
            "Pipfile" => "TOML",
            name if name.ends_with(".toml") || name.ends_with(".lock") => "TOML",
            _ => "Text",
        };
        let file = SourceFile { name: path.to_string(), language: language.to_owned(), data };
        let file = Arc::new(file);
        if let Some(whole) = self.whole.get_mut(&path) {
            (whole.text, whole.is_pending) = (Some(Arc::clone(&file)), false);
            let by = whole.by.clone();
            for member in members(&path, &file) {
                let whole =
                    || Whole { by: by.clone(), text: None, is_pending: true, is_optional: true };
                self.whole.entry(member).or_insert_with(whole);
            }
        }
        if !self.named.contains_key(&path) {
            return;
        }
        let read = RequirementsFile::parse(&file).unwrap_or_else(|mistakes| {
            self.mistakes.extend(mistakes.0);
            RequirementsFile::default()
        });
        for include in &read.includes {
            let by = Location { file: Arc::clone(&file), lines: include.lines };
            match path.beside(&include.path) {
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
    pub fn missing(&mut self, path: InputPath, why: &str) {
        let named = self.named.get(&path).map(|named| named.by.clone());
        let whole = self.whole.get_mut(&path).and_then(|whole| {
            whole.is_pending = false;
            (!whole.is_optional).then(|| whole.by.clone())
        });
        if let Some(by) = named.or(whole) {
            let place = match &path {
                InputPath::Context(_) => "relative to the build context",
                InputPath::Code(_) => "relative to the code's `subdir`",
            };
            let message = format!("cannot read `{path}`: {why}");
            let mistake = Mistake::at(&by.file, by.lines, message);
            self.mistakes.push(mistake.help(format!("its path is {place}")));
        }
        self.done(path, RequirementsFile::default());
    }

    fn done(&mut self, path: InputPath, read: RequirementsFile) {
        if let Some(named) = self.named.get_mut(&path) {
            named.read = Some(read);
        }
    }

    /// What all files and the manifest's own packages come to.
    ///
    /// # Errors
    ///
    /// Every mistake in any of them.
    pub fn demand(&self, recipe: &Recipe) -> Result<Demand, Mistakes> {
        let mut mistakes = self.mistakes.clone();
        let mut requirements = self.requirements(recipe, &mut mistakes);
        let python = &recipe.python;
        let lock = python.lock.as_ref().map(|lock| &lock.value);
        let project = project(recipe);
        let members = lock.map(|lock| self.members(lock, project.as_ref())).unwrap_or_default();
        let lock = lock.and_then(|path| {
            Some(OwnLock { file: self.text(path)?, kind: Kind::of(path.path())? })
        });
        let project = project.and_then(|project| self.text(&project));
        let names = |names: &[Spanned<String>]| names.iter().map(|n| n.value.clone()).collect();
        let selection = Selection { extras: names(&python.extras), groups: names(&python.groups) };
        match project.as_ref().map(Pyproject::parse) {
            None => {}
            // With the lock, it is told there.
            Some(Err(_)) if lock.is_some() => {}
            Some(Err(found)) => mistakes.extend(recipe.blame_selection(found).0),
            Some(Ok(project)) => {
                if lock.is_none() {
                    let found = required(&project, &selection, &python.indexes, &mut requirements);
                    mistakes.extend(recipe.blame_selection(Mistakes(found)).0);
                }
                match project.build_constraints() {
                    Ok(held) => {
                        held.into_iter().for_each(|one| requirements.add_build_constraint(one))
                    }
                    Err(found) => mistakes.extend(recipe.blame_selection(found).0),
                }
                for (option, names) in project.formats() {
                    requirements.choose(option, names);
                }
            }
        }
        let demand = Demand { requirements, lock, project, members, selection };
        Mistakes(mistakes).or(demand)
    }

    /// What the requirements files and the manifest ask for, and by which indexes.
    fn requirements(&self, recipe: &Recipe, mistakes: &mut Vec<Mistake>) -> InstallSet {
        let mut set = InstallSet::default();
        for Named { kind, read, .. } in self.named.values() {
            let Some(file) = read else { continue };
            set.add_file(*kind, file);
            let logins = file.logins.iter();
            let unknown = logins.filter_map(|(host, at)| Some((no_login(host, recipe)?, at)));
            mistakes.extend(unknown.map(|(mistake, at)| mistake.on(&at.file, at.lines)));
        }
        for package in &recipe.python.packages {
            match Requirement::parse(&package.value) {
                Ok(requirement) => set.add(requirement),
                Err(mistake) => mistakes.push(mistake.on(&recipe.file, package.lines)),
            }
        }
        for constraint in &recipe.python.build_constraints {
            match Requirement::constraint(&constraint.value) {
                Ok(constraint) => set.add_build_constraint(constraint),
                Err(mistake) => mistakes.push(mistake.on(&recipe.file, constraint.lines)),
            }
        }
        let Indexes { index_url, extra_index_urls, find_links, .. } = recipe.python.indexes.clone();
        if index_url.is_none() {
            mistakes.extend(self.index_conflict());
        }
        set.add_indexes(index_url, extra_index_urls, find_links);
        set
    }

    /// The text of a file that names no others, if it was given.
    fn text(&self, path: &InputPath) -> Option<Arc<SourceFile>> {
        self.whole.get(path)?.text.clone()
    }

    /// Of a lock that was made from several projects, those beside `project`.
    fn members(&self, lock: &InputPath, project: Option<&InputPath>) -> Vec<Arc<SourceFile>> {
        let Some(file) = self.text(lock) else { return Vec::new() };
        let others = members(lock, &file).into_iter().filter(|it| Some(it) != project);
        others.filter_map(|member| self.text(&member)).collect()
    }

    /// Two files that have another index in PyPI's place. pip takes the one that it reads last, but
    /// here no order counts.
    fn index_conflict(&self) -> Option<Mistake> {
        let files = self.named.values().filter_map(|named| named.read.as_ref());
        let mut indexes =
            files.filter_map(|file| file.options.index_url.as_ref().zip(file.index.as_ref()));
        let (first, before) = indexes.next()?;
        let (_, other) = indexes.find(|(index, _)| *index != first)?;
        let (name, line) = (&before.file.name, before.lines.start);
        let message = format!("`--index-url` is another one than on line {line} of {name}");
        let help = "a build has one index in PyPI's place: say which by `index_url` in the manifest, \
                    and name others by `--extra-index-url`";
        Some(Mistake::at(&other.file, other.lines, message).help(help))
    }
}

/// Adds what a project requires to `set`: what is wrong with it, all at once.
fn required(
    project: &Pyproject,
    selection: &Selection,
    indexes: &Indexes,
    set: &mut InstallSet,
) -> Vec<Mistake> {
    let Indexes { index_url, extra_index_urls, find_links, .. } = indexes;
    let names_indexes =
        index_url.is_some() || !extra_index_urls.is_empty() || !find_links.is_empty();
    let mut mistakes = Vec::new();
    match project.requirements(selection) {
        Ok(required) => required.into_iter().for_each(|(one, _)| set.add(one)),
        Err(found) => mistakes.extend(found.0),
    }
    match project.constraints() {
        Ok(constraints) => constraints.into_iter().for_each(|one| set.add_constraint(one)),
        Err(found) => mistakes.extend(found.0),
    }
    mistakes.extend(project.check_tools(names_indexes).err().into_iter().flat_map(|it| it.0));
    mistakes
}

/// That nothing says how to log in at a host, where the URL of an index has variables for it.
fn no_login(host: &str, recipe: &Recipe) -> Option<Mistake> {
    if recipe.python.indexes.credentials.contains_key(host) {
        return None;
    }
    let words = format!("the login at {host} is in variables, which a build does not see");
    let help = format!(
        "name a build secret with `user:password` or a token: `python: {{credentials: {{{host}: \
         secret:my_index}}}}`"
    );
    Some(Mistake::new(words).help(help))
}

/// The file of the project that is meant: it is named, or is beside the lock.
pub fn project(recipe: &Recipe) -> Option<InputPath> {
    let Python { pyproject, lock, .. } = &recipe.python;
    let named = pyproject.as_ref().map(|project| project.value.clone());
    named.or_else(|| made_from(&lock.as_ref()?.value))
}

/// The file that a lock is made from, if it has one: in the same folder.
fn made_from(lock: &InputPath) -> Option<InputPath> {
    lock.beside(Kind::of(lock.path())?.made_from()?)
}

/// The other projects that a lock was made from, too; of another file, none.
fn members(path: &InputPath, file: &Arc<SourceFile>) -> Vec<InputPath> {
    let folders = Kind::of(path.path()).map(|kind| lock::folders(file, kind)).unwrap_or_default();
    let projects = folders.iter().map(|folder| format!("{folder}/pyproject.toml"));
    projects.filter_map(|project| path.beside(&project)).collect()
}
