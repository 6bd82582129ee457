//! The promise, row by row: what an edit makes run is the difference of two plans.
//!
//! The same rows are proven on a real engine in `integration/tests/engine/reuse_matrix.rs`.

use std::collections::BTreeSet;

use gateway::NoCache;
use llb::{Vertex, pb::op::Op};
use strata::{
    graph::{Kind, Node},
    plan::STAGES,
};

use crate::project::{Project, handed, stage};

/// What runs after the edit: the stages that do work in the second plan and not in the first.
fn runs(edit: impl FnOnce(&mut Project)) -> Vec<String> {
    let before = Project::example();
    let mut after = before.clone();
    edit(&mut after);
    before.runs_to(&after)
}

fn replace(from: &'static str, to: &str) -> impl Fn(&mut Project) + use<> {
    let to = to.to_owned();
    move |project| {
        assert!(project.manifest.contains(from), "the example has no `{from}`");
        project.manifest = project.manifest.replacen(from, &to, 1);
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

/// The project with all that can be done with its code.
fn made_of_code(project: &mut Project) {
    let does = "  to: /app\n  build: make stubs\n  install: true\n  verify: [app.main]\n  \
                env: {STUBS: here}\n";
    replace("  to: /app\n", does)(project);
}

/// The names of the steps that run after the edit of a project whose code is built, installed
/// and verified.
fn steps_of_code(edit: impl FnOnce(&mut Project)) -> Vec<String> {
    let mut before = Project::example();
    made_of_code(&mut before);
    let mut after = before.clone();
    edit(&mut after);
    before.steps_to(&after)
}

#[test]
fn code_that_is_built_installed_and_verified() {
    let mut plain = Project::example();
    let mut made = plain.clone();
    made_of_code(&mut made);
    let [build, install, verify] =
        ["[code] build /app", "[code] install /app", "[verify] import app.main"];
    assert_eq!(plain.steps_to(&made), [build, install, verify]);

    let edited = steps_of_code(|project| project.build_arg("CODE_VERSION", "v2"));
    assert_eq!(edited, [build, install, verify], "beside the copy");
    let verified = steps_of_code(replace("verify: [app.main]", "verify: [app.other]"));
    assert_eq!(verified, ["[verify] import app.other"]);
    // What the image says is not what its code is built with.
    for (from, to) in [
        ("GREETING: hello", "GREETING: goodbye"),
        ("cmd: [python, main.py]", "cmd: [python, other.py]"),
        ("workdir: /app", "workdir: /srv"),
    ] {
        assert_eq!(steps_of_code(replace(from, to)), [""; 0], "{from} → {to}");
    }
    assert_eq!(steps_of_code(replace("STUBS: here", "STUBS: there")), [build, install, verify]);
    // Installing takes the compilers and not the packages.
    let bumped = steps_of_code(lock("certifi==2026.1.1", "certifi==2026.2.2"));
    assert!(bumped.contains(&build.to_owned()), "{bumped:?}");

    plain.target("dev");
    made.target("dev");
    assert_eq!(plain.steps_to(&made), [""; 0], "the code is left to a bind mount");
}

#[test]
fn packages_of_the_code_are_installed_together() {
    let install = |what: &str| {
        let mut project = Project::example();
        made_of_code(&mut project);
        replace("install: true", &format!("install: {what}"))(&mut project);
        project
    };
    let (all, two) = (install("true"), install("[lib, api]"));
    let verify = "[verify] import app.main";
    assert_eq!(all.steps_to(&two), ["[code] install /app/api, /app/lib", verify]);
    assert_eq!(two.steps_to(&install("[./api/, lib, api]")), [""; 0], "their order means nothing");
    assert_eq!(all.steps_to(&install(".")), [""; 0]);
    assert_eq!(all.steps_to(&install("false")), [verify]);
}

#[test]
fn code_is_built_with_the_toolchain_whatever_the_engine_can() {
    for merge in [true, false] {
        let mut project = Project::example();
        made_of_code(&mut project);
        replace("  install: true\n", "")(&mut project);
        project.merge = merge;
        // Nothing else wants a compiler.
        project.lock.retain(|pin| !pin.ends_with(" source"));
        let mut other = project.clone();
        replace("build: [g++]", "build: [gcc]")(&mut other);
        assert_eq!(
            project.steps_to(&other),
            ["[code] build /app", "[toolchain] install gcc", "[verify] import app.main"]
        );
    }
}

#[test]
fn a_base_whose_environment_goes_on() {
    let mut first = Project::example();
    first.environment = true;
    let steps = Project::example().steps_to(&first);
    assert!(!steps.iter().any(|step| step.starts_with("[venv]")), "{steps:?}");
    assert!(steps.iter().any(|step| step == "[packages] install numpy 2.1.0"), "{steps:?}");
    let mut second = first.clone();
    replace("GREETING: hello", "GREETING: goodbye")(&mut second);
    assert_eq!(first.steps_to(&second), [""; 0]);
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

/// The requirements edited, and what they resolve to.
fn lock(from: &'static str, to: &'static str) -> impl FnOnce(&mut Project) {
    move |project| {
        project.file("requirements.txt", &format!("numpy==2.1.0\nrequests==2.32.3\n{to}\n"));
        let before = project.lock.len();
        project.lock.retain(|pin| pin != from);
        assert!(from.is_empty() || project.lock.len() < before, "the example has no `{from}`");
        project.lock.push(to.to_owned());
        project.lock.sort_unstable();
    }
}

/// The names of the steps that run after the edit.
fn steps(edit: impl FnOnce(&mut Project)) -> Vec<String> {
    let before = Project::example();
    let mut after = before.clone();
    edit(&mut after);
    before.steps_to(&after)
}

#[test]
fn a_light_package() {
    let bumped = steps(lock("certifi==2026.1.1", "certifi==2026.2.2"));
    assert_eq!(
        bumped,
        ["[lock] resolve certifi, numpy, requests, tqdm", "[packages] install certifi 2026.2.2"]
    );
    let added = steps(lock("", "idna==3.10"));
    assert_eq!(
        added,
        ["[lock] resolve idna, numpy, requests, tqdm", "[packages] install idna 3.10"]
    );
    let removed = steps(|project| {
        replace("packages: [tqdm]", "packages: []")(project);
        project.lock.retain(|pin| !pin.starts_with("tqdm"));
    });
    let rest = "[packages] install annotated-types 0.7.0";
    assert_eq!(removed, ["[lock] resolve numpy, requests", rest], "its layer held another one");
}

#[test]
fn light_packages_that_share_a_layer_stay_in_it() {
    let mut before = Project::example();
    before.lock = (0..40).map(|n| format!("light-{n}==1.0")).collect();
    let mut after = before.clone();
    after.lock[7] = "light-7==1.1".into();
    let steps = before.steps_to(&after);
    assert_eq!(steps.len(), 1, "{steps:?}");
    after.lock.remove(7);
    let steps = before.steps_to(&after);
    assert!(steps.len() <= 1, "{steps:?}");
}

#[test]
fn a_heavy_package() {
    let bumped = steps(lock("numpy==2.1.0", "numpy==2.1.1"));
    assert_eq!(bumped, ["[lock] resolve numpy, requests, tqdm", "[packages] install numpy 2.1.1"]);
}

#[test]
fn requirements_that_resolve_to_the_same() {
    let same = |project: &mut Project| {
        project.file("requirements.txt", "numpy>=2,<3\nrequests==2.32.3\n");
    };
    assert_eq!(runs(same), ["lock"]);
    // Nor is anything run on them again.
    let mut before = Project::example();
    made_of_code(&mut before);
    replace("  env: {CMAKE_ARGS", "  verify: [numpy]\n  env: {CMAKE_ARGS")(&mut before);
    let mut after = before.clone();
    same(&mut after);
    assert_eq!(before.runs_to(&after), ["lock"]);
}

#[test]
fn a_package_that_is_heavy_from_now_on() {
    let mut before = Project::example();
    before.lock = (0..40).map(|n| format!("light-{n}==1.0")).collect();
    let mut after = before.clone();
    let env = "  env: {CMAKE_ARGS";
    after.manifest = after.manifest.replace(env, &format!("  heavy: [Light_3]\n{env}"));
    let steps = before.steps_to(&after);
    assert!(steps.contains(&"[packages] install light-3 1.0".to_owned()), "{steps:?}");
    assert!(steps.len() <= 2, "its own layer, and the one it was in: {steps:?}");
}

#[test]
fn packages_of_one_family_share_a_layer() {
    let purpose = |pins: &[&str]| format!("Python packages: {}", pins.join(" "));
    for family in [
        ["faiss-cpu==1.12", "faiss-gpu-cu12==1.12"],
        ["onnxruntime==1.23", "onnxruntime-gpu==1.23"],
        ["opencv-python==4.12", "opencv-python-headless==4.12"],
        ["tensorflow==2.20", "tensorflow-cpu==2.20"],
        ["xgboost==3.1", "xgboost-cpu==3.1"],
    ] {
        let lock = family.map(str::to_owned).to_vec();
        let purposes = Project { lock, ..Project::example() }.purposes();
        assert!(purposes.contains(&purpose(&family)), "{purposes:?}");
    }
    // These only have their beginnings in common.
    let strangers = ["onnxruntime-genai==0.9", "tensorflow==2.20", "tensorflow-hub==0.16"];
    let lock = strangers.map(str::to_owned).to_vec();
    let purposes = Project { lock, ..Project::example() }.purposes();
    assert!(strangers.iter().all(|pin| purposes.contains(&purpose(&[pin]))), "{purposes:?}");
}

#[test]
fn the_installer() {
    let switched = steps(replace("python:\n", "python:\n  installer: uv\n"));
    let is_wheel = |step: &String| step.starts_with("[packages]");
    assert!(switched.len() > 1, "{switched:?}");
    assert!(switched.iter().all(is_wheel), "what is built is built as before: {switched:?}");
}

#[test]
fn a_login() {
    let login = "  credentials: {pypi.example.com: secret:pypi}\n  env: {CMAKE_ARGS";
    assert_eq!(runs(replace("  env: {CMAKE_ARGS", login)), ["lock", "packages", "source"]);
}

#[test]
fn what_must_import() {
    let named = replace("python:\n", "python:\n  verify: [numpy, requests]\n");
    assert_eq!(runs(&named), ["verify"]);

    let mut before = Project::example();
    named(&mut before);
    let added = |model: &str| {
        let mut after = before.clone();
        replace("models:\n", &format!("models:\n  - {model}\n"))(&mut after);
        before.runs_to(&after)
    };
    assert_eq!(added("hf: org/third"), ["listing", "models"], "nobody imports a model");
    assert_eq!(added("spacy: en_core_web_sm==3.8.0"), ["models", "verify"], "but a pipeline");
}

#[test]
fn a_build_that_tells_what_it_needs_sees_what_it_comes_after() {
    let mut project = Project { is_hard_to_resolve: true, ..Project::example() };
    let env = "  env: {CMAKE_ARGS";
    replace(env, &format!("  after: {{uvloop: [numpy, certifi]}}\n{env}"))(&mut project);
    assert_eq!(
        handed(&project, "/uv.toml"),
        ["", "[extra-build-dependencies]\nuvloop = [\"certifi\",\"numpy==2.1.0\"]\n"],
        "not before it is known that anything has to be built",
    );
}

#[test]
fn a_package_built_after_others_sees_no_more_than_these() {
    let mut before = Project::example();
    let env = "  env: {CMAKE_ARGS";
    let after = format!("  after: {{uvloop: [requests]}}\n{env}");
    before.manifest = before.manifest.replace(env, &after);
    before.needs = vec![("requests", "certifi")];
    let runs = |from: &'static str, to: &'static str| {
        let mut after = before.clone();
        lock(from, to)(&mut after);
        before.steps_to(&after)
    };
    let built = "[source] build uvloop 0.21.0".to_owned();
    assert!(runs("certifi==2026.1.1", "certifi==2026.2.2").contains(&built));
    assert!(!runs("tqdm==4.67.1", "tqdm==4.68.0").contains(&built));
    assert!(!runs("numpy==2.1.0", "numpy==2.1.1").contains(&built));
    // Where a lock does not say what requests needs, it may be any.
    (before.needs, before.is_flat) = (Vec::new(), true);
    let runs = |from: &'static str, to: &'static str| {
        let mut after = before.clone();
        lock(from, to)(&mut after);
        before.steps_to(&after)
    };
    for (from, to) in [
        ("certifi==2026.1.1", "certifi==2026.2.2"),
        ("tqdm==4.67.1", "tqdm==4.68.0"),
        ("numpy==2.1.0", "numpy==2.1.1"),
    ] {
        assert!(runs(from, to).contains(&built), "{from}");
    }
}

#[test]
fn what_others_are_built_after_is_built_first() {
    let mut project = Project::example();
    let env = "  env: {CMAKE_ARGS";
    let after =
        format!("  after: {{deepspeed: [flash-attn, numpy], flash-attn: [needing]}}\n{env}");
    project.manifest = project.manifest.replace(env, &after);
    for name in ["deepspeed==1", "flash-attn==1", "needed==1", "needing==1"] {
        project.lock.push(format!("{name} source"));
    }
    let built = |project: &Project| {
        let layers = project.purposes().into_iter();
        let pins = layers.filter_map(|it| Some(it.strip_prefix("Python packages: ")?.to_owned()));
        pins.filter(|pins| pins.ends_with("==1") || pins.starts_with("uvloop")).collect::<Vec<_>>()
    };
    let sooner = ["uvloop==0.21.0", "needed==1", "needing==1"];
    assert_eq!(built(&project), [&sooner[..], &["flash-attn==1", "deepspeed==1"]].concat());
    // What is needed counts, too; and where that leads round, there still is an end.
    project.manifest = project.manifest.replace("[needing]}", "[needing], needed: [numpy]}");
    project.needs = vec![("needing", "needed"), ("numpy", "deepspeed")];
    let later = ["uvloop==0.21.0", "needing==1", "deepspeed==1", "needed==1", "flash-attn==1"];
    assert_eq!(built(&project), later);
}

#[test]
fn a_model() {
    let (one, two) = ("  - hf: org/second\n", "  - hf: org/second\n  - hf: org/third\n");
    let steps = |edit: &dyn Fn(&mut Project)| {
        let before = Project::example();
        let mut after = before.clone();
        edit(&mut after);
        before.steps_to(&after)
    };
    let added = steps(&replace(one, two));
    assert_eq!(
        added,
        ["[listing] list org/third at main", "[models] fetch org/third at main (main00000000)"]
    );
    let bumped = steps(&replace(one, "  - hf: org/second\n    revision: v2\n"));
    assert_eq!(
        bumped,
        ["[listing] list org/second at v2", "[models] fetch org/second at v2 (v20000000000)"]
    );
    assert_eq!(runs(replace(one, "")), NOTHING, "removed");
    let moved =
        |project: &mut Project| drop(project.commits.insert("main".into(), "c0ffee".into()));
    assert_eq!(runs(moved), ["models"], "a branch that moved, once it is looked up");
}

/// By name, the copies of files that are in the second plan and not in the first.
fn copies(before: &Project, after: &Project) -> Vec<String> {
    let (before, after) = (before.graph(), after.graph());
    let names = after.beyond(&before).into_iter().map(|node| node.name.clone());
    let mut names: Vec<_> = names.filter(|name| name.contains("] copy ")).collect();
    names.sort_unstable();
    names
}

#[test]
fn files_that_are_neither_code_nor_models() {
    assert_eq!(runs(replace("from: tools:1", "from: tools:2")), ["files"]);
    assert_eq!(runs(replace("to: /etc/app/app.toml", "to: /etc/app.toml")), ["files"]);
    let second = "to: /etc/app/app.toml}\n  - {context: deploy/log.toml, to: /etc/app/}\n";
    let (before, mut after) = (Project::example(), Project::example());
    replace("to: /etc/app/app.toml}\n", second)(&mut after);
    assert_eq!(copies(&before, &after), ["[files] copy deploy/app.toml, deploy/log.toml"]);
    // What runs on the image below the code has seen them.
    assert_eq!(
        steps_of_code(replace("from: tools:1", "from: tools:2")),
        ["[code] build /app", "[code] install /app", "[verify] import app.main"]
    );
}

#[test]
fn a_repository_that_two_models_are_of_is_listed_in_one_layer() {
    let mut project = Project::example();
    let second = "  - hf: org/second\n";
    let two = "  - {hf: org/second, files: config.json, to: /m/config.json}\n  \
               - {hf: org/second, files: model-0.safetensors, to: /m/model.safetensors}\n";
    replace(second, two)(&mut project);
    let purposes = project.purposes();
    let of = |purpose: &str| purposes.iter().filter(|it| it.contains(purpose)).count();
    assert_eq!((of("what org/second is"), of("model org/second")), (1, 2), "{purposes:?}");
    // The history has as many entries as there are layers.
    let definition = project.plans()[0].image.root.definition();
    let merged = definition.vertices().filter_map(|vertex| match vertex.op() {
        Some(Op::Merge(merge)) => Some(merge.inputs.len()),
        _ => None,
    });
    assert_eq!(merged.max(), Some(purposes.len() + 1), "with the base");
}

#[test]
fn models_of_the_build_context_are_no_code() {
    let project = |models: &str, code: &str| Project {
        manifest: format!("base: python:3.12-slim\n{models}code: {{context: src, to: {code}}}\n"),
        ..Project::example()
    };
    let model = "models: {context: src/weights, to: /app/weights}\n";
    let (one, without) = (project(model, "/app"), project("", "/app"));
    let code = "[code] copy the build context to /app";
    let added = "[models] copy src/weights to /app/weights";
    assert_eq!(copies(&without, &one), [code, added], "the code has them no longer");
    let moved = project(&model.replace("/app/weights", "/models/"), "/app");
    assert_eq!(copies(&one, &moved), ["[models] copy src/weights to /models/"]);
    assert_eq!(copies(&one, &project(model, "/srv")), ["[code] copy the build context to /srv"]);
}

/// By name, the vertices that do work for models.
fn model_steps(project: &Project) -> Vec<String> {
    let nothing = Project { manifest: "base: python:3.12-slim\n".into(), ..project.clone() };
    let steps = nothing.steps_to(project).into_iter();
    steps.filter(|name| matches!(&*stage(name), "listing" | "models")).collect()
}

#[test]
fn models_stand_on_nothing_but_the_fetcher() {
    let mut project = Project::example();
    let url = format!("{{url: https://e.org/w.bin, sha256: {}, to: /models/}}", "0".repeat(64));
    replace("  - hf: org/second\n", &format!("  - {url}\n  - spacy: en_core_web_sm==3.8.0\n"))(
        &mut project,
    );
    project.lock.push("spacy==3.8.7".into());
    let steps = model_steps(&project);
    assert_eq!(steps.len(), 4, "{steps:?}");
    let mut another = project.clone();
    another.base_digest = format!("sha256:{}", "b".repeat(64));
    another.lock.push("another==1.0".into());
    let ran = project.steps_to(&another);
    assert!(steps.iter().all(|step| !ran.contains(step)), "{ran:?}");
    let mut another = project.clone();
    another.frontend = "docker.io/strata/strata:2".into();
    let mut ran = project.steps_to(&another);
    ran.sort_unstable();
    assert_eq!(ran, steps, "by name; an engine compares the fetcher's bytes");
}

#[test]
fn a_command_stands_on_the_packages_that_it_names() {
    let mut before = Project::example();
    let run = "{run: python get.py, needs: requests, keep: ~/.cache/x}";
    replace("  - hf: org/second\n", &format!("  - {run}\n"))(&mut before);
    before.needs = vec![("requests", "certifi")];
    let runs = |from: &'static str, to: &'static str| {
        let mut after = before.clone();
        lock(from, to)(&mut after);
        before.steps_to(&after).contains(&"[models] run python".to_owned())
    };
    assert!(runs("requests==2.32.3", "requests==2.32.4"));
    assert!(runs("certifi==2026.1.1", "certifi==2026.2.2"), "requests needs it");
    assert!(!runs("tqdm==4.67.1", "tqdm==4.68.0"));
    assert!(!runs("annotated-types==0.7.0", "annotated-types==0.7.1"));
    assert!(!runs("numpy==2.1.0", "numpy==2.1.1"));

    let cached = |edit: &dyn Fn(&mut Project)| {
        let mut after = before.clone();
        edit(&mut after);
        caches(&after, "strata-run-")
    };
    let (own, bumped) =
        (cached(&|_| ()), cached(&|it| lock("certifi==2026.1.1", "certifi==2")(it)));
    assert_ne!(own, bumped, "what a failed attempt with the older one has left");
    assert_eq!(own, cached(&|it| lock("tqdm==4.67.1", "tqdm==4.68.0")(it)));
    let both = cached(&|it| it.platforms.push("linux/arm64".into()));
    assert_eq!((own.len(), both.len()), (1, 2), "each platform has its own");
}

#[test]
fn metadata_that_took_a_build_is_for_where_it_was_built() {
    let cached = |hard: bool, edit: &dyn Fn(&mut Project)| {
        let mut project = Project { is_hard_to_resolve: hard, ..Project::example() };
        edit(&mut project);
        caches(&project, "strata-uv-metadata-")
    };
    let own = |hard| cached(hard, &|_| ());
    assert_eq!((own(false).len(), own(true).len()), (1, 2));
    assert!(own(true).is_superset(&own(false)), "the first try is the same");
    let both = cached(false, &|it| it.platforms.push("linux/arm64".into()));
    assert!(both.len() == 2 && both.is_superset(&own(false)), "{both:?}");
    let with_env = cached(false, &|it| it.base_env.push(("A".into(), "b".into())));
    assert!(own(false).is_disjoint(&with_env), "{with_env:?}");
    for (from, to) in [("CMAKE_ARGS: -DX=1", "CMAKE_ARGS: -DX=2"), ("build: [g++]", "build: [gcc]")]
    {
        assert_eq!(cached(false, &replace(from, to)), own(false), "{to}: nothing is built with it");
        let other = cached(true, &replace(from, to));
        assert_eq!(other.intersection(&own(true)).count(), 1, "{to}: {other:?}");
    }
}

/// The ids of cache mounts that begin so.
fn caches(project: &Project, start: &str) -> BTreeSet<String> {
    let definitions = project.plans().into_iter().map(|plan| plan.image.root.definition());
    let execs = definitions.flat_map(|definition| {
        let ops: Vec<_> = definition.vertices().filter_map(|vertex| vertex.op()).collect();
        ops.into_iter().filter_map(|op| if let Op::Exec(exec) = op { Some(exec) } else { None })
    });
    let caches = execs.flat_map(|exec| exec.mounts).filter_map(|mount| mount.cache_opt);
    caches.map(|cache| cache.id).filter(|id| id.starts_with(start)).collect()
}

#[test]
fn no_build_of_a_package_leaves_wheels_for_anothers() {
    let mut project = Project::example();
    let one = caches(&project, "strata-pip-wheels-");
    project.lock.push("other==1.0 source".into());
    let both = caches(&project, "strata-pip-wheels-");
    assert_eq!((one.len(), both.len(), both.is_superset(&one)), (1, 2, true), "{both:?}");
}

#[test]
fn installers_are_held_to_their_hashes() {
    let pins = handed(&Project::example(), "/tool.txt");
    assert!(!pins.is_empty());
    for pins in pins {
        assert!(pins.contains("==") && pins.contains("--hash=sha256:"), "{pins}");
    }
}

#[test]
fn the_models_alone() {
    let mut alone = Project::example();
    alone.target("models");
    assert_eq!(Project::example().runs_to(&alone), NOTHING);
    let layers = alone.purposes();
    assert_eq!(layers.len(), 4, "{layers:?}");
    let mut volume = Project::example();
    replace("dev:\n", "dev:\n  models: volume\n")(&mut volume);
    let without = Project { target: Some("dev".into()), ..Project::example() };
    volume.target("dev");
    assert_eq!(without.runs_to(&volume), ["dirs"]);
}

#[test]
fn system_packages() {
    assert_eq!(runs(replace("runtime: [curl,", "runtime: [curl, git,")), ["runtime"]);
    assert_eq!(runs(replace("build: [g++]", "build: [gcc]")), ["source", "toolchain"]);
    assert_eq!(runs(replace("CMAKE_ARGS: -DX=1", "CMAKE_ARGS: -DX=2")), ["source"]);
    let held = replace("  env: {CMAKE_ARGS", "  build_constraints: Cython<4\n  env: {CMAKE_ARGS");
    assert_eq!(runs(&held), ["lock", "source"]);
    let index = "  ignore_refusals: https://e.org/simple\n  env: {CMAKE_ARGS";
    assert_eq!(runs(replace("  env: {CMAKE_ARGS", index)), ["lock", "source"]);
    assert_eq!(
        steps_of_code(&held),
        [
            "[code] build /app",
            "[code] install /app",
            "[lock] resolve numpy, requests, tqdm",
            "[source] build uvloop 0.21.0",
            "[verify] import app.main",
        ]
    );
    let wheels_alone = |project: &mut Project| project.lock.retain(|pin| !pin.ends_with("source"));
    let mut before = Project::example();
    wheels_alone(&mut before);
    let mut after = before.clone();
    replace("build: [g++]", "build: [gcc]")(&mut after);
    assert_eq!(before.runs_to(&after), NOTHING);
}

/// The project with packages of every list, and with sources of them.
fn with_sources(project: &mut Project) {
    let system = "system:\n  python: [python3]\n  sources: [deploy/own.sources]\n  \
                  env: {ACCEPT_EULA: Y}\n";
    replace("system:\n", system)(project);
    project.file("deploy/own.sources", "Types: deb\nURIs: http://a.example.org\n");
}

#[test]
fn sources_of_system_packages() {
    let sources = |project: &mut Project| {
        with_sources(project);
        replace("  python: [python3]\n", "")(project);
    };
    let mut before = Project::example();
    sources(&mut before);
    let steps_of = |edit: &dyn Fn(&mut Project)| {
        let mut after = before.clone();
        edit(&mut after);
        before.steps_to(&after)
    };
    // What edits of both lists run.
    let runtime = steps_of(&replace("runtime: [curl,", "runtime: [curl, git,"));
    let build = steps_of(&replace("build: [g++]", "build: [gcc]"));
    assert_eq!(runtime, ["[runtime] install curl git libgomp1"]);
    assert_eq!(build, ["[source] build uvloop 0.21.0", "[toolchain] install gcc"]);
    let both = [
        "[runtime] install curl libgomp1",
        "[source] build uvloop 0.21.0",
        "[toolchain] install g++",
    ];
    let edited = |project: &mut Project| project.file("deploy/own.sources", "Types: deb-src\n");
    assert_eq!(steps_of(&edited), both);
    assert_eq!(steps_of(&replace("ACCEPT_EULA: Y", "ACCEPT_EULA: N")), both);
    let moved = |project: &mut Project| {
        let text = project.files["deploy/own.sources"].clone();
        project.file("own.sources", &text);
        replace("deploy/own.sources", "own.sources")(project);
    };
    assert_eq!(steps_of(&moved), NOTHING, "what it is called is part of it, and not where it is");
    assert_eq!(steps_of(&replace("ACCEPT_EULA: Y}", "ACCEPT_EULA: Y} # a comment")), NOTHING);
}

#[test]
fn sources_are_for_what_installs_system_packages_alone() {
    let mut project = Project::example();
    with_sources(&mut project);
    project.platforms.push("linux/arm64".into());
    let given = |project: &Project| {
        let plans = project.plans();
        let definitions = plans.iter().map(|plan| plan.image.root.definition());
        let execs = definitions.flat_map(|definition| {
            let execs = definition.vertices().filter_map(|vertex| match vertex.op() {
                Some(Op::Exec(exec)) => Some((stage(vertex.name()?), exec.meta?.env)),
                _ => None,
            });
            execs.collect::<Vec<_>>()
        });
        let given = execs.filter(|(_, env)| env.iter().any(|it| it == "ACCEPT_EULA=Y"));
        given.map(|(stage, _)| stage).collect::<Vec<_>>()
    };
    let mut stages = given(&project);
    stages.sort_unstable();
    assert_eq!(stages, ["python", "python", "runtime", "runtime", "toolchain", "toolchain"]);
    let texts = handed(&project, "/own.sources");
    assert_eq!(texts, [project.files["deploy/own.sources"].clone()], "one file, for all of them");
}

#[test]
fn what_is_kept_of_builds_is_told_apart_by_where_packages_come_from() {
    let mut before = Project { is_hard_to_resolve: true, ..Project::example() };
    with_sources(&mut before);
    made_of_code(&mut before);
    let mut after = before.clone();
    after.file("deploy/own.sources", "Types: deb-src\n");
    for start in ["strata-pip-wheels-", "strata-uv-metadata-", "strata-code-"] {
        let [one, other] = [&before, &after].map(|project| caches(project, start));
        assert!(!one.is_empty() && one.is_disjoint(&other), "{start}: {one:?}");
    }
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
    for stage in ["venv", "lock", "packages", "source", "runtime", "user", "probe"] {
        assert!(ran.iter().any(|ran| ran == stage), "{stage} stands on the base: {ran:?}");
    }
    for stage in ["code", "dirs", "models", "listing"] {
        assert!(!ran.iter().any(|ran| ran == stage), "{stage} does not: {ran:?}");
    }
}

#[test]
fn a_target() {
    assert_eq!(runs(|project| project.target("deps")), NOTHING);
    assert_eq!(runs(|project| project.target("dev")), ["lock"], "dev adds watchfiles");
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
    for stage in ["listing", "models", "code", "dirs"] {
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
    project.no_cache = NoCache::Stages(vec!["packages".into()]);
    let ignored = project.ignored();
    assert!(!ignored.is_empty());
    assert!(ignored.iter().all(|name| name.starts_with("[packages]")), "{ignored:?}");
}

#[test]
fn a_look_without_cache_empties_no_cache_of_models() {
    // BuildKit empties the cache mounts of what runs without cache (`solver/llbsolver/vertex.go`).
    let definition = Project::example().plans()[0].image.root.definition();
    let caches = |stage: &str| -> Vec<usize> {
        let named = |vertex: &&Vertex| vertex.name().is_some_and(|name| name.starts_with(stage));
        let caches = |vertex: &Vertex| match vertex.op() {
            Some(Op::Exec(exec)) => exec.mounts.iter().filter(|it| it.cache_opt.is_some()).count(),
            _ => 0,
        };
        definition.vertices().filter(named).map(caches).collect()
    };
    assert_eq!((caches("[listing]"), caches("[models]")), (vec![0, 0], vec![1, 1]));
}

#[test]
fn no_cache_is_for_all_that_does_work() {
    for merge in [true, false] {
        let mut project = Project::example();
        project.merge = merge;
        project.manifest = project.manifest.replace("system:\n", "system:\n  python: [python3]\n");
        project.manifest =
            project.manifest.replace("python:\n  r", "python:\n  verify: numpy\n  r");
        project.no_cache = NoCache::Everything;
        let (ignored, graph) = (project.ignored(), project.graph());
        let works = |node: &&Node| {
            let given = node.name.starts_with("[internal]");
            matches!(node.kind, Kind::Exec | Kind::File) && !given
        };
        let working: BTreeSet<&str> =
            graph.vertices().iter().filter(works).map(|n| &*n.name).collect();
        assert_eq!(ignored.iter().map(String::as_str).collect::<BTreeSet<_>>(), working);
        let stages: BTreeSet<String> = working.iter().map(|name| stage(name)).collect();
        let merged = if merge { "image" } else { "" };
        let known = STAGES.iter().filter(|stage| **stage != merged).map(|&stage| stage.to_owned());
        assert_eq!(stages, known.collect(), "the names that `--no-cache-filter` takes");
    }
}

#[test]
fn golden_graph() {
    insta::assert_snapshot!(Project::example().graph().text());
}

#[test]
fn golden_graph_without_merge() {
    let mut project = Project::example();
    project.merge = false;
    insta::assert_snapshot!(project.graph().text());
}

#[test]
fn what_was_resolved_on_the_way_is_in_the_image() {
    let easy = Project::example();
    let hard = Project { is_hard_to_resolve: true, ..easy.clone() };
    let graph = hard.graph();
    let resolved = graph.vertices().iter().filter(|node| node.name.starts_with("[lock] resolve"));
    assert_eq!(resolved.count(), 2, "the attempt without a toolchain, and the one with it");
    let mut purposes = hard.purposes();
    let lock = purposes.iter().position(|it| it == "what is installed").unwrap();
    assert_eq!(purposes.remove(lock - 1), "how the packages were resolved");
    assert_eq!(purposes, easy.purposes());
}

#[test]
fn layers_from_what_rarely_changes_to_what_does_all_day() {
    let purposes = Project::example().purposes();
    let position = |word: &str| {
        purposes.iter().position(|purpose| purpose.contains(word)).unwrap_or_else(|| {
            panic!("no layer for {word}: {purposes:?}");
        })
    };
    let order = [
        "virtual",
        "numpy",
        "org/first",
        "uvloop",
        "user",
        "system",
        "tools:1",
        "tqdm",
        "installed",
        "code",
        "app.toml",
    ];
    let positions: Vec<usize> = order.iter().map(|word| position(word)).collect();
    assert!(positions.is_sorted(), "{purposes:?}");
}
