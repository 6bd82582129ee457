//! Requirements that are pinned with hashes.

use strata::{
    lock::{self, Lock, Package, Source},
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
        let lock = lock::pinned(&set(COMPILED), &environments()[number]).unwrap().unwrap().lock;
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
        format!("a==1 {hash}\na[x]==1 --hash=sha256:{}", "b".repeat(64)),
        "--require-hashes\nflask==3.0.0".to_owned(),
    ];
    let told = texts.map(|text| lock::pinned(&set(&text), &usual()).unwrap_err().to_string());
    insta::assert_snapshot!(told.join("\n"));
}

fn sha256(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

/// What is pinned, each with its version and the first digits of its hashes.
fn shown(packages: &[Package]) -> Vec<String> {
    let one = |package: &Package| {
        let hashes = match &package.source {
            Source::Hashes(hashes) => hashes,
            Source::Archive { file, .. } => &file.hashes,
            other => panic!("{other:?}"),
        };
        let digits: String = hashes.iter().map(|hash| &hash[7..8]).collect();
        format!("{} {} {digits}", package.name, package.version.as_deref().unwrap_or("?"))
    };
    packages.iter().map(one).collect()
}

#[test]
fn lines_for_the_same_release_have_their_hashes_in_common() {
    let [a, b, c] = ["a", "b", "c"].map(sha256);
    let text = format!(
        "numpy==2.1.0 --hash={a}\nnumpy==2.1 --hash={a} --hash={b}\nuvicorn==0.30 --hash={c}\n\
         uvicorn[standard]==0.30 --hash={c}\n"
    );
    let lock = lock::pinned(&set(&text), &usual()).unwrap().unwrap().lock;
    assert_eq!(shown(&lock.packages), ["numpy 2.1 a", "uvicorn 0.30 c"]);
}

#[test]
fn what_a_url_tells() {
    let a = sha256("a");
    let text = format!(
        "six @ https://e.org/six-1.17.0-py2.py3-none-any.whl --hash={a}\n\
         x @ https://e.org/x%2B%+f.zip#subdirectory=pkg --hash={a}\n"
    );
    let lock = lock::pinned(&set(&text), &usual()).unwrap().unwrap().lock;
    assert_eq!(shown(&lock.packages), ["six 1.17.0 a", "x ? a"]);
    let Source::Archive { file, subdirectory } = &lock.packages[1].source else { panic!() };
    // What is asked for adds the folder.
    assert_eq!(file.url.as_deref(), Some("https://e.org/x%2B%+f.zip"));
    assert_eq!((file.name.as_str(), subdirectory.as_deref()), ("x+%+f.zip", Some("pkg")));
}

#[test]
fn constraints_may_have_the_hashes() {
    let [a, b, c] = ["a", "b", "c"].map(sha256);
    let mut set = set("flask\nsix==1 ; sys_platform == 'win32'\n");
    let text = format!(
        "flask==3.0.0 --hash={a} --hash={b}\nwerkzeug==3.1 --hash={c}\nrich==1 --hash={c}\nclick<9\n"
    );
    let read = RequirementsFile::parse(&file("constraints.txt", &text)).unwrap();
    set.add_file(IncludeKind::Constraints, &read);
    let pinned = lock::pinned(&set, &usual()).unwrap().unwrap();
    assert_eq!(shown(&pinned.lock.packages), ["flask 3.0.0 ab"]);
    let found = |name: &str, version: &str, digit: &str| Package {
        name: name.to_owned(),
        version: Some(version.to_owned()),
        source: Source::Hashes([sha256(digit)].into()),
        index: None,
        location: None,
        needs: Default::default(),
    };
    let found = |more: &[Package]| Lock {
        packages: [&[found("flask", "3.0.0", "a"), found("werkzeug", "3.1", "c")], more].concat(),
        ..Lock::default()
    };
    let click = Package { name: "click".to_owned(), ..found(&[]).packages.remove(0) };
    let completed = pinned.clone().completed(&found(&[])).unwrap();
    assert_eq!(shown(&completed.packages), ["flask 3.0.0 ab", "werkzeug 3.1 c"]);
    let told = pinned.completed(&found(&[click])).unwrap_err().to_string();
    assert!(told.starts_with("click 3.0.0 is needed, too, and has no hash"), "{told}");
}
