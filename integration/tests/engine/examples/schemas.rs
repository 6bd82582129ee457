//! Files that have a schema, by it: workflows, those of the examples and the project's own, by
//! GitHub's, and manifests by ours. What workflows would do is GitHub's to run.

use std::fs;
use std::path::{Path, PathBuf};

use integration::command::output;
use integration::{python, workspace};

/// Has GitHub's schema in it.
const CHECKER: &str = "check-jsonschema==0.39.0\n";

/// What the checker says of `files`, by the schema that `options` name.
fn check(options: &[&str], files: &[PathBuf]) -> anyhow::Result<String> {
    let packages = python::installed("workflows", CHECKER, &[]).unwrap();
    let mut python = python::python().unwrap();
    python.env("PYTHONPATH", &packages).args(["-m", "check_jsonschema"]);
    output(python.args(options).args(files))
}

/// The files of `folder`, and of those in it.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// All workflows of the repository.
fn workflows() -> Vec<PathBuf> {
    let root = workspace::root();
    let own = fs::read_dir(root.join(".github/workflows")).unwrap();
    let own = own.map(|file| file.unwrap().path());
    let examples = fs::read_dir(root.join("examples")).unwrap();
    let of_examples = examples.map(|example| example.unwrap().path().join("ci.yml"));
    own.chain(of_examples.filter(|file| file.exists())).collect()
}

#[test]
fn workflows_are_what_github_takes() {
    let workflows = workflows();
    assert!(workflows.len() >= 7, "{workflows:?}");
    let schema = ["--builtin-schema", "vendor.github-workflows"];
    check(&schema, &workflows).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("ci.yml");
    let text = fs::read_to_string(&workflows[0]).unwrap();
    fs::write(&wrong, text.replace("runs-on:", "runs_on:")).unwrap();
    check(&schema, &[wrong]).unwrap_err();
}

/// What editors are to take: all manifests of the repository, and `GOOD`.
fn manifests() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["examples", "integration/benchmarks", "integration/tests/projects"] {
        files(&workspace::root().join(folder), &mut found);
    }
    found.retain(|file| file.extension().is_some_and(|it| it == "yaml"));
    let texts = found.iter().map(|file| fs::read_to_string(file).unwrap());
    let manifests = texts.filter(|text| text.starts_with("# syntax=strata\n"));
    manifests.chain(GOOD.map(str::to_owned)).collect()
}

/// Forms that a manifest may have.
const GOOD: [&str; 22] = [
    "base: python:3.12-slim",
    "x-common: &common {env: {A: b}}\nbase: python\nvariants: {a: {<<: *common}}",
    "args: {GREETING: hello, PORT: 8000, MODEL: }",
    "args: [GREETING=hello, MODEL]",
    "python: requirements.txt",
    "python: [a.txt, b.txt]",
    "python: {installer: uv, torch: \"${TORCH:-cpu}\", after: {flash-attn: [torch], a: b}}",
    "python: {system_site_packages: true, verify: torch}",
    "python: {system_site_packages: \"${SITE}\", installer: \"${INSTALLER}\"}",
    "python: {}",
    "models: org/name",
    "models: [org/name, {hf: org/other, files: \"*.json\"}, {context: weights, to: /m/}]",
    "models: {url: https://example.org/w, sha256: 01, unpack: false, to: /w}",
    "code: .",
    "code: {git: https://h.io/r.git, build: [make, 1], install: [api, libs/core], env: [A=b]}",
    "code: {context: ., install: true, secrets: {TOKEN: secret:token}}",
    "files: {from: image:1, path: /a, to: /b}",
    "env: {A: 1, B: true, C: x, D: 3.10}\nports: 8000\nuser: 1000\ncmd: python main.py",
    "healthcheck: {test: [CMD, curl, x], retries: \"${RETRIES}\", disable: false, interval: 1m30s}",
    "dev: {models: volume, python: {packages: [watchfiles]}, code: {verify: !reset }}",
    "dev:\nvariants: {light: , gpu: {dev: {env: {A: !reset }}, labels: !reset , cmd: !reset }}",
    "env: !override {A: !public b}\nports: !override [1, 2/udp]",
];

/// What they are to mark.
const BAD: [&str; 18] = [
    "modles: org/name",
    "bsae: python",
    "base: [python]",
    "base: {image: python}",
    "python: {requirments: a.txt}",
    "python: {installer: conda}",
    "python: {system_site_packages: perhaps}",
    "models: {to: /m}",
    "models: [{hf: [a/b, c/d]}]",
    "code: {git: {url: x}}",
    "env: text",
    "cmd:",
    "env: {A: }",
    "env: [NAME]",
    "ports: {http: 8000}",
    "healthcheck: curl",
    "dev: {dev: {}}",
    "variants: {gpu: {bsae: nvidia/cuda}}",
];

#[test]
fn manifests_are_what_editors_take() {
    let schema = workspace::root().join("docs/strata.schema.json");
    check(&["--check-metaschema"], std::slice::from_ref(&schema)).unwrap();
    let schema = ["--schemafile", schema.to_str().unwrap()];
    let good = manifests();
    assert!(good.len() >= 18 + GOOD.len(), "{}", good.join("\n---\n"));

    let folder = tempfile::tempdir().unwrap();
    let written = |(number, text): (usize, String)| {
        // Editors are told of our tags, as the checker cannot be.
        let untagged =
            text.replace("!reset", "\"\"").replace("!override", "").replace("!public", "");
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, untagged).unwrap();
        file
    };
    let good: Vec<PathBuf> = good.into_iter().enumerate().map(written).collect();
    check(&schema, &good).unwrap();
    for text in BAD {
        let bad = written((good.len(), text.to_owned()));
        assert!(check(&schema, &[bad]).is_err(), "{text}");
    }
}
