//! Strata on the engines that people have: one that is too old, one with an old BuildKit, and those
//! whose store cannot merge, where the layers are copied together.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use integration::apt::Suite;
use integration::base_image;
use integration::buildx::Build;
use integration::command::output;
use integration::daemons::{CURRENT, Kind, Store};
use integration::engine::{Engine, Throwaway};
use integration::hub::{Hub, Repo};

use crate::{BASE, STRATA, build, context, newcomer, registry};

const PROJECT: &[(&str, &str)] = &[
    (
        "strata.yaml",
        "# syntax=strata\n\
         base: python:3-slim\n\
         system: {runtime: tini}\n\
         python:\n  \
         packages: [six==1.17.0, idna==3.10, markupsafe==3.0.2, iniconfig==2.1.0, docopt==0.6.2]\n  \
         heavy: [idna]\n  \
         verify: [six, docopt]\n\
         models: [{hf: tiny/open, to: /home/app/models/}, tiny/open]\n\
         files: {context: settings.toml, to: /etc/app/}\n\
         code: {context: ., build: cp main.py made.py}\n\
         dirs: [/var/run/lock/x, /tmp/scratch, /app/logs]\n\
         cmd: [python, main.py]\n",
    ),
    ("main.py", "import six\nprint('six', six.__version__)\n"),
    ("logs/kept", ""),
    ("settings.toml", "debug = false\n"),
];

static HUB: LazyLock<Hub> = LazyLock::new(|| {
    let model = Repo::new("tiny/open", [("config.json", "{}"), ("onnx/weights", "\0")]);
    Hub::serve(STRATA.host_address().unwrap(), [model]).unwrap()
});

/// The files of the image as an engine makes it that merges.
static MERGED: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    assert_eq!(STRATA.store().unwrap(), Store::Containerd);
    Build::succeed(&mut service(&STRATA, context(PROJECT).path())).unwrap();
    files(&STRATA)
});

/// The build of the project in `folder` to the image `older-engines`.
fn service(engine: &Engine, folder: &Path) -> Command {
    let mut command = build(engine, folder);
    command.arg("--tag=older-engines").arg(format!("--build-arg=HF_ENDPOINT={}", HUB.endpoint()));
    command
}

/// What `command` prints in the image.
fn run(engine: &Engine, options: &[&str], command: &[&str]) -> String {
    let mut docker = engine.docker(["run", "--rm", "--network=none"]);
    output(docker.args(options).arg("older-engines").args(command)).unwrap()
}

/// The files of the image by their path: type, mode, owner, content and time of each.
fn files(engine: &Engine) -> BTreeMap<String, String> {
    let listing = run(engine, &["--user=0"], &["python3", "-c", include_str!("files.py")]);
    let file = |line: &str| line.split_once('\t').map(|(path, what)| (path.into(), what.into()));
    listing.lines().filter_map(file).collect()
}

/// The lines of `files` that `others` does not have.
fn beyond<'a>(
    files: &'a BTreeMap<String, String>,
    others: &BTreeMap<String, String>,
) -> Vec<(&'a String, &'a String)> {
    files.iter().filter(|(path, what)| others.get(*path) != Some(what)).collect()
}

/// Builds in an engine of `kind` what the shared one builds; an edit of the code then runs the
/// code's own step, and `above`.
fn builds_the_same(kind: Kind, above: &[&str]) -> Throwaway {
    let engine = newcomer(kind);
    assert_eq!(engine.store().unwrap(), kind.store);
    assert_eq!(engine.version().unwrap().starts_with("26.1."), kind.suite == Suite::Trixie);
    base_image::load(&engine, BASE).unwrap();
    let folder = context(PROJECT);
    Build::succeed(&mut service(&engine, folder.path())).unwrap();
    assert_eq!(run(&engine, &[], &[]), "six 1.17.0");
    let files = files(&engine);
    assert_eq!((beyond(&files, &MERGED), beyond(&MERGED, &files)), (vec![], vec![]));

    // An image that loses its name while another is made of its layers may take them along
    // ("parent snapshot … does not exist"), on engines with containerd's store.
    output(&mut engine.docker(["tag", "older-engines", "older-engines:first"])).unwrap();
    std::fs::write(folder.path().join("main.py"), "print('edited')\n").unwrap();
    let edited = Build::succeed(&mut service(&engine, folder.path())).unwrap();
    let ran: Vec<_> = edited.ran().iter().map(|vertex| vertex.name.as_str()).collect();
    let of_code = ["[code] copy the build context to /app", "[code] build /app"];
    assert_eq!(ran, [&of_code, above].concat());
    assert_eq!(run(&engine, &[], &[]), "edited");
    engine
}

