//! What the examples cost, beside what their teams built by hand (`benchmarks/seeds`): the same
//! packages, models and code, in turn on one engine, with PyTorch of Debian and models of a hub
//! near by.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use integration::base_image;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::engine::{Engine, Throwaway};
use integration::git_server::{GitServer, Repository};
use integration::hub::{Hub, Repo};
use integration::package::Package;
use integration::package_index::PackageIndex;
use integration::registry::Registry;
use integration::{frontend_image, gguf, tesseract, weights, workspace};
use tempfile::TempDir;

use crate::bench::Row;
use crate::cost::{Cost, Image};
use crate::noise::Noise;
use crate::timed;
use crate::way::Way;

const BASE: &str = "python:3-slim";
const FRONTEND: &str = "strata";

/// The ways, in the order of the tables.
const WAYS: [Way; 2] = [Way::Theirs, Way::Strata];

/// An example: its builds one way or the other, the last of which makes the image, and its edits.
struct Example {
    name: &'static str,
    /// Its folder in `examples`.
    folder: &'static str,
    /// Whether it is left out where nobody names it.
    is_slow: bool,
    theirs: fn(&Place) -> Vec<Step>,
    ours: fn(&Place) -> Vec<Step>,
    edits: &'static [Edit],
    /// A command that says more of the image, in both.
    says: Option<&'static str>,
}

