use serde_json::Value;

use super::service::{Example, GET, HUB};
use crate::project::ran;

/// No network at all, and one worker, which is all that one question takes.
const ALONE: &str = "    network_mode: none\n    environment: {WEB_CONCURRENCY: 1}\n";

#[test]
fn books_are_found_by_what_they_are_about() {
    let example = Example::debian("semantic-search", &HUB);
    example.build();
    let service = example.compose(&["compose.yaml"], "backend", ALONE);
    service.up();
    let found = |query: &str| {
        let path = format!("5001/search?limit=1&q={query}");
        let answer = service.exec(&["python", "-c", GET, &path]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["books"][0]["title"].as_str().unwrap().to_owned()
    };
    // Of these words, none is in what the catalogue says.
    assert_eq!(found("a+hunt+at+sea"), "Moby-Dick");
    assert_eq!(found("detective+story"), "The Hound of the Baskervilles");

    example.edit("app/books.json", "Moby-Dick", "The Whale");
    let edited = example.rebuild();
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
    service.up();
    assert_eq!(found("a+hunt+at+sea"), "The Whale");
}
