//! `pyproject.toml`: what a project depends on, with extras (PEP 621) and groups (PEP 735).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use llb::{Lines, Location, SourceFile};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::{
    document::Document,
    refusal::{require_python, unknown},
};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Dependency, Marker, Requirement, Selection, normalize},
};

/// A project's `pyproject.toml`.
#[derive(Clone, Debug)]
pub struct Pyproject {
    pub(super) file: Arc<SourceFile>,
    /// Its name, normalised.
    pub(super) name: Option<String>,
    pub(super) requires_python: Option<(String, Lines)>,
    has_project: bool,
    pub(super) dynamic: Vec<String>,
    pub(super) dependencies: Vec<Stated>,
    /// By their normalised names.
    pub(super) extras: BTreeMap<String, Vec<Stated>>,
    /// By their normalised names.
    pub(super) groups: BTreeMap<String, Vec<Member>>,
    /// All of it, for the tables of tools.
    pub(super) table: Table,
}

/// A dependency specifier as written.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) text: String,
    pub(super) lines: Lines,
}

/// What a dependency group is made of.
#[derive(Clone, Debug)]
pub(super) enum Member {
    Requirement(Stated),
    /// All of another group.
    Include(Stated),
    /// Neither.
    Unknown(Lines),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Tables {
    project: Option<Project>,
    #[serde(default)]
    dependency_groups: BTreeMap<String, Vec<Spanned<Value>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table")]
struct Project {
    name: Option<String>,
    requires_python: Option<Spanned<String>>,
    #[serde(default)]
    dependencies: Vec<Spanned<String>>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

/// The keys of tools' tables by which a package comes from somewhere else than its name says.
const REDIRECTIONS: [&str; 7] = ["git", "url", "path", "index", "source", "workspace", "file"];

/// The tables in which tools have indexes beside PyPI or in its place.
const INDEXES: [(&str, &str); 6] = [
    ("uv", "index"),
    ("uv", "index-url"),
    ("uv", "extra-index-url"),
    ("uv", "find-links"),
    ("poetry", "source"),
    ("pdm", "source"),
];

/// The tables by which tools take other releases than packages ask for.
const OVERRIDES: [(&str, &str); 3] = [
    ("uv", "override-dependencies"),
    ("uv", "exclude-dependencies"),
    ("pdm", "resolution.overrides"),
];

/// The keys of tools' tables by which a project is a package, or none. One that says nothing is one
/// if it can be built.
const PACKAGE: [(&str, &str); 3] =
    [("uv", "package"), ("poetry", "package-mode"), ("pdm", "distribution")];

impl Pyproject {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it is not TOML, or `project` and `dependency-groups` are not of the shapes that PEP
    /// 621 and 735 give them. What their texts say is read when it is asked for.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, Mistakes> {
        let document = Document::new(file)?;
        let read: Tables = document.parse()?;
        let table = document.parse()?;
        let stated = |texts: Vec<Spanned<String>>| -> Vec<Stated> {
            let one = |text: Spanned<String>| {
                let lines = document.lines(&text.span());
                Stated { text: text.into_inner(), lines }
            };
            texts.into_iter().map(one).collect()
        };
        let member = |value: Spanned<Value>| {
            let lines = document.lines(&value.span());
            match value.into_inner() {
                Value::String(text) => Member::Requirement(Stated { text, lines }),
                Value::Table(table) => match table.get("include-group").and_then(Value::as_str) {
                    Some(name) => Member::Include(Stated { text: normalize(name), lines }),
                    None => Member::Unknown(lines),
                },
                _ => Member::Unknown(lines),
            }
        };
        let groups = read.dependency_groups.into_iter().map(|(name, members)| {
            (normalize(&name), members.into_iter().map(member).collect::<Vec<_>>())
        });
        let groups = groups.collect();
        let has_project = read.project.is_some();
        let project = read.project.unwrap_or(Project {
            name: None,
            requires_python: None,
            dependencies: Vec::new(),
            optional_dependencies: BTreeMap::new(),
            dynamic: Vec::new(),
        });
        let python = project.requires_python.map(|python| {
            let lines = document.lines(&python.span());
            (python.into_inner(), lines)
        });
        let extras = project.optional_dependencies.into_iter();
        Ok(Self {
            file: Arc::clone(file),
            name: project.name.map(|name| normalize(&name)),
            requires_python: python,
            has_project,
            dynamic: project.dynamic,
            dependencies: stated(project.dependencies),
            extras: extras.map(|(name, texts)| (normalize(&name), stated(texts))).collect(),
            groups,
            table,
        })
    }

    /// Refuses a Python that the project is not for.
    ///
    /// # Errors
    ///
    /// One mistake, on the line of `requires-python`.
    pub fn check_python(&self, environment: &Environment) -> Result<(), Mistakes> {
        let Some((python, lines)) = &self.requires_python else { return Ok(()) };
        require_python(python, environment).map_err(|mistake| mistake.on(&self.file, *lines).into())
    }

    /// What is to be resolved where no lock says it: the project's dependencies, those of the
    /// selected extras and groups, and the line of each.
    ///
    /// # Errors
    ///
    /// Every dependency that pip would refuse; those that only the project's own tool knows, as
    /// poetry's; extras and groups that there are not (these without a location).
    pub fn requirements(
        &self,
        selection: &Selection,
    ) -> Result<Vec<(Requirement, Location)>, Mistakes> {
        let mut walk = Walk {
            project: self,
            findings: Findings::new(Arc::clone(&self.file)),
            found: Vec::new(),
            done: BTreeSet::new(),
        };
        let missing = self.missing_project(selection);
        walk.findings.extend(missing);
        for stated in &self.dependencies {
            walk.add(stated, None);
        }
        for extra in &selection.extras {
            walk.extra(extra, None, None);
        }
        for group in &selection.groups {
            walk.group(group, &[], None);
        }
        let Walk { findings, found, .. } = walk;
        findings.or(found)
    }

    /// Refuses what only the project's own tool reads, because without it other packages would be
    /// installed: its indexes, where the manifest names none, and its overrides.
    ///
    /// # Errors
    ///
    /// Every such table.
    pub fn check_tools(&self, names_indexes: bool) -> Result<(), Mistakes> {
        let mut findings = Findings::new(Arc::clone(&self.file));
        for (tool, key) in INDEXES.into_iter().filter(|_| !names_indexes) {
            let index = self.tool(tool).and_then(|table| table.get(key));
            if index.is_some_and(is_other_index) {
                let words = format!(
                    "only {tool} reads `tool.{tool}.{key}`: packages would be looked for on PyPI"
                );
                let help = format!(
                    "lock with {tool} and set `lock: {tool}.lock`, or name the index under \
                     `python.index_url` or `python.extra_index_urls`"
                );
                findings.at(self.line_of_table(tool, key), Mistake::new(words).help(help));
            }
        }
        for (tool, path) in OVERRIDES {
            let table = self.tool(tool);
            let value = path.split('.').try_fold(table, |table, key| Some(table?.get(key)));
            let is_empty = |value: &Value| match value {
                Value::Array(entries) => entries.is_empty(),
                Value::Table(entries) => entries.is_empty(),
                _ => false,
            };
            if value.flatten().is_some_and(|value| !is_empty(value)) {
                let words = format!(
                    "only {tool} reads `tool.{tool}.{path}`: other releases would be installed"
                );
                let help = format!(
                    "lock with {tool} and set `lock: {tool}.lock`, or say in `dependencies` which \
                     releases are wanted, and take this out"
                );
                findings.at(self.line_of_table(tool, path), Mistake::new(words).help(help));
            }
        }
        findings.or(())
    }

    /// What the project holds all packages to, if something asks for them: uv's
    /// `constraint-dependencies`, which count whatever the extras (uv's `constraints.rs`).
    ///
    /// # Errors
    ///
    /// Every one that cannot be read.
    pub fn constraints(&self) -> Result<Vec<Requirement>, Mistakes> {
        let key = "constraint-dependencies";
        let stated = self.tool("uv").and_then(|uv| uv.get(key)).and_then(Value::as_array);
        let mut findings = Findings::new(Arc::clone(&self.file));
        let mut constraints = Vec::new();
        for text in stated.into_iter().flatten() {
            let dependency = text.as_str().map_or_else(
                || Err(Mistake::new(format!("`tool.uv.{key}` is a list of texts"))),
                Dependency::parse,
            );
            let read = dependency.and_then(|dependency| {
                let plain = Dependency { extras: BTreeSet::new(), ..dependency };
                Requirement::parse(&plain.to_string())
            });
            match read {
                Ok(constraint) => constraints.push(constraint),
                Err(mistake) => findings.at(self.line_of_table("uv", key), mistake),
            }
        }
        findings.or(constraints)
    }

    /// What uv takes as a source only, or as a wheel only, whatever a lock has of it: pip's option
    /// for each, and its value (uv's `no-binary`, `no-build` and their `-package`). All packages
    /// come first, as pip forgets what was said of some when it hears of all.
    pub fn formats(&self) -> Vec<(&'static str, &str)> {
        const OPTIONS: [(&str, &str); 2] =
            [("no-binary", "--no-binary"), ("no-build", "--only-binary")];
        let uv = |key: &str| self.tool("uv").and_then(|uv| uv.get(key));
        let is_set = |key| uv(key).and_then(Value::as_bool) == Some(true);
        let all = OPTIONS.into_iter().filter(|(key, _)| is_set(key));
        let all = all.map(|(_, option)| (option, ":all:"));
        let some = OPTIONS.into_iter().flat_map(|(key, option)| {
            let names = uv(&format!("{key}-package")).and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(Value::as_str);
            names.map(move |name| (option, name))
        });
        all.chain(some).collect()
    }

    /// Says what of the selection is not in `project` and `dependency-groups` to be read.
    fn missing_project(&self, selection: &Selection) -> Vec<Mistake> {
        let at = |key: &str| self.line_of(key);
        let poetry = self.tool("poetry").and_then(|poetry| poetry.get("dependencies"));
        if !self.has_project && poetry.is_some() {
            let mistake = Mistake::at(
                &self.file,
                at("[tool.poetry.dependencies]"),
                "the dependencies are poetry's own, and only poetry can read them",
            );
            return vec![mistake.help(
                "run `poetry lock` and set `lock: poetry.lock`, or move them to \
                 `project.dependencies`, which poetry 2 reads, too",
            )];
        }
        if !self.has_project && selection.groups.is_empty() {
            let words = "there is no `project` table, so there are no dependencies";
            let help = "dependencies are `project.dependencies` (PEP 621)";
            return vec![Mistake::at(&self.file, Lines::one(1), words).help(help)];
        }
        let mut mistakes = Vec::new();
        let is_dynamic = |key: &str| self.dynamic.iter().any(|name| name == key);
        for (key, wanted) in
            [("dependencies", true), ("optional-dependencies", !selection.extras.is_empty())]
        {
            if wanted && is_dynamic(key) {
                let words = format!("`{key}` are dynamic: known only when the project is built");
                let mistake = Mistake::at(&self.file, at("dynamic"), words);
                mistakes.push(mistake.help(self.instead_of_dynamic(key)));
            }
        }
        mistakes
    }

    fn instead_of_dynamic(&self, key: &str) -> String {
        let source = self
            .tool("setuptools")
            .and_then(|tool| tool.get("dynamic")?.get(key)?.get("file"))
            .and_then(|file| file.as_str().or_else(|| file.as_array()?.first()?.as_str()));
        match source {
            Some(file) => {
                format!("setuptools reads them from {}: name that file instead", quote(file))
            }
            None if self.tool("poetry").is_some() => {
                "run `poetry lock` and set `lock: poetry.lock`".to_owned()
            }
            None => "lock the project, or name the file that they come from".to_owned(),
        }
    }

    /// Its name, normalised; poetry has one of its own.
    pub fn name(&self) -> Option<String> {
        let of_poetry = || self.tool("poetry")?.get("name")?.as_str().map(normalize);
        self.name.clone().or_else(of_poetry)
    }

    /// Whether its tool installs the project, too, as a package.
    pub fn is_package(&self) -> bool {
        let said = PACKAGE.iter().filter_map(|(tool, key)| self.tool(tool)?.get(key)?.as_bool());
        let said: Vec<bool> = said.collect();
        if said.is_empty() {
            return self.table.contains_key("build-system");
        }
        !said.contains(&false)
    }

    /// The commands that it has once it is installed.
    pub fn commands(&self) -> BTreeSet<&str> {
        let project = self.table.get("project");
        let own = ["scripts", "gui-scripts"].map(|key| project?.get(key));
        let of_poetry = self.tool("poetry").and_then(|poetry| poetry.get("scripts"));
        let tables = own.into_iter().chain([of_poetry]).flatten().filter_map(Value::as_table);
        tables.flat_map(Table::keys).map(String::as_str).collect()
    }

    /// The table of a tool.
    pub(super) fn tool(&self, name: &str) -> Option<&Value> {
        self.table.get("tool")?.get(name)
    }

    /// The first line that begins with `text`, else the first of all.
    pub(super) fn line_of(&self, text: &str) -> Lines {
        let data = String::from_utf8_lossy(&self.file.data);
        let line = data.lines().position(|line| line.trim_start().starts_with(text));
        Lines::one(line.and_then(|line| u32::try_from(line + 1).ok()).unwrap_or(1))
    }

    /// The line of `[tool.TOOL.KEY]` or of `KEY = …`.
    fn line_of_table(&self, tool: &str, key: &str) -> Lines {
        let header = format!("tool.{tool}.{key}]");
        let last = key.rsplit('.').next().unwrap_or(key);
        let data = String::from_utf8_lossy(&self.file.data);
        let is_it = |line: &str| {
            let value = line.trim_start().strip_prefix(last);
            line.trim_start().trim_start_matches('[').starts_with(&header)
                || value.is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        };
        let line = data.lines().position(is_it);
        Lines::one(line.and_then(|line| u32::try_from(line + 1).ok()).unwrap_or(1))
    }

    /// The tool that says in its own table where `name` comes from, if one does.
    fn redirected(&self, name: &str) -> Option<&'static str> {
        let is_there = |table: Option<&Value>| {
            let entries = table.and_then(Value::as_table)?.iter();
            let (_, entry) = entries.into_iter().find(|(key, _)| normalize(key) == name)?;
            let redirects = |entry: &Value| REDIRECTIONS.iter().any(|key| entry.get(key).is_some());
            let many = entry.as_array().is_some_and(|entries| entries.iter().any(redirects));
            (many || redirects(entry)).then_some(())
        };
        if is_there(self.tool("uv").and_then(|uv| uv.get("sources"))).is_some() {
            return Some("uv");
        }
        is_there(self.tool("poetry").and_then(|poetry| poetry.get("dependencies")))
            .map(|()| "poetry")
    }

    /// The groups that `name` leads to, itself first; empty if there is no such group.
    pub(super) fn included<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut names = vec![name];
        let mut next = 0;
        while let Some(name) = names.get(next) {
            let members = self.groups.get(*name).into_iter().flatten();
            for member in members {
                if let Member::Include(group) = member
                    && !names.contains(&group.text.as_str())
                {
                    names.push(&group.text);
                }
            }
            next += 1;
        }
        names.retain(|name| self.groups.contains_key(*name));
        names
    }
}