/// A build: a file of the place, and its arguments.
struct Step {
    file: String,
    target: Option<&'static str>,
    arguments: Vec<(&'static str, String)>,
}

/// An edit, of which the number chooses one of its kind.
struct Edit {
    name: &'static str,
    make: fn(&Place, usize) -> Result<()>,
}

/// A copy of an example (`context`) with its team's Dockerfiles (`theirs`), and the servers.
struct Place {
    folder: TempDir,
    hub: Hub,
    releases: PackageIndex,
    _git: GitServer,
    repository: Repository,
    registry: Registry,
    engine: Throwaway,
}

/// How often a program of an image's is run.
const STARTS: usize = 5;

/// What needs no compiler in the place of llama.cpp.
const GGUF: &str = "gguf==0.19.0";
const LLAMA: &str = "llama-cpp-python==0.3.36";

/// A model of lightspeed's, and about the bytes that it has on the public hub.
const QWEN: (&str, usize) = ("qwen2.5-0.5b-instruct-q4_k_m.gguf", 491_000_000);
/// Formats in which the public hub has lightspeed's other model as well, and a download of all has
/// them; the larger part of those, ONNX's and OpenVINO's, is left out.
const FORMATS: [(&str, usize); 3] =
    [("pytorch_model.bin", 91_000_000), ("rust_model.ot", 91_000_000), ("tf_model.h5", 91_000_000)];

const LIGHTSPEED: Example = Example {
    name: "lightspeed",
    folder: "lightspeed",
    is_slow: false,
    theirs: |place| vec![place.theirs("lightspeed.Dockerfile").args(place.of_lightspeed(GGUF))],
    ours: |place| vec![place.ours("strata.yaml").args(place.of_lightspeed(GGUF))],
    edits: &[
        Edit {
            name: "a commit of the code",
            make: |place, run| {
                let text = format!("# {run}\n");
                place.repository.commit(&[("docs/more.md", text)], "more").map(drop)
            },
        },
        Edit { name: "a light package added", make: Place::require },
        Edit {
            name: "a small model added",
            make: |place, run| {
                place.replace(
                    "context/strata.yaml",
                    "models:\n",
                    &format!("models:\n  - bench/small-{run}\n"),
                )?;
                place.replace(
                    "theirs/lightspeed.Dockerfile",
                    "RUN python3 -c \"from huggingface_hub import snapshot_download;",
                    &format!(
                        "RUN python3 -c \"from huggingface_hub import snapshot_download; \
                         snapshot_download('bench/small-{run}');"
                    ),
                )
            },
        },
    ],
    says: None,
};

const EXAMPLES: [Example; 7] = [
    LIGHTSPEED,
    Example {
        name: "lightspeed-compiled",
        is_slow: true,
        theirs: |place| {
            vec![place.theirs("lightspeed.Dockerfile").args(place.of_lightspeed(LLAMA))]
        },
        ours: |place| vec![place.ours("strata.yaml").args(place.of_lightspeed(LLAMA))],
        ..LIGHTSPEED
    },
    Example {
        name: "llm-service",
        folder: "llm-service",
        is_slow: false,
        theirs: |place| {
            let llm = "accelerate==1.15.0 gguf==0.17.1".to_owned();
            // PyTorch's own index is not near by.
            let index = ("PIP_EXTRA_INDEX_URL", String::new());
            vec![place.theirs("llm-service.Dockerfile").args([("LLM", llm), index])]
        },
        ours: |place| vec![place.ours("strata.yaml")],
        edits: &[
            Edit {
                name: "a line of the code",
                make: |place, run| place.append("context/server.py", run),
            },
            Edit {
                name: "a light package bumped",
                make: |place, run| place.bump("grpcio-health-checking", run),
            },
        ],
        says: Some("measure.py"),
    },
    Example {
        name: "knowledge-base",
        folder: "knowledge-base",
        is_slow: false,
        theirs: |place| {
            let packages = "sentence-transformers==6.2.0 tesserocr==2.10.0 transformers==5.23.0";
            let reader = format!(
                "import os, urllib.request; os.makedirs('/root/.tessdata'); \
                 urllib.request.urlretrieve('{}', '/root/.tessdata/eng.traineddata')",
                place.tessdata()
            );
            let more = [
                ("PACKAGES", packages.to_owned()),
                ("READER", reader),
                // Tesseract needs none of it.
                ("SYSTEM", String::new()),
            ];
            vec![place.theirs("knowledge-base.Dockerfile").args(more)]
        },
        ours: |place| vec![place.ours("strata.yaml").args([("TESSDATA", place.tessdata())])],
        edits: &[
            Edit {
                name: "a line of the code",
                make: |place, run| place.append("context/app.py", run),
            },
            Edit { name: "a light package bumped", make: |place, run| place.bump("flask", run) },
        ],
        says: None,
    },
    Example {
        name: "article-transfer",
        folder: "article-transfer",
        is_slow: false,
        theirs: |place| {
            let packages = "transformers sentencepiece docker hdbscan scikit-learn pandas";
            let more = [("PACKAGES", packages.to_owned()), ("SPACY_MODEL", place.pipeline())];
            vec![
                place.theirs("article-transfer-base.Dockerfile").args(more),
                place.theirs("article-transfer.Dockerfile"),
            ]
        },
        ours: |place| {
            let releases = format!("http://{}/releases", place.releases.address());
            let base = place.ours("base.yaml").args([("SPACY_RELEASES", releases)]);
            // The base has been chosen by then.
            let service = Step { arguments: Vec::new(), ..place.ours("strata.yaml") };
            vec![Step { target: Some("deps"), ..base }, service]
        },
        edits: &[
            Edit {
                name: "a line of the code",
                make: |place, run| place.append("context/src/transfer.py", run),
            },
            Edit { name: "a light package bumped", make: |place, run| place.bump("psycopg", run) },
        ],
        says: None,
    },
    Example {
        name: "semantic-search",
        folder: "semantic-search",
        is_slow: false,
        theirs: |place| vec![place.theirs("semantic-search.Dockerfile")],
        ours: |place| vec![place.ours("strata.yaml")],
        edits: &[
            Edit {
                name: "a line of the code",
                make: |place, run| place.append("context/app/__init__.py", run),
            },
            Edit { name: "a light package bumped", make: |place, run| place.bump("flask", run) },
        ],
        says: None,
    },
    // With PyTorch for CUDA, which is gigabytes.
    Example {
        name: "semantic-search-naive",
        folder: "semantic-search",
        is_slow: true,
        theirs: |place| vec![place.theirs("semantic-search-naive.Dockerfile")],
        ours: |place| vec![place.ours("strata.yaml")],
        edits: &[],
        says: None,
    },
];

/// What the bumped packages are bumped to, run by run.
const BUMPS: [(&str, [&str; 3]); 3] = [
    ("flask", ["3.1.2", "3.1.1", "3.1.0"]),
    ("grpcio-health-checking", ["1.75.1", "1.75.0", "1.74.0"]),
    ("psycopg", ["3.3.8", "3.3.7", "3.3.6"]),
];

/// What is added to the requirements, run by run.
const ADDED: [&str; 3] = ["iniconfig==2.1.0", "toolz==1.0.0", "tabulate==0.9.0"];

/// What an example cost.
pub struct Table {
    /// The example's name.
    pub name: &'static str,
    /// Its first build and its edits.
    pub rows: Vec<Row>,
    /// What its images say of themselves.
    pub said: Vec<String>,
}

/// The table of each example whose name has one of `chosen` in it; of a slow one, that is it. A
/// download from the hub gets `hub_speed` megabytes a second.
///
/// # Errors
///
/// When a build fails.
pub fn tables(runs: usize, chosen: &[&str], hub_speed: Option<u16>) -> Result<Vec<Table>> {
    ensure!(runs <= BUMPS[0].1.len(), "there are {} bumps of a package", BUMPS[0].1.len());
    let is_chosen = |example: &&Example| {
        if example.is_slow {
            chosen.contains(&example.name)
        } else {
            chosen.iter().any(|part| example.name.contains(part))
        }
    };
    EXAMPLES
        .iter()
        .filter(is_chosen)
        .map(|example| {
            let (rows, said) = example.rows(runs, hub_speed)?;
            Ok(Table { name: example.name, rows, said })
        })
        .collect()
}

impl Example {
    fn rows(&self, runs: usize, hub_speed: Option<u16>) -> Result<(Vec<Row>, Vec<String>)> {
        let place = Place::of(self.folder, runs)?;
        hub_speed.into_iter().for_each(|speed| place.hub.slow_down(speed.into()));
        let mut before = Vec::new();
        let mut first = Vec::new();
        let mut said = Vec::new();
        for way in WAYS {
            eprintln!("{}, first build: {}", self.name, way.title());
            let (cost, image) = self.build(&place, way, "first", &Image::default())?;
            first.push((way, vec![cost]));
            before.push(image);
        }
        // In turn, and more than once: what was just built or run starts quicker.
        let programs = self.says.into_iter().flat_map(|program| [program; STARTS]);
        for (program, way) in programs.flat_map(|program| WAYS.map(|way| (program, way))) {
            let name = place.image(self.name, way, "first");
            let mut run = place.engine.docker(["run", "--rm", "--network=none", &name]);
            said.push(format!("{}: {}", way.title(), output(run.args(["python3", program]))?));
        }
        let mut rows = vec![Row { name: "first build".to_owned(), costs: first }];
        for edit in self.edits {
            let mut costs: Vec<_> = WAYS.map(|way| (way, Vec::new())).into();
            for run in 0..runs {
                place.copy(self.folder)?;
                (edit.make)(&place, run)?;
                for ((way, costs), before) in costs.iter_mut().zip(&before) {
                    eprintln!(
                        "{}, {}, {} of {runs}: {}",
                        self.name,
                        edit.name,
                        run + 1,
                        way.title()
                    );
                    let tag = format!("{}-{run}", edit.name.replace([' ', '\''], "-"));
                    costs.push(self.build(&place, *way, &tag, before)?.0);
                }
            }
            rows.push(Row { name: edit.name.to_owned(), costs });
        }
        Ok((rows, said))
    }

