//! `strata.lock` by value.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
    sync::Arc,
};

use llb::SourceFile;
use strata::{
    environment::Environment,
    facts::{Interpreter, Libc, Pick, Probe},
    inputs::Inputs,
    listing::Listing,
    lock::{File, Lock, Source},
    recipe::{self, Choices, Pipeline, Recipe},
    requirements::InstallSet,
    strata_lock::{Entry, Key, Misfit, StrataLock, asked, beside},
};

fn probe() -> Probe {
    Probe {
        python: Interpreter {
            version: "3.12.4".into(),
            implementation: "cpython".into(),
            implementation_version: "3.12.4".into(),
            soabi: None,
            platform: "linux-x86_64".into(),
            bits: 64,
        },
        machine: "x86_64".into(),
        libc: Libc { name: "glibc".into(), version: "2.36".into() },
        users: BTreeMap::new(),
        links: BTreeMap::new(),
        folders: BTreeMap::new(),
        packages: None,
    }
}

fn environment() -> Environment {
    probe().environment()
}

fn parse(text: &str) -> Result<StrataLock, String> {
    StrataLock::read("strata.lock", text.into()).map_err(|mistakes| mistakes.to_string())
}

fn key(platform: &str, variant: &str, dev: bool) -> Key {
    Key { platform: platform.into(), variant: variant.into(), dev }
}

/// A release.
fn pick(name: &str, version: &str) -> Pick {
    let file = format!("{name}-{version}-py3-none-any.whl");
    Pick {
        name: name.into(),
        version: Some(version.into()),
        url: format!("https://example.org/{file}"),
        file,
        hashes: vec![format!("sha256:{}", "0".repeat(64)), format!("sha512:{}", "1".repeat(128))],
        direct: false,
        built: false,
        size: None,
        needs: BTreeSet::new(),
    }
}

/// One package of each kind.
fn picks() -> Vec<Pick> {
    let archive = Pick {
        url: "https://example.org/archive.zip#subdirectory=python/\"odd\"".into(),
        file: "archive.zip".into(),
        direct: true,
        built: true,
        ..pick("archive", "1.0")
    };
    let git = Pick {
        version: None,
        file: String::new(),
        url: format!("git+https://example.org/git.git@{}#subdirectory=python", "a".repeat(40)),
        hashes: Vec::new(),
        direct: true,
        built: true,
        ..pick("git", "")
    };
    let source = Pick {
        url: "https://example.org/source-1.0.tar.gz".into(),
        file: "source-1.0.tar.gz".into(),
        built: true,
        ..pick("source", "1.0")
    };
    let wheel = Pick {
        size: Some(1234),
        needs: ["git".to_owned(), "source".to_owned()].into(),
        ..pick("wheel", "1.0+cu126")
    };
    vec![archive, git, source, wheel]
}

fn entry(base: &str, picks: &[Pick]) -> Entry {
    let digest = Some("sha256:abc".into());
    Entry::new(base, digest, "sha256:def".into(), None, &probe(), picks)
}

#[test]
fn what_is_written_is_read_again() {
    let mut lock = StrataLock::default();
    assert_eq!(parse(&lock.text()).unwrap().text(), lock.text(), "nothing in it");
    lock.set(key("linux/amd64", "", false), entry("python:3.12-slim", &picks()));
    lock.set(key("linux/amd64", "", true), entry("python:3.12-slim", &[]));
    let other =
        Entry::new("a \"b\"\n", None, "".into(), Some("https://e.org/simple"), &probe(), &[]);
    lock.set(key("linux/arm64/v8", "nvidia", false), other);
    insta::assert_snapshot!(lock.text());
    assert_eq!(parse(&lock.text()).unwrap().text(), lock.text());
    // Whatever a person's editor makes of it.
    let rewritten = lock.text().replace("\n\n", "\n# mine\n").replace(" = ", "=");
    assert_eq!(parse(&rewritten).unwrap().text(), lock.text());
}

