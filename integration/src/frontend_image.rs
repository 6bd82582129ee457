//! The image of the frontend, with the binary built on this machine.

use std::env::{self, consts::ARCH};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::command::output;
use crate::engine::Engine;
use crate::workspace;

/// Builds the frontend and gives `engine` its image under the name `tag`.
///
/// The binary is built here because a build in the engine would take Rust's image from a registry;
/// all the rest is what `Dockerfile.frontend` says.
///
/// # Errors
///
/// When cargo or the engine fail, in their words.
pub fn load(engine: &Engine, tag: &str) -> Result<()> {
    let _lock = workspace::lock("frontend-image")?;
    let binary = binary()?;
    let folder = binary.parent().context("the binary is in no folder")?;
    let root = workspace::root();
    // With containerd's store, an image that loses its name while another is made of its layers may
    // take them along ("parent snapshot … does not exist"). The first time there is none.
    let _none = output(&mut engine.docker(["tag", tag, &format!("{tag}:before")]));
    output(
        engine
            .docker(["buildx", "build", "--load", "--provenance=false", "--tag", tag])
            .arg("--file")
            .arg(root.join("Dockerfile.frontend"))
            .args(
                ["build", "fetch"]
                    .map(|stage| format!("--build-context={stage}={}", folder.display())),
            )
            .arg(root),
    )
    .map(drop)
}

/// The program that fetches models inside builds, beside the frontend.
pub const FETCHER: &str = "strata-fetch";

/// What makes the frontend smaller by a table of relocations, as in the Dockerfile: it runs alone
/// in a container, at whatever address.
const FIXED: &str = "-C relocation-model=static";

/// Builds the binaries as they are released, in a folder that nothing else builds in: the path of
/// the frontend, which has the fetcher beside it.
///
/// # Errors
///
/// When cargo fails, in its words.
pub fn binary() -> Result<PathBuf> {
    let target = Target::of_this_machine()?;
    eprintln!("building the frontend for {}", target.name);
    let cache = workspace::cache("frontend")?;
    // Alone in its folder: all of a build context's folder is looked through.
    let folder = cache.join("image");
    std::fs::create_dir_all(&folder)?;
    // At once, because the end of each is one long optimization on one processor; and apart, as in
    // the Dockerfile, because together they would share their crates' features.
    thread::scope(|scope| {
        let fetcher = scope.spawn(|| target.release("fetch", FETCHER, "", &cache, &folder));
        let frontend = target.release("strata", "strata", FIXED, &cache, &folder);
        let fetcher =
            fetcher.join().map_err(|_| anyhow!("the fetcher's build ended in a panic"))?;
        frontend.and(fetcher)
    })?;
    Ok(folder.join("strata"))
}

/// Builds the fetcher as tests run it, beside their own programs: its path.
///
/// # Errors
///
/// When cargo fails, in its words.
pub fn fetcher() -> Result<PathBuf> {
    let told = output(cargo().args([
        "build",
        "--quiet",
        "--package",
        "fetch",
        "--message-format",
        "json",
    ]))?;
    // A line for each crate; programs have a path.
    let artifacts = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts.filter_map(|it| Some(it["executable"].as_str()?.into()));
    programs.next().context("cargo has built no program")
}

/// cargo, in the workspace, as a person starts it there.
///
/// Without what cargo tells a program of ours of its package: a build script that asks for such a
/// variable (ring's) would run, and all that stands on it be compiled, each time in turn.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| {
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start))
    }) {
        cargo.env_remove(name);
    }
    cargo.current_dir(workspace::root());
    cargo
}

/// A target whose programs need no library of the image.
struct Target {
    name: String,
    flags: &'static str,
}

impl Target {
    /// musl as in the released image where its standard library is installed, and glibc otherwise.
    fn of_this_machine() -> Result<Self> {
        let musl = format!("{ARCH}-unknown-linux-musl");
        let library =
            output(Command::new("rustc").args(["--print", "target-libdir", "--target", &musl]))?;
        Ok(if Path::new(&library).exists() {
            Self { name: musl, flags: "" }
        } else {
            Self {
                name: format!("{ARCH}-unknown-linux-gnu"),
                flags: "-C target-feature=+crt-static",
            }
        })
    }

    /// Builds the program of a package as it is released, with `flags` more, to `folder`.
    fn release(
        &self,
        package: &str,
        program: &str,
        flags: &str,
        cache: &Path,
        folder: &Path,
    ) -> Result<()> {
        let cache = cache.join(package);
        output(
            cargo()
                .args(["build", "--release", "--package", package, "--target", &self.name])
                .arg("--target-dir")
                .arg(&cache)
                .env("RUSTFLAGS", format!("{} {flags}", self.flags).trim()),
        )?;
        let built = cache.join(&self.name).join("release").join(program);
        std::fs::copy(built, folder.join(program))?;
        Ok(())
    }
}
