//! What goes wrong on the way: what passes is waited out, what was sent is not sent again, and
//! nothing wrong is kept.

use std::time::{Duration, SystemTime};

use integration::digest::sha256;
use integration::fault::Fault;
use integration::file_server::Answered;
use integration::hub::Hub;
use serde_json::{Value, json};

use crate::scene::{Held, Scene, bytes, hub_with, list, of_hub, server_with};

/// Of the file, in bytes.
const SIZE: u32 = 300_000;

/// What was asked for and sent of a file.
type Sent = (u16, Option<String>, u64);

fn sent(answered: Vec<Answered>, path: &str) -> Vec<Sent> {
    let of_path = answered.into_iter().filter(|answered| answered.path == path);
    of_path.map(|answered| (answered.status, answered.range, answered.sent)).collect()
}

fn whole() -> Sent {
    (200, None, SIZE.into())
}

fn start(sent: u64) -> Sent {
    (200, None, sent)
}

fn rest(from: u64, sent: u64) -> Sent {
    (206, Some(format!("bytes={from}-")), sent)
}

/// A hub with a large file, and where that is.
fn hub() -> (Hub, Scene, Value, String) {
    let content = bytes(SIZE);
    let (hub, scene, request) = hub_with(&[("weights", &content)]);
    (hub, scene, request, format!("/{}", sha256(&content)))
}

fn weights() -> Held {
    Held::from([("weights".into(), bytes(SIZE))])
}

#[test]
fn what_passes_is_waited_out() {
    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(5));
    let (hub, scene, request, storage) = hub();
    let resolve = request["fetch"]["files"][0]["url"].as_str().unwrap();
    let resolve = &resolve[hub.endpoint().len()..];
    let asked = of_hub(&hub, "org/model");
    let info = "/api/models/org/model/revision/main";
    hub.fault(info, Fault::status(500), 1);
    hub.fault(info, Fault::limited("ratelimit", "\"api\";r=0;t=3"), 1);
    hub.fault(resolve, Fault::limited("retry-after", "1"), 1);
    hub.fault(resolve, Fault::status(520), 1);
    hub.fault(&storage, Fault::limited("retry-after", soon), 1);
    hub.fault(&storage, Fault::Slow(50_000, Duration::from_millis(10)), 1);

    let said = scene.run(&list(&asked, None)).well();
    let host = hub.endpoint().replace("http://", "");
    assert!(
        said.contains(&format!("{host} answered 500 to GET {info}; asking again in 1 s\n")),
        "{said}"
    );
    assert!(
        said.contains(&format!("{host} answered 429 to GET {info}; asking again in 3 s\n")),
        "{said}"
    );
    let said = scene.run(&request).well();
    assert!(
        said.contains(&format!("answered 429 to GET {resolve}; asking again in 1 s")),
        "{said}"
    );
    assert!(
        said.contains(&format!("answered 520 to GET {resolve}; asking again in 2 s")),
        "{said}"
    );
    assert!(
        said.contains(&format!("answered 429 to GET {storage}; asking again in 4 s")),
        "{said}"
    );
    assert_eq!(scene.out(), weights());
}

#[test]
fn a_wait_that_nobody_would_watch_is_told_instead() {
    let (hub, scene, request, storage) = hub();
    hub.fault(&storage, Fault::limited("retry-after", "3600"), 1);
    let said = scene.run(&request).badly();
    let told =
        format!(" answered 429 to GET {storage}, and to come back in 3600 s: build again then");
    assert!(said.ends_with(&told), "{said}");
    assert_eq!(scene.out(), Held::new());
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    for fault in [Fault::Cut(200_000), Fault::Short(200_000)] {
        let (hub, scene, request, storage) = hub();
        hub.fault(&storage, fault.clone(), 1);
        hub.fault(&storage, Fault::Cut(50_000), 1);
        scene.run(&request).well();
        assert_eq!(scene.out(), weights(), "{fault:?}");
        let expected = [start(200_000), rest(200_000, 50_000), rest(250_000, 50_000)];
        assert_eq!(sent(hub.take_answered(), &storage), expected, "{fault:?}");
    }
}

#[test]
fn a_file_of_the_repository_itself_goes_on_where_it_was() {
    // Text: git's id of it is what is known.
    let content = "0123456789".repeat(1000);
    let (hub, scene, request) = hub_with(&[("vocab.txt", content.as_bytes())]);
    let resolve = request["fetch"]["files"][0]["url"].as_str().unwrap();
    let resolve = &resolve[hub.endpoint().len()..];
    hub.fault(resolve, Fault::Cut(7_777), 1);
    scene.run(&request).well();
    assert_eq!(scene.out()["vocab.txt"], content.as_bytes());
    assert_eq!(sent(hub.take_answered(), resolve), [start(7_777), rest(7_777, 2_223)]);
}

#[test]
fn a_file_of_unknown_size_goes_on_where_it_was() {
    let content = bytes(SIZE);
    let (server, scene, request) = server_with(&content, None);
    server.fault("/file", Fault::Cut(200_000), 1);
    // What another answer says of the rest says nothing of the beginning.
    server.fault("/file", Fault::status(503), 1);
    scene.run(&request).well();
    assert_eq!(scene.out()["file"], content);
    let unavailable = (503, Some("bytes=200000-".into()), 0);
    let expected = [start(200_000), unavailable, rest(200_000, 100_000)];
    assert_eq!(sent(server.take_answered(), "/file"), expected);

    // It ended as if it were whole: that its bytes are wrong is all that tells.
    server.fault("/file", Fault::Short(200_000), 1);
    std::fs::remove_dir_all(scene.path("cache")).unwrap();
    std::fs::create_dir(scene.path("cache")).unwrap();
    scene.run(&request).well();
    assert_eq!(scene.out()["file"], content);
    assert_eq!(sent(server.take_answered(), "/file"), [start(200_000), whole()]);
}

