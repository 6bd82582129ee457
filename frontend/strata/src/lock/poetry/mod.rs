//! `poetry.lock`.
//!
//! Since version 2.1 every package says for which groups it is there and when. An older lock
//! says only what depends on what: then the project's own file says what to begin with.

mod constraint;
mod graph;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use llb::{Lines, SourceFile};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::{Spanned, Table, Value};

use super::{
    File, Lock, Pyproject, Source,
    document::{Document, When},
    file::{folder, git, hash_text, refuse_path},
    fingerprint::{SPACED, json, object, sha256},
    local::{Entry, Local},
    refusal::{self, other_python, other_state},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Marker, Selection, check_page, normalize},
};

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct PoetryLock {
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
    /// The names of the packages that an extra wants.
    #[serde(default)]
    extras: BTreeMap<String, Vec<String>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Metadata {
    lock_version: Spanned<String>,
    #[serde(default)]
    python_versions: Option<Spanned<String>>,
    content_hash: Option<String>,
    /// Where they are before version 2.
    #[serde(default)]
    files: BTreeMap<String, Vec<Distribution>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Package {
    name: Spanned<String>,
    version: String,
    python_versions: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    /// A marker, or one for each group that has one.
    markers: Option<Spanned<Value>>,
    #[serde(default)]
    files: Vec<Distribution>,
    #[serde(default)]
    dependencies: Table,
    #[serde(default)]
    extras: BTreeMap<String, Vec<String>>,
    source: Option<Place>,
}

#[derive(Clone, Deserialize)]
#[serde(expecting = "a table")]
struct Distribution {
    file: String,
    hash: String,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Place {
    r#type: String,
    url: String,
    /// Of an index, its name among the project's sources.
    reference: Option<String>,
    resolved_reference: Option<String>,
    subdirectory: Option<String>,
}

/// The group of what is not in any other.
const MAIN: &str = "main";

/// What poetry calls the index of what names no other.
const PYPI: &str = "pypi";

/// What the lock has for this environment and selection.
pub(super) fn read(
    file: &Arc<SourceFile>,
    project: Option<&Pyproject>,
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let document = Document::new(file)?;
    let lock: PoetryLock = document.parse()?;
    let mut findings = Findings::new(Arc::clone(file));
    let version = lock.metadata.lock_version.get_ref();
    let major = version.split('.').next();
    if !matches!(major, Some("1" | "2")) {
        let words = format!("lock-version {} is not known here", quote(version));
        let lines = document.lines(&lock.metadata.lock_version.span());
        findings.at(lines, Mistake::new(words).help("Strata reads versions 1 and 2"));
        return Err(findings.into_mistakes());
    }
    check_python(&lock, &document, &mut findings, environment);
    if let Some(project) = project {
        findings.extend(stale(&lock, project, &file.name));
    }
    check_selection(&lock, project, selection, &mut findings);
    if !findings.is_empty() {
        return Err(findings.into_mistakes());
    }
    // 2.1 is the first that says what each package is for.
    let chosen = if matches!(version.as_str(), "1.0" | "1.1" | "2.0") {
        graph::reach(&lock, project, selection, environment)
    } else {
        lock.packages.iter().map(|one| Ok((one, one.is_for(selection, environment)?))).collect()
    };
    let chosen = match project {
        Some(project) => by_source(chosen, project, selection, environment),
        None => chosen,
    };
    let mut packages = Vec::new();
    for chosen in chosen {
        match chosen {
            Ok((_, false)) => {}
            Ok((package, true)) => match package.read(&lock) {
                Ok(read) => packages.push(read.at(document.location(&package.name.span()))),
                Err(mistake) => findings.at(document.lines(&package.name.span()), mistake),
            },
            Err((package, mistake)) => {
                let lines = package.map(|package| document.lines(&package.name.span()));
                findings.at(lines.unwrap_or(Lines::one(1)), mistake);
            }
        }
    }
    Ok(Lock { says_needs: true, ..Lock::new(packages, findings)? })
}

/// A package and whether it is wanted, or what is wrong with it.
type Chosen<'a> = Result<(&'a Package, bool), (Option<&'a Package>, Mistake)>;

/// Of several versions of a package that are wanted, those of the sources that the project takes it
/// from: of extras that exclude each other, which poetry's documentation has for PyTorch's builds,
/// the lock does not say which is for which.
fn by_source<'a>(
    chosen: Vec<Chosen<'a>>,
    project: &Pyproject,
    selection: &Selection,
    environment: &Environment,
) -> Vec<Chosen<'a>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (package, _) in chosen.iter().flatten().filter(|(_, is_wanted)| *is_wanted) {
        *counts.entry(normalize(package.name.get_ref())).or_default() += 1;
    }
    let is_of_source = |package: &Package| {
        let name = normalize(package.name.get_ref());
        if counts.get(&name).is_none_or(|count| *count < 2) {
            return true;
        }
        let sources = graph::sources(project, &name, selection, environment);
        let place = package.source.as_ref().and_then(|place| place.reference.as_deref());
        let own = place.unwrap_or(PYPI);
        sources.is_empty() || sources.iter().any(|source| source.eq_ignore_ascii_case(own))
    };
    let wanted = |one: Chosen<'a>| {
        one.map(|(package, is_wanted)| (package, is_wanted && is_of_source(package)))
    };
    chosen.into_iter().map(wanted).collect()
}