#[test]
fn a_model_is_the_same_on_another_hub() {
    let hub = |words: &str| {
        let data = format!("base: b\nmodels: [{{hf: org/name, {words}}}]\n");
        let (name, language) = ("strata.yaml".into(), "YAML".into());
        let file = SourceFile { name, language, data: data.into() };
        let recipe = recipe::read(Arc::new(file), &Choices::default()).unwrap();
        let recipe::Source::Hub(hub) = &recipe.models[0].source else { panic!("{words}") };
        hub.clone()
    };
    let listing = Listing { commit: "c".repeat(40), license: None, files: Vec::new() };
    let mut lock = StrataLock::default();
    lock.set_models("", [(&hub("revision: v1"), listing.clone())]);
    let lock = parse(&lock.text()).unwrap();
    let mirrored = hub("revision: v1, endpoint: https://mirror.example");
    assert_eq!(lock.model("", &mirrored), Some(&listing));
    assert_eq!(lock.model("", &hub("revision: v2")), None);
}

#[test]
fn a_pipelines_checksum() {
    let pipeline = |version: &str| Pipeline { name: "en_tiny".into(), version: version.into() };
    let (sum, mut lock) = ("0a".repeat(32), StrataLock::default());
    lock.set_pipelines("", [(&pipeline("3.8.0"), sum.clone())]);
    let twice = [(&pipeline("3.7.0"), sum.clone()), (&pipeline("3.7.0"), sum.clone())];
    lock.set_pipelines("small", twice);
    assert_eq!(lock.text().matches("[[pipelines]]").count(), 2);
    let read = parse(&lock.text()).unwrap();
    assert_eq!(read, lock);
    assert_eq!(read.pipeline("", &pipeline("3.8.0")), Some(sum.as_str()));
    assert_eq!(read.pipeline("", &pipeline("3.7.0")), None);
    // As other tools write it.
    let loud = lock.text().replace(&sum, &format!("sha256:{}", sum.to_uppercase()));
    assert_eq!(parse(&loud).unwrap(), lock);
    lock.set_pipelines("", []);
    assert_eq!(lock.pipeline("", &pipeline("3.8.0")), None);
    assert_eq!(lock.pipeline("small", &pipeline("3.7.0")), Some(sum.as_str()));
    let wrong = parse(&lock.text().replace("0a0a", "")).unwrap_err();
    assert!(
        wrong.starts_with("strata.lock:5: `sha256`: expected 64 hexadecimal digits"),
        "{wrong}"
    );
}

#[test]
fn its_packages_are_those_that_were_picked() {
    let key = key("linux/amd64", "", false);
    let mut lock = StrataLock::default();
    lock.set(key.clone(), entry("base", &picks()));
    let read = parse(&lock.text()).unwrap();
    let entry = read.entry(&key).unwrap();
    assert_eq!(entry.preferences(), ["archive==1.0", "source==1.0", "wheel==1.0+cu126"]);
    let Lock { packages, says_needs, .. } =
        entry.lock(&environment(), &InstallSet::default()).unwrap();
    assert!(says_needs);
    let [archive, git, source, wheel] = &packages[..] else { panic!("{packages:?}") };
    let Source::Archive { file, subdirectory } = &archive.source else { panic!("{archive:?}") };
    assert_eq!(file.url.as_deref(), Some("https://example.org/archive.zip"));
    assert_eq!(subdirectory.as_deref(), Some("python/\"odd\""));
    let (url, commit) = ("https://example.org/git.git".into(), "a".repeat(40));
    assert_eq!(git.source, Source::Git { url, commit, subdirectory: Some("python".into()) });
    let Source::Release { wheels, sdist: Some(sdist) } = &source.source else {
        panic!("{source:?}")
    };
    assert_eq!((wheels.len(), sdist.name.as_str()), (0, "source-1.0.tar.gz"));
    let Source::Release { wheels, sdist: None } = &wheel.source else { panic!("{wheel:?}") };
    let picked = &picks()[3];
    let (name, url, size) = (picked.file.clone(), Some(picked.url.clone()), Some(1234));
    let hashes = picked.hashes.iter().cloned().collect();
    assert_eq!(wheels[..], [File { name, url, hashes, size }]);
    assert_eq!(wheel.needs, picked.needs);
}

