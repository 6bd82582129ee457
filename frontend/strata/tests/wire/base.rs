//! What an image stands on.

use std::collections::BTreeSet;

use buildkit_proto::pb::op::Op;

use super::*;

/// The base image in a layout of the client's.
const LAYOUT: &str = "oci-layout://docker.io/library/python:3@\
                      sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const LOCK: &str = "\
version = 1

[[images]]
platform = \"linux/amd64\"
base = \"python:3\"
digest = \"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"
asked = \"\"
";

/// The images that the daemon was asked for.
pub fn looked_up(calls: &[Call]) -> Vec<&str> {
    let asked = calls.iter().filter_map(|call| match call {
        Call::ResolveSource(asked) => asked.source.as_ref(),
        _ => None,
    });
    asked.map(|source| source.identifier.as_str()).collect()
}

/// A daemon for a manifest with a lock, and with the base by its digest alone.
fn locked() -> Daemon {
    let manifest = daemon("base: python:3\nuser: root\n");
    let mut daemon = manifest.with_file("local://dockerfile", "strata.lock", LOCK);
    let (tag, _) = BASE.split_once('@').unwrap();
    let base = daemon.sources.remove(tag).unwrap();
    daemon.sources.insert(BASE, base);
    daemon
}

#[tokio::test]
async fn of_a_locked_base_the_tag_may_be_gone() {
    let options = [("platform", "linux/amd64")];
    let (result, calls) = build(locked(), &options).await;
    result.unwrap();
    assert_eq!(looked_up(&calls), [BASE]);

    let (result, _) = build(locked(), &[("platform", "linux/arm64")]).await;
    let message = result.unwrap_err().message().to_owned();
    assert!(message.starts_with("base image python:3: "), "{message}: the lock is of another");

    let mut gone = locked();
    gone.sources.clear();
    let (result, _) = build(gone, &options).await;
    let message = result.unwrap_err().message().to_owned();
    assert!(message.contains("help: strata.lock holds python:3 to that digest"), "{message}");
}

#[tokio::test]
async fn what_stands_in_for_a_base_is_not_locked() {
    let other = "docker-image://docker.io/library/other:1";
    let mut daemon = locked();
    let base = daemon.sources.remove(BASE).unwrap();
    daemon.sources.insert(other, base);
    let options = [("platform", "linux/amd64"), ("context:python:3", "docker-image://other:1")];
    let (result, calls) = build(daemon, &options).await;
    // Of that, the daemon of these tests has no Python.
    assert!(result.is_err());
    assert_eq!(looked_up(&calls), [other]);
}

/// The ids of the cache mounts of a build on a base with this config, but for the installers'.
async fn caches(config: &str, options: &[(&str, &str)]) -> BTreeSet<String> {
    let manifest = "base: python:3\nuser: root\ncode: {context: ., build: make}\n";
    let mut daemon = daemon(manifest).with_file(LAYOUT, "/opt/strata/probe.json", PROBE);
    let mut base = daemon.sources.values().next().unwrap().clone();
    base.image.as_mut().unwrap().config = config.as_bytes().to_vec();
    daemon.sources = [(BASE.split_once('@').unwrap().0, base.clone()), (LAYOUT, base)].into();
    let (result, calls) = build(daemon, options).await;
    result.unwrap();
    let solved = calls.into_iter().filter_map(|call| match call {
        Call::Solve(solve) => solve.definition,
        _ => None,
    });
    let mounts = solved.flat_map(|graph| daemon::operations(&graph)).flat_map(|op| match op {
        Op::Exec(exec) => exec.mounts,
        _ => Vec::new(),
    });
    mounts.filter_map(|mount| Some(mount.cache_opt?.id)).collect()
}

