//! A builder's disk that is full, or nearly so.

use std::path::Path;
use std::process::Command;

use integration::digest::sha256;

use crate::archives::{Entry, gzipped, tar, zip};
use crate::scene::{Ended, Held, apart, bytes, hub_with, server_with};

/// The same command, where `folder` has a megabyte of room, of which `other` takes some bytes. It is
/// gone with the command; what the cache has then is said last.
fn with_a_megabyte_in(folder: &Path, other: usize, command: &Command) -> Command {
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" && \
                  { test $2 = 0 || head -c $2 /dev/zero > \"$1/other\"; } && \
                  folder=$1; shift 2; \"$@\"; status=$?; ls \"$folder/../cache\" >&2; exit $status";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(folder).arg(other.to_string());
    shell.arg(command.get_program()).args(command.get_args()).env("NO_PROXY", "*");
    apart(&["--mount"], &shell)
}

#[test]
fn a_full_disk_is_told_with_what_it_takes() {
    let content = bytes(3_000_000);
    for (folder, left) in [("cache", "1.0 MB"), ("out", "0 bytes")] {
        let (hub, scene, request) = hub_with(&[("weights", &content)]);
        scene.clear();
        let fetcher = scene.command(&request, "out");
        let said = Ended::of(&mut with_a_megabyte_in(&scene.path(folder), 0, &fetcher)).badly();
        let told = format!(
            "the builder's disk is too full: 3.0 MB of org/model take up to twice as much while they \
             are fetched, and {left} are left; `docker buildx prune` frees what is not used"
        );
        assert!(said.starts_with(&told), "{said}");
        assert_eq!((scene.out(), scene.cache()), (Held::new(), Held::new()));
        assert_eq!(hub.take_answered().is_empty(), folder == "cache", "nothing is begun in vain");
    }
}

#[test]
fn of_a_file_of_unknown_size_no_size_is_told() {
    let (server, scene, request) = server_with(&bytes(3_000_000), None);
    let fetcher = scene.command(&request, "out");
    let said = Ended::of(&mut with_a_megabyte_in(&scene.path("cache"), 0, &fetcher)).badly();
    // It is the last line: the disk is left as it was.
    let told = format!(
        "the builder's disk is too full: {}/file takes up to twice its size while it is fetched, \
         and 0 bytes are left; `docker buildx prune` frees what is not used",
        server.url()
    );
    assert!(said.starts_with(&told), "{said}");
}

#[test]
fn what_an_archive_holds_may_be_too_much() {
    let zeros = "0".repeat(3_000_000);
    let entries = [Entry::File("zeros", 0o644, &zeros)];
    for archive in [gzipped(&tar(&entries)), zip(&entries)] {
        let (_server, scene, request) = server_with(&archive, Some("archive"));
        let fetcher = scene.command(&request, "out");
        let said = Ended::of(&mut with_a_megabyte_in(&scene.path("out"), 0, &fetcher)).badly();
        assert!(said.starts_with("the builder's disk is too full: "), "{said}");
    }
}

#[test]
fn what_is_kept_leaves_room_and_yields() {
    let content = bytes(300_000);
    for (other, stays) in [(100, true), (900_000, false)] {
        let (_hub, scene, request) = hub_with(&[("weights", &content)]);
        let fetcher = scene.command(&request, "out");
        let said = Ended::of(&mut with_a_megabyte_in(&scene.path("cache"), other, &fetcher)).well();
        assert!(said.contains(&format!("\n{}\n", sha256(&content))), "{said}");
        assert_eq!(said.contains("\nother\n"), stays, "{said}");
    }
    let content = bytes(700_000);
    let (_server, scene, request) = server_with(&content, None);
    let fetcher = scene.command(&request, "out");
    let said = Ended::of(&mut with_a_megabyte_in(&scene.path("cache"), 0, &fetcher)).well();
    assert!(!said.contains(&sha256(&content)), "there was no room for as much again: {said}");
}
