//! A project that has every kind of layer, and the servers that it gets its parts from.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use integration::buildx::Build;
use integration::engine::Engine;
use integration::git_server::{GitServer, Repository};
use integration::hub::{Hub, Repo};

use crate::{BASE, ENGINE, STRATA, build, context, unique};

const MANIFEST: &str = "\
# syntax=strata
base: BASE
system:
  runtime: [tini]
  build: [make]
python:
  requirements: [requirements.txt]
  env: {FLAG: one}
models:
  - hf: tiny/first
  - hf: tiny/second
code:
  git: GIT
  ref: main
  to: /app
env: {GREETING: hello}
workdir: /app
entrypoint: [python]
cmd: [main.py]
ports: [8000]
dirs: [/app/DIR]
labels: {team: search}
healthcheck: {test: python --version, interval: 30s}
dev:
  python: {packages: [iniconfig]}
variants:
  local: {code: {context: .}}
  tools: {system: {runtime: [hello]}}
";

/// The project and its first build in the shared engine, which edits start from.
pub static FIRST: LazyLock<(Servers, Project, Build)> = LazyLock::new(|| {
    let servers = Servers::start();
    let project = servers.project();
    let build = project.build(&STRATA);
    (servers, project, build)
});

/// Where models and code come from.
pub struct Servers {
    hub: Hub,
    _git: GitServer,
    /// The code: `main` and the tag `v1` are one commit, the branch `next` is another.
    pub repository: Repository,
    manifest: String,
}

impl Servers {
    /// Starts them where build steps of every engine reach them.
    pub fn start() -> Self {
        let address = ENGINE.host_address().unwrap();
        let models = ["first", "second", "third"].map(|name| {
            let mut model = Repo::new(format!("tiny/{name}"), [("config.json", name)]);
            model.tag("v1");
            model
        });
        let hub = Hub::serve(address, models).unwrap();
        let git = GitServer::serve(address).unwrap();
        let repository = git.create("app").unwrap();
        let main = format!("print({})\n", unique());
        repository.commit(&[("main.py", &main)], "say something").unwrap();
        repository.tag("v1").unwrap();
        repository.commit_to("next", &[("main.py", "print()\n")], "say nothing").unwrap();
        let manifest = MANIFEST.replace("BASE", BASE).replace("GIT", repository.url());
        let manifest = manifest.replace("DIR", &unique());
        Self { hub, _git: git, repository, manifest }
    }

    /// The project, none of whose steps was run before.
    pub fn project(&self) -> Project {
        Project {
            manifest: self.manifest.clone(),
            // The second has no wheel.
            files: vec![("requirements.txt", "six==1.17.0\ndocopt==0.6.2\n".into())],
            arguments: Vec::new(),
        }
        .build_arg("HF_ENDPOINT", &self.hub.endpoint())
        // The host's name is part of what a step is, and in nothing that it leaves.
        .build_arg("BUILDKIT_SANDBOX_HOSTNAME", &unique())
    }
}

/// What a person has on disk, and types.
#[derive(Clone)]
pub struct Project {
    manifest: String,
    files: Vec<(&'static str, String)>,
    arguments: Vec<String>,
}

impl Project {
    /// The manifest edited.
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        assert!(self.manifest.contains(from), "the manifest has no `{from}`");
        self.manifest = self.manifest.replacen(from, to, 1);
        self
    }

    /// A file of the build context written.
    pub fn file(mut self, name: &'static str, text: &str) -> Self {
        self.files.retain(|(other, _)| *other != name);
        self.files.push((name, text.into()));
        self
    }

    /// An argument of `docker buildx build` added.
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// A build argument added, which wins over an earlier one of its name.
    pub fn build_arg(self, name: &str, value: &str) -> Self {
        self.argument(format!("--build-arg={name}={value}"))
    }

    /// Builds it.
    pub fn build(&self, engine: &Engine) -> Build {
        let files: Vec<_> = self.files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let folder = context(&[&files[..], &[("strata.yaml", &self.manifest)]].concat());
        let mut command = build(engine, folder.path());
        // Provenance has the time in it: without, the same image has the same digest.
        Build::succeed(command.arg("--provenance=false").args(&self.arguments)).unwrap()
    }
}

/// The stages of which steps were executed, each once, in the order of their names.
pub fn ran(build: &Build) -> Vec<String> {
    let stages = build.ran().into_iter().map(|vertex| {
        let (stage, _) = vertex.name.split_once(']').unwrap();
        stage.trim_start_matches('[')
    });
    // Merge and Diff move nothing.
    let stages: BTreeSet<_> =
        stages.filter(|stage| !["image", "internal"].contains(stage)).collect();
    stages.into_iter().map(str::to_owned).collect()
}

/// The names of the steps that were executed, in order.
pub fn steps(build: &Build) -> Vec<String> {
    let names = build.ran().into_iter().map(|vertex| vertex.name.clone());
    let is_step =
        |name: &String| !["[image]", "[internal]"].iter().any(|free| name.starts_with(free));
    names.filter(is_step).collect::<BTreeSet<_>>().into_iter().collect()
}

/// No stage.
pub const NOTHING: [&str; 0] = [];
