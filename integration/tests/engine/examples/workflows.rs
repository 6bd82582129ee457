//! The workflows, those of the examples and the project's own, by GitHub's schema of them. What
//! they would do is GitHub's to run.

use std::fs;
use std::path::PathBuf;

use integration::command::output;
use integration::{python, workspace};

/// Has the schema in it.
const CHECKER: &str = "check-jsonschema==0.39.0\n";

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
fn they_are_what_github_takes() {
    let workflows = workflows();
    assert!(workflows.len() >= 7, "{workflows:?}");
    let packages = python::installed("workflows", CHECKER, &[]).unwrap();
    let check = |files: &[PathBuf]| {
        let mut python = python::python().unwrap();
        python.env("PYTHONPATH", &packages).args(["-m", "check_jsonschema"]);
        output(python.args(["--builtin-schema", "vendor.github-workflows"]).args(files))
    };
    check(&workflows).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("ci.yml");
    let text = fs::read_to_string(&workflows[0]).unwrap();
    fs::write(&wrong, text.replace("runs-on:", "runs_on:")).unwrap();
    check(&[wrong]).unwrap_err();
}
