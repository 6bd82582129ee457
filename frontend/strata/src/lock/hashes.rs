//! Requirements that are all pinned with `--hash`: as good as a lock.

use std::{collections::BTreeSet, str::FromStr as _, sync::Arc};

use llb::SourceFile;
use pep440_rs::{Operator, VersionSpecifier};

use super::{File, Lock, Package, Source, file::hash_text, local::Entry};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Dependency, DependencySource, InstallSet, Selection},
};

/// What requirements with hashes have for an environment; none if none has a hash.
///
/// # Errors
///
/// As pip refuses them: when some have hashes and others have not, or are not pinned.
pub fn pinned(set: &InstallSet, environment: &Environment) -> Result<Option<Lock>, Mistakes> {
    let requirements: Vec<_> = set.requirements().map(|one| (one, one.hashes())).collect();
    if requirements.iter().all(|(_, hashes)| hashes.is_empty()) {
        return Ok(None);
    }
    // There is no one file that they are all from.
    let nowhere = SourceFile { name: String::new(), language: String::new(), data: Vec::new() };
    let mut findings = Findings::new(Arc::new(nowhere));
    let mut packages = Vec::new();
    for (requirement, hashes) in requirements {
        let read = requirement.dependency().and_then(|one| package(one, hashes, environment));
        match read {
            Ok(package) => packages.extend(package.map(Entry::Package)),
            Err(mistake) => findings.add(mistake),
        }
    }
    Lock::new(packages, findings).map(Some)
}

/// The package of a requirement, if it is for this environment.
fn package(
    dependency: Dependency,
    hashes: BTreeSet<String>,
    environment: &Environment,
) -> Result<Option<Package>, Mistake> {
    let shown = dependency.to_string();
    let marker = dependency.marker.as_ref();
    if !marker.is_none_or(|one| one.evaluate(environment, &Selection::default())) {
        return Ok(None);
    }
    let Some(name) = dependency.name else {
        return Err(Mistake::new(format!("{} does not tell its name", quote(&shown)))
            .help("write `name @ URL`"));
    };
    let help = "pip wants all of them pinned with hashes or none: `uv pip compile \
                --generate-hashes` and `pip-compile --generate-hashes` write such a file";
    let (version, source) = match dependency.source {
        DependencySource::Versions(versions) => {
            let Some(version) = pin(&versions) else {
                let words = format!("{} is not pinned to one version", quote(&shown));
                return Err(Mistake::new(words).help(help));
            };
            (Some(version), Source::Hashes(hashes.clone()))
        }
        DependencySource::Url(url) | DependencySource::BareUrl(url) => {
            if url.starts_with("git+") {
                let words = format!("{} cannot have a hash", quote(&shown));
                return Err(Mistake::new(words).help(help));
            }
            // As pip takes it: a hash in the URL counts like one behind it.
            let (_, fragment) = url.split_once('#').unwrap_or((&url, ""));
            let parts = fragment.split('&').filter_map(|part| part.split_once('='));
            let own = parts.filter_map(|(key, value)| hash_text(&format!("{key}:{value}")));
            let hashes: BTreeSet<String> = hashes.iter().cloned().chain(own).collect();
            if hashes.is_empty() {
                return Err(Mistake::new(format!("{} has no hash", quote(&shown))).help(help));
            }
            let subdirectory =
                fragment.split('&').find_map(|part| part.strip_prefix("subdirectory="));
            let subdirectory = super::file::folder(subdirectory.map(str::to_owned))?;
            (None, Source::Archive { file: File::at(&url, None, hashes, None)?, subdirectory })
        }
    };
    if matches!(source, Source::Hashes(_)) && hashes.is_empty() {
        return Err(Mistake::new(format!("{} has no hash", quote(&shown))).help(help));
    }
    let needs = BTreeSet::new();
    Ok(Some(Package { name, version, source, index: None, location: None, needs }))
}

/// The one version that comparisons leave.
fn pin(versions: &BTreeSet<String>) -> Option<String> {
    let pins = versions.iter().filter_map(|text| {
        if let Some(text) = text.strip_prefix("===") {
            return Some(text.to_owned());
        }
        let specifier = VersionSpecifier::from_str(text).ok()?;
        (*specifier.operator() == Operator::Equal).then(|| specifier.version().to_string())
    });
    let pins: BTreeSet<String> = pins.collect();
    let mut pins = pins.into_iter();
    pins.next().filter(|_| pins.next().is_none())
}