fn check_python(
    lock: &PoetryLock,
    document: &Document<'_>,
    findings: &mut Findings,
    environment: &Environment,
) {
    let Some(python) = &lock.metadata.python_versions else { return };
    let own = environment.python_version();
    let allowed = own.and_then(|version| constraint::allows(python.get_ref(), &version));
    // What poetry wrote and is not understood here is not held against the base.
    if allowed == Some(false) {
        let mistake = other_python(python.get_ref(), environment);
        findings.at(document.lines(&python.span()), mistake);
    }
}

/// Extras and groups that neither the lock nor the project has.
fn check_selection(
    lock: &PoetryLock,
    project: Option<&Pyproject>,
    selection: &Selection,
    findings: &mut Findings,
) {
    let extras: BTreeSet<String> = lock.extras.keys().map(|name| normalize(name)).collect();
    let in_use = lock.packages.iter().flat_map(|package| &package.groups);
    let mut groups: BTreeSet<String> = in_use.map(|name| normalize(name)).collect();
    if let Some(project) = project {
        groups.extend(project.groups.keys().cloned());
        groups.extend(graph::groups(project));
    }
    groups.remove(MAIN);
    refusal::check_selection(selection, &extras, &groups, findings);
}

/// Whether the lock is of another state of the project (`Locker._get_content_hash`).
fn stale(lock: &PoetryLock, project: &Pyproject, lock_name: &str) -> Option<Mistake> {
    let locked = lock.metadata.content_hash.as_ref()?;
    // Before 2.3, poetry left dependency groups out.
    let [new, old] = [true, false].map(|groups| content(project, groups));
    let (new, old) = (sha256(&new?, SPACED), sha256(&old?, SPACED));
    if *locked == new || *locked == old {
        return None;
    }
    Some(other_state(lock_name, &project.file, "poetry lock"))
}

