//! Locks that other tools keep: what they say is installed, as those tools would install it.
//!
//! The folders beside this file have one project each, and its lock by the tool of that name. The
//! tools' own `sync` or `install`, with the extra `pretty` and the group `test`, made environments
//! with the packages of `installed.txt`, all the same. Theirs were of November 2026: uv 0.13.9 (its
//! exports are `pylock.toml` and the requirements with hashes), poetry 2.5.1, pdm 2.29.3, pipenv
//! 2026.10.3. They are locked for Python 3.11 and later.

use std::fs;
use std::path::Path;

use integration::buildx::{Build, Plain};
use tempfile::TempDir;

use crate::built::{Built, unique_name};
use crate::project::steps;
use crate::{STRATA, build, context, unique};

/// What the tools installed, a line each.
const INSTALLED: &str = include_str!("own_locks/installed.txt");

/// Prints what is installed in the same way.
const LIST: &str = "\
import importlib.metadata as m, re
for name, version in sorted((re.sub('[-_.]+', '-', d.name).lower(), d.version) for d in m.distributions()):
    print(f'{name}=={version}')
";

/// What the manifest says of each, and the file that the lock is of.
const LOCKS: [(&str, &str, &str); 6] = [
    ("uv", "{lock: uv.lock, extras: pretty, groups: test}", "pyproject.toml"),
    ("poetry", "{lock: poetry.lock, extras: pretty, groups: test}", "pyproject.toml"),
    ("pdm", "{lock: pdm.lock, extras: pretty, groups: test}", "pyproject.toml"),
    ("pipenv", "{lock: Pipfile.lock, groups: test}", "Pipfile"),
    ("pylock", "{lock: pylock.toml}", ""),
    ("hashes", "{requirements: requirements.txt}", ""),
];

/// What a lock with another release of iniconfig has in place of what.
const OTHER_INICONFIG: [(&str, &str); 3] = [
    ("name = \"iniconfig\"\nversion = \"2.3.1\"", "name = \"iniconfig\"\nversion = \"2.1.0\""),
    (
        "56/43/4ca9e49d27a1fcf6bece6f6aec0ea46bb9112489b93d4b688fb415457bdb/iniconfig-2.3.1-",
        "2c/e1/e6716421ea10d38022b952c159d5161ca1193197fb744506875fbb87ea7b/iniconfig-2.1.0-",
    ),
    (
        "9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7",
        "9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760",
    ),
];

/// `pylock.toml` with that other release.
pub fn one_line_changed(lock: &str) -> String {
    OTHER_INICONFIG.iter().fold(lock.to_owned(), |lock, (from, to)| {
        assert!(lock.contains(from), "pylock.toml has no {from:?}");
        lock.replacen(from, to, 1)
    })
}

/// A folder with the files of a tool and a manifest.
fn project(tool: &str, python: &str) -> TempDir {
    let folder = context(&[]);
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/own_locks").join(tool);
    for file in fs::read_dir(files).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let manifest = format!("# syntax=strata\nbase: python:3-slim\npython: {python}\n");
    fs::write(folder.path().join("strata.yaml"), manifest).unwrap();
    folder
}

/// Builds it and says what is installed.
fn built(folder: &TempDir, arguments: &[&str]) -> (Build, String) {
    let image = Built { name: unique_name() };
    let mut command = build(&STRATA, folder.path());
    let build = Build::succeed(command.args(["--tag", &image.name]).args(arguments)).unwrap();
    let installed = image.run(&["python3", "-c", LIST]);
    (build, installed)
}

