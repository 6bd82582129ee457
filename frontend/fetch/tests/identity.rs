//! What decides the fetcher's bytes: a build that has fetched a model knows it by them, and fetches
//! it again with another fetcher.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

/// Of version 1.0.0.
const IDENTITY: &str = "ea9ffb1321acae8c";

#[test]
fn the_fetcher_is_the_one_that_users_have() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hash = Sha256::new();
    let mut sources: Vec<_> =
        fs::read_dir(folder.join("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    sources.sort();
    for source in &sources {
        hash.update(code(&fs::read_to_string(source).unwrap()));
    }
    let (own, root) = (manifest(folder), manifest(&folder.join("../..")));
    let names: Vec<&String> = own["dependencies"].as_table().unwrap().keys().collect();
    for package in with_dependencies(&names, &folder.join("../../Cargo.lock")) {
        hash.update(package);
    }
    for name in names {
        hash.update(format!("{:?}", root["workspace"]["dependencies"][name]));
    }
    hash.update(format!("{:?}", root["profile"]["release"]));
    hash.update(stage(&fs::read_to_string(folder.join("../../Dockerfile.frontend")).unwrap()));
    let identity: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        identity[..16],
        *IDENTITY,
        "the fetcher is another one, and would fetch again every model that users have. If that \
         is meant: raise its version, say so under *Runs again* in CHANGELOG.md, and write the new \
         identity here"
    );
}

fn manifest(folder: &Path) -> Table {
    fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap()
}

/// A source without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// The stage of the Dockerfile that builds it, which names the compiler, without comments.
fn stage(dockerfile: &str) -> String {
    let lines = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#'));
    let stages = lines.collect::<Vec<_>>().join("\n");
    let own = stages.split("\nFROM ").find(|stage| stage.contains(" AS fetch\n"));
    own.unwrap().to_owned()
}

/// Packages and all that they are built with, by name, version and checksum.
fn with_dependencies(names: &[&String], lock: &Path) -> BTreeSet<String> {
    let lock: Table = fs::read_to_string(lock).unwrap().parse().unwrap();
    let text = |package: &Value, key: &str| {
        package.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut packages: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        packages.entry(text(package, "name")).or_default().push(package);
    }
    let mut found = BTreeSet::new();
    let mut pending: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
    while let Some(wanted) = pending.pop() {
        // `name`, or `name version` where there are several.
        let mut words = wanted.split(' ');
        let (name, version) = (words.next().unwrap(), words.next());
        for package in &packages[name] {
            if version.is_some_and(|version| version != text(package, "version")) {
                continue;
            }
            let line = ["name", "version", "checksum"].map(|key| text(package, key)).join(" ");
            if found.insert(line) {
                let needs = package.get("dependencies").and_then(Value::as_array);
                let needs = needs.into_iter().flatten().filter_map(Value::as_str);
                pending.extend(needs.map(str::to_owned));
            }
        }
    }
    found
}
