//! What is to be installed, read before the image can be planned.

use buildkit_proto::pb;

use super::*;

const LOCK: &str = "\
lock-version = \"1.0\"
[[packages]]
name = \"six\"
version = \"1.17.0\"
wheels = [{ url = \"https://h.io/six-1.17.0-py3-none-any.whl\", hashes = { sha256 = \"00\" } }]
";

/// The vertices of a definition but for the last, which only says which of them is meant.
fn vertices(definition: &pb::Definition) -> &[Vec<u8>] {
    definition.def.split_last().unwrap().1
}

#[tokio::test]
async fn what_was_read_is_in_the_image() {
    let manifest = "base: python:3\npython: {packages: [six]}\nuser: root\n\
                    dev: {python: {packages: [tqdm]}}\n";
    let lock = LOCK.replace("00", &"0".repeat(64));
    let daemon = daemon(manifest).with_file(BASE, "/opt/strata/pylock.toml", lock);
    let (result, calls) = build(daemon, &[("target", "dev")]).await;
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
