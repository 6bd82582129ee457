//! What Tesseract reads English with: a real model, small enough to be fetched by every test run.

use std::fs;

use anyhow::Result;

use crate::hub::Repo;
use crate::packages::Packages;

/// A repository with the file `eng.traineddata` (4 MB).
///
/// # Errors
///
/// When Debian's package of it cannot be downloaded.
pub fn english(id: &str) -> Result<Repo> {
    let file = "usr/share/tesseract-ocr/5/tessdata/eng.traineddata";
    let model = fs::read(Packages::of_tesseract()?.file(file)?)?;
    Ok(Repo::new(id, [("eng.traineddata", model)]))
}
