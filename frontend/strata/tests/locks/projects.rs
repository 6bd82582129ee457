//! `pyproject.toml` without a lock.

use strata::lock::Pyproject;

use crate::{
    environments::{environments, selection, usual},
    reading::file,
};

fn required(text: &str, extras: &[&str], groups: &[&str]) -> String {
    let read = Pyproject::parse(&file("pyproject.toml", text))
        .and_then(|project| project.requirements(&selection(extras, groups)));
    match read {
        Ok(found) => found
            .into_iter()
            .map(|(requirement, at)| format!("{} {requirement}\n", at.lines.start))
            .collect(),
        Err(mistakes) => format!("{mistakes}\n"),
    }
}

const PROJECT: &str = "\
[project]
name = \"My_Shop\"
requires-python = \">=3.11\"
dependencies = [
    \"HTTPX[http2] >= 0.27\",
    \"click; python_version < '3.12'\",
]

[project.optional-dependencies]
Socks = [\"pysocks\"]
all = [\"my-shop[socks]; sys_platform == 'linux'\", \"mdurl\"]
loop = [\"my.shop[loop, all]\"]

[dependency-groups]
test = [\"pytest>=8\"]
dev = [{ include-group = \"Test\" }, \"six\"]
";

#[test]
fn what_a_project_asks_for() {
    let told: Vec<String> = [
        (&[][..], &[][..]),
        (&["socks"], &[]),
        (&["all"], &["dev"]),
        (&["loop"], &["test", "dev"]),
        (&["sock"], &["tests"]),
    ]
    .into_iter()
    .map(|(extras, groups)| {
        format!("# {extras:?} {groups:?}\n{}", required(PROJECT, extras, groups))
    })
    .collect();
    insta::assert_snapshot!(told.concat());
}

#[test]
fn groups_need_no_project() {
    let text = "[dependency-groups]\nrun = [\"six\"]\n";
    assert_eq!(required(text, &[], &["run"]), "2 six\n");
}

#[test]
fn what_is_refused() {
    let texts = [
        "project = 1",
        "[project]\ndependencies = \"six\"",
        "[build-system]\nrequires = []",
        "[project]\ndependencies = [\n  \"six\",\n  \"a b\",\n  \"c @ file:///c\",\n  \"d @ https://me:hunter2@e.org/d.zip\",\n]",
        "[project]\nname = \"a\"\ndependencies = [\"a[x]\"]",
        "[project]\nname = \"a\"\ndynamic = [\"version\", \"dependencies\"]",
        "[project]\ndynamic = [\"dependencies\"]\n[tool.setuptools.dynamic]\ndependencies = {file = [\"reqs.txt\"]}",
        "[project]\ndynamic = [\"dependencies\"]\n[tool.poetry.dependencies]\nsix = \"*\"",
        "[tool.poetry]\nname = \"a\"\n[tool.poetry.dependencies]\nsix = \"^1\"",
        "[project]\ndependencies = [\"torch\"]\n[tool.uv.sources]\ntorch = [{index = \"cpu\"}]",
        "[project]\ndependencies = [\"b\"]\n[tool.poetry.dependencies]\nb = {git = \"https://e.org/b\"}",
        "[dependency-groups]\nrun = [{include-group = \"run\"}, {include-group = \"x\"}, 1, {a = 1}]",
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            let groups: &[&str] = if text.contains("-groups") { &["run"] } else { &[] };
            required(text, &[], groups)
        })
        .collect();
    assert!(told.iter().all(|words| !words.contains("hunter2")), "credentials are not repeated");
    insta::assert_snapshot!(told.concat());
}

#[test]
fn a_python_that_the_project_is_not_for() {
    let project = Pyproject::parse(&file("pyproject.toml", PROJECT)).unwrap();
    assert_eq!(project.check_python(&usual()), Ok(()));
    let told = project.check_python(&environments()[3]).unwrap_err();
    insta::assert_snapshot!(told.to_string());
}

#[test]
fn what_only_the_projects_own_tool_reads() {
    let told = |tables: &str, names_indexes| {
        let text = format!("[project]\ndependencies = [\"corp-utils\"]\n{tables}\n");
        let project = Pyproject::parse(&file("pyproject.toml", &text)).unwrap();
        match project.check_tools(names_indexes) {
            Ok(()) => "fine".to_owned(),
            Err(mistakes) => mistakes.to_string(),
        }
    };
    let corp = "url = \"https://pypi.corp/simple\"";
    let indexes = [
        format!("[[tool.uv.index]]\n{corp}\ndefault = true"),
        format!("[tool.uv]\nindex = [{{ {corp} }}]"),
        "[tool.uv]\nextra-index-url = [\"https://pypi.corp/simple\"]".to_owned(),
        format!("[[tool.poetry.source]]\nname = \"corp\"\n{corp}"),
        format!("[[tool.pdm.source]]\nname = \"corp\"\n{corp}"),
    ];
    let overrides = [
        "[tool.uv]\noverride-dependencies = [\"idna<3\"]",
        "[tool.pdm.resolution.overrides]\nidna = \"2\"",
    ];
    let all = indexes.iter().map(String::as_str).chain(overrides);
    let all: Vec<String> = all.map(|tables| told(tables, false)).collect();
    insta::assert_snapshot!(all.join("\n"));
    for tables in &indexes {
        assert_eq!(told(tables, true), "fine", "{tables}");
    }
    for tables in [
        format!("[[tool.uv.index]]\n{corp}\nexplicit = true"),
        format!("[[tool.poetry.source]]\n{corp}\npriority = \"explicit\""),
        "[[tool.poetry.source]]\nname = \"PyPI\"\npriority = \"primary\"".to_owned(),
        "[[tool.pdm.source]]\nurl = \"https://pypi.org/simple/\"".to_owned(),
        "[tool.uv]\noverride-dependencies = []".to_owned(),
    ] {
        assert_eq!(told(&tables, false), "fine", "{tables}");
    }
}

#[test]
fn what_uv_builds_is_built() {
    let text = "[tool.uv]\nno-binary-package = [\"lxml\", \"xmlsec\"]\nno-build = true\n";
    let project = Pyproject::parse(&file("pyproject.toml", text)).unwrap();
    assert_eq!(
        project.formats(),
        [("--only-binary", ":all:"), ("--no-binary", "lxml"), ("--no-binary", "xmlsec")]
    );
}

#[test]
fn constraints_of_uv_hold() {
    let text = "[tool.uv]\nconstraint-dependencies = [\"IDNA[x] < 3\", \"six\"]\n";
    let project = Pyproject::parse(&file("pyproject.toml", text)).unwrap();
    let constraints = project.constraints().unwrap();
    let texts: Vec<String> = constraints.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["idna<3", "six"]);
    // uv takes no options in it.
    let hash = format!("--hash=sha256:{}", "0".repeat(64));
    let wrong = format!("[tool.uv]\nconstraint-dependencies = [\"a b\", 1, \"six==1 {hash}\"]\n");
    let told = Pyproject::parse(&file("pyproject.toml", &wrong)).unwrap().constraints();
    let told = told.unwrap_err();
    assert_eq!(told.0.len(), 3);
    assert!(told.to_string().contains(&format!("`{hash}` is too much")), "{told}");
}
