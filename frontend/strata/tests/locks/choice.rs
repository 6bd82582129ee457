//! Which file of a package is installed, and what is said when none can be.

use std::collections::BTreeSet;

use llb::Lines;
use strata::{
    lock::{Choice, File, Package, Source, Tags, choose},
    requirements::{Formats, IncludeKind, InstallSet, Options, RequirementsFile},
};

use crate::{
    environments::{alpine, usual},
    reading,
};

fn a_file(name: &str) -> File {
    let hashes = BTreeSet::from([format!("sha256:{}", "a".repeat(64))]);
    File { name: name.into(), url: None, hashes, size: None }
}

fn package(source: Source) -> Package {
    let file = reading::file("some.lock", "\n\nname = \"a\"\n");
    let location = Some(llb::Location { file, lines: Lines::one(3) });
    let needs = BTreeSet::new();
    Package { name: "a".into(), version: Some("1".into()), source, index: None, location, needs }
}

fn release(wheels: &[&str], sdist: Option<&str>) -> Package {
    let wheels = wheels.iter().map(|tags| a_file(&format!("a-1-{tags}.whl"))).collect();
    package(Source::Release { wheels, sdist: sdist.map(a_file) })
}

fn options(text: &str) -> Options {
    RequirementsFile::parse(&reading::file("r.txt", text)).unwrap().options
}

fn chosen(package: &Package, options: &Options) -> String {
    match choose(package, &Tags::of(&usual()), &usual(), options) {
        Ok(Choice::Wheel(file)) => format!("wheel {}", file.name),
        Ok(Choice::Sdist(file)) => format!("sdist {}", file.name),
        Ok(other) => format!("{other:?}"),
        Err(mistake) => strata::mistake::Mistakes(vec![mistake]).to_string(),
    }
}

const NATIVE: &str = "cp312-cp312-manylinux_2_17_x86_64";

#[test]
fn what_is_chosen() {
    let both = release(&["py3-none-any", NATIVE], Some("a-1.tar.gz"));
    let wheels = release(&["py3-none-any", NATIVE], None);
    let foreign = release(&["cp312-cp312-win_amd64", "cp311-cp311-linux_x86_64"], None);
    let foreign_and_source = release(&["cp312-cp312-win_amd64"], Some("a-1.tar.gz"));
    let many: Vec<String> = (0..12).map(|n| format!("cp3{n}-none-any")).collect();
    let many = release(&many.iter().map(String::as_str).collect::<Vec<_>>(), None);
    let source = release(&[], Some("a-1.tar.gz"));
    let archive = |name: &str| package(Source::Archive { file: a_file(name), subdirectory: None });
    let git = package(Source::Git {
        url: "https://e.org/a.git".into(),
        commit: "a".repeat(40),
        subdirectory: None,
    });
    let hashes = package(Source::Hashes(BTreeSet::new()));
    let hashless = |name: &str| File { hashes: BTreeSet::new(), ..a_file(name) };
    let release_of = |wheels, sdist| package(Source::Release { wheels, sdist });
    let (native, windows) = (format!("a-1-{NATIVE}.whl"), "a-1-cp312-cp312-win_amd64.whl");
    let others_hashless = release_of(vec![hashless(windows), a_file(&native)], None);
    let best_hashless = release_of(vec![hashless(&native)], Some(a_file("a-1.tar.gz")));
    let cases = [
        ("both", &both),
        ("wheels", &wheels),
        ("source", &source),
        ("foreign", &foreign),
        ("foreign and source", &foreign_and_source),
        ("many", &many),
        ("nothing", &release(&[], None)),
        ("a wheel", &archive("a-1-py3-none-any.whl")),
        ("a foreign wheel", &archive("a-1-cp312-cp312-win_amd64.whl")),
        ("an archive", &archive("a.zip")),
        ("git", &git),
        ("hashes", &hashes),
        ("a hash of none but this", &others_hashless),
        ("a hash of all but this", &best_hashless),
    ];
    let mut told = String::new();
    for text in ["", "--no-binary a", "--only-binary a"] {
        told += &format!("## {text}\n");
        for (name, package) in &cases {
            told += &format!("{name}: {}\n", chosen(package, &options(text)));
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_environment_is_named() {
    let package = release(&[NATIVE], None);
    let mistake =
        choose(&package, &Tags::of(&alpine()), &alpine(), &Options::default()).unwrap_err();
    insta::assert_snapshot!(strata::mistake::Mistakes(vec![mistake]).render(false));
}

#[test]
fn names_count_more_than_all() {
    for (text, wheel, source) in [
        ("", true, true),
        ("--no-binary :all:", false, true),
        ("--only-binary :all:", true, false),
        ("--no-binary :all:\n--only-binary a", true, false),
        ("--only-binary :all:\n--no-binary A", false, true),
        ("--only-binary b", true, true),
    ] {
        assert_eq!(options(text).formats_of("a"), Formats { wheel, source }, "{text}");
        let mut set = InstallSet::default();
        let file = reading::file("r.txt", text);
        set.add_file(IncludeKind::Requirements, &RequirementsFile::parse(&file).unwrap());
        assert_eq!(set.options().formats_of("a"), Formats { wheel, source }, "{text}");
    }
}
