//! Packages: the base's package manager's, and Python's.

use super::{Read, expected};
use crate::mistake::{Mistake, quote};

/// A package of the base's package manager, with a version if one is wanted: `curl=8.*`.
pub fn system_package(text: &str) -> Read<String> {
    let (name, version) = match text.split_once('=') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let letter = |c: char| c.is_ascii_alphanumeric();
    // `/` is apt's `curl/trixie-backports`, `:` its `curl:arm64`.
    let in_name = |c: char| letter(c) || matches!(c, '+' | '-' | '.' | '_' | ':' | '/');
    let in_version = |c: char| in_name(c) || matches!(c, '~' | '*');
    let named = name.starts_with(letter) && name.chars().all(in_name);
    let pinned = version.is_none_or(|v| !v.is_empty() && v.chars().all(in_version));
    let mistake = || expected("a package such as `curl` or `curl=8.*`", text);
    match (named && pinned, text.contains(char::is_whitespace)) {
        // apt takes `curl-` for "remove curl".
        (true, _) if name.ends_with('-') => Err(mistake().help("a name can't end in `-`")),
        (true, _) => Ok(text.to_owned()),
        (false, true) => Err(mistake().help("give each package an item of the list")),
        (false, false) => Err(mistake()),
    }
}

/// A requirement as pip takes it on its command line, but for options, paths and files; whether it
/// is one by PEP 508 is looked at where all requirements are.
pub fn requirement(text: &str) -> Read<String> {
    let trimmed = text.trim();
    let mistake = || expected("a requirement such as `torch==2.9.1`", text);
    let option = trimmed.split([' ', '=']).next().unwrap_or(trimmed);
    match option {
        "-e" | "--editable" => Err(Mistake::new(format!("{} is not a package", quote(text)))
            .help("your own code is not a dependency: it goes under `code`")),
        "-r" | "--requirement" | "-c" | "--constraint" => {
            Err(mistake().help("requirements files go under `python.requirements`"))
        }
        "-i" | "--index-url" => Err(mistake().help("an index goes under `python.index_url`")),
        "--extra-index-url" => Err(mistake().help("it goes under `python.extra_index_urls`")),
        _ if trimmed.starts_with('-') => Err(mistake().help("options of pip have no place here")),
        _ if trimmed.starts_with(['.', '/', '~']) || trimmed.starts_with("file:") => {
            Err(mistake().help("a path is not a package; your own code goes under `code`"))
        }
        _ if trimmed.is_empty() || trimmed.contains(char::is_control) => {
            Err(mistake().help("give each requirement an item of the list"))
        }
        _ => Ok(trimmed.to_owned()),
    }
}
