//! Environment markers (PEP 508): when a requirement counts.
//!
//! They are brought into one form; those of a lock are evaluated here, those of requirements by
//! pip, where the environment is.

use std::{collections::BTreeSet, fmt, str::FromStr as _};

use pep440_rs::{Version, VersionSpecifier};

use super::{cursor::Cursor, dependency::normalize};
use crate::{
    environment::Environment,
    mistake::{Mistake, quote},
};

/// A marker in one form: operands of `and` and `or` sorted, and none of them twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    /// One value against another.
    Compare(Operand, &'static str, Operand),
    /// `and`.
    All(BTreeSet<Marker>),
    /// `or`.
    Any(BTreeSet<Marker>),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// A fact of the environment, or what is asked for: `extra`, `extras`, `dependency_groups`.
    Variable(&'static str),
    /// The text between the quotes; it cannot have both kinds of quotes in it.
    Text(String),
}

/// What is asked for beside the packages themselves: names in their normal form (PEP 685).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Extras: the values of `extra` and `extras`.
    pub extras: BTreeSet<String>,
    /// Dependency groups (PEP 735): the values of `dependency_groups`.
    pub groups: BTreeSet<String>,
}

/// The variables, each after the older name that it had in setuptools, if it had one.
const VARIABLES: [(&str, &str); 20] = [
    ("python_version", "python_version"),
    ("python_full_version", "python_full_version"),
    ("os_name", "os_name"),
    ("os.name", "os_name"),
    ("sys_platform", "sys_platform"),
    ("sys.platform", "sys_platform"),
    ("platform_release", "platform_release"),
    ("platform_system", "platform_system"),
    ("platform_version", "platform_version"),
    ("platform.version", "platform_version"),
    ("platform_machine", "platform_machine"),
    ("platform.machine", "platform_machine"),
    ("platform_python_implementation", "platform_python_implementation"),
    ("platform.python_implementation", "platform_python_implementation"),
    ("python_implementation", "platform_python_implementation"),
    ("implementation_name", "implementation_name"),
    ("implementation_version", "implementation_version"),
    ("extra", "extra"),
    ("extras", "extras"),
    ("dependency_groups", "dependency_groups"),
];

/// The variables that hold versions; the others are compared as text.
const VERSIONS: [&str; 4] =
    ["implementation_version", "platform_release", "python_full_version", "python_version"];

/// Those that hold a set, and that lock files alone have (PEP 751).
const SETS: [&str; 2] = ["extras", "dependency_groups"];

/// The longer ones before those they begin with.
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// Nobody nests deeper; a text that does must not use up the stack.
const DEPTH: usize = 32;

