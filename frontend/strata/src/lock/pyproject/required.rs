//! What a project requires: its dependencies, those of the extras and groups that are wanted, and
//! those that these lead to.

use std::{collections::BTreeSet, sync::Arc};

use llb::{Lines, Location};
use toml::Value;

use super::{Member, Pyproject, Stated};
use crate::{
    lock::refusal::unknown,
    mistake::{Findings, Mistake, Mistakes, quote},
    requirements::{Dependency, Marker, Requirement, Selection, normalize},
};

/// The keys of tools' tables by which a package comes from somewhere else than its name says.
const REDIRECTIONS: [&str; 7] = ["git", "url", "path", "index", "source", "workspace", "file"];

impl Pyproject {
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
