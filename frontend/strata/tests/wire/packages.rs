//! What is installed, as files of all kinds say it and as it was resolved.

use std::collections::BTreeSet;

use buildkit_proto::pb;
use llb::SourceFile;
use strata::{
    inputs::Inputs,
    recipe::{self, Choices},
    strata_lock,
};

use super::*;

const LOCK: &str = "/opt/strata/pylock.toml";

/// A wheel in a lock.
fn wheel(name: &str, tags: &str) -> String {
    let hash = "a".repeat(64);
    format!(
        "name = \"{name}\"\nversion = \"1\"\nwheels = [{{ name = \"{name}-1-{tags}.whl\", url = \
         \"https://e.org/{name}-1-{tags}.whl\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
    )
}

/// What the resolver comes to.
fn resolved() -> String {
    let packages = wheel("six", "py3-none-any");
    format!("lock-version = \"1.0\"\ncreated-by = \"uv\"\n[[packages]]\n{packages}")
}

/// A daemon whose resolver comes to the package `six`.
fn resolving(manifest: &str) -> Daemon {
    let mut daemon = daemon(manifest).with_file(BASE, LOCK, resolved());
    daemon.pong.as_mut().unwrap().llb_caps.extend(enabled(&[
        "exec.meta.proxyenv",
        "exec.mount.cache",
        "exec.mount.cache.sharing",
        "exec.mount.secret",
        "exec.secretenv",
        "file.symlink.create",
    ]));
    daemon
}

/// The texts that the image has in files of this name, the last written last.
fn written(calls: &[Call], path: &str) -> Vec<String> {
    let solved = calls.iter().rev().find_map(|call| match call {
        Call::Solve(solve) => solve.definition.as_ref(),
        _ => None,
    });
    let actions = daemon::operations(solved.unwrap()).into_iter().flat_map(|op| match op {
        pb::op::Op::File(file) => file.actions,
        _ => Vec::new(),
    });
    let texts = actions.filter_map(|action| match action.action {
        Some(pb::file_action::Action::Mkfile(made)) if made.path == path => {
            Some(String::from_utf8(made.data).unwrap())
        }
        _ => None,
    });
    texts.collect()
}

/// A manifest, and the lock of it that was made when its base had another Python.
const MANIFEST: &str = "base: python:3\nuser: root\npython: {packages: [six]}\n";

fn lock(tags: &str) -> String {
    let file = SourceFile {
        name: "strata.yaml".to_owned(),
        language: "YAML".to_owned(),
        data: MANIFEST.into(),
    };
    let recipe = recipe::read(Arc::new(file), &Choices::default()).unwrap();
    let requirements = Inputs::new(&recipe).demand(&recipe).unwrap().requirements;
    let asked = strata_lock::asked(&recipe, &requirements);
    let package = wheel("six", tags);
    format!(
        "version = 1\n[[images]]\nplatform = \"linux/amd64\"\nbase = \"python:3\"\nasked = \
         \"{asked}\"\n[[images.packages]]\n{package}"
    )
}

/// What a build with the lock warns of, and the texts at `path`.
async fn with_lock(tags: &str, target: &str, path: &str) -> (Vec<String>, Vec<String>) {
    let daemon = resolving(MANIFEST).with_file("local://dockerfile", "strata.lock", lock(tags));
    let (result, calls) = build(daemon, &[("platform", "linux/amd64"), ("target", target)]).await;
    result.unwrap();
    (calls.iter().filter_map(warned).collect(), written(&calls, path))
}

/// The words of a warning.
fn warned(call: &Call) -> Option<String> {
    match call {
        Call::Warn(warning) => Some(String::from_utf8(warning.short.clone()).unwrap()),
        _ => None,
    }
}

#[tokio::test]
async fn a_lock_for_another_python_than_the_base_has_by_now() {
    let (warnings, bills) = with_lock("py3-none-any", "image", LOCK).await;
    assert_eq!((warnings.len(), bills.len()), (0, 1), "{warnings:?}");
    let (warnings, bills) = with_lock("cp311-cp311-manylinux_2_17_x86_64", "image", LOCK).await;
    let [warning] = &warnings[..] else { unreachable!("{warnings:?}") };
    let said = "StaleLock: packages of strata.lock are not for the base, CPython 3.12.4 on ";
    assert!(warning.starts_with(said), "{warning}");
    assert!(bills.is_empty(), "it is resolved anew");
    let renewed = with_lock("cp311-cp311-manylinux_2_17_x86_64", "lock", "/strata.lock").await;
    let [lock] = &renewed.1[..] else { unreachable!("one is written") };
    assert!(lock.contains("six-1-py3-none-any.whl") && !lock.contains("cp311"), "{lock}");
}

