//! The examples, built and run as their READMEs say. What takes downloads that only the internet
//! has comes from elsewhere: PyTorch from Debian, models from the tests' hub.

mod article_transfer;
mod emulated;
mod knowledge_base;
mod lightspeed;
mod llm_service;
mod schemas;
mod semantic_search;
mod service;

use std::fs;

use integration::command::output;
use integration::workspace;
use serde_json::Value;

use crate::STRATA;

/// Those that are not built here as their bake files say are at least understood as they say.
#[test]
fn bake_files_name_what_there_is() {
    let targets = |example: &str| -> Vec<String> {
        let folder = workspace::root().join("examples").join(example);
        let mut bake = STRATA.docker(["buildx", "bake", "--print"]);
        let printed = output(bake.current_dir(&folder)).unwrap();
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let targets = printed["target"].as_object().unwrap().iter();
        targets
            .map(|(name, target)| {
                let file = folder.join(target["dockerfile"].as_str().unwrap());
                assert!(fs::read_to_string(file).unwrap().starts_with("# syntax=strata\n"));
                name.clone()
            })
            .collect()
    };
    let variants = ["lightspeed-apple-silicon", "lightspeed-generic", "lightspeed-nvidia"];
    assert_eq!(targets("lightspeed"), variants);
    assert_eq!(targets("llm-service"), ["development", "production"]);
}

/// As above, for Compose.
#[test]
fn compose_files_name_what_there_is() {
    for (example, files) in [
        ("article-transfer", ["compose.yaml"].as_slice()),
        ("knowledge-base", &["compose.yaml", "compose.dev.yaml"]),
        ("lightspeed", &["compose.yaml", "compose.nvidia.yaml"]),
        ("llm-service", &["compose.yaml", "compose.dev.yaml"]),
        ("semantic-search", &["compose.yaml"]),
    ] {
        let folder = workspace::root().join("examples").join(example);
        let mut config = STRATA.docker(["compose", "--profile=*"]);
        config.args(files.iter().map(|file| format!("--file={file}")));
        let config = output(config.args(["config", "--format=json"]).current_dir(&folder)).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        let mut built = 0;
        for (name, service) in config["services"].as_object().unwrap() {
            let Some(file) = service["build"]["dockerfile"].as_str() else { continue };
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(text.starts_with("# syntax=strata\n"), "{example}: {name}");
            built += 1;
        }
        assert!(built > 0, "{example} builds nothing by {files:?}");
    }
}
