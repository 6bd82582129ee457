//! Which packages of an older poetry.lock a project leads to, in one environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

use pep440_rs::Version;
use toml::{Table, Value};

use super::{Chosen, Package, PoetryLock, constraint::allows};
use crate::{
    environment::Environment,
    lock::Pyproject,
    mistake::Mistake,
    requirements::{Marker, Selection, normalize},
};

/// A dependency as poetry's tables have it.
struct Dependency<'a> {
    name: String,
    version: &'a str,
    python: Option<&'a str>,
    platform: Option<&'a str>,
    markers: Option<&'a str>,
    extras: Vec<&'a str>,
    optional: bool,
}

/// The names of the groups in poetry's own tables.
pub(super) fn groups(project: &Pyproject) -> BTreeSet<String> {
    let Some(poetry) = project.tool("poetry") else { return BTreeSet::new() };
    let groups = poetry.get("group").and_then(Value::as_table).into_iter().flat_map(Table::keys);
    let mut groups: BTreeSet<String> = groups.map(|name| normalize(name)).collect();
    groups.extend(poetry.get("dev-dependencies").map(|_| "dev".to_owned()));
    groups
}

/// The names of the sources that a project takes a package from, in this environment and with these
/// extras.
pub(super) fn sources<'a>(
    project: &'a Pyproject,
    name: &str,
    selection: &Selection,
    environment: &Environment,
) -> Vec<&'a str> {
    let stated = project.tool("poetry").and_then(|poetry| poetry.get("dependencies"));
    let stated = stated.and_then(Value::as_table).into_iter().flatten();
    let entries = stated
        .filter(|(key, _)| normalize(key) == name)
        .flat_map(|(_, value)| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice));
    let here = entries.filter(|entry| {
        let marker = entry.get("markers").and_then(Value::as_str).map(Marker::parse);
        marker.is_none_or(|marker| marker.is_ok_and(|it| it.evaluate(environment, selection)))
    });
    here.filter_map(|entry| entry.get("source").and_then(Value::as_str)).collect()
}

/// Every package that the project's own file leads to.
pub(super) fn reach<'a>(
    lock: &'a PoetryLock,
    project: Option<&'a Pyproject>,
    selection: &Selection,
    environment: &Environment,
) -> Vec<Chosen<'a>> {
    let poetry = project.and_then(|project| project.tool("poetry"));
    let Some(poetry) = poetry else {
        let words = "this lock does not say what its packages are for";
        let mistake = Mistake::new(words)
            .help("put the project's pyproject.toml beside it, or run `poetry lock` with poetry 2");
        return vec![Err((None, mistake))];
    };
    let mut by_name: BTreeMap<String, Vec<(usize, &Package)>> = BTreeMap::new();
    for (index, package) in lock.packages.iter().enumerate() {
        by_name.entry(normalize(package.name.get_ref())).or_default().push((index, package));
    }
    let extras: BTreeSet<String> = lock
        .extras
        .iter()
        .filter(|(name, _)| selection.extras.contains(&normalize(name)))
        .flat_map(|(_, names)| names.iter().map(|name| plain_name(name)))
        .collect();
    let table = |value: Option<&'a Value>| value.and_then(Value::as_table);
    let own = table(poetry.get("dependencies")).into_iter();
    let groups = table(poetry.get("group")).into_iter().flatten();
    let groups = groups.filter(|(name, _)| selection.groups.contains(&normalize(name)));
    let groups = groups.filter_map(|(_, group)| table(group.get("dependencies")));
    let dev = table(poetry.get("dev-dependencies"));
    let dev = dev.filter(|_| selection.groups.contains("dev"));
    let roots = own.chain(groups).chain(dev).flatten().filter(|(name, _)| *name != "python");
    let roots: Vec<(&String, &Value)> = roots.collect();
    // Which of several versions of a package is for here depends on everything that asks for it: it
    // is gone through again with what was found before, until that is all that is found.
    let mut walk = Walk::new(&by_name, environment, BTreeMap::new());
    walk.run(&roots, &extras);
    for _ in &lock.packages {
        if walk.asked == walk.before {
            break;
        }
        walk = Walk::new(&by_name, environment, walk.asked);
        walk.run(&roots, &extras);
    }
    let mistakes = walk.mistakes.into_iter().map(Err);
    walk.found.into_iter().map(|package| Ok((package, true))).chain(mistakes).collect()
}

/// The versions that are asked for, by the names of packages.
type Asked<'a> = BTreeMap<String, BTreeSet<&'a str>>;

