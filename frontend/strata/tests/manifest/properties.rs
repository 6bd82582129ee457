//! What holds of any manifest.

use std::fmt::Write as _;

use proptest::prelude::*;
use strata::recipe::Recipe;

use crate::read;

/// A manifest that uses most of the vocabulary, as a tree whose keys can change places.
enum Yaml {
    Text(&'static str),
    List(&'static [Self]),
    Map(&'static [(&'static str, Self)]),
}

use Yaml::{List, Map, Text};

const MANIFEST: Yaml = Map(&[
    ("args", Map(&[("GREETING", Text("hello")), ("PORT", Text("'8000'"))])),
    ("base", Text("python:3.12-slim")),
    (
        "system",
        Map(&[("runtime", List(&[Text("curl"), Text("libgomp1")])), ("build", Text("g++"))]),
    ),
    (
        "python",
        Map(&[
            ("requirements", List(&[Text("requirements.txt"), Text("code:r.txt")])),
            ("packages", List(&[Text("numpy"), Text("\"torch==2.9.1 # not a comment\"")])),
            ("index_url", Text("https://pypi.example.org/simple")),
            ("env", Map(&[("CMAKE_ARGS", Text("-DGGML_CUDA=on")), ("A", Text("b"))])),
        ]),
    ),
    (
        "models",
        List(&[
            Map(&[("hf", Text("org/a")), ("revision", Text("v1")), ("token", Text("secret:t"))]),
            Text("org/b"),
            Map(&[("to", Text("/m")), ("files", List(&[Text("'*.json'")])), ("hf", Text("org/c"))]),
        ]),
    ),
    ("code", Map(&[("git", Text("git@h:o/r.git")), ("ref", Text("v1")), ("to", Text("/srv"))])),
    ("env", Map(&[("X", Text("${GREETING}")), ("Y", Text("3.10"))])),
    ("user", Text("app")),
    ("cmd", List(&[Text("python"), Text("main.py")])),
    ("ports", List(&[Text("${PORT}")])),
    (
        "healthcheck",
        Map(&[
            ("test", Text("curl localhost")),
            ("interval", Text("1m30s")),
            ("retries", Text("3")),
        ]),
    ),
    ("dev", Map(&[("cmd", Text("sleep 1")), ("python", Map(&[("packages", Text("watchfiles"))]))])),
    (
        "variants",
        Map(&[
            ("nvidia", Map(&[("base", Text("cuda:12")), ("env", Map(&[("X", Text("!reset"))]))])),
            ("generic", Map(&[("user", Text("root"))])),
        ]),
    ),
]);

/// Endless numbers to decide by, out of a few.
struct Whims<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl Whims<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }
}

/// Writes `yaml` in block style, keys in an order of `whims` and comments where they want them.
fn write(yaml: &Yaml, indent: usize, whims: &mut Whims<'_>, out: &mut String) {
    let pad = " ".repeat(indent);
    match yaml {
        Text(text) => out.push_str(text),
        List(items) => {
            for item in *items {
                comment(indent, whims, out);
                write!(out, "\n{pad}- ").unwrap();
                let mut inner = String::new();
                write(item, indent + 2, whims, &mut inner);
                out.push_str(inner.trim_start());
            }
        }
        Map(entries) => {
            let mut entries: Vec<_> = entries.iter().map(|entry| (whims.next(), entry)).collect();
            entries.sort_by_key(|(whim, _)| *whim);
            for (index, (_, (key, value))) in entries.into_iter().enumerate() {
                // A comment must not come between a dash and what it begins.
                if index > 0 {
                    comment(indent, whims, out);
                }
                write!(out, "\n{pad}{key}: ").unwrap();
                write(value, indent + 2, whims, out);
            }
        }
    }
}

fn comment(indent: usize, whims: &mut Whims<'_>, out: &mut String) {
    match whims.next() % 6 {
        0 => out.push_str("  # why: [not"),
        1 => write!(out, "\n{}# key: value", " ".repeat(indent)).unwrap(),
        2 => out.push_str("\n\n"),
        _ => {}
    }
}

