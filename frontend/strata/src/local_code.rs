//! Whether the code has the packages that are left to it, and imports find them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inputs::{self, Demand},
    lock::{Local, Pyproject},
    mistake::{Mistake, Mistakes, list, quote},
    notice::Notice,
    paths::{below, join},
    recipe::{Code, CodeSource, ImageSettings, InputPath, Recipe, Target},
};

/// The project that the packages are of, where it is a package itself: code that nothing installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name, normalised (PEP 503).
    pub name: String,
    /// Its folder in the code; empty for all of it.
    pub place: String,
    /// The command of it that the image runs, which there is only once it is installed.
    pub command: Option<String>,
    /// Whether the code has one of its [`modules`](Self::modules).
    pub has_src: bool,
}

impl Project {
    /// What the code has if the project is laid out with its modules in `src`.
    pub fn modules(&self) -> BTreeSet<String> {
        let module = join(&self.place, &format!("src/{}", self.name.replace('-', "_")));
        [format!("{module}.py"), module].into()
    }

    /// The folder of the code in which imports find its modules.
    fn root(&self) -> String {
        join(&self.place, if self.has_src { "src" } else { "" })
    }

    fn has_to_be_installed(&self, recipe: &Recipe, code: &Code) -> bool {
        self.command.is_some() || !runs_in(&self.root(), recipe, code)
    }
}

/// The project of what `demand` asks for, if it may have to be installed and is not.
pub fn project(recipe: &Recipe, demand: &Demand) -> Option<Project> {
    let code = recipe.code.as_ref()?;
    let folder = inputs::project(recipe)?.beside("")?;
    let project = Pyproject::parse(demand.project.as_ref()?).ok()?;
    let (name, place) = (project.name()?, in_code(code, folder).ok()??);
    if !project.is_package() || is_installed(code, &place) {
        return None;
    }
    let commands = project.commands();
    let command = program(recipe).filter(|word| commands.contains(word)).map(str::to_owned);
    if command.is_none() && has_path(recipe) {
        return None;
    }
    Some(Project { name, place, command, has_src: false })
}

/// What to say beside a build whose code has all that `local` names, and has to be installed, the
/// `project` too, for imports to find it; none if they will.
///
/// # Errors
///
/// Every package that is not in the code.
pub fn check(
    recipe: &Recipe,
    local: &[Local],
    project: Option<&Project>,
) -> Result<Option<Notice>, Mistakes> {
    // The other targets leave the code to others.
    let needed: BTreeSet<(&str, &str)> = local
        .iter()
        .filter(|one| one.is_package && recipe.target == Target::Image)
        .map(|one| (one.name.as_str(), one.folder.as_str()))
        .collect();
    let (mut mistakes, mut missing) = (Vec::new(), BTreeMap::new());
    for (name, folder) in needed {
        match place(recipe, folder) {
            Ok(place) => {
                let place = place.filter(|place| !is_found(recipe, place));
                missing.extend(place.map(|place| (name, place)));
            }
            Err(mistake) => {
                let words = format!("`{name}` comes from the folder {}, ", quote(folder));
                let message = words + &mistake.message;
                let mistake = Mistake { message, ..mistake };
                let line = local.iter().find(|one| one.name == name);
                mistakes.push(match line.and_then(|one| one.location.as_ref()) {
                    Some(location) => mistake.on(&location.file, location.lines),
                    None => mistake,
                });
            }
        }
    }
    Mistakes(mistakes).or(())?;
    let Some(code) = &recipe.code else { return Ok(None) };
    let project = project.filter(|project| project.has_to_be_installed(recipe, code));
    missing.extend(project.map(|project| (project.name.as_str(), project.place.clone())));
    let command = project.and_then(|project| project.command.as_deref());
    Ok((!missing.is_empty()).then(|| notice(code, &missing, command)))
}