    /// All its builds one way, each upon the image of the one before; the last is pushed, which is
    /// not timed.
    fn build(&self, place: &Place, way: Way, tag: &str, before: &Image) -> Result<(Cost, Image)> {
        let steps = if way == Way::Theirs { (self.theirs)(place) } else { (self.ours)(place) };
        let last = steps.len() - 1;
        let mut seconds = 0.0;
        let mut below = None;
        for (number, step) in steps.into_iter().enumerate() {
            let name = match number {
                _ if number == last => place.image(self.name, way, tag),
                _ => place.image(&format!("{}-base", self.name), way, tag),
            };
            let mut command = place.engine.docker(["buildx", "build", "--provenance=false"]);
            command.arg("--file").arg(place.folder.path().join(&step.file));
            command.args(step.target.map(|target| format!("--target={target}")));
            for (name, value) in &step.arguments {
                command.arg(format!("--build-arg={name}={value}"));
            }
            command.args(below.map(|image| format!("--build-arg=BASE={image}")));
            command.args(["--tag", &name]).arg(place.folder.path().join("context"));
            let build = timed::build(&mut command)?;
            seconds += build.elapsed.as_secs_f64();
            if number == last {
                eprintln!("{seconds:9.2} s");
                output(&mut place.engine.docker(["push", "--quiet", &name]))?;
                let image = Image::of(&build, &place.registry)?;
                return Ok((Cost { seconds, ..Cost::of(&build, &image, before) }, image));
            }
            below = Some(name);
        }
        anyhow::bail!("{} has no builds", self.name)
    }
}

impl Step {
    fn args(mut self, more: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.arguments.extend(more);
        self
    }
}

impl Place {
    /// The example in that folder, on an empty engine.
    fn of(name: &str, runs: usize) -> Result<Self> {
        let engine = Engine::empty(CURRENT)?;
        frontend_image::load(&engine, FRONTEND)?;
        base_image::load(&engine, BASE)?;
        let address = engine.host_address()?;
        let llama = |id: &str, file: &str| gguf::tiny_llama(id, file);
        let mut repos = vec![
            llama("bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q4_K_M.gguf")?,
            tesseract::english("bench/tessdata")?,
        ];
        let mut noise = Noise::default();
        let mut random = |(file, size)| (file, noise.bytes(size));
        repos.extend(match name {
            // What has to be fetched again is what this team speaks of.
            "lightspeed" => [
                weights::all_minilm_l6_v2()?.with(FORMATS.map(&mut random)),
                Repo::new("Qwen/Qwen2.5-0.5B-Instruct-GGUF", [random(QWEN)]),
            ],
            _ => [weights::all_minilm_l6_v2()?, llama("Qwen/Qwen2.5-0.5B-Instruct-GGUF", QWEN.0)?],
        });
        let small = (0..runs).map(|run| format!("bench/small-{run}"));
        repos.extend(small.map(|id| Repo::new(id.clone(), [("config.json", id)])));
        let pipeline = Package::of_module("en_core_web_lg", "3.8.0", "").wheel()?;
        let git = GitServer::serve(address)?;
        let place = Self {
            folder: tempfile::tempdir()?,
            hub: Hub::serve(address, repos)?,
            releases: PackageIndex::serve(address, [pipeline])?,
            repository: git.create("code")?,
            _git: git,
            registry: Registry::serve(Ipv4Addr::LOCALHOST.into())?,
            engine,
        };
        place.copy(name)?;
        let code = ["main.py", "rag.py", "llm.py", "docs/scenarios.md"];
        let code = code.iter().filter_map(|name| Some((*name, place.read(name).ok()?)));
        let code: Vec<(&str, String)> = code.collect();
        place.repository.commit(&code, "begin")?;
        Ok(place)
    }

