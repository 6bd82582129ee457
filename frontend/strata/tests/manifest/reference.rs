//! The reference page knows every key, and says of it what the vocabulary says.

use std::collections::BTreeSet;

use strata::{
    manifest::schema::{MANIFEST, Object, Shape},
    plan::HEAVY,
};

/// A row of the page's tables for each key of `object`, and for the keys below it.
fn rows(object: &Object, within: &str, rows: &mut Vec<String>) {
    for key in object.keys() {
        let path = format!("{within}{}", key.name);
        let value = match &key.shape {
            Shape::Object(_) | Shape::Optional(_) => "keys".to_owned(),
            shape => shape.expected(),
        };
        rows.push(format!("| `{path}` | {value} | {} | {} |", key.shape.overlay(), key.doc));
        if let Shape::Object(below) | Shape::List(Shape::Object(below)) = &key.shape {
            self::rows(below, &format!("{path}."), rows);
        }
    }
}

#[test]
fn the_page_has_a_row_for_every_key() {
    let page = include_str!("../../../../docs/manifest.md");
    let mut expected = Vec::new();
    rows(&MANIFEST, "", &mut expected);
    let on_page =
        page.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 5);
    let mut on_page: Vec<_> = on_page.map(str::to_owned).collect();
    expected.sort_unstable();
    on_page.sort_unstable();
    assert_eq!(
        on_page.join("\n"),
        expected.join("\n"),
        "docs/manifest.md and the vocabulary differ"
    );
}

#[test]
fn the_page_names_what_is_heavy() {
    let page = include_str!("../../../../docs/manifest.md");
    let (_, section) = page.split_once("\n## Heavy packages\n\n").unwrap();
    let (paragraph, _) = section.split_once('\n').unwrap();
    // Before the list, the page says what a `*` is.
    let (_, list) = paragraph.split_once(": ").unwrap();
    let on_page: BTreeSet<_> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(on_page, BTreeSet::from(HEAVY), "docs/manifest.md and HEAVY differ");
}
