//! A project by value: its manifest, its files, and what an engine would say of the world.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gateway::{NoCache, Sandbox};
use llb::{
    Image, Meta, Platform, ProxyEnv, SourceFile,
    pb::{file_action::Action, op::Op},
};
use strata::{
    facts::{
        Account, Base, Bill, Building, Facts, Folder, Interpreter, Libc, ModelFacts, Packages,
        Pick, PlatformFacts, Probe, Resolution, Settings,
    },
    graph::{Graph, Kind},
    inputs::Inputs,
    listing::{Checksum, File, Listing},
    plan,
    recipe::{self, Choices, FileSource, Files, Model, Recipe, Source},
    sources::{self, Checkout},
    system_sources,
};

/// Everything that decides a plan.
#[derive(Clone)]
pub struct Project {
    pub manifest: String,
    pub files: BTreeMap<String, String>,
    pub build_args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub platforms: Vec<String>,
    pub base_digest: String,
    pub base_layers: usize,
    /// Variables of the base's, beside its search path.
    pub base_env: Vec<(String, String)>,
    pub merge: bool,
    pub proxy: Option<String>,
    pub no_cache: NoCache,
    /// What the resolver or another tool's lock says: `name==version`, `name==version source` for
    /// what has no wheel, or with the wheel's size or the folder that it is in.
    pub lock: Vec<String>,
    /// What it says for a platform, where that is something else.
    pub locks: BTreeMap<String, Vec<String>>,
    /// Which of them needs which.
    pub needs: Vec<(&'static str, &'static str)>,
    /// Whether nobody knows.
    pub is_flat: bool,
    /// The frontend's own image.
    pub frontend: String,
    /// Whether the base has an environment that goes on.
    pub environment: bool,
    /// The commits of revisions that are none.
    pub commits: BTreeMap<String, String>,
    /// The sizes of the files with the weights of each model, in bytes.
    pub weights: Vec<u64>,
    /// Whether it took a toolchain to resolve.
    pub is_hard_to_resolve: bool,
}

const MANIFEST: &str = "\
# syntax=strata
base: python:3.12-slim
system:
  runtime: [curl, libgomp1]
  build: [g++]
