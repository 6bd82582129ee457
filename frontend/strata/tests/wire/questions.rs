//! What is asked in place of a build, and answered without one.

use serde_json::{Value, json};

use super::*;

/// The answer to the question `id`: for programs, and for people.
async fn ask(id: &str, manifest: &str, options: &[(&str, &str)]) -> (Value, String) {
    let (result, calls) = build(daemon(manifest), &[options, &[("requestid", id)]].concat()).await;
    let BuildResult::Answer(answer) = result.unwrap() else { unreachable!("no image is built") };
    let solves_manifests = |call: &Call| match call {
        Call::Solve(solve) => daemon::sources(solve.definition.as_ref().unwrap())
            .iter()
            .all(|source| source.identifier.starts_with("local://")),
        call => matches!(call, Call::ReadFile(_)),
    };
    assert!(calls.iter().all(solves_manifests), "nothing is built or looked up: {calls:?}");
    assert_eq!(answer["version"], b"1.0.0");
    let text = String::from_utf8(answer["result.txt"].clone()).unwrap();
    (serde_json::from_slice(&answer["result.json"]).unwrap(), text)
}

#[tokio::test]
async fn what_can_be_asked() {
    let (json, text) = ask("frontend.subrequests.describe", "no manifest", &[]).await;
    assert_eq!(
        json[1],
        json!({
            "name": "frontend.targets",
            "version": "1.0.0",
            "type": "rpc",
            "description": "List all targets current build supports",
            "opts": [],
            "inputs": [],
            "metadata": [
                {"name": "result.json", "description": ""},
                {"name": "result.txt", "description": ""}
            ],
            "refs": []
        })
    );
    assert!(text.starts_with("NAME                   VERSION   DESCRIPTION\n"), "{text}");
    assert!(text.contains("\ntargets                1.0.0     List all targets"), "{text}");
}

#[tokio::test]
async fn what_can_be_built() {
    let manifest = "args: {MUST_BE: }\nbase: python:3\nvariants: {light: {}, nvidia: {}}\n";
    let (json, text) = ask("frontend.targets", manifest, &[]).await;
    assert_eq!(
        json["targets"][0],
        json!({
            "name": "image",
            "default": true,
            "description":
                "the whole image; with `--build-arg VARIANT=…`, its variants `light`, `nvidia`"
        })
    );
    assert_eq!(
        text,
        "TARGET            DESCRIPTION\n\
         image (default)   the whole image; with `--build-arg VARIANT=…`, its variants `light`, `nvidia`\n\
         dev               the image with `dev` laid over it, its code left to a bind mount\n\
         deps              all but the code: a base for other builds\n\
         models            the models alone, on nothing\n\
         lock              no image, but the manifest's `strata.lock`: with `--output .`\n"
    );
}

#[tokio::test]
async fn what_a_build_may_be_given() {
    let manifest = "args: {PORT: 8000, NAME: }\n\
                    base: python:3\n\
                    python: {packages: [six], credentials: {pypi.example.com: secret:pypi}}\n\
                    models: [{hf: org/name, token: secret:hf}, {hf: org/other}]\n\
                    code: {git: https://h.io/r.git, token: secret:git}\n\
                    labels: {a: \"${PORT}${NAME}\"}\n\
                    variants: {light: {}, ssh: {code: {git: git@h.io:r.git, token: !reset }}}\n";
    let (json, text) = ask("frontend.outline", manifest, &[("build-arg:NAME", "app")]).await;
    assert_eq!(
        json,
        json!({
            "name": "image",
            "description": "the whole image",
            "args": [
                {
                    "name": "CODE_VERSION",
                    "value": "",
                    "description": "what of the code is built: a branch, tag or commit"
                },
                {
                    "name": "HF_ENDPOINT",
                    "value": "",
                    "description": "the hub that models come from"
                },
                {"name": "NAME", "value": "app", "description": ""},
                {"name": "PORT", "value": "8000", "description": ""},
                {"name": "VARIANT", "value": "", "description": "one of `light`, `ssh`"}
            ],
            "secrets": [
                {"name": "ca_bundle"}, {"name": "git"}, {"name": "hf"}, {"name": "netrc"},
                {"name": "pypi"}
            ],
            "ssh": [],
            "sources": []
        })
    );
    assert!(text.starts_with("TARGET:        image\nDESCRIPTION:   the whole image\n\n"), "{text}");
    assert!(text.ends_with("\n\nSECRET\nca_bundle\ngit\nhf\nnetrc\npypi\n"), "{text}");

    let options = [("build-arg:NAME", "app"), ("build-arg:VARIANT", "ssh")];
    let (json, text) = ask("frontend.outline", manifest, &options).await;
    assert_eq!(json["ssh"], json!([{"name": "default"}]));
    assert_eq!(json["args"][4]["value"], "ssh");
    assert!(text.ends_with("\n\nSSH\ndefault\n"), "{text}");

    let (json, _) = ask("frontend.outline", manifest, &[("target", "models")]).await;
    assert_eq!(json["name"], "models");
    let must_be = json!({"name": "NAME", "value": "", "description": "must be given"});
    assert_eq!(json["args"][0], must_be);
    assert_eq!(json["secrets"], json!([]), "which it has is not known yet");
    let options = [("target", "models"), ("build-arg:NAME", "app")];
    let (json, _) = ask("frontend.outline", manifest, &options).await;
    assert_eq!(json["secrets"], json!([{"name": "ca_bundle"}, {"name": "hf"}]));
}

#[tokio::test]
async fn mistakes_are_the_answer_to_any_question() {
    let manifest = daemon("base: python:3\nmodles: []\n");
    let (result, _) = build(manifest, &[("requestid", "frontend.targets")]).await;
    let error = result.unwrap_err();
    assert!(error.message().starts_with("strata.yaml:2: unknown key `modles`"), "{error}");
    assert_eq!(error.locations().len(), 1);
}

#[tokio::test]
async fn what_nobody_answers() {
    let (result, calls) = build(daemon(""), &[("requestid", "frontend.convertllb")]).await;
    assert_eq!(result.unwrap_err(), Error::unsupported_subrequest("frontend.convertllb"));
    assert_eq!(calls, []);
}
