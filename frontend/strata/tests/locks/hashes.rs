//! Requirements that are pinned with hashes.

use strata::{
    lock::{self, Source},
    requirements::{IncludeKind, InstallSet, RequirementsFile},
};

use crate::{
    environments::{environments, usual},
    reading::file,
};

fn set(text: &str) -> InstallSet {
    let mut set = InstallSet::default();
    let read = RequirementsFile::parse(&file("requirements.txt", text)).unwrap();
    set.add_file(IncludeKind::Requirements, &read);
    set
}

const COMPILED: &str = include_str!("fixtures/hashed.txt");

#[test]
fn what_uv_compiles_with_hashes_is_a_lock() {
    for (number, with_exceptiongroup) in [(0, false), (3, true)] {
        let lock = lock::pinned(&set(COMPILED), &environments()[number]).unwrap().unwrap();
        let names: Vec<&str> = lock.packages.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.contains(&"exceptiongroup"), with_exceptiongroup, "{names:?}");
        assert!(names.contains(&"docopt") && !names.contains(&"colorama"), "{names:?}");
        for package in &lock.packages {
            match &package.source {
                Source::Hashes(hashes) => {
                    let pin = format!("{}=={}", package.name, package.version.as_ref().unwrap());
                    assert!(COMPILED.contains(&pin), "{pin}");
                    assert!(!hashes.is_empty() && hashes.iter().all(|one| COMPILED.contains(one)));
                }
                Source::Archive { file, .. } => assert_eq!(package.name, "iniconfig", "{file:?}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn without_hashes_there_is_no_lock() {
    for text in ["", "a\nb>=1", "a==1", "--no-index\na==1"] {
        assert_eq!(lock::pinned(&set(text), &usual()), Ok(None), "{text}");
    }
}

#[test]
fn what_is_refused() {
    let hash = format!("--hash=sha256:{}", "a".repeat(64));
    let texts = [
        format!("a==1 {hash}\nb==1\nc>=1 {hash}\nd {hash}\ne==1.* {hash}\nf==1,==2 {hash}"),
        format!("a==1 {hash}\nb @ git+https://e.org/b.git {hash}\nc @ https://e.org/c.zip"),
        format!("https://e.org/c.zip {hash}"),
        format!("a==1 {hash}\na==2 {hash}"),
    ];
    let told = texts.map(|text| lock::pinned(&set(&text), &usual()).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"));
}
