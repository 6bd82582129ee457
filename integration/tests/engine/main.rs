//! Tests on real engines. They are one program, so that they share one engine and its images.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod apt;
mod bad_input;
mod built;
mod ci_caches;
mod code_version;
mod compose;
mod digests;
mod direct;
mod dnf;
mod engines;
mod examples;
mod folders;
mod habits;
mod image;
mod images;
mod indexes;
mod installers;
mod layers;
mod layout;
mod made_code;
mod models;
mod older_engines;
mod other_files;
mod own_locks;
mod own_packages;
mod platforms;
mod project;
mod pythons;
mod reproducible;
mod resolving;
mod reuse_matrix;
mod secrets;
mod smoke;
mod strata_lock;
mod verify;

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use integration::base_image;
use integration::command::output;
use integration::daemons::Kind;
use integration::engine::{Engine, Throwaway};
use integration::frontend_image;
use integration::registry::Registry;

/// The name of the base image in every engine of these tests.
const BASE: &str = "python:3-slim";

/// The engine that all tests share, with the base image in it.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let engine = Engine::shared().unwrap();
    base_image::load(&engine, BASE).unwrap();
    engine
});

/// The shared engine with the frontend in it, under the name `strata`.
static STRATA: LazyLock<&Engine> = LazyLock::new(|| {
    frontend_image::load(&ENGINE, "strata").unwrap();
    &ENGINE
});

/// A base whose Python is Debian's: that of all tests where it has that one.
static DEBIAN: LazyLock<&str> = LazyLock::new(|| {
    let mut ask = STRATA.docker(["run", "--rm", BASE, "sh", "-c", "command -v python3"]);
    if output(&mut ask).unwrap() == "/usr/bin/python3" { BASE } else { "debian:trixie-slim" }
});

/// Held by who listens on the port of HTTPS, of which there is one.
static HTTPS: Mutex<()> = Mutex::new(());

/// A build context made of `files`, by name.
fn context(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    folder
}

/// The command that builds the manifest `strata.yaml` of `folder` in `engine`, to which a test adds
/// its arguments.
fn build(engine: &Engine, folder: &Path) -> Command {
    build_file(engine, folder, "strata.yaml")
}

/// The same for another file of `folder`, such as a Dockerfile.
fn build_file(engine: &Engine, folder: &Path, file: &str) -> Command {
    let mut command = engine.docker(["buildx", "build"]);
    command.arg("--file").arg(folder.join(file)).arg(folder);
    command
}

/// A number that no earlier build had, so that nothing of it is cached.
fn unique() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().to_string()
}

/// A new engine of `kind` with nothing in it but the frontend.
fn newcomer(kind: Kind) -> Throwaway {
    let engine = Engine::in_memory(kind).unwrap();
    STRATA.copy_image("strata", &engine).unwrap();
    engine
}

/// A registry with the base image in it, and the image's name there.
fn registry() -> (Registry, String) {
    // Every engine trusts a registry on its own machine, and none of them is elsewhere.
    let registry = Registry::serve(Ipv4Addr::LOCALHOST.into()).unwrap();
    let base = format!("{}/{BASE}", registry.host());
    push_as(&ENGINE, BASE, &base);
    (registry, base)
}

/// Pushes `image` to the registry that is in `name`. The engine has it by that name no more.
fn push_as(engine: &Engine, image: &str, name: &str) {
    for words in [["tag", image, name].as_slice(), &["push", name], &["rmi", name]] {
        output(engine.docker([]).args(words)).unwrap();
    }
}