#[test]
fn the_python_that_it_is_for() {
    let native =
        Pick { file: "wheel-1.0-cp311-cp311-linux_x86_64.whl".into(), ..pick("wheel", "1.0") };
    let misfit = Misfit::Python(environment());
    for (pick, expected) in [(pick("wheel", "1.0"), None), (native, Some(&misfit))] {
        let mut lock = StrataLock::default();
        lock.set(key("linux/amd64", "", false), entry("base", &[pick]));
        let read = parse(&lock.text()).unwrap();
        let entry = read.entry(&key("linux/amd64", "", false)).unwrap();
        assert_eq!(entry.misfit(&probe(), &InstallSet::default()), Ok(expected.cloned()));
        let [package] = &entry.lock(&environment(), &InstallSet::default()).unwrap().packages[..]
        else {
            panic!("one")
        };
        let location = package.location.as_ref().unwrap();
        assert_eq!((&*location.file.name, location.lines.start), ("strata.lock", 12));
    }
    // Of another Python, a marker may ask for other packages.
    let mut lock = StrataLock::default();
    lock.set(key("linux/amd64", "", false), entry("base", &[pick("wheel", "1.0")]));
    for (python, expected) in [("python = \"3.11\"", Some(misfit)), ("", None)] {
        let text = lock.text().replace("python = \"3.12\"", python);
        let read = parse(&text).unwrap();
        let entry = read.entry(&key("linux/amd64", "", false)).unwrap();
        assert_eq!(entry.misfit(&probe(), &InstallSet::default()), Ok(expected), "{python}");
    }
}

#[test]
fn the_packages_of_the_base_that_it_is_for() {
    let with = |packages: Option<&str>| Probe { packages: packages.map(str::to_owned), ..probe() };
    let key = key("linux/amd64", "", false);
    for (made, found, expected) in [
        (Some("sha256:a"), Some("sha256:a"), None),
        (Some("sha256:a"), Some("sha256:b"), Some(Misfit::Installed)),
        // What stands in for a base may have an environment that goes on, or none.
        (None, Some("sha256:a"), Some(Misfit::Unnoted)),
        (Some("sha256:a"), None, Some(Misfit::Installed)),
        (None, None, None),
    ] {
        let mut lock = StrataLock::default();
        let packages = [pick("wheel", "1.0")];
        lock.set(key.clone(), Entry::new("b", None, "".into(), None, &with(made), &packages));
        let read = parse(&lock.text()).unwrap();
        let misfit = read.entry(&key).unwrap().misfit(&with(found), &InstallSet::default());
        assert_eq!(misfit, Ok(expected), "{made:?} {found:?}");
    }
}

/// The recipe of a manifest, and what it requires.
fn required(manifest: &str) -> (Recipe, InstallSet) {
    let (name, language) = ("strata.yaml".into(), "YAML".into());
    let file = SourceFile { name, language, data: manifest.into() };
    let recipe = recipe::read(Arc::new(file), &Choices::default()).unwrap();
    let requirements = Inputs::new(&recipe).demand(&recipe).unwrap().requirements;
    (recipe, requirements)
}

#[test]
fn what_a_manifest_may_change_and_the_lock_stays_fresh() {
    let (base, packages) = ("base: python:3.12-slim", "packages: [wheel]");
    let manifest = format!("{base}\npython: {{{packages}}}\n");
    let (recipe, requirements) = required(&manifest);
    let digest = Some(format!("sha256:{}", "d".repeat(64)));
    let entry = |digest| {
        let asked = asked(&recipe, &requirements);
        Entry::new("python:3.12-slim", digest, asked, None, &probe(), &[pick("wheel", "1")])
    };
    let index = "index_url: https://mirror.example/simple";
    let extra = "extra_index_urls: https://mirror.example/simple";
    for (from, to, is_fresh) in [
        (base, base.to_owned(), true),
        (packages, format!("{packages}, {index}"), true),
        (packages, format!("{packages}, {index}, installer: uv"), true),
        (packages, format!("{packages}, {extra}"), false),
        (packages, format!("{packages}, torch: cpu"), false),
        (packages, "packages: [wheel>=1]".to_owned(), false),
        (base, "base: mirror.example/hub/library/python:3.12-slim".to_owned(), true),
        (base, "base: mirror.example/corp/python:3.12-slim".to_owned(), false),
        (base, "base: mirror.example/library/python:3.13-slim".to_owned(), false),
    ] {
        let (recipe, requirements) = required(&manifest.replace(from, &to));
        assert_eq!(entry(digest.clone()).is_fresh(&recipe, &requirements), is_fresh, "{to}");
        // Without a digest, another name may be another image.
        let is_named = is_fresh && !to.contains("mirror.example/hub");
        assert_eq!(entry(None).is_fresh(&recipe, &requirements), is_named, "{to}");
    }
}

