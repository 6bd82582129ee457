//! A manifest in the making: what was found, in the order in which a manifest says it.

use super::{shell::assignment, yaml::Yaml};
use crate::manifest::values::{self, Read};

/// The manifest's first line.
const SYNTAX: &str = "# syntax=strata\n";

/// What was found so far. Lists hold each thing once.
#[derive(Debug, Default)]
pub struct Draft {
    /// The base image.
    pub base: String,
    /// Packages of the base's package manager.
    pub system: System,
    /// The Python environment.
    pub python: Python,
    /// Models, in their order.
    pub models: Vec<Model>,
    /// The application's code.
    pub code: Option<Code>,
    /// Files that are neither.
    pub files: Vec<Files>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// Who runs it.
    pub user: Option<String>,
    /// Working directory.
    pub workdir: Option<String>,
    /// Entrypoint.
    pub entrypoint: Option<Words>,
    /// Command.
    pub cmd: Option<Words>,
    /// Ports.
    pub ports: Vec<String>,
    /// Volumes.
    pub volumes: Vec<String>,
    /// Folders that the user writes to.
    pub dirs: Vec<String>,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Keys of the health check, with the check.
    pub healthcheck: Option<(Words, Vec<(String, String)>)>,
    /// The signal that stops it.
    pub stop_signal: Option<String>,
}

/// Packages of the base's package manager.
#[derive(Debug, Default)]
pub struct System {
    /// Of a base without a Python.
    pub python: Vec<String>,
    /// That stay.
    pub runtime: Vec<String>,
    /// That only builds need.
    pub build: Vec<String>,
}

/// A file or a folder of the build context or of another image.
#[derive(Debug)]
pub struct Files {
    /// The image; none for the build context.
    pub from: Option<String>,
    /// Where it is there.
    pub path: String,
    /// Where it goes.
    pub to: String,
}

/// The Python environment.
#[derive(Debug, Default)]
pub struct Python {
    /// Requirements files.
    pub requirements: Vec<String>,
    /// Requirements.
    pub packages: Vec<String>,
    /// A project.
    pub pyproject: Option<String>,
    /// The same of the member that a command names of a lock's workspace.
    pub member: Option<String>,
    /// Its extras.
    pub extras: Vec<String>,
    /// Its dependency groups.
    pub groups: Vec<String>,
    /// A lock.
    pub lock: Option<String>,
    /// Whether uv installs.
    pub uv: bool,
    /// The index in place of PyPI.
    pub index_url: Option<String>,
    /// Indexes beside it.
    pub extra_index_urls: Vec<String>,
    /// Pages with links.
    pub find_links: Vec<String>,
    /// The build of PyTorch.
    pub torch: Option<String>,
    /// Variables for builds from source.
    pub env: Vec<(String, String)>,
    /// Whether packages of the base's own Python count as installed.
    pub system_site_packages: bool,
    /// Modules that must import.
    pub verify: Vec<String>,
}

/// A model, by its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// `hf` or `spacy`, and which.
    pub what: (&'static str, String),
    /// Its revision.
    pub revision: Option<String>,
    /// Its files.
    pub files: Vec<String>,
    /// Where they go.
    pub to: Option<String>,
    /// The build secret with the token for it.
    pub token: Option<String>,
    /// The hub.
    pub endpoint: Option<String>,
}

/// The application's code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// A folder of the build context, or a remote.
    pub source: String,
    /// A branch or tag.
    pub reference: Option<String>,
    /// Where it goes.
    pub to: String,
    /// What is run on it.
    pub build: Vec<String>,
    /// Whether it is installed.
    pub install: bool,
    /// Modules that must import.
    pub verify: Vec<String>,
    /// Variables for what is done with it.
    pub env: Vec<(String, String)>,
}

/// A command as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// A line that is split, or a shell's where the key says so.
    Line(String),
    /// Words.
    List(Vec<String>),
}

