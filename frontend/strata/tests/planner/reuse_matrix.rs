//! The promise, row by row: what an edit makes run is the difference of two plans.
//!
//! The same rows are proven on a real engine in `integration/tests/engine/reuse_matrix.rs`.

use llb::pb::op::Op;

use crate::project::Project;

/// What runs after the edit: the stages that do work in the second plan and not in the first.
fn runs(edit: impl FnOnce(&mut Project)) -> Vec<String> {
    let before = Project::example();
    let mut after = before.clone();
    edit(&mut after);
    before.runs_to(&after)
}

fn replace(from: &'static str, to: &'static str) -> impl FnOnce(&mut Project) {
    move |project| {
        assert!(project.manifest.contains(from), "the example has no `{from}`");
        project.manifest = project.manifest.replacen(from, to, 1);
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn nothing() {
    assert_eq!(runs(|_| ()), NOTHING);
}

#[test]
fn the_code() {
    // The fetch is a source: a new commit is the same vertex, and BuildKit asks the remote.
    assert_eq!(runs(|project| project.build_arg("CODE_VERSION", "v2")), ["code"]);
    assert_eq!(runs(replace("  to: /app", "  to: /srv")), ["code"]);
    assert_eq!(runs(replace("  subdir: src", "  subdir: lib")), ["code"]);
}

#[test]
fn code_version_that_names_no_ref() {
    assert_eq!(runs(|project| project.build_arg("CODE_VERSION", "latest")), NOTHING);
    assert_eq!(runs(|project| project.build_arg("CODE_VERSION", "1790000000")), NOTHING);
    assert_eq!(runs(|project| project.build_arg("CODE_VERSION", "main")), NOTHING);
}

#[test]
fn what_only_the_config_says() {
    for (from, to) in [
        ("GREETING: hello", "GREETING: goodbye"),
        ("cmd: [python, main.py]", "cmd: [python, other.py]"),
        ("cmd: [python, main.py]", "entrypoint: [python]"),
        ("ports: [8000]", "ports: [9000]"),
        ("team: search", "team: ranking"),
        ("interval: 30s", "interval: 10s"),
        ("workdir: /app", "workdir: /srv"),
        ("stop_signal: SIGTERM", "stop_signal: SIGINT"),
        ("volumes: [/data]", "volumes: [/data, /more]"),
    ] {
        assert_eq!(runs(replace(from, to)), NOTHING, "{from} → {to}");
    }
}

#[test]
fn comments_blank_lines_and_order() {
    assert_eq!(runs(replace("base:", "# a comment\n\nbase:")), NOTHING);
    assert_eq!(runs(replace("runtime: [curl, libgomp1]", "runtime: [libgomp1, curl]")), NOTHING);
    let requirements = "# light ones\nrequests==2.32.3\n\nNumPy == 2.1.0  # heavy\n";
    assert_eq!(runs(|project| project.file("requirements.txt", requirements)), NOTHING);
    let env = "A_FLAG: \"1\", CMAKE_ARGS: -DX=1";
    assert_eq!(runs(replace("CMAKE_ARGS: -DX=1, A_FLAG: \"1\"", env)), NOTHING);
}

#[test]
fn a_package() {
    let bumped = "numpy==2.1.1\nrequests==2.32.3\n";
    assert_eq!(runs(|project| project.file("requirements.txt", bumped)), ["packages"]);
    let added = "numpy==2.1.0\nrequests==2.32.3\nrich\n";
    assert_eq!(runs(|project| project.file("requirements.txt", added)), ["packages"]);
    let removed = "numpy==2.1.0\n";
    assert_eq!(runs(|project| project.file("requirements.txt", removed)), ["packages"]);
    assert_eq!(runs(replace("packages: [tqdm]", "packages: [tqdm, rich]")), ["packages"]);
}

#[test]
fn a_model() {
    let (one, two) = ("  - hf: org/second\n", "  - hf: org/second\n  - hf: org/third\n");
    assert_eq!(runs(replace(one, two)), ["models"], "added");
    assert_eq!(runs(replace(one, "  - hf: org/second\n    revision: v2\n")), ["models"], "bumped");
    assert_eq!(runs(replace(one, "")), NOTHING, "removed");
}

#[test]
fn system_packages() {
    assert_eq!(runs(replace("runtime: [curl,", "runtime: [curl, git,")), ["runtime"]);
    assert_eq!(runs(replace("build: [g++]", "build: [gcc]")), ["packages", "toolchain"]);
    assert_eq!(runs(replace("CMAKE_ARGS: -DX=1", "CMAKE_ARGS: -DX=2")), ["packages"]);
}

#[test]
fn the_user_and_folders() {
    assert_eq!(runs(replace("dirs: [/app/logs]", "dirs: [/app/cache]")), ["dirs"]);
    assert_eq!(runs(replace("user: app", "user: web")), ["runtime", "user"], "the number stays");
    assert_eq!(
        runs(replace("user: app", "user: 1234")),
        ["dirs", "runtime", "user"],
        "the code is never the user's"
    );
}

#[test]
fn the_base() {
    let ran = runs(|project| project.base_digest = format!("sha256:{}", "b".repeat(64)));
    for stage in ["venv", "packages", "runtime", "user", "probe"] {
        assert!(ran.iter().any(|ran| ran == stage), "{stage} stands on the base: {ran:?}");
    }
    for stage in ["code", "dirs"] {
        assert!(!ran.iter().any(|ran| ran == stage), "{stage} does not: {ran:?}");
    }
}

#[test]
fn a_target() {
    assert_eq!(runs(|project| project.target("deps")), NOTHING);
    assert_eq!(runs(|project| project.target("dev")), ["packages"], "dev adds watchfiles");
}

#[test]
fn a_variant() {
    assert_eq!(runs(|project| project.build_arg("VARIANT", "light")), ["runtime"]);
}

#[test]
fn another_platform() {
    let mut project = Project::example();
    project.platforms = vec!["linux/amd64".into()];
    let mut both = project.clone();
    both.platforms.push("linux/arm64".into());
    let ran = project.runs_to(&both);
    for stage in ["models", "code", "dirs"] {
        assert!(!ran.iter().any(|ran| ran == stage), "{stage} is the same for all: {ran:?}");
    }
}

#[test]
fn settings_that_are_not_identity() {
    // BuildKit leaves the proxy out of a step's key (`solver/llbsolver/ops/exec.go`): it must be
    // nowhere else.
    let mut proxied = Project::example();
    proxied.proxy = Some("http://proxy:3128".into());
    let definition = proxied.plans()[0].image.root.definition();
    let mut steps = 0;
    for vertex in definition.vertices() {
        if let Some(Op::Exec(mut exec)) = vertex.op() {
            let proxy = exec.meta.as_mut().unwrap().proxy_env.take();
            steps += usize::from(proxy.is_some());
            assert!(!format!("{exec:?}").contains("proxy:3128"), "{:?}", vertex.name());
        }
    }
    assert!(steps > 0, "steps with network are given it");
}

#[test]
fn no_cache_is_for_the_stages_it_names() {
    let mut project = Project::example();
    project.no_cache = vec!["packages".into()];
    let ignored = project.ignored();
    assert!(!ignored.is_empty());
    assert!(ignored.iter().all(|name| name.starts_with("[packages]")), "{ignored:?}");
}

#[test]
fn golden_graph() {
    insta::assert_snapshot!(Project::example().graph().text());
}

#[test]
fn without_merge_old_engines_will_do() {
    let mut project = Project::example();
    project.merge = false;
    let definition = project.plans()[0].image.root.definition();
    // The youngest that an engine with BuildKit 0.11 lacks.
    let young = "file.copy.alwaysreplaceexistingdestpaths";
    assert!(!definition.required_caps().contains(young));
}

#[test]
fn golden_graph_without_merge() {
    let mut project = Project::example();
    project.merge = false;
    insta::assert_snapshot!(project.graph().text());
}

#[test]
fn layers_from_what_rarely_changes_to_what_does_all_day() {
    let purposes = Project::example().purposes();
    let position = |word: &str| {
        purposes.iter().position(|purpose| purpose.contains(word)).unwrap_or_else(|| {
            panic!("no layer for {word}: {purposes:?}");
        })
    };
    let order = ["virtual environment", "org/first", "packages", "user", "system", "code"];
    let positions: Vec<usize> = order.iter().map(|word| position(word)).collect();
    assert!(positions.is_sorted(), "{purposes:?}");
}