/// What of a project poetry takes the hash of.
fn content(project: &Pyproject, with_groups: bool) -> Option<Json> {
    let table = &project.table;
    let empty = Table::new();
    let part = |table: &'_ Table, key: &str| -> Option<Map<String, Json>> {
        object(table.get(key).and_then(Value::as_table).unwrap_or(&empty))
    };
    let own = table.get("project").and_then(Value::as_table).unwrap_or(&empty);
    let mut standard = Map::new();
    for key in ["requires-python", "dependencies", "optional-dependencies"] {
        if let Some(value) = own.get(key) {
            standard.insert(key.to_owned(), json(value)?);
        }
    }
    let groups = if with_groups { part(table, "dependency-groups")? } else { Map::new() };
    let poetry = project.tool("poetry").and_then(Value::as_table).unwrap_or(&empty);
    let is_legacy = standard.is_empty() && groups.is_empty();
    let mut legacy = Map::new();
    for key in ["dependencies", "source", "extras", "dev-dependencies", "group"] {
        match poetry.get(key) {
            Some(value) => drop(legacy.insert(key.to_owned(), json(value)?)),
            None if is_legacy && key != "group" => drop(legacy.insert(key.to_owned(), Json::Null)),
            None => {}
        }
    }
    if is_legacy {
        return Some(legacy.into());
    }
    let mut content = Map::new();
    if !standard.is_empty() {
        content.insert("project".to_owned(), standard.into());
    }
    if !groups.is_empty() {
        content.insert("dependency-groups".to_owned(), groups.into());
    }
    let tool = Map::from_iter([("poetry".to_owned(), Json::from(legacy))]);
    content.insert("tool".to_owned(), tool.into());
    Some(content.into())
}

impl Package {
    /// Whether one of the selected groups wants it here.
    fn is_for(
        &self,
        selection: &Selection,
        environment: &Environment,
    ) -> Result<bool, (Option<&Self>, Mistake)> {
        for group in &self.groups {
            let name = normalize(group);
            if name != MAIN && !selection.groups.contains(&name) {
                continue;
            }
            let marker = match self.markers.as_ref().map(Spanned::get_ref) {
                Some(Value::String(marker)) => Some(marker.as_str()),
                Some(Value::Table(markers)) => markers.get(group).and_then(Value::as_str),
                _ => None,
            };
            let marker = marker.map(Marker::parse).transpose();
            let marker = marker.map_err(|mistake| (Some(self), mistake))?;
            if marker.is_none_or(|marker| When(marker).holds(environment, selection)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read(&self, lock: &PoetryLock) -> Result<Entry, Mistake> {
        let written = self.name.get_ref();
        let name = normalize(written);
        let needs = self.dependencies.keys().map(|name| normalize(name)).collect();
        if let Some(Place { r#type, url, .. }) = &self.source
            && r#type == "directory"
        {
            let (folder, is_package) = (url.clone(), true);
            return Ok(Entry::Local(Local { name, folder, is_package, location: None, needs }));
        }
        let files = if self.files.is_empty() {
            lock.metadata.files.get(written).map(Vec::as_slice).unwrap_or_default()
        } else {
            &self.files
        };
        let mut index = None;
        let source = match &self.source {
            None => release(files)?,
            Some(place) => match place.r#type.as_str() {
                "legacy" => {
                    index = Some(check_page(&place.url)?);
                    release(files)?
                }
                "git" => {
                    let commit = place.resolved_reference.as_deref().unwrap_or_default();
                    git(&place.url, commit, place.subdirectory.clone())?
                }
                "url" => {
                    let hashes = files.iter().filter_map(|file| hash_text(&file.hash)).collect();
                    let file = File::at(&place.url, None, hashes, None)?;
                    Source::Archive { file, subdirectory: folder(place.subdirectory.clone())? }
                }
                _ => return Err(refuse_path(&name, &place.url)),
            },
        };
        let version = Some(self.version.clone());
        let package = super::Package { name, version, source, index, location: None, needs };
        Ok(Entry::Package(package))
    }
}

/// Files on an index, of which the lock has the names alone.
fn release(files: &[Distribution]) -> Result<Source, Mistake> {
    let file = |one: &Distribution| {
        let hashes = hash_text(&one.hash).into_iter().collect();
        File::on_index(one.file.clone(), hashes)
    };
    Source::release(files.iter().map(file).collect::<Result<_, _>>()?)
}
