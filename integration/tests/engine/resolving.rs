//! What it takes to find out what packages need.

use integration::git_server::GitServer;
use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::bad_input::Bad;
use crate::built::Built;
use crate::{BASE, STRATA, unique};

/// Tells what it needs to whoever runs it where there is a `make`, and a package that it does not
/// say it is built with.
const SETUP: &str = "\
import subprocess
import idna
from setuptools import setup
subprocess.run(['make', '--version'], check=True)
setup(name='strata-needy', version='1.0', py_modules=['strata_needy'], install_requires=['six'])
";

/// An index with a module as a source that tells what it needs when it is built, and that no build
/// has seen before.
fn index_of(name: &str, text: &str, setup: &str) -> PackageIndex {
    let package = Package::of_module(name, "1.0", text)
        .file("setup.py", setup)
        .file("number.txt", &unique())
        .tells_when_built();
    PackageIndex::serve(STRATA.host_address().unwrap(), [package.sdist().unwrap()]).unwrap()
}

#[test]
fn a_package_that_has_to_be_built_to_tell_what_it_needs() {
    let index = index_of("strata_needy", "import six\nprint(six.__name__)\n", SETUP);
    let manifest = |after: &str| {
        let url = index.url();
        format!(
            "base: {BASE}\npython:\n  packages: [strata-needy, idna==3.7]\n  \
             extra_index_urls: '{url}'\n{after}"
        )
    };
    let says = ["have the build see it, `after: {strata-needy: [idna]}`", ">>>   packages: "];
    Bad::new("nothing to see", &manifest(""), &says).fails();

    let manifest = manifest("  after: {strata-needy: [idna]}\n");
    let says = ["No such file or directory: 'make'", "name the compilers and", ">>>   packages: "];
    Bad::new("no toolchain", &manifest, &says).fails();

    let manifest = format!("# syntax=strata\n{manifest}system: {{build: [make]}}\n");
    let image = Built::new::<&str>(&manifest, &[], &[]);
    assert_eq!(image.run(&["python", "-c", "import strata_needy"]), "six");
    let make = image.run(&["python", "-c", "import shutil; print(shutil.which('make'))"]);
    assert_eq!(make, "None", "the toolchain is not in the image");
}

/// Needs `six` where a variable says so, and does not build without another.
const MOODY: &str = "\
import os
from setuptools import setup
os.environ['ALLOWED']
needs = ['six'] if 'WITH_SIX' in os.environ else []
setup(name='strata-moody', version='1.0', py_modules=['strata_moody'], install_requires=needs)
";

#[test]
fn what_a_package_needs_may_depend_on_variables() {
    let index = index_of("strata_moody", "", MOODY);
    let url = index.url();
    let look = "import importlib.util as it; print(it.find_spec('six') is not None)";
    // What one base or another variable made of it is in no cache of the next.
    let built = |base: &str, env: &str| {
        let manifest = format!(
            "# syntax=strata\nbase: {base}\npython:\n  packages: [strata-moody]\n  \
             extra_index_urls: '{url}'\n  env: {env}\n"
        );
        Built::new::<&str>(&manifest, &[], &[]).run(&["python", "-c", look])
    };
    let base = Built::dockerfile(&format!("FROM {BASE}\nENV WITH_SIX=1\n"));
    assert_eq!(built(BASE, "{ALLOWED: 1}"), "False");
    assert_eq!(built(&base.name, "{ALLOWED: 1}"), "True");
    assert_eq!(built(BASE, "{ALLOWED: 1, WITH_SIX: 1}"), "True");
}

#[test]
fn a_package_from_git_on_a_base_without_git() {
    let base = Built::dockerfile(&format!("FROM {BASE}\nRUN dpkg --purge git git-man\n"));
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let repository = server.create("mine").unwrap();
    let setup = "from setuptools import setup\n\
                 setup(name='strata-mine', version='1.0', py_modules=['strata_mine'])\n";
    repository.commit(&[("setup.py", setup), ("strata_mine.py", "")], "first").unwrap();
    let url = repository.url();
    let manifest = format!("base: {}\npython:\n  packages: 'strata-mine @ git+{url}'\n", base.name);
    let says = ["strata-mine comes from git, which is not here: `system: {build: [git]}`", ">>> "];
    Bad::new("no git", &manifest, &says).fails();

    let manifest = format!("# syntax=strata\n{manifest}system: {{build: [git]}}\n");
    let image = Built::new::<&str>(&manifest, &[], &[]);
    let look = "import shutil, strata_mine; print(shutil.which('git'))";
    assert_eq!(image.run(&["python", "-c", look]), "None");
}
