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

/// What is left of secrets in the netrc of a step, or why the step ends.
fn prepared(secrets: &[(&str, &str)]) -> String {
    let here = tempfile::tempdir().unwrap();
    let hosts = secrets.iter().filter(|(name, _)| *name != "netrc");
    let hosts: String = hosts
        .map(|(name, _)| format!("{name}.test {}\n", here.path().join(name).display()))
        .collect();
    for (name, text) in secrets.iter().copied().chain([("hosts", hosts.as_str())]) {
        fs::write(here.path().join(name), text).unwrap();
    }
    let setting = "import network; network.CREDENTIALS = here + '/hosts'; \
                   network.NETRC_SECRET = here + '/netrc'; os.environ['HOME'] = here + '/home'";
    ends(&here, setting, "network.prepare(); print(open(os.environ['NETRC']).read())")
}

#[test]
fn logins_are_those_of_the_secrets() {
    let [netrc, spare] = ["machine a.test login b password c\n", "# none\n"];
    assert_eq!(prepared(&[]), "");
    assert_eq!(prepared(&[("netrc", netrc)]), netrc.trim());
    for (secret, login) in
        [("me:sesame\n", "me password sesame"), ("t0ken", "__token__ password t0ken")]
    {
        let said = prepared(&[("pkg", secret), ("netrc", spare)]);
        assert_eq!(said, format!("machine pkg.test login {login}\n{}", spare.trim()));
    }
}

#[test]
fn secrets_that_are_no_logins_are_refused_and_not_told() {
    for (netrc, line) in [
        ("sesame", ", line 1"),
        ("machine a.test login me password open sesame\n", ", line 1"),
        ("# mine\n\nmachine a.test sesame\n", ", line 3"),
    ] {
        let said = prepared(&[("netrc", netrc)]);
        assert!(
            said.starts_with(&format!("the secret netrc is not a netrc file{line}: ")),
            "{said}"
        );
        assert!(!said.contains("sesame"), "{said}");
    }
    for secret in
        ["me:open sesame", "sesame\nsesame", "\"me:sesame\"", "me:\"sesame\"", "sesame:", ""]
    {
        let said = prepared(&[("pkg", secret)]);
        assert!(said.starts_with("the secret pkg, which pkg.test asks for, is neither"), "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
}