#[tokio::test]
async fn a_lock_beside_other_packages_than_the_base_has_by_now() {
    let noted = "installed = \"sha256:old\"\n";
    let of_others = "packages of strata.lock are not for what the base has installed by now";
    let of_none = "strata.lock does not note what the base has installed";
    for (installed, noted, expected) in
        [("old", noted, None), ("new", noted, Some(of_others)), ("new", "", Some(of_none))]
    {
        let probe = PROBE.replacen('{', &format!("{{\"packages\": \"sha256:{installed}\","), 1);
        let lock = lock("py3-none-any").replace("asked = ", &format!("{noted}asked = "));
        let daemon = resolving(MANIFEST)
            .with_file(BASE, "/opt/strata/probe.json", probe)
            .with_file("local://dockerfile", "strata.lock", lock);
        let (result, calls) = build(daemon, &[("platform", "linux/amd64")]).await;
        result.unwrap();
        let said: Vec<_> = calls.iter().filter_map(warned).collect();
        let renew = "renew it with `docker buildx build --target lock --output . …` (line 3)";
        let expected = expected.map(|told| format!("StaleLock: {told}: {renew}"));
        assert_eq!(said, expected.as_slice());
        let is_fresh = expected.is_none();
        assert_eq!(written(&calls, LOCK).len(), usize::from(is_fresh), "else it is resolved anew");
    }
}

#[tokio::test]
async fn what_stands_in_for_a_base_is_not_noted_as_that() {
    const OTHER: &str = "docker-image://docker.io/library/other:1@\
                         sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    let (name, digest) = OTHER.split_once('@').unwrap();
    let noted = format!("digest = \"{}\"\n", BASE.split_once('@').unwrap().1);
    let with_digest = lock("py3-none-any").replace("asked = ", &format!("{noted}asked = "));
    for (before, is_noted) in [("version = 1\n", false), (&*with_digest, true)] {
        let mut daemon = resolving(MANIFEST)
            .with_file(OTHER, "/opt/strata/probe.json", PROBE)
            .with_file(OTHER, LOCK, resolved())
            .with_file("local://dockerfile", "strata.lock", before);
        let mut other = daemon.sources.values().next().unwrap().clone();
        other.image.as_mut().unwrap().digest = digest.to_owned();
        daemon.sources.insert(name, other);
        let stand_in = ("context:python:3", "docker-image://other:1");
        let options = [("target", "lock"), ("platform", "linux/amd64"), stand_in];
        let (result, calls) = build(daemon, &options).await;
        result.unwrap();
        let [lock] = &written(&calls, "/strata.lock")[..] else { unreachable!("one is written") };
        assert!(lock.contains("six-1-py3-none-any.whl") && !lock.contains(digest), "{lock}");
        assert_eq!(lock.contains(&noted), is_noted, "{lock}");
    }
}

#[tokio::test]
async fn sources_of_system_packages_are_read_before_the_base_is_looked_at() {
    let manifest = "base: python:3\nuser: root\nsystem:\n  python: [python3]\n  \
                    sources: [deploy/own.list]\n";
    let list = "deb https://e.org/debian stable main\n";
    let with =
        |list: &str| resolving(manifest).with_file("local://context", "deploy/own.list", list);
    let (result, calls) = build(with(list), &[]).await;
    result.unwrap();
    assert_eq!(written(&calls, "/own.list"), [list]);
    let error = build(resolving(manifest), &[]).await.0.unwrap_err();
    let told = "strata.yaml:5: cannot read `deploy/own.list`: there is no such file\n";
    assert!(error.message().starts_with(told), "{error}");
    let error = build(with("deb https://u:p@e.org x y"), &[]).await.0.unwrap_err();
    assert!(error.message().starts_with("deploy/own.list:1: a URL with credentials"), "{error}");
}

#[tokio::test]
async fn a_warning_is_shown_once_and_may_fail_the_build() {
    let manifest = "# check=error=true\n".to_owned() + MANIFEST;
    let stale = lock("py3-none-any").replace("asked = \"", "asked = \"no longer ");
    let stale = stale.clone() + &stale["version = 1\n".len()..].replace("amd64", "arm64");
    let daemon = resolving(&manifest).with_file("local://dockerfile", "strata.lock", stale);
    let options = [("platform", "linux/amd64,linux/arm64"), ("devices", "gpu")];
    let (result, calls) = build(daemon, &options).await;
    let error = result.unwrap_err();
    let failed = "lint violation found for rules: IgnoredOption, StaleLock\n";
    assert!(error.message().starts_with(failed), "{error}");
    let warnings: Vec<_> = calls
        .iter()
        .filter_map(|call| match call {
            Call::Warn(warning) => {
                let line = warning.ranges.first().map(|range| range.start.as_ref().unwrap().line);
                Some((String::from_utf8(warning.short.clone()).unwrap(), line))
            }
            _ => None,
        })
        .collect();
    let [(ignored, None), (stale, Some(4))] = &warnings[..] else { unreachable!("{warnings:?}") };
    assert!(ignored.starts_with("IgnoredOption: "), "{ignored}");
    assert!(stale.starts_with("StaleLock: ") && stale.ends_with(" …` (line 4)"), "{stale}");
}

