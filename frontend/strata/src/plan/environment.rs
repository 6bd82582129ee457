//! The layers of the Python environment.

use std::collections::{BTreeMap, BTreeSet};

use llb::State;

use super::{
    Layer, Scope, assemble,
    buckets::{Buckets, Heavy},
    files,
    python::{self, Visible},
};
use crate::facts::{Packages, Pick, PlatformFacts};

/// The environment's layers, those that go together in one list.
#[derive(Default)]
pub(super) struct Environment<'a> {
    /// The empty environment; none where the base's own goes on.
    pub(super) venv: Option<State>,
    /// Heavy wheels.
    pub(super) heavy: Vec<Bucket<'a>>,
    /// What was built from source.
    pub(super) built: Vec<Bucket<'a>>,
    /// The other wheels.
    pub(super) light: Vec<Bucket<'a>>,
}

/// Packages, and the layer that they are in.
#[derive(Clone)]
pub(super) struct Bucket<'a> {
    picks: Vec<&'a Pick>,
    pub(super) layer: Layer,
}

impl<'a> Environment<'a> {
    /// The environment on a base with `python`, in no more layers than there is room for; without
    /// any where the manifest wants none.
    pub(super) fn of(
        scope: &Scope<'_>,
        platform: &'a PlatformFacts,
        python: &State,
        room: usize,
    ) -> Self {
        if !scope.recipe.has_python() {
            return Self::default();
        }
        let all = &platform.packages;
        let picks = &all.picks;
        let wanted = &scope.recipe.python;
        let seen = wanted.after.values().flat_map(|names| closure(picks, names)).collect();
        let heavy = Heavy { named: &wanted.heavy, seen };
        let Buckets { heavy, built, light } = Buckets::of(picks, &heavy, room);
        let venv = python::venv(scope, &platform.base, python.clone());
        let wheels = |picks: Vec<&'a Pick>| {
            let state = python::wheels(scope, platform, python, venv.as_ref(), &picks);
            Bucket { layer: packages(state, &picks), picks }
        };
        let heavy: Vec<Bucket<'_>> = heavy.into_iter().map(wheels).collect();
        let light: Vec<Bucket<'_>> = light.into_iter().map(wheels).collect();
        let mut there = [&heavy[..], &light].concat();
        for pick in in_turn(built, picks, &wanted.after) {
            let seen = wanted.after.get(&pick.name).map(|names| meant(all, names));
            let visible = seen.map(|seen| Visible {
                root: visible(scope, platform, &there, &seen),
                picks: picks.iter().filter(|pick| seen.contains(&pick.name)).collect(),
            });
            let state = python::built(scope, platform, python, venv.as_ref(), pick, visible);
            there.push(Bucket { layer: packages(state, &[pick]), picks: vec![pick] });
        }
        let built = there.split_off(heavy.len() + light.len());
        Self { venv, heavy, built, light }
    }

    /// The layer of the empty environment.
    pub(super) fn empty(&self) -> Option<Layer> {
        self.venv.clone().map(|venv| files(venv, "virtual environment"))
    }

    /// The layers of the packages of these names and of all that they need, and of no others: an
    /// edit elsewhere is none to whoever stands on them.
    pub(super) fn for_command(
        &self,
        scope: &Scope<'_>,
        platform: &'a PlatformFacts,
        python: &State,
        names: &BTreeSet<String>,
    ) -> Vec<Layer> {
        if !scope.recipe.has_python() {
            return Vec::new();
        }
        let seen = meant(&platform.packages, names);
        let is_seen = |pick: &&'a Pick| seen.contains(&pick.name);
        let all = self.heavy.iter().chain(&self.built);
        let (alone, shared): (Vec<_>, Vec<_>) = all.partition(|it| it.picks.iter().all(is_seen));
        // The others share their layers with packages that are not meant.
        let shared = shared.into_iter().chain(&self.light).flat_map(|bucket| &bucket.picks);
        let others: Vec<&Pick> = shared.copied().filter(is_seen).collect();
        let others = (!others.is_empty()).then(|| {
            let venv = self.venv.as_ref();
            packages(python::wheels(scope, platform, python, venv, &others), &others)
        });
        let alone = alone.into_iter().map(|bucket| bucket.layer.clone());
        self.empty().into_iter().chain(alone).chain(others).collect()
    }
}

/// The layers of buckets.
pub(super) fn layers(buckets: Vec<Bucket<'_>>) -> impl Iterator<Item = Layer> {
    buckets.into_iter().map(|bucket| bucket.layer)
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
    there: &[Bucket<'_>],
    seen: &BTreeSet<String>,
) -> State {
    let holds = |bucket: &&Bucket<'_>| bucket.picks.iter().any(|pick| seen.contains(&pick.name));
    let layers = there.iter().filter(holds).map(|bucket| bucket.layer.clone());
    let (platform, what) = (&platform.base.platform, "put together what a build sees");
    let layers: Vec<Layer> = layers.collect();
    assemble(scope, "source", platform, what, State::scratch(), &layers).root
}

/// What is built, each behind what it is built after.
fn in_turn<'a>(
    built: Vec<&'a Pick>,
    picks: &[Pick],
    after: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<&'a Pick> {
    let seen = |pick: &Pick| after.get(&pick.name).map(|names| closure(picks, names));
    let mut waiting: Vec<_> = built.into_iter().map(|pick| (pick, seen(pick))).collect();
    waiting.sort_by_key(|(_, seen)| seen.is_some());
    let mut turns = Vec::new();
    while !waiting.is_empty() {
        let is_next = |(pick, seen): &(&Pick, Option<BTreeSet<String>>)| {
            let mut others = waiting.iter().filter(|(other, _)| other.name != pick.name);
            seen.as_ref().is_none_or(|seen| !others.any(|(other, _)| seen.contains(&other.name)))
        };
        // The manifest leads round in no circle; together with what packages need, it may.
        let next = waiting.iter().position(is_next).unwrap_or_default();
        turns.push(waiting.remove(next).0);
    }
    turns
}

/// The packages of these names and all that they need, by name. Where nothing says who needs whom,
/// these may be any.
pub(super) fn meant(packages: &Packages, names: &BTreeSet<String>) -> BTreeSet<String> {
    if packages.is_flat && !names.is_empty() {
        return packages.picks.iter().map(|pick| pick.name.clone()).collect();
    }
    closure(&packages.picks, names)
}

/// The packages of these names and all that they are known to need, by name.
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
