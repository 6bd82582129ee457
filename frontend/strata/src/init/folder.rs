//! What a project's folder has for Python's tools.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use pep440_rs::{Version, VersionSpecifiers};
use toml::{Table, Value};

use super::{
    Note,
    draft::{Code, Draft, Python, Words, fits},
};
use crate::{manifest::values, paths::join};

/// Locks, the best to have first.
pub const LOCKS: [&str; 5] = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"];

/// What reads a package's version from a repository, and the variable that says it instead.
const BY_GIT: [(&str, &str); 4] = [
    ("setuptools-scm", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("hatch-vcs", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    ("uv-dynamic-versioning", "UV_DYNAMIC_VERSIONING_BYPASS"),
    ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
];

/// Python's series, the one to take first that a project allows.
const SERIES: [u64; 6] = [12, 13, 11, 14, 10, 9];

/// The folder of a project, as far as there is one to look at.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    root: Option<PathBuf>,
}

impl Folder {
    /// The folder at `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: Some(root.to_owned()) }
    }

    /// Whether a file or folder may be there: yes where there is nothing to look at.
    pub fn may_have(&self, name: &str) -> bool {
        self.root.as_ref().is_none_or(|root| root.join(name).exists())
    }

    /// Whether it is a folder, by its name where there is nothing to look at.
    pub fn is_folder(&self, name: &str) -> bool {
        match &self.root {
            Some(root) => root.join(name).is_dir(),
            None => !name.rsplit('/').next().unwrap_or(name).contains('.'),
        }
    }

    /// The text of a file that is there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.as_ref()?.join(name)).ok()
    }

    /// Says so if nothing keeps files out of the code.
    pub fn without_ignore_file(&self) -> Option<Note> {
        let text =
            "there is no .dockerignore: all files of the folder are code, also .venv and .env";
        let is_there = self.may_have(".dockerignore");
        (!is_there).then(|| Note { place: None, text: text.to_owned() })
    }

    /// Says so if the code that is installed takes its version from a repository, which it is without.
    pub(super) fn versioned_by_git(&self, code: &Code) -> Option<Note> {
        if !code.install || code.is_remote() || !code.env.is_empty() {
            return None;
        }
        let folder = if code.source == "." { "" } else { &code.source };
        let name = join(folder, "pyproject.toml");
        let project: Table = self.read(&name)?.parse().ok()?;
        let requires = project.get("build-system")?.get("requires")?.as_array()?.iter();
        let names = requires.filter_map(Value::as_str).map(|one| one.replace('_', "-"));
        let found =
            names.into_iter().find_map(|one| BY_GIT.iter().find(|(name, _)| one.starts_with(name)));
        let (backend, variable) = found?;
        let text = format!(
            "{backend} reads the version from `.git`, which is never part of the code: `code: {{env: \
             {{{variable}: …}}}}` says it"
        );
        Some(Note { place: None, text })
    }

    /// What is to be installed, by the first that is there.
    pub(super) fn python(&self, python: &mut Python) {
        if self.root.is_none() {
            return;
        }
        let has = |name: &&str| self.may_have(name);
        if let Some(lock) = LOCKS.into_iter().find(|name| has(name)) {
            python.lock = Some(lock.to_owned());
        } else if has(&"requirements.txt") {
            python.requirements.push("requirements.txt".to_owned());
        } else if has(&"pyproject.toml") {
            python.pyproject = Some("pyproject.toml".to_owned());
        }
    }

    /// The project's file of a member of uv's workspace, as the lock has it.
    pub(super) fn member(&self, name: &str) -> Option<String> {
        let lock: Table = self.read("uv.lock")?.parse().ok()?;
        let packages = lock.get("package")?.as_array()?.iter();
        let mut named =
            packages.filter(|one| one.get("name").and_then(Value::as_str) == Some(name));
        let folder = named.find_map(|one| {
            let source = one.get("source")?;
            ["editable", "virtual", "directory"].iter().find_map(|key| source.get(key)?.as_str())
        })?;
        Some(join(if folder == "." { "" } else { folder }, "pyproject.toml"))
    }

    /// A manifest for a project without a Dockerfile.
    pub(super) fn draft(&self) -> Result<(Draft, Vec<Note>), String> {
        let mut draft = Draft::default();
        self.python(&mut draft.python);
        if !draft.python.installs() {
            return Err("there is nothing to begin with: no Dockerfile, no lock, no \
                        requirements.txt and no pyproject.toml"
                .to_owned());
        }
        let project = self.project();
        draft.base = format!("python:{}-slim", self.series(&project));
        let mut code = Code { source: ".".to_owned(), to: "/app".to_owned(), ..Code::default() };
        let mut notes: Vec<_> = self.without_ignore_file().into_iter().collect();
        let program = ["main.py", "app.py"].into_iter().find(|name| self.may_have(name));
        match (script(&project), program) {
            (Some(script), _) => {
                code.install = true;
                draft.cmd = Some(Words::List(vec![script]));
            }
            (None, Some(program)) => {
                draft.cmd = Some(Words::List(["python", program].map(str::to_owned).into()));
            }
            (None, None) => {
                let text = "nothing says what the image is to run: add `cmd`".to_owned();
                notes.push(Note { place: None, text });
            }
        }
        notes.extend(self.versioned_by_git(&code));
        draft.code = Some(code);
        Ok((draft, notes))
    }

    fn project(&self) -> Table {
        let text = self.read("pyproject.toml").unwrap_or_default();
        text.parse().unwrap_or_default()
    }

    /// The series of Python that the project is for.
    fn series(&self, project: &Table) -> String {
        let pinned = self.read(".python-version").and_then(|text| {
            let mut parts = text.trim().split('.').map(|part| part.parse::<u64>().ok());
            Some((parts.next()??, parts.next()??))
        });
        if let Some((3, minor)) = pinned {
            return format!("3.{minor}");
        }
        let wanted = project.get("project").and_then(|project| project.get("requires-python"));
        let wanted = wanted.and_then(Value::as_str).unwrap_or_default();
        let wanted = VersionSpecifiers::from_str(wanted).unwrap_or_default();
        let allowed = |minor: &u64| {
            [0, 99].iter().any(|patch| wanted.contains(&Version::new([3, *minor, *patch])))
        };
        let minor = SERIES.into_iter().find(allowed).unwrap_or(SERIES[0]);
        format!("3.{minor}")
    }
}

/// The one program that a project installs, if it can be installed and has one.
fn script(project: &Table) -> Option<String> {
    project.get("build-system")?;
    let scripts = project.get("project")?.get("scripts")?.as_table()?;
    let mut names = scripts.keys();
    let name = names.next().filter(|name| !name.contains(char::is_whitespace))?;
    let is_only = names.next().is_none() && fits(name, values::extra);
    is_only.then(|| name.clone())
}
