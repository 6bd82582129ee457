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
