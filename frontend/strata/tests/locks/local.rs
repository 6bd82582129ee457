//! Folders beside a lock: code, whose own dependencies are installed.

use std::sync::Arc;

use llb::SourceFile;
use strata::{
    local_code,
    lock::{self, Kind, Lock},
    recipe::{self, Choices},
};

use crate::{
    environments::{selection, usual},
    reading::{file, mistakes, read},
};

const UV: &str = include_str!("fixtures/uv-workspace/uv.lock");
const WHEEL: &str = "wheels = [{url = \"https://e.org/h11-1-py3-none-any.whl\", hashes = {sha256 = \
                     \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}]";

/// The packages of a lock, what each needs, and the folders that it takes for code.
fn told(lock: &Lock) -> String {
    let packages = lock.packages.iter().map(|package| {
        let needs: Vec<&str> = package.needs.iter().map(String::as_str).collect();
        format!("{}({})", package.name, needs.join(" "))
    });
    let local = lock.local.iter().map(|one| format!("{} in {}", one.name, one.folder));
    packages.chain(local).collect::<Vec<_>>().join(", ")
}

/// The lock of a workspace whose member `api` needs the member `lib`.
fn workspace(project: &str) -> Lock {
    let project = file("pyproject.toml", project);
    read(&file("uv.lock", UV), Some(&project), &selection(&[], &[]), &usual()).unwrap()
}

#[test]
fn members_are_code_and_what_they_need_is_installed() {
    let api = include_str!("fixtures/uv-workspace/api/pyproject.toml");
    assert_eq!(told(&workspace(api)), "h11(), mdurl(), six(), lib in lib");
    // Where all are asked for, one needs the other all the same; and nobody needs the first.
    let root = include_str!("fixtures/uv-workspace/pyproject.toml");
    assert_eq!(told(&workspace(root)), "h11(), mdurl(), six(), lib in lib");
    // By itself, it is the project.
    let lib = include_str!("fixtures/uv-workspace/lib/pyproject.toml");
    assert_eq!(told(&workspace(lib)), "six()");
}

