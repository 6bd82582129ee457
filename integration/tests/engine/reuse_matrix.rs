//! The promise, row by row: what an edit makes run on a warm engine.
//!
//! The same rows are proven of plans in `frontend/strata/tests/planner/reuse_matrix.rs`.

use integration::buildx::Build;
use integration::command::output;
use serde_json::Value;

use crate::project::{FIRST, NOTHING, Project, ran, steps};
use crate::{STRATA, unique};

/// The stages that run after the edit, which must not go unseen: the image is another one.
fn runs(edit: impl FnOnce(Project) -> Project) -> Vec<String> {
    let (_, project, before) = &*FIRST;
    let after = edit(project.clone()).build(&STRATA);
    assert_ne!(config(before), config(&after), "the edit does not show in the image");
    ran(&after)
}

/// That the edit makes no step run, and gives the same image.
fn is_nothing(edit: impl FnOnce(Project) -> Project) {
    let (_, project, before) = &*FIRST;
    let after = edit(project.clone()).build(&STRATA);
    assert_eq!(ran(&after), NOTHING, "{}", after.report());
    assert_eq!(config(before), config(&after), "{}", after.report());
}

/// The image's config by digest, which its layers are part of.
fn config(build: &Build) -> &Value {
    &build.metadata["containerimage.config.digest"]
}

fn replace(from: &str, to: &str) -> impl FnOnce(Project) -> Project {
    move |project| project.replace(from, to)
}

#[test]
fn the_first_build() {
    let (_, _, build) = &*FIRST;
    let all =
        "code dirs listing lock models packages probe runtime source tool toolchain user venv";
    assert_eq!(ran(build).join(" "), all, "{}", build.report());
}

#[test]
fn nothing() {
    is_nothing(|project| project);
}

#[test]
fn the_code_of_a_new_commit() {
    let (servers, project, _) = &*FIRST;
    let project = project.clone().build_arg("CODE_VERSION", "moving").argument("--tag=reuse-git");
    for _ in 0..2 {
        let main = format!("print({})\n", unique());
        let commit = servers.repository.commit_to("moving", &[("main.py", main)], "go on").unwrap();
        let build = project.build(&STRATA);
        assert_eq!(ran(&build), ["code"], "{}", build.report());
        let image = STRATA.inspect("reuse-git").unwrap();
        assert_eq!(image["Config"]["Labels"]["org.opencontainers.image.revision"], *commit);
    }
}

#[test]
fn the_code_of_an_edited_file() {
    let (_, project, _) = &*FIRST;
    let project = project.clone().build_arg("VARIANT", "local").argument("--tag=reuse-local");
    for _ in 0..2 {
        let said = unique();
        let project = project.clone().file("main.py", &format!("print({said})\n"));
        let build = project.build(&STRATA);
        assert_eq!(ran(&build), ["code"], "{}", build.report());
        assert_eq!(output(&mut STRATA.docker(["run", "--rm", "reuse-local"])).unwrap(), said);
        let again = project.file("strata.yaml.dockerignore", "# nothing\n").build(&STRATA);
        assert_eq!(ran(&again), NOTHING, "{}", again.report());
    }
}

#[test]
fn code_version_of_the_same_commit() {
    let (servers, ..) = &*FIRST;
    let commit = servers.repository.tip("main").unwrap();
    for version in ["main", "refs/heads/main", "v1", &commit, "latest", "1790000000"] {
        is_nothing(|project| project.build_arg("CODE_VERSION", version));
    }
}

#[test]
fn what_only_the_config_says() {
    for (from, to) in [
        ("GREETING: hello", "GREETING: goodbye"),
        ("team: search", "team: ranking"),
        ("cmd: [main.py]", "cmd: [other.py]"),
        ("entrypoint: [python]", "entrypoint: [python, -u]"),
        ("ports: [8000]", "ports: [9000]"),
        ("interval: 30s", "interval: 10s"),
        ("workdir: /app", "workdir: /srv"),
    ] {
        assert_eq!(runs(replace(from, to)), NOTHING, "{from} → {to}");
    }
}