fn written(whims: &[u8]) -> String {
    let mut out = String::new();
    write(&MANIFEST, 0, &mut Whims(whims.iter().cycle()), &mut out);
    out
}

/// What a recipe says, without where it is written.
fn said(manifest: &str, choices: &[&str]) -> String {
    let recipe = read(manifest, choices);
    let recipe = recipe.unwrap_or_else(|mistakes| panic!("{mistakes}\n{manifest}"));
    let Recipe { file: _, target, variant, base, system, python, models, .. } = &recipe;
    let Recipe { hf_home, models_are_volume, code, image, .. } = &recipe;
    let debug = format!(
        "{target:?} {variant} {base:?} {system:?} {python:?} {models:?} {hf_home} \
         {models_are_volume} {code:?} {image:?}"
    );
    let mut parts = debug.split("Lines {");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// All of what a reader does with a manifest, of which nothing may panic.
fn read_and_tell(manifest: &str) {
    for choices in [&[][..], &["VARIANT=nvidia", "target=dev", "CODE_VERSION=v1"]] {
        let Err(mistakes) = read(manifest, choices) else { continue };
        assert!(!mistakes.0.is_empty());
        assert!(!mistakes.to_string().is_empty());
        assert!(!mistakes.render(true).is_empty());
        let last = manifest.split('\n').count();
        for location in mistakes.0.iter().filter_map(|mistake| mistake.location.as_ref()) {
            let (start, end) = (location.lines.start, location.lines.end);
            assert!(1 <= start && start <= end && end as usize <= last, "{start}-{end} of {last}");
        }
    }
}

proptest! {
    #[test]
    fn order_and_comments_change_nothing(whims in prop::collection::vec(any::<u8>(), 1..200)) {
        let (plain, shuffled) = (written(&[5]), written(&whims));
        for choices in [&[][..], &["VARIANT=nvidia", "target=dev"], &["VARIANT=generic"]] {
            prop_assert_eq!(said(&plain, choices), said(&shuffled, choices), "{}", shuffled);
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        read_and_tell(&text);
    }

    #[test]
    fn any_yaml_is_read_without_panic(parts in prop::collection::vec(part(), 0..40)) {
        read_and_tell(&parts.concat());
    }

    #[test]
    fn a_manifest_with_slips_is_read_without_panic(
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, part()), 1..6),
    ) {
        let mut manifest = written(&[5]);
        for (place, length, part) in slips {
            let mut characters: Vec<char> = manifest.chars().collect();
            let start = place.index(characters.len() + 1);
            let end = (start + length).min(characters.len());
            characters.splice(start..end, part.chars());
            manifest = characters.into_iter().collect();
        }
        read_and_tell(&manifest);
    }
}

/// Pieces of which manifests, right and wrong, are made.
fn part() -> impl Strategy<Value = String> {
    let pieces = [
        "base: b\n",
        "env:\n",
        "  ",
        "- ",
        "? ",
        ": ",
        "\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "<<: *a",
        "!reset",
        "!override ",
        "!!str ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "# ",
        "---\n",
        "...\n",
        "~",
        "null",
        "${",
        "${GREETING}",
        "${A:-b}",
        "$${",
        "}",
        "models:",
        "hf: a/b",
        "to: /m",
        "code: .",
        "git: ",
        "https://u:p@h/r#x:y?z",
        "cmd: a b\n",
        "ports: 1-65535\n",
        "ports: 9-1",
        "healthcheck:",
        "interval: 1h99999999999999s",
        "user: 1:2:3",
        "variants: {nvidia: {dev: {env: {A: 1}}}}\n",
        "dev: !reset\n",
        "args: [CODE_VERSION]\n",
        "\t",
        "\r\n",
        "\u{feff}",
        "é",
        "\u{0}",
        "\u{85}",
    ];
    prop_oneof![
        8 => prop::sample::select(pieces.map(str::to_owned).to_vec()),
        1 => any::<String>(),
        1 => "[ -~]{0,8}",
    ]
}
