//! What models cost: five of them beside a little code, fetched by Strata, by a Dockerfile's command
//! with a cache mount, and by its `ADD --checksum`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use integration::base_image;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::digest::sha256;
use integration::engine::{Engine, Throwaway};
use integration::frontend_image;
use integration::hub::{Hub, Repo};
use integration::pypi_mirror::PypiMirror;
use integration::registry::Registry;
use rustix::fs::statvfs;

use crate::bench::Row;
use crate::cost::{Cost, Image};
use crate::noise::Noise;
use crate::timed;
use crate::way::Way;

/// Of each model's weights.
const BYTES: usize = 200_000_000;

/// The models of every build.
const MODELS: [&str; 5] = ["one", "two", "three", "four", "five"];

const BASE: &str = "python:3-slim";
const FRONTEND: &str = "strata";

/// What of the service is chosen, build by build.
#[derive(Clone)]
struct Choice {
    base: String,
    /// Each with its revision.
    models: Vec<(String, String)>,
    code: String,
}

/// An edit, by the name that the tables have for it; the number chooses one of its kind.
type Edit = (&'static str, fn(&mut Choice, usize));

/// What the builds of one way cost, edit by edit.
type Costs = Vec<(String, Vec<Cost>)>;

/// Servers that stay, and what they have.
struct Servers {
    shared: Engine,
    registry: Registry,
    hub: Hub,
    pypi: PypiMirror,
    /// The SHA-256 of a file, by its path on the hub.
    checksums: Vec<(String, String)>,
    /// So many builds there were.
    builds: Cell<usize>,
}

/// The rows of the table: first builds, and each edit whose name has one of `chosen` in it, built by
/// each way on an engine of its own.
///
/// # Errors
///
/// When a build fails, or the images do not have the same.
pub fn rows(runs: usize, chosen: &[&str]) -> Result<Vec<Row>> {
    let servers = Servers::start(runs)?;
    let mut rows: Vec<Row> = Vec::new();
    let mut has = None;
    for way in Way::MODELS {
        let (costs, content) = servers.measure(way, runs, chosen)?;
        ensure!(
            *has.get_or_insert_with(|| content.clone()) == content,
            "{} has other models: {content}",
            way.title()
        );
        for (place, (name, costs)) in costs.into_iter().enumerate() {
            match rows.get_mut(place) {
                Some(row) => row.costs.push((way, costs)),
                None => rows.push(Row { name, costs: vec![(way, costs)] }),
            }
        }
    }
    Ok(rows)
}

impl Servers {
    fn start(runs: usize) -> Result<Self> {
        let registry = Registry::serve(Ipv4Addr::LOCALHOST.into())?;
        let shared = Engine::shared()?;
        frontend_image::load(&shared, FRONTEND)?;
        base_image::load(&shared, BASE)?;
        let address = shared.host_address()?;
        let mut noise = Noise::default();
        let mut checksums = Vec::new();
        let mut files = |name: &str, revision: &str| {
            let weights = noise.bytes(BYTES);
            for (file, content) in
                [("model.safetensors", &weights[..]), ("config.json", name.as_bytes())]
            {
                checksums.push((format!("{name}/{revision}/{file}"), sha256(content)));
            }
            [("config.json", name.as_bytes().to_vec()), ("model.safetensors", weights)]
        };
        let mut repos = Vec::new();
        for name in MODELS {
            let mut repo = Repo::new(format!("bench/{name}"), files(name, "v1"));
            repo.tag("v1");
            repos.push(repo);
        }
        for run in 0..runs {
            let name = format!("more-{run}");
            let mut repo = Repo::new(format!("bench/{name}"), files(&name, "v1"));
            repo.tag("v1");
            repos.push(repo);
            let revised = repos.get_mut(MODELS.len() - 1).context("no model")?;
            let revision = format!("r{run}");
            revised.commit(files(MODELS[MODELS.len() - 1], &revision));
            revised.tag(revision);
        }
        let hub = Hub::serve(address, repos)?;
        let pypi = PypiMirror::serve(address)?;
        let servers = Self { shared, registry, hub, pypi, checksums, builds: Cell::new(0) };
        servers.push_bases(runs)?;
        Ok(servers)
    }

    /// A base, and a newer one for each run, on the desk and in CI.
    fn push_bases(&self, runs: usize) -> Result<()> {
        let base = self.base();
        let newer =
            (0..2 * runs).map(|run| (format!("{base}-{run}"), format!("ENV NEWER={run}\n")));
        for (name, more) in [(base.clone(), String::new())].into_iter().chain(newer) {
            let folder = tempfile::tempdir()?;
            fs::write(folder.path().join("Dockerfile"), format!("FROM {BASE}\n{more}"))?;
            let mut build = self.shared.docker(["buildx", "build", "--provenance=false", "--push"]);
            output(build.arg(format!("--tag={name}")).arg(folder.path()))?;
        }
        Ok(())
    }

    /// What each edit costs one way, and what its image then has.
    fn measure(&self, way: Way, runs: usize, chosen: &[&str]) -> Result<(Costs, String)> {
        let is_chosen = |name: &str| chosen.iter().any(|part| name.contains(part));
        let mut first = Vec::new();
        let mut engine = None;
        for run in 0..runs {
            eprintln!("first build, {} of {runs}: {}", run + 1, way.title());
            drop(engine.take());
            let fresh = self.engine()?;
            let (cost, image) = self.build(&fresh, way, &self.choice(), &Image::default(), &[])?;
            first.push(cost);
            engine = Some((fresh, image));
        }
        let (engine, before) = engine.context("no run")?;
        let sums = "cd /models && sha256sum */*";
        let mut run = engine.docker(["run", "--rm", &self.desk(way), "sh", "-c", sums]);
        let content = output(&mut run)?;

        let mut rows = vec![("first build".to_owned(), first)];
        let edits: [Edit; 5] = [
            ("nothing", |_, _| ()),
            ("a line of the code", |choice, run| choice.code = format!("# {run}")),
            ("a model added", |choice, run| {
                choice.models.push((format!("more-{run}"), "v1".to_owned()));
            }),
            ("a model's revision changed", |choice, run| {
                if let Some((_, revision)) = choice.models.last_mut() {
                    *revision = format!("r{run}");
                }
            }),
            ("a new base image", |choice, run| choice.base += &format!("-{run}")),
        ];
        for (name, edit) in edits.into_iter().filter(|(name, _)| is_chosen(name)) {
            let mut costs = Vec::new();
            for run in 0..runs {
                eprintln!("{name}, {} of {runs}: {}", run + 1, way.title());
                let mut choice = self.choice();
                edit(&mut choice, run);
                costs.push(self.build(&engine, way, &choice, &before, &[])?.0);
            }
            rows.push((name.to_owned(), costs));
        }
        let image = format!("{}/models/{}", self.registry.host(), way.slug());
        let output = format!("--output=type=image,push=true,store=false,name={image}");
        let export = [output.as_str(), "--cache-to=type=inline"];
        self.build(&engine, way, &self.choice(), &before, &export)?;
        drop(engine);
        let import = format!("--cache-from=type=registry,ref={image}");
        let in_ci = [edits[1], edits[4]].map(|(name, edit)| (format!("in CI: {name}"), edit));
        for (name, edit) in in_ci.into_iter().filter(|(name, _)| is_chosen(name)) {
            let mut costs = Vec::new();
            for run in 0..runs {
                eprintln!("{name}, {} of {runs}: {}", run + 1, way.title());
                let mut choice = self.choice();
                // One that the desk has not seen: the cache that it left knows all that it built.
                edit(&mut choice, runs + run);
                let engine = self.engine()?;
                // Under another name: the cache of the next run is in the image of that name.
                let output = format!("{output}:{run}");
                let options = [output.as_str(), import.as_str()];
                costs.push(self.build(&engine, way, &choice, &before, &options)?.0);
            }
            rows.push((name, costs));
        }
        Ok((rows, content))
    }

    /// An empty engine with the frontend.
    fn engine(&self) -> Result<Throwaway> {
        let engine = Engine::empty(CURRENT)?;
        self.shared.copy_image(FRONTEND, &engine)?;
        Ok(engine)
    }

    fn base(&self) -> String {
        format!("{}/python:3", self.registry.host())
    }

    /// The image that a desk built last. Each has a name of its own: layers of one that loses its
    /// name are removed, even as a build is about to stand on them.
    fn desk(&self, way: Way) -> String {
        format!("{}/desk/{}:{}", self.registry.host(), way.slug(), self.builds.get())
    }

    fn choice(&self) -> Choice {
        let models = MODELS.map(|name| (name.to_owned(), "v1".to_owned())).to_vec();
        Choice { base: self.base(), models, code: String::new() }
    }

    /// Builds what was chosen, and what that costs to someone who has the image `before`.
    fn build(
        &self,
        engine: &Throwaway,
        way: Way,
        choice: &Choice,
        before: &Image,
        options: &[&str],
    ) -> Result<(Cost, Image)> {
        self.builds.set(self.builds.get() + 1);
        let folder = tempfile::tempdir()?;
        let text = match way {
            Way::Strata => manifest(choice),
            Way::HubDownload => {
                self.dockerfile(choice, |_, name, revision| download(name, revision))
            }
            _ => self.dockerfile(choice, |servers, name, revision| servers.add(name, revision)),
        };
        fs::create_dir(folder.path().join("app"))?;
        fs::write(
            folder.path().join("app/main.py"),
            format!("print('models')\n{}\n", choice.code),
        )?;
        fs::write(folder.path().join(way.file()), text)?;
        let mut command = engine.docker(["buildx", "build", "--provenance=false"]);
        command.arg("--file").arg(folder.path().join(way.file())).args(options).arg(folder.path());
        command.arg(format!("--build-arg=HF_ENDPOINT={}", self.hub.endpoint()));
        if !options.iter().any(|option| option.starts_with("--output")) {
            command.arg(format!("--output=type=image,push=true,name={}", self.desk(way)));
        }
        let _ = self.hub.take_answered();
        let disk = Disk::watch(engine.home())?;
        let build = timed::build(&mut command)?;
        let disk = disk.most();
        let image = Image::of(&build, &self.registry)?;
        let fetched = self.hub.take_answered().iter().map(|answered| answered.sent).sum();
        Ok((Cost { fetched, disk, ..Cost::of(&build, &image, before) }, image))
    }

    /// As carefully as a Dockerfile can: what changes most is linked last, and what downloads stands
    /// on a base of its own, which a new one for the service leaves alone.
    fn dockerfile(
        &self,
        choice: &Choice,
        model: impl Fn(&Self, &str, &str) -> (String, String),
    ) -> String {
        let (mut stages, mut layers) = (String::new(), String::new());
        for (name, revision) in &choice.models {
            let (stage, layer) = model(self, name, revision);
            stages += &stage;
            layers += &layer;
        }
        format!(
            "FROM {tools} AS hub\n\
             ENV PIP_INDEX_URL={index} PIP_TRUSTED_HOST={host}\n\
             RUN --mount=type=cache,target=/root/.cache/pip \
             python3 -m venv /hub && /hub/bin/pip install huggingface_hub==1.8.0\n\
             ENV HF_HUB_CACHE=/cache HF_HUB_DISABLE_TELEMETRY=1 HF_ENDPOINT={endpoint}\n\
             {stages}\
             FROM {base}\n\
             RUN useradd --create-home --uid 10001 app\n\
             WORKDIR /app\n\
             {layers}\
             COPY --link app /app\n\
             USER app\n",
            tools = self.base(),
            base = choice.base,
            index = self.pypi.url(),
            host = self.pypi.address().ip(),
            endpoint = self.hub.endpoint(),
        )
    }

    /// A stage that is BuildKit's own download, of each file by its checksum, and the layer of that.
    /// The stage is for the modes: an `ADD` with `--chmod` does not link (`dispatchCopy` in BuildKit's
    /// frontend/dockerfile/dockerfile2llb/convert.go).
    fn add(&self, name: &str, revision: &str) -> (String, String) {
        let mut stage = format!("FROM scratch AS {name}\n");
        for file in ["config.json", "model.safetensors"] {
            let path = format!("{name}/{revision}/{file}");
            let known = self.checksums.iter().find(|(of, _)| *of == path);
            let sha256 = known.map(|(_, sha256)| sha256.as_str()).unwrap_or_default();
            let _ = writeln!(
                stage,
                "ADD --chmod=755 --checksum=sha256:{sha256} \
                 {}/bench/{name}/resolve/{revision}/{file} /models/{name}/{file}",
                self.hub.endpoint()
            );
        }
        (stage, format!("COPY --link --from={name} /models /models\n"))
    }
}

/// A stage that downloads through a cache mount, and the layer of that.
fn download(name: &str, revision: &str) -> (String, String) {
    let fetch = format!(
        "import huggingface_hub as hub, shutil; shutil.copytree(hub.snapshot_download(\
         'bench/{name}', revision='{revision}'), '/models/{name}')"
    );
    let stage = format!(
        "FROM hub AS {name}\nRUN --mount=type=cache,target=/cache /hub/bin/python -c \"{fetch}\"\n"
    );
    (stage, format!("COPY --link --from={name} /models /models\n"))
}

fn manifest(choice: &Choice) -> String {
    let mut text = format!("# syntax={FRONTEND}\nbase: {}\nmodels:\n", choice.base);
    for (name, revision) in &choice.models {
        let _ =
            writeln!(text, "  - {{hf: bench/{name}, revision: {revision}, to: /models/{name}/}}");
    }
    text + "code: app\n"
}

/// Watches how full the disk is.
struct Disk {
    before: u64,
    least: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
}

impl Disk {
    fn watch(folder: &Path) -> Result<Self> {
        let free = |folder: &Path| statvfs(folder).map(|disk| disk.f_bfree * disk.f_frsize);
        let before = free(folder)?;
        let (least, done) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let (seen, end, folder) = (Arc::clone(&least), Arc::clone(&done), folder.to_owned());
        thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                seen.fetch_min(free(&folder).unwrap_or(u64::MAX), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
        });
        Ok(Self { before, least, done })
    }

    /// What was taken of it at most.
    fn most(self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        self.before.saturating_sub(self.least.load(Ordering::Relaxed))
    }
}
