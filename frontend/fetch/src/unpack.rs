//! Archives: their content in place of themselves.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};
use tar::Archive;
use zip::ZipArchive;

use crate::place::below;

/// Unpacks the archive `name`, which is at `from`, into the folder `to`.
pub fn archive(name: &str, from: &Path, out: &Path, to: &str) -> Result<()> {
    let told = || format!("{name} cannot be unpacked");
    let folder = below(out, to)?;
    fs::create_dir_all(&folder)?;
    let mut file = File::open(from)?;
    let mut start = Vec::new();
    (&mut file).take(512).read_to_end(&mut start)?;
    file.rewind()?;
    let file = BufReader::with_capacity(1 << 20, file);
    match &start[..] {
        [0x1f, 0x8b, ..] => untar(MultiGzDecoder::new(file), &folder).with_context(told),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => {
            ZipArchive::new(file).and_then(|mut zip| zip.extract(&folder)).with_context(told)
        }
        block if block.get(257..262) == Some(b"ustar") => untar(file, &folder).with_context(told),
        _ => bail!("{name} is no archive that can be unpacked: tar, tar.gz and zip can"),
    }
}

fn untar(read: impl io::Read, folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(read);
    archive.set_preserve_mtime(false);
    archive.set_preserve_ownerships(false);
    let folder = folder.canonicalize()?;
    for entry in archive.entries()? {
        let mut entry = entry?;
        // What would lie elsewhere is not unpacked, and an archive without it is another one.
        if !entry.unpack_in(&folder)? {
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            return Err(io::Error::other(format!("{path} leads elsewhere")));
        }
    }
    Ok(())
}

/// Unpacks a wheel, checking each file against the wheel's own list
/// (<https://packaging.python.org/en/latest/specifications/binary-distribution-format/>).
pub fn wheel(name: &str, from: &Path, out: &Path, to: &str) -> Result<()> {
    let told = || format!("{name} is no wheel that can be installed");
    let folder = below(out, to)?;
    fs::create_dir_all(&folder)?;
    let mut zip = ZipArchive::new(File::open(from)?).with_context(told)?;
    let record = zip.file_names().find(|name| is_record(name)).map(str::to_owned);
    let record = record.context("it has no RECORD").with_context(told)?;
    let mut list = String::new();
    zip.by_name(&record)?.read_to_string(&mut list).with_context(told)?;
    let digests: BTreeMap<&str, &str> = list.lines().filter_map(line).collect();
    for index in 0..zip.len() {
        let mut file = zip.by_index(index).with_context(told)?;
        let inner = file.name().to_owned();
        if file.is_dir() {
            continue;
        }
        let top = inner.split('/').next().unwrap_or_default();
        ensure!(!top.ends_with(".data"), "{name} has files that go elsewhere, in {top}");
        let target = below(&folder, &inner)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(told)?;
        if inner != record && !is_signature(&inner) {
            let digest = digests.get(inner.as_str());
            ensure!(
                digest.is_some_and(|digest| *digest == format!("sha256={}", urlsafe(&bytes))),
                "{name}: {inner} is not what the wheel's RECORD says"
            );
        }
        fs::write(&target, bytes).with_context(|| format!("{}", target.display()))?;
    }
    Ok(())
}

fn is_record(name: &str) -> bool {
    name.split_once('/')
        .is_some_and(|(folder, file)| folder.ends_with(".dist-info") && file == "RECORD")
}

fn is_signature(name: &str) -> bool {
    name.ends_with(".dist-info/RECORD.jws") || name.ends_with(".dist-info/RECORD.p7s")
}

/// `path,sha256=…,size`; a path with a comma is quoted.
fn line(line: &str) -> Option<(&str, &str)> {
    let (rest, _size) = line.rsplit_once(',')?;
    let (path, digest) = rest.rsplit_once(',')?;
    Some((path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path), digest))
}

/// The SHA-256 as a RECORD has it.
fn urlsafe(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}
