//! Other Pythons than that of all other tests.

use std::env::consts::ARCH;

use integration::apt::Suite;
use integration::base_image;
use integration::command::output;

use crate::STRATA;
use crate::built::Built;

/// Wheels for every Python and for this one, a package that has none, and code that is a package. A
/// Python that is newer than this test has wheels of newer releases only.
const PACKAGES: &str = "packages: [six==1.17.0, markupsafe, docopt==0.6.2]";
const PROJECT: &str = "[project]\nname = 'own'\nversion = '1.0'\n\
                       [build-system]\nrequires = ['setuptools==80.9.0']\n\
                       build-backend = 'setuptools.build_meta'\n\
                       [tool.setuptools]\npy-modules = ['own']\n";

/// What the image has: the Python, where each module is, and of how many the bytecode is there.
const LIST: &str = "import docopt, importlib.util, markupsafe, os, own, six, sys
speedups = importlib.util.find_spec('markupsafe._speedups').origin
found = [one.__file__ for one in (docopt, markupsafe, own, six)]
compiled = sum(map(os.path.exists, map(importlib.util.cache_from_source, found)))
print(*sys.version_info[:2], compiled, len(set(map(os.path.dirname, found))), speedups)";

fn runs_on(suite: Suite) {
    let base = format!("strata-test-{}", suite.name());
    base_image::load_of(&STRATA, suite, &base).unwrap();
    let minor = ["python3", "-c", "import sys; print(sys.version_info[1])"];
    let minor = output(STRATA.docker(["run", "--rm", &base]).args(minor)).unwrap();
    for installer in ["pip", "uv"] {
        let manifest = format!(
            "# syntax=strata\nbase: {base}\n\
             python: {{{PACKAGES}, installer: {installer}, verify: [docopt, six]}}\n\
             code: {{context: ., build: echo >own.py, install: true, verify: own}}\n"
        );
        let image = Built::new(&manifest, &[("pyproject.toml", PROJECT)], &[] as &[&str]);
        let packages = format!("/opt/venv/lib/python3.{minor}/site-packages");
        let speedups = format!("markupsafe/_speedups.cpython-3{minor}-{ARCH}-linux-gnu.so");
        assert_eq!(
            image.run(&["python", "-P", "-c", LIST]),
            format!("3 {minor} 4 2 {packages}/{speedups}"),
            "{installer}"
        );
    }
}

#[test]
fn the_python_of_debian_12() {
    runs_on(Suite::Bookworm);
}

#[test]
#[ignore = "slow: another base, made of Debian's packages"]
fn the_python_of_the_debian_to_come() {
    runs_on(Suite::Testing);
}
