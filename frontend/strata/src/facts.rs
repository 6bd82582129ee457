//! What the planner knows of the world: gathered before it runs, handed to it as values.

use std::collections::{BTreeMap, BTreeSet};

use gateway::{NoCache, Sandbox};
use llb::{Platform, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    environment::Environment, in_image::VENV, listing::Listing, lock::Local,
    requirements::InstallSet,
};

/// Everything that is not in the recipe and yet decides the graph.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How this engine and this build want their vertices.
    pub settings: Settings,
    /// What was found out for each platform that is built.
    pub platforms: Vec<PlatformFacts>,
    /// The platform that builds run on natively, where what is the same for all platforms is
    /// made once.
    pub native: Platform,
    /// The frontend's own image, which has the fetcher; none where nothing is fetched.
    pub fetcher: Option<State>,
    /// What was found out about the models, in the recipe's order.
    pub models: Vec<ModelFacts>,
    /// The filesystem that holds the code, if the recipe has any.
    pub code: Option<CodeFacts>,
}

/// What was found out about an entry of `models`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFacts {
    /// The files that are wanted of a repository, as a step has listed them.
    Listed(Listing),
    /// The same, as `strata.lock` has them.
    Locked(Listing),
    /// The SHA-256 of a pipeline's wheel, as `strata.lock` has it: 64 hexadecimal digits.
    Pinned(String),
    /// The files of the build context, at their paths in it.
    InContext(State),
    /// Nothing had to be.
    Stated,
}

impl ModelFacts {
    /// The files that are wanted of a repository.
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Listed(listing) | Self::Locked(listing) => Some(listing),
            Self::Pinned(_) | Self::InContext(_) | Self::Stated => None,
        }
    }
}

/// The facts that differ from platform to platform.
#[derive(Clone, Debug)]
pub struct PlatformFacts {
    /// The base image.
    pub base: Base,
    /// What its Python and its system are.
    pub probe: Probe,
    /// The Python packages.
    pub packages: Packages,
    /// What has each of `files`, in the recipe's order.
    pub files: Vec<State>,
}

/// What is to be installed on one platform, decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages {
    /// The packages, by name.
    pub picks: Vec<Pick>,
    /// Whether nothing says which of them need which.
    pub is_flat: bool,
    /// What is code in place of a package, as a lock says.
    pub local: Vec<Local>,
    /// What the image carries to state them, lowest first: the step that resolved them, and the
    /// list itself where that says more. Empty if there is nothing to state.
    pub bills: Vec<Bill>,
    /// Layers that were read on the way there and that no other layer stands on: they are put into
    /// the image so that a cache export reaches them.
    pub earlier: Vec<State>,
    /// Options of pip's for what is built from source, which needs an index: a line each.
    pub options: String,
    /// What these builds' own requirements are held to: a line each.
    pub build_constraints: String,
}

/// A package and the one thing that it is installed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pick {
    /// The project's name, normalised (PEP 503).
    pub name: String,
    /// Its version, where it is known before it is built.
    pub version: Option<String>,
    /// The name of the file.
    pub file: String,
    /// Where the file is; for git, pip's `git+https://…@commit`.
    pub url: String,
    /// What the file must have, one of: `sha256:…`. None for git.
    pub hashes: Vec<String>,
    /// Whether the requirement names the URL, rather than a release.
    pub direct: bool,
    /// Whether it must be built.
    #[serde(skip)]
    pub built: bool,
    /// The size of the file in bytes, where the lock has it.
    #[serde(skip)]
    pub size: Option<u64>,
    /// The packages that it needs, where the lock says so.
    #[serde(skip)]
    pub needs: BTreeSet<String>,
}

/// What a list of what is installed is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bill {
    /// The step that resolved the requirements.
    Resolved(Box<Resolution>),
    /// The text itself, as `pylock.toml` (PEP 751).
    Stated(String),
}

/// What a lock depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// The requirements, all files read; the same for every platform.
    pub requirements: InstallSet,
    /// Releases to be taken where they will do: `name==version`.
    pub preferences: Vec<String>,
    /// Whether what the requirements require has been resolved already.
    pub no_deps: bool,
    /// What becomes of a package that has to be built to tell what it needs.
    pub building: Building,
}

/// How a resolution builds a package where nothing else tells what that needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Building {
    /// Not where it takes more than the base has: that it would is an answer, too, and whoever
    /// asked tries again.
    Deferred,
    /// With what the base has, or it fails: there is no toolchain.
    #[default]
    Without,
    /// Where packages are built, by `system.build`.
    WithToolchain,
}

