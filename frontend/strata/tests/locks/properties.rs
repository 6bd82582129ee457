//! No text is too strange: what was damaged is read or refused, and nothing else happens.

use proptest::prelude::*;
use strata::lock::{Pyproject, Tags, choose};

use crate::{
    environments::{arm, selection, usual},
    reading::{file, read},
};

/// A file's name and what is in it.
type Text = (&'static str, &'static str);

const LOCKS: [(&str, &str, Option<Text>); 9] = [
    ("pylock.toml", include_str!("fixtures/pylock.uv.toml"), None),
    ("pylock.toml", include_str!("fixtures/pylock.pdm.toml"), None),
    (
        "uv.lock",
        include_str!("fixtures/uv-conflicts/uv.lock"),
        Some(("pyproject.toml", include_str!("fixtures/uv-conflicts/pyproject.toml"))),
    ),
    (
        "uv.lock",
        include_str!("fixtures/uv-workspace/uv.lock"),
        Some(("pyproject.toml", include_str!("fixtures/uv-workspace/pyproject.toml"))),
    ),
    (
        "poetry.lock",
        include_str!("fixtures/poetry/poetry.lock"),
        Some(("pyproject.toml", include_str!("fixtures/poetry/pyproject.toml"))),
    ),
    (
        "poetry.lock",
        include_str!("fixtures/poetry-1/poetry.lock"),
        Some(("pyproject.toml", include_str!("fixtures/poetry-1/pyproject.toml"))),
    ),
    (
        "pdm.lock",
        include_str!("fixtures/pdm/pdm.lock"),
        Some(("pyproject.toml", include_str!("fixtures/pdm/pyproject.toml"))),
    ),
    (
        "Pipfile.lock",
        include_str!("fixtures/pipenv/Pipfile.lock"),
        Some(("Pipfile", include_str!("fixtures/pipenv/Pipfile"))),
    ),
    (
        "uv.lock",
        include_str!("fixtures/uv/uv.lock"),
        Some(("pyproject.toml", include_str!("fixtures/uv/pyproject.toml"))),
    ),
];

/// Words of locks, and what could stand in their place.
const WORDS: [(&str, &str); 16] = [
    ("\"", "'"),
    ("=", "=="),
    ("[[package", "[package"),
    ("name", "nam"),
    ("version", "name"),
    ("sha256:", "sha256"),
    ("https://", "https:/"),
    ("https://", "//@:@"),
    (".whl", "-whl"),
    ("-py3", "-py3.py3-"),
    ("3.", "99999999999999999999."),
    ("<", "~="),
    ("marker", "source"),
    (" == ", " in "),
    ("#", "%#%zz"),
    ("or ", "or ("),
];

/// A text with some of its parts cut out, doubled, or replaced.
fn damaged(text: &str, edits: &[(prop::sample::Index, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (at, length, how) in edits {
        let mut start = at.index(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (start + length).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        match how {
            0 => text.replace_range(start..end, ""),
            1 => {
                let part = text[start..end].to_owned();
                text.insert_str(start, &part);
            }
            how => {
                let (from, to) = WORDS[how % WORDS.len()];
                if let Some(found) = text[start..].find(from) {
                    text.replace_range(start + found..start + found + from.len(), to);
                }
            }
        }
        if text.is_empty() {
            break;
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damaged_locks_do_no_harm(
        which in 0..LOCKS.len(),
        in_project in prop::bool::weighted(0.2),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, 0..18_usize), 0..5),
    ) {
        let (name, lock, project) = LOCKS[which];
        let lock = file(name, &if in_project { lock.to_owned() } else { damaged(lock, &edits) });
        let project = project.map(|(name, text)| {
            file(name, &if in_project { damaged(text, &edits) } else { text.to_owned() })
        });
        let selections =
            [selection(&[], &[]), selection(&["all"], &["test"]), selection(&["new"], &["lint"])];
        for environment in [usual(), arm()] {
            let tags = Tags::of(&environment);
            for selection in &selections {
                match read(&lock, project.as_ref(), selection, &environment) {
                    Ok(read) => for package in &read.packages {
                        let _ = choose(package, &tags, &environment, &Default::default());
                    },
                    Err(mistakes) => prop_assert!(!mistakes.render(false).is_empty()),
                }
            }
        }
        if let Some(Ok(project)) = project.as_ref().map(Pyproject::parse) {
            for selection in &selections {
                let _ = project.requirements(selection);
            }
        }
    }

    #[test]
    fn no_file_name_is_too_strange(name in "[-a-z0-9._%+/]{0,60}(\\.whl)?|\\PC{0,20}\\.whl") {
        let _ = Tags::of(&usual()).rank(&name);
    }
}