#[test]
fn comments_blank_lines_and_order() {
    is_nothing(replace("\nbase:", "\n# the base\n\nbase:"));
    is_nothing(|project| {
        project.replace("ports: [8000]\n", "").replace("\nbase:", "\nports: [8000]\nbase:")
    });
    is_nothing(|project| {
        project.file("requirements.txt", "# light\n\ndocopt==0.6.2\nSix == 1.17.0  # as ever\n")
    });
}

/// The requirements edited.
fn requirements(text: &'static str) -> impl FnOnce(Project) -> Project {
    move |project| project.file("requirements.txt", text)
}

#[test]
fn a_light_package() {
    let added = runs(requirements("six==1.17.0\ndocopt==0.6.2\nidna==3.10\n"));
    assert_eq!(added, ["lock", "packages"]);
    let bumped = runs(requirements("six==1.16.0\ndocopt==0.6.2\n"));
    assert_eq!(bumped, ["lock", "packages"]);
    let removed = runs(requirements("docopt==0.6.2\n"));
    assert_eq!(removed, ["lock"]);
    assert_eq!(runs(requirements("")), NOTHING, "no packages need no step");
}

#[test]
fn a_heavy_package() {
    let with = |version: &str| {
        let (_, project, _) = &*FIRST;
        let project = project.clone().replace("  env: {FLAG", "  heavy: [colorama]\n  env: {FLAG");
        let text = format!("six==1.17.0\ndocopt==0.6.2\ncolorama=={version}\n");
        project.file("requirements.txt", &text).build(&STRATA)
    };
    with("0.4.5");
    let bumped = steps(&with("0.4.6"));
    assert_eq!(
        bumped,
        ["[lock] resolve colorama, docopt, six", "[packages] install colorama 0.4.6"]
    );
}

#[test]
fn requirements_that_resolve_to_the_same() {
    let (_, project, _) = &*FIRST;
    let looser = requirements("six<1.17.1,>=1.17\ndocopt==0.6.2\n");
    let after = looser(project.clone()).build(&STRATA);
    assert_eq!(steps(&after), ["[lock] resolve docopt, six"], "{}", after.report());
}

#[test]
fn the_installer() {
    assert_eq!(runs(replace("  env: {FLAG", "  installer: uv\n  env: {FLAG")), ["packages"]);
}

#[test]
fn what_must_import() {
    assert_eq!(runs(replace("  env: {FLAG", "  verify: [six, docopt]\n  env: {FLAG")), ["verify"]);
}

#[test]
fn a_model() {
    let second = "  - hf: tiny/second\n";
    let added = format!("{second}  - hf: tiny/third\n");
    assert_eq!(runs(replace(second, &added)), ["listing", "models"], "added");
    let moved = format!("{second}    revision: v1\n");
    assert_eq!(runs(replace(second, &moved)), ["listing", "models"], "another revision");
    assert_eq!(runs(replace(second, "")), NOTHING, "removed");
}

#[test]
fn system_packages() {
    let added = replace("runtime: [tini]", "runtime: [tini, sl]");
    assert_eq!(runs(added), ["runtime"]);
    let removed = replace("  runtime: [tini]\n", "");
    assert_eq!(runs(removed), NOTHING);
}

#[test]
fn what_packages_are_built_with() {
    // Nothing of it may show in the image, so only the steps are compared.
    let ran_after = |from, to| {
        let (_, project, _) = &*FIRST;
        let build = project.clone().replace(from, to).build(&STRATA);
        ran(&build)
    };
    assert_eq!(ran_after("build: [make]", "build: [m4]"), ["source", "toolchain"]);
    assert_eq!(ran_after("FLAG: one", "FLAG: two"), ["source"]);
}

#[test]
fn a_target() {
    assert_eq!(runs(|project| project.argument("--target=deps")), NOTHING);
    assert_eq!(runs(|project| project.argument("--target=dev")), ["lock", "packages"]);
}

#[test]
fn a_variant() {
    assert_eq!(runs(|project| project.build_arg("VARIANT", "tools")), ["runtime"]);
}