const MERGE: &[&str] = &["[image] put the layers together"];

/// The code's layer and all that lie on it.
const COPIES: &[&str] = &[
    "[image] put the layers together: copy code from the build context",
    "[image] put the layers together: copy settings.toml",
    "[image] put the layers together: copy folders of the user's",
];

#[test]
fn docker_20_10_is_told_in_a_sentence_that_it_is_too_old() {
    let engine = newcomer(Kind { suite: Suite::Bookworm, store: Store::Classic });
    assert!(engine.version().unwrap().starts_with("20.10."));
    let refused = Build::run(&mut service(&engine, context(PROJECT).path())).unwrap();
    assert!(!refused.success);
    assert!(
        refused.text.ends_with(
            "this BuildKit is too old: Strata needs BuildKit 0.11 or newer, which Docker Engine \
             has since version 24; update it, or give buildx a newer BuildKit with \
             `docker buildx create --use`"
        ),
        "{}",
        refused.text
    );
    assert!(refused.ran().is_empty(), "{}", refused.report());
    assert_eq!(
        output(&mut engine.docker(["image", "ls", "--quiet", "older-engines"])).unwrap(),
        ""
    );
}

#[test]
#[ignore = "slow: another engine, for what the other two show together"]
fn docker_26_1_with_the_containerd_store_merges() {
    builds_the_same(Kind { suite: Suite::Trixie, store: Store::Containerd }, MERGE);
}

#[test]
fn docker_26_1_with_the_classic_store_copies() {
    builds_the_same(Kind { suite: Suite::Trixie, store: Store::Classic }, COPIES);
}

#[test]
fn the_current_docker_with_the_classic_store_copies() {
    let engine = builds_the_same(Kind { store: Store::Classic, ..CURRENT }, COPIES);
    // Of an image that it has already, it tells no digest.
    let (_registry, base) = registry();
    output(&mut engine.docker(["pull", "--quiet", &base])).unwrap();
    let (build, lock) = locked(&engine, &base);
    let known =
        output(&mut engine.docker(["image", "inspect", "--format={{.RepoDigests}}", &base]));
    let digest = lock.lines().find_map(|line| line.strip_prefix("digest = ")).unwrap();
    assert!(known.unwrap().contains(&format!("@{}]", digest.trim_matches('"'))), "{lock}");
    assert!(build.warnings.is_empty(), "{}", build.report());
    // And an image that is nowhere else has none.
    output(&mut engine.docker(["tag", &base, "strata.test/nowhere:1"])).unwrap();
    let (build, lock) = locked(&engine, "strata.test/nowhere:1");
    assert!(!lock.contains("digest = "), "{lock}");
    let [warning] = &build.warnings[..] else { panic!("{}", build.report()) };
    let said = "UnpinnedBase: strata.lock holds strata.test/nowhere:1 to no digest, as no registry \
                tells it: ";
    assert!(warning.short.starts_with(said), "{}", warning.short);
}

/// The lock of a manifest with nothing but this base.
fn locked(engine: &Engine, base: &str) -> (Build, String) {
    let manifest = format!("# syntax=strata\nbase: {base}\n");
    let (folder, written) = (context(&[("strata.yaml", &manifest)]), context(&[]));
    let mut command = build(engine, folder.path());
    command.arg("--target=lock").arg("--output").arg(written.path());
    let build = Build::succeed(&mut command).unwrap();
    (build, std::fs::read_to_string(written.path().join("strata.lock")).unwrap())
}