struct Walk<'a, 'b> {
    by_name: &'b BTreeMap<String, Vec<(usize, &'a Package)>>,
    environment: &'b Environment,
    /// What the walk before came to, and what this one does.
    before: Asked<'a>,
    asked: Asked<'a>,
    found: Vec<&'a Package>,
    /// A package by itself, or with one of its extras.
    wanted: Vec<(&'a Package, Option<String>)>,
    known: BTreeSet<(usize, Option<String>)>,
    mistakes: Vec<(Option<&'a Package>, Mistake)>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(
        by_name: &'b BTreeMap<String, Vec<(usize, &'a Package)>>,
        environment: &'b Environment,
        before: Asked<'a>,
    ) -> Self {
        Self {
            by_name,
            environment,
            before,
            asked: Asked::new(),
            found: Vec::new(),
            wanted: Vec::new(),
            known: BTreeSet::new(),
            mistakes: Vec::new(),
        }
    }

    fn run(&mut self, roots: &[(&String, &'a Value)], extras: &BTreeSet<String>) {
        for (name, value) in roots {
            self.want(name, value, extras, &BTreeSet::new(), None);
        }
        let mut next = 0;
        while let Some((package, extra)) = self.wanted.get(next).cloned() {
            next += 1;
            let active: BTreeSet<String> = extra.into_iter().collect();
            let named = package.extras.iter().filter(|(name, _)| active.contains(&normalize(name)));
            let named = named.flat_map(|(_, texts)| texts.iter().map(|text| plain_name(text)));
            let named = named.collect();
            for (name, value) in &package.dependencies {
                self.want(name, value, &named, &active, Some(package));
            }
        }
    }

    /// Takes up a dependency of `by`: one value, or several for different environments. Optional
    /// ones count if an extra names them.
    fn want(
        &mut self,
        name: &str,
        value: &'a Value,
        named: &BTreeSet<String>,
        extras: &BTreeSet<String>,
        by: Option<&'a Package>,
    ) {
        let one = [value];
        let several = value.as_array().map(|values| values.iter().collect::<Vec<_>>());
        for value in several.as_deref().unwrap_or(&one) {
            let Some(dependency) = Dependency::read(name, value) else {
                let words = format!("the dependency `{name}` cannot be read");
                self.mistakes.push((by, Mistake::new(words).help("run `poetry lock`")));
                continue;
            };
            if dependency.optional && !named.contains(&dependency.name) {
                continue;
            }
            match dependency.holds(self.environment, extras) {
                Ok(true) => self.take(&dependency, by),
                Ok(false) => {}
                Err(mistake) => self.mistakes.push((by, mistake)),
            }
        }
    }

    fn take(&mut self, dependency: &Dependency<'a>, by: Option<&'a Package>) {
        self.asked.entry(dependency.name.clone()).or_default().insert(dependency.version);
        let all = self.by_name.get(&dependency.name).map(Vec::as_slice).unwrap_or_default();
        let version = |package: &Package| Version::from_str(&package.version).ok();
        let allowed = |package: &Package, constraint: &str| {
            let version = version(package);
            version.and_then(|version| allows(constraint, &version)).unwrap_or(true)
        };
        let fitting = all.iter().filter(|(_, package)| allowed(package, dependency.version));
        let others = self.before.get(&dependency.name);
        let fits_all = |package: &Package| {
            others.into_iter().flatten().all(|constraint| allowed(package, constraint))
        };
        let python = self.environment.python_version();
        let fits_python = |package: &Package| {
            let versions = package.python_versions.as_deref().zip(python.as_ref());
            versions.and_then(|(text, python)| allows(text, python)).unwrap_or(true)
        };
        // The newest of those that everything allows.
        let best = fitting
            .max_by_key(|(_, package)| (fits_all(package), fits_python(package), version(package)));
        let Some(&(index, package)) = best else {
            let words = format!("the lock has no `{}` {}", dependency.name, dependency.version);
            self.mistakes.push((by, Mistake::new(words).help("run `poetry lock`")));
            return;
        };
        if self.known.insert((index, None)) {
            self.found.push(package);
            self.wanted.push((package, None));
        }
        for extra in &dependency.extras {
            let extra = Some(normalize(extra));
            if self.known.insert((index, extra.clone())) {
                self.wanted.push((package, extra));
            }
        }
    }
}

impl<'a> Dependency<'a> {
    fn read(name: &str, value: &'a Value) -> Option<Self> {
        let name = normalize(name);
        let any = Self {
            name,
            version: "*",
            python: None,
            platform: None,
            markers: None,
            extras: Vec::new(),
            optional: false,
        };
        let table = match value {
            Value::String(version) => return Some(Self { version, ..any }),
            Value::Table(table) => table,
            _ => return None,
        };
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        let extras = table.get("extras").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            version: text("version").unwrap_or("*"),
            python: text("python"),
            platform: text("platform"),
            markers: text("markers"),
            extras: extras.filter_map(Value::as_str).collect(),
            optional: table.get("optional").and_then(Value::as_bool).unwrap_or_default(),
            ..any
        })
    }

    fn holds(&self, environment: &Environment, extras: &BTreeSet<String>) -> Result<bool, Mistake> {
        let python = environment.python_version();
        let python = self.python.zip(python).and_then(|(text, version)| allows(text, &version));
        let platform = self.platform.map(|text| is_platform(text, environment));
        if python == Some(false) || platform == Some(false) {
            return Ok(false);
        }
        let selection = Selection { extras: extras.clone(), groups: BTreeSet::new() };
        let Some(markers) = self.markers else { return Ok(true) };
        Ok(Marker::parse(markers)?.evaluate(environment, &selection))
    }
}

/// Whether `sys_platform` is what `win32`, `!=win32` or `linux || darwin` asks for (poetry-core's
/// generic constraints).
fn is_platform(text: &str, environment: &Environment) -> bool {
    let own = environment.variable("sys_platform");
    let holds = |one: &str| match one.trim().strip_prefix("!=") {
        Some(other) => other.trim() != own,
        None => one.trim().trim_start_matches('=').trim() == own,
    };
    text.split("||").any(|all| all.split(',').all(holds))
}

/// The name in `h2 (>=3,<5)` or `h2[x]>=3`.
fn plain_name(text: &str) -> String {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    normalize(&text[..end.unwrap_or(text.len())])
}
