//! The lock: requirements resolved, in a vertex of its own.

use std::collections::{BTreeMap, BTreeSet};

use llb::{CacheSharing, Meta, State};
use serde_json::{Value, json};

use super::{
    Scope,
    folders::Folders,
    python::{self, HINTS},
    step::{PYTHON, Step, script},
    system,
};
use crate::{
    facts::{Base, Bill, Building, Resolution},
    in_image::{LOCK, STRATA},
    recipe::{Installer, Recipe},
    requirements::InstallSet,
};

const METADATA_CACHE: &str = "strata-uv-metadata";

/// The layer that says what is installed.
pub(super) fn bill(
    scope: &Scope<'_>,
    base: &Base,
    python: State,
    folders: &Folders<'_>,
    bill: &Bill,
) -> State {
    match bill {
        Bill::Resolved(resolution) => lock(scope, base, python, resolution),
        Bill::Stated(text) => folders
            .with_files(&[STRATA.to_owned()], |_| None, &[(LOCK.to_owned(), text.clone())])
            .build(Meta::named("[internal] what is installed")),
    }
}

/// The layer with the lock, or (`unbuilt.txt`) the word that it takes a toolchain to make one.
pub(super) fn lock(
    scope: &Scope<'_>,
    base: &Base,
    python: State,
    resolution: &Resolution,
) -> State {
    let Resolution { requirements, preferences, no_deps, building } = resolution;
    let tools = [Installer::Uv, Installer::Pip];
    let [uv, pip] = tools.map(|tool| python::tool(scope, base, python.clone(), tool));
    let is_deferred = *building == Building::Deferred;
    let has_toolchain = *building == Building::WithToolchain;
    let root = if has_toolchain { system::toolchain(scope, base, python) } else { python };
    let flag = |name: &'static str, is_set: bool| is_set.then_some(name);
    let scripts = [script!("resolve.py"), script!("tree.py"), script!("network.py"), HINTS];
    // Hints are for who has no other try.
    let scripts = &scripts[..if is_deferred { 3 } else { 4 }];
    let indexes = &scope.recipe.python.indexes;
    // What builds are to see may be gigabytes, and mostly nothing has to be built.
    let settings = if is_deferred {
        String::new()
    } else {
        seen_by_builds(&scope.recipe.python.after, requirements)
    };
    let interpreter = python::with_bytecode(PYTHON, Installer::Pip);
    Step::new(scope, "lock", base, root, &interpreter, scripts)
        .named(format!("resolve {requirements}"))
        .at(scope.recipe.python.lines)
        .args(indexes.torch.iter().flat_map(|torch| ["--torch", torch]))
        .args(flag("--no-deps", *no_deps))
        .args(flag("--site-packages", scope.recipe.python.system_site_packages))
        .args(flag("--goes-on", base.brings_venv()))
        .args(flag("--may-need-toolchain", is_deferred))
        .file("requirements.txt", requirements.requirements_text())
        .file("constraints.txt", requirements.constraints_text())
        .file("options.txt", requirements.options_text())
        .files(python::build_constraints(&requirements.build_constraints_text()))
        .files(python::refusals(indexes))
        .file(
            "preferences.txt",
            preferences.iter().map(|pin| format!("{pin}\n")).collect::<String>(),
        )
        .file("uv.toml", settings)
        .mount(uv)
        .mount(pip)
        .network()
        .credentials(&indexes.credentials)
        .cache_of(
            "/cache/uv",
            METADATA_CACHE,
            metadata_cache(scope, base, resolution),
            CacheSharing::Shared,
        )
        .caches(Installer::Pip)
        // pip knows no metadata without a wheel.
        .forget_wheels()
        // Where it takes more than a Python to tell what a package needs, it is built as it will
        // be. Before that is known, what is for builds changes nothing.
        .envs(scope.recipe.python.env.iter().filter(|_| !is_deferred))
        .out()
}

/// What uv's cache of metadata is of. uv tells what it had to build for it apart by name and version
/// alone: a `setup.py` may ask for other packages by the Python, the machine or a variable.
fn metadata_cache(scope: &Scope<'_>, base: &Base, resolution: &Resolution) -> Option<Value> {
    let Recipe { system, python, .. } = scope.recipe;
    let [of_base, of_toolchain] = system::identities(scope, base, [&system.python, &system.build]);
    let held = resolution.requirements.build_constraints_text();
    let mut identity = json!([base.identity()?, of_base, held]);
    let building = resolution.building;
    if building != Building::Deferred {
        let toolchain = (building == Building::WithToolchain).then_some(of_toolchain);
        identity = json!([identity, toolchain, python.env, python.after]);
    }
    Some(identity)
}

/// uv's settings: what builds see beside their own requirements, by `after`. As there is no lock
/// yet, that is in the versions that are required, if any are.
fn seen_by_builds(after: &BTreeMap<String, BTreeSet<String>>, requirements: &InstallSet) -> String {
    let required = |name: &String| {
        let same = requirements.requirements().filter(|required| required.name == *name);
        let texts: Vec<String> = same.map(|required| required.dependency.to_string()).collect();
        if texts.is_empty() { vec![name.clone()] } else { texts }
    };
    let lines = after.iter().map(|(name, seen)| {
        let seen: Vec<String> = seen.iter().flat_map(required).collect();
        format!("{name} = {}\n", serde_json::json!(seen))
    });
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("[extra-build-dependencies]\n{lines}") }
}