/// Replaces a part of a file.
fn edit(folder: &TempDir, file: &str, from: &str, to: &str) {
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_their_tools_would_install() {
    for (tool, python, _) in LOCKS {
        let (build, installed) = built(&project(tool, python), &[]);
        assert_eq!(installed, INSTALLED.trim_end(), "{tool}");
        let resolved = build.vertices.iter().any(|vertex| vertex.name.contains("[lock] resolve"));
        // Only where the lock does not say where the files are is that looked up.
        assert_eq!(resolved, !["uv", "pylock"].contains(&tool), "{}", build.report());
    }
}

#[test]
fn a_project_without_a_lock() {
    let python = "{pyproject: pyproject.toml, extras: [pretty], groups: [test]}";
    let folder = project("uv", python);
    fs::remove_file(folder.path().join("uv.lock")).unwrap();
    // What is newest changes.
    let held: Vec<&str> = INSTALLED.lines().collect();
    let path = folder.path().join("pyproject.toml");
    let project = fs::read_to_string(&path).unwrap();
    let held = format!("{project}\n[tool.uv]\nconstraint-dependencies = {held:?}\n");
    fs::write(&path, held).unwrap();
    assert_eq!(built(&folder, &[]).1, INSTALLED.trim_end());
}

#[test]
fn one_line_of_a_lock_is_one_layer() {
    let (_, python, _) = LOCKS[4];
    let folder = project("pylock", python);
    // No step was run before.
    let anew = format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={}", unique());
    built(&folder, &[&anew]);
    let path = folder.path().join("pylock.toml");
    fs::write(&path, one_line_changed(&fs::read_to_string(&path).unwrap())).unwrap();
    let (build, installed) = built(&folder, &[&anew]);
    assert!(installed.contains("iniconfig==2.1.0\n"), "{installed}");
    let steps = steps(&build);
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert!(steps[0].starts_with("[packages] install "), "{steps:?}");
}

#[test]
fn members_of_a_workspace() {
    let manifest = "# syntax=strata\nbase: python:3-slim\npython: {lock: uv.lock}\n\
                    code: {source: ., install: [app, lib]}\nworkdir: /\n";
    let folder = context(&[
        ("strata.yaml", manifest),
        ("uv.lock", include_str!("own_locks/workspace/uv.lock")),
        ("pyproject.toml", include_str!("own_locks/workspace/pyproject.toml")),
        ("app/pyproject.toml", include_str!("own_locks/workspace/app/pyproject.toml")),
        ("app/app.py", include_str!("own_locks/workspace/app/app.py")),
        ("lib/pyproject.toml", include_str!("own_locks/workspace/lib/pyproject.toml")),
        ("lib/src/lib/__init__.py", include_str!("own_locks/workspace/lib/src/lib/__init__.py")),
    ]);
    let (build, installed) = built(&folder, &[]);
    // What a member needs, with its extra, is installed as any package; it itself with the code.
    assert_eq!(installed, "app==1\nlib==1\nmdurl==0.1.2\nsix==1.17.0");
    assert!(build.warnings.is_empty(), "{:?}", build.warnings);
    let says = || Built::of::<&str>(folder.path(), &[]).run(&["app"]);
    assert_eq!(says(), "six mdurl");
    edit(&folder, "lib/src/lib/__init__.py", "TEXT = f\"", "TEXT = f\"again ");
    assert_eq!(says(), "again six mdurl");

    // What a member asks for since it was locked is missed, whichever member it is.
    edit(&folder, "lib/pyproject.toml", "[\"six\"]", "[\"six\", \"toolz\"]");
    let told = Plain::run(&mut crate::build(&STRATA, folder.path())).unwrap();
    assert_eq!(told.status.code(), Some(1), "{}", told.text);
    assert!(told.text.contains("uv.lock was not made for `toolz`"), "{}", told.text);
    edit(&folder, "lib/pyproject.toml", "[\"six\", \"toolz\"]", "[\"six\"]");

    // Where nobody installs it, somebody says so.
    edit(&folder, "strata.yaml", ", install: [app, lib]", ", install: app");
    let (build, installed) = built(&folder, &[]);
    assert_eq!(installed, "app==1\nmdurl==0.1.2\nsix==1.17.0");
    let [warning] = &build.warnings[..] else { panic!("{:?}", build.warnings) };
    assert!(warning.short.contains("`code.install: [app, lib]`"), "{}", warning.short);
}

#[test]
fn a_lock_that_is_out_of_date() {
    for (tool, python, file) in LOCKS {
        let lock = match tool {
            "uv" => "uv.lock",
            "poetry" => "poetry.lock",
            "pdm" => "pdm.lock",
            "pipenv" => "Pipfile.lock",
            _ => continue,
        };
        let folder = project(tool, python);
        let (from, to) = match tool {
            "poetry" | "pipenv" => ("docopt = ", "toolz = \"*\"\ndocopt = "),
            _ => ("\"docopt==0.6.2\",", "\"docopt==0.6.2\", \"toolz\","),
        };
        edit(&folder, file, from, to);
        let Plain { status, text } = Plain::run(&mut build(&STRATA, folder.path())).unwrap();
        assert_eq!(status.code(), Some(1), "{tool}:\n{text}");
        for said in [file, lock, "out of date"] {
            assert!(text.contains(said), "of {tool}, nobody says {said:?}:\n{text}");
        }
    }
}

#[test]
fn a_hash_that_is_missing() {
    let (_, python, _) = LOCKS[5];
    let folder = project("hashes", python);
    edit(&folder, "requirements.txt", "pluggy==", "six==1.17.0\npluggy==");
    let Plain { status, text } = Plain::run(&mut build(&STRATA, folder.path())).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    for said in ["strata.yaml:3: `six==1.17.0` has no hash", "help: pip wants all of them pinned"] {
        assert!(text.contains(said), "nobody says {said:?}:\n{text}");
    }
}
