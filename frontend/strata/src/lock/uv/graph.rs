//! Which packages of a uv.lock the roots lead to, in one environment.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conflicting, Edge, Package, UvLock};
use crate::{
    environment::Environment,
    lock::document::{When, holds},
    mistake::{Mistake, quote},
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

/// The extras that markers ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extras {
    /// Those that dependencies ask for become active.
    TurnActive,
    /// All that will be are.
    Settled,
}

impl Extras {
    /// Has these of a package count as active, and returns those that did not yet.
    fn turn_active(self, active: &mut Selection, name: &str, extras: &[String]) -> Vec<String> {
        if self == Self::Settled {
            return Vec::new();
        }
        let marks = extras.iter().map(|extra| marked(name, Part::Extra(extra)));
        marks.filter(|mark| active.extras.insert(mark.clone())).collect()
    }
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
    ///
    /// # Errors
    ///
    /// What it comes to that the lock says cannot be had together.
    pub(super) fn reach(
        &self,
        roots: &[usize],
        selection: &'a Selection,
    ) -> Result<Vec<Reached<'a>>, Vec<Mistake>> {
        // Where packages, extras or groups exclude each other, markers ask which of them are
        // wanted: first those that were asked for, then the extras that other packages turned out
        // to want as well. A package counts that is asked for itself, not as a dependency.
        let mut active = Selection::default();
        for root in roots {
            let mark = |part| marked(self.name(*root), part);
            active.extras.insert(mark(Part::Itself));
            active.extras.extend(selection.extras.iter().map(|extra| mark(Part::Extra(extra))));
            active.extras.extend(selection.groups.iter().map(|group| mark(Part::Group(group))));
        }
        if !self.lock.conflicts.is_empty() {
            self.walk(roots, selection, &mut active, Extras::TurnActive);
        }
        let trail = self.walk(roots, selection, &mut active, Extras::Settled);
        let conflicts = self.conflicts(&trail, selection);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        let Trail { mut reached, needed, mut needs, .. } = trail;
        for one in &mut reached {
            let Some(package) = one.package else { continue };
            one.is_needed |= needed.contains(&package);
            one.needs = needs.remove(&package).unwrap_or_default();
        }
        Ok(reached)
    }

    /// Says which of the things that exclude each other a walk has come to.
    fn conflicts(&self, trail: &Trail<'_>, selection: &Selection) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for conflict in &self.lock.conflicts {
            let came = conflict.iter().filter(|one| {
                let packages = self.by_name.get(one.package.as_str()).into_iter().flatten();
                packages.into_iter().any(|package| trail.known.contains(&(*package, one.part())))
            });
            let names: Vec<&str> = came.map(|one| one.name()).collect();
            if names.len() > 1 {
                let shown: Vec<String> = names.iter().map(|name| quote(name)).collect();
                let words = format!("{} exclude each other", shown.join(" and "));
                let help = "the lock says so: ask for one of them";
                let asked = names.into_iter().filter(|name| {
                    selection.extras.contains(*name) || selection.groups.contains(*name)
                });
                mistakes.push(Mistake::new(words).help(help).naming(asked));
            }
        }
        mistakes
    }

    /// Goes from the roots wherever dependencies lead. An extra that turns active on the way does
    /// so with the dependency that asks for it, whose own marker may name it, and for all that is
    /// come to later (the first traversal of uv's `lock/installable.rs`).
    fn walk(
        &self,
        roots: &[usize],
        selection: &'a Selection,
        active: &mut Selection,
        extras: Extras,
    ) -> Trail<'a> {
        let mut trail = Trail::default();
        for &root in roots {
            trail.visit(self.name(root), root, Part::Itself, None);
            let extras = selection.extras.iter().map(|extra| Part::Extra(extra));
            let groups = selection.groups.iter().map(|group| Part::Group(group));
            extras.chain(groups).for_each(|part| trail.visit(self.name(root), root, part, None));
        }
        for (name, required) in &self.lock.manifest.dependency_groups {
            let wanted = selection.groups.contains(&normalize(name));
            for one in required {
                if wanted && self.holds(&one.marker, active) {
                    extras.turn_active(active, &one.name, &one.extras);
                    trail.depend(&one.name, &one.extras, self.fork(&one.name, active), None);
                }
            }
        }
        while let Some(&(by, part)) = trail.visits.get(trail.next) {
            trail.next += 1;
            for edge in edges(&self.lock.packages[by], part) {
                let new = extras.turn_active(active, &edge.name, &edge.extra);
                if self.holds(&edge.marker, active) {
                    trail.depend(&edge.name, &edge.extra, self.target(edge, active), Some(by));
                } else {
                    active.extras.retain(|mark| !new.contains(mark));
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

/// How uv's markers name a package, or an extra or group of it: `project-4-shop`,
/// `extra-4-shop-socks`, `group-4-shop-dev` (uv's `universal_marker.rs`).
fn marked(name: &str, part: Part<'_>) -> String {
    let length = name.len();
    match part {
        Part::Itself => format!("project-{length}-{name}"),
        Part::Extra(extra) => format!("extra-{length}-{name}-{extra}"),
        Part::Group(group) => format!("group-{length}-{name}-{group}"),
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

impl Conflicting {
    fn part(&self) -> Part<'_> {
        match (&self.extra, &self.group) {
            (Some(extra), _) => Part::Extra(extra),
            (None, Some(group)) => Part::Group(group),
            (None, None) => Part::Itself,
        }
    }

    fn name(&self) -> &str {
        self.extra.as_ref().or(self.group.as_ref()).unwrap_or(&self.package)
    }
}

/// The name in a marker that stands for nothing known here; uv may come to have others.
pub(super) fn unknown_mark(edge: &Edge) -> Option<&str> {
    let names = edge.marker.as_ref().map(|When(marker)| marker.extras()).unwrap_or_default();
    let is_known =
        |name: &&str| ["project-", "extra-", "group-"].iter().any(|kind| name.starts_with(kind));
    names.into_iter().find(|name| !is_known(name))
}
