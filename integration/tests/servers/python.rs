//! A virtual environment with the quickstart's packages: huggingface_hub is one of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The quickstart's folder.
pub fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart")
}

/// Python, at home in `hf_home` and without any other Hugging Face setting.
pub fn python(hf_home: &Path) -> Command {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(environment);
    let mut python = Command::new(&*PYTHON);
    python
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        .env("HF_HUB_DISABLE_TELEMETRY", "1")
        .env("HF_HOME", hf_home)
        .env_remove("HF_TOKEN");
    python
}

/// Its interpreter. Made once for each version of the requirements, and kept.
fn environment() -> PathBuf {
    let requirements = quickstart().join("requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("quickstart-venv");
    let done = folder.join("requirements.txt");
    let python = folder.join("bin/python");
    if std::fs::read(&done).ok() != std::fs::read(&requirements).ok() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "-r"])
            .arg(&requirements));
        std::fs::copy(&requirements, &done).unwrap();
    }
    python
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} failed");
}
