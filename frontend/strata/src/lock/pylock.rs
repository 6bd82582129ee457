//! `pylock.toml` (PEP 751).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use llb::SourceFile;
use serde::Deserialize;
use toml::Spanned;

use super::{
    File, Lock, Source,
    document::{Document, When, holds},
    file::{file_name, folder, git, hash_table, refuse_path},
    local::{Entry, Local, is_project},
    refusal::{check_environments, check_selection, require_python},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Selection, normalize},
};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Pylock {
    lock_version: Spanned<String>,
    #[serde(default)]
    environments: Vec<Spanned<When>>,
    requires_python: Option<Spanned<String>>,
    #[serde(default)]
    extras: Vec<String>,
    #[serde(default)]
    dependency_groups: Vec<String>,
    #[serde(default)]
    default_groups: Vec<String>,
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    marker: Option<When>,
    requires_python: Option<Spanned<String>>,
    vcs: Option<Vcs>,
    directory: Option<Directory>,
    archive: Option<Archive>,
    sdist: Option<Archive>,
    #[serde(default)]
    wheels: Vec<Archive>,
    dependencies: Option<Vec<Dependency>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Vcs {
    r#type: String,
    url: Option<String>,
    path: Option<String>,
    commit_id: String,
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Directory {
    path: String,
}

/// A wheel, an sdist or an archive: they say the same.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Archive {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    subdirectory: Option<String>,
}

/// What the lock has for this environment and selection.
pub(super) fn read(
    file: &Arc<SourceFile>,
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let document = Document::new(file)?;
    let lock: Pylock = document.parse()?;
    let mut findings = Findings::new(Arc::clone(file));
    let version = lock.lock_version.get_ref();
    if version.split('.').next() != Some("1") {
        let words = format!("lock-version {} is not known here", quote(version));
        let lines = document.lines(&lock.lock_version.span());
        findings.at(lines, Mistake::new(words).help("Strata reads version 1 (PEP 751)"));
        return Err(findings.into_mistakes());
    }
    let names = |names: &[String]| names.iter().map(|name| normalize(name)).collect();
    let extras: BTreeSet<String> = names(&lock.extras);
    let groups = names(&[&lock.dependency_groups[..], &lock.default_groups].concat());
    check_selection(selection, &extras, &groups, &mut findings);
    // What is asked for comes on top of what the lock gives anyone: some tools' main packages
    // are such a group.
    let mut selection = selection.clone();
    selection.groups.extend(lock.default_groups.iter().map(|name| normalize(name)));
    let selection = &selection;
    if let Some(python) = &lock.requires_python
        && let Err(mistake) = require_python(python.get_ref(), environment)
    {
        findings.at(document.lines(&python.span()), mistake);
    }
    check_environments(&lock.environments, &document, &mut findings, environment);
    let says_needs = lock.packages.iter().any(|package| package.dependencies.is_some());
    let mut packages = Vec::new();
    for package in lock.packages {
        let lines = document.lines(&package.name.span());
        let location = document.location(&package.name.span());
        match package.read(selection, environment) {
            Ok(Some(package)) => packages.push(package.at(location)),
            Ok(None) => {}
            Err(mistake) => findings.at(lines, mistake),
        }
    }
    Ok(Lock { says_needs, ..Lock::new(packages, findings)? })
}

/// The releases that it has; what comes from a URL or a repository is none.
pub(super) fn pins(file: &Arc<SourceFile>) -> Result<Vec<String>, Mistakes> {
    let lock: Pylock = Document::new(file)?.parse()?;
    let is_release = |package: &Package| package.vcs.is_none() && package.archive.is_none();
    let pin = |package: Package| Some(format!("{}=={}", package.name.get_ref(), package.version?));
    Ok(lock.packages.into_iter().filter(is_release).filter_map(pin).collect())
}

impl Package {
    /// The package, if it is for this environment and selection.
    fn read(
        self,
        selection: &Selection,
        environment: &Environment,
    ) -> Result<Option<Entry>, Mistake> {
        let name = normalize(self.name.get_ref());
        if !holds(self.marker.as_ref(), environment, selection) {
            return Ok(None);
        }
        if let Some(python) = &self.requires_python {
            require_python(python.get_ref(), environment)
                .map_err(|mistake| mistake.about(&name))?;
        }
        let needs = self.dependencies.into_iter().flatten().filter_map(|needed| needed.name);
        let needs = needs.map(|name| normalize(&name)).collect();
        let source = match (self.vcs, self.directory, self.archive) {
            (Some(vcs), None, None) => vcs.read(&name)?,
            // The project itself: its code is `code`.
            (None, Some(Directory { path }), None) if is_project(&path) => return Ok(None),
            (None, Some(Directory { path: folder }), None) => {
                let local = Local { name, folder, is_package: true, location: None, needs };
                return Ok(Some(Entry::Local(local)));
            }
            (None, None, Some(mut archive)) => {
                let subdirectory = folder(archive.subdirectory.take())?;
                Source::Archive { file: archive.read(&name)?, subdirectory }
            }
            (None, None, None) if self.sdist.is_some() || !self.wheels.is_empty() => {
                let wheels = self.wheels.into_iter().map(|wheel| wheel.read(&name));
                let sdist = self.sdist.map(|sdist| sdist.read(&name)).transpose()?;
                Source::Release { wheels: wheels.collect::<Result<_, _>>()?, sdist }
            }
            _ => {
                let words = format!("the lock does not say where `{name}` comes from");
                return Err(Mistake::new(words)
                    .help("a package has `wheels` and `sdist`, `archive`, `vcs` or `directory`"));
            }
        };
        let version = self.version;
        let package = super::Package { name, version, source, index: None, location: None, needs };
        Ok(Some(Entry::Package(package)))
    }
}

impl Vcs {
    fn read(self, name: &str) -> Result<Source, Mistake> {
        if self.r#type != "git" {
            return Err(Mistake::new(format!("`{name}` is in a {} repository", self.r#type))
                .help("a build can read git"));
        }
        match (self.url, self.path) {
            (Some(url), _) => git(&url, &self.commit_id, self.subdirectory),
            (None, Some(path)) => Err(refuse_path(name, &path)),
            (None, None) => Err(without_url(name)),
        }
    }
}

impl Archive {
    fn read(self, package: &str) -> Result<File, Mistake> {
        match (self.url, self.path) {
            (Some(url), path) => {
                let name = self.name.or_else(|| path.map(|path| file_name(&path)));
                File::at(&url, name, hash_table(&self.hashes), self.size)
            }
            (None, Some(path)) => Err(refuse_path(package, &path)),
            (None, None) => Err(without_url(package)),
        }
    }
}

fn without_url(package: &str) -> Mistake {
    Mistake::new(format!("`{package}` has a file without `url`"))
        .help("lock again: a build must be able to fetch it")
}
