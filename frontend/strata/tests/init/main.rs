//! A first manifest out of what a project has.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use llb::SourceFile;
use proptest::prelude::*;
use strata::{
    init::{self, Folder, Found},
    recipe::{self, Choices, Recipe},
};

fn read(manifest: &str) -> Result<Recipe, String> {
    let data = manifest.as_bytes().to_owned();
    let file = SourceFile { name: "strata.yaml".into(), language: "YAML".into(), data };
    recipe::read(Arc::new(file), &Choices::default()).map_err(|mistakes| mistakes.to_string())
}

/// The manifest and the notes, as a person sees them.
fn shown(found: &Found) -> String {
    let mut shown = format!("{}---\n", found.manifest);
    for note in &found.notes {
        writeln!(shown, "{note}").unwrap();
    }
    shown
}

/// The Dockerfiles of the five teams whose systems are the examples, and others. Nothing is known
/// of their projects.
#[test]
fn dockerfiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/dockerfiles");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    assert!(files.len() >= 10);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let found = init::of_dockerfile("Dockerfile", &text, &Folder::default()).unwrap();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, shown(&found));
        });
        read(&found.manifest).unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
    }
}

/// A folder with these files.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn init(files: &[(&str, &str)]) -> Result<String, String> {
    let folder = project(files);
    let found = init::init(folder.path(), None)?;
    read(&found.manifest).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Ok(found.manifest)
}

#[test]
fn without_a_dockerfile() {
    let pyproject = "[project]\nname = \"x\"\nrequires-python = \">=3.10,<3.12\"\n";
    let scripts = "[project.scripts]\nserve = \"x:main\"\n[build-system]\nrequires = []\n";
    for (files, expected) in [
        (
            vec![("requirements.txt", "six\n"), ("main.py", "")],
            "base: python:3.12-slim\npython: requirements.txt\ncode: .\ncmd: [python, main.py]\n",
        ),
        (
            vec![("pyproject.toml", pyproject), ("uv.lock", ""), ("requirements.txt", "")],
            "base: python:3.11-slim\npython:\n  lock: uv.lock\ncode: .\n",
        ),
        (
            vec![("pyproject.toml", &*(pyproject.to_owned() + scripts)), ("app.py", "")],
            "base: python:3.11-slim\npython:\n  pyproject: pyproject.toml\ncode:\n  context: .\n  \
             install: true\ncmd: [serve]\n",
        ),
        (
            vec![("Pipfile.lock", "{}"), (".python-version", "3.13.2\n"), ("app.py", "")],
            "base: python:3.13-slim\npython:\n  lock: Pipfile.lock\ncode: .\ncmd: [python, app.py]\n",
        ),
    ] {
        assert_eq!(init(&files).unwrap(), format!("# syntax=strata\n{expected}"));
    }
    assert!(init(&[("main.py", "")]).unwrap_err().contains("nothing to begin with"));
    assert!(init(&[("Dockerfile", "RUN x\n")]).unwrap_err().contains("Dockerfile"));
}

/// What is there is looked at.
#[test]
fn a_dockerfile_and_its_project() {
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY reqs/prod.txt /tmp/\nRUN pip install \
                      -r /tmp/prod.txt -r nope.txt && python -m spacy download en_core_web_sm\n\
                      COPY web /app/web\nCMD python -m web\n";
    let files =
        [("Dockerfile", dockerfile), ("reqs/prod.txt", "spacy==3.7.5\n"), ("web/__init__.py", "")];
    let folder = project(&files);
    let found = init::init(folder.path(), None).unwrap();
    assert_eq!(
        found.manifest,
        "# syntax=strata\nbase: python:3.12\npython: reqs/prod.txt\nmodels:\n  - spacy: \
         en_core_web_sm==3.7.1\ncode: .\ncmd: python -m web\n"
    );
    let notes: Vec<_> = found.notes.iter().map(ToString::to_string).collect();
    let notes = notes.join("\n");
    assert!(notes.contains("Dockerfile:4: `nope.txt` is not found"), "{notes}");
    assert!(notes.contains("no .dockerignore"), "{notes}");
}

/// Lines that Dockerfiles have, with places for words of any kind.
const LINES: [&str; 24] = [
    "FROM {}",
    "FROM python:3.12-slim AS {}",
    "ARG {}",
    "ARG X={}",
    "ENV {} {}",
    "ENV {}={} A=\"{}\"",
    "RUN pip install {} {}",
    "RUN pip install -r {} --index-url {} -e {}",
    "RUN apt-get install -y {} {} && {}",
    "RUN python -c \"snapshot_download('{}', revision='{}', local_dir='{}')\"",
    "RUN huggingface-cli download {} {} --local-dir {}",
    "RUN git clone -b {} {} {}",
    "RUN mkdir -p {} && cd {} && make {}",
    "RUN python -m spacy download {}",
    "COPY {} {}",
    "COPY --from={} {} {}",
    "WORKDIR {}",
    "USER {}",
    "EXPOSE {}",
    "VOLUME {}",
    "LABEL {}={}",
    "HEALTHCHECK --interval={} CMD {}",
    "CMD {}",
    "STOPSIGNAL {}",
];

/// Words to put there.
const WORDS: [&str; 22] = [
    "a",
    "/x/y",
    "../up",
    "${X}",
    "$(date)",
    "a b",
    "'q'",
    "https://u:p@h/r.git",
    "a: b",
    "#c",
    "-",
    "[\"x\", \"y\"]",
    "é\u{7f}",
    "8000",
    "~",
    "null",
    "&&",
    "requirements.txt",
    "{a: b}",
    "*",
    ".",
    "org/name",
];

proptest! {
    /// Whatever a Dockerfile says, the manifest can be read.
    #[test]
    fn what_is_written_is_read(picks in prop::collection::vec((0..LINES.len(), prop::collection::vec(0..WORDS.len(), 3)), 0..12)) {
        let mut text = "FROM python:3.12-slim\n".to_owned();
        for (line, words) in picks {
            let mut line = LINES[line].to_owned();
            for word in words {
                line = line.replacen("{}", WORDS[word], 1);
            }
            text.push_str(&line);
            text.push('\n');
        }
        if let Ok(found) = init::of_dockerfile("Dockerfile", &text, &Folder::default()) {
            let read = read(&found.manifest);
            prop_assert!(read.is_ok(), "{text}\n{}\n{}", found.manifest, read.unwrap_err());
        }
    }

    /// No text makes it fall over.
    #[test]
    fn any_text(text in "(FROM|RUN|ENV|COPY|CMD|[ \\n\\\\\"'$={}&|;<#]|[a-z/.:-]){0,60}") {
        let _ = init::of_dockerfile("Dockerfile", &format!("FROM a\n{text}"), &Folder::default());
    }
}
