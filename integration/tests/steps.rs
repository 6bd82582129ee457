//! What steps do before and beside their tools, asked of their own Python.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::net::Ipv4Addr;

use integration::command::output;
use integration::package::Package;
use integration::package_index::{PackageIndex, Trouble};
use integration::python::python;
use integration::workspace;
use tempfile::TempDir;

/// What `script` prints in a Python that has the steps at hand, and `here`, a folder of its own.
fn run(here: &TempDir, script: &str) -> String {
    let start = "import os, sys; here = sys.argv[1]";
    let mut python = python().unwrap();
    python.args(["-c", &format!("{start}\n{script}")]).arg(here.path());
    python.env("PYTHONPATH", workspace::root().join("frontend/strata/src/plan/steps"));
    python.env("SOURCE_DATE_EPOCH", "0");
    output(&mut python).unwrap()
}

/// What `call` ends the step with, or nothing; `setting` is what comes before.
fn ends(here: &TempDir, setting: &str, call: &str) -> String {
    run(
        here,
        &format!("{setting}\ntry:\n    {call}\nexcept SystemExit as ended:\n    print(ended)"),
    )
}

#[test]
fn an_index_that_refuses_is_not_passed_over() {
    let wheel = |name: &str| Package::of_module(name, "1.0", "").wheel().unwrap();
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), [wheel("two")]).unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let said = |refused: &[&str], projects: &str| {
        index.mend();
        refused.iter().for_each(|page| index.trouble(page, Trouble::Status(403)));
        let setting = "import network; os.environ['NETRC'] = here + '/netrc'";
        let call = format!("network.check_logins([network.PYPI, {:?}], {projects})", index.url());
        ends(&here, setting, &call)
    };
    let refusal = format!("{}/one/ answers 403 Forbidden: if it asks for a password", index.url());
    let nobodys = "strata-has-no-such-project";

    assert_eq!(said(&[], "['one', 'two']"), "");
    let all = said(&["simple"], "['one', 'two']");
    assert!(all.starts_with(&refusal), "{all}");
    assert!(all.contains("It is not passed over, for another index's package"), "{all}");
    // It has another answer for what it does not have.
    let one = said(&["simple/one"], "['one', 'two']");
    assert!(one.starts_with(&refusal), "{one}");
    // It has none, and shows something.
    assert_eq!(said(&["simple/one", nobodys], "['one', 'two']"), "");
    assert_eq!(said(&["simple/one", nobodys], "['one']"), "", "a page of all that it has");
}
