//! 64-bit ARM on a machine of another kind.

use integration::base_image;
use integration::buildx::Build;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::emulation::Arm64;
use integration::gguf::tiny_llama;
use integration::hub::Hub;
use integration::weights::all_minilm_l6_v2;
use serde_json::Value;

use super::service::Example;
use crate::project::ran;
use crate::{build, newcomer};

const IMAGE: &str = "lightspeed";
const DEBIAN: &str = "debian:trixie-slim";

#[test]
#[ignore = "slow: every program is emulated"]
fn lightspeed_for_arm64() {
    let arm64 = Arm64::emulate().unwrap();
    // An engine looks once what the machine can run.
    let engine = newcomer(CURRENT);
    base_image::load_for_arm64(&engine, &arm64, DEBIAN).unwrap();
    let model = "qwen2.5-0.5b-instruct-q4_k_m.gguf";
    let models = [
        all_minilm_l6_v2().unwrap(),
        tiny_llama("Qwen/Qwen2.5-0.5B-Instruct-GGUF", model).unwrap(),
    ];
    let hub = Hub::serve(engine.host_address().unwrap(), models).unwrap();
    let example = Example::new("lightspeed")
        .arg("VARIANT", "debian")
        .arg("DEBIAN", DEBIAN)
        .arg("HF_ENDPOINT", hub.endpoint())
        .arg("LLM", "gguf==0.17.1");
    let built = || {
        let mut command = build(&engine, example.folder.path());
        command.args(["--platform=linux/arm64", "--tag", IMAGE]);
        for (name, value) in &example.arguments {
            command.arg(format!("--build-arg={name}={value}"));
        }
        Build::succeed(&mut command).unwrap()
    };
    built();
    let run = |words: &[&str]| {
        let run = ["run", "--rm", "--platform=linux/arm64", "--network=none", IMAGE];
        output(engine.docker(run).args(words)).unwrap()
    };
    let compiled = "import numpy, platform; print(platform.machine(), numpy.ones(3).sum())";
    assert_eq!(run(&["python", "-c", compiled]), "aarch64 3.0");
    let question = "How can I see what happens when a machine runs out of memory?";
    let answer: Value = serde_json::from_str(&run(&["python", "main.py", question])).unwrap();
    assert!(answer["answer"].as_str().unwrap().starts_with("Hog scenarios"), "{answer}");

    example.edit("docs/scenarios.md", "Hog scenarios", "Hungry scenarios");
    let edited = built();
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
}
