//! `models`: what is fetched for the image, and from where.

use std::collections::{BTreeMap, BTreeSet};

use llb::Lines;

use super::{Code, Variable, arguments::Given, reader::Reader};
use crate::{
    in_image::HF_HOME,
    manifest::{
        Node,
        values::{self, Pipeline, RepositoryKind},
    },
    mistake::Mistake,
};

/// Where spaCy's pipelines are released.
const SPACY_RELEASES: &str = "https://github.com/explosion/spacy-models/releases/download";

/// One entry of `models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The lines of its entry.
    pub lines: Lines,
    /// What it is and where it comes from.
    pub source: Source,
    /// The id of the build secret that holds the token.
    pub token: Option<String>,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A repository of a hub.
    Hub(Hub),
    /// A file of any server.
    Url(Download),
    /// One of spaCy's pipelines.
    Spacy(SpacyRelease),
    /// A command that downloads it.
    Run(Command),
    /// Files of the build context.
    Context(InContext),
}

/// A repository of a hub, and what of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// What it holds.
    pub kind: RepositoryKind,
    /// `org/name`.
    pub repository: String,
    /// Branch, tag or commit; the hub's own default is `main`.
    pub revision: String,
    /// Patterns of the files wanted, as `fnmatch` reads them; empty for what
    /// [`crate::models::choose`] takes by itself.
    pub files: Vec<String>,
    /// Where the files go instead of the Hugging Face cache; absolute and clean. With a slash at
    /// its end it is a folder even for a single file.
    pub to: Option<String>,
    /// The hub, without a slash at its end.
    pub endpoint: String,
}

/// A file of any server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// What it must be: 64 hexadecimal digits.
    pub sha256: String,
    /// Whether it is an archive whose content is wanted.
    pub unpack: bool,
    /// Where it goes, or the folder for its content; absolute and clean. With a slash at its end
    /// it is a folder for the file, too.
    pub to: String,
}

/// One of spaCy's pipelines, as it is released: a wheel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpacyRelease {
    /// Its package.
    pub pipeline: Pipeline,
    /// What the wheel must be: 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Where pipelines are released, without a slash at its end.
    pub endpoint: String,
}

/// A command that downloads what no other way does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What people call it.
    pub name: String,
    /// Its words.
    pub words: Vec<String>,
    /// The packages that it runs on, normalised.
    pub needs: BTreeSet<String>,
    /// What goes into the image: absolute and clean, or `~/` and a path in the user's home.
    pub keep: Vec<String>,
    /// Its environment.
    pub env: BTreeMap<String, String>,
    /// Variables, and the ids of the build secrets that they have.
    pub secrets: BTreeMap<String, String>,
}

/// A file or a folder of the build context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InContext {
    /// Where it is: relative, clean and not empty.
    pub path: String,
    /// Where it goes; absolute and clean. With a slash at its end it is a folder even for a single
    /// file.
    pub to: String,
}

impl Model {
    /// The repository, if it goes into the Hugging Face cache.
    pub fn cached(&self) -> Option<&Hub> {
        match &self.source {
            Source::Hub(hub) if hub.to.is_none() => Some(hub),
            _ => None,
        }
    }

    /// What messages and progress call it.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Hub(hub) => hub.name(),
            Source::Url(download) => download.file_name().to_owned(),
            Source::Spacy(SpacyRelease { pipeline, .. }) => {
                format!("{} {}", pipeline.name, pipeline.version)
            }
            Source::Run(command) => command.name.clone(),
            Source::Context(files) => files.path.clone(),
        }
    }
}

impl Hub {
    /// `org/name`, or `datasets/org/name`.
    pub fn name(&self) -> String {
        match self.kind {
            RepositoryKind::Model => self.repository.clone(),
            RepositoryKind::Dataset => format!("datasets/{}", self.repository),
        }
    }
}

impl SpacyRelease {
    /// Where its wheel is.
    pub fn url(&self) -> String {
        let Self { pipeline: Pipeline { name, version }, endpoint, .. } = self;
        format!("{endpoint}/{name}-{version}/{name}-{version}-py3-none-any.whl")
    }
}

impl Download {
    /// The last part of its URL's path.
    pub fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or(&self.url);
        path.rsplit('/').next().unwrap_or(path)
    }

    /// Where the file or the archive's content goes.
    pub fn path(&self) -> String {
        match self.to.strip_suffix('/') {
            Some(folder) if !self.unpack => format!("{folder}/{}", self.file_name()),
            _ => self.to.trim_end_matches('/').to_owned(),
        }
    }
}

