//! `cargo rebuilds`: what an edit costs, with Strata and with a careful Dockerfile, in turn on the
//! same engine; and how large and quick the frontend itself is. The figures of the README.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use integration::buildx::Build;
use integration::command::output;
use integration::engine::Engine;
use integration::hub::{Hub, Repo};
use integration::{frontend_image, weights, workbench, workspace};

/// What either way builds.
const IMAGES: [&str; 2] = ["rebuilds-strata", "rebuilds-dockerfile"];

/// So often each edit is made and built; the table has the medians.
const RUNS: usize = 5;

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A project that both ways build.
struct Project {
    engine: Engine,
    hub: Hub,
    folder: tempfile::TempDir,
}

/// An edit by name; the number of the run makes it a new one.
type Edit = (&'static str, fn(&Path, usize) -> Result<()>);

const EDITS: [Edit; 5] = [
    ("nothing", |_, _| Ok(())),
    ("a line of the code", |folder, run| append(folder, "main.py", &format!("# {run}\n"))),
    ("an environment variable", |folder, run| {
        replace(folder, "strata.yaml", "cmd:", &format!("env: {{RUN: \"{run}\"}}\ncmd:"))?;
        replace(folder, "Dockerfile", "ENV PATH", &format!("ENV RUN={run}\nENV PATH"))
    }),
    ("a model more", |folder, run| {
        let model = format!("example/small-{run}");
        replace(folder, "strata.yaml", "code:", &format!("  - {model}\ncode:"))?;
        let cached = format!("models--{}", model.replace('/', "--"));
        let fetch = format!("import huggingface_hub as hub; hub.snapshot_download('{model}')");
        let stage = format!(
            "FROM hub AS more{run}\n\
             RUN --mount=type=cache,target=/cache /hub/bin/python -c \"{fetch}\" && \
             mkdir -p /opt/huggingface/hub && cp -a /cache/{cached} /opt/huggingface/hub/\n\n\
             FROM ${{BASE}}\nRUN useradd"
        );
        replace(folder, "Dockerfile", "FROM ${BASE}\nRUN useradd", &stage)?;
        let copy =
            format!("COPY --link --from=more{run} /opt/huggingface /opt/huggingface\nENV PATH");
        replace(folder, "Dockerfile", "ENV PATH", &copy)
    }),
    ("a package more", |folder, run| {
        append(folder, "requirements.txt", &format!("{}\n", PACKAGES[run % PACKAGES.len()]))
    }),
];

/// Small packages, one for each run.
const PACKAGES: [&str; 6] = [
    "six==1.17.0",
    "colorama==0.4.6",
    "toml==0.10.2",
    "tabulate==0.9.0",
    "iniconfig==2.0.0",
    "wcwidth==0.2.13",
];

fn compare() -> Result<()> {
    let project = Project::new()?;
    eprintln!("first builds");
    // Without any cache, that of pip and the models included.
    let cold = [project.strata(&["--no-cache"])?, project.dockerfile(&["--no-cache"])?];
    println!("| edit | Strata | Dockerfile | Strata ran | Dockerfile ran |\n|---|---|---|---|---|");
    project.keep()?;
    row("first build", &cold.each_ref().map(|build| vec![build]));
    for (name, edit) in EDITS {
        let mut builds = [Vec::new(), Vec::new()];
        for run in 1..=RUNS {
            eprintln!("{name}, {run} of {RUNS}");
            project.write()?;
            edit(project.folder.path(), run)?;
            // In turn, so that a slow moment of the machine meets both.
            builds[0].push(project.strata(&[])?);
            builds[1].push(project.dockerfile(&[])?);
            project.keep()?;
        }
        row(name, &builds.each_ref().map(|builds| builds.iter().collect()));
    }
    about_the_frontend(&project)
}

fn row(name: &str, builds: &[Vec<&Build>; 2]) {
    let seconds = |builds: &Vec<&Build>| {
        let mut seconds: Vec<f64> =
            builds.iter().map(|build| build.elapsed.as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        format!("{:.2} s", seconds[seconds.len() / 2])
    };
    let ran = |builds: &Vec<&Build>| builds.last().map_or(0, |build| work(build));
    let [strata, dockerfile] = builds;
    println!(
        "| {name} | {} | {} | {} | {} |",
        seconds(strata),
        seconds(dockerfile),
        ran(strata),
        ran(dockerfile)
    );
}

/// The vertices that did work: commands and copies.
fn work(build: &Build) -> usize {
    let free = ["[internal]", "[image]", "exporting"];
    build
        .ran()
        .iter()
        .filter(|vertex| !free.iter().any(|free| vertex.name.starts_with(free)))
        .count()
}

impl Project {
    fn new() -> Result<Self> {
        let engine = workbench::set_up()?;
        let small = (0..=RUNS).map(|run| {
            Repo::new(
                format!("example/small-{run}"),
                [("config.json", format!("{{\"run\":{run}}}"))],
            )
        });
        let repositories = small.chain([weights::all_minilm_l6_v2()?]);
        let hub = Hub::serve(engine.host_address()?, repositories)?;
        let project = Self { engine, hub, folder: tempfile::tempdir()? };
        project.write()?;
        Ok(project)
    }

    /// The files as they are before any edit.
    fn write(&self) -> Result<()> {
        let root = workspace::root();
        for name in ["main.py", "minilm.py", "requirements.txt", "strata.yaml", ".dockerignore"] {
            fs::copy(root.join("examples/quickstart").join(name), self.folder.path().join(name))?;
        }
        let dockerfile = root.join("integration/benchmarks/quickstart.Dockerfile");
        fs::copy(dockerfile, self.folder.path().join("Dockerfile"))?;
        append(self.folder.path(), ".dockerignore", "Dockerfile\n")?;
        let folder = self.folder.path();
        replace(folder, "strata.yaml", "models: ", "models:\n  - ")?;
        Ok(())
    }

    fn strata(&self, options: &[&str]) -> Result<Build> {
        self.build("strata.yaml", IMAGES[0], options)
    }

    fn dockerfile(&self, options: &[&str]) -> Result<Build> {
        self.build("Dockerfile", IMAGES[1], options)
    }

    /// Gives the images other names. The engine's store may clear away the layers of an image that
    /// loses its name, while the one that takes it is still being unpacked on top of them.
    fn keep(&self) -> Result<()> {
        for image in IMAGES {
            output(self.engine.docker(["image", "tag", image]).arg(format!("{image}:kept")))?;
        }
        Ok(())
    }

    fn build(&self, file: &str, tag: &str, options: &[&str]) -> Result<Build> {
        let mut command = self.engine.docker(["buildx", "build"]);
        command
            .arg("--file")
            .arg(self.folder.path().join(file))
            .args(["--provenance=false", "--tag", tag])
            .args(options)
            .args(["--build-arg", &format!("HF_ENDPOINT={}", self.hub.endpoint())])
            .arg(self.folder.path());
        Build::succeed(&mut command)
    }
}

fn append(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    Ok(fs::write(&path, fs::read_to_string(&path)? + text)?)
}

fn replace(folder: &Path, name: &str, from: &str, to: &str) -> Result<()> {
    let path = folder.join(name);
    let text = fs::read_to_string(&path)?;
    ensure!(text.contains(from), "{name} has no {from:?}");
    Ok(fs::write(&path, text.replacen(from, to, 1))?)
}

/// Size, time to plan and memory of the binary that the frontend image has.
fn about_the_frontend(project: &Project) -> Result<()> {
    let binary = frontend_image::binary()?;
    let manifest = project.folder.path().join("strata.yaml");
    let plan = || -> Result<Duration> {
        let start = Instant::now();
        // Address space above 32 MB is refused, so that the plan proves what it needs.
        output(
            Command::new("sh")
                .args(["-c", "ulimit -v 32768 && exec \"$0\" plan --file \"$1\" \"$2\""])
                .arg(&binary)
                .arg(&manifest)
                .arg(project.folder.path()),
        )?;
        Ok(start.elapsed())
    };
    let mut times = (0..20).map(|_| plan()).collect::<Result<Vec<_>>>()?;
    times.sort();
    let size = fs::metadata(&binary).context("the binary is gone")?.len();
    println!("\nfrontend binary: {:.1} MB", size as f64 / 1e6);
    println!(
        "`strata plan` of the quickstart, process and all, within 32 MB: {:.1} ms",
        times[times.len() / 2].as_secs_f64() * 1e3
    );
    Ok(())
}
