//! Where the workspace is, and where it keeps what is expensive to make.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder `target/engine/<name>`, made if it is not there.
///
/// It is in the workspace's own `target`, wherever Cargo's is: one engine serves every build of the
/// workspace.
///
/// # Errors
///
/// When the folder cannot be made.
pub fn cache(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/engine").join(name);
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    // The kernel names processes' folders and mounts without symlinks.
    Ok(folder.canonicalize()?)
}

/// Keeps other processes, and other callers in this one, from making the same thing at the same
/// time, until dropped.
///
/// # Errors
///
/// When the lock's file cannot be opened.
pub fn lock(name: &str) -> Result<File> {
    let path = cache("locks")?.join(name);
    let file = File::create(&path).with_context(|| format!("could not open {}", path.display()))?;
    file.lock().with_context(|| format!("could not lock {}", path.display()))?;
    Ok(file)
}
