//! Packages of a lock that are folders beside it: members of a workspace, and what a project
//! depends on by a path. Their files are somebody's code and come with the code; what they need
//! is installed as any dependency.

use std::collections::BTreeSet;

use llb::Location;

use super::packages::{Package, SDISTS};

/// A package that is a folder, and needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its name, normalised (PEP 503).
    pub name: String,
    /// The folder, as seen from that of the lock.
    pub folder: String,
    /// Whether it can be installed: uv also has projects that are no packages.
    pub is_package: bool,
    /// Its line in the lock.
    pub location: Option<Location>,
    /// The packages that it needs; normalised names.
    pub needs: BTreeSet<String>,
}

/// What a lock has of a name.
pub(super) enum Entry {
    /// Something to install.
    Package(Package),
    /// Somebody's code.
    Local(Local),
}

impl Entry {
    /// The same, with its line in the lock.
    pub(super) fn at(mut self, at: Location) -> Self {
        match &mut self {
            Self::Package(Package { location, .. }) | Self::Local(Local { location, .. }) => {
                *location = Some(at);
            }
        }
        self
    }

    /// Whether both are of the same package, in the same version.
    fn is_again(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Package(one), Self::Package(other)) => {
                (&one.name, &one.version) == (&other.name, &other.version)
            }
            (Self::Local(one), Self::Local(other)) => one.name == other.name,
            _ => false,
        }
    }
}

/// Adds an entry. A package that is listed again, with other extras or in another group, stays one
/// entry, which needs what each of them needs.
pub(super) fn add(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.iter_mut().find(|other| other.is_again(&entry)) {
        None => entries.push(entry),
        Some(
            Entry::Package(Package { name, needs, .. }) | Entry::Local(Local { name, needs, .. }),
        ) => {
            let (Entry::Package(Package { needs: more, .. })
            | Entry::Local(Local { needs: more, .. })) = entry;
            needs.extend(more);
            needs.remove(name);
        }
    }
}

/// Separates what is installed from what is code. A package that needs code is said to need what
/// that code needs, because only packages are installed.
pub(super) fn divide(entries: Vec<Entry>) -> (Vec<Package>, Vec<Local>) {
    let (mut packages, mut local) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Package(package) => packages.push(package),
            Entry::Local(one) => local.push(one),
        }
    }
    for package in &mut packages {
        package.needs = beyond(&package.needs, &local);
    }
    (packages, local)
}

/// What `names` need, where some of them are code.
fn beyond(names: &BTreeSet<String>, local: &[Local]) -> BTreeSet<String> {
    let (mut needs, mut known) = (BTreeSet::new(), BTreeSet::new());
    let mut pending: Vec<&String> = names.iter().collect();
    while let Some(name) = pending.pop() {
        match local.iter().find(|one| one.name == *name) {
            Some(one) if known.insert(name) => pending.extend(&one.needs),
            Some(_) => {}
            None => drop(needs.insert(name.clone())),
        }
    }
    needs
}

/// Whether a path is the folder of the lock: the project itself, which nobody is told of.
pub(super) fn is_project(path: &str) -> bool {
    matches!(path, "." | "./")
}

/// Whether a path is that of a wheel or of a source archive.
pub(super) fn is_archive(path: &str) -> bool {
    path.ends_with(".whl") || SDISTS.iter().any(|ending| path.ends_with(ending))
}