python:
  requirements: [requirements.txt]
  packages: [tqdm]
  env: {CMAKE_ARGS: -DX=1, A_FLAG: \"1\"}
models:
  - hf: org/first
  - hf: org/second
code:
  git: https://github.com/org/app.git
  ref: main
  subdir: src
  to: /app
env: {GREETING: hello}
user: app
workdir: /app
cmd: [python, main.py]
ports: [8000]
volumes: [/data]
dirs: [/app/logs]
files:
  - {from: tools:1, path: /bin/tool, to: /usr/local/bin/}
  - {context: deploy/app.toml, to: /etc/app/app.toml}
labels: {team: search}
healthcheck: {test: curl -f http://localhost:8000/, interval: 30s}
stop_signal: SIGTERM
dev:
  python: {packages: [watchfiles]}
variants:
  light:
    system: {runtime: [jq]}
";

impl Project {
    /// A project that uses every kind of layer.
    pub fn example() -> Self {
        Self {
            manifest: MANIFEST.to_owned(),
            files: BTreeMap::from([(
                "requirements.txt".to_owned(),
                "numpy==2.1.0\nrequests==2.32.3\n".to_owned(),
            )]),
            build_args: BTreeMap::new(),
            target: None,
            platforms: vec!["linux/amd64".to_owned()],
            base_digest: format!("sha256:{}", "a".repeat(64)),
            base_layers: 4,
            base_env: Vec::new(),
            merge: true,
            proxy: None,
            no_cache: NoCache::Nothing,
            lock: ["annotated-types==0.7.0", "certifi==2026.1.1", "numpy==2.1.0"]
                .into_iter()
                .chain(["requests==2.32.3", "tqdm==4.67.1", "uvloop==0.21.0 source"])
                .map(str::to_owned)
                .collect(),
            locks: BTreeMap::new(),
            needs: Vec::new(),
            is_flat: false,
            frontend: "docker.io/strata/strata:1".to_owned(),
            environment: false,
            commits: BTreeMap::new(),
            weights: vec![7],
            is_hard_to_resolve: false,
        }
    }

    pub fn build_arg(&mut self, name: &str, value: &str) {
        self.build_args.insert(name.to_owned(), value.to_owned());
    }

    pub fn file(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.to_owned());
    }

    pub fn target(&mut self, target: &str) {
        self.target = Some(target.to_owned());
    }

    pub fn recipe(&self) -> Recipe {
        let file = Arc::new(SourceFile {
            name: "strata.yaml".to_owned(),
            language: "YAML".to_owned(),
            data: self.manifest.clone().into_bytes(),
        });
        let choices = Choices { target: self.target.clone(), build_args: self.build_args.clone() };
        recipe::read(file, &choices).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    pub fn plans(&self) -> Vec<plan::Plan> {
        let recipe = self.recipe();
        let settings = Settings {
            merge: self.merge,
            multi_platform: self.platforms.len() > 1,
            sandbox: Sandbox {
                proxy: self
                    .proxy
                    .clone()
                    .map(|http_proxy| ProxyEnv { http_proxy, ..ProxyEnv::default() }),
                ..Sandbox::default()
            },
            no_cache: self.no_cache.clone(),
            ..Settings::default()
        };
        let platforms: Vec<PlatformFacts> = self
            .platforms
            .iter()
            .map(|platform| PlatformFacts {
                base: self.base(platform),
                probe: probe(),
                packages: self.packages(&recipe, &settings, platform),
                files: recipe.files.iter().map(|files| of_files(files, platform)).collect(),
            })
            .collect();
        let native = Platform::parse("linux/amd64").unwrap();
        let facts = Facts {
            settings,
            fetcher: Some(Image::new(&self.frontend).build(&native, Meta::named("[frontend]"))),
            models: recipe.models.iter().map(|model| self.model(model)).collect(),
            native,
            platforms,
            code: recipe
                .code
                .as_ref()
                .map(|code| sources::code(code, &recipe, &context(), Checkout::Unlabelled)),
        };
        plan::plan(&recipe, &facts)
    }

    /// What the hub says: the commit is the revision, and there are weights and one more file.
    fn model(&self, model: &Model) -> ModelFacts {
        let hub = match &model.source {
            Source::Hub(hub) => hub,
            Source::Context(_) => return ModelFacts::InContext(context()),
            _ => return ModelFacts::Stated,
        };
        let commit = format!("{:0<40}", self.commits.get(&hub.revision).unwrap_or(&hub.revision));
        let file = |path: &str, size, checksum| File { path: path.to_owned(), size, checksum };
        let config = file("config.json", 7, Checksum::Git(commit.clone()));
        let weights = self.weights.iter().enumerate().map(|(number, size)| {
            let checksum = Checksum::Sha256(format!("{number:0>64}"));
            file(&format!("model-{number}.safetensors"), *size, checksum)
        });
        ModelFacts::Listed(Listing {
            commit,
            license: Some("apache-2.0".to_owned()),
            files: [config].into_iter().chain(weights).collect(),
        })
    }

    fn packages(&self, recipe: &Recipe, settings: &Settings, platform: &str) -> Packages {
        let mut inputs = Inputs::new(recipe);
        while let Some(path) = inputs.pending().pop() {
            let recipe::InputPath::Context(name) = &path else { panic!("{path:?}") };
            let text = self.files[name].clone();
            inputs.supply(path, text.into_bytes());
        }
        let demand = inputs.demand(recipe).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let options = demand.requirements.build_options_text();
        let build_constraints = demand.requirements.build_constraints_text();
        let resolution = Resolution { requirements: demand.requirements, ..Resolution::default() };
        let first = Resolution { building: Building::Deferred, ..resolution.clone() };
        let first = plan::lock(recipe, settings, &self.base(platform), &first);
        let building =
            if self.is_hard_to_resolve { Building::WithToolchain } else { Building::Deferred };
        let resolution = Resolution { building, ..resolution };
        let lock = self.locks.get(platform).unwrap_or(&self.lock);
        let picks = lock.iter().map(|pin| self.pick(pin)).collect();
        Packages {
            picks,
            is_flat: self.is_flat,
            local: Vec::new(),
            bills: vec![Bill::Resolved(resolution.into())],
            earlier: self.is_hard_to_resolve.then_some(first).into_iter().collect(),
            options,
            build_constraints,
        }
    }

    fn pick(&self, pin: &str) -> Pick {
        let (pin, kind) = pin.split_once(' ').unwrap_or((pin, "wheel"));
        let (name, version) = pin.split_once("==").unwrap();
        let built = kind == "source";
        let ending = if built { ".tar.gz" } else { "-py3-none-any.whl" };
        let file = format!("{name}-{version}{ending}");
        let folder = if kind.contains("://") { kind } else { "https://files.example.org" };
        Pick {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            url: format!("{folder}/{file}"),
            file,
            hashes: vec![format!("sha256:{}", "0".repeat(64))],
            direct: false,
            built,
            size: kind.parse().ok(),
            needs: self
                .needs
                .iter()
                .filter(|(of, _)| *of == name)
                .map(|(_, needed)| (*needed).to_owned())
                .collect(),
        }
    }

    fn system_sources(&self) -> BTreeMap<String, String> {
        let recipe = self.recipe();
        let read = recipe.system.sources.iter().map(|path| {
            let text = self.files[path.value.path()].clone();
            (path.value.clone(), Ok(text.into_bytes()))
        });
        system_sources::texts(&recipe, read.collect()).unwrap_or_else(|it| panic!("{it}"))
    }

    fn base(&self, platform: &str) -> Base {
        let platform = Platform::parse(platform).unwrap();
        let name = format!("docker.io/library/python:3.12-slim@{}", self.base_digest);
        let venv = if self.environment { "/opt/venv/bin:" } else { "" };
        let path = format!("{venv}/usr/local/bin:/usr/bin:/bin");
        Base {
            state: Image::new(name).build(&platform, Meta::named("[base] python:3.12-slim")),
            platform,
            content: Some(self.base_digest.clone()),
            env: self.base_env.iter().cloned().chain([("PATH".to_owned(), path)]).collect(),
            system_sources: self.system_sources(),
            layers: self.base_layers,
        }
    }

    pub fn graph(&self) -> Graph {
        Graph::of(self.plans().iter().map(|plan| &plan.image.root))
    }

    pub fn purposes(&self) -> Vec<String> {
        self.plans().remove(0).image.purposes
    }

    /// The stages whose vertices do work in `after` and are not here.
    pub fn runs_to(&self, after: &Self) -> Vec<String> {
        let (before, after) = (self.graph(), after.graph());
        let stages: BTreeSet<String> = after
            .beyond(&before)
            .into_iter()
            .filter(|node| matches!(node.kind, Kind::Exec | Kind::File))
            .map(|node| stage(&node.name))
            .collect();
        stages.into_iter().collect()
    }

    /// The names of the vertices that do work in `after` and are not here.
    pub fn steps_to(&self, after: &Self) -> Vec<String> {
        let (before, after) = (self.graph(), after.graph());
        let new = after.beyond(&before).into_iter();
        let steps: BTreeSet<String> =
            new.filter(|node| node.kind == Kind::Exec).map(|node| node.name.clone()).collect();
        steps.into_iter().collect()
    }

    /// The names of the vertices that run even if they are cached.
    pub fn ignored(&self) -> Vec<String> {
        self.plans()
            .iter()
            .map(|plan| plan.image.root.definition().to_pb())
            .flat_map(|definition| definition.metadata.into_values())
            .filter(|metadata| metadata.ignore_cache)
            .map(|metadata| metadata.description["llb.customname"].clone())
            .collect()
    }
}

/// `models` of `[models] fetch …` and of `[linux/arm64 models] fetch …`.
pub fn stage(name: &str) -> String {
    let inside = name.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap().0;
    inside.rsplit(' ').next().unwrap().to_owned()
}

/// What is handed to steps as the file `path`, in the order of the graph.
pub fn handed(project: &Project, path: &str) -> Vec<String> {
    let definition = project.plans()[0].image.root.definition();
    let actions = definition.vertices().flat_map(|vertex| match vertex.op() {
        Some(Op::File(file)) => file.actions,
        _ => Vec::new(),
    });
    let made = actions.filter_map(|action| match action.action {
        Some(Action::Mkfile(made)) if made.path == path => String::from_utf8(made.data).ok(),
        _ => None,
    });
    made.collect()
}

/// What has an entry of `files`.
fn of_files(files: &Files, platform: &str) -> llb::State {
    match &files.from {
        FileSource::Context(_) => context(),
        FileSource::Image { image, .. } => {
            Image::new(image).build(&Platform::parse(platform).unwrap(), Meta::named("[files]"))
        }
    }
}

/// What stands for the build context.
fn context() -> llb::State {
    llb::Local::new("context").build(Meta::named("[context]"))
}

fn probe() -> Probe {
    Probe {
        python: Interpreter {
            version: "3.12.4".to_owned(),
            implementation: "cpython".to_owned(),
            implementation_version: "3.12.4".to_owned(),
            soabi: Some("cpython-312-x86_64-linux-gnu".to_owned()),
            platform: "linux-x86_64".to_owned(),
            bits: 64,
        },
        machine: "x86_64".to_owned(),
        libc: Libc { name: "glibc".to_owned(), version: "2.36".to_owned() },
        users: BTreeMap::from([(
            "root".to_owned(),
            Account { uid: 0, gid: 0, home: "/root".to_owned() },
        )]),
        links: BTreeMap::from([
            ("/lib".to_owned(), "/usr/lib".to_owned()),
            ("/var/run".to_owned(), "/run".to_owned()),
        ]),
        folders: BTreeMap::from([
            ("/root".to_owned(), Folder { uid: 0, gid: 0, mode: 0o700 }),
            ("/run/lock".to_owned(), Folder { uid: 0, gid: 0, mode: 0o1777 }),
        ]),
        packages: None,
    }
}
