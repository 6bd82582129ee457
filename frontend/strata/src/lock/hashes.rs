//! Requirements that are all pinned with `--hash`: as good as a lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
    sync::Arc,
};

use llb::SourceFile;
use pep440_rs::{Operator, Version, VersionSpecifier};

use super::{File, Lock, Package, Source, file::hash_text, local::Entry};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{DependencySource, InstallSet, Requirement},
};

/// What requirements with hashes have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// What is required.
    pub lock: Lock,
    /// What constraints have hashes of, and nothing requires by itself.
    constrained: Vec<Package>,
}

/// What constraints say of a project: the versions, and the hashes if there are any.
#[derive(Default)]
struct Limit {
    versions: BTreeSet<String>,
    hashes: BTreeSet<String>,
}

const HELP: &str = "pip wants all of them pinned with hashes or none: `uv pip compile \
                    --generate-hashes` and `pip-compile --generate-hashes` write such a file";

/// What requirements with hashes have for an environment; none if none has a hash and none is to
/// have one.
///
/// # Errors
///
/// As pip refuses them: when some have hashes and others have not, or are not pinned.
pub fn pinned(set: &InstallSet, environment: &Environment) -> Result<Option<Pinned>, Mistakes> {
    if set.is_empty() || !set.requires_hashes() {
        return Ok(None);
    }
    // There is no one file that they are all from.
    let nowhere = SourceFile { name: String::new(), language: String::new(), data: Vec::new() };
    let mut findings = Findings::new(Arc::new(nowhere));
    let mut limits: BTreeMap<String, Limit> = BTreeMap::new();
    for constraint in set.constraints() {
        if let Err(mistake) = limit(constraint, environment, &mut limits) {
            findings.add(mistake);
        }
    }
    let mut packages = Vec::new();
    for requirement in set.requirements() {
        let read = package(requirement, &limits, environment);
        if let Err(mistake) = read.and_then(|read| join(&mut packages, read)) {
            findings.add(mistake);
        }
    }
    let lock = Lock::new(packages.into_iter().map(Entry::Package).collect(), findings)?;
    let constrained = limits.into_iter().filter_map(|(name, Limit { versions, hashes })| {
        let version = pin(&versions).filter(|_| !hashes.is_empty() && !lock.has(&name))?;
        Some(Package { version: Some(version), ..on_index(name, hashes) })
    });
    let constrained = constrained.collect();
    Ok(Some(Pinned { lock, constrained }))
}

impl Pinned {
    /// The packages that are required, of which it is not known yet where they are.
    pub fn packages(&self) -> &[Package] {
        &self.lock.packages
    }

    /// The lock with the files that `found` has for it, as [`Lock::located`]; and nothing may be
    /// needed of which there is no hash.
    ///
    /// # Errors
    ///
    /// Every package that `found` has beyond it.
    pub fn completed(self, found: &Lock) -> Result<Lock, Mistakes> {
        let Self { mut lock, constrained } = self;
        let mut mistakes = Vec::new();
        for package in &found.packages {
            if lock.has(&package.name) {
                continue;
            }
            if let Some(one) = constrained.iter().find(|one| one.name == package.name) {
                lock.packages.push(one.clone());
                continue;
            }
            let version = package.version.as_deref().unwrap_or_default();
            let words = format!(
                "{} {version} is needed, too, and has no hash in the requirements",
                package.name
            );
            let help = "where one has a hash, all must have: `pip-compile --generate-hashes` and \
                        `uv export` write them all";
            mistakes.push(Mistake::new(words).help(help));
        }
        lock.packages.sort_by(|a, b| a.name.cmp(&b.name));
        Mistakes(mistakes).or(lock.located(found))
    }
}

/// Takes up a constraint, if it is for this environment. What one holds to a URL has no file on an
/// index.
fn limit(
    constraint: &Requirement,
    environment: &Environment,
    limits: &mut BTreeMap<String, Limit>,
) -> Result<(), Mistake> {
    let dependency = &constraint.dependency;
    let is_here = dependency.is_for(environment);
    if let (true, Some(name), DependencySource::Versions(versions)) =
        (is_here, &dependency.name, &dependency.source)
    {
        let limit = limits.entry(name.clone()).or_default();
        limit.versions.extend(versions.iter().cloned());
        limit.hashes = common(&constraint.name, &limit.hashes, &constraint.hashes)?;
    }
    Ok(())
}

