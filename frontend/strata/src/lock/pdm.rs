//! `pdm.lock`, of version 4.5 on, with the groups and markers that `pdm lock` gives packages.

use std::{collections::BTreeSet, sync::Arc};

use llb::SourceFile;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::{Spanned, Table, Value};

use super::{
    File, Lock, Pyproject, Source,
    document::{Document, When, holds},
    file::{folder, git, hash_text, refuse_path},
    fingerprint::{SPACED, json, object, sha256},
    local::{self, Entry, Local, is_archive, is_project},
    refusal::{check_selection, other_state, require_python},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Selection, normalize},
};

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct PdmLock {
    metadata: Metadata,
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Metadata {
    lock_version: Spanned<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    strategy: Vec<String>,
    content_hash: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
}

/// An environment that the lock is for.
#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Target {
    requires_python: Option<Spanned<String>>,
    platform: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Package {
    name: Spanned<String>,
    version: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    marker: Option<When>,
    git: Option<String>,
    revision: Option<String>,
    url: Option<String>,
    path: Option<String>,
    subdirectory: Option<String>,
    #[serde(default)]
    files: Vec<Distribution>,
    /// Each as PEP 508 has it.
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Distribution {
    file: Option<String>,
    url: Option<String>,
    hash: String,
}

/// The group of the project's dependencies.
const DEFAULT: &str = "default";

/// The strategy by which packages have their groups and markers.
const INHERIT: &str = "inherit_metadata";

/// What the lock has for this environment and selection.
pub(super) fn read(
    file: &Arc<SourceFile>,
    project: Option<&Pyproject>,
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let document = Document::new(file)?;
    let lock: PdmLock = document.parse()?;
    let mut findings = Findings::new(Arc::clone(file));
    let version = &lock.metadata.lock_version;
    if version.get_ref().split('.').next() != Some("4")
        || !lock.metadata.strategy.iter().any(|strategy| strategy == INHERIT)
    {
        let words = "this lock does not say what its packages are for, or not as is known here";
        let help = "run `pdm lock --strategy inherit_metadata` with pdm 2.17 or newer";
        findings.at(document.lines(&version.span()), Mistake::new(words).help(help));
        return Err(findings.into_mistakes());
    }
    check_targets(&lock, &document, &mut findings, environment);
    if let Some(project) = project {
        findings.extend(stale(&lock, project, &file.name));
    }
    let known = lock.metadata.groups.iter().map(|name| normalize(name));
    let known: BTreeSet<String> = known.filter(|name| name != DEFAULT).collect();
    check_selection(selection, &known, &known, &mut findings);
    if !findings.is_empty() {
        return Err(findings.into_mistakes());
    }
    let mut packages: Vec<Entry> = Vec::new();
    for package in &lock.packages {
        let wanted = package.groups.iter().map(|name| normalize(name)).any(|name| {
            name == DEFAULT || selection.extras.contains(&name) || selection.groups.contains(&name)
        });
        if !wanted || !holds(package.marker.as_ref(), environment, selection) {
            continue;
        }
        let location = document.location(&package.name.span());
        match package.read() {
            // A package with its extras stands there again, with what these need.
            Ok(Some(read)) => local::add(&mut packages, read.at(location)),
            Ok(None) => {}
            Err(mistake) => findings.at(location.lines, mistake),
        }
    }
    Ok(Lock { says_needs: true, ..Lock::new(packages, findings)? })
}

fn check_targets(
    lock: &PdmLock,
    document: &Document<'_>,
    findings: &mut Findings,
    environment: &Environment,
) {
    let targets = &lock.metadata.targets;
    let python = |target: &Target| match &target.requires_python {
        Some(python) => require_python(python.get_ref(), environment)
            .map_err(|mistake| (document.lines(&python.span()), mistake)),
        None => Ok(()),
    };
    let platform = |target: &Target| match &target.platform {
        Some(platform) if !is_platform(platform.get_ref(), environment) => {
            let words = format!("the lock is for {}", quote(platform.get_ref()));
            let mistake = Mistake::new(format!("{words}; the base is {environment}"));
            let help = "lock for it, too: `pdm lock --append --platform linux`";
            Err((document.lines(&platform.span()), mistake.help(help)))
        }
        _ => Ok(()),
    };
    let fits = |target: &Target| python(target).and_then(|()| platform(target));
    if let Some(first) = targets.first()
        && !targets.iter().any(|target| fits(target).is_ok())
        && let Err((lines, mistake)) = fits(first)
    {
        findings.at(lines, mistake);
    }
}

/// Whether pdm's name of a platform, `manylinux_2_17_x86_64`, is that of an environment.
fn is_platform(name: &str, environment: &Environment) -> bool {
    match name {
        "linux" => environment.machine == "x86_64",
        "alpine" => environment.machine == "x86_64" && environment.libc == "musl",
        name => {
            let linux = ["manylinux", "musllinux", "linux_"];
            linux.iter().any(|start| name.starts_with(start))
                && name.ends_with(&format!("_{}", environment.machine))
        }
    }
}

/// Whether the lock is of another state of the project (`PyProject.content_hash`).
fn stale(lock: &PdmLock, project: &Pyproject, lock_name: &str) -> Option<Mistake> {
    let locked = lock.metadata.content_hash.as_ref()?.strip_prefix("sha256:")?;
    // The hash of a workspace is one of its members' files, too.
    if project.tool("pdm").is_some_and(|pdm| pdm.get("workspace").is_some()) {
        return None;
    }
    // pdm 2.19 and newer, 2.13, and those before.
    for (groups, overrides) in [(true, false), (false, false), (false, true)] {
        if sha256(&content(project, groups, overrides)?, SPACED) == *locked {
            return None;
        }
    }
    Some(other_state(lock_name, &project.file, "pdm lock"))
}

/// What of a project pdm takes the hash of.
fn content(project: &Pyproject, with_groups: bool, only_overrides: bool) -> Option<Json> {
    let empty = Table::new();
    let table = |value: Option<&'_ Value>| value.and_then(Value::as_table).cloned();
    let own = table(project.table.get("project")).unwrap_or_default();
    let pdm = table(project.tool("pdm")).unwrap_or_default();
    let of = |table: &Table, key: &str, default: Json| match table.get(key) {
        Some(value) => json(value),
        None => Some(default),
    };
    let none = || Json::from(Map::new());
    let mut groups = Map::new();
    let standard = table(project.table.get("dependency-groups")).filter(|_| with_groups);
    for (name, members) in standard.as_ref().unwrap_or(&empty) {
        groups.insert(normalize(name), json(members)?);
    }
    for (name, members) in &table(pdm.get("dev-dependencies")).unwrap_or_default() {
        let name = if with_groups { normalize(name) } else { name.clone() };
        let members = json(members)?.as_array()?.clone();
        let group = groups.entry(name).or_insert_with(|| Json::Array(Vec::new()));
        group.as_array_mut()?.extend(members);
    }
    let resolution = table(pdm.get("resolution")).unwrap_or_default();
    let (key, resolution) = if only_overrides {
        ("overrides", of(&resolution, "overrides", none())?)
    } else {
        ("resolution", object(&resolution)?.into())
    };
    let content = [
        ("sources", of(&pdm, "source", Json::Array(Vec::new()))?),
        ("dependencies", of(&own, "dependencies", Json::Array(Vec::new()))?),
        ("dev-dependencies", groups.into()),
        ("optional-dependencies", of(&own, "optional-dependencies", none())?),
        ("requires-python", of(&own, "requires-python", Json::from(""))?),
        (key, resolution),
    ];
    Some(
        content
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>()
            .into(),
    )
}

impl Package {
    /// The package; none if it is the project itself.
    fn read(&self) -> Result<Option<Entry>, Mistake> {
        let name = normalize(self.name.get_ref());
        let needs = self.dependencies.iter().map(|dependency| {
            let end = dependency.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
            normalize(&dependency[..end.unwrap_or(dependency.len())])
        });
        let needs = needs.collect();
        let source = match (&self.git, &self.url, self.path.as_deref()) {
            (Some(url), ..) => {
                let commit = self.revision.as_deref().unwrap_or_default();
                git(url, commit, self.subdirectory.clone())?
            }
            (None, _, Some(path)) if is_project(path) => return Ok(None),
            (None, Some(url), _) => {
                let hashes = self.files.iter().filter_map(|file| hash_text(&file.hash)).collect();
                let file = File::at(url, None, hashes, None)?;
                Source::Archive { file, subdirectory: folder(self.subdirectory.clone())? }
            }
            (None, None, Some(path)) if is_archive(path) => return Err(refuse_path(&name, path)),
            (None, None, Some(path)) => {
                let (folder, is_package) = (path.to_owned(), true);
                let local = Local { name, folder, is_package, location: None, needs };
                return Ok(Some(Entry::Local(local)));
            }
            (None, None, None) => {
                let files = self.files.iter().map(Distribution::read);
                Source::release(files.collect::<Result<_, _>>()?)?
            }
        };
        let version = self.version.clone();
        let package = super::Package { name, version, source, index: None, location: None, needs };
        Ok(Some(Entry::Package(package)))
    }
}

impl Distribution {
    fn read(&self) -> Result<File, Mistake> {
        let hashes = hash_text(&self.hash).into_iter().collect();
        match (&self.url, &self.file) {
            (Some(url), name) => File::at(url, name.clone(), hashes, None),
            (None, name) => File::on_index(name.clone().unwrap_or_default(), hashes),
        }
    }
}
