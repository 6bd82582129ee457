//! The image's config: what of the base's stays, and what is laid over it.

use crate::project::Project;
use gateway::ImageName;
use llb::pb::op::Op;
use serde_json::{Value, json};
use strata::{
    graph::Kind,
    image::{Provenance, config},
};

fn base() -> Value {
    json!({
        "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
        "author": "base", "os.version": "1", "os.features": ["a"],
        "moby.buildkit.cache.v0": "of the base alone", "docker_version": "20.10",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
            "Entrypoint": ["/entry"], "Cmd": ["python3"], "User": "nobody",
            "ArgsEscaped": true, "Shell": ["/bin/bash", "-c"], "OnBuild": ["RUN true"],
            "Labels": {"maintainer": "base", "org.opencontainers.image.base.digest": "below"}, "ExposedPorts": {"80/tcp": {}}
        },
        "history": [{"created_by": "base"}],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:0"]}
    })
}

fn built(project: &Project, provenance: &Provenance) -> Value {
    config(&project.recipe(), &project.plans()[0], &base().into(), provenance)
}

fn env(config: &Value, name: &str) -> Option<String> {
    let entries = config["config"]["Env"].as_array().unwrap();
    let mut found = entries.iter().filter_map(|entry| entry.as_str()?.split_once('='));
    found.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

#[test]
fn models_of_the_base_are_stated_too() {
    let mut base = base();
    base["config"]["Labels"]["strata.models"] =
        json!(r#"[{"name":"org/first","version":"old"},{"name":"org/below"}]"#);
    let project = Project::example();
    let (recipe, plan) = (project.recipe(), project.plans().remove(0));
    let config = config(&recipe, &plan, &base.into(), &Provenance::default());
    let stated: Value =
        serde_json::from_str(config["config"]["Labels"]["strata.models"].as_str().unwrap())
            .unwrap();
    let names: Vec<&Value> =
        stated.as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["org/below", "org/first", "org/second"]);
    assert_ne!(stated[1]["version"], "old");
}

#[test]
fn what_a_variable_is_in_the_base_and_more() {
    let project = |env: &str| Project {
        manifest: format!("base: python:3.12-slim\npython: {{}}\nenv: {env}\n"),
        ..Project::example()
    };
    let of = |text: &str, name: &str| env(&built(&project(text), &Provenance::default()), name);
    let path = of("{PATH: '/app/bin:${PATH}'}", "PATH").unwrap();
    assert!(path.starts_with("/app/bin:/opt/venv/bin:/usr/local/bin:"), "{path}");
    assert_eq!(of("{LANG: '${LANG}@euro'}", "LANG").as_deref(), Some("C.UTF-8@euro"));
    let libraries = "{LD_LIBRARY_PATH: '/cuda/lib:${LD_LIBRARY_PATH}'}";
    assert_eq!(of(libraries, "LD_LIBRARY_PATH").as_deref(), Some("/cuda/lib"));
    let between = of("{A: 'b:${A}:c', B: '${B}:/b'}", "A");
    assert_eq!(between.as_deref(), Some("b:c"));
    assert_eq!(of("{A: 'b:$${A}'}", "A").as_deref(), Some("b:${A}"), "left to a shell");
}

#[test]
fn where_anyone_in_roots_group_may_run_it() {
    let mut project = Project::example();
    project.manifest = project.manifest.replace("user: app", "user: 10001:0");
    let config = built(&project, &Provenance::default());
    assert_eq!(config["config"]["User"], "10001:0");
    assert_eq!(env(&config, "HOME").as_deref(), Some("/home/app"));
    assert_eq!(env(&config, "USER").as_deref(), Some("app"));
    let usual = built(&Project::example(), &Provenance::default());
    assert_eq!((env(&usual, "HOME"), env(&usual, "USER")), (None, None));
}

#[test]
fn what_is_laid_over() {
    let mut project = Project::example();
    let times = "interval: 30s, timeout: 5s, start_period: 1m, start_interval: 500ms, retries: 2}";
    assert!(project.manifest.contains("interval: 30s}"), "{}", project.manifest);
    project.manifest = project.manifest.replace("interval: 30s}", times);
    let config = built(&project, &Provenance::default());
    for (pointer, expected) in [
        ("/config/User", json!("10001:10001")),
        ("/config/WorkingDir", json!("/app")),
        ("/config/Cmd", json!(["python", "main.py"])),
        ("/config/Entrypoint", json!(["/entry"])),
        ("/config/ExposedPorts", json!({"80/tcp": {}, "8000/tcp": {}})),
        ("/config/Volumes", json!({"/data": {}})),
        ("/config/StopSignal", json!("SIGTERM")),
        ("/config/Labels/team", json!("search")),
        ("/config/Labels/maintainer", json!("base")),
        ("/config/Healthcheck/Interval", json!(30_000_000_000_u64)),
        ("/config/Healthcheck/Timeout", json!(5_000_000_000_u64)),
        ("/config/Healthcheck/StartPeriod", json!(60_000_000_000_u64)),
        ("/config/Healthcheck/StartInterval", json!(500_000_000)),
        ("/config/Healthcheck/Retries", json!(2)),
        ("/config/Healthcheck/Test/0", json!("CMD-SHELL")),
    ] {
        assert_eq!(config.pointer(pointer), Some(&expected), "{pointer}");
    }
    for (name, value) in [
        ("PATH", "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"),
        ("VIRTUAL_ENV", "/opt/venv"),
        ("LANG", "C.UTF-8"),
        ("HF_HOME", "/opt/huggingface"),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_OFFLINE", "1"),
        ("GREETING", "hello"),
    ] {
        assert_eq!(env(&config, name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn what_stays_as_it_is() {
    let config = built(&Project::example(), &Provenance::default());
    for pointer in [
        "/config/ArgsEscaped",
        "/config/Shell",
        "/rootfs",
        "/author",
        "/os.version",
        "/os.features",
    ] {
        assert_eq!(config.pointer(pointer), base().pointer(pointer), "{pointer}");
    }
}

#[test]
fn what_is_of_the_base_alone() {
    let config = built(&Project::example(), &Provenance::default());
    // BuildKit sets the time from the layers, and the inline cache if one is asked for.
    for key in ["created", "moby.buildkit.cache.v0", "docker_version"] {
        assert_eq!(config.get(key), None, "{key}");
    }
    assert_eq!(config["config"].get("OnBuild"), None);
}

#[test]
fn an_entrypoint_drops_the_arguments_of_the_bases() {
    let mut project = Project::example();
    project.manifest = project.manifest.replace("cmd: [python, main.py]", "entrypoint: [serve]");
    let config = built(&project, &Provenance::default());
    assert_eq!(config["config"]["Entrypoint"], json!(["serve"]));
    assert_eq!(config["config"].get("Cmd"), None);
}

#[test]
fn development_may_ask_the_hub() {
    let mut project = Project::example();
    project.target("dev");
    let config = built(&project, &Provenance::default());
    assert_eq!(env(&config, "HF_HOME").as_deref(), Some("/opt/huggingface"));
    assert_eq!(env(&config, "HF_HUB_OFFLINE"), None);

    let mut offline = base();
    offline["config"]["Env"] = json!(["HF_HUB_OFFLINE=1"]);
    let (recipe, plan) = (project.recipe(), project.plans().remove(0));
    let config = strata::image::config(&recipe, &plan, &offline.into(), &Provenance::default());
    assert_eq!(env(&config, "HF_HUB_OFFLINE").as_deref(), Some("0"), "whatever its base says");
    assert_eq!(env(&config, "TRANSFORMERS_OFFLINE"), None);
}

#[test]
fn what_datasets_are_made_into_is_the_users() {
    let folder =
        |project: &Project| env(&built(project, &Provenance::default()), "HF_DATASETS_CACHE");
    let mut project = Project::example();
    assert_eq!(folder(&project), None);
    project.manifest = project.manifest.replace("hf: org/first", "hf: datasets/org/first");
    assert_eq!(folder(&project).as_deref(), Some("/home/app/.cache/huggingface/datasets"));
}

#[test]
fn history_has_an_entry_for_each_layer() {
    let project = Project::example();
    let config = built(&project, &Provenance::default());
    let history = config["history"].as_array().unwrap();
    assert_eq!(history.len(), 1 + project.purposes().len());
    assert!(
        history[1..]
            .iter()
            .all(|entry| entry["created_by"].as_str().unwrap().starts_with("strata: "))
    );
}

#[test]
fn labels_of_the_command_line_win() {
    let provenance = Provenance {
        revision: Some("0123abc".to_owned()),
        labels: vec![("team".to_owned(), "ranking".to_owned())],
        base: None,
    };
    let labels = &built(&Project::example(), &provenance)["config"]["Labels"];
    assert_eq!(labels["team"], "ranking");
    assert_eq!(labels["org.opencontainers.image.revision"], "0123abc");
    assert_eq!(labels["org.opencontainers.image.source"], "https://github.com/org/app.git");
}

#[test]
fn the_base_is_named_unless_the_manifest_does() {
    const NAME: &str = "org.opencontainers.image.base.name";
    const DIGEST: &str = "org.opencontainers.image.base.digest";
    let digest = format!("sha256:{}", "a".repeat(64));
    let named = |project: &Project, name: &str| {
        let base = Some(ImageName::parse(name).unwrap());
        let labels =
            &built(project, &Provenance { base, ..Provenance::default() })["config"]["Labels"];
        [NAME, DIGEST].map(|label| labels[label].as_str().map(str::to_owned))
    };
    let words = |words: [Option<&str>; 2]| words.map(|word| word.map(str::to_owned));
    let mut project = Project::example();
    for (name, expected) in [
        (format!("python:3@{digest}"), ["docker.io/library/python:3", &digest].map(Some)),
        ("ghcr.io/org/base".to_owned(), [Some("ghcr.io/org/base:latest"), None]),
        (format!("a/b@{digest}"), [Some(&*format!("docker.io/a/b@{digest}")), Some(&digest)]),
    ] {
        assert_eq!(named(&project, &name), words(expected), "{name}");
    }
    project.manifest = project.manifest.replace("labels: {", &format!("labels: {{{NAME}: own, "));
    assert_eq!(named(&project, &format!("b@{digest}")), words(["own", &digest].map(Some)));
    project.target("models");
    assert_eq!(named(&project, "b:1"), words([Some("own"), None]), "they stand on nothing");
}

#[test]
fn users() {
    for (user, number, home) in [
        ("user: app", "10001:10001", "/home/app"),
        ("user: web", "10001:10001", "/home/web"),
        // Known to the base, which says its groups, too.
        ("user: root", "0", "/root"),
        ("user: 0", "0:0", "/root"),
        ("user: 1234", "1234:1234", "/home/app"),
        ("user: 1234:5678", "1234:5678", "/home/app"),
    ] {
        let mut project = Project::example();
        project.manifest = project.manifest.replace("user: app", user);
        let plan = project.plans().remove(0);
        assert_eq!(
            (plan.user.config().as_str(), plan.user.home.as_str()),
            (number, home),
            "{user}"
        );
    }
}

#[test]
fn the_bases_packages_are_looked_at_where_they_count() {
    let looks = |project: &Project| {
        let definition = project.plans()[0].image.root.definition();
        let probe =
            definition.vertices().find(|it| it.name() == Some("[probe] look at the base's Python"));
        let Some(Op::Exec(exec)) = probe.unwrap().op() else { panic!("a probe is a step") };
        exec.meta.unwrap().args.contains(&"--packages".to_owned())
    };
    let example = Project::example();
    assert!(!looks(&example));
    assert!(looks(&Project { environment: true, ..example.clone() }));
    let on_packages =
        example.manifest.replace("python:\n", "python:\n  system_site_packages: true\n");
    assert!(looks(&Project { manifest: on_packages, ..example.clone() }));
    let manifest = "base: python:3.12-slim\n".to_owned();
    let without = Project { manifest, environment: true, lock: Vec::new(), ..example };
    assert!(!looks(&without), "nothing is installed");
}

#[test]
fn every_step_has_a_line_of_the_manifest() {
    let usual = Project::example();
    let mut nobody = usual.clone();
    nobody.manifest = nobody.manifest.replace("user: app\n", "");
    let line = |project: &Project, text: &str| {
        let line = project.manifest.lines().position(|line| line == text).unwrap();
        Some((line as u32 + 1, line as u32 + 1))
    };
    // Where none is asked for, it is the base's matter whether one can be made.
    for (project, of_user) in [(usual, "user: app"), (nobody, "base: python:3.12-slim")] {
        let graph = project.graph();
        let steps = graph.vertices().iter().filter(|node| node.kind == Kind::Exec);
        for step in steps.clone() {
            assert!(step.lines.is_some(), "{} has no line", step.name);
        }
        let user = steps.clone().find(|step| step.name.starts_with("[user]")).unwrap();
        assert_eq!(user.lines, line(&project, of_user));
    }
}
