//! `Pipfile.lock`: pins with hashes, in JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gateway::without_credentials;
use llb::{Lines, SourceFile};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Table;

use super::{
    File, Lock, Source,
    document::{Document, When, holds},
    file::{folder, git, hash_text, refuse_path},
    fingerprint::{COMPACT, object, sha256},
    local::{self, Entry, Local, is_archive, is_project},
    refusal::{check_selection, other_python, other_state},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes},
    requirements::{Selection, check_index_page, normalize},
};

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Meta {
    hash: Option<Hash>,
    #[serde(default)]
    requires: Requires,
    #[serde(default)]
    sources: Vec<Index>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Hash {
    sha256: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "a table")]
struct Requires {
    python_version: Option<String>,
    python_full_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Index {
    name: Option<String>,
    url: String,
}

#[derive(Deserialize)]
#[serde(expecting = "a table")]
struct Package {
    version: Option<String>,
    #[serde(default)]
    hashes: Vec<String>,
    index: Option<String>,
    markers: Option<When>,
    git: Option<String>,
    r#ref: Option<String>,
    file: Option<String>,
    path: Option<String>,
    subdirectory: Option<String>,
}

/// The tables of a Pipfile that are no packages (plette's `PIPFILE_SECTIONS`, and names that
/// it keeps to itself).
const NO_PACKAGES: [&str; 9] = [
    "source",
    "packages",
    "dev-packages",
    "requires",
    "scripts",
    "pipfile",
    "pipenv",
    "default",
    "develop",
];

/// What the lock has for this environment and selection: the default packages, and of groups
/// `dev` (or `develop`, `dev-packages`) and those that the Pipfile names.
pub(super) fn read(
    file: &Arc<SourceFile>,
    pipfile: Option<&Arc<SourceFile>>,
    selection: &Selection,
    environment: &Environment,
) -> Result<Lock, Mistakes> {
    let mut findings = Findings::new(Arc::clone(file));
    let text = String::from_utf8_lossy(&file.data);
    let (meta, categories) = match parse(&text) {
        Ok(read) => read,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX).max(1);
            let mistake = Mistake::new(without_credentials(&error.to_string()));
            findings.at(Lines::one(line), mistake);
            return Err(findings.into_mistakes());
        }
    };
    check_python(&meta, &text, &mut findings, environment);
    if let Some(pipfile) = pipfile {
        match stale(&meta, pipfile, &file.name) {
            Ok(mistake) => findings.extend(mistake),
            Err(mistakes) => findings.extend(mistakes.0),
        }
    }
    if !findings.is_empty() {
        return Err(findings.into_mistakes());
    }
    let known = categories.keys().filter(|name| *name != "default");
    let known = known.map(|name| if name == "develop" { "dev".into() } else { normalize(name) });
    let known: BTreeSet<String> = known.collect();
    let asked = |name: &String| match name.as_str() {
        "develop" | "dev-packages" => "dev".to_owned(),
        other => other.to_owned(),
    };
    let groups = selection.groups.iter().map(asked).collect();
    let asked = Selection { groups, ..selection.clone() };
    check_selection(&asked, &BTreeSet::new(), &known, &mut findings);
    let mut packages: Vec<Entry> = Vec::new();
    let mut of_default = BTreeSet::new();
    let (default, others): (Vec<_>, Vec<_>) =
        categories.iter().partition(|(category, _)| *category == "default");
    for (category, entries) in default.into_iter().chain(others) {
        let name = if category == "develop" { "dev".into() } else { normalize(category) };
        if category != "default" && !asked.groups.contains(&name) {
            continue;
        }
        for (name, entry) in entries {
            // Categories may be locked apart; this one counts, as with `pipenv requirements`.
            if of_default.contains(&normalize(name)) {
                continue;
            }
            let lines = line_of(&text, category, name);
            let read = Package::deserialize(entry)
                .map_err(|error| Mistake::new(without_credentials(&error.to_string())))
                .and_then(|package| {
                    if holds(package.markers.as_ref(), environment, selection) {
                        package.read(name, &meta)
                    } else {
                        Ok(None)
                    }
                });
            match read {
                Ok(Some(read)) => {
                    if category == "default" {
                        of_default.insert(normalize(name));
                    }
                    let read = read.at(llb::Location { file: Arc::clone(file), lines });
                    local::add(&mut packages, read);
                }
                Ok(None) => {}
                Err(mistake) => findings.at(lines, mistake),
            }
        }
    }
    Lock::new(packages, findings)
}

/// The hosts of indexes whose URLs have a login in variables, as pipenv allows.
pub(super) fn logins(file: &Arc<SourceFile>) -> Vec<String> {
    let Ok((meta, _)) = parse(&String::from_utf8_lossy(&file.data)) else { return Vec::new() };
    let indexes = meta.sources.iter().filter_map(|index| check_index_page(&index.url).ok());
    indexes.filter_map(|(_, host)| host).collect()
}

/// Packages by their names, unread, by the names of their categories.
type Categories = BTreeMap<String, BTreeMap<String, Json>>;

fn parse(text: &str) -> Result<(Meta, Categories), serde_json::Error> {
    #[derive(Deserialize)]
    struct Whole {
        #[serde(rename = "_meta")]
        meta: Meta,
    }
    let Whole { meta } = serde_json::from_str(text)?;
    // The other keys are the categories.
    let mut categories = BTreeMap::new();
    let all: Map<String, Json> = serde_json::from_str(text)?;
    for (name, entries) in all.into_iter().filter(|(name, _)| name != "_meta") {
        categories.insert(name, serde_json::from_value(entries)?);
    }
    Ok((meta, categories))
}

