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
async fn secrets_among_arguments_are_not_shown() {
    let manifest = "args: {API_TOKEN: !public , INDEX: }\nbase: python:3\n\
                    labels: {a: \"${INDEX}\"}\ncmd: [serve, \"${API_TOKEN}\"]\n";
    let options = [
        ("build-arg:API_TOKEN", "open-sesame"),
        ("build-arg:INDEX", "https://me:open-sesame@h.io/simple"),
    ];
    let (json, text) = ask("frontend.outline", manifest, &options).await;
    assert!(text.contains("API_TOKEN"), "{text}");
    assert!(!format!("{json}{text}").contains("open-sesame"), "{json}\n{text}");
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

    let manifest = "base: python:3\nsystem: {sources: a.list}\n";
    let (json, _) = ask("frontend.outline", manifest, &[]).await;
    assert_eq!(json["secrets"], json!([{"name": "ca_bundle"}, {"name": "netrc"}]));
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

/// Of the check of a manifest: what it says, the status, and the text.
async fn check(daemon: Daemon, options: &[(&str, &str)]) -> (Value, String, String) {
    let options = [options, &[("requestid", "frontend.lint")]].concat();
    let (result, calls) = build(daemon, &options).await;
    let BuildResult::Answer(answer) = result.unwrap() else { unreachable!("no image is built") };
    assert!(!calls.iter().any(|call| matches!(call, Call::ResolveSource(_) | Call::Warn(_))));
    let text = |key| String::from_utf8(answer[key].clone()).unwrap();
    let json = serde_json::from_slice(&answer["result.json"]).unwrap();
    (json, text("result.statuscode"), text("result.txt"))
}

#[tokio::test]
async fn nothing_is_wrong() {
    let (json, status, text) = check(daemon("base: python:3\n"), &[]).await;
    assert_eq!((&*status, &*text), ("0", ""));
    assert_eq!(json, json!({"warnings": [], "sources": []}));
}

#[tokio::test]
async fn what_is_wrong() {
    let manifest = daemon("base: python:3\nmodles: []\nenv: {A_TOKEN: no-one-sees}\ncmd: {}\n");
    let (json, status, text) = check(manifest, &[]).await;
    assert_eq!(status, "1");
    let error = &json["buildError"];
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("strata.yaml:2: unknown key `modles`"), "{message}");
    let line = |line| json!({"start": {"line": line}, "end": {"line": line}});
    let location = json!({"sourceIndex": 0, "ranges": [line(2), line(3), line(4)]});
    assert_eq!(error["location"], location);
    assert_eq!(json["sources"][0]["filename"], "strata.yaml");
    assert!(!json.to_string().contains("bm8tb25lLXNlZXM"), "a secret in base64: {json}");
    assert_eq!(text, format!("ERROR: {message}\n"));
}

