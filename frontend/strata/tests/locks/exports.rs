//! The locks of tools, against what the tools themselves export from them (see
//! `fixtures/export.sh` and `fixtures/oracle.py`).

use std::{fs, path::PathBuf, sync::Arc};

use llb::SourceFile;
use strata::{
    environment::Environment,
    lock::{Package, Source},
};

use crate::{
    environments::{environments, selection},
    reading::{self, file},
};

/// A folder's lock and what it was made from.
fn locked(folder: &str) -> (Arc<SourceFile>, Arc<SourceFile>) {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/locks/fixtures");
    let read = |path: &str, name: &str| {
        let data = fs::read_to_string(fixtures.join(path).join(name)).unwrap();
        file(name, &data)
    };
    match folder {
        "uv" | "uv-conflicts" | "uv-workspace" => {
            (read(folder, "uv.lock"), read(folder, "pyproject.toml"))
        }
        "uv-workspace/api" | "uv-workspace/lib" => {
            (read("uv-workspace", "uv.lock"), read(folder, "pyproject.toml"))
        }
        "poetry" | "poetry-1" | "poetry-standard" | "poetry-local" => {
            (read(folder, "poetry.lock"), read(folder, "pyproject.toml"))
        }
        "pdm" => (read(folder, "pdm.lock"), read(folder, "pyproject.toml")),
        "pipenv" => (read(folder, "Pipfile.lock"), read(folder, "Pipfile")),
        other => panic!("{other}"),
    }
}

/// Whether the lock in a folder is for another Python.
fn is_refused(folder: &str, environment: &Environment) -> bool {
    match folder {
        "pipenv" => environment.python() != (3, 11),
        "uv-conflicts" | "uv-workspace" | "uv-workspace/api" | "uv-workspace/lib"
        | "poetry-local" => environment.python() < (3, 11),
        _ => environment.python() < (3, 10),
    }
}

/// `name version`, or the URL in place of the version, as an export has it.
fn line(package: &Package) -> String {
    let version = package.version.clone().unwrap_or_default();
    let what = match &package.source {
        Source::Git { url, commit, subdirectory } => {
            let folder = subdirectory.as_ref().map(|folder| format!("#subdirectory={folder}"));
            format!("git+{url}@{commit}{}", folder.unwrap_or_default())
        }
        Source::Archive { file, .. } => file.url.clone().unwrap_or_default(),
        Source::Release { wheels, sdist } => {
            assert!(!wheels.is_empty() || sdist.is_some(), "{package:?}");
            version
        }
        Source::Hashes(hashes) => {
            assert!(!hashes.is_empty(), "{package:?}");
            version
        }
    };
    format!("  {} {what}", package.name)
}

#[test]
fn the_tools_export_the_same() {
    let environments = environments();
    let mut compared = 0;
    let mut block = include_str!("fixtures/exported.txt").lines().peekable();
    while let Some(head) = block.next() {
        let mut expected = Vec::new();
        while let Some(line) = block.next_if(|line| line.starts_with("  ")) {
            expected.push(line.to_owned());
        }
        let mut words = head.splitn(3, ' ');
        let folder = words.next().unwrap();
        let (lock, project) = locked(folder);
        let numbers = words.next().unwrap().split(',').map(|number| number.parse::<usize>());
        let numbers: Vec<usize> = numbers.collect::<Result<_, _>>().unwrap();
        let names = words.next().unwrap().strip_prefix('[').unwrap();
        let (extras, groups) = names.strip_suffix(']').unwrap().split_once("] [").unwrap();
        let some = |names: &'static str| names.split(',').filter(|name| !name.is_empty());
        let (extras, groups): (Vec<_>, Vec<_>) = (some(extras).collect(), some(groups).collect());
        expected.sort();
        for number in numbers {
            let environment = &environments[number];
            let selection = selection(&extras, &groups);
            match reading::read(&lock, Some(&project), &selection, environment) {
                Ok(lock) => {
                    let mut found: Vec<String> = lock.packages.iter().map(line).collect();
                    found.sort();
                    assert_eq!(found, expected, "{head}, environment {number}");
                    compared += 1;
                }
                Err(mistakes) => assert!(is_refused(folder, environment), "{head}: {mistakes}"),
            }
        }
    }
    assert!(compared > 100, "{compared}");
}