    /// The example and its team's Dockerfiles, without any edit.
    fn copy(&self, name: &str) -> Result<()> {
        let root = workspace::root();
        for (from, to) in [
            (root.join("examples").join(name), "context"),
            (root.join("integration/benchmarks/seeds"), "theirs"),
        ] {
            let to = self.folder.path().join(to);
            fs::create_dir_all(&to)?;
            output(Command::new("cp").arg("--recursive").arg(from.join(".")).arg(to))?;
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.folder.path().join("context").join(name);
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))
    }

    fn replace(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{file} has no `{from}`");
        Ok(fs::write(path, text.replacen(from, to, 1))?)
    }

    fn append(&self, file: &str, run: usize) -> Result<()> {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path)?;
        Ok(fs::write(path, format!("{text}# {run}\n"))?)
    }

    /// Another version of a package in the requirements.
    fn bump(&self, package: &str, run: usize) -> Result<()> {
        let requirements = self.read("requirements.txt")?;
        let pin = format!("{package}==");
        let line = requirements.lines().find(|line| line.starts_with(&pin));
        let known = BUMPS.iter().find(|(name, _)| *name == package).context("no bump")?;
        let version = known.1.get(run).context("no such bump")?;
        let line = line.with_context(|| format!("the requirements have no {pin}"))?;
        self.replace("context/requirements.txt", line, &format!("{pin}{version}"))
    }

    /// One more package in the requirements.
    fn require(&self, run: usize) -> Result<()> {
        let path = self.folder.path().join("context/requirements.txt");
        let more = ADDED.get(run).context("no such package")?;
        Ok(fs::write(path, format!("{more}\n{}", self.read("requirements.txt")?))?)
    }

    /// What reads its model, and the newest commit of the code.
    fn of_lightspeed(&self, llm: &str) -> [(&'static str, String); 3] {
        [
            ("LLM", llm.to_owned()),
            ("CODE", self.repository.url().to_owned()),
            ("CODE_VERSION", self.repository.tip("main").unwrap_or_default()),
        ]
    }

    fn tessdata(&self) -> String {
        format!("{}/bench/tessdata/resolve/main/eng.traineddata", self.hub.endpoint())
    }

    fn pipeline(&self) -> String {
        let file = "en_core_web_lg-3.8.0-py3-none-any.whl";
        format!("http://{}/releases/en_core_web_lg-3.8.0/{file}", self.releases.address())
    }

    fn image(&self, name: &str, way: Way, tag: &str) -> String {
        format!("{}/{name}/{}:{tag}", self.registry.host(), way.slug())
    }

    /// A Dockerfile of the team's, on a base without PyTorch.
    fn theirs(&self, file: &str) -> Step {
        let arguments = vec![
            ("BASE", BASE.to_owned()),
            ("DEBIAN", "python3-torch".to_owned()),
            ("HF_ENDPOINT", self.hub.endpoint()),
        ];
        Step { file: format!("theirs/{file}"), target: None, arguments }
    }

    fn ours(&self, file: &str) -> Step {
        let arguments = vec![
            ("VARIANT", "debian".to_owned()),
            ("DEBIAN", BASE.to_owned()),
            ("HF_ENDPOINT", self.hub.endpoint()),
        ];
        Step { file: format!("context/{file}"), target: None, arguments }
    }
}
