//! What the planner knows of the world: gathered before it runs, handed to it as values.

use std::collections::BTreeMap;

use gateway::{NoCache, Sandbox};
use llb::{Platform, State};
use serde::Deserialize;

use crate::requirements::InstallSet;

/// Everything that is not in the recipe and yet decides the graph.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How this engine and this build want their vertices.
    pub settings: Settings,
    /// What was found out for each platform that is built.
    pub platforms: Vec<PlatformFacts>,
    /// The platform that builds run on natively, where what is the same for all platforms is
    /// made once.
    pub native: Base,
    /// The requirements, all files read; the same for every platform.
    pub requirements: InstallSet,
    /// The filesystem that holds the code, if the recipe has any.
    pub code: Option<CodeFacts>,
}

/// The facts that differ from platform to platform.
#[derive(Clone, Debug)]
pub struct PlatformFacts {
    /// The base image.
    pub base: Base,
    /// What its Python and its system are.
    pub probe: Probe,
}

/// The base image on one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The platform.
    pub platform: Platform,
    /// Its filesystem.
    pub state: State,
    /// The environment of its config.
    pub env: BTreeMap<String, String>,
}

impl Base {
    /// Its search path, or that of an image that does not set one (`util/system/path.go`).
    pub fn path(&self) -> &str {
        const DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        self.env.get("PATH").map_or(DEFAULT, String::as_str)
    }
}

/// What the probe step found in the base (`/opt/strata/probe.json`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Probe {
    /// The interpreter.
    pub python: Interpreter,
    /// The distribution.
    pub os: Os,
    /// Users by name, as in its `/etc/passwd`.
    pub users: BTreeMap<String, Account>,
    /// Links to folders, and where they lead in the end: `/lib` to `/usr/lib`.
    pub links: BTreeMap<String, String>,
    /// Folders that are not simply root's with mode 0755.
    pub folders: BTreeMap<String, Folder>,
}

/// A Python interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interpreter {
    /// What its extension modules are named by: `cpython-312-x86_64-linux-gnu`.
    pub soabi: Option<String>,
}

/// A distribution, by its `/etc/os-release`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Os {
    /// `debian`.
    pub id: Option<String>,
    /// `13`.
    pub version: Option<String>,
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
