//! Tests on real engines. They are one program, so that they share one engine and its images.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod engines;
mod images;
mod older_engines;
mod smoke;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use integration::base_image::{self, Python};
use integration::engine::Engine;
use integration::frontend_image;

/// The name of the base image in every engine of these tests.
const BASE: &str = "python:3-slim";

/// The engine that all tests share, with the base image in it.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let engine = Engine::shared().unwrap();
    base_image::load(&engine, Python::Newest, BASE).unwrap();
    engine
});

/// The shared engine with the frontend in it, under the name `strata`.
static STRATA: LazyLock<&Engine> = LazyLock::new(|| {
    frontend_image::load(&ENGINE, "strata").unwrap();
    &ENGINE
});

/// A build context made of `files`, by name.
fn context(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The command that builds `context` in `engine`, to which a test adds its arguments.
fn build(engine: &Engine, context: &Path) -> Command {
    let mut command = engine.docker(["buildx", "build"]);
    command.arg(context);
    command
}
