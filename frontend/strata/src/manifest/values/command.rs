//! Commands: what a container runs.

use super::{Read, expected};
use crate::mistake::{Mistake, list, quote};

/// A command as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A string, to be split into words.
    Line(String),
    /// A list of words.
    Words(Vec<String>),
}

/// The words of `entrypoint` and `cmd`. A string is split as Compose splits it: by a shell's
/// quotes, and without a shell.
pub fn words(written: Written) -> Read<Vec<String>> {
    let line = match written {
        Written::Words(words) => return Ok(words),
        Written::Line(line) => line,
    };
    let line = line.trim();
    if let Some(syntax) = shell_syntax(line) {
        let message = format!("{syntax} needs a shell, and a command is run without one");
        return Err(Mistake::new(message).help(format!("write `[sh, -c, {line:?}]`")));
    }
    shlex::split(line).ok_or_else(|| expected("a command with its quotes closed", line))
}

/// The words of a command that is run while the image is built, as Dockerfile's `RUN` has it: a
/// string is a shell's, of which the first command that fails is the last.
pub fn script(written: Written) -> Read<Vec<String>> {
    let words = match written {
        Written::Words(words) => words,
        Written::Line(line) if line.trim().is_empty() => Vec::new(),
        Written::Line(line) => vec!["/bin/sh".into(), "-ec".into(), line],
    };
    if words.is_empty() { Err(Mistake::new("the command is empty")) } else { Ok(words) }
}

/// `healthcheck.test` as Compose knows it: a string for a shell, or a list that begins with how it
/// is to be run.
pub fn health_test(written: Written) -> Read<Vec<String>> {
    let words = match written {
        Written::Line(line) => return Ok(vec!["CMD-SHELL".into(), line]),
        Written::Words(words) => words,
    };
    let (kind, count) = (words.first().map(String::as_str), words.len());
    match (kind, count) {
        (Some("NONE"), 1) | (Some("CMD-SHELL"), 2) | (Some("CMD"), 2..) => Ok(words),
        (Some("NONE"), _) => Err(Mistake::new("nothing comes after `NONE`")),
        (Some("CMD-SHELL"), _) => Err(Mistake::new("one string comes after `CMD-SHELL`")),
        (Some("CMD"), _) => Err(Mistake::new("the words of the command come after `CMD`")),
        _ => {
            let kinds = list(["CMD", "CMD-SHELL", "NONE"]);
            let found = kind.map_or("an empty list".into(), quote);
            Err(Mistake::new(format!(
                "expected a list that begins with one of {kinds}, found {found}"
            ))
            .help("`[CMD, …]` runs the words as they are; a plain string is run by a shell"))
        }
    }
}

/// What in `line` only a shell would understand.
fn shell_syntax(line: &str) -> Option<&'static str> {
    let mut quote = None;
    let mut begins_word = true;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let next = characters.peek().copied();
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '@' | '*' | '?');
        match (quote, c) {
            (Some('\''), _) if c != '\'' => {}
            (Some(open), _) if c == open => quote = None,
            (_, '\\') => {
                characters.next();
            }
            (_, '`') => return Some("a backtick"),
            (_, '$') if next == Some('(') => return Some("`$(`"),
            (_, '$') if next.is_some_and(name) => return Some("`$`"),
            (None, '\'' | '"') => quote = Some(c),
            (None, '&') => return Some(if next == Some('&') { "`&&`" } else { "`&`" }),
            (None, '|') => return Some(if next == Some('|') { "`||`" } else { "`|`" }),
            (None, ';') => return Some("`;`"),
            (None, '<') => return Some("`<`"),
            (None, '>') => return Some("`>`"),
            (None, '\n') => return Some("a second line"),
            (None, '#') if begins_word => return Some("`#`"),
            _ => {}
        }
        begins_word = quote.is_none() && c.is_whitespace();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_shells() {
        let line = |line: &str| script(Written::Line(line.to_owned()));
        assert_eq!(line("a *.proto && b").unwrap(), ["/bin/sh", "-ec", "a *.proto && b"]);
        let words = vec!["make".to_owned(), "-j".to_owned()];
        assert_eq!(script(Written::Words(words.clone())).unwrap(), words);
        assert!(line(" \n").is_err() && script(Written::Words(Vec::new())).is_err());
    }

    #[test]
    fn words_of_a_line() {
        let cases: &[(&str, Result<&[&str], &str>)] = &[
            ("python main.py", Ok(&["python", "main.py"])),
            ("python -c 'import a; b > c'", Ok(&["python", "-c", "import a; b > c"])),
            (r#"echo "a b" c\ d"#, Ok(&["echo", "a b", "c d"])),
            ("", Ok(&[])),
            ("  a\n", Ok(&["a"])),
            ("a --x=#1 b#c", Ok(&["a", "--x=#1", "b#c"])),
            (r"a \$X '$Y'", Ok(&["a", "$X", "$Y"])),
            ("price 5$", Ok(&["price", "5$"])),
            ("a && b", Err("`&&`")),
            ("a || b", Err("`||`")),
            ("a | b", Err("`|`")),
            ("a &", Err("`&`")),
            ("a; b", Err("`;`")),
            ("a > b", Err("`>`")),
            ("a 2>&1", Err("`>`")),
            ("a < b", Err("`<`")),
            ("a `b`", Err("a backtick")),
            (r#"a "$(b)""#, Err("`$(`")),
            ("a $PORT", Err("`$`")),
            (r#"a "${PORT}""#, Err("`$`")),
            ("a # b", Err("`#`")),
            ("a\nb", Err("a second line")),
        ];
        for (line, expected) in cases {
            let words = words(Written::Line((*line).to_owned()));
            match expected {
                Ok(expected) => assert_eq!(words.unwrap(), *expected, "{line}"),
                Err(syntax) => {
                    let message = words.unwrap_err().message;
                    assert!(message.starts_with(&format!("{syntax} needs")), "{line}: {message}");
                }
            }
        }
        assert!(words(Written::Line("a 'b".to_owned())).is_err());
    }
}