#[test]
fn files_of_another_index_are_to_be_looked_up() {
    let (mirror, other) = (Some("https://mirror.example/simple"), "https://other.example/simple");
    let at = |name: &str, host: &str| {
        let pick = pick(name, "1");
        Pick { url: pick.url.replace("example.org", host), ..pick }
    };
    let archive = Pick { direct: true, ..at("archive", "files.pythonhosted.org") };
    let picks = [
        archive,
        at("extra", "extra.example"),
        at("mirrored", "mirror.example:8443/packages"),
        at("public", "files.pythonhosted.org/packages"),
    ];
    let pypi = Some("https://pypi.org/simple");
    for (made, asked, expected) in [
        (None, None, &[][..]),
        (None, pypi, &[]),
        (pypi, None, &[]),
        (mirror, mirror, &[]),
        (None, mirror, &["public"]),
        (mirror, None, &["mirrored"]),
        (mirror, pypi, &["mirrored"]),
        (mirror, Some(other), &["mirrored", "public"]),
    ] {
        let mut lock = StrataLock::default();
        let key = key("linux/amd64", "", false);
        lock.set(key.clone(), Entry::new("b", None, "".into(), made, &probe(), &picks));
        let read = parse(&lock.text()).unwrap();
        let index = asked.map(|url| format!("index_url: {url}/")).unwrap_or_default();
        let (_, requirements) = required(&format!("base: b\npython: {{{index}}}\n"));
        let lock = read.entry(&key).unwrap().lock(&environment(), &requirements).unwrap();
        let pins = lock.unlocated();
        let hashes = format!(" --hash=sha256:{} --hash=sha512:{}", "0".repeat(64), "1".repeat(128));
        let expected: Vec<_> = expected.iter().map(|name| format!("{name}==1{hashes}")).collect();
        assert_eq!(pins, expected, "{made:?} {asked:?}");
    }
}

#[test]
fn a_plan_without_an_engine_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let manifest = "base: python:3.12-slim\npython: {packages: [wheel]}\n\
                    dev: {python: {packages: [source]}}\n";
    write("api.yaml", manifest);
    let recipe = |target: Option<&str>| {
        let (name, language) = ("api.yaml".into(), "YAML".into());
        let file = SourceFile { name, language, data: manifest.into() };
        let choices = Choices { target: target.map(str::to_owned), ..Choices::default() };
        recipe::read(Arc::new(file), &choices).unwrap()
    };
    let plan = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
        command.current_dir(folder.path()).args(["plan", "--file=api.yaml"]).args(arguments);
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let mut lock = StrataLock::default();
    let mut set = |target: Option<&str>, picks: &[Pick]| {
        let recipe = recipe(target);
        let requirements = Inputs::new(&recipe).demand(&recipe).unwrap().requirements;
        let asked = asked(&recipe, &requirements);
        let entry = Entry::new("python:3.12-slim", None, asked, None, &probe(), picks);
        lock.set(key("linux/amd64", "", target.is_some()), entry);
    };
    set(None, &[pick("torch", "1.0"), pick("wheel", "1.0")]);
    set(Some("dev"), &[pick("source", "1.0"), pick("torch", "1.0"), pick("wheel", "1.0")]);
    let without = plan(&[]);
    assert!(without.contains("install wheel  "), "{without}");
    write("api.lock", &lock.text());
    let with = plan(&[]);
    for said in ["install wheel 1.0  ", "install torch 1.0  "] {
        assert!(with.contains(said), "{said}:\n{with}");
    }
    assert!(!with.contains("resolve "), "{with}");
    assert!(plan(&["--target=dev"]).contains("install source 1.0  "));
    let foreign = plan(&["--platform=linux/arm64"]);
    assert!(foreign.contains("resolve wheel"), "{foreign}");
    write("api.yaml", &manifest.replace("[wheel]", "[wheel>=1]"));
    let stale = plan(&[]);
    assert!(stale.contains("resolve wheel"), "{stale}");
}