impl Marker {
    /// Reads a marker up to the end of the text.
    ///
    /// # Errors
    ///
    /// When `packaging` would refuse it.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let mut cursor = Cursor::new(text);
        let marker = any(&mut cursor, DEPTH)?;
        if cursor.at_end() { Ok(marker) } else { Err(expected("`and` or `or`", &cursor)) }
    }

    /// A marker that holds when both do.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        let flat = [self, other].into_iter().flat_map(|operand| match operand {
            Self::All(inner) => inner,
            other => BTreeSet::from([other]),
        });
        collapse(flat.collect(), Self::All)
    }

    /// The variable that only a lock's markers may name, if this one does.
    pub(super) fn set(&self) -> Option<&'static str> {
        match self {
            Self::Compare(left, _, right) => {
                let name = |operand: &Operand| match operand {
                    Operand::Variable(name) if SETS.contains(name) => Some(*name),
                    _ => None,
                };
                name(left).or_else(|| name(right))
            }
            Self::All(operands) | Self::Any(operands) => operands.iter().find_map(Self::set),
        }
    }

    /// The texts that it compares `extra` with.
    pub(crate) fn extras(&self) -> Vec<&str> {
        match self {
            Self::Compare(Operand::Variable("extra"), _, Operand::Text(text))
            | Self::Compare(Operand::Text(text), _, Operand::Variable("extra")) => vec![text],
            Self::Compare(..) => Vec::new(),
            Self::All(operands) | Self::Any(operands) => {
                operands.iter().flat_map(Self::extras).collect()
            }
        }
    }

    /// Whether it holds, by the rules of `packaging` 26.3; a comparison that it calls undefined
    /// does not.
    pub fn evaluate(&self, environment: &Environment, selection: &Selection) -> bool {
        match self {
            Self::All(operands) => operands.iter().all(|one| one.evaluate(environment, selection)),
            Self::Any(operands) => operands.iter().any(|one| one.evaluate(environment, selection)),
            Self::Compare(left, operator, right) => match (left, right) {
                (Operand::Text(text), Operand::Variable(name)) if SETS.contains(name) => {
                    let set = if *name == "extras" { &selection.extras } else { &selection.groups };
                    match *operator {
                        "in" => set.contains(&normalize(text)),
                        "not in" => !set.contains(&normalize(text)),
                        _ => false,
                    }
                }
                (Operand::Variable("extra"), Operand::Text(text)) => {
                    extra(&selection.extras, operator, |extra| compare_text(extra, operator, text))
                }
                (Operand::Text(text), Operand::Variable("extra")) => {
                    extra(&selection.extras, operator, |extra| compare_text(text, operator, extra))
                }
                (left, right) => {
                    let of_versions = [left, right].into_iter().any(|operand| {
                        matches!(operand, Operand::Variable(name) if VERSIONS.contains(name))
                    });
                    let (left, right) = (left.value(environment), right.value(environment));
                    let versions =
                        of_versions.then(|| compare_versions(&left, operator, &right)).flatten();
                    versions.unwrap_or_else(|| compare_text(&left, operator, &right))
                }
            },
        }
    }
}

