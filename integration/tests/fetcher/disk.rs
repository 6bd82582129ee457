//! A builder's disk that is full.

use std::path::Path;
use std::process::Command;

use crate::archives::{Entry, gzipped, tar, zip};
use crate::scene::{Ended, Held, apart, bytes, hub_with, server_with};

/// The same command, where `folder` has a megabyte of room. It is gone with the command.
fn with_a_megabyte_in(folder: &Path, command: &Command) -> Command {
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$1\" && shift && exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", mount, "sh"]).arg(folder);
    shell.arg(command.get_program()).args(command.get_args()).env("NO_PROXY", "*");
    apart(&["--mount"], &shell)
}

#[test]
fn a_full_disk_is_told_with_what_it_takes() {
    let content = bytes(3_000_000);
    for folder in ["cache", "out"] {
        let (_hub, scene, request) = hub_with(&[("weights", &content)]);
        scene.clear();
        let fetcher = scene.command(&request, "out");
        let said = Ended::of(&mut with_a_megabyte_in(&scene.path(folder), &fetcher)).badly();
        let told = "the builder's disk is full: org/model has 3.0 MB, which takes twice as much while \
                    it is fetched, and 0 bytes are left; `docker buildx prune` frees what is not used";
        assert!(said.starts_with(told), "{said}");
        assert_eq!(scene.out(), Held::new());
    }
}

#[test]
fn of_a_file_of_unknown_size_no_size_is_told() {
    let (server, scene, request) = server_with(&bytes(3_000_000), None);
    let fetcher = scene.command(&request, "out");
    let said = Ended::of(&mut with_a_megabyte_in(&scene.path("cache"), &fetcher)).badly();
    let told = format!(
        "the builder's disk is full: {}/file takes twice its size while it is fetched, and 0 bytes \
         are left; `docker buildx prune` frees what is not used",
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
        let said = Ended::of(&mut with_a_megabyte_in(&scene.path("out"), &fetcher)).badly();
        assert!(said.starts_with("the builder's disk is full: "), "{said}");
    }
}