#[test]
fn the_nearest_entry() {
    let nearest = |keys: &[(&str, &str, bool)], to: (&str, &str, bool)| {
        let mut lock = StrataLock::default();
        for (platform, variant, dev) in keys {
            let base = format!("{platform} {variant} {dev}");
            lock.set(key(platform, variant, *dev), entry(&base, &[]));
        }
        lock.nearest(&key(to.0, to.1, to.2)).map(|entry| entry.base.clone()).unwrap_or_default()
    };
    let (amd, arm) = ("linux/amd64", "linux/arm64");
    let all = [(amd, "", false), (amd, "", true), (amd, "x", false), (arm, "", false)];
    for to in all {
        assert_eq!(nearest(&all, to), format!("{} {} {}", to.0, to.1, to.2), "its own");
    }
    assert_eq!(nearest(&all, (amd, "x", true)), "linux/amd64 x false", "production's");
    assert_eq!(nearest(&all, (arm, "", true)), "linux/arm64  false", "its platform's");
    assert_eq!(nearest(&all, (arm, "x", false)), "linux/amd64 x false", "its variant's");
    assert_eq!(nearest(&all[..1], (arm, "y", true)), "linux/amd64  false", "any");
    assert_eq!(nearest(&[], (amd, "", false)), "");
}

#[test]
fn its_name_is_the_manifests() {
    for (manifest, lock) in [
        ("strata.yaml", "strata.lock"),
        ("api.yml", "api.lock"),
        ("deploy/api.yaml", "deploy/api.lock"),
        ("/strata.yaml", "/strata.lock"),
        ("Strata", "Strata.lock"),
        ("a.yaml.b", "a.yaml.b.lock"),
    ] {
        assert_eq!(beside(manifest), lock);
    }
}

#[test]
fn what_is_refused() {
    let key = key("linux/amd64", "", false);
    let mut lock = StrataLock::default();
    lock.set(key.clone(), entry("base", &picks()));
    let text = lock.text();
    let refused = |text: &str| match parse(text) {
        Err(mistakes) => mistakes,
        Ok(lock) => lock
            .entry(&key)
            .unwrap()
            .lock(&environment(), &InstallSet::default())
            .unwrap_err()
            .to_string(),
    };
    let cases = [
        ("no TOML", refused("<<<<<<< HEAD\n")),
        ("another version", refused(&text.replace("version = 1\n", "version = 2\n"))),
        ("no version", refused(&text.replace("version = 1\n", ""))),
        ("no base", refused(&text.replace("base = \"base\"\n", ""))),
        (
            "another target",
            refused(&text.replace("base = \"base\"\n", "target = \"prod\"\nbase = \"base\"\n")),
        ),
        ("a package without a name", refused(&text.replace("name = \"source\"\n", ""))),
        (
            "a wheel without a URL",
            refused(&text.replace("url = \"https://example.org/wheel", "link = \"")),
        ),
        ("a weak hash", refused(&text.replace("sha256", "md5").replace("sha512", "sha1"))),
        ("a branch", refused(&text.replace(&"a".repeat(40), "main"))),
        ("a package twice", refused(&text.replace("name = \"source\"\n", "name = \"wheel\"\n"))),
        ("a package from nowhere", refused(&text.replace("sdist = ", "source = "))),
    ];
    let told = cases.map(|(what, told)| format!("# {what}\n{told}\n"));
    insta::assert_snapshot!(told.join("\n"));
}
