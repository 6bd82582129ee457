//! The locks of poetry, pdm and pipenv: out of date, or with what a build cannot have.

use std::fmt::Write as _;

use strata::{
    inputs::Inputs,
    recipe::{self, Choices, InputPath},
};

use crate::{
    environments::{environments, selection},
    reading::{file, read},
};

/// A lock, what it was made from, and the environment that it is read for.
struct Fixture {
    lock: (&'static str, &'static str),
    project: (&'static str, &'static str),
    environment: usize,
}

const POETRY: Fixture = Fixture {
    lock: ("poetry.lock", include_str!("fixtures/poetry/poetry.lock")),
    project: ("pyproject.toml", include_str!("fixtures/poetry/pyproject.toml")),
    environment: 0,
};
const POETRY_1: Fixture = Fixture {
    lock: ("poetry.lock", include_str!("fixtures/poetry-1/poetry.lock")),
    project: ("pyproject.toml", include_str!("fixtures/poetry-1/pyproject.toml")),
    environment: 0,
};
const POETRY_STANDARD: Fixture = Fixture {
    lock: ("poetry.lock", include_str!("fixtures/poetry-standard/poetry.lock")),
    project: ("pyproject.toml", include_str!("fixtures/poetry-standard/pyproject.toml")),
    environment: 0,
};
const PDM: Fixture = Fixture {
    lock: ("pdm.lock", include_str!("fixtures/pdm/pdm.lock")),
    project: ("pyproject.toml", include_str!("fixtures/pdm/pyproject.toml")),
    environment: 0,
};
const PIPENV: Fixture = Fixture {
    lock: ("Pipfile.lock", include_str!("fixtures/pipenv/Pipfile.lock")),
    project: ("Pipfile", include_str!("fixtures/pipenv/Pipfile")),
    environment: 5,
};

fn replaced(text: &str, (from, to): (&str, &str)) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

impl Fixture {
    /// What is said when some text is replaced in the project or in the lock.
    fn told(&self, lock: (&str, &str), project: (&str, &str)) -> String {
        let (extras, groups): (&[&str], &[&str]) = match self.lock.0 {
            "Pipfile.lock" => (&[], &["dev"]),
            _ => (&["all"], &["test"]),
        };
        let lock = file(self.lock.0, &replaced(self.lock.1, lock));
        let project = file(self.project.0, &replaced(self.project.1, project));
        let environment = &environments()[self.environment];
        match read(&lock, Some(&project), &selection(extras, groups), environment) {
            Ok(_) => "fine".to_owned(),
            Err(mistakes) => mistakes.to_string(),
        }
    }
}

