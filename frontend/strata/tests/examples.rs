//! The examples as users build them, planned: the tests on engines build variants of them.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

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
        [
            "[packages] install llama-cpp-python",
            "watchfiles",
            "[dirs] make /opt/huggingface a volume",
        ];
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

/// The files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What is pinned for one Python may have no wheel for the next, to which such a tag moves.
#[test]
fn no_base_moves_to_another_python() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = ["README.md", "docs/manifest.md"].map(|page| root.join(page));
    let folders = ["examples", "integration/benchmarks"];
    let folders = folders.iter().flat_map(|folder| files(&root.join(folder)));
    let mut bases = 0;
    for file in pages.into_iter().chain(folders) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (at, name) in text.match_indices("python:") {
            let tag = &text[at + name.len()..];
            if tag.starts_with(|c: char| c.is_ascii_digit()) {
                bases += 1;
                assert!(tag.starts_with("3.1"), "{}: python:{tag:.20}", file.display());
            }
        }
    }
    assert!(bases > 10, "{bases}");
}
