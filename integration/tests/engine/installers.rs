//! Who installs, and in what order things are built, shows in nothing that a program could see.

use integration::buildx::Build;
use integration::command::output;
use integration::package::{Package, PackageFile};
use integration::package_index::PackageIndex;
use integration::workspace;

use crate::bad_input::Bad;
use crate::built::{Built, unique_name};
use crate::project::steps;
use crate::{BASE, STRATA, build, context, unique};

/// The files of an image's environment but for those that say who installed it and how: a line
/// each. Commands are told by their names, as each installer has its own text for them.
fn environment(image: &Built) -> Vec<String> {
    let list = ["python3", "-c", include_str!("files.py")];
    let files = image.run_with(&["--user=0", "--entrypoint="], &list);
    let own = ["/INSTALLER", "/RECORD", "/REQUESTED", "/direct_url.json", "/uv_cache.json"];
    let files = files.lines().filter(|line| line.starts_with("/opt/venv/")).filter(|line| {
        let path = line.split('\t').next().unwrap();
        !own.iter().any(|name| path.contains(".dist-info") && path.ends_with(name))
    });
    let told = |line: &str| match line.strip_prefix("/opt/venv/bin/") {
        Some(command) => command.split('\t').take(2).collect::<Vec<_>>().join(" "),
        None => line.to_owned(),
    };
    files.map(told).collect()
}

/// A wheel with everything that a wheel can have; it is for older Pythons, which uv and the tools
/// that lock do not heed.
fn everything() -> PackageFile {
    let data = "strata_all-1.0.data";
    Package::new("strata_all", "1.0")
        .for_python(">=3.8,<3.11")
        .file("strata_all/__init__.py", "def main():\n    print('all')\n")
        .file("strata_all/words.txt", "words\n")
        .file("strata_all/broken.py", "this is no Python\n")
        .file("google/strata/all.py", "NAME = 'all'\n")
        .file(&format!("{data}/data/share/strata/data.txt"), "data\n")
        .file(&format!("{data}/scripts/strata-shell"), "#!/bin/sh\necho shell\n")
        .file(&format!("{data}/scripts/strata-python"), "#!python\nprint('python')\n")
        .file(&format!("{data}/purelib/strata_pure.py"), "")
        .file(&format!("{data}/platlib/strata_plat.py"), "")
        .file(&format!("{data}/headers/strata.h"), "")
        .script("strata-all = strata_all:main")
        .wheel()
        .unwrap()
}

#[test]
fn pip_and_uv_install_the_same() {
    let address = STRATA.host_address().unwrap();
    let index = PackageIndex::serve(address, [everything()]).unwrap();
    let [pip, uv] = ["pip", "uv"].map(|installer| {
        let manifest = format!(
            "# syntax=strata\nbase: {BASE}\npython:\n  installer: {installer}\n  \
             extra_index_urls: '{}'\n  packages: [strata_all, protobuf==6.31.1, \
             googleapis-common-protos==1.70.0, docopt==0.6.2]\n",
            index.url(),
        );
        Built::new::<&str>(&manifest, &[], &[])
    });
    let (by_pip, by_uv) = (environment(&pip), environment(&uv));
    for part in [
        // An abi3 wheel, namespaces, data, bytecode, what was built from source.
        "google/_upb/_message.abi3.so\t",
        "google/api/annotations_pb2.py\t",
        "google/strata/all.py\t",
        "/opt/venv/share/strata/data.txt\t",
        "strata_all/__pycache__/__init__.cpython-",
        "/docopt.py\t",
        "strata-shell -rwxr-xr-x",
        "strata-python -rwxr-xr-x",
        "strata-all -rwxr-xr-x",
    ] {
        assert!(by_pip.iter().any(|line| line.contains(part)), "{part}: {by_pip:#?}");
    }
    let beyond = |own: &[String], other: &[String]| {
        own.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
    };
    assert_eq!((beyond(&by_pip, &by_uv), beyond(&by_uv, &by_pip)), (vec![], vec![]));
    for image in [pip, uv] {
        let run = "strata-all && strata-shell && strata-python && python -c \
                   'import google.api.annotations_pb2, google.strata.all, docopt, strata_pure, strata_plat'";
        assert_eq!(image.run(&["sh", "-c", run]), "all\nshell\npython");
    }
}

#[test]
fn an_installer_brings_the_bytecode_that_a_base_lacks() {
    // As Docker's own images of Python come. Python tells of each module whether it compiled it.
    let script = "find / -xdev -name __pycache__ -prune -exec rm -rf {} +\n\
                  mkdir -p /strata && cp /steps/tool_pip.txt /strata/tool.txt\n\
                  python3 -EsB /steps/tool.py pip\n\
                  python3 -EsBv -X pycache_prefix=/tool/pip/bytecode -c '\
                  import sys; sys.path.insert(0, \"/tool/pip\"); import pip._internal.commands.install' \
                  2>&1 | grep '^# code object from'";
    let steps = workspace::root().join("frontend/strata/src/plan/steps");
    let mut run = STRATA.docker(["run", "--rm", "--env=SOURCE_DATE_EPOCH=0", "--env=HOME=/root"]);
    run.arg(format!("--volume={}:/steps:ro", steps.display())).args([BASE, "sh", "-c", script]);
    let loaded = output(&mut run).unwrap();
    let (compiled, kept): (Vec<_>, Vec<_>) =
        loaded.lines().partition(|line| !line.trim_end_matches('\'').ends_with(".pyc"));
    assert_eq!(compiled, [""; 0]);
    assert!(kept.iter().any(|line| line.contains("/bytecode/tool/pip/pip/_internal/")), "{kept:?}");
    assert!(kept.iter().any(|line| line.contains("/json/decoder.")), "{kept:?}");
}

