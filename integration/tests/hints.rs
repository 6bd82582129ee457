//! What is said where a package could not be built, by the names of the base's distribution.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;

use integration::command::output;
use integration::python::python;
use integration::workspace;

const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n";
const MINT: &str = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
const ALPINE: &str = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.1\n";
const FEDORA: &str = "ID=fedora\nVERSION_ID=42\n";
const ROCKY: &str = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
const UBI: &str = "NAME='Red Hat Enterprise Linux'\nID='rhel'\nID_LIKE='fedora'\n";

/// Runs `script` in a Python with the hints at hand, on a base of which os-release says `os`, and
/// whose Python has no headers.
fn run(os: &str, script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("os-release");
    fs::write(&file, os).unwrap();
    let start = "import sys; sys.version_info = (3, 12); import hints; \
                 hints.OS_RELEASE = [sys.argv[1]]; hints.sysconfig.get_path = lambda _: '/nowhere'";
    let mut python = python().unwrap();
    python.args(["-c", &format!("{start}\n{script}")]).arg(&file);
    python.env("PYTHONPATH", workspace::root().join("frontend/strata/src/plan/steps"));
    output(&mut python).unwrap()
}

/// The part of a hint that says whose names they are, and the names.
fn names(os: &str, package: &str, words: &str) -> String {
    let hint = run(os, &format!("print(hints.hint({package:?}, {words:?}))"));
    let start = "has no wheel that fits, and is built from source: what that usually takes is, by ";
    let names = hint.strip_prefix(&format!("{package} {start}"));
    names.unwrap_or_else(|| panic!("{package}: {hint}")).to_owned()
}

#[test]
fn names_are_those_of_the_base() {
    for (os, says) in [
        (DEBIAN, "Debian's names, `system: {build: [gcc, libc6-dev, libpq-dev, python3-dev]}`"),
        (MINT, "Debian's names, `system: {build: [gcc, libc6-dev, libpq-dev, python3-dev]}`"),
        (ALPINE, "Alpine's names, `system: {build: [gcc, libpq-dev, musl-dev, python3-dev]}`"),
        (FEDORA, "Fedora's names, `system: {build: [gcc, libpq-devel, python3.12-devel]}`"),
        (ROCKY, "Fedora's names, `system: {build: [gcc, libpq-devel, python3.12-devel]}`"),
        (UBI, "Fedora's names, `system: {build: [gcc, libpq-devel, python3.12-devel]}`"),
        // Names to look for are better than none.
        ("", "Debian's names, `system: {build: [gcc, libc6-dev, libpq-dev, python3-dev]}`"),
        ("ID=arch", "Debian's names, `system: {build: [gcc, libc6-dev, libpq-dev, python3-dev]}`"),
    ] {
        assert_eq!(names(os, "psycopg2", ""), says, "{os}");
    }
}

#[test]
fn what_the_build_misses_is_named_too() {
    let failed = "error: command 'gcc' failed: No such file or directory";
    let says = "Alpine's names, `system: {build: [gcc, musl-dev, python3-dev]}`";
    assert_eq!(names(ALPINE, "mine", failed), says);

    let no_rust = "error: can't find Rust compiler\nfatal error: openssl/opensslv.h: No such file";
    let says = "Fedora's names, `system: {build: [cargo, openssl-devel, python3.12-devel, rust]}`";
    assert_eq!(names(FEDORA, "mine", no_rust), says);

    // A compiler that came without the C library.
    let no_library = "fatal error: stdlib.h: No such file or directory";
    let says = "Debian's names, `system: {build: [gcc, libc6-dev, python3-dev]}`";
    assert_eq!(names(DEBIAN, "mine", no_library), says);

    let no_git = "print(hints.hint('mine', \"ERROR: Cannot find command 'git' - do you have\"))";
    let says = "mine comes from git, which is not here: `system: {build: [git]}`";
    assert_eq!(run(DEBIAN, no_git), says);

    assert_eq!(run(DEBIAN, "print(hints.hint('mine', 'three blows'))"), "None");
}

#[test]
fn every_need_has_names_in_every_family() {
    let script = "needs = ' '.join([*hints.KNOWN.values(), *(need for _, need in hints.MISSING)])\n\
                  print(sorted(set(needs.split()) ^ set(hints.NAMES)))\n\
                  print([row for row in hints.NAMES.values() if len(row) != 3 or not all(row)])";
    assert_eq!(run(DEBIAN, script), "[]\n[]");
}
