//! Python with the packages of the quickstart, huggingface_hub among them.

use std::path::{Path, PathBuf};
use std::process::Command;

use integration::{python, workspace};

/// The folder of the quickstart.
pub fn quickstart() -> PathBuf {
    workspace::root().join("examples/quickstart")
}

/// Python, whose Hugging Face home is `home`, with none of the settings that somebody may have made for the hub.
pub fn python(home: &Path) -> Command {
    let requirements = std::fs::read_to_string(quickstart().join("requirements.txt")).unwrap();
    let packages = python::installed("quickstart", &requirements, &[]).unwrap();
    let mut python = python::python().unwrap();
    python
        .env("PYTHONPATH", packages)
        .env("HF_HOME", home)
        .env("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        .env("HF_HUB_DISABLE_TELEMETRY", "1")
        .env_remove("HF_TOKEN");
    python
}
