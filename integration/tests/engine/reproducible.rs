//! That a build gives the same bytes wherever and whenever it runs.

use integration::daemons::CURRENT;
use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::built::Built;
use crate::layers::layers;
use crate::project::Servers;
use crate::{BASE, STRATA, newcomer, registry, unique};

#[test]
fn two_cold_engines_give_the_same_layers() {
    let (registry, base) = registry();
    // Not the one of all tests: there, other images have some of these layers, and go meanwhile.
    let engines = [newcomer(CURRENT), newcomer(CURRENT)];
    let servers = Servers::start();
    // MarkupSafe's wheel has machine code in it, and docopt has no wheel: it is built.
    let requirements = "six==1.17.0\nmarkupsafe==3.0.2\ndocopt==0.6.2\n";
    let with_uv = "  installer: uv\n  env: {FLAG";
    let lock = "  lock: pylock.toml\n";
    for (installer, edits, count) in [
        ("pip", vec![], 14),
        ("uv", vec![("  env: {FLAG", with_uv), ("  requirements: [requirements.txt]\n", lock)], 19),
    ] {
        let [first, second] = engines.each_ref().map(|engine| {
            let push = format!("--output=type=image,push=true,name={}/app", registry.host());
            let project = servers.project().replace(BASE, &base).argument(push);
            // What apt installs depends on the day.
            let project = project.replace("runtime: [tini]\n  build: [make]", "runtime: []");
            let project =
                edits.iter().fold(project, |project, (from, to)| project.replace(from, to));
            let project = project.file("pylock.toml", include_str!("own_locks/pylock/pylock.toml"));
            layers(&registry, &project.file("requirements.txt", requirements).build(engine))
        });
        assert_eq!(first.len(), count, "{installer}: {first:#?}");
        assert_eq!(first, second, "{installer}");
    }
}

/// Neither is the newest that there is.
const PINS: &str = "[setuptools==75.3.0, 'packaging==24.2']";

#[test]
fn what_builds_is_held_to_releases() {
    // A package that says what it needs only when it is built, to whoever resolves.
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let setup = |name: &str| {
        format!(
            "import packaging, setuptools\n\
             with open('{name}.py', 'w') as file:\n  \
             print(f'print(\"{{setuptools.__version__}} {{packaging.__version__}}\")', file=file)\n\
             assert setuptools.__version__ == '75.3.0'\n\
             setuptools.setup(name='{name}', version='1.0', py_modules=['{name}'])\n"
        )
    };
    let backend = "[build-system]\nrequires = ['setuptools', 'packaging']\n\
                   build-backend = 'setuptools.build_meta'\n";
    let source = Package::new(&name, "1.0")
        .tells_when_built()
        .file("setup.py", &setup(&name))
        .file("pyproject.toml", backend);
    let index = PackageIndex::serve(address, [source.sdist().unwrap()]).unwrap();
    let pip = "requirements: requirements.txt, ";
    for (resolver, more) in [("uv", ""), ("pip", pip)] {
        let manifest = format!(
            "# syntax=strata\nbase: {BASE}\n\
             python: {{packages: [{name}], {more}extra_index_urls: '{}', \
             build_constraints: {PINS}}}\n\
             code: {{context: ., install: true}}\ncmd: [python, -c, 'import {name}, own']\n",
            index.url()
        );
        let files = [
            ("setup.py", &*setup("own")),
            ("pyproject.toml", backend),
            ("requirements.txt", "--prefer-binary\n"),
        ];
        let image = Built::new(&manifest, &files, &[] as &[&str]);
        assert_eq!(image.run(&[]), "75.3.0 24.2\n75.3.0 24.2");
        let lock = image.run(&["cat", "/opt/strata/pylock.toml"]);
        assert!(lock.contains(&format!("created-by = \"{resolver}\"")), "{lock}");
    }
}
