//! Room on the builder's disk: what a fetch takes of it, and what yields to that.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use anyhow::{Error, Result, bail};
use rustix::fs::statvfs;

use crate::download;
use crate::place;
use crate::progress::size;
use crate::request::Fetch;

/// Finds out whether `asked` has room, before anything is asked for. What the cache has of others
/// yields.
pub fn check(asked: &Fetch, out: &Path, cache: &Path) -> Result<()> {
    let there = |name: String| fs::metadata(cache.join(name)).map_or(0, |file| file.len());
    let sizes = || asked.files.iter().filter_map(|file| Some((file, file.size?)));
    let missing = sizes().map(|(file, size)| size.saturating_sub(there(download::name(file))));
    let missing: u64 = missing.sum();
    // Where it is copied, each file may be taken out of the cache before the next.
    let largest = sizes().map(|(_, size)| size).max().unwrap_or_default();
    let is_short = || {
        left(cache).is_some_and(|left| {
            left < missing || left < missing + largest && !place::shares(cache, out)
        })
    };
    if is_short() {
        let own = own(asked);
        remove(cache, |name| !own.contains(name));
        if is_short() {
            bail!(told(asked, left(cache)));
        }
    }
    Ok(())
}

/// If the disk has become full, says how much `asked` takes, and leaves nothing of that.
pub fn explain(error: Error, asked: &Fetch, out: &Path, cache: &Path) -> Error {
    let is_full = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::StorageFull)
    };
    if !error.chain().any(is_full) {
        return error;
    }
    let left = [left(cache), left(out)].into_iter().flatten().min();
    let own = own(asked);
    remove(cache, |name| own.contains(name));
    error.context(told(asked, left))
}

/// The bytes that are left on the disk of a folder; none if it does not tell.
pub fn left(folder: &Path) -> Option<u64> {
    let disk = statvfs(folder).ok().filter(|disk| disk.f_blocks > 0)?;
    Some(disk.f_bavail * disk.f_frsize)
}

fn told(asked: &Fetch, left: Option<u64>) -> String {
    let name = &asked.origin.name;
    let total: u64 = asked.files.iter().filter_map(|file| file.size).sum();
    let needs = match total {
        0 => format!("{name} takes up to twice its size while it is fetched"),
        _ => format!("{} of {name} take up to twice as much while they are fetched", size(total)),
    };
    let left = left.map(|left| format!(", and {} are left", size(left))).unwrap_or_default();
    format!(
        "the builder's disk is too full: {needs}{left}; `docker buildx prune` frees what is \
         not used"
    )
}

/// What the cache calls the files of `asked`.
fn own(asked: &Fetch) -> BTreeSet<String> {
    asked.files.iter().map(download::name).collect()
}

/// Takes out of the cache what `is_meant`, by its name, but what a build is at.
fn remove(cache: &Path, is_meant: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        // Spares have a number after it.
        let name = name.to_string_lossy();
        let is_meant = is_meant(name.split('.').next().unwrap_or_default());
        let held = || fs::File::open(&path).and_then(|file| Ok(file.try_lock().map(|()| file)?));
        if is_meant && let Ok(_held) = held() {
            // What cannot be removed takes its room, as before.
            let _ = fs::remove_file(&path);
        }
    }
}