impl Reader<'_> {
    /// `models`, from `hub` where they name none, and beside `code`.
    pub fn models(&mut self, hub: Option<&Given>, code: Option<&Code>) -> Vec<Model> {
        let nodes = self.root.get("models").map_or(&[][..], Node::items);
        let models: Vec<_> = nodes.iter().filter_map(|node| self.model(node, hub)).collect();
        self.models_apart(&models);
        self.models_are_no_code(&models, code);
        models
    }

    /// Where the Hugging Face cache is in the image.
    pub fn hf_home(&mut self) -> String {
        let Some(env) = self.root.get("env") else { return HF_HOME.to_owned() };
        let Some(node) = env.get("HF_HOME") else { return HF_HOME.to_owned() };
        let own = node.text().unwrap_or_default();
        if own.trim_end_matches('/') == HF_HOME {
            return HF_HOME.to_owned();
        }
        if Variable::from(own.to_owned()).extends() {
            let words = "`HF_HOME` is one folder, and nothing is added to the base's";
            self.findings.at(node.lines, Mistake::new(words));
            return HF_HOME.to_owned();
        }
        self.one(env, "HF_HOME", values::destination)
            .map_or_else(|| HF_HOME.to_owned(), |home| home.value)
    }

    fn model(&mut self, node: &Node, hub: Option<&Given>) -> Option<Model> {
        let token = self.one(node, "token", values::secret).map(|token| token.value);
        let source = if node.get("url").is_some() {
            self.download(node).map(Source::Url)
        } else if node.get("spacy").is_some() {
            self.spacy(node).map(Source::Spacy)
        } else if node.get("run").is_some() {
            self.run(node).map(Source::Run)
        } else if node.get("context").is_some() {
            self.in_context(node).map(Source::Context)
        } else {
            self.repository(node, hub).map(Source::Hub)
        };
        Some(Model { lines: node.lines, source: source?, token })
    }

    fn repository(&mut self, node: &Node, hub: Option<&Given>) -> Option<Hub> {
        let revision = self.one(node, "revision", values::revision);
        let files = self.list(node, "files", values::pattern);
        let to = self.one(node, "to", values::files_destination);
        let endpoint = match self.one(node, "endpoint", values::hub) {
            Some(own) => Some(own.value),
            None => hub.and_then(|hub| self.hub(hub)),
        };
        let (kind, repository) = self.one(node, "hf", values::repository)?.value;
        Some(Hub {
            kind,
            repository,
            revision: revision.map_or("main".into(), |revision| revision.value),
            files: files.into_iter().map(|file| file.value).collect(),
            to: to.map(|to| to.value),
            endpoint: endpoint?,
        })
    }

    fn hub(&mut self, hub: &Given) -> Option<String> {
        let read = values::hub(&hub.value);
        read.map_err(|mistake| hub.blame(self.findings, mistake.about("HF_ENDPOINT"))).ok()
    }

    fn download(&mut self, node: &Node) -> Option<Download> {
        let url = self.one(node, "url", values::file_url);
        let sha256 = self.one(node, "sha256", values::sha256);
        let to = self.place(node);
        let unpack = self.one(node, "unpack", values::boolean);
        let url = url?.value;
        if node.get("sha256").is_none() {
            let mistake = Mistake::new("`sha256` is missing: nothing says what the file must be");
            let help = format!("`curl -fL {url} | sha256sum` prints it");
            self.findings.at(node.lines, mistake.help(help));
        }
        let unpack = unpack.is_some_and(|unpack| unpack.value);
        let download = Download { url, sha256: sha256?.value, unpack, to: to? };
        if download.file_name().is_empty() && download.to.ends_with('/') && !unpack {
            let mistake = Mistake::new("the URL has no file name");
            self.findings.at(node.lines, mistake.help("name the file in `to`"));
        }
        Some(download)
    }

    fn in_context(&mut self, node: &Node) -> Option<InContext> {
        let path = self.one(node, "context", values::in_context);
        let to = self.place(node);
        Some(InContext { path: path?.value, to: to? })
    }

    /// `to` of what has no place of its own.
    fn place(&mut self, node: &Node) -> Option<String> {
        if node.get("to").is_none() {
            let mistake = Mistake::new("`to` is missing");
            self.findings.at(node.lines, mistake.help("say where the files go: `to: /models/`"));
        }
        self.one(node, "to", values::files_destination).map(|to| to.value)
    }

    fn spacy(&mut self, node: &Node) -> Option<SpacyRelease> {
        let sha256 = self.one(node, "sha256", values::sha256).map(|sha256| sha256.value);
        let endpoint = self.one(node, "endpoint", values::hub);
        let endpoint = endpoint.map_or_else(|| SPACY_RELEASES.to_owned(), |own| own.value);
        let pipeline = self.one(node, "spacy", values::pipeline)?.value;
        let has_spacy = self.root.get("python").is_some();
        if !has_spacy {
            let mistake = Mistake::new("a pipeline is a Python package, and there is no `python`");
            self.findings.at(node.lines, mistake.help("add `spacy` to `python.packages`"));
        }
        Some(SpacyRelease { pipeline, sha256, endpoint })
    }

    fn run(&mut self, node: &Node) -> Option<Command> {
        let needs = self.list(node, "needs", values::project);
        let keep = self.list(node, "keep", values::kept);
        let env = self.public(node, "env", values::variable_text);
        let secrets = self.map(node, "secrets", values::secret);
        self.secret_twice(node, &env, &secrets);
        let name = self.one(node, "name", values::text).map(|name| name.value);
        let words = self.command(node, "run", values::words)?;
        if node.get("keep").is_none() {
            let mistake = Mistake::new("`keep` is missing: nothing of the command's would stay");
            let help = "name the folders that it downloads into: `keep: ~/.cache/whisper`";
            self.findings.at(node.lines, mistake.help(help));
        }
        Some(Command {
            name: name.or_else(|| words.first().cloned())?,
            words,
            needs: needs.into_iter().map(|need| need.value).collect(),
            keep: keep.into_iter().map(|keep| keep.value).collect(),
            env,
            secrets,
        })
    }
}
