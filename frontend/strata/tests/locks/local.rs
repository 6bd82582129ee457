//! Folders beside a lock: code, whose own dependencies are installed.

use std::sync::Arc;

use llb::SourceFile;
use strata::{
    inputs::Demand,
    local_code::{self, Project},
    lock::{self, Kind, Lock},
    mistake::Mistakes,
    notice::Notice,
    recipe::{self, Choices, Recipe},
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
    let recipe = recipe(manifest, target);
    let api = include_str!("fixtures/uv-workspace/api/pyproject.toml");
    let mut lock = workspace(api);
    lock.local[0].folder = folder.to_owned();
    words(local_code::check(&recipe, &lock.local, None))
}

fn recipe(manifest: &str, target: Option<&str>) -> Recipe {
    let manifest = format!("base: python:3.12-slim\n{manifest}\n");
    let name = "strata.yaml".to_owned();
    let file = SourceFile { name, language: "YAML".to_owned(), data: manifest.into_bytes() };
    let choices = Choices { target: target.map(str::to_owned), ..Choices::default() };
    recipe::read(Arc::new(file), &choices).unwrap()
}

fn words(checked: Result<Option<Notice>, Mistakes>) -> String {
    match checked {
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

/// A project that is a package, `uv init --package hello`.
const HELLO: &str = "[project]\nname = \"hello-world\"\n[project.scripts]\nhello = \
                     \"hello_world:main\"\n[build-system]\nrequires = [\"uv_build\"]\n";

/// What is said of a manifest whose project is `pyproject`, and whose code has these files.
fn said_of_project(manifest: &str, pyproject: &str, code: &[&str]) -> String {
    let recipe = recipe(manifest, None);
    let project = Some(file("pyproject.toml", pyproject));
    let demand = Demand { project, ..Demand::default() };
    let project = local_code::project(&recipe, &demand).map(|project| {
        let has_src = project.modules().iter().any(|module| code.contains(&module.as_str()));
        Project { has_src, ..project }
    });
    words(local_code::check(&recipe, &[], project.as_ref()))
}

#[test]
fn a_project_that_has_to_be_installed() {
    let (src, flat) = (&["src/hello_world"][..], &[][..]);
    let member = &["services/api/src/hello_world"][..];
    let all = [
        ("lock: uv.lock", "code: .\ncmd: [hello]", src),
        ("lock: uv.lock", "code: .\ncmd: [hello]\nenv: {PYTHONPATH: src}", flat),
        ("lock: uv.lock", "code: .\nentrypoint: [tini, --]\ncmd: [hello, -v]", flat),
        ("lock: uv.lock", "code: .\ncmd: [uvicorn, \"hello_world:app\"]", src),
        ("lock: uv.lock", "code: .\ncmd: [python, main.py]", &["src/hello_world.py"]),
        ("pyproject: app/pyproject.toml", "code: app\ncmd: hello", flat),
        (
            "{lock: uv.lock, pyproject: services/api/pyproject.toml}",
            "code: {source: ., install: libs/core}\ncmd: [uvicorn, \"api.main:app\"]",
            flat,
        ),
        (
            "{lock: uv.lock, pyproject: services/api/pyproject.toml}",
            "code: {source: ., install: libs/core}\nworkdir: /app/services/api",
            member,
        ),
        ("lock: code:poetry.lock", "code: https://e.org/app.git\ncmd: hello", flat),
    ];
    let said = all.map(|(python, rest, code)| {
        let python = python.trim_matches(['{', '}']);
        let said = said_of_project(&format!("python: {{{python}}}\n{rest}"), HELLO, code);
        format!("{python}\n{rest}\n  {said}\n")
    });
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_project_that_is_run_from_its_folder() {
    let src = &["src/hello_world", "services/api/src/hello_world"][..];
    let own = "python: {lock: uv.lock}";
    let member = "python: {lock: uv.lock, pyproject: services/api/pyproject.toml}";
    for (python, rest, code) in [
        (own, "code: .\ncmd: [uvicorn, main:app]", &[][..]),
        (own, "code: .\ncmd: [python, -m, hello]", &[]),
        (own, "code: .\nentrypoint: [python, -m]\ncmd: [hello]", &[]),
        (own, "code: .\ncmd: [uvicorn, --app-dir, src, hello_world:app]", src),
        (own, "code: .\ncmd: [uvicorn, src.hello_world:app]", src),
        (own, "code: .\nworkdir: /app/src\ncmd: [uvicorn, hello_world:app]", src),
        (own, "code: .\nenv: {PYTHONPATH: src}\ncmd: [uvicorn, hello_world:app]", src),
        (own, "code: {source: ., install: true}\ncmd: hello", src),
        (member, "code: .\nworkdir: /app/services/api\ncmd: [uvicorn, main:app]", &[]),
        (member, "code: .\ncmd: [python, services/api/main.py]", &[]),
        (member, "code: .\ncmd: [python, -m, services.api.main]", &[]),
        (member, "code: .\nworkdir: /app/services\ncmd: [python, -m, api.main]", &[]),
        (member, "code: .\ncmd: [python, /app/services/api/main.py]", &[]),
        (member, "code: .\ncmd: [sh, -c, cd services/api/src && uvicorn hello_world:app]", src),
        (member, "code: {source: ., install: [services/api]}\ncmd: hello", src),
        // Nothing of it is in the code, or nobody knows where.
        (own, "code: src\ncmd: hello", &[]),
        (own, "code: https://e.org/app.git\ncmd: hello", src),
        (own, "cmd: hello", src),
    ] {
        assert_eq!(said_of_project(&format!("{python}\n{rest}"), HELLO, code), "nothing", "{rest}");
    }
}

#[test]
fn projects_that_are_packages() {
    let built = "[build-system]\nrequires = [\"poetry-core\"]\n";
    let of_poetry = |mode: &str| {
        let scripts = "[tool.poetry.scripts]\nhello = \"a:b\"\n";
        format!("[tool.poetry]\nname = \"hello\"\n{mode}{scripts}")
    };
    for (project, is_one) in [
        (HELLO.to_owned(), true),
        (HELLO.replace("build-system", "other"), false),
        (HELLO.replace("build-system", "other") + "[tool.uv]\npackage = true\n", true),
        (HELLO.to_owned() + "[tool.uv]\npackage = false\n", false),
        (HELLO.to_owned() + "[tool.pdm]\ndistribution = false\n", false),
        (HELLO.to_owned() + "[tool.pdm]\ndistribution = true\n", true),
        (of_poetry("") + built, true),
        (of_poetry("package-mode = false\n") + built, false),
        (of_poetry(""), false),
        // No name, no package.
        (built.to_owned(), false),
    ] {
        let said = said_of_project("python: {lock: uv.lock}\ncode: .\ncmd: hello", &project, &[]);
        assert_eq!(said != "nothing", is_one, "{project}\n{said}");
    }
}
