//! YAML as a person would write it.

use std::fmt::Write as _;

/// The widest line that a list stands on.
const WIDTH: usize = 100;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yaml {
    /// Text, whatever it looks like.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// Keys in their order.
    Map(Vec<(String, Self)>),
}

impl Yaml {
    /// Texts in a list.
    pub fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::List(texts.into_iter().cloned().map(Self::Text).collect())
    }

    /// Names and their texts.
    pub fn map(pairs: &[(String, String)]) -> Self {
        let pair = |(name, text): &(String, String)| (name.clone(), Self::Text(text.clone()));
        Self::Map(pairs.iter().map(pair).collect())
    }

    /// All of it, a line for each key.
    pub fn document(&self) -> String {
        let mut out = String::new();
        match self {
            Self::Map(pairs) => map(pairs, 0, &mut out),
            other => other.after_key(0, 0, &mut out),
        }
        out
    }

    /// What comes after `key:`, whose line has so many columns already.
    fn after_key(&self, indent: usize, column: usize, out: &mut String) {
        match self {
            Self::Text(text) => {
                let _ = writeln!(out, " {}", scalar(text, false));
            }
            Self::List(items) => match flow(items) {
                Some(line) if column + line.len() < WIDTH => {
                    let _ = writeln!(out, " {line}");
                }
                _ => {
                    out.push('\n');
                    items.iter().for_each(|item| item.item(indent + 2, out));
                }
            },
            Self::Map(pairs) => {
                out.push('\n');
                map(pairs, indent + 2, out);
            }
        }
    }

    /// An item of a list that has a line for each.
    fn item(&self, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match self {
            Self::Map(pairs) => {
                let mut keys = String::new();
                map(pairs, indent + 2, &mut keys);
                let _ = write!(out, "{pad}- {}", keys.trim_start());
            }
            other => {
                let _ = write!(out, "{pad}-");
                other.after_key(indent, indent + 1, out);
            }
        }
    }
}

fn map(pairs: &[(String, Yaml)], indent: usize, out: &mut String) {
    for (name, value) in pairs {
        let name = scalar(name, true);
        let _ = write!(out, "{:indent$}{name}:", "");
        value.after_key(indent, indent + name.len() + 1, out);
    }
}

/// A list of texts within brackets.
fn flow(items: &[Yaml]) -> Option<String> {
    let text = |item: &Yaml| match item {
        Yaml::Text(text) => Some(scalar(text, true)),
        _ => None,
    };
    let items: Option<Vec<_>> = items.iter().map(text).collect();
    Some(format!("[{}]", items?.join(", ")))
}

/// A text, in quotes where YAML would not read it as one.
fn scalar(text: &str, in_flow: bool) -> String {
    if is_plain(text, in_flow) {
        return text.to_owned();
    }
    // A string of JSON is one of YAML, but for what YAML does not print.
    let mut quoted = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match c.is_control() || c == '\u{feff}' {
            true => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            false => quoted.push(c),
        }
    }
    quoted
}

fn is_plain(text: &str, in_flow: bool) -> bool {
    let nothing = ["null", "Null", "NULL"].contains(&text);
    let word = |c: char| c.is_ascii_alphanumeric();
    let begins = text.starts_with(|c: char| word(c) || "/._".contains(c))
        || text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c| word(c) || c == '-'));
    let within = |c: char| word(c) || "/._-+=@%~^*!<>()$&;:\"' ".contains(c);
    let fits = |c: char| within(c) || (!in_flow && ",|?{}[]".contains(c));
    let is_key =
        text.contains(": ") || text.ends_with(':') || (in_flow && text.contains(['"', '\'']));
    begins && !nothing && !is_key && text.chars().all(fits) && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Yaml {
        Yaml::Text(text.to_owned())
    }

    #[test]
    fn as_a_person_would() {
        let pair = |name: &str, value| (name.to_owned(), value);
        let words = |words: &[&str]| Yaml::List(words.iter().copied().map(text).collect());
        let model = Yaml::Map(vec![pair("hf", text("a/b")), pair("files", words(&["*.json"]))]);
        let document = Yaml::Map(vec![
            pair("base", text("python:3.12-slim")),
            pair("models", Yaml::List(vec![text("a/c"), model])),
            pair("env", Yaml::Map(vec![pair("A", text("")), pair("B", text("x: y, 'z'"))])),
            pair("cmd", words(&["python", "-c", "a, b", "8000", "null", "-w"])),
        ]);
        let expected = "\
base: python:3.12-slim
models:
  - a/c
  - hf: a/b
    files: [\"*.json\"]
env:
  A: \"\"
  B: \"x: y, 'z'\"
cmd: [python, -c, \"a, b\", 8000, \"null\", -w]
";
        assert_eq!(document.document(), expected);
    }

    #[test]
    fn a_long_list_has_a_line_for_each() {
        let words = vec!["w".repeat(40); 3];
        let list = Yaml::Map(vec![("runtime".to_owned(), Yaml::list(&words))]);
        assert_eq!(list.document().lines().count(), 4);
    }
}
