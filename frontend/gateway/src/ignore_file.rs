//! `.dockerignore`.

use crate::paths::clean;

/// The patterns of an ignore file, in its order, as sources and copies take them.
///
/// A `#` begins a comment only at the very start of a line; white space around a pattern and
/// a leading `/` mean nothing; `!` takes back what an earlier pattern ignored
/// (`moby/patternmatcher/ignorefile`).
pub fn ignore_patterns(file: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(file);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.lines().filter(|line| !line.starts_with('#')).filter_map(pattern).collect()
}

fn pattern(line: &str) -> Option<String> {
    let line = line.trim();
    let (taken_back, path) = match line.strip_prefix('!') {
        Some(path) => ("!", path.trim()),
        None => ("", line),
    };
    if line.is_empty() {
        return None;
    }
    if path.is_empty() {
        return Some(taken_back.to_owned());
    }
    let path = clean(path);
    // The root itself stays as it is.
    let path = path.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&path);
    Some(format!("{taken_back}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\n\n  \n", &[]),
            ("# a comment\n#another", &[]),
            (" # not a comment", &["# not a comment"]),
            ("\u{feff}# a comment\nb", &["b"]),
            ("*.pyc\r\n.git\r\n", &["*.pyc", ".git"]),
            ("  spaced out  ", &["spaced out"]),
            ("/rooted\n//twice\n/", &["rooted", "twice", "/"]),
            ("a/./b//c/\na/../d\n../e", &["a/b/c", "d", "../e"]),
            ("**\n!src/\n! /keep\n!", &["**", "!src", "!keep", "!"]),
        ];
        for (file, patterns) in cases {
            assert_eq!(&ignore_patterns(file.as_bytes()), patterns, "{file:?}");
        }
    }
}