#[test]
fn as_long_as_bytes_come_it_goes_on() {
    let (hub, scene, request, storage) = hub();
    // More often than it would ask in vain.
    hub.fault(&storage, Fault::Cut(30_000), 7);
    scene.run(&request).well();
    assert_eq!(scene.out(), weights());
    assert_eq!(sent(hub.take_answered(), &storage).len(), 8);
}

#[test]
fn a_connection_that_stalls_is_given_up() {
    let (hub, scene, request, storage) = hub();
    hub.fault(&storage, Fault::Stall(200_000), 1);
    let said = scene.run(&request).well();
    assert!(said.contains("timed out; asking again in 1 s"), "{said}");
    assert_eq!(scene.out(), weights());
    assert_eq!(sent(hub.take_answered(), &storage), [start(200_000), rest(200_000, 100_000)]);
}

#[test]
fn a_server_may_send_all_where_the_rest_was_asked_for() {
    let (hub, scene, request, storage) = hub();
    hub.fault(&storage, Fault::Cut(200_000), 1);
    hub.fault(&storage, Fault::Whole, 1);
    scene.run(&request).well();
    assert_eq!(scene.out(), weights());
    let again = (200, Some("bytes=200000-".into()), SIZE.into());
    assert_eq!(sent(hub.take_answered(), &storage), [start(200_000), again]);
}

#[test]
fn wrong_bytes_are_fetched_again_and_never_placed() {
    for fault in [Fault::Wrong, Fault::More] {
        let (hub, scene, request, storage) = hub();
        hub.fault(&storage, fault.clone(), 1);
        let said = scene.run(&request).well();
        assert!(said.contains("weights is not what it should be: its checksum is "), "{said}");
        assert!(said.contains("; fetching it again\n"), "{said}");
        assert_eq!(scene.out(), weights(), "{fault:?}");
        assert_eq!(sent(hub.take_answered(), &storage).len(), 2, "{fault:?}");

        hub.fault(&storage, fault.clone(), 3);
        std::fs::remove_dir_all(scene.path("cache")).unwrap();
        std::fs::create_dir(scene.path("cache")).unwrap();
        let said = scene.run(&request).badly();
        assert!(said.starts_with("weights is not what it should be: its checksum is "), "{said}");
        assert!(said.ends_with(&format!(", and {} is expected", &storage[1..])), "{said}");
        assert_eq!(scene.out(), Held::new(), "{fault:?}");
        assert_eq!(sent(hub.take_answered(), &storage).len(), 3, "{fault:?}");

        // What is left of it misleads no later build.
        scene.run(&request).well();
        assert_eq!(scene.out(), weights(), "{fault:?}");
        assert_eq!(sent(hub.take_answered(), &storage), [whole()], "{fault:?}");
    }
}

#[test]
fn a_file_of_unknown_size_that_was_wrong_is_fetched_again() {
    let content = bytes(SIZE);
    let (server, scene, request) = server_with(&content, None);
    server.fault("/file", Fault::Wrong, 3);
    scene.run(&request).badly();
    assert_eq!(scene.out(), Held::new());
    drop(server.take_answered());
    // It has all its bytes, and the server no more of them.
    scene.run(&request).well();
    assert_eq!(scene.out()["file"], content);
    let none = (416, Some(format!("bytes={SIZE}-")), 0);
    assert_eq!(sent(server.take_answered(), "/file"), [none, whole()]);
}

#[test]
fn a_file_that_is_shorter_than_was_said_is_not_asked_for_forever() {
    let (hub, scene, mut request, storage) = hub();
    let longer = bytes(SIZE + 1);
    let file = &mut request["fetch"]["files"][0];
    file["size"] = longer.len().into();
    file["checksum"] = json!({"sha256": sha256(&longer)});
    let said = scene.run(&request).badly();
    assert!(said.starts_with("weights is not what it should be"), "{said}");
    assert_eq!(scene.out(), Held::new());
    let none = (416, Some(format!("bytes={SIZE}-")), 0);
    let expected = [whole(), none.clone(), whole(), none.clone(), whole(), none];
    assert_eq!(sent(hub.take_answered(), &storage), expected);
}

#[test]
fn what_lasts_is_told_at_once() {
    let storage = format!("/{}", sha256(&bytes(SIZE)));
    let info = "/api/models/org/model/revision/main";
    let around = |path: &str| Fault::Status(302, vec![("location", path.into())]);
    for (path, fault, told) in [
        (&*storage, Fault::status(404), format!(" answered 404 to GET {storage}")),
        (&storage, Fault::status(501), format!(" answered 501 to GET {storage}")),
        (&storage, around(&storage), "too many redirects".into()),
        (info, Fault::status(400), format!(" answered 400 to GET {info}")),
        (info, Fault::status(204), " does not answer as a hub does".into()),
    ] {
        let (hub, scene, request, _) = hub();
        hub.fault(path, fault.clone(), 20);
        let listing = list(&of_hub(&hub, "org/model"), None);
        let said = scene.run(if path == info { &listing } else { &request }).badly();
        assert!(said.contains(&told), "{said}");
        assert!(!said.contains("times"), "{said}");
        assert_eq!(scene.out(), Held::new(), "{fault:?}");
    }
}
