//! What comes into the layer: copies that cost no room where the file system shares blocks,
//! links, texts; and every stamp the same, so that the same files are the same layer.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, ioctl_ficlone, utimensat};

/// The time of every file: as of all that builds make, the first day of 1980.
const EPOCH: i64 = 315_532_800;

/// Whether a copy shares its bytes with the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The original costs nothing.
    Shared,
    /// There are two now.
    Twice,
}

/// Copies a file, of whatever is the same on both sides nothing.
pub fn copy(from: &Path, out: &Path, to: &str) -> Result<Copied> {
    let to = below(out, to)?;
    let told = || format!("{} cannot be written", to.display());
    let mut source = File::open(from)?;
    let mut target = File::create(&to).with_context(told)?;
    if ioctl_ficlone(&target, &source).is_ok() {
        return Ok(Copied::Shared);
    }
    io::copy(&mut source, &mut target).with_context(told)?;
    Ok(Copied::Twice)
}

/// Whether copies from one folder to another share their bytes with the originals.
pub fn shares(from: &Path, to: &Path) -> bool {
    // Which the file system tells of empty files, too.
    let (from, to) = (from.join("shares"), to.join("shares"));
    let shares = || -> io::Result<()> {
        drop(File::create(&from)?);
        Ok(ioctl_ficlone(File::create(&to)?, File::open(&from)?)?)
    };
    let shares = shares().is_ok();
    for probe in [from, to] {
        // Another build may have been at it.
        let _ = fs::remove_file(probe);
    }
    shares
}

/// Writes a file.
pub fn text(out: &Path, to: &str, text: &str) -> Result<()> {
    let to = below(out, to)?;
    fs::write(&to, text).with_context(|| format!("{} cannot be written", to.display()))
}

/// Makes a symbolic link.
pub fn link(out: &Path, path: &str, target: &str) -> Result<()> {
    let path = below(out, path)?;
    symlink(target, &path).with_context(|| format!("{} cannot be made", path.display()))
}

/// The path below `out`, its folder made. It leads through no link: one that an archive has brought
/// may lead anywhere.
pub fn below(out: &Path, path: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    let inside = path.strip_prefix("/").unwrap_or(path);
    let mut way = out.to_owned();
    for part in inside.components() {
        way.push(part);
        let leads_on = matches!(part, Component::Normal(_)) && !way.is_symlink();
        ensure!(leads_on, "{} leads elsewhere", path.display());
    }
    let path = out.join(inside);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    }
    Ok(path)
}

/// Gives all below `folder`, and itself, the same times, and modes that let everyone read.
pub fn stamp(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            stamp(&entry.path())?;
            continue;
        }
        if kind.is_file() {
            let runs = entry.metadata()?.permissions().mode() & 0o100 != 0;
            set_mode(&entry.path(), if runs { 0o755 } else { 0o644 })?;
        }
        set_time(&entry.path())?;
    }
    set_mode(folder, 0o755)?;
    set_time(folder)
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn set_time(path: &Path) -> io::Result<()> {
    let time = Timespec { tv_sec: EPOCH, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
