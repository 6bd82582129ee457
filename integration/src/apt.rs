//! Downloads of Debian's packages with apt, beside the machine's own lists and state.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::command::output;
use crate::workspace;

/// Where Debian's packages come from.
pub const MIRROR: &str = "http://deb.debian.org/debian";

/// The keys that Debian signs with, in the package debian-archive-keyring.
pub const KEYRING: &str = "usr/share/keyrings/debian-archive-keyring.gpg";

/// A release of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Debian 12: Docker Engine 20.10 (BuildKit 0.8), Python 3.11.
    Bookworm,
    /// Debian 13: Docker Engine 26.1 (BuildKit 0.13), Python 3.13.
    Trixie,
    /// The release to come: Docker Engine 28 or newer (BuildKit 0.25).
    Testing,
}

impl Suite {
    const ALL: [Self; 3] = [Self::Bookworm, Self::Trixie, Self::Testing];

    /// The name in a sources list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Testing => "testing",
        }
    }
}

/// Downloads packages, each out of its suite, and says where their files are: under `folder`.
///
/// # Errors
///
/// When apt fails, in its words.
pub fn download(packages: &[(Suite, &[&str])], folder: &Path) -> Result<Vec<PathBuf>> {
    let _lock = workspace::lock("apt")?;
    let state = workspace::cache("apt")?;
    for place in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(state.join(place))?;
    }
    fs::write(state.join("status"), "")?;
    let signed_by = keyring(&state)?;
    let line = |suite: Suite| {
        format!("deb [signed-by={}] {MIRROR} {} main\n", signed_by.display(), suite.name())
    };
    fs::write(state.join("sources.list"), Suite::ALL.map(line).concat())?;
    output(apt(&state).arg("update"))?;

    let files = folder.join("packages");
    fs::create_dir_all(&files)?;
    let wanted = packages.iter().flat_map(|(suite, names)| {
        names.iter().map(move |name| format!("{name}/{}", suite.name()))
    });
    output(apt(&state).arg("download").args(wanted).current_dir(&files))?;
    fs::read_dir(&files)?.map(|entry| Ok(entry?.path())).collect()
}

/// apt-get with all its state in one folder.
fn apt(state: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet");
    for (option, place) in [
        ("Dir::State", "."),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "none"),
        ("Dir::Etc::preferences", "none"),
        ("Dir::Etc::preferencesparts", "none"),
    ] {
        command.arg(format!("-o={option}={}", state.join(place).display()));
    }
    // The lists are in a folder that apt's own user cannot read.
    command.arg("-o=APT::Sandbox::User=root");
    // A mirror that is frozen in time serves as well.
    command.arg("-o=Acquire::Check-Valid-Until=false");
    command.args(["-o=Acquire::Languages=none", "-o=Acquire::Retries=3"]);
    command
}

/// Debian's keys. Ubuntu has them in a package, which is downloaded with the machine's own lists.
fn keyring(state: &Path) -> Result<PathBuf> {
    let installed = Path::new("/").join(KEYRING);
    let downloaded = state.join(KEYRING);
    if let Some(there) = [installed, downloaded.clone()].into_iter().find(|file| file.exists()) {
        return Ok(there);
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.arg("--quiet").current_dir(state);
        command
    };
    output(apt().arg("update"))?;
    output(apt().args(["download", "debian-archive-keyring"]))?;
    for file in fs::read_dir(state)?.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "deb") {
            output(Command::new("dpkg").arg("-x").args([&file, state]))?;
        }
    }
    ensure!(downloaded.exists(), "the package debian-archive-keyring has no {KEYRING}");
    Ok(downloaded)
}
