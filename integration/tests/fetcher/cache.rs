//! What an attempt leaves to the next one, and several attempts at once.

use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use integration::digest::sha256;
use integration::fault::Fault;
use integration::hub::{Hub, Repo};
use serde_json::{Value, json};

use crate::scene::{
    Ended, Held, LOCALHOST, Scene, apart, bytes, fetch, hub_with, of_hub, server_with,
};

/// What the cache holds of this file after all went well.
fn kept(content: &[u8]) -> Held {
    Held::from([(sha256(content), content.to_vec())])
}

#[test]
fn another_revision_fetches_only_what_changed() {
    let repo =
        |readme: &str| [("README.md", readme.as_bytes().to_vec()), ("weights", bytes(100_000))];
    let hub = Hub::serve(LOCALHOST, [Repo::new("org/model", repo("one"))]).unwrap();
    let scene = Scene::new();
    let mut asked = of_hub(&hub, "org/model");
    let mut fetched = |to: Option<&str>| {
        asked.to = to.map(str::to_owned);
        scene.run(&fetch(&scene, &asked, None)).well();
        let answered = hub.take_answered().into_iter().filter(|it| !it.path.contains("/api/"));
        (answered.map(|it| it.sent).sum::<u64>(), scene.out())
    };
    assert!(fetched(None).0 > 100_000);
    hub.update("org/model", |repo_there| repo_there.commit(repo("another"))).unwrap();
    assert_eq!(fetched(None).0, "another".len() as u64);
    let (sent, out) = fetched(Some("/elsewhere/"));
    assert_eq!((sent, &out["elsewhere/weights"]), (0, &bytes(100_000)));
}

#[test]
fn what_was_summed_is_not_fetched_again() {
    let content = bytes(100_000);
    let (server, scene, request) = server_with(&content, None);
    let url = format!("{}/file", server.url());
    let origin = json!({"kind": "file", "name": url, "endpoint": url});
    let sum = json!({"sum": {"origin": origin, "name": url, "url": url, "to": "/sum.json"}});
    scene.run(&sum).well();
    let told: Value = serde_json::from_slice(&scene.out()["sum.json"]).unwrap();
    assert_eq!(told, json!({"sha256": sha256(&content), "size": content.len()}));
    assert_eq!(scene.cache(), kept(&content));
    drop(server.take_answered());
    scene.run(&request).well();
    assert_eq!(scene.out()["file"], content);
    assert_eq!(server.take_answered(), []);
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
    assert_eq!(scene.cache(), kept(&content));
}

#[test]
fn the_same_file_goes_to_several_places() {
    let content = bytes(100_000);
    let files = ["a", "b", "c", "d/e"].map(|name| (name, &content[..]));
    let (_hub, scene, request) = hub_with(&files);
    scene.run(&request).well();
    assert_eq!(scene.out(), files.map(|(name, content)| (name.into(), content.to_vec())).into());
    assert_eq!(scene.cache(), kept(&content));
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
