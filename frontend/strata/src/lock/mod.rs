//! Locks that people already have, read for one environment: every package decided, nothing left
//! to resolve.
//!
//! Whatever tool wrote it, a lock comes to the same values; which files of a package fit the
//! environment is for [`choose`] to say.

mod choice;
mod document;
mod file;
mod fingerprint;
mod hashes;
mod local;
mod packages;
mod pdm;
mod pipfile;
mod poetry;
mod pylock;
mod pyproject;
mod refusal;
mod tags;
mod uv;

use std::sync::Arc;

use llb::SourceFile;

use crate::{environment::Environment, mistake::Mistakes, requirements::Selection};

pub(crate) use self::document::Document;
pub use self::{
    choice::{Choice, choose},
    hashes::{Pinned, pinned},
    local::Local,
    packages::{File, Lock, Package, Source},
    pyproject::Pyproject,
    tags::{Rank, Tags},
};

/// What tool's lock a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `pylock.toml` and `pylock.NAME.toml` (PEP 751).
    Pylock,
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
}

impl Kind {
    /// The names by which kinds are known.
    pub const NAMES: [&str; 5] =
        ["uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock"];

    /// The name of the file that such a lock is made from, in the same folder, if there is one.
    pub const fn made_from(self) -> Option<&'static str> {
        match self {
            Self::Pylock => None,
            Self::Uv | Self::Poetry | Self::Pdm => Some("pyproject.toml"),
            Self::Pipfile => Some("Pipfile"),
        }
    }

    /// The kind that a file is by its name, the folders before it aside.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name {
            "pylock.toml" => Some(Self::Pylock),
            "uv.lock" => Some(Self::Uv),
            "poetry.lock" => Some(Self::Poetry),
            "pdm.lock" => Some(Self::Pdm),
            "Pipfile.lock" => Some(Self::Pipfile),
            name => {
                let middle = name.strip_prefix("pylock.")?.strip_suffix(".toml")?;
                (!middle.is_empty() && !middle.contains('.')).then_some(Self::Pylock)
            }
        }
    }
}

/// What a lock has for one environment.
///
/// `project` is the file that it was made from, if that is at hand, and `members` are those of its
/// [`folders`] that are: the lock must still be theirs.
///
/// # Errors
///
/// Everything in the lock that a build cannot honour, on its lines. A mistake without a location
/// is one of the selection, or the environment's: those who chose them know the line.
pub fn read(
    file: &Arc<SourceFile>,
    kind: Kind,
    project: Option<&Arc<SourceFile>>,
    members: &[Arc<SourceFile>],
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let is_pyproject = kind != Kind::Pipfile;
    let pyproject = project.filter(|_| is_pyproject).map(Pyproject::parse).transpose()?;
    let pyproject = pyproject.as_ref();
    match kind {
        Kind::Pylock => pylock::read(file, selection, environment),
        Kind::Uv => {
            let members = members.iter().map(Pyproject::parse).collect::<Result<Vec<_>, _>>()?;
            uv::read(file, pyproject, &members, selection, environment)
        }
        Kind::Poetry => poetry::read(file, pyproject, selection, environment),
        Kind::Pdm => pdm::read(file, pyproject, selection, environment),
        Kind::Pipfile => pipfile::read(file, project, selection, environment),
    }
}

/// The folders, relative to the lock's own, of the other projects that it was made from: members of
/// a workspace, and what its projects depend on by a path. Empty for a file that is no lock.
pub fn folders(file: &Arc<SourceFile>, kind: Kind) -> Vec<String> {
    // Of a folder, other tools ask nothing before they install it.
    if kind == Kind::Uv { uv::folders(file) } else { Vec::new() }
}

/// The hosts of its indexes that are asked with a login from variables, as only Pipfiles have them.
pub fn logins(file: &Arc<SourceFile>, kind: Kind) -> Vec<String> {
    if kind == Kind::Pipfile { pipfile::logins(file) } else { Vec::new() }
}

/// The releases that a `pylock.toml` has, whatever they are for: `name==version`.
///
/// # Errors
///
/// When it is none.
pub fn pins(file: &Arc<SourceFile>) -> Result<Vec<String>, Mistakes> {
    pylock::pins(file)
}
