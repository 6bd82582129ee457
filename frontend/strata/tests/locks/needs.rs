//! What packages need, as locks of each kind say it or do not.

use strata::{
    lock::{self, Lock, Source},
    requirements::{IncludeKind, InstallSet, RequirementsFile},
};

use crate::{
    environments::{environments, selection, usual},
    reading::{file, read},
};

fn needs<'a>(lock: &'a Lock, name: &str) -> Vec<&'a str> {
    let package = lock.packages.iter().find(|package| package.name == name).unwrap();
    package.needs.iter().map(String::as_str).collect()
}

/// What was looked up for a lock: a resolution by uv, which says who needs whom.
fn found() -> Lock {
    let package = |name: &str, needs: &str| {
        let url = format!("https://e.org/{name}-1-py3-none-any.whl");
        let hash = "a".repeat(64);
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"1\"\ndependencies = [{needs}]\n\
             wheels = [{{url = \"{url}\", hashes = {{sha256 = \"{hash}\"}}}}]\n"
        )
    };
    let text = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n".to_owned()
        + &package("torch", "{name = \"sympy\"}")
        + &package("sympy", "");
    read(&file("pylock.toml", &text), None, &selection(&[], &[]), &usual()).unwrap()
}

#[test]
fn with_the_extras_that_something_asks_for() {
    let nothing = selection(&[], &[]);
    let uv = file("uv.lock", include_str!("fixtures/uv/uv.lock"));
    let uv = |extras| read(&uv, None, &selection(extras, &[]), &usual()).unwrap();
    assert_eq!(needs(&uv(&[]), "httpx"), ["anyio", "certifi", "h2", "httpcore", "idna"]);
    let with_socks = ["anyio", "certifi", "h2", "httpcore", "idna", "socksio"];
    assert_eq!(needs(&uv(&["socks"]), "httpx"), with_socks);
    let pdm = file("pdm.lock", include_str!("fixtures/pdm/pdm.lock"));
    let pdm = read(&pdm, None, &nothing, &usual()).unwrap();
    assert_eq!(needs(&pdm, "httpx"), ["anyio", "certifi", "h2", "httpcore", "idna"]);
}

#[test]
fn a_files_size_is_known_by_the_lock_or_by_the_index() {
    let lock = |own: &str| {
        let hash = "a".repeat(64);
        let text = format!(
            "lock-version = \"1.0\"\ncreated-by = \"uv\"\n[[packages]]\nname = \"torch\"\n\
             version = \"1\"\nwheels = [{{url = \"https://files.pythonhosted.org/\
             torch-1-py3-none-any.whl\", {own}hashes = {{sha256 = \"{hash}\"}}}}]\n"
        );
        read(&file("pylock.toml", &text), None, &selection(&[], &[]), &usual()).unwrap()
    };
    for (own, size) in [("size = 7, ", Some(7)), ("", None)] {
        let lock = lock(own).asked_of(Some("https://mirror.example/simple"), None);
        let Source::Release { wheels, .. } = &lock.located(&found()).packages[0].source else {
            panic!("{own}")
        };
        let [wheel] = &wheels[..] else { panic!("{wheels:?}") };
        assert_eq!(wheel.url.as_deref(), Some("https://e.org/torch-1-py3-none-any.whl"));
        assert_eq!(wheel.size, size);
    }
}

#[test]
fn as_who_looked_up_the_files_has_found() {
    let hash = format!("--hash=sha256:{}", "a".repeat(64));
    let text = format!("torch==1 {hash}\nsympy==1 {hash}\n");
    let mut set = InstallSet::default();
    let text = RequirementsFile::parse(&file("requirements.txt", &text)).unwrap();
    set.add_file(IncludeKind::Requirements, &text);
    let pinned = lock::pinned(&set, &usual()).unwrap().unwrap();
    assert!(!pinned.lock.says_needs);
    let lock = pinned.completed(&found()).unwrap();
    assert_eq!((needs(&lock, "torch"), lock.says_needs), (vec!["sympy"], true));
}

#[test]
fn as_nothing_says() {
    let pipenv = file("Pipfile.lock", include_str!("fixtures/pipenv/Pipfile.lock"));
    let pipenv = read(&pipenv, None, &selection(&[], &[]), &environments()[5]).unwrap();
    assert!(!pipenv.says_needs);
    let by_uv = file("pylock.toml", include_str!("fixtures/pylock.uv.toml"));
    assert!(!read(&by_uv, None, &selection(&[], &[]), &usual()).unwrap().says_needs);
    assert!(found().says_needs);
    // Of what is in a repository, nobody has looked up what it needs.
    assert!(!pipenv.located(&found()).says_needs);
}

#[test]
fn as_a_lock_says_whose_packages_need_nothing() {
    let hash = format!("sha256:{}", "a".repeat(64));
    let uv = format!(
        "version = 1\n[[package]]\nname = \"app\"\nsource = {{ virtual = \".\" }}\n\
         dependencies = [{{ name = \"six\" }}]\n\
         [[package]]\nname = \"six\"\nversion = \"1\"\n\
         source = {{ registry = \"https://pypi.org/simple\" }}\n\
         wheels = [{{ url = \"https://e.org/six-1-py3-none-any.whl\", hash = \"{hash}\" }}]\n"
    );
    let uv = read(&file("uv.lock", &uv), None, &selection(&[], &[]), &usual()).unwrap();
    assert_eq!((needs(&uv, "six"), uv.says_needs), (vec![], true));
    let pylock = |dependencies: &str| {
        let text = format!(
            "lock-version = \"1.0\"\ncreated-by = \"me\"\n[[packages]]\nname = \"six\"\n\
             {dependencies}wheels = [{{ url = \"https://e.org/six-1-py3-none-any.whl\" }}]\n"
        );
        read(&file("pylock.toml", &text), None, &selection(&[], &[]), &usual()).unwrap()
    };
    assert!(pylock("dependencies = []\n").says_needs);
    assert!(!pylock("").says_needs);
}
