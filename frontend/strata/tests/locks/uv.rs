//! `uv.lock`: out of date, of another project, or with what a build cannot have.

use std::sync::Arc;

use llb::SourceFile;
use strata::lock::Source;

use crate::{
    environments::{selection, usual},
    reading::{file, read},
};

const LOCK: &str = include_str!("fixtures/uv/uv.lock");
const PROJECT: &str = include_str!("fixtures/uv/pyproject.toml");

/// What is said of a lock and a project in which some text was replaced.
fn told(lock: &[(&str, &str)], project: &[(&str, &str)]) -> String {
    let replaced = |text: &str, pairs: &[(&str, &str)]| {
        pairs.iter().fold(text.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    };
    let lock = file("uv.lock", &replaced(LOCK, lock));
    let project = file("pyproject.toml", &replaced(PROJECT, project));
    match read(&lock, Some(&project), &selection(&["all"], &["dev"]), &usual()) {
        Ok(_) => "fine".to_owned(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn a_lock_that_is_out_of_date() {
    let edits: &[&[(&str, &str)]] = &[
        &[("\"tornado\"", "\"tornado>=6\"")],
        &[("httpx[http2]>=0.27", "httpx[http2]~=0.27")],
        &[("    \"tornado\",\n", "")],
        &[("\"tornado\"", "\"tornado\", \"rich\"")],
        &[("httpx[http2]", "httpx[http2,cli]")],
        &[("greeter.git@v1", "greeter.git@v2")],
        &[("rev = \"v1\"", "rev = \"v2\"")],
        &[("iniconfig-2.1.0-py3", "iniconfig-2.1.1-py3")],
        &[("packaging<24", "packaging<23")],
        &[("pyflakes>=3", "pyflakes>=4")],
        &[(", \"six\"]", "]")],
        &[("name = \"shop\"", "name = \"store\"")],
        &[("[tool.uv.sources]\nhelper", "[tool.uv.other]\nhelper")],
        &[("conflicts =", "constraint-dependencies = [\"anyio<4\"]\nconflicts =")],
        &[("conflicts =", "override-dependencies = [\"anyio==3\"]\nconflicts =")],
        &[(">=3.10", ">=3.11")],
        &[(">=3.10", ">=3.10,<3.14")],
        &[(">=3.10", ">=3.10.2")],
    ];
    let all: Vec<String> = edits.iter().map(|edits| told(&[], edits)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_changes_nothing_is_no_reason_to_lock_again() {
    for edits in [
        &[][..],
        &[(">=3.10", ">= 3.10.0")],
        &[("\"tornado\"", "# web\n\"Tornado\"")],
        &[("httpx[http2]>=0.27", "httpx [HTTP2] (>= 0.27)")],
        &[("httpx[http2]>=0.27", "httpx[http2]>=0.27.0")],
        &[("python_version < '3.11'", "python_full_version < '3.11.dev0'")],
        &[("sys_platform == 'win32'", "platform_system == 'Windows'")],
        &[("all = [\"shop[socks]\"", "all = [\"httpx[socks]\"")],
        &[("rev = \"v1\"", "tag = \"v1\"")],
        &[("shop[socks]", "Shop[socks,socks]")],
        &[("{ include-group = \"test\" }, ", "\"pyflakes>=3\", ")],
        &[("dependencies = [\n    \"httpx", "dynamic = [\"dependencies\"]\nnone = [\n    \"httpx")],
    ] {
        assert_eq!(told(&[], edits), "fine", "{edits:?}");
    }
}

#[test]
fn what_holds_for_all_packages() {
    let manifest = "[manifest]\nconstraints = [{ name = \"anyio\", specifier = \"<5,>=4\" }]\n\
                    overrides = [{ name = \"idna\" }]\n\n[[package]]\nname = \"anyio\"";
    let lock = ("[[package]]\nname = \"anyio\"", manifest);
    let stated = "constraint-dependencies = [\"anyio>=4,<5\"]\n\
                  override-dependencies = [\"idna\"]\nconflicts =";
    assert_eq!(told(&[lock], &[("conflicts =", stated)]), "fine");
    let other = stated.replace("<5", "<6");
    assert!(told(&[lock], &[("conflicts =", &other)]).contains("not made for `anyio>=4,<6`"));
    let told = told(&[lock], &[]);
    assert!(told.contains("made for `anyio`, too") && told.contains("for `idna`, too"), "{told}");
}

#[test]
fn what_a_build_cannot_have() {
    let h11 =
        "name = \"h11\"\nversion = \"0.16.0\"\nsource = { registry = \"https://pypi.org/simple\" }";
    let edits: &[&[(&str, &str)]] = &[
        &[("version = 1\n", "version = 2\n")],
        &[("requires-python = \">=3.10\"", "requires-python = \">=3.13\"")],
        &[("revision = 5", "revision = 5\nsupported-markers = [\"sys_platform == 'win32'\"]")],
        &[(h11, "name = \"h11\"\nversion = \"0.16.0\"\nsource = { path = \"../h11.whl\" }")],
        &[("name = \"h11\"\nversion", "name = \"h12\"\nversion")],
        &[(
            "git = \"https://git.example.org/greeter.git?rev=v1#",
            "git = \"https://me:hunter2@git.example.org/greeter.git?rev=v1#",
        )],
        &[("marker = \"sys_platform == 'win32'\"", "marker = \"sys_platform = 'win32'\"")],
        &[("[[package]]\nname = \"anyio\"", "[[package]]\nnam = \"anyio\"")],
    ];
    let all: Vec<String> = edits
        .iter()
        .map(|edits| told(edits, &[]))
        .map(|told| told.lines().take(4).collect::<Vec<_>>().join("\n"))
        .collect();
    assert!(all.iter().all(|words| !words.contains("hunter2")), "credentials are not repeated");
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_a_lock_has_by_ssh_is_fetched_by_https() {
    let by_ssh = |text: &str| {
        let https = "https://git.example.org/greeter.git";
        assert!(text.contains(https));
        text.replace(https, "ssh://git@git.example.org/greeter.git")
    };
    let installed = |lock: &str, project: &str| {
        let (lock, project) = (file("uv.lock", lock), file("pyproject.toml", project));
        let lock = read(&lock, Some(&project), &selection(&[], &["dev"]), &usual()).unwrap();
        let git = lock.packages.into_iter().filter_map(|one| match one.source {
            Source::Git { url, .. } => Some(url),
            _ => None,
        });
        git.collect::<Vec<_>>()
    };
    let usual = installed(LOCK, PROJECT);
    assert!(usual.contains(&"https://git.example.org/greeter.git".to_owned()), "{usual:?}");
    assert_eq!(installed(&by_ssh(LOCK), &by_ssh(PROJECT)), usual);
}

/// The packages that are to be looked up on an index, of how many that are on one.
fn looked_up(name: &str, text: &str, index: &str) -> (Vec<String>, usize) {
    let lock = read(&file(name, text), None, &selection(&[], &[]), &usual()).unwrap();
    let releases = lock.packages.iter().filter(|it| matches!(it.source, Source::Release { .. }));
    let releases = releases.count();
    (lock.asked_of(Some(index), None).unlocated(), releases)
}

#[test]
fn what_comes_from_pypi_is_looked_up_on_a_mirror() {
    let mirror = "https://mirror.example/simple";
    for (name, text) in [
        ("uv.lock", LOCK),
        ("pylock.toml", include_str!("fixtures/pylock.uv.toml")),
        ("pylock.toml", include_str!("fixtures/pylock.pdm.toml")),
    ] {
        let (pins, releases) = looked_up(name, text, mirror);
        assert_eq!(pins.len(), releases, "{pins:?}");
        assert!(pins.iter().all(|pin| pin.contains("==") && pin.contains(" --hash=sha256:")));
        assert_eq!(looked_up(name, text, "https://pypi.org/simple").0, [""; 0]);
    }
    // Of another index that the lock names, files are where it says.
    let (before, h11) = LOCK.split_once("\nname = \"h11\"\n").unwrap();
    let (h11, after) = h11.split_once("[[package]]").unwrap();
    let own = h11.replace("files.pythonhosted.org", "own.example");
    let own = format!("{before}\nname = \"h11\"\n{own}[[package]]{after}");
    let (pins, releases) = looked_up("uv.lock", &own, mirror);
    assert_eq!(pins.len(), releases - 1);
    assert!(!pins.iter().any(|pin| pin.starts_with("h11==")), "{pins:?}");
}

#[test]
fn what_is_not_chosen_needs_no_hash() {
    assert_eq!(told(&[("\"sha256:", "\"md5:")], &[]), "fine");
}

#[test]
fn a_selection_that_cannot_be() {
    let (lock, project) = (file("uv.lock", LOCK), file("pyproject.toml", PROJECT));
    let told = |extras, groups| {
        let read = read(&lock, Some(&project), &selection(extras, groups), &usual());
        read.unwrap_err().to_string()
    };
    let told = [told(&["sock"], &["docs"]), told(&["old", "new"], &[])];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_source_for_some_environments_is_no_reason_to_lock_again() {
    let lock = (
        "{ name = \"helper\", extras = [\"deco\"], git = \"https://git.example.org/greeter.git\
         ?subdirectory=pkg&rev=v1\" }",
        "{ name = \"helper\", extras = [\"deco\"], marker = \"sys_platform == 'linux'\" }",
    );
    let project =
        ("subdirectory = \"pkg\"", "subdirectory = \"pkg\", marker = \"sys_platform == 'win32'\"");
    assert_eq!(told(&[lock], &[project]), "fine");
    assert!(told(&[lock], &[]).contains("was not made for `helper[deco]`"));
}

#[test]
fn extras_of_the_project_that_a_group_asks_for() {
    let lock = include_str!("fixtures/uv-own-extras/uv.lock");
    let project = include_str!("fixtures/uv-own-extras/pyproject.toml");
    let installed = |groups: &[&str], project: &str| {
        let project = file("pyproject.toml", project);
        match read(&file("uv.lock", lock), Some(&project), &selection(&[], groups), &usual()) {
            Ok(lock) => {
                lock.packages.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" ")
            }
            Err(mistakes) => mistakes.to_string(),
        }
    };
    assert_eq!(installed(&[], project), "");
    assert_eq!(installed(&["dev"], project), "idna six");
    let told = installed(&[], &project.replace("\"six\"", "\"six>=1\""));
    assert!(told.contains("uv.lock was not made for `six>=1`"), "{told}");
    let told = installed(&[], &project.replace("\"idna\"", "\"idna>=3\""));
    assert!(told.contains("uv.lock was not made for `idna>=3`"), "{told}");
}

#[test]
fn an_extra_that_turns_active_by_a_dependency() {
    // As `uv export` has it.
    let lock = file("uv.lock", include_str!("fixtures/uv-extra-of-member/uv.lock"));
    let project = include_str!("fixtures/uv-extra-of-member/pyproject.toml");
    let project = file("pyproject.toml", project);
    for (extras, groups, expected) in [
        (&[][..], &[][..], "idna 3.20"),
        (&["new"], &[], "idna 3.20 six 1.17.0"),
        (&[], &["dev"], "idna 3.20 six 1.16.0"),
    ] {
        let lock = read(&lock, Some(&project), &selection(extras, groups), &usual()).unwrap();
        let named = |one: &strata::lock::Package| {
            format!("{} {}", one.name, one.version.clone().unwrap_or_default())
        };
        let installed: Vec<String> = lock.packages.iter().map(named).collect();
        assert_eq!(installed.join(" "), expected, "{extras:?} {groups:?}");
    }
}

/// As uv 0.13.9 locks a workspace whose members `a` and `b` exclude each other, as do `b` and `c`,
/// which needs `a`.
fn members() -> String {
    let package = |name: &str, version: &str, source: &str, rest: &str| {
        format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {source}\n{rest}\n"
        )
    };
    let member = |name: &str, dependencies: &[&str], marker: &str, metadata: &str| {
        let edge = |edge: &&str| format!("  {{ {edge}, marker = \"{marker}\" }},\n");
        let edges: String = dependencies.iter().map(edge).collect();
        let rest =
            format!("dependencies = [\n{edges}]\n[package.metadata]\nrequires-dist = [{metadata}]");
        package(name, "1", &format!("{{ editable = \"{name}\" }}"), &rest)
    };
    let release = |name: &str, version: &str| {
        let (hash, pypi) = ("a".repeat(64), "{ registry = \"https://pypi.org/simple\" }");
        let url = format!("https://e.org/{name}-{version}-py3-none-any.whl");
        let wheel = format!("wheels = [{{ url = \"{url}\", hash = \"sha256:{hash}\" }}]");
        package(name, version, pypi, &wheel)
    };
    let idna = |version: &str| {
        format!(
            "name = \"idna\", version = \"{version}\", source = {{ registry = \
             \"https://pypi.org/simple\" }}"
        )
    };
    let not_b = "extra == 'project-1-a' or extra != 'project-1-b' or extra == 'project-1-c'";
    [
        "version = 1\nrevision = 5\nconflicts = [[{ package = \"a\" }, { package = \"b\" }], \
         [{ package = \"b\" }, { package = \"c\" }]]\n[manifest]\nmembers = [\"a\", \"b\", \"c\"]\n"
            .to_owned(),
        member("a", &[&idna("2.10")], not_b, "{ name = \"idna\", specifier = \"<3\" }"),
        member("b", &[&idna("3.20")], "extra == 'project-1-b'", "{ name = \"idna\" }"),
        member(
            "c",
            &["name = \"a\"", "name = \"six\""],
            not_b,
            "{ name = \"a\", editable = \"a\" }, { name = \"six\" }",
        ),
        release("idna", "2.10"),
        release("idna", "3.20"),
        release("six", "1.17.0"),
    ]
    .concat()
}

#[test]
fn members_that_exclude_each_other() {
    let project = |name: &str, dependencies: &str| {
        let text = format!("[project]\nname = \"{name}\"\ndependencies = [{dependencies}]\n");
        file("pyproject.toml", &text)
    };
    let told = |lock: &str, project: Option<&Arc<SourceFile>>| match read(
        &file("uv.lock", lock),
        project,
        &selection(&[], &[]),
        &usual(),
    ) {
        Ok(lock) => lock
            .packages
            .iter()
            .map(|one| format!("{} {} ", one.name, one.version.clone().unwrap_or_default()))
            .collect::<String>(),
        Err(mistakes) => mistakes.to_string(),
    };
    let lock = members();
    assert_eq!(told(&lock, Some(&project("a", "\"idna<3\""))), "idna 2.10 ");
    assert_eq!(told(&lock, Some(&project("b", "\"idna\""))), "idna 3.20 ");
    assert_eq!(told(&lock, Some(&project("c", "\"a\", \"six\""))), "idna 2.10 six 1.17.0 ");
    // Of a workspace without a project at its root, all are asked for.
    let all = told(&lock, None);
    assert!(all.contains("`a` and `b` exclude each other"), "{all}");
    let newer = lock.replace("'project-1-b'", "'realm-1-b'");
    let unknown = told(&newer, Some(&project("b", "\"idna\"")));
    assert!(unknown.contains("asks for `realm-1-b`, which is not known here"), "{unknown}");
}