fn check_python(meta: &Meta, text: &str, findings: &mut Findings, environment: &Environment) {
    let Requires { python_version, python_full_version } = &meta.requires;
    let full = python_full_version.as_ref();
    let wanted = full.or(python_version.as_ref());
    let (major, minor) = environment.python();
    let has = match full {
        Some(_) => environment.python_full_version.clone(),
        None => format!("{major}.{minor}"),
    };
    if let Some(wanted) = wanted.filter(|wanted| **wanted != has && **wanted != "*") {
        let help = "take a base with this Python, or lock again for that of the base";
        let line = line_of(
            text,
            "_meta",
            if full.is_some() { "python_full_version" } else { "python_version" },
        );
        findings.at(line, other_python(wanted, environment).help(help));
    }
}

/// Whether the lock is of another state of the Pipfile (plette's `Pipfile.get_hash`, and pipenv's
/// own, which takes names in their normal form).
fn stale(
    meta: &Meta,
    pipfile: &Arc<SourceFile>,
    lock_name: &str,
) -> Result<Option<Mistake>, Mistakes> {
    let table: Table = Document::new(pipfile)?.parse()?;
    let locked = meta.hash.as_ref().and_then(|hash| hash.sha256.as_ref());
    let Some((locked, table)) = locked.zip(object(&table)) else { return Ok(None) };
    let hashes = [true, false].map(|normal| sha256(&content(&table, normal), COMPACT));
    if hashes.contains(locked) {
        return Ok(None);
    }
    Ok(Some(other_state(lock_name, pipfile, "pipenv lock")))
}

/// What of a Pipfile pipenv takes the hash of.
fn content(pipfile: &Map<String, Json>, normal: bool) -> Json {
    let names = |section: &Json| -> Json {
        match section {
            Json::Object(entries) if normal => {
                entries.iter().map(|(name, value)| (normalize(name), value.clone())).collect()
            }
            other => other.clone(),
        }
    };
    let section = |key: &str| pipfile.get(key).cloned().unwrap_or_else(|| Map::new().into());
    let pypi = serde_json::json!([
        {"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}
    ]);
    let sources = pipfile.get("source").cloned().unwrap_or(pypi);
    let mut content = Map::new();
    let meta = serde_json::json!({"sources": sources, "requires": section("requires")});
    content.insert("_meta".to_owned(), meta);
    content.insert("default".to_owned(), names(&section("packages")));
    content.insert("develop".to_owned(), names(&section("dev-packages")));
    let others = pipfile.iter().filter(|(name, _)| !NO_PACKAGES.contains(&name.as_str()));
    content.extend(others.map(|(name, section)| (name.clone(), names(section))));
    content.into()
}

/// The line on which the key `name` stands below the key `category`.
fn line_of(text: &str, category: &str, name: &str) -> Lines {
    let is_key = |line: &str, key: &str| line.trim_start().starts_with(&format!("\"{key}\":"));
    let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| !is_key(line, category));
    let found = lines.find(|(_, line)| is_key(line, name));
    Lines::one(found.map_or(1, |(number, _)| number))
}

impl Package {
    /// The package; none if it is the project itself.
    fn read(&self, name: &str, meta: &Meta) -> Result<Option<Entry>, Mistake> {
        let name = normalize(name);
        let hashes: BTreeSet<String> =
            self.hashes.iter().filter_map(|hash| hash_text(hash)).collect();
        let source = match (&self.git, &self.file, self.path.as_deref()) {
            (Some(url), ..) => {
                let commit = self.r#ref.as_deref().unwrap_or_default();
                git(url, commit, self.subdirectory.clone())?
            }
            (None, Some(url), _) => {
                let file = File::at(url, None, hashes, None)?;
                Source::Archive { file, subdirectory: folder(self.subdirectory.clone())? }
            }
            (None, None, Some(path)) if is_project(path) => return Ok(None),
            (None, None, Some(path)) if is_archive(path) => return Err(refuse_path(&name, path)),
            (None, None, Some(path)) => {
                let (folder, needs) = (path.to_owned(), BTreeSet::new());
                let local = Local { name, folder, is_package: true, location: None, needs };
                return Ok(Some(Entry::Local(local)));
            }
            (None, None, None) if hashes.is_empty() => {
                let help = "it was not resolved for this platform: lock again on one like it";
                return Err(Mistake::new(format!("`{name}` has no hash")).help(help));
            }
            (None, None, None) => Source::Hashes(hashes),
        };
        let version = self.version.as_deref().map(|version| version.trim_start_matches('='));
        let version = version.filter(|_| matches!(source, Source::Hashes(_)));
        if let (Source::Hashes(_), None) = (&source, version) {
            return Err(Mistake::new(format!("`{name}` has no version")).help("run `pipenv lock`"));
        }
        let index = self.index.as_ref().and_then(|wanted| {
            meta.sources.iter().find(|index| index.name.as_ref() == Some(wanted))
        });
        let index = index.map(|index| check_index_page(&index.url)).transpose()?;
        let index = index.map(|(url, _)| url);
        let version = version.map(str::to_owned);
        let needs = BTreeSet::new();
        let package = super::Package { name, version, source, index, location: None, needs };
        Ok(Some(Entry::Package(package)))
    }
}
