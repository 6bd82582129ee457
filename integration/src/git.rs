//! A git of the tests' own, Debian 12's, and an ssh for it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::packages::{Packages, before_the_machines};
use crate::workspace;

/// git, deaf to what the machine and its user have configured.
///
/// # Errors
///
/// When Debian's packages cannot be downloaded.
pub fn git() -> Result<Command> {
    let mut git = Command::new(programs()?.join("git"));
    git.env("PATH", path()?).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    Ok(git)
}

/// A `PATH` on which this git and its ssh come first.
///
/// # Errors
///
/// When Debian's packages cannot be downloaded.
pub fn path() -> Result<OsString> {
    before_the_machines(&[programs()?])
}

/// The folder of `git` and `ssh`, to be put on the `PATH` of whoever starts them.
///
/// They are scripts, because BuildKit passes nothing of its environment on to git but the `PATH`
/// (`util/gitutil/git_cli.go`), and they need to be told where they were unpacked.
///
/// # Errors
///
/// When Debian's packages cannot be downloaded.
pub fn programs() -> Result<PathBuf> {
    let packages = Packages::of_servers()?;
    let _lock = workspace::lock("git")?;
    let folder = workspace::cache("git")?;
    for program in ["git", "ssh"] {
        keep(&folder.join(program), &script(&packages, &format!("usr/bin/{program}"))?)?;
    }
    Ok(folder)
}

fn script(packages: &Packages, program: &str) -> Result<String> {
    let libraries = std::env::join_paths(packages.libraries())?;
    Ok(format!(
        "#!/bin/sh\n\
         export LD_LIBRARY_PATH='{}' GIT_EXEC_PATH='{}' GIT_TEMPLATE_DIR='{}'\n\
         exec '{}' \"$@\"\n",
        libraries.display(),
        packages.file("usr/lib/git-core")?.display(),
        packages.file("usr/share/git-core/templates")?.display(),
        packages.file(program)?.display(),
    ))
}

/// Writes a script, unless it is that already: another process may be running it.
fn keep(file: &Path, script: &str) -> Result<()> {
    if fs::read_to_string(file).is_ok_and(|found| found == script) {
        return Ok(());
    }
    fs::write(file, script)?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
}
