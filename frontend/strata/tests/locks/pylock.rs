//! `pylock.toml`, against what `packaging` selects (see `fixtures/oracle.py`), and bad ones.

use strata::lock::Kind;

use crate::{
    environments::{environments, selection, usual},
    reading::{chosen, file, mistakes},
};

#[test]
fn packaging_selects_the_same() {
    let environments = environments();
    let mut found = String::new();
    for (name, data, selections) in [
        ("pylock.uv.toml", include_str!("fixtures/pylock.uv.toml"), &[(&[][..], &[][..])][..]),
        (
            "pylock.pdm.toml",
            include_str!("fixtures/pylock.pdm.toml"),
            &[(&[], &[]), (&["all"], &[]), (&["socks"], &["test"]), (&[], &["dev"])],
        ),
    ] {
        for (number, environment) in environments.iter().enumerate() {
            for (extras, groups) in selections {
                let (lists, selection) = (
                    format!("[{}] [{}]", extras.join(","), groups.join(",")),
                    selection(extras, groups),
                );
                let chosen = chosen(&file(name, data), &selection, environment);
                found += &format!("{name} {number} {lists}\n{chosen}");
            }
        }
    }
    let expected = include_str!("fixtures/pylock.txt");
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn kinds_are_known_by_their_names() {
    for (path, kind) in [
        ("pylock.toml", Some(Kind::Pylock)),
        ("locks/pylock.dev.toml", Some(Kind::Pylock)),
        ("pylock..toml", None),
        ("pylock.a.b.toml", None),
        ("my-pylock.toml", None),
        ("requirements.txt", None),
    ] {
        assert_eq!(Kind::of(path), kind, "{path}");
    }
}

const SHA: &str = "sha256 = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";

#[test]
fn what_is_refused() {
    let head = "lock-version = \"1.0\"\ncreated-by = \"me\"\n";
    let wheel =
        format!("wheels = [{{url = \"https://e.org/a-1-py3-none-any.whl\", hashes = {{{SHA}}}}}]");
    let package =
        |rest: &str| format!("{head}[[packages]]\nname = \"a\"\nversion = \"1\"\n{rest}\n");
    let texts = [
        "lock-version = ".to_owned(),
        "lock-version = 1".to_owned(),
        "created-by = \"me\"".to_owned(),
        "lock-version = \"2.0\"\ncreated-by = \"me\"".to_owned(),
        format!("{head}packages = 1"),
        format!("{head}requires-python = \">=3.13\""),
        format!("{head}requires-python = \"new\""),
        format!("{head}environments = [\"sys_platform == 'win32'\"]"),
        package(""),
        package(&format!("marker = \"os_nam == 'x'\"\n{wheel}")),
        package(&format!("requires-python = \"<3\"\n{wheel}")),
        package(&format!("{wheel}\n[[packages]]\nname = \"A\"\nversion = \"2\"\n{wheel}")),
        package("vcs = {type = \"hg\", url = \"https://e.org/a\", commit-id = \"1\"}"),
        package("vcs = {type = \"git\", url = \"https://e.org/a\", commit-id = \"main\"}"),
        package(
            "vcs = {type = \"git\", url = \"https://u:hunter2@e.org/a\", commit-id = \"main\"}",
        ),
        package("vcs = {type = \"git\", path = \"../a\", commit-id = \"main\"}"),
        package(&wheel.replace("https://", "https://u:hunter2@")),
        package(&wheel.replace("https://e.org/", "file:///")),
        package(&wheel.replace("url", "path")),
        package(&format!(
            "archive = {{url = \"https://e.org/a.zip\", subdirectory = \"../x\", hashes = {{{SHA}}}}}"
        )),
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| mistakes(&file("pylock.toml", text), &selection(&[], &[]), &usual()))
        .collect();
    assert!(told.iter().all(|words| !words.contains("hunter2")), "credentials are not repeated");
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_not_chosen_needs_no_hash() {
    let lock = "lock-version = \"1.0\"\ncreated-by = \"me\"\n[[packages]]\nname = \"a\"\n";
    for hashes in ["", ", hashes = {}", ", hashes = {md5 = \"a\"}"] {
        let wheel = format!("wheels = [{{url = \"https://e.org/a-1-py3-none-any.whl\"{hashes}}}]");
        let lock = file("pylock.toml", &format!("{lock}{wheel}\n"));
        let chosen = chosen(&lock, &selection(&[], &[]), &usual());
        assert_eq!(chosen, "  a  `a`: `a-1-py3-none-any.whl` has no hash\n");
    }
}

#[test]
fn a_selection_that_the_lock_does_not_have() {
    let lock = file("pylock.toml", include_str!("fixtures/pylock.pdm.toml"));
    let told = mistakes(&lock, &selection(&["sock"], &["docs"]), &usual());
    insta::assert_snapshot!(told);
}