#[tokio::test]
async fn a_node_of_several_writes_no_lock() {
    let options = |more: &[(&'static str, &'static str)]| {
        [&[("target", "lock"), ("platform", "linux/amd64")], more].concat()
    };
    let alone = [("multi-platform", "true"), ("build-arg:BUILDKIT_MULTI_PLATFORM", "1")];
    build(resolving(MANIFEST), &options(&alone)).await.0.unwrap();
    let error = build(resolving(MANIFEST), &options(&alone[..1])).await.0.unwrap_err();
    assert!(error.message().starts_with("this builder has several nodes"), "{error}");
}

#[tokio::test]
async fn a_python_that_the_project_is_not_for() {
    let project =
        "[project]\nname = \"shop\"\nrequires-python = \">=3.13\"\ndependencies = [\"six\"]\n";
    let daemon = resolving("base: python:3\nuser: root\npython: {pyproject: pyproject.toml}\n")
        .with_file("local://context", "pyproject.toml", project);
    let error = build(daemon, &[]).await.0.unwrap_err();
    let told = "pyproject.toml:3: Python `>=3.13` is required; the base has 3.12.4";
    assert!(error.message().starts_with(told), "{error}");
}

#[tokio::test]
async fn a_project_that_is_laid_out_in_src() {
    let project = "[project]\nname = \"my-shop\"\n[build-system]\nrequires = [\"uv_build\"]\n";
    let manifest = "base: python:3\nuser: root\npython: {pyproject: pyproject.toml}\n\
                    code: {source: ., subdir: app}\ncmd: [uvicorn, \"my_shop:app\"]\n";
    for (path, is_told) in [
        ("/app/src/my_shop/__init__.py", true),
        ("/app/src/my_shop.py", true),
        ("/app/my_shop/__init__.py", false),
        ("/app/src/other/__init__.py", false),
        ("/src/my_shop/__init__.py", false),
    ] {
        let daemon = resolving(&manifest.replace("pyproject.toml", "app/pyproject.toml"))
            .with_file("local://context", "app/pyproject.toml", project)
            .with_file("local://context", path, "app = 1\n");
        let (result, calls) = build(daemon, &[]).await;
        result.unwrap();
        let warnings = calls.iter().filter_map(|call| match call {
            Call::Warn(warning) => Some(String::from_utf8(warning.short.clone()).unwrap()),
            _ => None,
        });
        let told = "UninstalledCode: `my-shop` is in the code and not installed, ";
        let told = warnings.filter(|warning| warning.starts_with(told)).count();
        assert_eq!(told, usize::from(is_told), "{path}");
    }
}

#[tokio::test]
async fn what_a_lock_has_beyond_an_index_is_on_the_bill() {
    let (hash, commit) = ("a".repeat(64), "c".repeat(40));
    let lock = format!(
        "{{\"_meta\": {{}}, \"default\": {{\
         \"six\": {{\"version\": \"==1\", \"hashes\": [\"sha256:{hash}\"]}}, \
         \"greeter\": {{\"git\": \"https://e.org/greeter.git\", \"ref\": \"{commit}\"}}}}}}"
    );
    let daemon = resolving("base: python:3\nuser: root\npython: {lock: Pipfile.lock}\n").with_file(
        "local://context",
        "Pipfile.lock",
        lock,
    );
    let (result, calls) = build(daemon, &[]).await;
    result.unwrap();
    let [bill] = &written(&calls, LOCK)[..] else { unreachable!("one says it") };
    assert!(bill.contains("name = \"six\"") && bill.contains("name = \"greeter\""), "{bill}");
}

/// What the resolver was asked for, and what the image says that it has.
async fn looked_up(manifest: &str, name: &'static str, text: String) -> (Vec<String>, String) {
    let local = if name == "strata.lock" { "local://dockerfile" } else { "local://context" };
    let daemon = resolving(manifest).with_file(local, name, text);
    let (result, calls) = build(daemon, &[("platform", "linux/amd64")]).await;
    result.unwrap();
    assert!(!calls.iter().any(|call| matches!(call, Call::Warn(_))), "nothing is stale");
    let asked = written(&calls, "/requirements.txt");
    (asked, written(&calls, LOCK).join("\n"))
}