impl Operand {
    fn value(&self, environment: &Environment) -> String {
        match self {
            Self::Variable(name) => environment.variable(name),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Several extras can be asked for at once, or none: then `extra` is empty.
fn extra(extras: &BTreeSet<String>, operator: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut extras = extras.iter().map(String::as_str);
    match operator {
        _ if extras.len() == 0 => holds(""),
        "!=" | "not in" => extras.all(holds),
        _ => extras.any(holds),
    }
}

/// None if the right side is not a version that the operator can be used with.
fn compare_versions(left: &str, operator: &str, right: &str) -> Option<bool> {
    if operator == "===" {
        return Some(left.eq_ignore_ascii_case(right));
    }
    let right = VersionSpecifier::from_str(&format!("{operator}{right}")).ok()?;
    let Ok(left) = Version::from_str(left) else { return Some(false) };
    // The crate has `3.13.0a1 < 3.13.0rc1` wrong.
    if operator == "<" && right.version().any_prerelease() {
        return Some(left < *right.version());
    }
    Some(right.contains(&left))
}

/// Text has no order: it is the same or not.
fn compare_text(left: &str, operator: &str, right: &str) -> bool {
    match operator {
        "==" | "<=" | ">=" => left == right,
        "!=" => left != right,
        "in" => right.contains(left),
        "not in" => !right.contains(left),
        _ => false,
    }
}

fn any(cursor: &mut Cursor<'_>, depth: usize) -> Result<Marker, Mistake> {
    let mut operands = vec![all(cursor, depth)?];
    while eat_word(cursor, "or") {
        operands.push(all(cursor, depth)?);
    }
    let flat = operands.into_iter().flat_map(|operand| match operand {
        Marker::Any(inner) => inner,
        other => BTreeSet::from([other]),
    });
    Ok(collapse(flat.collect(), Marker::Any))
}

fn all(cursor: &mut Cursor<'_>, depth: usize) -> Result<Marker, Mistake> {
    let mut operands = vec![atom(cursor, depth)?];
    while eat_word(cursor, "and") {
        operands.push(atom(cursor, depth)?);
    }
    let flat = operands.into_iter().flat_map(|operand| match operand {
        Marker::All(inner) => inner,
        other => BTreeSet::from([other]),
    });
    Ok(collapse(flat.collect(), Marker::All))
}

fn collapse(mut operands: BTreeSet<Marker>, join: fn(BTreeSet<Marker>) -> Marker) -> Marker {
    match operands.pop_first() {
        Some(only) if operands.is_empty() => only,
        Some(first) => {
            operands.insert(first);
            join(operands)
        }
        None => join(operands),
    }
}

fn atom(cursor: &mut Cursor<'_>, depth: usize) -> Result<Marker, Mistake> {
    cursor.skip_space();
    if !cursor.eat("(") {
        let left = operand(cursor)?;
        let operator = operator(cursor)?;
        return Ok(compare(left, operator, operand(cursor)?));
    }
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Mistake::new("a marker with too many parentheses in each other"));
    };
    let inner = any(cursor, depth)?;
    if !cursor.eat(")") {
        return Err(expected("`and`, `or` or `)`", cursor));
    }
    cursor.skip_space();
    Ok(inner)
}

/// Names of extras and groups in their normal form, as `packaging` has them.
fn compare(left: Operand, operator: &'static str, right: Operand) -> Marker {
    match (left, right) {
        (Operand::Variable("extra"), Operand::Text(text)) => {
            let text = Operand::Text(normalize(&text));
            Marker::Compare(Operand::Variable("extra"), operator, text)
        }
        (Operand::Text(text), Operand::Variable(name))
            if name == "extra" || SETS.contains(&name) =>
        {
            Marker::Compare(Operand::Text(normalize(&text)), operator, Operand::Variable(name))
        }
        (left, right) => Marker::Compare(left, operator, right),
    }
}

fn operand(cursor: &mut Cursor<'_>) -> Result<Operand, Mistake> {
    cursor.skip_space();
    let start = *cursor;
    for mark in ['"', '\''] {
        if cursor.eat(mark.encode_utf8(&mut [0; 4])) {
            let text = cursor.take(|c| c != mark).to_owned();
            if !cursor.eat(mark.encode_utf8(&mut [0; 4])) {
                return Err(Mistake::new(format!("{} has no closing quote", quote(start.rest()))));
            }
            cursor.skip_space();
            return Ok(Operand::Text(text));
        }
    }
    let word = cursor.take(is_word);
    let Some((_, variable)) = VARIABLES.iter().find(|(name, _)| *name == word) else {
        let names = VARIABLES.iter().map(|(_, name)| *name);
        return Err(
            expected("a marker's variable or a text in quotes", &start).suggest(word, names)
        );
    };
    cursor.skip_space();
    Ok(Operand::Variable(variable))
}

fn operator(cursor: &mut Cursor<'_>) -> Result<&'static str, Mistake> {
    if let Some(operator) = OPERATORS.into_iter().find(|operator| cursor.eat(operator)) {
        return Ok(operator);
    }
    let mut after = *cursor;
    if eat_word(&mut after, "in") {
        *cursor = after;
        return Ok("in");
    }
    if eat_word(&mut after, "not") && eat_word(&mut after, "in") {
        *cursor = after;
        return Ok("not in");
    }
    Err(expected("`==`, `!=`, `<`, `<=`, `>`, `>=`, `~=`, `===`, `in` or `not in`", cursor))
}

/// Passes over a word if it comes next, and over the white space around it.
fn eat_word(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let mut after = *cursor;
    after.skip_space();
    let found = after.take(is_word) == word;
    if found {
        after.skip_space();
        *cursor = after;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

fn expected(what: &str, at: &Cursor<'_>) -> Mistake {
    if at.at_end() {
        Mistake::new(format!("the marker ends where {what} is expected"))
    } else {
        Mistake::new(format!("in the marker, {what} is expected before {}", quote(at.rest())))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operands, word) = match self {
            Self::Compare(left, operator, right) => return write!(f, "{left} {operator} {right}"),
            Self::All(operands) => (operands, " and "),
            Self::Any(operands) => (operands, " or "),
        };
        for (index, operand) in operands.iter().enumerate() {
            if index > 0 {
                f.write_str(word)?;
            }
            // `and` binds tighter than `or`.
            match operand {
                Self::Any(_) => write!(f, "({operand})")?,
                _ => operand.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Text(text) if text.contains('"') => write!(f, "'{text}'"),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}
