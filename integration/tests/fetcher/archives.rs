//! Archives and wheels: their content, and that those who make them can harm nobody.

use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::Compression;
use flate2::write::GzEncoder;
use integration::digest::sha256;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::scene::{Held, Scene, held, server_with, walk};

/// An entry of an archive.
pub enum Entry<'a> {
    File(&'a str, u32, &'a str),
    Symlink(&'a str, &'a str),
    Hardlink(&'a str, &'a str),
}
use Entry::{File, Hardlink, Symlink};

/// A tar that holds names as they are, which the crate's own ways of adding refuse.
pub fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        let (name, kind, mode, target, text) = match *entry {
            File(name, mode, text) => (name, EntryType::Regular, mode, "", text),
            Symlink(name, target) => (name, EntryType::Symlink, 0o777, target, ""),
            Hardlink(name, target) => (name, EntryType::Link, 0o644, target, ""),
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..name.len()].copy_from_slice(name.as_bytes());
        gnu.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A zip; without hard links, which it has none of.
pub fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for entry in entries {
        match *entry {
            File(name, mode, text) => {
                zip.start_file(name, options.unix_permissions(mode)).unwrap();
                zip.write_all(text.as_bytes()).unwrap();
            }
            Symlink(name, target) => zip.add_symlink(name, target, options).unwrap(),
            Hardlink(..) => {}
        }
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_are_unpacked() {
    let entries = [
        File("./model/config.json", 0o600, "{}"),
        File("model/run", 0o4777, "#!/bin/sh\n"),
        Symlink("model/link", "config.json"),
    ];
    let expected = Held::from([
        ("file/model/config.json".into(), b"{}".into()),
        ("file/model/run".into(), b"#!/bin/sh\n".into()),
        ("file/model/link".into(), b"-> config.json".into()),
    ]);
    let tar = tar(&entries);
    for archive in [gzipped(&tar), tar, zip(&entries)] {
        let (_server, scene, request) = server_with(&archive, Some("archive"));
        scene.run(&request).well();
        assert_eq!(scene.out(), expected);
        assert_eq!(scene.cache().into_values().collect::<Vec<_>>(), [archive]);
        walk(&scene.path("out"), &mut |path, entry| {
            assert_eq!(entry.mtime(), 315_532_800, "{}", path.display());
            let runs = entry.is_dir() || path.ends_with("run");
            if !entry.is_symlink() {
                let mode = if runs { 0o755 } else { 0o644 };
                assert_eq!(entry.mode() & 0o7777, mode, "{}", path.display());
            }
        });
    }
}

#[test]
fn what_is_no_archive_is_not_unpacked() {
    for (content, told) in [
        (b"no archive".to_vec(), " is no archive that can be unpacked: tar, tar.gz and zip can"),
        (b"\x1f\x8bneither".to_vec(), " cannot be unpacked: "),
        (b"PK\x03\x04nor this".to_vec(), " cannot be unpacked: "),
    ] {
        let (_server, scene, request) = server_with(&content, Some("archive"));
        let said = scene.run(&request).badly();
        assert!(said.contains(told), "{said}");
    }
}

/// All that is beside `out`, but what a fetch brings with it.
fn around(scene: &Scene) -> Held {
    let mut held = held(&scene.path(""));
    held.retain(|path, _| !path.starts_with("out") && !path.starts_with("cache"));
    held
}

/// Archives that would write `evil` beside `out`, or into the folder `outside` and its `victim`.
fn hostile<'a>(outside: &'a str, evil: &'a str, victim: &'a str) -> [Vec<Entry<'a>>; 8] {
    [
        vec![File("../../evil", 0o644, "evil")],
        vec![File("model/../../../evil", 0o644, "evil")],
        vec![File(evil, 0o644, "evil")],
        vec![Symlink("link", outside), File("link/evil", 0o644, "evil")],
        vec![Symlink("link", "../.."), File("link/evil", 0o644, "evil")],
        vec![Symlink("one", ".."), Symlink("two", "one/.."), File("two/evil", 0o644, "evil")],
        vec![Symlink("link", victim), File("./link", 0o644, "evil")],
        vec![Hardlink("link", victim), File("./link", 0o644, "evil")],
    ]
}

#[test]
fn archives_write_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    let [evil, victim] = ["evil", "victim"].map(|name| path(&outside.path().join(name)));
    fs::write(&victim, "as it was").unwrap();
    let untouched = held(outside.path());
    for (number, entries) in hostile(&path(outside.path()), &evil, &victim).iter().enumerate() {
        for archive in [tar(entries), zip(entries)] {
            let (_server, scene, request) = server_with(&archive, Some("archive"));
            let mut command = scene.command(&request, "out");
            let before = around(&scene);
            // Whether it is refused is the archive's affair.
            command.output().unwrap();
            assert_eq!(around(&scene), before, "the archive {number}");
            assert_eq!(held(outside.path()), untouched, "the archive {number}");
        }
    }
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().into()
}