/// A project whose package `strata_late` has to see `strata_seen` as it is built.
struct Late {
    index: PackageIndex,
    name: String,
}

impl Late {
    fn serve() -> Self {
        let seen = |version: &str| {
            Package::of_module("strata_seen", version, &format!("VERSION = '{version}'\n")).wheel()
        };
        let setup = "import setuptools, strata_seen\n\
                     open('strata_late.py', 'w').write(f'SEEN = {strata_seen.VERSION!r}\\n')\n\
                     setuptools.setup(name='strata_late', version='1.0', py_modules=['strata_late'])\n";
        let late = Package::new("strata_late", "1.0").file("setup.py", setup).sdist();
        let name = format!("strata_{}", unique());
        let other = |version: &str| Package::of_module(&name, version, "").wheel();
        let files = [seen("1.0"), seen("1.1"), late, other("1.0"), other("1.1")];
        let address = STRATA.host_address().unwrap();
        let index = PackageIndex::serve(address, files.map(Result::unwrap)).unwrap();
        Self { index, name }
    }

    fn manifest(&self, seen: &str, other: &str, after: &str) -> String {
        format!(
            "base: {BASE}\npython:\n  extra_index_urls: '{}'\n  \
             packages: [strata_late, strata_seen=={seen}, {}=={other}]\n{after}",
            self.index.url(),
            self.name,
        )
    }

    /// The steps that run, and what the late package saw.
    fn builds(&self, seen: &str, other: &str) -> (Vec<String>, String) {
        let after = "  after: {strata_late: [strata_seen]}\n";
        let manifest = format!("# syntax=strata\n{}", self.manifest(seen, other, after));
        let folder = context(&[("strata.yaml", &manifest)]);
        let image = Built { name: unique_name() };
        let mut command = build(&STRATA, folder.path());
        let build = Build::succeed(command.args(["--tag", &image.name])).unwrap();
        let steps = steps(&build).into_iter().filter(|step| !step.starts_with("[lock]"));
        let saw = ["python", "-c", "import strata_late; print(strata_late.SEEN)"];
        (steps.collect(), image.run(&saw))
    }
}

#[test]
fn a_build_sees_what_it_comes_after() {
    let late = Late::serve();
    let says = [
        "No module named 'strata_seen'",
        "have the build see it, `after: {strata-late: [strata_seen]}`",
        ">>>   packages: [strata_late, ",
    ];
    Bad::new("a build that sees nothing", &late.manifest("1.0", "1.0", ""), &says).fails();

    assert_eq!(late.builds("1.0", "1.0").1, "1.0");
    let (steps, saw) = late.builds("1.1", "1.0");
    assert_eq!(steps, ["[packages] install strata-seen 1.1", "[source] build strata-late 1.0"]);
    assert_eq!(saw, "1.1");
    let (steps, saw) = late.builds("1.1", "1.1");
    let other = late.name.replace('_', "-");
    assert_eq!(steps, [format!("[packages] install {other} 1.1")]);
    assert_eq!(saw, "1.1");
}

/// A wheel of a package that has files of others, too.
fn greedy(name: &str) -> PackageFile {
    let text = format!("OWNER = '{name}'\n");
    Package::new(name, "1.0")
        .file("strata_shared/__init__.py", &text)
        .file("strata_shared/same.py", "")
        .wheel()
        .unwrap()
}

const OWNER: &str = "import strata_shared; print(strata_shared.OWNER)";

#[test]
fn packages_of_a_family_that_own_the_same_files_end_as_pip_leaves_them() {
    let address = STRATA.host_address().unwrap();
    // The name of the first says that it belongs to OpenCV's packages.
    let names = ["opencv_strata_b", "opencv_strata_c", "opencv_strata_a"];
    let index = PackageIndex::serve(address, names.map(greedy)).unwrap();
    let pip = format!(
        "python3 -m venv /tmp/venv && /tmp/venv/bin/pip install --quiet --retries 10 --trusted-host {address} \
         --extra-index-url {} {} && /tmp/venv/bin/python -c '{OWNER}'",
        index.url(),
        names.join(" "),
    );
    let left = output(STRATA.docker(["run", "--rm", BASE, "sh", "-c"]).arg(pip)).unwrap();
    for installer in ["pip", "uv"] {
        let manifest = format!(
            "# syntax=strata\nbase: {BASE}\npython: {{packages: [{}], installer: {installer}, \
             extra_index_urls: '{}'}}\n",
            names.join(", "),
            index.url(),
        );
        let image = Built::new::<&str>(&manifest, &[], &[]);
        assert_eq!(image.run(&["python", "-c", OWNER]), left, "{installer}");
    }
}

#[test]
fn packages_that_own_the_same_files_are_reported() {
    let address = STRATA.host_address().unwrap();
    let names = ["strata_greedy", "strata_greedier"];
    let index = PackageIndex::serve(address, names.map(greedy)).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython:\n  packages: [{}]\n  extra_index_urls: '{}'\n  \
         verify: [strata_shared]\nlabels: {{once: '{}'}}\n",
        names.join(", "),
        index.url(),
        unique(),
    );
    let folder = context(&[("strata.yaml", &manifest)]);
    let build = Build::succeed(&mut build(&STRATA, folder.path())).unwrap();
    let said = &build.vertex("[verify] import strata_shared").unwrap().log;
    assert!(
        said.contains("strata_greedier and strata_greedy both have ")
            || said.contains("strata_greedy and strata_greedier both have "),
        "{said}"
    );
    assert!(said.contains("/site-packages/strata_shared/__init__.py"), "{said}");
    assert!(!said.contains("same.py"), "{said}");
}
