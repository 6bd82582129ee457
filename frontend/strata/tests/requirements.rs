//! Requirements files: what is read, what is refused, and what means the same.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::sync::Arc;

use llb::SourceFile;
use proptest::prelude::*;
use strata::requirements::{IncludeKind, InstallSet, Requirement, RequirementsFile};

fn parse(text: &str) -> Result<RequirementsFile, String> {
    let file = SourceFile { name: "r.txt".into(), language: "Text".into(), data: text.into() };
    RequirementsFile::parse(&Arc::new(file)).map_err(|mistakes| mistakes.to_string())
}

fn canonical(text: &str) -> String {
    let mut set = InstallSet::default();
    set.add_file(IncludeKind::Requirements, &parse(text).unwrap());
    set.requirements_text()
}

#[test]
fn what_means_the_same_is_the_same_text() {
    for (text, expected) in [
        ("Django_REST.framework", "django-rest-framework\n"),
        ("requests [Security,socks,security] >= 2 , <3", "requests[security,socks]>=2,<3\n"),
        ("b\na\nB\n# c\n\n", "a\nb\n"),
        ("a ; python_version < '3.9'", "a ; python_full_version < '3.9'\n"),
        ("a @ https://e.org/a-1-py3-none-any.whl", "a @ https://e.org/a-1-py3-none-any.whl\n"),
        ("a @ git+https://e.org/a.git@v1", "a @ git+https://e.org/a.git@v1\n"),
        ("https://e.org/a-1-py3-none-any.whl", "https://e.org/a-1-py3-none-any.whl\n"),
        ("a\n--pre\n-i https://e.org/simple", "--index-url https://e.org/simple\n--pre\na\n"),
        (
            "--index-url=https://e.org/s\n--extra-index-url https://f.org/s\na",
            "--index-url https://e.org/s\n--extra-index-url https://f.org/s\na\n",
        ),
        ("--no-binary=B,a\na", "--no-binary a\n--no-binary b\na\n"),
        (
            "a --config-settings=\"--build-option=x y\"",
            "a --config-settings='--build-option=x y'\n",
        ),
    ] {
        assert_eq!(canonical(text), expected, "{text:?}");
    }
}

#[test]
fn hashes_are_sorted() {
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let text = format!("x==1 \\\n  --hash=sha256:{b} \\\n  --hash sha256:{a}");
    assert_eq!(canonical(&text), format!("x==1 --hash=sha256:{a} --hash=sha256:{b}\n"));
}

#[test]
fn other_files_are_named() {
    let read =
        parse("-r base.txt\n-cpins.txt\n--requirement=more/dev.txt\n--constraint x.txt").unwrap();
    let includes: Vec<_> = read.includes.iter().map(|i| (i.kind, i.path.as_str())).collect();
    let (requirements, constraints) = (IncludeKind::Requirements, IncludeKind::Constraints);
    assert_eq!(
        includes,
        [
            (requirements, "base.txt"),
            (constraints, "pins.txt"),
            (requirements, "more/dev.txt"),
            (constraints, "x.txt"),
        ]
    );
}

#[test]
fn what_is_refused() {
    let refused = [
        "-e .",
        "--editable=./pkg",
        "./pkg",
        "/abs/pkg",
        "file:///pkg",
        "pkg-1.0.tar.gz",
        "a @ file:///pkg",
        "a==",
        "a=1",
        "a>=1 <2",
        "two words",
        "a ; nonsense < 1",
        "a --hash=md5:abc",
        "a --hash=sha256:abc",
        "a --global-option=x",
        "a --hash",
        "--pree",
        "--index-url",
        "--find-links ./wheels",
        "--use-feature=fast-deps",
        "a==${VERSION}",
        "-r https://e.org/r.txt",
        "a --config-settings='x",
        "--index-url https://user:secret@e.org/simple",
        "--index-url https://secret@e.org/simple",
        "a @ git+https://secret@e.org/a.git",
        "https://user:secret@e.org/a-1-py3-none-any.whl",
    ];
    let told: Vec<String> =
        refused.iter().map(|text| parse(text).map(|_| ()).unwrap_err()).collect();
    assert!(told.iter().all(|words| !words.contains("secret@")), "credentials are not repeated");
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn all_mistakes_are_told_with_their_lines() {
    let told = parse("good\n-e .\n\nbad==\nfine>=1\n./path").unwrap_err();
    let lines: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("r.txt:"))
        .map(|line| &line[..1])
        .collect();
    assert_eq!(lines, ["2", "4", "6"]);
}

#[test]
fn a_name_in_few_words() {
    let set = |count: usize| {
        let mut set = InstallSet::default();
        (0..count).for_each(|n| set.add(Requirement::parse(&format!("p{n}>=1")).unwrap()));
        set.to_string()
    };
    assert_eq!(set(2), "p0, p1");
    assert_eq!(set(6), "6 requirements");
}

fn line() -> impl Strategy<Value = String> {
    let version = prop_oneof!["==1\\.[0-9]{1,2}", ">=[1-9]", "", ">=1,<[2-9]"];
    let name = "[a-zA-Z][a-zA-Z0-9]{0,6}([._-][a-f]{1,3})?";
    let extras = prop_oneof![Just(String::new()), Just("[x,Y]".to_owned())];
    let marker = prop_oneof![Just(""), Just("; sys_platform == 'linux'")];
    (name, extras, version, marker)
        .prop_map(|(name, extras, version, marker)| format!("{name}{extras}{version}{marker}"))
}

proptest! {
    #[test]
    fn order_comments_and_spacing_are_nothing(
        (lines, shuffled) in prop::collection::vec(line(), 0..8)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let plain = lines.join("\n");
        let dressed: String =
            shuffled.iter().map(|line| format!("  {line}  # because\n\n# more\n")).collect();
        prop_assert_eq!(canonical(&plain), canonical(&dressed));
    }

    #[test]
    fn canonical_text_is_its_own(lines in prop::collection::vec(line(), 0..8)) {
        let text = canonical(&lines.join("\n"));
        prop_assert_eq!(canonical(&text), text);
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,60}|[-a-z =@:/;\\\\\n#\"'\\[\\].<>]{0,60}") {
        let _ = parse(&text);
    }
}
