//! A dependency specifier (PEP 508) as pip reads it: a project, and which releases of it.
//!
//! The grammar is that of `packaging`, pip's own parser; where it and the PEP differ, pip wins.

use std::{collections::BTreeSet, fmt, str::FromStr as _};

use pep440_rs::VersionSpecifier;

use super::{Selection, cursor::Cursor, marker::Marker, url};
use crate::{
    environment::Environment,
    mistake::{Mistake, quote},
};

/// A dependency in one form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dependency {
    /// The project's name, normalised (PEP 503); none for a bare URL that does not tell.
    pub(crate) name: Option<String>,
    /// Its extras that are wanted, too.
    pub(crate) extras: BTreeSet<String>,
    /// Where from, and which.
    pub(crate) source: Source,
    /// When.
    pub(crate) marker: Option<Marker>,
}

/// Which releases of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Those that all of these allow.
    Versions(BTreeSet<String>),
    /// The one at this URL: `name @ url`.
    Url(String),
    /// The same, without a name before it.
    BareUrl(String),
}

/// The longer ones before those they begin with.
const OPERATORS: [&str; 8] = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"];

const EXAMPLES: &str = "pip takes `name`, `name[extra]==1.2`, `name>=1; python_version < \"3.12\"`";

impl Dependency {
    /// Reads a dependency; `name @ url` as well as a URL by itself.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        if url::is_bare(text) {
            return Self::parse_bare_url(text);
        }
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let name = name(&mut cursor)?;
        let extras = extras(&mut cursor)?;
        let source = source(&mut cursor)?;
        let marker = if cursor.eat(";") {
            marker(cursor.rest())?
        } else if cursor.at_end() {
            None
        } else {
            let words = format!("in {}, {} is too much", quote(text), quote(cursor.rest()));
            return Err(Mistake::new(words).help(EXAMPLES));
        };
        Ok(Self { name: Some(name), extras, source, marker })
    }

    /// Whether it counts in an environment.
    pub(crate) fn is_for(&self, environment: &Environment) -> bool {
        let marker = self.marker.as_ref();
        marker.is_none_or(|marker| marker.evaluate(environment, &Selection::default()))
    }

    fn parse_bare_url(text: &str) -> Result<Self, Mistake> {
        // As in pip: a `;` inside of a URL belongs to it.
        let (url, rest) = text.split_once("; ").unwrap_or((text, ""));
        let url = url::check_written(url.trim())?;
        let name = url::project(&url)?.map(|name| normalize(&name));
        let extras = BTreeSet::new();
        Ok(Self { name, extras, source: Source::BareUrl(url), marker: marker(rest)? })
    }
}

fn name(cursor: &mut Cursor<'_>) -> Result<String, Mistake> {
    let start = *cursor;
    let name = cursor.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if ends_well(name.chars().next()) && ends_well(name.chars().next_back()) {
        cursor.skip_space();
        return Ok(normalize(name));
    }
    let words = format!("{} does not begin with a name", quote(start.rest()));
    let rule = "names are of ASCII letters, digits, `.`, `-` and `_`, with a letter or digit \
                first and last";
    Err(Mistake::new(words).help(rule))
}

/// PEP 503: in small letters, with one `-` for every run of `-`, `_` and `.`.
pub(crate) fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

fn extras(cursor: &mut Cursor<'_>) -> Result<BTreeSet<String>, Mistake> {
    let start = *cursor;
    let mut extras = BTreeSet::new();
    if !cursor.eat("[") {
        return Ok(extras);
    }
    cursor.skip_space();
    if !cursor.eat("]") {
        loop {
            extras.insert(name(cursor)?);
            if cursor.eat("]") {
                break;
            }
            if !cursor.eat(",") {
                let words = format!("the extras in {} have no end", quote(start.rest()));
                return Err(Mistake::new(words).help("`]` closes them, `,` stands between them"));
            }
            cursor.skip_space();
        }
    }
    cursor.skip_space();
    Ok(extras)
}

fn source(cursor: &mut Cursor<'_>) -> Result<Source, Mistake> {
    if cursor.eat("@") {
        cursor.skip_space();
        let url = cursor.take(|c| !matches!(c, ' ' | '\t' | ';'));
        cursor.skip_space();
        return Ok(Source::Url(url::check_written(url)?));
    }
    let start = *cursor;
    let in_parentheses = cursor.eat("(");
    let versions = versions(cursor)?;
    if in_parentheses && !cursor.eat(")") {
        return Err(Mistake::new(format!("{} has no closing `)`", quote(start.rest()))));
    }
    cursor.skip_space();
    Ok(Source::Versions(versions))
}

fn versions(cursor: &mut Cursor<'_>) -> Result<BTreeSet<String>, Mistake> {
    let mut versions = BTreeSet::new();
    cursor.skip_space();
    while let Some(operator) = OPERATORS.into_iter().find(|operator| cursor.eat(operator)) {
        cursor.skip_space();
        versions.insert(version(operator, cursor)?);
        cursor.skip_space();
        if !cursor.eat(",") {
            break;
        }
        cursor.skip_space();
    }
    if cursor.rest().starts_with('=') {
        let words = format!("{} compares with a single `=`", quote(cursor.rest()));
        return Err(Mistake::new(words).help("did you mean `==`?"));
    }
    Ok(versions)
}

/// One comparison. What follows `===` is no version but any text, compared letter by letter.
fn version(operator: &str, cursor: &mut Cursor<'_>) -> Result<String, Mistake> {
    if operator == "===" {
        let text = cursor.take(|c| !c.is_whitespace() && !matches!(c, ';' | ')'));
        return Ok(format!("==={text}"));
    }
    let text = cursor.take(|c| !c.is_whitespace() && !matches!(c, ';' | ')' | ','));
    let specifier = format!("{operator}{text}");
    match VersionSpecifier::from_str(&specifier) {
        Ok(normal) => Ok(normal.to_string()),
        Err(error) => {
            let words = format!("{} is no comparison with a version: {error}", quote(&specifier));
            Err(Mistake::new(words).help(EXAMPLES))
        }
    }
}

fn marker(text: &str) -> Result<Option<Marker>, Mistake> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let marker = Marker::parse(text)?;
    match marker.set() {
        Some(name) => Err(Mistake::new(format!("the marker's `{name}` is for lock files only"))
            .help("a requirement asks for one extra: `extra == \"name\"`")),
        None => Ok(Some(marker)),
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or_default();
        let extras: Vec<&str> = self.extras.iter().map(String::as_str).collect();
        let extras =
            if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        // A URL ends at white space, not at a `;`.
        let before_marker = match &self.source {
            Source::Versions(versions) => {
                write!(f, "{name}{extras}")?;
                write_versions(f, versions)?;
                ""
            }
            Source::Url(url) => {
                write!(f, "{name}{extras} @ {url}")?;
                " "
            }
            Source::BareUrl(url) => {
                f.write_str(url)?;
                " "
            }
        };
        match &self.marker {
            Some(marker) => write!(f, "{before_marker}; {marker}"),
            None => Ok(()),
        }
    }
}

fn write_versions(f: &mut fmt::Formatter<'_>, versions: &BTreeSet<String>) -> fmt::Result {
    let mut versions = versions.iter().peekable();
    while let Some(version) = versions.next() {
        f.write_str(version)?;
        if versions.peek().is_some() {
            // What `===` compares with ends at white space only.
            f.write_str(if version.starts_with("===") { " ," } else { "," })?;
        }
    }
    Ok(())
}
