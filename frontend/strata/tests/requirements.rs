//! Requirements files: what is read, what is refused, and what means the same.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

use std::sync::Arc;

use llb::SourceFile;
use proptest::prelude::*;
use strata::{
    inputs::{Demand, Inputs},
    recipe::{self, Choices, InputPath},
    requirements::{IncludeKind, InstallSet, Requirement, RequirementsFile},
};

fn parse(text: &str) -> Result<RequirementsFile, String> {
    let file = SourceFile { name: "r.txt".into(), language: "Text".into(), data: text.into() };
    RequirementsFile::parse(&Arc::new(file)).map_err(|mistakes| mistakes.to_string())
}

fn canonical(text: &str) -> String {
    let mut set = InstallSet::default();
    set.add_file(IncludeKind::Requirements, &parse(text).unwrap());
    set.options_text() + &set.requirements_text()
}

/// The options of these two files and the manifest's, or what is wrong with them.
fn options(manifest: &str, files: [&str; 2]) -> String {
    let manifest = format!("base: python:3\npython:\n  requirements: [b.txt, a.txt]\n{manifest}");
    let (name, language) = ("strata.yaml".into(), "YAML".into());
    let file = Arc::new(SourceFile { name, language, data: manifest.into() });
    let recipe = recipe::read(file, &Choices::default()).unwrap();
    let mut inputs = Inputs::new(&recipe);
    for (name, text) in ["a.txt", "b.txt"].into_iter().zip(files) {
        inputs.supply(InputPath::Context(name.to_owned()), text.into());
    }
    match inputs.demand(&recipe) {
        Ok(demand) => demand.requirements.options_text(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn one_index_is_in_the_place_of_pypi() {
    let [one, other] = ["--index-url https://e.org/simple\n", "six\n-i https://f.org/simple\n"];
    assert_eq!(options("", [one, "six\n"]), one);
    assert_eq!(options("", [one, "--pre\n-i https://e.org/simple/\n"]), format!("{one}--pre\n"));
    assert_eq!(
        options("", [one, other]),
        "b.txt:2: `--index-url` is another one than on line 1 of a.txt\n  help: a build has one \
         index in PyPI's place: say which by `index_url` in the manifest, and name others by \
         `--extra-index-url`"
    );
    let chosen = options("  index_url: https://g.org/simple\n", [one, other]);
    assert_eq!(chosen, "--index-url https://g.org/simple\n");
}

#[test]
fn a_login_in_variables_is_a_secret_of_the_manifest() {
    let files = ["-i https://${USER}:${TOKEN}@e.org/simple\nsix", "six"];
    let known = options("  credentials: {e.org: secret:corp}\n", files);
    assert_eq!(known, "--index-url https://e.org/simple\n");
    assert_eq!(
        options("", files),
        "a.txt:1: the login at e.org is in variables, which a build does not see\n  help: name a \
         build secret with `user:password` or a token: `python: {credentials: {e.org: \
         secret:my_index}}`"
    );
}

#[test]
fn what_a_project_has_for_its_own_tool() {
    let told = |python: &str, uv: &str| {
        let text = format!("base: python:3\npython:\n  pyproject: pyproject.toml\n{python}");
        let (name, language) = ("strata.yaml".into(), "YAML".into());
        let file = Arc::new(SourceFile { name, language, data: text.into() });
        let recipe = recipe::read(file, &Choices::default()).unwrap();
        let mut inputs = Inputs::new(&recipe);
        let project = format!("[project]\ndependencies = [\"corp\"]\n{uv}");
        inputs.supply(InputPath::Context("pyproject.toml".to_owned()), project.into());
        match inputs.demand(&recipe) {
            Ok(Demand { requirements, .. }) => {
                let held = requirements.build_constraints_text();
                let held: String = held.lines().map(|it| format!("built with {it}\n")).collect();
                requirements.constraints_text() + &held + &requirements.build_options_text()
            }
            Err(mistakes) => mistakes.to_string(),
        }
    };
    let index = "[[tool.uv.index]]\nurl = \"https://e.org/simple\"\n";
    assert!(told("", index).starts_with("pyproject.toml:3: only uv reads `tool.uv.index`"));
    let own = "--index-url https://e.org/simple\n";
    assert_eq!(told("  index_url: https://e.org/simple\n", index), own);
    let built = told("", "[tool.uv]\nno-build = true\nno-binary-package = [\"Some_Lib\"]\n");
    assert_eq!(built, "--only-binary :all:\n--no-binary some-lib\n");
    assert_eq!(told("", "[tool.uv]\nconstraint-dependencies = [\"idna<3\"]\n"), "idna<3\n");
    let held = "[tool.uv]\nbuild-constraint-dependencies = [\"Cython[x]<4\"]\n";
    assert_eq!(told("", held), "built with cython<4\n");
    let both = told("  build_constraints: [setuptools==80.9.0, 'cython < 4']\n", held);
    assert_eq!(both, "built with cython<4\nbuilt with setuptools==80.9.0\n");
    // Of the manifest's, a release may be named by its hashes, too.
    let hash = format!("--hash=sha256:{}", "0".repeat(64));
    let hashed = told(&format!("  build_constraints: 'cython[x]==3 {hash}'\n"), "");
    assert_eq!(hashed, format!("built with cython==3 {hash}\n"));
    // All of it at once.
    let all = told(
        "  build_constraints: a b\n",
        &format!(
            "[tool.uv]\nconstraint-dependencies = [\"-x\"]\n\
             build-constraint-dependencies = [\"-y\"]\n{index}"
        ),
    );
    for said in ["strata.yaml:4: ", "tool.uv.index", "-x", "-y"] {
        assert!(all.contains(said), "{all}");
    }
}

#[test]
fn what_means_the_same_is_the_same_text() {
    for (text, expected) in [
        ("Django_REST.framework", "django-rest-framework\n"),
        ("requests [Security,socks,security] >= 2 , <3", "requests[security,socks]<3,>=2\n"),
        ("b\na\nB\n# c\n\n", "a\nb\n"),
        ("a (>=1,<2)", "a<2,>=1\n"),
        ("a>=1,", "a>=1\n"),
        ("a==01.0-RC_1", "a==1.0rc1\n"),
        ("a===Any_thing", "a===Any_thing\n"),
        ("a>=1,===x", "a===x ,>=1\n"),
        ("a @ https://e.org/a-1-py3-none-any.whl", "a @ https://e.org/a-1-py3-none-any.whl\n"),
        ("a@git+https://e.org/a.git@v1", "a @ git+https://e.org/a.git@v1\n"),
        ("https://e.org/a-1-py3-none-any.whl", "https://e.org/a-1-py3-none-any.whl\n"),
        ("git+https://e.org/a.git", "git+https://e.org/a.git\n"),
        ("a @ git+ssh://git@e.org/a.git@v1", "a @ git+https://e.org/a.git@v1\n"),
        ("a @ git+ssh://git@e.org:b/a.git", "a @ git+https://e.org/b/a.git\n"),
        ("-e git+ssh://git@e.org:22/a.git", "git+https://e.org/a.git\n"),
        ("-e git+https://e.org/a.git@v1#egg=a", "git+https://e.org/a.git@v1#egg=a\n"),
        ("--editable 'a @ git+https://e.org/a.git'", "a @ git+https://e.org/a.git\n"),
        ("a @ git+https://git@e.org/a.git", "a @ git+https://git@e.org/a.git\n"),
        ("a\n--pre\n-i https://e.org/simple/", "--index-url https://e.org/simple\n--pre\na\n"),
        ("-fhttps://e.org/links/", "--find-links https://e.org/links/\n"),
        (
            "--index-url=https://e.org/s\n--extra-index-url https://f.org/s\na",
            "--index-url https://e.org/s\n--extra-index-url https://f.org/s\na\n",
        ),
    ] {
        assert_eq!(canonical(text), expected, "{text:?}");
    }
}

#[test]
fn builds_have_no_hashes_to_require() {
    let mut set = InstallSet::default();
    let text = "--require-hashes\n--pre\n-i https://e.org/simple";
    set.add_file(IncludeKind::Requirements, &parse(text).unwrap());
    assert_eq!(set.build_options_text(), "--index-url https://e.org/simple\n--pre\n");
    assert!(set.options_text().contains("--require-hashes"));
}

#[test]
fn a_marker_keeps_its_meaning() {
    for (text, expected) in [
        ("a;", "a"),
        ("a ; python_version < '3.9'", "a; python_version < \"3.9\""),
        ("a; os.name=='nt'or sys.platform=='x'", "a; os_name == \"nt\" or sys_platform == \"x\""),
        (
            "a; (os_name=='b' or os_name=='a') and extra=='x' and extra=='x'",
            "a; extra == \"x\" and (os_name == \"a\" or os_name == \"b\")",
        ),
        ("a; ((os_name=='b'))", "a; os_name == \"b\""),
        ("a; 'a' == 'b'", "a; \"a\" == \"b\""),
        ("a; python_version not  in '3.9,3.10'", "a; python_version not in \"3.9,3.10\""),
        ("a; os_name == \"it's\"", "a; os_name == \"it's\""),
        ("a; os_name == 'say \"a\"'", "a; os_name == 'say \"a\"'"),
        ("a @ https://e.org/a.zip;os_name=='b'", "a @ https://e.org/a.zip ; os_name == \"b\""),
        ("https://e.org/a.zip ; os_name=='b'", "https://e.org/a.zip ; os_name == \"b\""),
    ] {
        assert_eq!(canonical(text), format!("{expected}\n"), "{text:?}");
    }
}

#[test]
fn formats_are_chosen_from_top_to_bottom() {
    for (text, expected) in [
        ("--no-binary=B_c,a", "--no-binary a\n--no-binary b-c\n"),
        ("--only-binary=:all:\n--no-binary=a", "--only-binary :all:\n--no-binary a\n"),
        ("--no-binary=a\n--only-binary=:all:", "--only-binary :all:\n"),
        ("--no-binary=a\n--only-binary=a", "--only-binary a\n"),
        ("--no-binary=a,:none:,b", "--no-binary b\n"),
        ("--no-binary=:all:,a", "--no-binary :all:\n"),
    ] {
        assert_eq!(canonical(text), expected, "{text:?}");
        assert_eq!(canonical(expected), expected, "{text:?}");
    }
}

#[test]
fn hashes_are_sorted() {
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let text = format!("x==1 \\\n  --hash=sha256:{b} \\\n  --hash sha256:{a}");
    assert_eq!(canonical(&text), format!("x==1 --hash=sha256:{a} --hash=sha256:{b}\n"));
}

#[test]
fn hashes_are_the_same_in_either_case() {
    let hash = "0123456789abcdef".repeat(4);
    let written = format!("x==1 --hash=sha256:{} --hash=sha256:{hash}", hash.to_uppercase());
    assert_eq!(canonical(&written), format!("x==1 --hash=sha256:{hash}\n"));
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
        "a>=1.0+local",
        "a~=1",
        "a[b",
        "a[b,]",
        "ä",
        "a-",
        "a ; nonsense < 1",
        "a; os.nme == 'x'",
        "a; os_name",
        "a; os_name == 'x",
        "a; (os_name == 'x'",
        "a; os_name == 'x' os_name == 'y'",
        "a @ https://",
        "a @ ssh://git@e.org/a.git",
        "https://e.org/a.whl",
        "a/b",
        "a --pre",
        "a -C cmake.args=-DGGML_CUDA=on",
        "a --config-settings=x=y",
        "a --hash=md5:abc",
        "a --hash=sha256:abc",
        "a --global-option=x",
        "a --hash",
        "--pree",
        "--index-url",
        "--find-links ./wheels",
        "--use-feature=fast-deps",
        "a==${VERSION}",
        "git+ssh://git:secret@e.org/a.git",
        "-i https://${HOST}/simple",
        "-i https://user:${TOKEN}@e.org/simple",
        "a @ https://${TOKEN}@e.org/a.zip",
        "git+https://git:secret@e.org/a.git",
        "-r https://e.org/r.txt",
        "a --hash='x",
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
    let version =
        prop_oneof!["==1\\.[0-9]{1,2}", ">=[1-9]", "", ">=1,<[2-9]", ">=1,===[a-z+]{1,5}"];
    let name = "[a-zA-Z][a-zA-Z0-9]{0,6}([._-][a-f]{1,3})?";
    let extras = prop_oneof![Just(String::new()), Just("[x,Y]".to_owned())];
    let marker = prop_oneof![
        Just(""),
        Just("; sys_platform == 'linux'"),
        Just(
            "; os_name == 'a' or (os_name != \"b\" and (extra == 'c' or 'd' in platform_machine))"
        ),
    ];
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
    fn no_text_is_too_strange(
        text in "\\PC{0,60}|[-a-z0-9 =@:/;\\\\\n#\"'\\[\\].,<>~!()+*]{0,60}|a; ?[(]{0,99}[a-z=' ]{0,20}",
    ) {
        if parse(&text).is_ok() {
            let text = canonical(&text);
            prop_assert_eq!(canonical(&text), text);
        }
    }
}
