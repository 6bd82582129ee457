//! `pyproject.toml`: what a project depends on, with extras (PEP 621) and groups (PEP 735).

mod required;
mod tools;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use llb::{Lines, SourceFile};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use super::{document::Document, refusal::require_python};
use crate::{environment::Environment, mistake::Mistakes, requirements::normalize};

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