#[tokio::test]
async fn what_is_wrong_with_sources_of_system_packages() {
    let manifest = daemon("base: python:3\nsystem: {sources: a.list}\n");
    let daemon = manifest.with_file("local://context", "a.list", "deb https://u:pass@e.org x y\n");
    let (json, status, text) = check(daemon, &[]).await;
    assert_eq!((&*status, &json["sources"][0]["filename"]), ("1", &json!("a.list")));
    assert!(!text.contains("pass"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_requirements() {
    let manifest = daemon("base: python:3\npython: requirements.txt\n");
    let daemon = manifest.with_file("local://context", "requirements.txt", "six\n-e .\n");
    let (json, status, _) = check(daemon, &[]).await;
    assert_eq!(status, "1");
    assert_eq!(json["sources"][0]["filename"], "requirements.txt");
    assert_eq!(json["buildError"]["location"]["ranges"][0]["start"]["line"], 2);
}

#[tokio::test]
async fn arguments_that_are_options_too() {
    let manifest = "args: [SOURCE_DATE_EPOCH, HTTPS_PROXY]\nbase: python:3\n\
                    labels: {epoch: \"${SOURCE_DATE_EPOCH}\", proxy: \"${HTTPS_PROXY}\"}\n";
    let (json, status, _) = check(daemon(manifest), &[]).await;
    assert_eq!((status.as_str(), json["buildError"].is_object()), ("1", true), "{json}");
    let given = [("build-arg:SOURCE_DATE_EPOCH", "7"), ("build-arg:HTTPS_PROXY", "http://e.org")];
    let git_dir = ("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", "1");
    let (json, _, _) = check(daemon(manifest), &[given[0], given[1], git_dir]).await;
    let warnings = json["warnings"].as_array().unwrap();
    let said: Vec<_> = warnings.iter().map(|warning| warning["detail"].as_str().unwrap()).collect();
    let ignored = "Strata does not honour BUILDKIT_CONTEXT_KEEP_GIT_DIR: `.git` is no code";
    assert_eq!((said, &json["buildError"]), (vec![ignored], &Value::Null));
}

#[tokio::test]
async fn secrets_in_the_code() {
    for (code, file, expected) in [
        (".", "/.env", Some("the code has `.env`, where secrets are kept")),
        ("app", "/app/.aws/credentials", Some("the code has `app/.aws/credentials`, where")),
        (".", "/env.py", None),
        // An environment of that name.
        (".", "/.env/bin/python", None),
        ("app", "/.env", None),
    ] {
        told_of_code(code, file, "SecretFile", expected).await;
    }
}

#[tokio::test]
async fn folders_of_tools_in_the_code() {
    let (venv, modules) = ("/.venv/pyvenv.cfg", "/app/node_modules/.package-lock.json");
    for (code, file, expected) in [
        (".", venv, Some("the code has `.venv`: what tools keep for themselves is sent for each")),
        ("app", modules, Some("the code has `app/node_modules`: what")),
        (".", modules, None),
        ("app", venv, None),
        // A part of the code that has the name of an environment.
        (".", "/env/settings.py", None),
    ] {
        told_of_code(code, file, "UnignoredFolder", expected).await;
    }
    let manifest = daemon("base: python:3\ncode: .\n");
    let daemon = manifest.with_file("local://context", venv, "").with_file(
        "local://context",
        "/.env",
        "A=1",
    );
    let (json, _, _) = check(daemon, &[]).await;
    assert_eq!(rules(&json), ["SecretFile", "UnignoredFolder"]);
}

/// What is warned of first by `rule`, and how that begins, where `code` has `file`; none if it is not.
async fn told_of_code(code: &str, file: &'static str, rule: &str, expected: Option<&str>) {
    let manifest = daemon(&format!("base: python:3\ncode: {code}\n"));
    let daemon = manifest.with_file("local://context", file, "A=1\n");
    let (json, _, _) = check(daemon, &[]).await;
    let warning = &json["warnings"][0];
    assert_eq!(warning["ruleName"] == rule, expected.is_some(), "{json}");
    let said = warning["detail"].as_str().unwrap_or_default();
    assert!(said.starts_with(expected.unwrap_or_default()), "{json}");
}

fn rules(json: &Value) -> Vec<&str> {
    let warnings = json["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["ruleName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_a_check_alone_tells() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for (manifest, target, expected) in [
        ("user: root".to_owned(), "image", &["RootUser"][..]),
        ("user: 0:1000".to_owned(), "deps", &["RootUser"]),
        ("user: root".to_owned(), "dev", &[]),
        ("user: 10001:0".to_owned(), "image", &[]),
        ("models: org/name".to_owned(), "image", &["UnpinnedModel"]),
        ("models: {hf: org/name, revision: main}".to_owned(), "models", &["UnpinnedModel"]),
        ("models: {hf: org/name, revision: v1.0}".to_owned(), "image", &[]),
        (format!("models: {{hf: org/name, revision: {commit}}}"), "image", &[]),
        // Of which the lock is what is made.
        ("models: org/name".to_owned(), "lock", &[]),
    ] {
        let (json, _, _) =
            check(daemon(&format!("base: python:3\n{manifest}\n")), &[("target", target)]).await;
        assert_eq!(rules(&json), expected, "{manifest} {target}: {json}");
    }
    let (json, _, text) = check(daemon("base: python:3\nmodels: org/name\n"), &[]).await;
    let said = json["warnings"][0]["detail"].as_str().unwrap();
    assert!(said.starts_with("org/name is what its branch `main` is when a builder"), "{said}");
    assert!(text.contains("WARNING: UnpinnedModel (line 2)"), "{text}");
}

#[tokio::test]
async fn a_git_folder_that_the_contexts_url_keeps() {
    let daemon = daemon("").with_file("git://h.io/r.git", "strata.yaml", "base: python:3\n");
    let options = [("context", "https://h.io/r.git?keep-git-dir=1"), ("filename", "strata.yaml")];
    let (json, _, _) = check(daemon, &options).await;
    assert_eq!(
        json["warnings"][0]["detail"],
        "Strata does not honour `keep-git-dir` in the context's URL: `.git` is no code"
    );
}

#[tokio::test]
async fn what_a_build_would_warn_of() {
    let lock = "version = 1\n";
    let manifest = daemon(
        "base: python:3\npython: {packages: [six]}\n\
         models: [org/name, {spacy: en_core_web_sm==3.8.0}]\n\
         dev: {python: {packages: [ruff]}}\n",
    );
    let daemon = manifest.with_file("local://dockerfile", "strata.lock", lock);
    let options = [("target", "dev"), ("platform", "linux/amd64"), ("no-cache", "pakages")];
    let (json, status, text) = check(daemon, &options).await;
    assert_eq!(status, "1");
    assert_eq!(rules(&json), ["IgnoredOption", "ForeignLock", "UnpinnedModel", "StaleLock"]);
    assert_eq!(
        json["warnings"][1],
        json!({
            "ruleName": "ForeignLock",
            "url": "",
            "detail": "strata.lock has nothing for linux/amd64 for development: add it with \
                       `docker buildx build --target lock --output . …`\n\
                       Its versions are preferred, and the rest is resolved anew.",
            "location": {
                "sourceIndex": 0, "ranges": [{"start": {"line": 4}, "end": {"line": 4}}]
            }
        })
    );
    assert!(
        text.contains("\n\nWARNING: StaleLock (line 3)\nstrata.lock has nothing for org/name"),
        "{text}"
    );
    let release = "https://github.com/explosion/spacy-models/releases/download/en_core_web_sm-3.8.0/\
                   en_core_web_sm-3.8.0-py3-none-any.whl";
    let unpinned = format!(
        "en_core_web_sm 3.8.0 has no `sha256`, so nothing says what it must be: `curl -fL {release} | \
         sha256sum` prints it, and strata.lock notes it, by `docker buildx build --target lock \
         --output . …`"
    );
    assert_eq!(json["warnings"][2]["detail"], unpinned);
}

#[tokio::test]
async fn what_is_not_to_be_warned_of() {
    let check_of = ("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=IgnoredOption");
    let options = [("no-cache", "pakages"), ("build-arg:CI", "true"), check_of];
    let (json, status, _) = check(daemon("base: python:3\n"), &options).await;
    assert_eq!((&*status, &json["warnings"][0]["ruleName"]), ("1", &json!("UndeclaredArgument")));
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_manifest_says_of_warnings() {
    let at_top = "# check=skip=IgnoredOption\nbase: python:3\n";
    let below = "base: python:3\n# check=skip=IgnoredOption\n";
    // Nor are what an editor reads there, and what BuildKit does.
    let with_others = "# syntax=strata\n# yaml-language-server: $schema=strata.schema.json\n\
                       # check=skip=IgnoredOption\nbase: python:3\n";
    let check_of = ("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=Other");
    for (manifest, options, status) in [
        (at_top, &[("devices", "gpu")][..], "0"),
        (with_others, &[("devices", "gpu")], "0"),
        (below, &[("devices", "gpu")], "1"),
        (at_top, &[("devices", "gpu"), check_of], "1"),
    ] {
        assert_eq!(check(daemon(manifest), options).await.1, status, "{manifest} {options:?}");
    }
}

#[tokio::test]
async fn what_no_line_is_to_blame_for() {
    // Whether or not there is more to be told.
    for (question, manifest) in [
        ("frontend.lint", "base: python:3\n"),
        ("frontend.outline", "base: python:3\nargs: [NAME]\n"),
    ] {
        let options = [("requestid", question), ("target", "imgae")];
        let (result, _) = build(daemon(manifest), &options).await;
        assert!(result.unwrap_err().message().starts_with("unknown target `imgae`"));
    }
}
