//! Which packages of a uv.lock the roots lead to, in one environment.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Package, UvLock};
use crate::{
    environment::Environment,
    lock::document::{When, holds},
    requirements::{Selection, normalize},
};

/// The lock and the environment that it is asked for. Packages are meant by their index.
pub(super) struct Graph<'a> {
    lock: &'a UvLock,
    by_name: BTreeMap<&'a str, Vec<usize>>,
    environment: &'a Environment,
}

/// A package that something depends on.
pub(super) struct Reached<'a> {
    pub(super) name: &'a str,
    /// None if the lock does not have it.
    pub(super) package: Option<usize>,
    /// The package that led to it first; none for the groups of a workspace's root.
    pub(super) by: Option<usize>,
    /// Whether another package or a group depends on it; not if it is a root alone.
    pub(super) is_needed: bool,
    /// What it depends on here, with all of its extras that something asks for.
    pub(super) needs: BTreeSet<String>,
}

/// A package, or an extra or group of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Itself,
    Extra(&'a str),
    Group(&'a str),
}

/// What a walk has come to.
#[derive(Default)]
struct Trail<'a> {
    known: BTreeSet<(usize, Part<'a>)>,
    /// In the order in which they were come to; those before `next` were gone through.
    visits: Vec<(usize, Part<'a>)>,
    next: usize,
    reached: Vec<Reached<'a>>,
    needed: BTreeSet<usize>,
    needs: BTreeMap<usize, BTreeSet<String>>,
    missing: BTreeSet<&'a str>,
}

impl<'a> Trail<'a> {
    fn visit(&mut self, name: &'a str, package: usize, part: Part<'a>, by: Option<usize>) {
        if !self.known.insert((package, part)) {
            return;
        }
        self.visits.push((package, part));
        if part == Part::Itself {
            let (package, needs) = (Some(package), BTreeSet::new());
            self.reached.push(Reached { name, package, by, is_needed: false, needs });
        }
    }

    /// A dependency with its extras.
    fn depend(
        &mut self,
        name: &'a str,
        extras: &'a [String],
        package: Option<usize>,
        by: Option<usize>,
    ) {
        match package {
            Some(package) => {
                // A project may name its own extras.
                if by != Some(package) {
                    self.needed.insert(package);
                    if let Some(by) = by {
                        self.needs.entry(by).or_default().insert(normalize(name));
                    }
                }
                self.visit(name, package, Part::Itself, by);
                extras.iter().for_each(|extra| self.visit(name, package, Part::Extra(extra), by));
            }
            None if self.missing.insert(name) => {
                let (package, needs) = (None, BTreeSet::new());
                self.reached.push(Reached { name, package, by, is_needed: true, needs });
            }
            None => {}
        }
    }
}

impl<'a> Graph<'a> {
    pub(super) fn new(lock: &'a UvLock, environment: &'a Environment) -> Self {
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, package) in lock.packages.iter().enumerate() {
            by_name.entry(package.name.get_ref()).or_default().push(index);
        }
        Self { lock, by_name, environment }
    }

    /// Everything that the roots lead to, they themselves among it.
    pub(super) fn reach(&self, roots: &[usize], selection: &'a Selection) -> Vec<Reached<'a>> {
        // Where extras exclude each other, markers ask which of them are wanted: first those
        // that were asked for, then those that other packages turned out to want as well.
        let mut active = Selection::default();
        for root in roots {
            let name = self.name(*root);
            active.extras.extend(selection.extras.iter().map(|extra| marked("extra", name, extra)));
            active.extras.extend(selection.groups.iter().map(|group| marked("group", name, group)));
        }
        if !self.lock.conflicts.is_empty() {
            let trail = self.walk(roots, selection, &active);
            active.extras.extend(trail.visits.iter().filter_map(|(package, part)| match part {
                Part::Extra(extra) => Some(marked("extra", self.name(*package), extra)),
                _ => None,
            }));
        }
        let Trail { mut reached, needed, mut needs, .. } = self.walk(roots, selection, &active);
        for one in &mut reached {
            let Some(package) = one.package else { continue };
            one.is_needed |= needed.contains(&package);
            one.needs = needs.remove(&package).unwrap_or_default();
        }
        reached
    }

    fn walk(&self, roots: &[usize], selection: &'a Selection, active: &Selection) -> Trail<'a> {
        let mut trail = Trail::default();
        for &root in roots {
            trail.visit(self.name(root), root, Part::Itself, None);
            let extras = selection.extras.iter().map(|extra| Part::Extra(extra));
            let groups = selection.groups.iter().map(|group| Part::Group(group));
            extras.chain(groups).for_each(|part| trail.visit(self.name(root), root, part, None));
        }
        for (name, required) in &self.lock.manifest.dependency_groups {
            let wanted = selection.groups.contains(&normalize(name));
            let required = required.iter().filter(|one| wanted && self.holds(&one.marker, active));
            for one in required {
                trail.depend(&one.name, &one.extras, self.fork(&one.name, active), None);
            }
        }
        while let Some(&(by, part)) = trail.visits.get(trail.next) {
            trail.next += 1;
            for edge in edges(&self.lock.packages[by], part) {
                if self.holds(&edge.marker, active) {
                    trail.depend(&edge.name, &edge.extra, self.target(edge, active), Some(by));
                }
            }
        }
        trail
    }

    fn name(&self, package: usize) -> &'a str {
        self.lock.packages[package].name.get_ref()
    }

    fn target(&self, edge: &Edge, active: &Selection) -> Option<usize> {
        let all = self.by_name.get(edge.name.as_str())?;
        let fits = |index: &usize| {
            let package = &self.lock.packages[*index];
            edge.version.as_ref().is_none_or(|version| package.version.as_ref() == Some(version))
                && edge.source.as_ref().is_none_or(|source| package.source == *source)
        };
        let mut fitting = all.iter().copied().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => self.fork(&edge.name, active),
            (only, _) => only,
        }
    }

    /// The package of that name that is for this environment.
    fn fork(&self, name: &str, active: &Selection) -> Option<usize> {
        self.by_name.get(name)?.iter().copied().find(|index| {
            let markers = &self.lock.packages[*index].resolution_markers;
            let holds = |marker: &When| marker.holds(self.environment, active);
            markers.is_empty() || markers.iter().any(holds)
        })
    }

    fn holds(&self, marker: &Option<When>, active: &Selection) -> bool {
        holds(marker.as_ref(), self.environment, active)
    }
}

fn edges<'a>(package: &'a Package, part: Part<'_>) -> &'a [Edge] {
    let of = |table: &'a BTreeMap<String, Vec<Edge>>, name: &str| {
        table.get(name).map(Vec::as_slice).unwrap_or_default()
    };
    match part {
        Part::Itself => &package.dependencies,
        Part::Extra(extra) => of(&package.optional_dependencies, extra),
        Part::Group(group) => of(&package.dev_dependencies, group),
    }
}

/// How uv's markers name the extra or group of one package: `extra-4-shop-socks`.
fn marked(kind: &str, package: &str, name: &str) -> String {
    format!("{kind}-{}-{package}-{name}", package.len())
}
