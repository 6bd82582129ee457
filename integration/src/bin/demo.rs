//! `cargo demo`: the main job on a real engine. The quickstart is built from git, its
//! CODE_VERSION changes, it is built again, and run; a table says what each build ran.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use integration::buildx::{Build, Vertex};
use integration::engine::Engine;
use integration::git_server::{GitServer, Repository};
use integration::hub::Hub;
use integration::{weights, workbench, workspace};

const IMAGE: &str = "strata-demo";

/// The values of CODE_VERSION: tags of the repository.
const VERSIONS: [&str; 2] = ["release-1", "release-2"];

/// The stages in the order in which they stand on each other.
const STAGES: [&str; 9] =
    ["base", "probe", "venv", "tool", "packages", "models", "user", "code", "image"];

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<()> {
    let engine = workbench::set_up()?;
    eprintln!("serving the quickstart's model and code");
    let address = engine.host_address()?;
    let hub = Hub::serve(address, [weights::all_minilm_l6_v2()?])?;
    let (_server, repository) = serve_code(address)?;
    let build = |version: &str| build(&engine, &hub, &repository, version);

    repository.tag(VERSIONS[0])?;
    let first = build(VERSIONS[0])?;
    edit(&repository)?;
    repository.tag(VERSIONS[1])?;
    let second = build(VERSIONS[1])?;

    eprintln!("\n$ docker run --rm --network none {IMAGE}");
    let status = engine.docker(["run", "--rm", "--network", "none", IMAGE]).status()?;
    ensure!(status.success(), "the image did not run: {status}");
    println!("\n{}", table(&first, &second));
    Ok(())
}

/// A repository with the quickstart in it.
fn serve_code(address: IpAddr) -> Result<(GitServer, Repository)> {
    let server = GitServer::serve(address)?;
    let repository = server.create("quickstart")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(workspace::root().join("examples/quickstart"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let name = path.file_name().context("a file without a name")?.to_string_lossy();
            files.push((name.into_owned(), fs::read_to_string(&path)?));
        }
    }
    repository.commit(&files, "the quickstart")?;
    Ok((server, repository))
}

/// The edit that people make all day.
fn edit(repository: &Repository) -> Result<()> {
    let main = workspace::root().join("examples/quickstart/main.py");
    let text = fs::read_to_string(main)? + "    print(\"release 2 says hello\")\n";
    repository.commit(&[("main.py", text)], "say hello").map(drop)
}

fn build(engine: &Engine, hub: &Hub, repository: &Repository, version: &str) -> Result<Build> {
    let folder = workspace::root().join("examples/quickstart");
    let mut command = engine.docker(["buildx", "build"]);
    command
        .arg("--file")
        .arg(folder.join("strata.yaml"))
        .args(["--tag", IMAGE])
        .args(["--build-arg", &format!("CODE_VERSION={version}")])
        .args(["--build-arg", &format!("CODE={}", repository.url())])
        .args(["--build-arg", &format!("HF_ENDPOINT={}", hub.endpoint())])
        // No registry need answer: the engine has this one.
        .args(["--build-context", &format!("python:3.12-slim=docker-image://{}", workbench::BASE)])
        .arg(folder);
    eprintln!("\n$ {}", shown(&command));
    let build = Build::watch(&mut command, report)?;
    ensure!(build.success, "the build failed:\n{}", build.report());
    eprintln!("  {:.1} s", build.elapsed.as_secs_f64());
    Ok(build)
}

/// A line for a vertex as soon as it is known to be done.
fn report(vertex: &Vertex) {
    if vertex.ran() && vertex.ended() && is_shown(&vertex.name) {
        eprintln!("  {:6.1} s  {}", vertex.elapsed().as_secs_f64(), vertex.name);
    }
}

fn shown(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    ["docker".into()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Not what only hands files and layers on.
fn is_shown(name: &str) -> bool {
    name.starts_with('[') && !name.starts_with("[internal]")
}

/// Each vertex with what it took in either build.
fn table(first: &Build, second: &Build) -> String {
    let mut rows: BTreeMap<(usize, String), [String; 2]> = BTreeMap::new();
    for (column, build) in [first, second].into_iter().enumerate() {
        for vertex in build.vertices.iter().filter(|vertex| is_shown(&vertex.name)) {
            let name = vertex.name.replace(VERSIONS[column], "…");
            let place = STAGES.iter().position(|stage| name.starts_with(&format!("[{stage}]")));
            let row = rows.entry((place.unwrap_or(STAGES.len()), name)).or_default();
            row[column] = took(vertex);
        }
    }
    let total = |build: &Build| format!("{:.1} s", build.elapsed.as_secs_f64());
    rows.insert((usize::MAX, "in all".to_owned()), [total(first), total(second)]);
    let width = rows.keys().map(|(_, name)| name.chars().count()).max().unwrap_or_default();
    let line = |name: &str, [first, second]: [&str; 2]| {
        format!("{name:width$}  {first:>12}  {second:>12}\n")
    };
    rows.iter().fold(line("vertex", ["first build", "second build"]), |table, ((_, name), row)| {
        table + &line(name, [&row[0], &row[1]])
    })
}

fn took(vertex: &Vertex) -> String {
    if vertex.ran() {
        format!("{:.1} s", vertex.elapsed().as_secs_f64())
    } else if vertex.cached {
        "cached".to_owned()
    } else {
        "–".to_owned()
    }
}
