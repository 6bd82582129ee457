//! What tools have in their own tables that decides what is installed.

use std::sync::Arc;

use llb::Lines;
use toml::Value;

use super::Pyproject;
use crate::{
    lock::packages::PYPI,
    mistake::{Findings, Mistake, Mistakes},
    requirements::{Dependency, Requirement},
};

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

impl Pyproject {
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
        self.held_by("constraint-dependencies")
    }

    /// What the project holds the requirements of builds to: uv's `build-constraint-dependencies`.
    ///
    /// # Errors
    ///
    /// Every one that cannot be read.
    pub fn build_constraints(&self) -> Result<Vec<Requirement>, Mistakes> {
        self.held_by("build-constraint-dependencies")
    }

    /// The constraints in a table of uv's.
    fn held_by(&self, key: &str) -> Result<Vec<Requirement>, Mistakes> {
        let stated = self.tool("uv").and_then(|uv| uv.get(key)).and_then(Value::as_array);
        let mut findings = Findings::new(Arc::clone(&self.file));
        let mut constraints = Vec::new();
        for text in stated.into_iter().flatten() {
            let read = text.as_str().map_or_else(
                || Err(Mistake::new(format!("`tool.uv.{key}` is a list of texts"))),
                // A project's texts have no options of pip's.
                |text| Requirement::constraint(&Dependency::parse(text)?.to_string()),
            );
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
}

/// Whether one of these indexes is not PyPI, and is asked for more than what names it.
fn is_other_index(indexes: &Value) -> bool {
    let is_other = |index: &Value| {
        let is_explicit = index.get("explicit").and_then(Value::as_bool) == Some(true)
            || index.get("priority").and_then(Value::as_str) == Some("explicit");
        let url = index.get("url").unwrap_or(index).as_str();
        !is_explicit && url.is_some_and(|url| url.trim_end_matches('/') != PYPI)
    };
    match indexes {
        Value::Array(indexes) => indexes.iter().any(is_other),
        index => is_other(index),
    }
}