#[tokio::test]
async fn files_of_a_lock_come_from_the_index_that_is_asked() {
    let public = |text: String| text.replace("https://e.org", "https://files.pythonhosted.org/p");
    let package = wheel("six", "py3-none-any");
    let pylock = format!("lock-version = \"1.0\"\ncreated-by = \"uv\"\n[[packages]]\n{package}");
    let own = MANIFEST.replace("packages: [six]", "lock: pylock.toml");
    let asking =
        |manifest: &str| manifest.replace("python: {", "python: {index_url: https://m.io, ");
    for (manifest, name, text, is_looked_up) in [
        (own.clone(), "pylock.toml", public(pylock.clone()), false),
        (asking(&own), "pylock.toml", public(pylock.clone()), true),
        // It is of an index of its own.
        (asking(&own), "pylock.toml", pylock, false),
        (MANIFEST.to_owned(), "strata.lock", public(lock("py3-none-any")), false),
        (asking(MANIFEST), "strata.lock", public(lock("py3-none-any")), true),
    ] {
        let is_public = text.contains("files.pythonhosted.org") && !is_looked_up;
        let (asked, bill) = looked_up(&manifest, name, text).await;
        let pin = format!("six==1 --hash=sha256:{}\n", "a".repeat(64));
        assert_eq!(asked, Vec::from_iter(is_looked_up.then_some(pin)), "{manifest}");
        // It is where the lock or the resolver has found it.
        assert_eq!(bill.contains("https://files.pythonhosted.org/p/six-1"), is_public, "{bill}");
        assert_eq!(bill.contains("https://e.org/six-1"), !is_public, "{bill}");
    }
}

#[tokio::test]
async fn a_base_is_held_to_its_digest_by_a_mirrors_name_too() {
    let digest = BASE.split_once('@').unwrap().1;
    let noted = format!("digest = \"{digest}\"\nasked = ");
    let lock = lock("py3-none-any").replace("asked = ", &noted);
    for (name, is_held) in [("m.io/hub/library/python:3", true), ("m.io/corp/python:3", false)] {
        let held: &str = format!("docker-image://{name}@{digest}").leak();
        let moved: &str = format!("docker-image://{name}@sha256:{}", "b".repeat(64)).leak();
        let manifest = MANIFEST.replace("python:3", name);
        let mut daemon =
            resolving(&manifest).with_file("local://dockerfile", "strata.lock", &*lock);
        let base = daemon.sources.values().next().unwrap().clone();
        for (source, identifier) in [(held, held), (&held[..held.len() - digest.len() - 1], moved)]
        {
            daemon = daemon.with_file(identifier, "/opt/strata/probe.json", PROBE);
            daemon = daemon.with_file(identifier, LOCK, resolved());
            let mut base = base.clone();
            let digest = identifier.split_once('@').unwrap().1;
            base.image.as_mut().unwrap().digest = digest.to_owned();
            daemon.sources.insert(source, base);
        }
        let (result, calls) = build(daemon, &[("platform", "linux/amd64")]).await;
        result.unwrap();
        let sources = calls.iter().filter_map(|call| match call {
            Call::Solve(solve) => Some(daemon::sources(solve.definition.as_ref()?)),
            _ => None,
        });
        let bases: BTreeSet<String> = sources
            .flatten()
            .map(|source| source.identifier)
            .filter(|it| it.starts_with("docker-image://m.io/"))
            .collect();
        let expected = if is_held { held } else { moved };
        assert_eq!(Vec::from_iter(bases), [expected]);
    }
}

/// The vertices of a definition but for the last, which only says which of them is meant.
fn vertices(definition: &pb::Definition) -> &[Vec<u8>] {
    definition.def.split_last().unwrap().1
}

#[tokio::test]
async fn what_was_read_is_in_the_image() {
    let manifest = "base: python:3\npython: {packages: [six]}\nuser: root\n\
                    dev: {python: {packages: [tqdm]}}\n";
    let (result, calls) = build(resolving(manifest), &[("target", "dev")]).await;
    let BuildResult::Single(_) = result.unwrap() else { unreachable!("one platform") };
    let solved = calls.into_iter().filter_map(|call| match call {
        Call::Solve(solve) => solve.definition,
        _ => None,
    });
    let is_of_base = |definition: &pb::Definition| {
        daemon::sources(definition).iter().any(|source| source.identifier == BASE)
    };
    let mut solved: Vec<_> = solved.filter(is_of_base).collect();
    let image = solved.pop().unwrap();
    assert_eq!(solved.len(), 3, "the probe, production's lock, and development's");
    for read in &solved {
        assert!(vertices(read).iter().all(|vertex| vertices(&image).contains(vertex)));
    }
}
