//! What an attempt leaves to the next one, and several attempts at once.

use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use integration::digest::sha256;
use integration::fault::Fault;
use rustix::fs::ioctl_ficlone;

use crate::scene::{Ended, Held, Scene, apart, bytes, hub_with, server_with};

/// Whether a copy costs nothing where these tests run.
fn shares_blocks(scene: &Scene) -> bool {
    let (from, to) = (scene.path("from"), scene.path("to"));
    fs::write(&from, "shared").unwrap();
    let (from, to) = (fs::File::open(from).unwrap(), fs::File::create(to).unwrap());
    ioctl_ficlone(to, from).is_ok()
}

/// What the cache holds of these files after all went well.
fn kept(scene: &Scene, files: &[&[u8]]) -> Held {
    let kept = files.iter().map(|content| (sha256(content), content.to_vec()));
    if shares_blocks(scene) { kept.collect() } else { Held::new() }
}

#[test]
fn a_model_takes_its_room_once() {
    let content = bytes(100_000);
    let (_hub, scene, request) = hub_with(&[("weights", &content)]);
    scene.run(&request).well();
    assert_eq!(scene.cache(), kept(&scene, &[&content]));
    let (_server, scene, request) = server_with(&content, None);
    scene.run(&request).well();
    assert_eq!(scene.cache(), kept(&scene, &[&content]));
}

#[test]
fn another_attempt_fetches_what_is_missing() {
    let files: Vec<(String, Vec<u8>)> =
        (0..12).map(|n| (format!("part-{n}"), bytes(100_000 + n))).collect();
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (&**name, &**content)).collect();
    let (hub, scene, request) = hub_with(&named);
    let broken = format!("/{}", sha256(&files[5].1));
    hub.fault(&broken, Fault::Cut(60_000), 1);
    hub.fault(&broken, Fault::status(404), 1);
    let said = scene.run(&request).badly();
    assert!(said.ends_with(&format!("answered 404 to GET {broken}")), "{said}");
    assert_eq!(scene.out(), Held::new());
    drop(hub.take_answered());

    let total: usize = files.iter().map(|(_, content)| content.len()).sum();
    let cached: usize = scene.cache().values().map(Vec::len).sum();
    assert!(cached >= 60_000, "{cached}");
    scene.run(&request).well();
    assert_eq!(scene.out(), files.into_iter().collect());
    let storage = |path: &str| !path.contains("/resolve/");
    let answered = hub.take_answered().into_iter().filter(|answered| storage(&answered.path));
    assert_eq!(answered.map(|answered| answered.sent).sum::<u64>(), (total - cached) as u64);
}

#[test]
fn nothing_is_asked_for_that_is_there() {
    let content = bytes(100_000);
    let (server, scene, request) = server_with(&content, None);
    fs::write(scene.path("cache").join(sha256(&content)), &content).unwrap();
    scene.run(&request).well();
    assert_eq!(scene.out()["file"], content);
    assert_eq!(server.take_answered(), []);
}

#[test]
fn several_builds_fetch_the_same_at_the_same_time() {
    let content = bytes(100_000);
    let (hub, scene, request) = hub_with(&[("weights", &content)]);
    // So that they meet; and the rest, when others are at their end.
    let slow = Fault::Slow(20_000, Duration::from_millis(100));
    hub.fault(&format!("/{}", sha256(&content)), slow, 4);
    thread::scope(|threads| {
        for build in 0..12 {
            let (scene, request, content) = (&scene, &request, &content);
            threads.spawn(move || {
                let out = format!("out-{build}");
                fs::create_dir(scene.path(&out)).unwrap();
                // As in containers, where every one of them is the process 1.
                let fetcher = scene.command(request, &out);
                Ended::of(&mut apart(&["--pid", "--fork"], &fetcher)).well();
                assert_eq!(fs::read(scene.path(&out).join("weights")).unwrap(), *content);
            });
        }
    });
    assert_eq!(scene.cache(), kept(&scene, &[&content]));
}

#[test]
fn the_same_file_goes_to_several_places() {
    let content = bytes(100_000);
    let files = ["a", "b", "c", "d/e"].map(|name| (name, &content[..]));
    let (_hub, scene, request) = hub_with(&files);
    scene.run(&request).well();
    assert_eq!(scene.out(), files.map(|(name, content)| (name.into(), content.to_vec())).into());
    assert_eq!(scene.cache(), kept(&scene, &[&content]));
}

#[test]
fn there_may_be_more_files_than_a_process_may_open() {
    let files: Vec<(String, Vec<u8>)> =
        (0..100).map(|n: u8| (format!("part-{n}"), vec![0, n])).collect();
    let named: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (&**name, &**content)).collect();
    let (_hub, scene, request) = hub_with(&named);
    let fetcher = scene.command(&request, "out");
    scene.clear();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -Sn 64; exec \"$@\"", "sh"]);
    limited.arg(fetcher.get_program()).args(fetcher.get_args()).env("NO_PROXY", "*");
    Ended::of(&mut limited).well();
    assert_eq!(scene.out(), files.into_iter().collect());
}