/// The base image on one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The platform.
    pub platform: Platform,
    /// Its filesystem.
    pub state: State,
    /// What its files are known by: the same whoever asks for them, and by whatever name; none where
    /// nobody knows.
    pub content: Option<String>,
    /// The environment of its config.
    pub env: BTreeMap<String, String>,
    /// Where its package manager is to look beside what it knows itself: the texts of files, by their
    /// names. They are the recipe's, and the same on every platform.
    pub system_sources: BTreeMap<String, String>,
    /// How many layers it has; none where nobody knows.
    pub layers: usize,
}

impl Base {
    /// Its search path, or that of an image that does not set one (`util/system/path.go`).
    pub fn path(&self) -> &str {
        const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        self.env.get("PATH").map_or(DEFAULT, String::as_str)
    }

    /// What caches of things that are made on it are told apart by; none where nobody knows its
    /// files. Not its vertex: how an image is looked up and which session it comes by are part of
    /// that, and differ from build to build.
    pub(crate) fn identity(&self) -> Option<Value> {
        let content = self.content.as_ref()?;
        Some(json!([self.platform.to_string(), content, self.env]))
    }

    /// Whether it has an environment where the image's own would be, as images made by Strata
    /// have: that one goes on.
    pub fn brings_venv(&self) -> bool {
        let bin = format!("{VENV}/bin");
        self.path().split(':').any(|folder| folder == bin)
    }
}

/// What the probe step found in the base.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Probe {
    /// The interpreter.
    pub python: Interpreter,
    /// The machine as the kernel calls it: `x86_64`.
    pub machine: String,
    /// The C library.
    pub libc: Libc,
    /// Users by name, as in its `/etc/passwd`.
    pub users: BTreeMap<String, Account>,
    /// Links to folders, and where they lead in the end: `/lib` to `/usr/lib`.
    pub links: BTreeMap<String, String>,
    /// Folders that are not simply root's with mode 0755.
    pub folders: BTreeMap<String, Folder>,
    /// What its packages are known by, by their names and versions; none where they do not count as
    /// installed.
    #[serde(default)]
    pub packages: Option<String>,
}

/// A Python interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// The language's version: `3.12.4`.
    pub version: String,
    /// `cpython` or `pypy`.
    pub implementation: String,
    /// The implementation's own version; CPython's is that of the language.
    pub implementation_version: String,
    /// What its extension modules are named by: `cpython-312-x86_64-linux-gnu`.
    pub soabi: Option<String>,
    /// What it was built for: `linux-x86_64`.
    pub platform: String,
    /// How wide its pointers are: 64, or 32 even where the machine has 64.
    pub bits: u8,
}

/// The C library of a system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Libc {
    /// `glibc` or `musl`; empty for another.
    pub name: String,
    /// `2.36`; empty if it does not tell.
    pub version: String,
}

impl Probe {
    /// The environment that locks and markers are read for.
    pub fn environment(&self) -> Environment {
        let Interpreter { version, implementation, implementation_version, .. } = &self.python;
        Environment {
            python_full_version: version.clone(),
            implementation_name: implementation.clone(),
            implementation_version: implementation_version.clone(),
            machine: self.machine.clone(),
            soabi: self.python.soabi.clone().unwrap_or_default(),
            platform: self.python.platform.clone(),
            bits: self.python.bits,
            libc: self.libc.name.clone(),
            libc_version: self.libc.version.clone(),
        }
    }
}

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
}

/// A folder's owner and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Folder {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permissions, sticky and setgid bits among them.
    pub mode: u32,
}

/// Where the code is and what of that must not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFacts {
    /// The filesystem: a git checkout or the build context.
    pub source: State,
    /// The folder of it that is taken; empty for all.
    pub folder: String,
    /// Patterns of what the copy leaves out.
    pub exclude: Vec<String>,
    /// What it is called in progress: the remote and its ref, or the context.
    pub name: String,
    /// What it is called in the image's history: without the ref, so that another ref at the
    /// same commit gives the same image.
    pub origin: String,
}

/// How the engine and the person's command want every vertex to be.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether the engine can merge and diff; without it, layers are copied together.
    pub merge: bool,
    /// Whether more than one platform is built, so that names must say which.
    pub multi_platform: bool,
    /// What runs even if it is cached; stages are what stands first in a vertex's name.
    pub no_cache: NoCache,
    /// Prefix of all cache mounts' ids.
    pub cache_namespace: String,
    /// How commands run.
    pub sandbox: Sandbox,
}
