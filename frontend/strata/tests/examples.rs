//! The examples as users build them, planned: the tests on engines build variants of them.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::{path::Path, process::Command};

/// The steps of a build of an example.
fn planned(example: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let mut command = Command::new(env!("CARGO_BIN_EXE_strata"));
    let output = command.current_dir(folder).arg("plan").args(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{example} {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

macro_rules! examples {
    ($($test:ident: $name:literal, $production:expr, $development:expr;)*) => {$(
        #[test]
        fn $test() {
            let steps = planned($name, &[]);
            for step in $production {
                assert!(steps.contains(step), "{step}: {steps}");
            }
            let steps = planned($name, &["--target", "dev"]);
            assert!(!steps.contains("[code]"), "development's code is a bind mount: {steps}");
            for step in $development {
                assert!(steps.contains(step), "{step}: {steps}");
            }
            for target in ["image", "dev", "deps", "models"] {
                planned($name, &["--build-arg", "VARIANT=debian", "--target", target]);
            }
        }
    )*};
}

const NONE: [&str; 0] = [];

examples! {
    semantic_search: "semantic-search",
        ["[models] fetch sentence-transformers/all-MiniLM-L6-v2", "[code] copy"], NONE;
    llm_service: "llm-service",
        ["[toolchain] install build-essential cmake", "[code] build /app"],
        ["[packages] install llama-cpp-python", "watchfiles"];
    knowledge_base: "knowledge-base",
        ["[runtime] install libgl1 libglib2.0-0t64", "[models] run reader"],
        ["[models] run reader"];
}

#[test]
fn article_transfer() {
    let base = ["-f", "base.yaml", "--target", "deps"];
    let steps = planned("article-transfer", &base);
    for step in ["[models] fetch en_core_web_lg 3.8.0", "[verify] import google.genai", "[dirs]"] {
        assert!(steps.contains(step), "{step}: {steps}");
    }
    assert!(!steps.contains("[code]"), "{steps}");
    planned("article-transfer", &[&base[..], &["--build-arg", "VARIANT=debian"]].concat());

    let steps = planned("article-transfer", &[]);
    assert!(steps.contains("[verify] import src.gemini.gemini_client"), "{steps}");
    assert!(!steps.contains("[packages]") && !steps.contains("[models]"), "{steps}");
}

#[test]
fn lightspeed() {
    for variant in ["generic", "nvidia", "apple-silicon", "debian"] {
        let variant = format!("VARIANT={variant}");
        let steps = planned("lightspeed", &["--build-arg", &variant, "--platform", "linux/arm64"]);
        assert!(steps.contains("[models] fetch Qwen/Qwen2.5-0.5B-Instruct-GGUF"), "{steps}");
    }
}