#[tokio::test]
async fn caches_are_of_what_the_base_is_and_not_of_how_it_is_had() {
    let layout = LAYOUT.strip_prefix("oci-layout://docker.io/library/python:3@").unwrap();
    let layout = format!("oci-layout://store@{layout}");
    let config = |id: &str, made_by: &str| {
        format!(
            r#"{{"rootfs": {{"diff_ids": ["sha256:0", "{id}"]}}, "history": [
                {{"created_by": "ADD rootfs", "created": "2026-01-01T00:00:00Z"}},
                {{"created_by": "ENV A=b", "empty_layer": true}}, {{"created_by": "{made_by}"}}
            ]}}"#
        )
    };
    let built = caches(&config("sha256:a", "RUN a"), &[]).await;
    assert_eq!(built.len(), 1, "{built:?}");
    let later = config("sha256:a", "RUN a").replace("2026", "2027").replace("A=b", "A=c");
    for (config, options, same) in [
        (config("sha256:a", "RUN a"), ("image-resolve-mode", "pull"), true),
        (config("sha256:a", "RUN a"), ("context:python:3", &*layout), true),
        (later, ("image-resolve-mode", "default"), true),
        (config("sha256:b", "RUN a"), ("image-resolve-mode", "default"), false),
        (config("sha256:a", "RUN b"), ("image-resolve-mode", "default"), false),
    ] {
        let other = caches(&config, &[options]).await;
        assert_eq!(other == built, same, "{config} {options:?}: {other:?}");
    }
    // Another target of the same bake, whose own layers have no ids yet: nobody knows what is in
    // them, and nothing is kept.
    let target = config("sha256:a", "RUN a").replace(r#", "sha256:a""#, "");
    assert!(caches(&target, &[]).await.is_empty());
}

/// The warnings that the daemon was given.
pub fn warnings(calls: Vec<Call>) -> Vec<String> {
    let warning = |call| match call {
        Call::Warn(warning) => Some(String::from_utf8(warning.short).unwrap()),
        _ => None,
    };
    calls.into_iter().filter_map(warning).collect()
}

#[tokio::test]
async fn contexts_that_stand_in_for_nothing() {
    let name = "docker-image://docker.io/library/python:3";
    let ignored = |key| {
        format!(
            "IgnoredOption: Strata does not honour `--build-context {key}`: it is neither the base, \
             python:3, nor named by `from` in `files` (line 1)"
        )
    };
    for (key, warned) in [
        ("python:3", None),
        ("python:3::linux/s390x", None),
        ("example/strata", None),
        ("python", Some(ignored("python"))),
        ("python:3-slim", Some(ignored("python:3-slim"))),
        ("other::linux/amd64", Some(ignored("other::linux/amd64"))),
    ] {
        let context = format!("context:{key}");
        let options = [(&*context, name), ("source", "docker.io/example/strata:latest")];
        let (result, calls) = build(daemon("base: python:3\nuser: root\n"), &options).await;
        result.unwrap();
        assert_eq!(warnings(calls), Vec::from_iter(warned), "{key}");
    }
}

#[tokio::test]
async fn triggers_of_the_base_are_not_run() {
    let mut daemon = daemon("user: root\nbase: python:3\n");
    let base = daemon.sources.values_mut().next().unwrap().image.as_mut().unwrap();
    base.config = br#"{"config": {"OnBuild": ["COPY . /app", "RUN make"]}}"#.to_vec();
    let (result, calls) = build(daemon, &[("platform", "linux/amd64,linux/arm64")]).await;
    result.unwrap();
    let warned: Vec<&i32> = calls
        .iter()
        .filter_map(|call| match call {
            Call::Warn(warning) => Some(&warning.ranges[0].start.as_ref()?.line),
            _ => None,
        })
        .collect();
    assert_eq!(warned, [&2]);
    let warning = "IgnoredTriggers: the ONBUILD commands of python:3 are not run (line 2)";
    assert_eq!(warnings(calls), [warning]);
}

#[tokio::test]
async fn models_alone_stand_on_nothing() {
    let manifest = "base: python:3\nuser: root\nmodels: {name: m, run: [touch, /m/a], keep: /m}\n";
    for (target, has_base) in [("image", true), ("models", false)] {
        let mut daemon = daemon(manifest);
        daemon.pong.as_mut().unwrap().llb_caps.extend(enabled(&[
            "exec.meta.removemountstubs.recursive",
            "exec.mount.cache",
            "exec.mount.cache.sharing",
            "exec.mount.secret",
        ]));
        let (result, _) = build(daemon, &[("target", target)]).await;
        let BuildResult::Single(image) = result.unwrap() else { unreachable!("one platform") };
        assert_eq!(image.base_config.is_some(), has_base, "{target}");
    }
}
