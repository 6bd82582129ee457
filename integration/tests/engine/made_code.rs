//! What can be done with the code: built, installed, verified; and a base whose environment goes on.

use std::fs;
use std::path::Path;

use integration::buildx::Build;
use integration::daemons::CURRENT;
use integration::hub::{Hub, Repo};

use crate::bad_input::Bad;
use crate::built::{Built, unique_name};
use crate::project::{NOTHING, ran, steps};
use crate::{BASE, STRATA, build, context, newcomer, registry, unique};

/// Code that is complete once a command was run on it: its main module imports what that makes.
const FILES: [(&str, &str); 4] = [
    (
        "pyproject.toml",
        "[project]\nname = 'greeter'\nversion = '1.0'\n\
         scripts = {greet = 'greeter.main:greet'}\n\
         [build-system]\nrequires = ['setuptools==80.9.0']\nbuild-backend = 'setuptools.build_meta'\n\
         [tool.setuptools]\npackages = ['greeter']\n",
    ),
    ("greeter/__init__.py", ""),
    ("greeter/main.py", "from greeter import words\n\n\ndef greet():\n    print(words.TEXT)\n"),
    (
        "make.sh",
        "set -e\ntouch /etc/made /tmp/made\nmkdir empty\nmkfifo pipe\nrm LICENSE\n\
         printf 'TEXT = \"%s\"\\n' \"$1, ${TO:-nobody} of ${GREETING:-nowhere}\" > greeter/words.py\n\
         ls /app/models > seen\npython -c 'import six; print(six.__version__)' >> seen\n",
    ),
];

fn manifest(hub: &str, once: &str) -> String {
    format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [six==1.17.0]}}\n\
         models: {{hf: tiny/model, to: /app/models/, endpoint: '{hub}'}}\n\
         code:\n  context: .\n  build: sh make.sh {once}\n  install: true\n  \
         verify: [greeter.main, six]\n  env: {{TO: you}}\n\
         env: {{GREETING: hello}}\n"
    )
}

fn builds(folder: &Path, image: &str) -> Build {
    Build::succeed(build(&STRATA, folder).args(["--tag", image])).unwrap()
}

#[test]
fn built_installed_and_verified() {
    let model = Repo::new("tiny/model", [("weights", "\0")]);
    let hub = Hub::serve(STRATA.host_address().unwrap(), [model]).unwrap();
    let once = unique();
    let manifest = manifest(&hub.endpoint(), &once);
    let folder = context(&[("strata.yaml", &manifest), ("LICENSE", "none")]);
    let folder = folder.path();
    fs::create_dir(folder.join("greeter")).unwrap();
    for (name, text) in FILES {
        fs::write(folder.join(name), text).unwrap();
    }
    let image = Built { name: unique_name() };
    let first = builds(folder, &image.name);
    let log = &first.vertex("[verify] import greeter.main, six").unwrap().log;
    assert!(log.contains("import greeter.main\nimport six\n"), "{log}");

    let says = format!("{once}, you of nowhere");
    assert_eq!(image.run(&["sh", "-c", "cd / && greet"]), says, "the installed package");
    assert_eq!(image.run(&["python", "-c", "import greeter.main as m; m.greet()"]), says);
    let found = image.run(&[
        "sh",
        "-c",
        "cat seen; find . ! -user root; find . | sort; test ! -e /etc/made",
    ]);
    let expected = "weights\n1.17.0\n.\n./empty\n./greeter\n./greeter/__init__.py\n\
                    ./greeter/main.py\n./greeter/words.py\n./make.sh\n./models\n./models/weights\n\
                    ./pyproject.toml\n./seen";
    assert_eq!(found, expected);
    let notes = image.run(&["cat", "/opt/strata/verified-code.json"]);
    assert!(notes.contains("greeter.main"), "{notes}");

    assert_eq!(ran(&builds(folder, &image.name)), NOTHING);
    let manifest = manifest.replace("GREETING: hello", "GREETING: goodbye");
    fs::write(folder.join("strata.yaml"), &manifest).unwrap();
    assert_eq!(ran(&builds(folder, &image.name)), NOTHING);
    fs::write(folder.join("greeter/main.py"), FILES[2].1.replace("print", "print(2);print"))
        .unwrap();
    // The copy is not always reported: another result of it may be at hand.
    let mut steps = steps(&builds(folder, &image.name));
    steps.retain(|step| !step.starts_with("[code] copy"));
    assert_eq!(
        steps,
        ["[code] build /app", "[code] install /app", "[verify] import greeter.main, six"]
    );
    assert_eq!(image.run(&["greet"]), format!("2\n{says}"));
}

