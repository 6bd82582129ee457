//! 64-bit ARM on a machine of another kind.

use integration::base_image;
use integration::buildx::Build;
use integration::command::output;
use integration::daemons::CURRENT;
use integration::emulation::Arm64;
use integration::engine::Throwaway;
use integration::gguf::tiny_llama;
use integration::hub::Hub;
use integration::weights::all_minilm_l6_v2;
use serde_json::Value;

use super::service::Example;
use crate::project::ran;
use crate::{build, newcomer};

const IMAGE: &str = "example";

/// An engine that runs ARM's programs, and the examples' models.
struct Emulated {
    engine: Throwaway,
    hub: Hub,
    _arm64: Arm64,
}

impl Emulated {
    /// A new one, with a base of that name.
    fn with_base(name: &str) -> Self {
        let arm64 = Arm64::emulate().unwrap();
        // An engine looks once what the machine can run.
        let engine = newcomer(CURRENT);
        base_image::load_for_arm64(&engine, &arm64, name).unwrap();
        let llama = ("Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q4_k_m.gguf");
        let models = [all_minilm_l6_v2().unwrap(), tiny_llama(llama.0, llama.1).unwrap()];
        let hub = Hub::serve(engine.host_address().unwrap(), models).unwrap();
        Self { engine, hub, _arm64: arm64 }
    }

    fn build(&self, example: &Example) -> Build {
        let mut command = build(&self.engine, example.folder.path());
        command.args(["--platform=linux/arm64", "--tag", IMAGE]);
        command.arg(format!("--build-arg=HF_ENDPOINT={}", self.hub.endpoint()));
        for (name, value) in &example.arguments {
            command.arg(format!("--build-arg={name}={value}"));
        }
        Build::succeed(&mut command).unwrap()
    }

    /// What the image prints, without a network.
    fn run(&self, options: &[&str], words: &[&str]) -> String {
        let mut command = self.engine.docker(["run", "--rm", "--platform=linux/arm64"]);
        output(command.arg("--network=none").args(options).arg(IMAGE).args(words)).unwrap()
    }

    /// That the image has what was compiled for ARM.
    fn computes(&self) {
        let compiled = "import numpy, platform; print(platform.machine(), numpy.ones(3).sum())";
        let python = self.run(&["--entrypoint=python"], &["-c", compiled]);
        assert_eq!(python, "aarch64 3.0");
    }
}

#[test]
#[ignore = "slow: every program is emulated"]
fn quickstart_for_arm64() {
    let emulated = Emulated::with_base("python:3.12-slim");
    let example = Example::new("quickstart");
    emulated.build(&example);
    emulated.computes();
    let said = emulated.run(&[], &["A man is eating food.", "A man eats pasta."]);
    assert!(
        said.lines().next().unwrap().starts_with("A man is eating food.   1.000   0."),
        "{said}"
    );

    example.edit("main.py", "\"\"\"", "\"\"\"Edited. ");
    let edited = emulated.build(&example);
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
}

#[test]
#[ignore = "slow: every program is emulated"]
fn lightspeed_for_arm64() {
    const DEBIAN: &str = "debian:trixie-slim";
    let emulated = Emulated::with_base(DEBIAN);
    let example = Example::new("lightspeed")
        .arg("VARIANT", "debian")
        .arg("DEBIAN", DEBIAN)
        .arg("LLM", "gguf==0.17.1");
    emulated.build(&example);
    emulated.computes();
    let question = "How can I see what happens when a machine runs out of memory?";
    let answer = emulated.run(&[], &["python", "main.py", question]);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert!(answer["answer"].as_str().unwrap().starts_with("Hog scenarios"), "{answer}");

    example.edit("docs/scenarios.md", "Hog scenarios", "Hungry scenarios");
    let edited = emulated.build(&example);
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
}