/// Adds what is not there yet.
pub fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Sets the value of a name.
pub fn set(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    match pairs.iter_mut().find(|(other, _)| other == name) {
        Some((_, old)) => *old = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

/// Whether `text` is what a key may have.
pub fn fits<T>(text: &str, read: fn(&str) -> Read<T>) -> bool {
    read(text).is_ok()
}

impl Words {
    /// What `cmd` and `entrypoint` take for a line of a shell: the same line where no shell is
    /// needed, and one for a shell otherwise.
    pub fn of_shell(line: &str) -> Self {
        const OF_SHELLS: [&str; 8] =
            ["exec", "cd", "source", ".", "export", "set", "ulimit", "eval"];
        let is_plain = |words: &[String]| {
            words.first().is_some_and(|first| {
                assignment(first).is_none() && !OF_SHELLS.contains(&first.as_str())
            }) && !line.contains('*')
        };
        match values::words(values::Written::Line(line.to_owned())) {
            Ok(words) if is_plain(&words) => Self::Line(line.to_owned()),
            _ => Self::List(["sh", "-c", line].map(str::to_owned).into()),
        }
    }

    fn yaml(&self) -> Yaml {
        match self {
            Self::Line(line) => Yaml::Text(line.clone()),
            Self::List(words) => Yaml::list(words),
        }
    }
}

impl Draft {
    /// The manifest.
    pub fn manifest(&self) -> String {
        let mut keys = Keys::default();
        keys.text("base", Some(&self.base));
        keys.section("system", self.system.keys());
        let python = self.python.keys();
        match &python.0[..] {
            [(key, value)] if key == "requirements" => keys.put("python", value.clone()),
            _ => keys.section("python", python),
        }
        let models: Vec<_> = self.models.iter().map(Model::yaml).collect();
        match &models[..] {
            [] => {}
            [one @ Yaml::Text(_)] => keys.put("models", one.clone()),
            _ => keys.put("models", Yaml::List(models)),
        }
        if let Some(code) = &self.code {
            keys.put("code", code.yaml());
        }
        if !self.files.is_empty() {
            keys.put("files", Yaml::List(self.files.iter().map(Files::yaml).collect()));
        }
        keys.pairs("env", &self.env);
        keys.text("user", self.user.as_ref());
        keys.text("workdir", self.workdir.as_ref());
        keys.words("entrypoint", self.entrypoint.as_ref());
        keys.words("cmd", self.cmd.as_ref());
        keys.list("ports", &self.ports);
        keys.list("volumes", &self.volumes);
        keys.list("dirs", &self.dirs);
        keys.pairs("labels", &self.labels);
        if let Some((test, others)) = &self.healthcheck {
            let mut check = Keys::default();
            check.words("test", Some(test).filter(|test| **test != Words::List(Vec::new())));
            others.iter().for_each(|(name, text)| check.text(name, Some(text)));
            keys.section("healthcheck", check);
        }
        keys.text("stop_signal", self.stop_signal.as_ref());
        SYNTAX.to_owned() + &literal(Yaml::Map(keys.0)).document()
    }
}

impl System {
    fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        keys.list("python", &self.python);
        keys.list("runtime", &self.runtime);
        keys.list("build", &self.build);
        keys
    }
}

impl Python {
    /// Whether it says what to install.
    pub fn installs(&self) -> bool {
        !self.requirements.is_empty()
            || !self.packages.is_empty()
            || self.pyproject.is_some()
            || self.lock.is_some()
    }

    fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        match &self.requirements[..] {
            [one] => keys.text("requirements", Some(one)),
            several => keys.list("requirements", several),
        }
        keys.list("packages", &self.packages);
        keys.text("pyproject", self.pyproject.as_ref());
        keys.list("extras", &self.extras);
        keys.list("groups", &self.groups);
        keys.text("lock", self.lock.as_ref());
        keys.text("installer", self.uv.then(|| "uv".to_owned()).as_ref());
        keys.text("index_url", self.index_url.as_ref());
        keys.list("extra_index_urls", &self.extra_index_urls);
        keys.list("find_links", &self.find_links);
        keys.text("torch", self.torch.as_ref());
        keys.pairs("env", &self.env);
        let with_base = self.system_site_packages.then(|| "true".to_owned());
        keys.text("system_site_packages", with_base.as_ref());
        keys.list("verify", &self.verify);
        keys
    }
}

impl Model {
    fn yaml(&self) -> Yaml {
        let (key, name) = &self.what;
        let mut keys = Keys::default();
        keys.text(key, Some(name));
        keys.text("revision", self.revision.as_ref());
        match &self.files[..] {
            [one] => keys.text("files", Some(one)),
            several => keys.list("files", several),
        }
        keys.text("to", self.to.as_ref());
        keys.text("token", self.token.as_ref());
        keys.text("endpoint", self.endpoint.as_ref());
        match &keys.0[..] {
            [(_, only)] if *key == "hf" => only.clone(),
            _ => Yaml::Map(keys.0),
        }
    }
}

impl Files {
    fn yaml(&self) -> Yaml {
        let mut keys = Keys::default();
        keys.text("from", self.from.as_ref());
        keys.text(if self.from.is_some() { "path" } else { "context" }, Some(&self.path));
        keys.text("to", Some(&self.to));
        Yaml::Map(keys.0)
    }
}

impl Code {
    /// Whether it comes from git.
    pub fn is_remote(&self) -> bool {
        values::looks_like_git(&self.source)
    }

    fn yaml(&self) -> Yaml {
        let mut keys = Keys::default();
        keys.text(if self.is_remote() { "git" } else { "context" }, Some(&self.source));
        keys.text("ref", self.reference.as_ref());
        keys.text("to", Some(&self.to).filter(|to| *to != "/app"));
        let build = (!self.build.is_empty()).then(|| self.build.join(" && "));
        keys.text("build", build.as_ref());
        keys.text("install", self.install.then(|| "true".to_owned()).as_ref());
        keys.list("verify", &self.verify);
        keys.pairs("env", &self.env);
        match &keys.0[..] {
            [(_, only)] => only.clone(),
            _ => Yaml::Map(keys.0),
        }
    }
}

/// Keys that have something to say.
#[derive(Default)]
struct Keys(Vec<(String, Yaml)>);

impl Keys {
    fn put(&mut self, key: &str, value: Yaml) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.put(key, Yaml::Text(text.clone()));
        }
    }

    fn words(&mut self, key: &str, words: Option<&Words>) {
        if let Some(words) = words {
            self.put(key, words.yaml());
        }
    }

    fn list(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.put(key, Yaml::list(texts));
        }
    }

    fn pairs(&mut self, key: &str, pairs: &[(String, String)]) {
        if !pairs.is_empty() {
            self.put(key, Yaml::map(pairs));
        }
    }

    fn section(&mut self, key: &str, keys: Self) {
        if !keys.0.is_empty() {
            self.put(key, Yaml::Map(keys.0));
        }
    }
}

/// Text that stands for itself: no `${…}` of it is filled in by a build.
fn literal(value: Yaml) -> Yaml {
    match value {
        Yaml::Text(text) => Yaml::Text(text.replace("${", "$${")),
        Yaml::List(items) => Yaml::List(items.into_iter().map(literal).collect()),
        Yaml::Map(pairs) => {
            Yaml::Map(pairs.into_iter().map(|(name, value)| (name, literal(value))).collect())
        }
    }
}