/// That packages of the code, by their names and folders, are not installed.
fn notice(code: &Code, missing: &BTreeMap<&str, String>, command: Option<&str>) -> Notice {
    let (are, them) = if missing.len() == 1 { ("is", "it") } else { ("are", "them") };
    let names = list(missing.keys().copied());
    let installed = code.install.iter().flat_map(|install| &install.value);
    let folders: BTreeSet<&str> = installed.chain(missing.values()).map(String::as_str).collect();
    let shown = folders.iter().map(|folder| if folder.is_empty() { "." } else { *folder });
    let install = match shown.collect::<Vec<_>>()[..] {
        ["."] => "true".to_owned(),
        ref folders => format!("[{}]", folders.join(", ")),
    };
    let (why, instead) = match command {
        Some(command) => (format!("there is no `{command}` to run"), ""),
        None => (format!("imports may not find {them}"), ", or set PYTHONPATH in `env`"),
    };
    let text = format!(
        "{names} {are} in the code and not installed, so {why}: write `code.install: \
         {install}`{instead}"
    );
    Notice::new("UninstalledCode", text).at(code.lines)
}

/// Where in the code a folder is that the lock names; none if nobody can know.
fn place(recipe: &Recipe, folder: &str) -> Result<Option<String>, Mistake> {
    let Some(lock) = &recipe.python.lock else { return Ok(None) };
    let Some(code) = &recipe.code else {
        let mistake = Mistake::new("and there is no `code`");
        return Err(mistake.help("it is code: name the folder that has it, as `code: .`"));
    };
    let place = lock.value.beside(folder).ok_or_else(|| {
        let (root, help) = match &lock.value {
            InputPath::Context(_) => ("the build context", "build with a folder that holds both"),
            InputPath::Code(_) => ("the code", "take more of it: see `code.subdir`"),
        };
        let help = format!("{help}, publish the package to an index, or depend on it by a git URL");
        Mistake::new(format!("outside of {root}")).help(help)
    })?;
    in_code(code, place)
}

/// Where in the code a folder is; none if nobody can know.
fn in_code(code: &Code, folder: InputPath) -> Result<Option<String>, Mistake> {
    match (folder, &code.source) {
        (InputPath::Code(place), _) => Ok(Some(place)),
        // What another remote's lock calls its folders says nothing of this one.
        (InputPath::Context(_), CodeSource::Git(_)) => Ok(None),
        (InputPath::Context(place), CodeSource::Context(root)) => {
            let root = join(root, &code.subdir);
            below(&root, &place).map(|it| Some(it.to_owned())).ok_or_else(|| {
                let help = format!(
                    "the code is {} of the build context: take a folder that holds both",
                    quote(&root)
                );
                Mistake::new("which is not in the code").help(help)
            })
        }
    }
}

/// Whether imports find the package in that folder of the code.
fn is_found(recipe: &Recipe, place: &str) -> bool {
    recipe.code.as_ref().is_some_and(|code| is_installed(code, place)) || has_path(recipe)
}

fn is_installed(code: &Code, place: &str) -> bool {
    code.install.as_ref().is_some_and(|it| it.value.iter().any(|folder| folder == place))
}

fn has_path(recipe: &Recipe) -> bool {
    recipe.image.env.contains_key("PYTHONPATH")
}

/// Whether the image is run in that folder of the code, or its command names it: `python
/// src/main.py`, `uvicorn --app-dir src`, `uvicorn src.main:app`.
fn runs_in(root: &str, recipe: &Recipe, code: &Code) -> bool {
    if root.is_empty() {
        return true;
    }
    let root = join(&code.to, root);
    let workdir = recipe.image.workdir.as_deref().unwrap_or(&code.to);
    let from_workdir = below(workdir, &root).map(|path| [path.to_owned(), path.replace('/', ".")]);
    let names: Vec<String> = from_workdir.into_iter().flatten().chain([root.clone()]).collect();
    below(&root, workdir).is_some()
        || words(recipe).any(|word| names.iter().any(|name| word.contains(name)))
}

/// The words that a container is started with.
fn words(recipe: &Recipe) -> impl Iterator<Item = &str> {
    let ImageSettings { entrypoint, cmd, .. } = &recipe.image;
    entrypoint.iter().chain(cmd).flatten().map(String::as_str)
}

/// The program that a container runs; of an init such as `tini --`, that one's.
fn program(recipe: &Recipe) -> Option<&str> {
    let entrypoint = recipe.image.entrypoint.as_deref().unwrap_or_default();
    let is_init = entrypoint.last().is_some_and(|word| word == "--");
    words(recipe).nth(if is_init { entrypoint.len() } else { 0 })
}
