//! `uv.lock`: a graph of packages for every environment at once.

mod graph;
mod stale;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use llb::{Lines, SourceFile};
use serde::Deserialize;
use toml::Spanned;

use self::graph::{Graph, Reached};
use super::{
    File, Lock, Pyproject, Source,
    document::{Document, When},
    file::{folder, git, hash_text, refuse_path},
    local::{Entry, Local},
    refusal::{self, check_environments, require_python},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Selection, normalize},
};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct UvLock {
    version: Spanned<u64>,
    requires_python: Option<Spanned<String>>,
    /// The environments that it was resolved for, if not for all.
    #[serde(default)]
    supported_markers: Vec<Spanned<When>>,
    #[serde(default)]
    conflicts: Vec<Vec<Conflicting>>,
    #[serde(default)]
    manifest: Manifest,
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

/// One of several extras or groups, or packages if it names neither, that cannot be had together.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Conflicting {
    package: String,
    extra: Option<String>,
    group: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Manifest {
    /// The packages of a workspace of several.
    #[serde(default)]
    members: Vec<String>,
    /// The groups of a workspace whose root is no package.
    #[serde(default)]
    dependency_groups: BTreeMap<String, Vec<Required>>,
    /// What held for all packages.
    #[serde(default)]
    constraints: Vec<Required>,
    /// What was asked for in place of what packages ask for.
    #[serde(default)]
    overrides: Vec<Required>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    source: Place,
    /// The environments that this fork of it is for.
    #[serde(default)]
    resolution_markers: Vec<When>,
    #[serde(default)]
    dependencies: Vec<Edge>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Edge>>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Vec<Edge>>,
    sdist: Option<Distribution>,
    #[serde(default)]
    wheels: Vec<Distribution>,
    #[serde(default)]
    metadata: Metadata,
}

/// Where a package comes from: one of these.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(expecting = "a table")]
struct Place {
    registry: Option<String>,
    git: Option<String>,
    url: Option<String>,
    subdirectory: Option<String>,
    path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
}

/// A dependency on another package of the lock.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Edge {
    name: String,
    /// Given where the name alone leaves a choice, as is the source.
    version: Option<String>,
    source: Option<Place>,
    #[serde(default)]
    extra: Vec<String>,
    marker: Option<When>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Distribution {
    url: Option<String>,
    path: Option<String>,
    filename: Option<String>,
    hash: Option<String>,
    size: Option<u64>,
}

/// What a package of the workspace asked for when it was locked.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Metadata {
    #[serde(default)]
    requires_dist: Vec<Required>,
    #[serde(default)]
    provides_extras: Vec<String>,
    #[serde(default)]
    requires_dev: BTreeMap<String, Vec<Required>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Required {
    name: String,
    #[serde(default)]
    extras: Vec<String>,
    marker: Option<When>,
    specifier: Option<String>,
    git: Option<String>,
    url: Option<String>,
    index: Option<String>,
    path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    r#virtual: Option<String>,
}

/// What the lock has for this environment and selection.
pub(super) fn read(
    file: &Arc<SourceFile>,
    project: Option<&Pyproject>,
    members: &[Pyproject],
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let document = Document::new(file)?;
    let lock: UvLock = document.parse()?;
    let mut findings = Findings::new(Arc::clone(file));
    if *lock.version.get_ref() != 1 {
        let words = format!("version {} of uv.lock is not known here", lock.version.get_ref());
        let lines = document.lines(&lock.version.span());
        findings.at(lines, Mistake::new(words).help("Strata reads version 1"));
        return Err(findings.into_mistakes());
    }
    if let Some(python) = &lock.requires_python
        && let Err(mistake) = require_python(python.get_ref(), environment)
    {
        findings.at(document.lines(&python.span()), mistake);
    }
    check_environments(&lock.supported_markers, &document, &mut findings, environment);
    let roots = match roots(&lock, project) {
        Ok(roots) => roots,
        Err(mistake) => {
            findings.at(Lines::one(1), mistake);
            return Err(findings.into_mistakes());
        }
    };
    if let Some(project) = project {
        // A workspace's root need not be a package itself.
        let root = roots.first().filter(|_| project.name.is_some());
        let root = root.map(|root| &lock.packages[*root]);
        findings.extend(stale::differences(&lock, root, project, &file.name, environment));
    }
    let own = project.and_then(|project| project.name.as_ref());
    for member in members.iter().filter(|member| member.name.as_ref() != own) {
        let is_it = |package: &&Package| Some(package.name.get_ref()) == member.name.as_ref();
        if let Some(package) = lock.packages.iter().filter(|one| one.is_code()).find(is_it) {
            let package = Some(package);
            findings.extend(stale::differences(&lock, package, member, &file.name, environment));
        }
    }
    check_selection(&lock, &roots, selection, &mut findings);
    check_marks(&lock, &document, &mut findings);
    if !findings.is_empty() {
        return Err(findings.into_mistakes());
    }
    let graph = Graph::new(&lock, environment);
    let reached = match graph.reach(&roots, selection) {
        Ok(reached) => reached,
        Err(conflicts) => {
            findings.extend(conflicts);
            return Err(findings.into_mistakes());
        }
    };
    let mut packages = Vec::new();
    for Reached { name, package, by, is_needed, needs } in reached {
        let by = by.and_then(|by| lock.packages.get(by));
        let lines = by.map_or(Lines::one(1), |by| document.lines(&by.name.span()));
        let Some(index) = package else {
            let words = format!("the lock has no package `{name}`");
            findings.at(lines, Mistake::new(words).help("run `uv lock`"));
            continue;
        };
        let package = &lock.packages[index];
        if package.is_code() && roots.contains(&index) && !is_needed {
            continue;
        }
        match package.read(needs) {
            Ok(read) => packages.push(read.at(document.location(&package.name.span()))),
            Err(mistake) => findings.at(document.lines(&package.name.span()), mistake),
        }
    }
    Ok(Lock { says_needs: true, ..Lock::new(packages, findings)? })
}

/// The folders of projects in it, but for that of the lock.
pub(super) fn folders(file: &Arc<SourceFile>) -> Vec<String> {
    let lock = Document::new(file).and_then(|document| document.parse::<UvLock>());
    let packages = lock.map_or(Vec::new(), |lock| lock.packages);
    let folders = packages.iter().filter_map(Package::code_folder);
    folders.filter(|folder| *folder != ".").map(str::to_owned).collect()
}

/// The packages whose dependencies are asked for: the project's own, or all of a workspace that
/// has no project at its root.
fn roots(lock: &UvLock, project: Option<&Pyproject>) -> Result<Vec<usize>, Mistake> {
    let all = || lock.packages.iter().enumerate().filter(|(_, package)| package.is_code());
    if let Some(name) = project.and_then(|project| project.name.as_ref()) {
        let own = all().find(|(_, package)| package.name.get_ref() == name);
        let foreign = || {
            let words = format!("the lock is of another project: it has no `{name}`");
            Mistake::new(words).help("run `uv lock`")
        };
        return Ok(vec![own.ok_or_else(foreign)?.0]);
    }
    if let Some((root, _)) = all().find(|(_, package)| package.code_folder() == Some(".")) {
        return Ok(vec![root]);
    }
    let members =
        all().filter(|(_, package)| lock.manifest.members.contains(package.name.get_ref()));
    Ok(members.map(|(index, _)| index).collect())
}

/// Extras and groups that no root has.
fn check_selection(lock: &UvLock, roots: &[usize], selection: &Selection, findings: &mut Findings) {
    let roots: Vec<&Package> = roots.iter().map(|root| &lock.packages[*root]).collect();
    let extras = roots.iter().flat_map(|root| {
        let provided = root.metadata.provides_extras.iter();
        provided.chain(root.optional_dependencies.keys())
    });
    let extras: BTreeSet<String> = extras.map(|name| normalize(name)).collect();
    let groups = roots
        .iter()
        .flat_map(|root| root.metadata.requires_dev.keys().chain(root.dev_dependencies.keys()));
    let groups = groups.chain(lock.manifest.dependency_groups.keys());
    let groups: BTreeSet<String> = groups.map(|name| normalize(name)).collect();
    refusal::check_selection(selection, &extras, &groups, findings);
}

/// Dependencies whose markers ask for what is not known here: taken for false, they would be left
/// out without a word.
fn check_marks(lock: &UvLock, document: &Document<'_>, findings: &mut Findings) {
    for package in &lock.packages {
        let more = package.optional_dependencies.values().chain(package.dev_dependencies.values());
        let edges = package.dependencies.iter().chain(more.flatten());
        for (edge, mark) in edges.filter_map(|edge| Some((edge, graph::unknown_mark(edge)?))) {
            let words = format!(
                "the marker of the dependency `{}` asks for {}, which is not known here",
                edge.name,
                quote(mark)
            );
            let help = "lock again with a release of uv that this one of Strata knows, or take a \
                        newer Strata";
            findings.at(document.lines(&package.name.span()), Mistake::new(words).help(help));
        }
    }
}

impl Package {
    /// The folder that a package of the workspace, or beside it, is in.
    fn code_folder(&self) -> Option<&str> {
        let Place { directory, editable, r#virtual, .. } = &self.source;
        editable.as_deref().or(r#virtual.as_deref()).or(directory.as_deref())
    }

    fn is_code(&self) -> bool {
        self.code_folder().is_some()
    }

    fn read(&self, needs: BTreeSet<String>) -> Result<Entry, Mistake> {
        let name = normalize(self.name.get_ref());
        if let Some(folder) = self.code_folder() {
            let (folder, is_package) = (folder.to_owned(), self.source.r#virtual.is_none());
            return Ok(Entry::Local(Local { name, folder, is_package, location: None, needs }));
        }
        let (version, source) = (self.version.clone(), self.source()?);
        let package = super::Package { name, version, source, index: None, location: None, needs };
        Ok(Entry::Package(package))
    }

    /// Where it comes from, if a build can have it.
    fn source(&self) -> Result<Source, Mistake> {
        let Place { registry, git: repository, url, subdirectory, path, .. } = &self.source;
        match (registry, repository, url) {
            (Some(_), None, None) => self.release(),
            (None, Some(repository), None) => git_source(repository),
            (None, None, Some(url)) => self.archive(url, subdirectory.clone()),
            _ => Err(refuse_path(self.name.get_ref(), path.as_deref().unwrap_or("?"))),
        }
    }

    fn release(&self) -> Result<Source, Mistake> {
        let name = self.name.get_ref();
        let wheels = self.wheels.iter().map(|wheel| wheel.read(name));
        let wheels = wheels.collect::<Result<_, _>>()?;
        let sdist = self.sdist.as_ref().map(|sdist| sdist.read(name)).transpose()?;
        Ok(Source::Release { wheels, sdist })
    }

    /// What is at a URL of its own: its hash stands with the wheel or sdist that it is.
    fn archive(&self, url: &str, subdirectory: Option<String>) -> Result<Source, Mistake> {
        let only = self.wheels.first().or(self.sdist.as_ref());
        let hash = only.and_then(|only| only.hash.as_deref()).and_then(hash_text);
        let size = only.and_then(|only| only.size);
        let file = File::at(url, None, hash.into_iter().collect(), size)?;
        Ok(Source::Archive { file, subdirectory: folder(subdirectory)? })
    }
}

impl Distribution {
    fn read(&self, package: &str) -> Result<File, Mistake> {
        let Some(url) = &self.url else {
            let path = self.path.as_deref().or(self.filename.as_deref());
            return Err(refuse_path(package, path.unwrap_or("?")));
        };
        let hashes = self.hash.as_deref().and_then(hash_text).into_iter().collect();
        File::at(url, self.filename.clone(), hashes, self.size)
    }
}

/// `https://…/x.git?subdirectory=pkg&rev=v1#commit`.
fn git_source(text: &str) -> Result<Source, Mistake> {
    let (url, commit) = text.split_once('#').unwrap_or((text, ""));
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    git(url, commit, parameter(query, "subdirectory"))
}

/// A value of a query.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    pair.map(super::file::decode)
}
