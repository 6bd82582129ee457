//! The binary run by hand.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

const MANIFEST: &str = "\
# syntax=strata
args: {GREETING: hello}
base: python:3.12-slim
python: requirements.txt
models: org/name
code: https://github.com/org/app.git
env: {GREETING: \"${GREETING}\"}
";

/// A folder with a manifest and what it names.
fn folder(manifest: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("strata.yaml"), manifest).unwrap();
    fs::write(folder.path().join("requirements.txt"), "six==1.16.0\n-r more.txt\n").unwrap();
    fs::write(folder.path().join("more.txt"), "idna\n").unwrap();
    folder
}

/// Exit status, standard output and standard error.
fn strata(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
    let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn without_arguments_it_says_what_it_is() {
    let (status, stdout, _) = strata(&folder(MANIFEST), &[]);
    assert_eq!(status, 0);
    for words in ["BuildKit frontend", "docker buildx build -f strata.yaml .", "plan"] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
}

#[test]
fn a_plan_as_text() {
    let (status, stdout, stderr) = strata(&folder(MANIFEST), &["plan"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    insta::assert_snapshot!(stdout);
}

#[test]
fn a_project_that_nothing_installs() {
    let manifest = "base: python:3.12-slim\npython: {pyproject: pyproject.toml}\ncode: .\n";
    let folder = folder(manifest);
    let project = "[project]\nname = \"hello\"\n[build-system]\nrequires = [\"uv_build\"]\n";
    fs::write(folder.path().join("pyproject.toml"), project).unwrap();
    let (status, _, stderr) = strata(&folder, &["plan"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    fs::create_dir_all(folder.path().join("src/hello")).unwrap();
    let (status, _, stderr) = strata(&folder, &["plan"]);
    assert!(status == 0 && stderr.starts_with("UninstalledCode: `hello` is in"), "{stderr}");
}

#[test]
fn more_layers_than_engines_take() {
    let models: Vec<String> = (0..70).map(|n| format!("org/model-{n}")).collect();
    let manifest = MANIFEST.replace("org/name", &format!("[{}]", models.join(", ")));
    let (status, stdout, stderr) = strata(&folder(&manifest), &["plan"]);
    assert_eq!((status, stdout.as_str()), (1, ""));
    for said in ["strata.yaml:5", "140 of models", "Docker takes 125 at most"] {
        assert!(stderr.contains(said), "nobody says {said:?}:\n{stderr}");
    }
}

#[test]
fn a_target_without_a_graph() {
    let folder = folder(MANIFEST);
    let (status, stdout, stderr) = strata(&folder, &["plan", "--target", "lock"]);
    assert_eq!((status, stdout.as_str()), (1, ""));
    assert!(stderr.contains("the targets to plan are image, dev, deps, models"), "{stderr}");
    assert!(
        strata(&folder, &["plan", "--help"]).1.contains("The target: image, dev, deps, models")
    );
}

#[test]
fn a_plan_as_json() {
    let (_, stdout, _) = strata(&folder(MANIFEST), &["plan", "--format", "json"]);
    let graph: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let vertices = graph["vertices"].as_array().unwrap();
    let packages =
        vertices.iter().find(|vertex| vertex["name"] == "[packages] install idna").unwrap();
    assert_eq!(packages["kind"], "exec");
    assert_eq!(packages["lines"], serde_json::json!([4, 4]));
    let digests: Vec<&str> =
        vertices.iter().map(|vertex| vertex["digest"].as_str().unwrap()).collect();
    assert!(digests.iter().all(|digest| digest.starts_with("sha256:")));
    let inputs = packages["inputs"].as_array().unwrap();
    assert!(inputs.iter().all(|input| digests.contains(&input.as_str().unwrap())));
}

#[test]
fn a_plan_as_a_chart() {
    let (_, stdout, _) = strata(&folder(MANIFEST), &["plan", "--format", "mermaid"]);
    assert!(stdout.starts_with("flowchart BT\n"), "{stdout}");
    assert!(stdout.contains("[\"[packages] install idna\"]"), "{stdout}");
    assert!(stdout.contains(" --> "), "{stdout}");
}

#[test]
fn what_two_builds_have_not_in_common() {
    let against = |argument| {
        let arguments = ["plan", "--build-arg", "CODE_VERSION=v1", "--against", argument];
        strata(&folder(MANIFEST), &arguments).1
    };
    assert_eq!(against("GREETING=goodbye"), "nothing differs\n");
    assert_eq!(against("CODE_VERSION=v1"), "nothing differs\n");
    assert_eq!(
        against("CODE_VERSION=v2"),
        "[code] https://github.com/org/app.git at v2\n\
         [code] copy https://github.com/org/app.git at v2 to /app\n\
         [image] put the layers together\n"
    );
}

/// The steps that install packages.
fn installs(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines().filter_map(|line| line.split_once("[packages] install "));
    let mut names: Vec<&str> = lines.map(|(_, rest)| rest.split("  ").next().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_lock_says_what_is_installed() {
    let hash = "0".repeat(64);
    let wheel = |name: &str| {
        format!(
            "name = \"{name}\"\nversion = \"1.0\"\nwheels = [{{ name = \"{name}-1.0-py3-none-any.whl\", \
             url = \"https://example.org/{name}-1.0-py3-none-any.whl\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
        )
    };
    let named = folder("base: python:3.11-slim\npython: requirements.txt\n");
    let (_, before, _) = strata(&named, &["plan"]);
    assert_eq!(installs(&before), ["idna", "six"], "{before}");
    let code = "base: b\npython: code:r.txt\ncode: {context: app, subdir: src}\n";
    let of_code = folder(code);
    fs::create_dir_all(of_code.path().join("app/src")).unwrap();
    fs::write(of_code.path().join("app/src/r.txt"), "idna\n").unwrap();
    let (_, stdout, stderr) = strata(&of_code, &["plan"]);
    assert_eq!(installs(&stdout), ["idna"], "{stdout}{stderr}");

    let hash = format!("--hash=sha256:{hash}");
    let hashed = folder("base: python:3.11.4-slim\npython: requirements.txt\n");
    let requirements = format!(
        "idna==3.10 {hash}\npywin32==308; sys_platform == 'win32' {hash}\n\
         six==1.16.0; python_full_version < '3.11.4' {hash}\n"
    );
    fs::write(hashed.path().join("requirements.txt"), &requirements).unwrap();
    let (_, stdout, stderr) = strata(&hashed, &["plan"]);
    assert_eq!(installs(&stdout), ["idna 3.10"], "{stdout}{stderr}");
    let plain = requirements.replace(&format!(" {hash}"), "");
    fs::write(hashed.path().join("requirements.txt"), plain).unwrap();
    assert_eq!(installs(&strata(&hashed, &["plan"]).1), ["idna"]);

    let own = folder("base: python:3.11-slim\npython: {lock: pylock.toml}\n");
    let only = "marker = \"python_version < '3.12'\"\n";
    let lock = format!(
        "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\n{}[[packages]]\n{}{only}",
        wheel("numpy"),
        wheel("tomli")
    );
    fs::write(own.path().join("pylock.toml"), &lock).unwrap();
    let (_, stdout, stderr) = strata(&own, &["plan"]);
    assert_eq!(installs(&stdout), ["numpy 1.0", "tomli 1.0"], "{stdout}{stderr}");
    assert!(!stdout.contains("[lock] resolve"), "{stdout}");
    fs::write(own.path().join("pylock.toml"), lock.replace("-py3-none-any", "-cp39-cp39-win32"))
        .unwrap();
    let (status, _, stderr) = strata(&own, &["plan"]);
    assert_eq!(status, 1);
    for said in ["pylock.toml:4", "CPython 3.11.99 on linux-x86_64", "only a build can look at"] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
}

#[test]
fn a_member_of_a_workspace() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/locks/fixtures/uv-workspace");
    for (member, expected) in [
        (", pyproject: api/pyproject.toml", &["h11", "mdurl", "six"][..]),
        (", pyproject: lib/pyproject.toml", &["six"]),
        ("", &["h11", "mdurl", "six"]),
    ] {
        let python = format!("python: {{lock: uv.lock{member}, heavy: [h11, mdurl, six]}}\n");
        let folder = folder(&format!("base: python:3.12-slim\n{python}code: .\n"));
        for file in ["uv.lock", "pyproject.toml", "api/pyproject.toml", "lib/pyproject.toml"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::copy(fixture.join(file), path).unwrap();
        }
        let (_, stdout, stderr) = strata(&folder, &["plan"]);
        let names: Vec<_> =
            installs(&stdout).iter().map(|one| one.split(' ').next().unwrap()).collect();
        assert_eq!(names, expected, "{stdout}{stderr}");
        let dockerfile = "FROM python:3.12-slim\nCOPY . /app\nRUN uv sync --package lib\n";
        fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
        let (_, stdout, stderr) = strata(&folder, &["init", "--stdout"]);
        assert!(stdout.contains("pyproject: lib/pyproject.toml"), "{stdout}{stderr}");
    }
}

#[test]
fn models_that_nobody_finds() {
    let manifest = "base: python:3\nmodels: a/b\nenv: {HF_HUB_CACHE: /models}\n";
    let (status, _, stderr) = strata(&folder(manifest), &["plan"]);
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(
        stderr,
        "HiddenModels: by `HF_HUB_CACHE`, which is /models, a/b is not found: it is in \
         /opt/huggingface/hub; leave that variable out, or set it to /opt/huggingface/hub in `env` \
         (line 2)\n"
    );
}

#[test]
fn mistakes_are_shown_on_their_lines() {
    let (status, stdout, stderr) = strata(&folder("base: x\nmodle: y\nbase: z\n"), &["plan"]);
    assert_eq!((status, stdout.as_str()), (1, ""));
    insta::assert_snapshot!(stderr);
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = folder("base: x\npython: [nope.txt, requirements.txt]\n");
    fs::write(folder.path().join("more.txt"), "-e .\n").unwrap();
    let (status, _, stderr) = strata(&folder, &["plan"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("cannot read `nope.txt`"), "{stderr}");
    assert!(stderr.contains("more.txt:1"), "{stderr}");
    let (status, _, stderr) = strata(&folder, &["plan", "-f", "other.yaml"]);
    assert_eq!(status, 1);
    assert!(stderr.starts_with("cannot read other.yaml: "), "{stderr}");
}

#[test]
fn a_first_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = "FROM python:3.12-slim\nENV API_KEY=changeme\nCOPY . /app\nUSER app\n\
                      CMD [\"python\", \"main.py\"]\n";
    fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    let manifest = "# syntax=strata\nbase: python:3.12-slim\ncode: .\ncmd: [python, main.py]\n";
    let (status, stdout, stderr) = strata(&folder, &["init", "--stdout"]);
    assert_eq!((status, stdout.as_str()), (0, manifest));
    assert!(stderr.contains("Dockerfile:2: `API_KEY` looks like a secret"), "{stderr}");

    let (status, stdout, stderr) = strata(&folder, &["init"]);
    assert_eq!((status, stdout.as_str()), (0, ""));
    assert!(stderr.starts_with("wrote ./strata.yaml\n"), "{stderr}");
    let written = || fs::read_to_string(folder.path().join("strata.yaml")).unwrap();
    assert_eq!(written(), manifest);
    assert_eq!(strata(&folder, &["plan"]).0, 0);

    fs::write(folder.path().join("Dockerfile"), "FROM python:3.13\n").unwrap();
    let (status, _, stderr) = strata(&folder, &["init"]);
    assert_eq!(status, 1);
    assert!(stderr.contains("is there already, and is not overwritten"), "{stderr}");
    assert_eq!(written(), manifest);
    assert_eq!(strata(&folder, &["init", "--output", "other.yaml"]).0, 0);
    let (status, _, stderr) = strata(&folder, &["init", "--dockerfile", "nope"]);
    assert_eq!(status, 1);
    assert!(stderr.starts_with("cannot read nope: "), "{stderr}");
}