/// Whether one of these indexes is not PyPI, and is asked for more than what names it.
fn is_other_index(indexes: &Value) -> bool {
    let is_other = |index: &Value| {
        let is_explicit = index.get("explicit").and_then(Value::as_bool) == Some(true)
            || index.get("priority").and_then(Value::as_str) == Some("explicit");
        let url = index.get("url").unwrap_or(index).as_str();
        !is_explicit
            && url.is_some_and(|url| url.trim_end_matches('/') != "https://pypi.org/simple")
    };
    match indexes {
        Value::Array(indexes) => indexes.iter().any(is_other),
        index => is_other(index),
    }
}

/// Dependencies being gathered.
struct Walk<'a> {
    project: &'a Pyproject,
    findings: Findings,
    found: Vec<(Requirement, Location)>,
    /// The extras and groups that were gone through, with the marker that led to them.
    done: BTreeSet<(&'static str, String, Option<Marker>)>,
}

impl Walk<'_> {
    /// Adds a dependency that is wanted where `marker` holds.
    fn add(&mut self, stated: &Stated, marker: Option<&Marker>) {
        if let Err(mistake) = self.try_add(stated, marker) {
            self.findings.at(stated.lines, mistake);
        }
    }

    fn try_add(&mut self, stated: &Stated, marker: Option<&Marker>) -> Result<(), Mistake> {
        let mut dependency = Dependency::parse(&stated.text)?;
        dependency.marker = match (dependency.marker, marker) {
            (Some(own), Some(outer)) => Some(own.and(outer.clone())),
            (own, outer) => own.or_else(|| outer.cloned()),
        };
        let name = dependency.name.clone().unwrap_or_default();
        if self.project.name.as_ref() == Some(&name) {
            for extra in &dependency.extras {
                self.extra(extra, dependency.marker.as_ref(), Some(stated.lines));
            }
            return Ok(());
        }
        if let Some(tool) = self.project.redirected(&name) {
            let words = format!("`tool.{tool}` says where `{name}` comes from: only {tool} can");
            return Err(Mistake::new(words + " resolve it")
                .help(format!("run `{tool} lock` and set `lock: {tool}.lock`")));
        }
        let requirement = Requirement::parse(&dependency.to_string())?;
        let file = Arc::clone(&self.project.file);
        self.found.push((requirement, Location { file, lines: stated.lines }));
        Ok(())
    }

    fn extra(&mut self, name: &str, marker: Option<&Marker>, at: Option<Lines>) {
        if !self.done.insert(("extra", name.to_owned(), marker.cloned())) {
            return;
        }
        let project = self.project;
        match project.extras.get(name) {
            None => {
                let known = project.extras.keys().cloned().collect();
                self.unknown("extra", name, &known, at);
            }
            Some(texts) => texts.iter().for_each(|stated| self.add(stated, marker)),
        }
    }

    fn group(&mut self, name: &str, open: &[&str], at: Option<Lines>) {
        let project = self.project;
        let Some(members) = project.groups.get(name) else {
            let known = project.groups.keys().cloned().collect();
            self.unknown("group", name, &known, at);
            return;
        };
        if !self.done.insert(("group", name.to_owned(), None)) {
            return;
        }
        let open = [open, &[name]].concat();
        for member in members {
            match member {
                Member::Requirement(stated) => self.add(stated, None),
                Member::Include(group) if open.contains(&group.text.as_str()) => {
                    let words = format!("the group {} includes itself", quote(&group.text));
                    self.findings.at(group.lines, Mistake::new(words));
                }
                Member::Include(group) => self.group(&group.text, &open, Some(group.lines)),
                Member::Unknown(lines) => {
                    let mistake = Mistake::new("this is no part of a dependency group");
                    let help = "it is `\"name>=1\"` or `{include-group = \"name\"}` (PEP 735)";
                    self.findings.at(*lines, mistake.help(help));
                }
            }
        }
    }

    fn unknown(&mut self, what: &str, name: &str, known: &BTreeSet<String>, at: Option<Lines>) {
        let mistake = unknown(&self.project.file.name, what, name, known);
        match at {
            Some(lines) => self.findings.at(lines, mistake),
            None => self.findings.add(mistake),
        }
    }
}
