//! What a client may ask in place of a build (`docker buildx build --call`), and the form in which
//! it is answered: BuildKit's `frontend/subrequests`.

mod lint;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

pub use lint::lint;

use crate::{BuildResult, Error};

/// A question in place of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subrequest {
    /// What can be asked.
    Describe,
    /// What can be built.
    Targets,
    /// What a build may be given.
    Outline,
    /// What is wrong, or likely to be.
    Lint,
}

/// The part of the answer that the client is to exit with.
const STATUS: &str = "result.statuscode";

/// The version of all of them.
const VERSION: &str = "1.0.0";

impl Subrequest {
    const ALL: [Self; 4] = [Self::Describe, Self::Targets, Self::Outline, Self::Lint];

    /// Reads the option `requestid`.
    ///
    /// # Errors
    ///
    /// [`Error::unsupported_subrequest`], if it is none of these.
    pub fn parse(id: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|request| request.id() == id);
        known.ok_or_else(|| Error::unsupported_subrequest(id))
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Describe => "frontend.subrequests.describe",
            Self::Targets => "frontend.targets",
            Self::Outline => "frontend.outline",
            Self::Lint => "frontend.lint",
        }
    }

    /// The parts of its answer, but for the version.
    fn parts(self) -> impl Iterator<Item = &'static str> {
        let status = (self == Self::Lint).then_some(STATUS);
        ["result.json", "result.txt"].into_iter().chain(status)
    }

    /// The build's options that make a difference.
    fn options(self) -> impl Iterator<Item = &'static str> {
        (self == Self::Outline).then_some("target").into_iter()
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Describe => "List available subrequest types",
            Self::Targets => "List all targets current build supports",
            Self::Outline => "List all parameters current build target supports",
            Self::Lint => "List what is wrong with the build's definition",
        }
    }
}

/// The answer to [`Subrequest::Describe`].
pub fn describe() -> BuildResult {
    #[derive(Serialize)]
    struct Request {
        name: &'static str,
        version: &'static str,
        r#type: &'static str,
        description: &'static str,
        opts: Vec<Named>,
        inputs: [Named; 0],
        metadata: Vec<Named>,
        refs: [Named; 0],
    }
    #[derive(Serialize)]
    struct Named {
        name: &'static str,
        description: &'static str,
    }
    let named = |name| Named { name, description: "" };
    let request = |request: Subrequest| Request {
        name: request.id(),
        version: VERSION,
        r#type: "rpc",
        description: request.description(),
        opts: request.options().map(named).collect(),
        inputs: [],
        metadata: request.parts().map(named).collect(),
        refs: [],
    };
    let row = |request: Subrequest| {
        let name = request.id().trim_start_matches("frontend.");
        [name, VERSION, request.description()]
    };
    let rows = Subrequest::ALL.map(row);
    answer(&Subrequest::ALL.map(request), table(["NAME", "VERSION", "DESCRIPTION"], &rows))
}

/// Something that can be built, as `--target` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Whether it is what is built if none is named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// What it is, on one line.
    pub description: String,
}

/// The answer to [`Subrequest::Targets`].
pub fn targets(targets: &[Target]) -> BuildResult {
    #[derive(Serialize)]
    struct List<'a> {
        targets: &'a [Target],
        sources: [&'a str; 0],
    }
    let name = |target: &Target| {
        let mark = if target.default { " (default)" } else { "" };
        format!("{}{mark}", target.name)
    };
    let names: Vec<String> = targets.iter().map(name).collect();
    let rows: Vec<[&str; 2]> = names
        .iter()
        .zip(targets)
        .map(|(name, target)| [name.as_str(), &target.description])
        .collect();
    answer(&List { targets, sources: [] }, table(["TARGET", "DESCRIPTION"], &rows))
}

/// What a build may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What would be built.
    pub target: Target,
    /// Its build arguments.
    pub arguments: Vec<Argument>,
    /// The ids of its secrets (`--secret`).
    pub secrets: Vec<String>,
    /// The ids of its agents and keys (`--ssh`).
    pub ssh: Vec<String>,
}

/// A build argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// The value that it has, given or by default; empty for none.
    pub value: String,
    /// What it is for, on one line; may be empty.
    pub description: String,
}

/// The answer to [`Subrequest::Outline`].
pub fn outline(outline: &Outline) -> BuildResult {
    let Outline { target, arguments, secrets, ssh } = outline;
    let named = |ids: &[String]| ids.iter().map(|id| json!({ "name": id })).collect::<Vec<_>>();
    let json = json!({
        "name": target.name,
        "description": target.description,
        "args": arguments,
        "secrets": named(secrets),
        "ssh": named(ssh),
        "sources": [],
    });
    let arguments: Vec<[&str; 3]> =
        arguments.iter().map(|it| [&*it.name, &*it.value, &*it.description]).collect();
    let column = |head, ids: &[String]| {
        table([head], &ids.iter().map(|id| [id.as_str()]).collect::<Vec<_>>())
    };
    let parts = [
        (true, table(["TARGET:", &target.name], &[["DESCRIPTION:", &target.description]])),
        (!arguments.is_empty(), table(["BUILD ARG", "VALUE", "DESCRIPTION"], &arguments)),
        (!secrets.is_empty(), column("SECRET", secrets)),
        (!ssh.is_empty(), column("SSH", ssh)),
    ];
    let parts = parts.into_iter().filter_map(|(is_there, part)| is_there.then_some(part));
    answer(&json, parts.collect::<Vec<_>>().join("\n"))
}

/// `json` for programs, `text` for people.
fn answer(json: &impl Serialize, text: String) -> BuildResult {
    BuildResult::Answer(parts(json, text))
}

fn parts(json: &impl Serialize, text: String) -> BTreeMap<String, Vec<u8>> {
    let json = serde_json::to_vec_pretty(json).unwrap_or_default();
    let parts = [
        ("result.json", json),
        ("result.txt", text.into_bytes()),
        ("version", VERSION.as_bytes().to_vec()),
    ];
    parts.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Columns as wide as what is in them, but for the last.
fn table<const N: usize>(head: [&str; N], rows: &[[&str; N]]) -> String {
    let rows = || [&head].into_iter().chain(rows);
    let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[&str; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("   ").trim_end())
    };
    rows().map(line).collect()
}
