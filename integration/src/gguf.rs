//! A language model in a GGUF file: of a real architecture, and of random weights.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::output;
use crate::hub::Repo;
use crate::python::{installed, python};

/// Writes the file that it is given.
const WRITE: &str = include_str!("llama.py");

/// What writes GGUF files.
const PACKAGES: &str = "gguf==0.17.1\nnumpy==2.2.6\n";

/// A repository with a llama of half a megabyte as its one file, `file`. It completes what it is
/// given with nonsense, always with the same.
///
/// # Errors
///
/// When the packages that write it cannot be downloaded.
pub fn tiny_llama(id: &str, file: &str) -> Result<Repo> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("llm.gguf");
    let mut python = python()?;
    python.env("PYTHONPATH", installed("gguf", PACKAGES, &[])?);
    output(python.args(["-c", WRITE]).arg(&path))?;
    let model = fs::read(&path).context("no model was written")?;
    Ok(Repo::new(id, [(file, model)]))
}
