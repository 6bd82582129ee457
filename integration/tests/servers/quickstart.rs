//! The quickstart's program, with the real weights, as it runs in its image: offline.

use std::net::{IpAddr, Ipv4Addr};

use integration::hub::Hub;
use integration::weights::{ALL_MINILM_L6_V2, all_minilm_l6_v2};
use tempfile::TempDir;

use crate::python::{python, quickstart};

/// The similarities that the model's own documentation gives for these sentences
/// (<https://sbert.net>, its first example).
const DOCUMENTED: &str = "\
The weather is lovely today.   1.000   0.666   0.105
It's so sunny outside!         0.666   1.000   0.141
He drove to the stadium.       0.105   0.141   1.000
";

#[test]
fn the_quickstart_computes_what_the_model_is_documented_to() {
    let home = TempDir::new().unwrap();
    let hub = Hub::serve(IpAddr::V4(Ipv4Addr::LOCALHOST), [all_minilm_l6_v2().unwrap()]).unwrap();
    let download =
        format!("import huggingface_hub; huggingface_hub.snapshot_download('{ALL_MINILM_L6_V2}')");
    let downloaded =
        python(home.path()).args(["-c", &download]).env("HF_ENDPOINT", hub.endpoint()).status();
    assert!(downloaded.unwrap().success());
    drop(hub);

    let sentences = DOCUMENTED.lines().map(|line| line[..29].trim_end());
    let output = python(home.path())
        .arg(quickstart().join("main.py"))
        .args(sentences)
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        DOCUMENTED,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
