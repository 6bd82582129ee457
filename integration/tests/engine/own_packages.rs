//! Bases whose own Python has packages already, which the environment stands on.

use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::built::Built;
use crate::{BASE, DEBIAN, STRATA, unique};

/// Every package that can be imported, however often it is found, and where.
const LIST: &str = "import importlib.metadata as m\n\
                    for d in sorted(m.distributions(), key=lambda d: d.metadata['Name']):\n    \
                    print(d.metadata['Name'], d.version, d.locate_file(''))\n";

/// An image with the packages `debs` in its base and `packages` on top, of which `strata_needy`
/// needs `needs`.
fn on_top_of(debs: &str, packages: &str, needs: &[&str]) -> (Built, PackageIndex) {
    let needy = Package::of_module("strata_needy", "1.0", "");
    let needy = needs.iter().fold(needy, |needy, need| needy.needs(need));
    let newer = Package::of_module("six", "99.0", "__version__ = '99.0'\n");
    let files = [needy, newer].map(|package| package.wheel().unwrap());
    let index = PackageIndex::serve(STRATA.host_address().unwrap(), files).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {}\nsystem: {{python: [python3, python3-venv, {debs}]}}\n\
         python:\n  packages: [{packages}]\n  system_site_packages: true\n  \
         extra_index_urls: '{}'\nlabels: {{once: '{}'}}\n",
        *DEBIAN,
        index.url(),
        unique(),
    );
    (Built::new::<&str>(&manifest, &[], &[]), index)
}

/// The version and the place of a package that is there once.
fn only(list: &str, name: &str) -> (String, String) {
    let found: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split(' ').collect())
        .filter(|words: &Vec<&str>| words[0] == name)
        .collect();
    assert_eq!(found.len(), 1, "{name}: {list}");
    (found[0][1].to_owned(), found[0][2].to_owned())
}

const OF_DEBIAN: &str = "/usr/lib/python3/dist-packages";

#[test]
fn what_the_base_has_is_not_installed_again() {
    let (image, _index) = on_top_of("python3-six", "strata_needy", &["six>=1"]);
    let list = image.run(&["python", "-c", LIST]);
    assert!(only(&list, "six").1.starts_with(OF_DEBIAN), "{list}");
    assert!(only(&list, "strata_needy").1.starts_with("/opt/venv/"), "{list}");
    let pip = image.run(&["python", "-m", "pip", "list", "--format=freeze"]);
    assert_eq!(pip.lines().filter(|line| line.starts_with("six==")).count(), 1, "{pip}");
}

#[test]
fn what_the_base_has_too_old_is_installed_in_the_environment() {
    let (image, _index) = on_top_of("python3-six", "'six>=90', strata_needy", &["six>=1"]);
    let said = image.run(&["python", "-c", "import six; print(six.__version__, six.__file__)"]);
    assert!(said.starts_with("99.0 /opt/venv/"), "{said}");
    let pip = image.run(&["python", "-m", "pip", "list", "--format=freeze"]);
    let sixes: Vec<_> = pip.lines().filter(|line| line.starts_with("six==")).collect();
    assert_eq!(sixes, ["six==99.0"]);
}

#[test]
fn what_an_environment_of_the_base_has_is_not_installed_again() {
    let base = Built::dockerfile(&format!(
        "FROM {BASE}\nRUN python3 -m venv --without-pip /own && \
         python3 -m pip --python /own install --quiet six==1.16.0\nENV PATH=/own/bin:$PATH\n"
    ));
    let manifest = format!(
        "# syntax=strata\nbase: {}\n\
         python: {{packages: [six, idna==3.10], system_site_packages: true}}\n",
        base.name
    );
    let list = Built::new::<&str>(&manifest, &[], &[]).run(&["python", "-c", LIST]);
    let (version, place) = only(&list, "six");
    assert_eq!((&*version, place.starts_with("/own/")), ("1.16.0", true), "{list}");
    assert!(only(&list, "idna").1.starts_with("/opt/venv/"), "{list}");
}

#[test]
#[ignore = "slow: hundreds of megabytes from Debian"]
fn torch_of_the_base() {
    let (image, _index) = on_top_of("python3-torch", "strata_needy", &["torch>=2", "numpy>=1.26"]);
    let list = image.run(&["python", "-c", LIST]);
    for name in ["torch", "numpy"] {
        assert!(only(&list, name).1.starts_with(OF_DEBIAN), "{list}");
    }
    let tensor = "import torch; print(int(torch.ones(2, 2).sum()))";
    assert_eq!(image.run(&["python", "-c", tensor]), "4");

    let newer = "strata_needy, 'numpy>=2.3.2,<2.4'";
    let (image, _index) = on_top_of("python3-torch", newer, &["torch>=2", "numpy>=1.26"]);
    let said =
        image.run(&["python", "-c", "import numpy; print(numpy.__version__, numpy.__file__)"]);
    assert!(said.starts_with("2.3.") && said.contains(" /opt/venv/"), "{said}");
}