#[test]
fn a_member_that_the_lock_was_not_made_for() {
    let lock = file("uv.lock", UV);
    assert_eq!(lock::folders(&lock, Kind::Uv), ["api", "lib"]);
    let [root, api, lib] = [
        ("pyproject.toml", include_str!("fixtures/uv-workspace/pyproject.toml")),
        ("api/pyproject.toml", include_str!("fixtures/uv-workspace/api/pyproject.toml")),
        ("lib/pyproject.toml", include_str!("fixtures/uv-workspace/lib/pyproject.toml")),
    ];
    let told = |api: &str, lib: &str| {
        let members = [file("api/pyproject.toml", api), file("lib/pyproject.toml", lib)];
        let root = file(root.0, root.1);
        let none = selection(&[], &[]);
        match lock::read(&lock, Kind::Uv, Some(&root), &members, &none, &usual()) {
            Ok(_) => "fine".to_owned(),
            Err(mistakes) => mistakes.to_string(),
        }
    };
    assert_eq!(told(api.1, lib.1), "fine");
    let all = [
        told(&api.1.replace("\"h11\"", "\"h11>=0.16\""), lib.1),
        told(api.1, &lib.1.replace("[\"mdurl\"]", "[]")),
        told(api.1, &lib.1.replace("[\"iniconfig\"]", "[\"iniconfig\", \"pluggy\"]")),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn folders_of_other_tools() {
    let lock = file("poetry.lock", include_str!("fixtures/poetry-local/poetry.lock"));
    let project = file("pyproject.toml", include_str!("fixtures/poetry-local/pyproject.toml"));
    let poetry = read(&lock, Some(&project), &selection(&[], &[]), &usual()).unwrap();
    assert_eq!(told(&poetry), "h11(), mdurl(), six(), lib in libs/lib");

    let pylock = format!(
        "lock-version = \"1.0\"\ncreated-by = \"me\"\n\
         [[packages]]\nname = \"app\"\ndirectory = {{path = \".\"}}\n\
         [[packages]]\nname = \"Lib\"\ndirectory = {{path = \"../lib\", editable = true}}\n\
         dependencies = [{{name = \"h11\"}}]\n\
         [[packages]]\nname = \"h11\"\nversion = \"1\"\n{WHEEL}\n"
    );
    let nothing = selection(&[], &[]);
    let pylock = read(&file("pylock.toml", &pylock), None, &nothing, &usual()).unwrap();
    assert_eq!(told(&pylock), "h11(), lib in ../lib");

    let git = "git = \"https://git.example.org/greeter.git\"";
    let pdm = include_str!("fixtures/pdm/pdm.lock");
    assert!(pdm.contains(git));
    let pdm = file("pdm.lock", &pdm.replace(git, "path = \"./libs/greeter\""));
    let pdm = read(&pdm, None, &nothing, &usual()).unwrap();
    assert!(!pdm.has("greeter"), "{}", told(&pdm));
    assert!(told(&pdm).ends_with(", greeter in ./libs/greeter"), "{}", told(&pdm));

    let pipenv = "{\"_meta\": {}, \"default\": {\"lib\": {\"path\": \"./lib\", \"editable\": true}, \
                  \"me\": {\"path\": \".\", \"editable\": true}}}";
    let pipenv = read(&file("Pipfile.lock", pipenv), None, &nothing, &usual()).unwrap();
    assert_eq!(told(&pipenv), "lib in ./lib");
}

#[test]
fn who_needs_code_needs_what_that_needs() {
    let package = |name: &str, source: &str, needs: &str| {
        let needs = needs.split_whitespace().map(|name| format!("{{name = \"{name}\"}}"));
        let needs = needs.collect::<Vec<_>>().join(", ");
        format!("[[packages]]\nname = \"{name}\"\ndependencies = [{needs}]\n{source}\n")
    };
    // Two that need each other are no reason to go round for ever.
    let lock = "lock-version = \"1.0\"\ncreated-by = \"me\"\n".to_owned()
        + &package("app", WHEEL, "one other")
        + &package("one", "directory = {path = \"one\"}", "two deep")
        + &package("two", "directory = {path = \"two\"}", "one deeper");
    let lock = read(&file("pylock.toml", &lock), None, &selection(&[], &[]), &usual()).unwrap();
    assert_eq!(told(&lock), "app(deep deeper other), one in one, two in two");
}

#[test]
fn a_file_beside_the_lock_is_no_code() {
    let lock = format!(
        "lock-version = \"1.0\"\ncreated-by = \"me\"\n[[packages]]\nname = \"h11\"\nversion = \
         \"1\"\n{}\n",
        WHEEL.replace("url = \"https://e.org/", "path = \"wheels/")
    );
    let told = mistakes(&file("pylock.toml", &lock), &selection(&[], &[]), &usual());
    assert!(told.contains("`h11` comes from the path `wheels/h11-1-py3-none-any.whl`"), "{told}");
}

/// What is said of a manifest whose lock has `lib` in the folder `folder`.
fn said(manifest: &str, target: Option<&str>, folder: &str) -> String {
    let manifest = format!("base: python:3.12-slim\n{manifest}\n");
    let name = "strata.yaml".to_owned();
    let file = SourceFile { name, language: "YAML".to_owned(), data: manifest.into_bytes() };
    let choices = Choices { target: target.map(str::to_owned), ..Choices::default() };
    let recipe = recipe::read(Arc::new(file), &choices).unwrap();
    let api = include_str!("fixtures/uv-workspace/api/pyproject.toml");
    let mut lock = workspace(api);
    lock.local[0].folder = folder.to_owned();
    match local_code::check(&recipe, &lock.local) {
        Ok(None) => "nothing".to_owned(),
        Ok(Some(notice)) => notice.to_string(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn code_that_has_it() {
    let python = "python: {lock: uv.lock}";
    for (rest, target, folder) in [
        ("code: {source: ., install: [api, lib]}", None, "lib"),
        ("code: {source: ., install: ./lib/}", None, "./lib"),
        ("code: {source: src, install: [lib]}", None, "src/lib"),
        ("code: {source: src, subdir: a, install: [lib]}", None, "src/a/lib"),
        ("code: .\nenv: {PYTHONPATH: /app/lib/src}", None, "lib"),
        // What is where in another remote is not the lock's to say.
        ("code: https://github.com/org/app.git", None, "lib"),
        // The code is no part of these.
        ("labels: {a: b}", Some("deps"), "lib"),
        ("code: .", Some("dev"), "lib"),
        ("code: src", Some("models"), "lib"),
    ] {
        assert_eq!(said(&format!("{python}\n{rest}"), target, folder), "nothing", "{rest}");
    }
    let inside = "python: {lock: code:py/uv.lock}\ncode: {source: a, subdir: b, install: lib}";
    assert_eq!(said(inside, None, "../lib"), "nothing");
}

#[test]
fn code_that_has_not() {
    let python = "python: {lock: uv.lock}";
    let all = [
        said(python, None, "lib"),
        said(&format!("{python}\ncode: src"), None, "lib"),
        said(&format!("{python}\ncode: src"), None, "srclib"),
        said(&format!("{python}\ncode: ."), None, "../lib"),
        said(&format!("{python}\ncode: ."), None, "libs/lib"),
        said(&format!("{python}\ncode: {{source: ., install: true}}"), None, "lib"),
        said("python: {lock: code:uv.lock}\ncode: {source: ., subdir: api}", None, "../lib"),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