/// Of what stands under the code, an empty builder runs nothing that a cache has the outcome of.
#[test]
fn in_ci_only_the_code_is_made_again() {
    let model = Repo::new("tiny/model", [("weights", "\0")]);
    let hub = Hub::serve(STRATA.host_address().unwrap(), [model]).unwrap();
    let (registry, base) = registry();
    let manifest = manifest(&hub.endpoint(), &unique());
    let manifest = manifest.replace(BASE, &base).replace("1.17.0]", "1.17.0], verify: six");
    let folder = context(&FILES);
    let folder = folder.path();
    // No other test's code, which the engine would take for the same.
    fs::write(folder.join("LICENSE"), unique()).unwrap();

    // What is not in the image is in no inline cache: the tools.
    let kinds: [(_, _, &[&str]); 2] = [
        ("type=registry,mode=max,ref=IMAGE:cache", "type=registry,ref=IMAGE:cache", &[]),
        ("type=inline", "type=registry,ref=IMAGE", &["[tool] get pip"]),
    ];
    for (to, from, besides) in kinds {
        let image = format!("{}/{}", registry.host(), unique());
        let [to, from] = [("to", to), ("from", from)]
            .map(|(way, cache)| format!("--cache-{way}={}", cache.replace("IMAGE", &image)));
        let push = format!("--output=type=image,push=true,store=false,name={image}");
        fs::write(folder.join("strata.yaml"), &manifest).unwrap();
        fs::write(folder.join("greeter/main.py"), FILES[2].1).unwrap();
        Build::succeed(build(&STRATA, folder).args([&to, &push])).unwrap();

        let engine = newcomer(CURRENT);
        let again = || Build::succeed(build(&engine, folder).args([&from, &to, &push])).unwrap();
        assert_eq!(ran(&again()), NOTHING, "{to}");
        let manifest = manifest.replace("GREETING: hello", "GREETING: goodbye");
        fs::write(folder.join("strata.yaml"), &manifest).unwrap();
        fs::write(folder.join("greeter/main.py"), format!("{}# edited\n", FILES[2].1)).unwrap();
        let mut steps = steps(&again());
        steps.retain(|step| !step.starts_with("[code] copy"));
        let mut made =
            vec!["[code] build /app", "[code] install /app", "[verify] import greeter.main, six"];
        made.extend(besides);
        made.sort_unstable();
        assert_eq!(steps, made, "{to}");
    }
}

#[test]
fn what_code_may_fail_at() {
    let own = |more: &str| format!("base: {BASE}\npython: {{}}\ncode:\n  context: .\n{more}\n");
    let build = own("  build: |\n    echo so far so good\n    false\n    echo never");
    let says = ["so far so good", "`build` ended with status 1", "strata.yaml:6", ">>>     false"];
    Bad { files: &[("main.py", "")], ..Bad::new("a build that fails", &build, &says) }.fails();
    let words = own("  build: [no-such-program, x]");
    Bad::new("no such program", &words, &["no-such-program cannot be run: No such file"]).fails();
    let install = own("  install: true");
    let says =
        ["Directory '/app' is not installable", "the code could not be installed", "strata.yaml:6"];
    Bad { files: &[("main.py", "")], ..Bad::new("no project", &install, &says) }.fails();
    let verify = own("  verify: [main, other]");
    let says = [
        "main.py\", line 1, in <module>",
        "ZeroDivisionError",
        "No module named 'other'",
        "cannot import main, other as the image's user",
        "strata.yaml:6",
    ];
    Bad { files: &[("main.py", "1 / 0\n")], ..Bad::new("code that is broken", &verify, &says) }
        .fails();
}

#[test]
fn an_environment_goes_on() {
    let first = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [six==1.16.0], verify: six}}\n\
         env: {{FIRST: yes}}\nlabels: {{once: '{}'}}\ndirs: /app/logs\n",
        unique()
    );
    // Another test must not find its packages installed.
    let host = format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={}", unique());
    let base = Built::new(&first, &[], &["--target=deps", &host]);
    let second = format!(
        "# syntax=strata\nbase: {}\npython: {{packages: [python-dateutil==2.9.0], verify: [six]}}\n\
         code: {{context: ., verify: main}}\ncmd: python main.py\n",
        base.name
    );
    let code = "import dateutil, os, six, sys\n\
                print(six.__version__, dateutil.__version__, sys.prefix, os.environ['FIRST'])\n";
    let folder = context(&[("strata.yaml", &second), ("main.py", code)]);
    let image = Built { name: unique_name() };
    let build = builds(folder.path(), &image.name);
    assert!(!ran(&build).contains(&"venv".to_owned()), "{}", build.report());
    assert_eq!(image.run(&[]), "1.16.0 2.9.0 /opt/venv yes");
    let list = "import importlib.metadata as m; print(*sorted(d.name for d in m.distributions()))";
    assert_eq!(image.run(&["python", "-c", list]), "python-dateutil six");
    let owner = "id -un; stat -c %U logs; echo $PATH | tr : '\\n' | grep -c venv";
    assert_eq!(image.run(&["sh", "-c", owner]), "app\napp\n1");
    fs::write(folder.path().join("main.py"), format!("{code}# {}\n", unique())).unwrap();
    assert_eq!(ran(&builds(folder.path(), &image.name)), ["code", "verify"]);

    // As it is.
    let plain = format!("# syntax=strata\nbase: {}\ncode: .\ncmd: python main.py\n", base.name);
    let plain = Built::new::<&str>(&plain, &[("main.py", "import six; print(six.__file__)")], &[]);
    assert!(plain.run(&[]).starts_with("/opt/venv/"), "{}", plain.run(&[]));

    let other = format!("base: {}\npython: {{packages: [six==1.17.0]}}\n", base.name);
    let says = ["six==1.16.0", "the base image's environment goes on", "strata.yaml:3"];
    Bad::new("a package that the base has in another version", &other, &says).fails();
    let locked = format!("base: {}\npython: {{lock: pylock.toml}}\n", base.name);
    let lock = "lock-version = '1.0'\ncreated-by = 'tests'\npackages = []\n";
    let says = ["which goes on, and a lock is of a whole one", "strata.yaml:3"];
    Bad { files: &[("pylock.toml", lock)], ..Bad::new("a lock", &locked, &says) }.fails();
}
