//! The layers of the Python environment.

use std::collections::BTreeSet;

use llb::State;

use super::{
    Layer, Scope, assemble,
    buckets::{Buckets, Heavy},
    facts::{Pick, PlatformFacts},
    files,
    python::{self, Visible},
};

/// The environment's layers, those that go together in one list.
#[derive(Default)]
pub(super) struct Environment {
    /// The venv, and heavy wheels.
    pub(super) heavy: Vec<Layer>,
    /// What was built from source.
    pub(super) built: Vec<Layer>,
    /// The other wheels.
    pub(super) light: Vec<Layer>,
}

impl Environment {
    /// The environment on a base with `python`; without layers where the manifest wants none.
    pub(super) fn of(scope: &Scope<'_>, platform: &PlatformFacts, python: &State) -> Self {
        if !scope.has_venv() {
            return Self::default();
        }
        let picks = &platform.packages.picks;
        let wanted = &scope.recipe.python;
        let seen = wanted.after.values().flat_map(|names| closure(picks, names)).collect();
        let heavy = Heavy { named: &wanted.heavy, seen };
        let Buckets { heavy, built, light } = Buckets::of(picks, &heavy, wanted.installer);
        let venv = python::venv(scope, &platform.base, python.clone());
        let wheels = |bucket: &Vec<&Pick>| {
            let state = python::wheels(scope, &platform.base, python, venv.clone(), bucket);
            packages(state, bucket)
        };
        let heavy: Vec<(Vec<&Pick>, Layer)> =
            heavy.into_iter().map(|bucket| (bucket.clone(), wheels(&bucket))).collect();
        let mut there = heavy.clone();
        let mut layers = Vec::new();
        // What others are built after is built first.
        let (later, sooner): (Vec<&Pick>, Vec<&Pick>) =
            built.into_iter().partition(|pick| wanted.after.contains_key(&pick.name));
        for pick in sooner.into_iter().chain(later) {
            let seen = wanted.after.get(&pick.name).map(|names| closure(picks, names));
            let visible = seen.map(|seen| Visible {
                root: visible(scope, platform, &there, &seen),
                picks: picks.iter().filter(|pick| seen.contains(&pick.name)).collect(),
            });
            let state = python::built(scope, platform, python, venv.clone(), pick, visible);
            let layer = packages(state, &[pick]);
            there.push((vec![pick], layer.clone()));
            layers.push(layer);
        }
        let heavy = heavy.into_iter().map(|(_, layer)| layer);
        Self {
            heavy: [files(venv.clone(), "virtual environment")].into_iter().chain(heavy).collect(),
            built: layers,
            light: light.iter().map(wheels).collect(),
        }
    }
}

fn packages(state: State, picks: &[&Pick]) -> Layer {
    files(state, &format!("Python packages: {}", pins(picks)))
}

/// What a layer's line in the image's history says of it.
fn pins(picks: &[&Pick]) -> String {
    let pin = |pick: &&Pick| match &pick.version {
        Some(version) => format!("{}=={version}", pick.name),
        None => format!("{} @ {}", pick.name, pick.url),
    };
    picks.iter().map(pin).collect::<Vec<_>>().join(" ")
}

/// An environment with nothing but the packages named `seen`.
fn visible(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    there: &[(Vec<&Pick>, Layer)],
    seen: &BTreeSet<String>,
) -> State {
    let holds = |bucket: &[&Pick]| bucket.iter().any(|pick| seen.contains(&pick.name));
    let layers = there.iter().filter(|(bucket, _)| holds(bucket)).map(|(_, layer)| layer.clone());
    let (platform, what) = (&platform.base.platform, "put together what a build sees");
    let layers: Vec<Layer> = layers.collect();
    assemble(scope, "source", platform, what, State::scratch(), &layers).root
}

/// The packages of these names and all that they need, by name.
fn closure(picks: &[Pick], names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut closure = BTreeSet::new();
    let mut pending: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(name) = pending.pop() {
        if closure.insert(name.to_owned()) {
            let pick = picks.iter().find(|pick| pick.name == name);
            pending.extend(pick.iter().flat_map(|pick| pick.needs.iter().map(String::as_str)));
        }
    }
    closure
}