#[test]
fn a_lock_that_is_out_of_date() {
    let mut all = String::new();
    for (fixture, edit, expected) in [
        (&POETRY, ("docopt = \"0.6.2\"", "docopt = \"0.6.1\""), false),
        (&POETRY, ("pyflakes = \">=3\"", "pyflakes = \">=4\""), false),
        (&POETRY, ("version = \"1\"", "version = \"2\""), true),
        (&POETRY, ("[build-system]", "# a comment\n[build-system]"), true),
        (&POETRY_1, ("docopt = \"0.6.2\"", "docopt = \"0.6.1\""), false),
        (&POETRY_STANDARD, ("\"six\"", "\"six>=1\""), false),
        (&POETRY_STANDARD, ("\"tornado\",", "\"tornado\", \"rich\","), false),
        (&PDM, ("docopt==0.6.2", "docopt==0.6.1"), false),
        (&PDM, ("[\"pysocks\"]", "[\"pysocks\", \"six\"]"), false),
        (&PDM, ("\"six\"]", "\"six>1\"]"), false),
        (&PDM, ("name = \"shop\"", "name = \"shop\"\ndescription = \"x\""), true),
        (&PIPENV, ("docopt = \"==0.6.2\"", "docopt = \"==0.6.1\""), false),
        (&PIPENV, ("mdurl = \"*\"", "mdurl = \">0\""), false),
        (&PIPENV, ("Six = \"*\"", "six = \"*\" # the same"), true),
    ] {
        let told = fixture.told(("", ""), edit);
        assert_eq!(told == "fine", expected, "{edit:?} {told}");
        if !expected {
            writeln!(all, "{told}").unwrap();
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_a_build_cannot_have() {
    let git = "https://git.example.org";
    let mut all = String::new();
    for (fixture, edit) in [
        (&POETRY, ("lock-version = \"2.1\"", "lock-version = \"3.0\"")),
        (&POETRY, ("python-versions = \">=3.10,<4\"", "python-versions = \"^2.7\"")),
        (&POETRY, (git, "https://hunter2@git.example.org")),
        (&POETRY, ("type = \"url\"", "type = \"file\"")),
        (&POETRY, ("https://pypi.org/simple", "https://me:hunter2@pypi.org/simple")),
        (&POETRY, ("python_version < \\\"3.12\\\" and extra", "python_version ! 1 and extra")),
        (&POETRY_1, ("name = \"h2\"", "name = \"h3\"")),
        (&POETRY_1, ("hyperframe = \">=6.1,<7\"", "hyperframe = \">=7\"")),
        (&POETRY_1, ("hyperframe = \">=6.1,<7\"", "hyperframe = 7")),
        (&PDM, ("lock_version = \"4.5.1\"", "lock_version = \"5.0\"")),
        (&PDM, ("strategy = [\"inherit_metadata\"]", "strategy = []")),
        (
            &PDM,
            (
                "requires_python = \">=3.10\"\n\n[[package]]",
                "platform = \"windows_amd64\"\n[[package]]",
            ),
        ),
        (&PDM, ("git = \"https://git.example.org/greeter.git\"", "path = \"./greeter-1.tar.gz\"")),
        (&PDM, ("sha256:", "md5:")),
        (&PIPENV, ("\"python_version\": \"3.11\"", "\"python_version\": \"3.9\"")),
        (&PIPENV, ("sys_platform == 'win32'", "sys_platform == 'linux'")),
        (&PIPENV, ("\"version\": \"==4.16.0\"", "\"path\": \"./anyio-4-py3-none-any.whl\"")),
        (&PIPENV, ("sys_platform == 'win32'", "sys_platform is 'win32'")),
        (&PIPENV, ("\"default\": {", "\"default\": [")),
    ] {
        let told = fixture.told(edit, ("", ""));
        let told: Vec<&str> = told.lines().take(4).collect();
        writeln!(all, "{}", told.join("\n")).unwrap();
    }
    assert!(!all.contains("hunter2"), "credentials are not repeated");
    insta::assert_snapshot!(all);
}

#[test]
fn names_that_the_locks_do_not_have() {
    let mut all = String::new();
    for (fixture, extras, groups) in [
        (&POETRY, &["sock"][..], &["doc"][..]),
        (&POETRY_1, &["sock"], &["doc"]),
        (&PDM, &["sock"], &["tests"]),
        (&PIPENV, &["socks"], &["doc"]),
    ] {
        let lock = file(fixture.lock.0, fixture.lock.1);
        let project = file(fixture.project.0, fixture.project.1);
        let environment = &environments()[fixture.environment];
        let told = read(&lock, Some(&project), &selection(extras, groups), environment);
        writeln!(all, "{}", told.unwrap_err()).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn an_older_poetry_lock_needs_its_project() {
    let lock = file(POETRY_1.lock.0, POETRY_1.lock.1);
    let told = read(&lock, None, &selection(&[], &[]), &environments()[0]).unwrap_err();
    insta::assert_snapshot!(told.to_string());
}

/// What an older poetry.lock of these packages and this project comes to.
fn of_older_poetry(packages: &[(&str, &str, &str)], dependencies: &str) -> Vec<String> {
    let package = |(name, version, rest): &(&str, &str, &str)| {
        let hash = "a".repeat(64);
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             files = [{{file = \"{name}-{version}.tar.gz\", hash = \"sha256:{hash}\"}}]\n{rest}\n"
        )
    };
    let lock = packages.iter().map(package).collect::<String>()
        + "[metadata]\nlock-version = \"2.0\"\npython-versions = \">=3.9\"\n";
    let project = format!("[tool.poetry.dependencies]\n{dependencies}\n");
    let (lock, project) = (file("poetry.lock", &lock), file("pyproject.toml", &project));
    let read = read(&lock, Some(&project), &selection(&[], &[]), &environments()[0]);
    let pins = read.unwrap_or_else(|mistakes| panic!("{mistakes}")).unlocated();
    let (pins, hashes): (Vec<_>, Vec<_>) =
        pins.iter().map(|pin| pin.split_once(" --hash=sha256:").unwrap()).unzip();
    assert!(hashes.iter().all(|hash| hash.len() == 64), "{hashes:?}");
    pins.into_iter().map(str::to_owned).collect()
}

#[test]
fn one_of_several_versions_in_an_older_poetry_lock() {
    let numpy = [("numpy", "1.26.4", ""), ("numpy", "2.1.0", "")];
    let pandas = ("pandas", "2.2.3", "[package.dependencies]\nnumpy = \">=1.26.0\"");
    let stated = "numpy = [{version = \"^1.26\", python = \"<3.10\"}, \
                  {version = \"^2.1\", python = \">=3.10\"}]\npandas = \"^2.2\"";
    let lock = of_older_poetry(&[&numpy[..], &[pandas]].concat(), stated);
    assert_eq!(lock, ["numpy==2.1.0", "pandas==2.2.3"]);
    // What is asked for first may be the least of it.
    let beta = "[package.dependencies]\nnumpy = [{version = \">=1.22,<2\", markers = \
                \"python_version < '3.12'\"}, {version = \">=1.26,<2\", markers = \
                \"python_version >= '3.12'\"}]";
    let packages = [
        ("alpha", "1", "[package.dependencies]\nnumpy = \">=1.20\""),
        ("beta", "1", beta),
        ("numpy", "1.24.4", ""),
        ("numpy", "1.26.4", ""),
        ("numpy", "2.1.0", ""),
        ("numpy", "1.27.0", "python-versions = \"<3.12\""),
    ];
    let lock = of_older_poetry(&packages, "alpha = \"*\"\nbeta = \"*\"");
    assert_eq!(lock, ["alpha==1", "beta==1", "numpy==1.26.4"]);
}

#[test]
fn of_extras_that_exclude_each_other_one_version() {
    let torch = |version: &str, source: &str| {
        let hash = "a".repeat(64);
        let source = match source {
            "" => String::new(),
            name => format!(
                "[package.source]\ntype = \"legacy\"\nurl = \"https://e.org/{name}\"\nreference = \
                 \"{name}\"\n"
            ),
        };
        format!(
            "[[package]]\nname = \"torch\"\nversion = \"{version}\"\ngroups = [\"main\"]\nfiles = \
             [{{file = \"torch-{version}.tar.gz\", hash = \"sha256:{hash}\"}}]\n{source}"
        )
    };
    let lock = torch("2.7.1", "")
        + &torch("2.7.1+cpu", "of-cpu")
        + &torch("2.7.1+cu126", "of-cuda")
        + "[extras]\ncpu = [\"torch\"]\ncuda = [\"torch\"]\nplain = []\n[metadata]\n\
           lock-version = \"2.1\"\npython-versions = \">=3.9\"\n";
    let project = "[tool.poetry.dependencies]\ntorch = [\
                   {markers = \"extra == 'cpu' and extra != 'cuda'\", source = \"of-cpu\"}, \
                   {markers = \"extra == 'cuda' and extra != 'cpu'\", source = \"of-cuda\"}, \
                   {markers = \"extra == 'plain'\", source = \"PyPI\"}]\n";
    let (lock, project) = (file("poetry.lock", &lock), file("pyproject.toml", project));
    let version = |extras: &[&str]| {
        let read = read(&lock, Some(&project), &selection(extras, &[]), &environments()[0]);
        read.map(|lock| lock.packages.into_iter().filter_map(|it| it.version).collect::<Vec<_>>())
    };
    for (extra, expected) in [("cpu", "2.7.1+cpu"), ("cuda", "2.7.1+cu126"), ("plain", "2.7.1")] {
        assert_eq!(version(&[extra]).unwrap(), [expected], "{extra}");
    }
    assert!(version(&[]).unwrap_err().to_string().contains("`torch` twice"));
}

#[test]
fn categories_of_pipenvs_that_are_locked_apart() {
    let release = |version: &str| {
        let hash = "a".repeat(64);
        format!("{{\"idna\": {{\"hashes\": [\"sha256:{hash}\"], \"version\": \"=={version}\"}}}}")
    };
    let [api, default, develop] = ["1", "2", "3"].map(release);
    let lock = format!(
        "{{\"_meta\": {{\"sources\": []}}, \"api\": {api}, \"default\": {default}, \
         \"develop\": {develop}}}"
    );
    for (groups, expected) in [(&[][..], "2"), (&["dev"], "2"), (&["api", "dev"], "2")] {
        let wanted = selection(&[], groups);
        let lock = read(&file("Pipfile.lock", &lock), None, &wanted, &environments()[0]).unwrap();
        let versions: Vec<_> =
            lock.packages.iter().filter_map(|one| one.version.as_deref()).collect();
        assert_eq!(versions, [expected], "{groups:?}");
    }
}

#[test]
fn an_older_poetry_project_may_say_for_which_platform() {
    let stated = "one = {version = \"*\", platform = \"win32\"}\n\
                  two = {version = \"*\", platform = \"linux || darwin\"}\n\
                  three = {version = \"*\", platform = \"!=win32\"}";
    let lock = of_older_poetry(&[("one", "1", ""), ("three", "1", ""), ("two", "1", "")], stated);
    assert_eq!(lock, ["three==1", "two==1"]);
}

#[test]
fn a_login_in_variables_is_a_secret_of_the_manifest() {
    let lock = replaced(
        PIPENV.lock.1,
        ("https://pypi.org/simple", "https://$USER:${PASS}@pypi.corp/simple"),
    );
    let told = |python: &str| {
        let text = format!("base: python:3.11\npython:\n  lock: Pipfile.lock\n{python}");
        let recipe = recipe::read(file("strata.yaml", &text), &Choices::default()).unwrap();
        let mut inputs = Inputs::new(&recipe);
        inputs.supply(InputPath::Context("Pipfile.lock".to_owned()), lock.clone().into_bytes());
        let demand = inputs.demand(&recipe).unwrap();
        match demand.own_lock(&recipe, &environments()[PIPENV.environment]) {
            Ok(lock) => format!("{:?}", lock.unwrap().indexes()),
            Err(mistakes) => mistakes.to_string(),
        }
    };
    let known = told("  credentials: {pypi.corp: secret:corp}\n");
    assert_eq!(known, "{\"https://pypi.corp/simple\"}");
    assert_eq!(
        told(""),
        "strata.yaml:3: the login at pypi.corp is in variables, which a build does not see\n  help: \
         name a build secret with `user:password` or a token: `python: {credentials: {pypi.corp: \
         secret:my_index}}`"
    );
}
