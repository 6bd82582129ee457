//! Text with build arguments in it: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.

use crate::mistake::{Mistake, quote};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands for itself.
    Literal(&'a str),
    /// Stands for an argument's value.
    Argument(Argument<'a>),
}

/// A place for an argument's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument<'a> {
    /// The argument's name.
    pub name: &'a str,
    /// What stands there if the argument has no value.
    pub otherwise: Otherwise<'a>,
    /// Whether an empty value is as good as none: the colon in `:-` and `:?`.
    pub empty_is_none: bool,
}

impl Argument<'_> {
    /// Whether it is `${NAME}` with that name.
    pub fn is(&self, name: Option<&str>) -> bool {
        self.otherwise == Otherwise::Empty && name == Some(self.name)
    }
}

/// What stands in the place of an argument without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise<'a> {
    /// `${NAME}`: nothing.
    Empty,
    /// `${NAME-default}`: a text.
    Default(&'a str),
    /// `${NAME?message}`: a mistake.
    Mistake(&'a str),
}

/// Takes `text` apart. `$${` is a `${` that stands for itself, and a `$` without a brace is left
/// to the shell.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Mistake> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Literal(before), Piece::Literal("${")]);
            rest = after;
            continue;
        }
        let Some((inside, after)) = after.split_once('}') else {
            let message = format!("`${{` without its `}}` in {}", quote(text));
            return Err(Mistake::new(message).help("write `$${` for a `${` that is not filled in"));
        };
        pieces.extend([Piece::Literal(before), Piece::Argument(argument(inside)?)]);
        rest = after;
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}

/// What `pieces` say if there is no argument among them.
pub fn literal(pieces: &[Piece<'_>]) -> Option<String> {
    let text = |piece: &Piece<'_>| match piece {
        Piece::Literal(text) => Some((*text).to_owned()),
        Piece::Argument(_) => None,
    };
    pieces.iter().map(text).collect()
}

/// Whether `name` can be the name of an argument.
pub fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn argument(inside: &str) -> Result<Argument<'_>, Mistake> {
    let end = inside.find([':', '-', '?', '+', '$', '{']).unwrap_or(inside.len());
    let (name, operation) = inside.split_at(end);
    let (operation, empty_is_none) = match operation.strip_prefix(':') {
        Some(rest) => (rest, true),
        None => (operation, false),
    };
    let otherwise = match operation.split_at_checked(1) {
        None if !empty_is_none => Some(Otherwise::Empty),
        // A brace in a default would be one argument in another, whose end is not this one.
        Some(("-", default)) if !default.contains("${") => Some(Otherwise::Default(default)),
        Some(("?", message)) if !message.contains("${") => Some(Otherwise::Mistake(message)),
        _ => None,
    };
    match otherwise {
        Some(otherwise) if is_name(name) => Ok(Argument { name, otherwise, empty_is_none }),
        _ => {
            let message = format!("{} is not filled in", quote(&format!("${{{inside}}}")));
            let help = "`${NAME}`, `${NAME:-default}` and `${NAME:?message}` are; \
                        write `$${` to leave it to the shell";
            Err(Mistake::new(message).help(help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match pieces(text) {
            Ok(pieces) => pieces.iter().map(show).collect::<Vec<_>>().join("|"),
            Err(mistake) => mistake.message,
        }
    }

    fn show(piece: &Piece<'_>) -> String {
        match piece {
            Piece::Literal(text) => (*text).to_owned(),
            Piece::Argument(Argument { name, otherwise, empty_is_none }) => {
                format!("{name} {otherwise:?} {empty_is_none}")
            }
        }
    }

    #[test]
    fn pieces_of_a_text() {
        let cases = [
            ("plain", "plain"),
            ("", ""),
            ("a ${B} c", "a |B Empty false| c"),
            ("${A}${B_2}", "|A Empty false||B_2 Empty false|"),
            ("${A:-b c}", "|A Default(\"b c\") true|"),
            ("${A-}", "|A Default(\"\") false|"),
            ("${A:?say why}", "|A Mistake(\"say why\") true|"),
            ("${A?}", "|A Mistake(\"\") false|"),
            ("${A:-x-y:z?}", "|A Default(\"x-y:z?\") true|"),
            ("$HOME $$ $1", "$HOME $$ $1"),
            ("$${A} ${B}", "|${|A} |B Empty false|"),
            ("${A", "`${` without its `}` in `${A`"),
            ("${}", "`${}` is not filled in"),
            ("${A:}", "`${A:}` is not filled in"),
            ("${A:+b}", "`${A:+b}` is not filled in"),
            ("${1A}", "`${1A}` is not filled in"),
            ("${A b}", "`${A b}` is not filled in"),
            ("${A:-${B}}", "`${A:-${B}` is not filled in"),
            ("${A:-é}é", "|A Default(\"é\") true|é"),
            ("${é}", "`${é}` is not filled in"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
