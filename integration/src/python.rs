//! A Python of the tests' own, Debian 12's, and what pip installs for it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::output;
use crate::packages::Packages;
use crate::workspace;

/// Python 3.11, without any package.
///
/// # Errors
///
/// When Debian's packages cannot be downloaded.
pub fn python() -> Result<Command> {
    let mut python = Packages::of_python()?.command("python3.11")?;
    // The packages come without bytecode, and are shared: what is compiled goes elsewhere, once.
    python.env("PYTHONPYCACHEPREFIX", workspace::cache("python/bytecode")?);
    python.env_remove("PYTHONDONTWRITEBYTECODE");
    Ok(python)
}

/// The folder with what `requirements`, the text of such a file, ask for: a `PYTHONPATH`.
///
/// pip also gets `options`. The folder is kept under `name`, until its requirements change.
///
/// # Errors
///
/// When pip fails, in its words.
pub fn installed(name: &str, requirements: &str, options: &[&str]) -> Result<PathBuf> {
    let _lock = workspace::lock(name)?;
    let cache = workspace::cache("python")?;
    let kept = cache.join(name);
    if fs::read_to_string(kept.join("requirements.txt")).is_ok_and(|found| found == requirements) {
        return Ok(kept);
    }
    eprintln!("installing Python packages: {name}");
    let work = tempfile::tempdir_in(&cache)?;
    let (fresh, list) = (work.path().join("fresh"), work.path().join("requirements.txt"));
    fs::write(&list, requirements)?;
    let mut pip = pip()?;
    pip.args(["install", "--quiet", "--no-compile", "--retries", "10"]).args(options);
    output(pip.arg("--target").arg(&fresh).arg("--requirement").arg(&list))?;
    fs::rename(&list, fresh.join("requirements.txt"))?;
    if kept.exists() {
        fs::remove_dir_all(&kept)?;
    }
    fs::rename(&fresh, &kept).with_context(|| format!("could not keep {}", kept.display()))?;
    Ok(kept)
}

/// pip, run out of its wheel, which is all of it that Debian's package has.
fn pip() -> Result<Command> {
    let mut pip = python()?;
    pip.arg(pip_program()?);
    Ok(pip)
}

/// What Python runs as pip.
///
/// # Errors
///
/// As [`python`].
pub fn pip_program() -> Result<PathBuf> {
    let wheel = "usr/share/python-wheels/pip-23.0.1-py3-none-any.whl";
    Ok(Packages::of_python()?.file(wheel)?.join("pip"))
}
