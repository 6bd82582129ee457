//! Environment markers (PEP 508): when a requirement counts.
//!
//! They are brought into one form but not evaluated: pip does that, where the environment is.

use std::{collections::BTreeSet, fmt};

use super::cursor::Cursor;
use crate::mistake::{Mistake, quote};

/// A marker in one form: operands of `and` and `or` sorted, and none of them twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Marker {
    Compare(Operand, &'static str, Operand),
    All(BTreeSet<Marker>),
    Any(BTreeSet<Marker>),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operand {
    Variable(&'static str),
    /// The text between the quotes; it cannot have both kinds of quotes in it.
    Text(String),
}

/// The variables, each after the older name that it had in setuptools, if it had one.
const VARIABLES: [(&str, &str); 18] = [
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
];

/// The longer ones before those they begin with.
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// Nobody nests deeper; a text that does must not use up the stack.
const DEPTH: usize = 32;

impl Marker {
    /// Reads a marker up to the end of the text.
    pub(super) fn parse(text: &str) -> Result<Self, Mistake> {
        let mut cursor = Cursor::new(text);
        let marker = any(&mut cursor, DEPTH)?;
        if cursor.at_end() { Ok(marker) } else { Err(expected("`and` or `or`", &cursor)) }
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
        return Ok(Marker::Compare(left, operator, operand(cursor)?));
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
