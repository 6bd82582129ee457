//! Code from git, under whatever `CODE_VERSION` says.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use integration::buildx::Build;
use integration::git_server::{GitServer, Repository};
use serde_json::Value;

use super::service::{Example, GET, HUB};
use crate::project::{NOTHING, ran};
use crate::{STRATA, unique};

/// What the image answers, without a network.
fn ask(example: &Example, question: &str) -> Value {
    let answer = example.image.run_with(&["--network=none"], &["python", "main.py", question]);
    serde_json::from_str(&answer).unwrap()
}

fn now() -> String {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string()
}

/// The example in git.
fn in_git(server: &GitServer, example: &Example) -> Repository {
    let files = ["main.py", "rag.py", "llm.py", "docs/scenarios.md"]
        .map(|name| (name, fs::read_to_string(example.folder.path().join(name)).unwrap()));
    let repository = server.create("lightspeed").unwrap();
    repository.commit(&files, "begin").unwrap();
    repository
}

#[test]
fn versions_of_the_code() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    // What needs no compiler: it reads the model's file, and does not run it.
    let example = Example::debian("lightspeed", &HUB).arg("LLM", "gguf==0.17.1");
    let repository = in_git(&server, &example);
    let mut example = example.arg("CODE", repository.url());
    let mut built = |version: &str| -> Build {
        example.arguments.retain(|(name, _)| name != "CODE_VERSION");
        example.arguments.push(("CODE_VERSION".into(), version.into()));
        example.rebuild()
    };

    // $(date +%s): the newest commit, and an unchanged one costs nothing.
    built(&now());
    assert_eq!(ran(&built("1763715600")), NOTHING);
    // Files that no earlier run of this test has made.
    let first = repository.commit(&[("docs/x.md", &*unique())], "first").unwrap();
    let newer = built(&now());
    assert_eq!(ran(&newer), ["code"], "{}", newer.report());
    // A tag, and a commit of that name.
    repository.tag("v1.2.3").unwrap();
    assert_eq!(ran(&built("v1.2.3")), NOTHING, "the same commit by another name");
    repository.commit(&[("docs/x.md", &*unique())], "second").unwrap();
    assert_eq!(ran(&built(&first)), NOTHING, "a commit that was built before");
    let newest = built("latest");
    assert_eq!(ran(&newest), ["code"], "{}", newest.report());

    let question = "How can I see what happens when a machine runs out of memory?";
    let answer = ask(&example, question);
    assert!(answer["answer"].as_str().unwrap().starts_with("Hog scenarios"), "{answer}");
    assert_eq!(answer["written"], false, "{answer}");
    let magic = "print(open('/models/llm.gguf', 'rb').read(4))";
    assert_eq!(example.image.run(&["python", "-c", magic]), "b'GGUF'");

    // As a service.
    let service = example.compose(&["compose.yaml"], "lightspeed", "    network_mode: none\n");
    service.up();
    let path = format!("8080/ask?q={}", question.replace(' ', "+"));
    let said: Value = serde_json::from_str(&service.exec(&["python", "-c", GET, &path])).unwrap();
    assert_eq!(said["answer"], answer["answer"]);
}

#[test]
#[ignore = "slow: ten minutes of compiling"]
fn an_answer_by_llama_cpp() {
    let example = Example::debian("lightspeed", &HUB);
    example.build();
    let answer = ask(&example, "Which scenario kills pods?");
    assert_eq!(answer["written"], true, "{answer}");
    let compilers = "command -v gcc g++ cmake || echo none";
    assert_eq!(example.image.run(&["sh", "-c", compilers]), "none");
}
