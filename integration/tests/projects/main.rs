//! Projects of the shapes that people have, built on a real engine and run.
//!
//! Each folder beside this file is one: the dependency files, some locked by the tool that keeps
//! the lock, a manifest, and a `main.py` that uses the main modules and prints `works`. They take
//! minutes and what they ask for comes from PyPI, so that they run only when asked for:
//! `cargo test -p integration --test projects -- --ignored`.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use integration::buildx::Build;
use integration::command::output;
use integration::engine::Engine;
use integration::git_server::GitServer;
use integration::workbench;
use tempfile::TempDir;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| workbench::set_up().unwrap());

/// A copy of a project's folder, where a test may change it.
fn copied(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects").join(name);
    output(Command::new("cp").arg("-r").arg(project.join(".")).arg(folder.path())).unwrap();
    folder
}

/// Builds the project, and says what its command prints.
fn run(name: &str, folder: &TempDir) -> String {
    let image = format!("strata-project-{name}");
    let mut command = ENGINE.docker(["buildx", "build", "--tag", &image]);
    command.arg("--file").arg(folder.path().join("strata.yaml")).arg(folder.path());
    Build::succeed(&mut command).unwrap();
    let printed = output(&mut ENGINE.docker(["run", "--rm", &image]));
    output(&mut ENGINE.docker(["image", "rm", "--force", &image])).unwrap();
    printed.unwrap()
}

macro_rules! projects {
    ($($test:ident: $name:literal,)*) => {$(
        #[test]
        #[ignore = "slow: minutes, and hundreds of megabytes from PyPI"]
        fn $test() {
            assert_eq!(run($name, &copied($name)), "works");
        }
    )*};
}

projects! {
    a_web_service_by_its_uv_lock: "fastapi-uv",
    a_site_with_packages_built_from_source: "django-source",
    data_science: "data-science",
    a_server_of_embeddings: "embedding-server",
    extras_and_markers: "extras-and-markers",
    an_agent_by_its_poetry_lock: "agent-poetry",
    a_site_by_its_pipfile_lock: "flask-pipenv",
    analytics_by_its_pdm_lock: "analytics-pdm",
    namespaces_of_three_clouds: "namespaces",
}

/// A `pyproject.toml` for setuptools, whose one module is `name`.
fn setuptools(name: &str, rest: &str) -> String {
    format!(
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
         [project]\nname = \"{name}\"\nversion = \"1.0\"\n{rest}[tool.setuptools]\n\
         py-modules = [\"{name}\"]\n"
    )
}

#[test]
#[ignore = "slow: minutes, and hundreds of megabytes from PyPI"]
fn dependencies_in_git() {
    let server = GitServer::serve(ENGINE.host_address().unwrap()).unwrap();
    let repository = server.create("greeter").unwrap();
    let helper = "[project.optional-dependencies]\ndeco = [\"wrapt\"]\n";
    let files = [
        ("pyproject.toml", setuptools("greeter", "dependencies = [\"six\"]\n")),
        ("greeter.py", "def greet():\n    import six\n    return 'works'\n".to_owned()),
        ("helper/pyproject.toml", setuptools("helper", helper)),
        ("helper/helper.py", "WHO = 'helper'\n".to_owned()),
    ];
    let commit = repository.commit(&files, "begin").unwrap();
    repository.tag("v1").unwrap();
    // Neither requirement asks for what comes later.
    repository.commit(&[("greeter.py", "raise RuntimeError")], "break it").unwrap();
    let folder = copied("git-dependencies");
    let path = folder.path().join("requirements.txt");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("REPOSITORY", repository.url()).replace("COMMIT", &commit);
    fs::write(&path, text).unwrap();
    assert_eq!(run("git-dependencies", &folder), "works");
}