#[test]
fn nothing_is_left_out_of_an_archive() {
    let entries = [File("config.json", 0o644, "{}"), File("../weights", 0o644, "weights")];
    for archive in [tar(&entries), zip(&entries)] {
        let (_server, scene, request) = server_with(&archive, Some("archive"));
        let said = scene.run(&request).badly();
        assert!(said.contains(" cannot be unpacked: "), "{said}");
    }
}

#[test]
fn what_is_put_beside_an_archive_follows_none_of_its_links() {
    for link in ["opt", "opt/text"] {
        let outside = tempfile::tempdir().unwrap();
        let target = outside.path().join(if link == "opt" { "" } else { "text" });
        let archive = tar(&[Symlink(link, &path(&target))]);
        let (_server, scene, mut request) = server_with(&archive, Some("archive"));
        request["fetch"]["files"][0]["to"] = "/".into();
        request["fetch"]["texts"] = json!([{"path": "/opt/text", "text": "text"}]);
        let said = scene.run(&request).badly();
        assert_eq!(said, "/opt/text leads elsewhere");
        assert_eq!(held(outside.path()), Held::new());
    }
}

/// A wheel of these files, and its RECORD.
fn wheel(files: &[(&str, &str)], record: &str) -> Vec<u8> {
    let files = files.iter().map(|(name, text)| File(name, 0o644, text));
    let record = File("pipe-1.0.dist-info/RECORD", 0o644, record);
    zip(&files.chain([record]).collect::<Vec<_>>())
}

/// What a RECORD says of a file.
fn recorded(name: &str, text: &str) -> String {
    let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text));
    format!("{name},sha256={digest},{}\n", text.len())
}

#[test]
fn wheels_are_unpacked() {
    let files = [
        ("pipe/__init__.py", "pipe"),
        ("pipe/a, b.json", "{}"),
        ("pipe-1.0.dist-info/METADATA", "Name: pipe"),
    ];
    let record: String = files
        .iter()
        .map(|(name, text)| recorded(name, text).replace("pipe/a, b.json", "\"pipe/a, b.json\""))
        .collect();
    let record = format!("{record}pipe-1.0.dist-info/RECORD,,\n");
    let wheel = wheel(&files, &record);
    let (_server, scene, mut request) = server_with(&wheel, Some("wheel"));
    // spaCy says nothing of what its wheels must be: only their RECORD does.
    request["fetch"]["files"][0]["checksum"] = json!(null);
    let said = scene.run(&request).well();
    assert!(said.contains(&format!("/file: its sha256 is {}\n", sha256(&wheel))), "{said}");
    let mut expected: Held =
        files.iter().map(|(name, text)| (format!("file/{name}"), (*text).into())).collect();
    expected.insert("file/pipe-1.0.dist-info/RECORD".into(), record.into());
    assert_eq!(scene.out(), expected);
    assert_eq!(scene.cache(), Held::new());
}

#[test]
fn wheels_are_what_their_record_says() {
    let good = recorded("pipe/__init__.py", "pipe");
    let data = recorded("pipe-1.0.data/scripts/pipe", "pipe");
    let above = recorded("../evil.py", "pipe");
    for (files, record, told) in [
        (
            [("pipe/__init__.py", "Pipe")],
            &good,
            ": pipe/__init__.py is not what the wheel's RECORD says",
        ),
        ([("pipe/other.py", "pipe")], &good, ": pipe/other.py is not what the wheel's RECORD says"),
        (
            [("pipe-1.0.data/scripts/pipe", "pipe")],
            &data,
            " has files that go elsewhere, in pipe-1.0.data",
        ),
        ([("../evil.py", "pipe")], &above, "../evil.py leads elsewhere"),
    ] {
        let (_server, scene, request) = server_with(&wheel(&files, record), Some("wheel"));
        let said = scene.run(&request).badly();
        assert!(said.ends_with(told), "{said}");
        assert!(!scene.path("evil.py").exists() && !scene.path("out/evil.py").exists());
        // At most what its RECORD vouches for.
        assert!(scene.out().keys().all(|path| path.ends_with("RECORD")), "{:?}", scene.out());
    }
    let none = zip(&[File("pipe/__init__.py", 0o644, "pipe")]);
    let (_server, scene, request) = server_with(&none, Some("wheel"));
    let said = scene.run(&request).badly();
    assert!(said.ends_with(" is no wheel that can be installed: it has no RECORD"), "{said}");
}
