//! Markers and tags, against what `packaging` says (see `fixtures/oracle.py`).

use std::collections::BTreeSet;

use serde::Deserialize;
use strata::{
    environment::Environment,
    lock::Tags,
    requirements::{Marker, Selection},
};

#[derive(Deserialize)]
struct Described {
    python_full_version: String,
    implementation_name: String,
    implementation_version: String,
    machine: String,
    soabi: String,
    platform: String,
    bits: u8,
    libc: String,
    libc_version: String,
}

pub fn environments() -> Vec<Environment> {
    let described: Vec<Described> =
        serde_json::from_str(include_str!("fixtures/environments.json")).unwrap();
    let environment = |one: Described| Environment {
        python_full_version: one.python_full_version,
        implementation_name: one.implementation_name,
        implementation_version: one.implementation_version,
        machine: one.machine,
        soabi: one.soabi,
        platform: one.platform,
        bits: one.bits,
        libc: one.libc,
        libc_version: one.libc_version,
    };
    described.into_iter().map(environment).collect()
}

/// CPython 3.12 on an x86-64 Debian.
pub fn usual() -> Environment {
    environments().remove(0)
}

/// CPython 3.11 on ARM, with an older glibc.
pub fn arm() -> Environment {
    environments().remove(1)
}

/// CPython 3.12 on Alpine.
pub fn alpine() -> Environment {
    environments().remove(4)
}

pub fn selection(extras: &[&str], groups: &[&str]) -> Selection {
    let set = |names: &[&str]| names.iter().copied().map(str::to_owned).collect::<BTreeSet<_>>();
    Selection { extras: set(extras), groups: set(groups) }
}

#[test]
fn tags_are_those_of_packaging() {
    let environments = environments();
    let mut sections = include_str!("fixtures/tags.txt").split("environment ").skip(1);
    for (number, environment) in environments.iter().enumerate() {
        let section = sections.next().unwrap();
        let mut lines = section.lines();
        assert_eq!(lines.next(), Some(number.to_string().as_str()));
        let platforms = lines.next().unwrap().strip_prefix("platforms ").unwrap();
        let expected = lines.flat_map(|line| match line.strip_suffix('*') {
            Some(start) => platforms.split(' ').map(|one| format!("{start}{one}")).collect(),
            None => vec![line.to_owned()],
        });
        let expected: Vec<String> = expected.collect();
        let found: Vec<String> = Tags::of(environment).iter().collect();
        assert!(found == expected, "{environment}: {found:?} is not {expected:?}");
    }
    assert_eq!(sections.next(), None);
}

#[test]
fn markers_hold_where_packaging_says_so() {
    let environments = environments();
    let selections = [selection(&[], &[]), selection(&["a-b"], &["dev"])];
    for line in include_str!("fixtures/markers.txt").lines() {
        let (expected, marker) = line.split_once(' ').unwrap();
        let read = Marker::parse(marker).unwrap_or_else(|mistake| panic!("{marker}: {mistake:?}"));
        let found = environments.iter().flat_map(|environment| {
            let one = |selection| if read.evaluate(environment, selection) { 'T' } else { 'F' };
            selections.iter().map(one).collect::<Vec<_>>()
        });
        assert_eq!(found.collect::<String>(), expected, "{marker}");
    }
}

#[test]
fn several_extras_at_once() {
    let both = selection(&["a", "b"], &[]);
    for (marker, holds) in [
        ("extra == 'a' and extra == 'b'", true),
        ("extra == 'a' and extra == 'c'", false),
        ("extra != 'a'", false),
        ("extra != 'c'", true),
    ] {
        assert_eq!(Marker::parse(marker).unwrap().evaluate(&usual(), &both), holds, "{marker}");
    }
}

#[test]
fn wheels_are_ranked_by_their_names() {
    let tags = Tags::of(&usual());
    let best_first = [
        "a-1-2-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "a-1-1b-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-1a-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1-cp312-cp312-manylinux1_x86_64.whl",
        "a-1-cp38-abi3-manylinux_2_28_x86_64.whl",
        "a-1-py3-none-manylinux_2_28_x86_64.whl",
        "a-1-py2.py3-none-any.whl",
    ];
    let ranks: Vec<_> = best_first.iter().map(|name| tags.rank(name).unwrap()).collect();
    assert!(ranks.is_sorted() && ranks.windows(2).all(|pair| pair[0] != pair[1]), "{ranks:?}");
    for name in [
        "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "a-1-cp312-cp312-manylinux_2_37_x86_64.whl",
        "a-1-cp312-cp312-musllinux_1_1_x86_64.whl",
        "a-1-cp312-cp312-win_amd64.whl",
        "a-1-py2-none-any.whl",
        "a-1-x-py3-none-any.whl",
        "a-1-py3-none-any.zip",
        "a.whl",
        "",
    ] {
        assert_eq!(tags.rank(name), None, "{name}");
    }
}