/// The package of a requirement, if it is for this environment.
fn package(
    requirement: &Requirement,
    limits: &BTreeMap<String, Limit>,
    environment: &Environment,
) -> Result<Option<Package>, Mistake> {
    let Requirement { dependency, hashes, .. } = requirement;
    let shown = dependency.to_string();
    if !dependency.is_for(environment) {
        return Ok(None);
    }
    let Some(name) = dependency.name.clone() else {
        return Err(Mistake::new(format!("{} does not tell its name", quote(&shown)))
            .help("write `name @ URL`"));
    };
    let no_hash = || Mistake::new(format!("{} has no hash", quote(&shown))).help(HELP);
    match &dependency.source {
        DependencySource::Versions(versions) => {
            let nothing = Limit::default();
            let limit = limits.get(&name).unwrap_or(&nothing);
            let Some(version) = pin(&(versions | &limit.versions)) else {
                let words = format!("{} is not pinned to one version", quote(&shown));
                return Err(Mistake::new(words).help(HELP));
            };
            let hashes = common(&name, hashes, &limit.hashes)?;
            if hashes.is_empty() {
                return Err(no_hash());
            }
            Ok(Some(Package { version: Some(version), ..on_index(name, hashes) }))
        }
        DependencySource::Url(url) | DependencySource::BareUrl(url) => {
            if url.starts_with("git+") {
                let words = format!("{} cannot have a hash", quote(&shown));
                return Err(Mistake::new(words).help(HELP));
            }
            // As pip takes it: a hash in the URL counts like one behind it.
            let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
            let parts = fragment.split('&').filter_map(|part| part.split_once('='));
            let own = parts.filter_map(|(key, value)| hash_text(&format!("{key}:{value}")));
            let hashes: BTreeSet<String> = hashes.iter().cloned().chain(own).collect();
            if hashes.is_empty() {
                return Err(no_hash());
            }
            let subdirectory =
                fragment.split('&').find_map(|part| part.strip_prefix("subdirectory="));
            let subdirectory = super::file::folder(subdirectory.map(str::to_owned))?;
            let file = File::at(url, None, hashes, None)?;
            let version = wheel_version(&file.name);
            let source = Source::Archive { file, subdirectory };
            Ok(Some(Package { version, source, ..on_index(name, BTreeSet::new()) }))
        }
    }
}

fn on_index(name: String, hashes: BTreeSet<String>) -> Package {
    let (source, needs) = (Source::Hashes(hashes), BTreeSet::new());
    Package { name, version: None, source, index: None, location: None, needs }
}

/// Adds a package. Of lines for the same file or release, as with other extras or in another file,
/// pip takes the hashes that they have in common (`Hashes.__and__`).
fn join(packages: &mut Vec<Package>, package: Option<Package>) -> Result<(), Mistake> {
    let Some(package) = package else { return Ok(()) };
    let is_it = |other: &&mut Package| {
        let versions = other.version.as_ref().zip(package.version.as_ref());
        other.name == package.name
            && versions.map_or(other.version == package.version, |(one, other)| is_same(one, other))
    };
    let same = packages.iter_mut().find(is_it);
    if let Some(Package { name, source, .. }) = same {
        match (source, &package.source) {
            (Source::Hashes(hashes), Source::Hashes(more)) => {
                *hashes = common(name, hashes, more)?;
                return Ok(());
            }
            (Source::Archive { file, .. }, Source::Archive { file: other, .. })
                if file.url == other.url =>
            {
                file.hashes = common(name, &file.hashes, &other.hashes)?;
                return Ok(());
            }
            _ => {}
        }
    }
    packages.push(package);
    Ok(())
}

/// The hashes that two lines have in common; where one has none, those of the other.
fn common(
    name: &str,
    some: &BTreeSet<String>,
    others: &BTreeSet<String>,
) -> Result<BTreeSet<String>, Mistake> {
    if some.is_empty() || others.is_empty() {
        return Ok(some.union(others).cloned().collect());
    }
    let both: BTreeSet<String> = some.intersection(others).cloned().collect();
    if both.is_empty() {
        let words = format!("two lines for `{name}` have no hash in common");
        return Err(Mistake::new(words).help("no file can have both: write the files anew"));
    }
    Ok(both)
}

/// The version in the name of a wheel: `six-1.17.0-py2.py3-none-any.whl`.
fn wheel_version(name: &str) -> Option<String> {
    let version = name.strip_suffix(".whl")?.split('-').nth(1)?;
    Version::from_str(version).ok().map(|version| version.to_string())
}

/// The one version that comparisons leave.
fn pin(versions: &BTreeSet<String>) -> Option<String> {
    let mut pins = versions.iter().filter_map(|text| {
        if let Some(text) = text.strip_prefix("===") {
            return Some(text.to_owned());
        }
        let specifier = VersionSpecifier::from_str(text).ok()?;
        (*specifier.operator() == Operator::Equal).then(|| specifier.version().to_string())
    });
    let first = pins.next()?;
    pins.all(|other| is_same(&first, &other)).then_some(first)
}

/// Whether two versions are one, as `2.1` and `2.1.0` are.
fn is_same(one: &str, other: &str) -> bool {
    let versions = Version::from_str(one).ok().zip(Version::from_str(other).ok());
    versions.map_or(one == other, |(one, other)| one == other)
}
