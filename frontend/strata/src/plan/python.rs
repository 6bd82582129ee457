//! The Python environment: an empty venv, the pinned pip, the packages.

use llb::{CacheSharing, Mount, State};
use sha2::{Digest as _, Sha256};

use super::{
    Scope,
    facts::{Base, PlatformFacts},
    step::{PYTHON, Script, Step, script},
    system,
};
use crate::requirements::InstallSet;

/// Where the environment is in the image.
pub const VENV: &str = "/opt/venv";

/// The environment's own Python: pip is run by the one it installs for.
const VENV_PYTHON: &[&str] = &["/opt/venv/bin/python3", "-EsB"];

const PIP_CACHE: &str = "strata-pip";

/// What a tool step installs, pinned.
pub(super) const PIP: Script = script!("tool_pip.txt");
pub(super) const HUB: Script = script!("tool_hub.txt");

/// The empty environment.
pub(super) fn venv(scope: &Scope<'_>, base: &Base, python: State) -> State {
    let scripts = [script!("venv.py"), script!("tree.py")];
    Step::new(scope, "venv", base, python, PYTHON, &scripts)
        .named("make the virtual environment")
        .at(scope.recipe.python.lines)
        .out()
}

/// A tool of the build's in a folder of its own, never in the image.
pub(super) fn tool(scope: &Scope<'_>, base: &Base, python: State, (name, pins): Script) -> State {
    let scripts = [script!("tool.py"), script!("tree.py"), script!("network.py")];
    let index = scope.recipe.python.index_url.as_ref();
    let index = index.map(|url| format!("--index-url {}\n", url.value)).unwrap_or_default();
    let what = name.trim_start_matches("tool_").trim_end_matches(".txt");
    Step::new(scope, "tool", base, python, PYTHON, &scripts)
        .named(format!("get {what}"))
        .at(scope.recipe.python.lines)
        .file("tool.txt", index + pins)
        .network()
        .env("PIP_CACHE_DIR", "/cache/pip")
        .cache("/cache/pip", PIP_CACHE, CacheSharing::Shared)
        // A tool that had to be built is for this base alone.
        .mount(Mount::discarded("/cache/pip/wheels", State::scratch()))
        .out()
}

/// The packages, in one layer below [`VENV`].
pub(super) fn packages(
    scope: &Scope<'_>,
    facts: &PlatformFacts,
    python: &State,
    venv: State,
    requirements: &InstallSet,
) -> State {
    let base = &facts.base;
    let root = match &scope.recipe.system.build {
        None => python.clone(),
        Some(build) => system::install(scope, "toolchain", base, python.clone(), build),
    };
    let scripts = [script!("install.py"), script!("tree.py"), script!("network.py")];
    let step = Step::new(scope, "packages", base, root, VENV_PYTHON, &scripts)
        .named(format!("install {requirements}"))
        .at(scope.recipe.python.lines)
        .file("requirements.txt", requirements.requirements_text())
        .file("constraints.txt", requirements.constraints_text())
        .mount(Mount::read_only(VENV, venv).select(VENV))
        .mount(Mount::read_only("/tool", tool(scope, base, python.clone(), PIP)))
        .network()
        .env("PIP_CACHE_DIR", "/cache/pip")
        .cache("/cache/pip", PIP_CACHE, CacheSharing::Shared)
        .cache("/cache/pip/wheels", &built_wheels_cache(scope, facts), CacheSharing::Shared);
    let env = &scope.recipe.python.env;
    env.iter().fold(step, |step, (name, value)| step.env(name, value)).out()
}

/// The id of pip's cache of wheels that it built. pip tells them apart by their tags alone,
/// which say nothing of the C library, the compiler's flags or the libraries that were there:
/// one base may have another CUDA than the next.
fn built_wheels_cache(scope: &Scope<'_>, facts: &PlatformFacts) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text);
        hash.update([0]);
    };
    let PlatformFacts { base, probe } = facts;
    add(&base.platform.to_string());
    let image = &scope.recipe.base.value;
    add(image.split_once('@').map_or(image, |(name, _)| name));
    for text in [&probe.python.soabi, &probe.os.id, &probe.os.version] {
        add(text.as_deref().unwrap_or_default());
    }
    let system = &scope.recipe.system;
    for packages in [&system.python, &system.build] {
        packages.iter().flat_map(|packages| &packages.value).for_each(|package| add(package));
        add("");
    }
    for (name, value) in base.env.iter().chain(&scope.recipe.python.env) {
        add(name);
        add(value);
    }
    let hex: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{PIP_CACHE}-wheels-{hex}")
}
