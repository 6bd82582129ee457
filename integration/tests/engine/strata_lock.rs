//! `strata.lock`: written by `--target lock`, and used while it says what is asked for.

use std::fs;
use std::path::Path;

use integration::buildx::{Build, Plain};
use integration::package::Package;
use integration::package_index::{PackageIndex, Trouble};
use tempfile::TempDir;

use crate::built::{Built, unique_name};
use crate::{BASE, STRATA, build, context, platforms, push_as, registry, unique};

/// A folder with a manifest, and an index that its requirements come from.
struct Project {
    folder: TempDir,
    index: PackageIndex,
}

/// Says what is installed, `alpha 1.0 beta 1.0`.
const LIST: &str = "import importlib.metadata as m; \
                    print(*sorted(f'{d.name} {d.version}' for d in m.distributions()))";

impl Project {
    /// With `manifest` after its first line, and the requirements `alpha` and `beta`.
    fn new(manifest: &str) -> Self {
        Self::on(PackageIndex::serve(STRATA.host_address().unwrap(), []).unwrap(), manifest)
    }

    /// The same, with an index that may have more.
    fn on(index: PackageIndex, manifest: &str) -> Self {
        let project = Self { folder: context(&[]), index };
        project.release("alpha", "1.0", &["common"]);
        for name in ["beta", "common", "extra"] {
            project.release(name, "1.0", &[]);
        }
        project.write("strata.yaml", &format!("# syntax=strata\n{manifest}"));
        project.require("alpha\nbeta\n");
        project
    }

    fn release(&self, name: &str, version: &str, requires: &[&str]) {
        let package = Package::of_module(name, version, "");
        let package = requires.iter().fold(package, |package, other| package.needs(other));
        self.index.add(package.wheel().unwrap());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The requirements, which come from the index alone.
    fn require(&self, requirements: &str) {
        let address = STRATA.host_address().unwrap();
        let options = format!("--index-url {}\n--trusted-host {address}\n", self.index.url());
        self.write("requirements.txt", &(options + requirements));
    }

    /// Writes the lock beside the manifest, which is all that is written, and returns its text.
    fn lock(&self, arguments: &[&str]) -> String {
        let written = context(&[]);
        let mut command = build(&STRATA, self.folder.path());
        command.arg("--target=lock").args(arguments).arg("--output").arg(written.path());
        Build::succeed(&mut command).unwrap();
        assert_eq!(files(written.path()), ["strata.lock"]);
        let text = fs::read_to_string(written.path().join("strata.lock")).unwrap();
        self.write("strata.lock", &text);
        text
    }

    fn build(&self, arguments: &[&str]) -> Locked {
        let image = Built { name: unique_name() };
        let mut command = build(&STRATA, self.folder.path());
        let build = Build::succeed(command.args(["--tag", &image.name]).args(arguments)).unwrap();
        Locked { packages: image.run(&["python3", "-c", LIST]), build, image }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// An image that was built by a lock.
struct Locked {
    image: Built,
    build: Build,
    /// By [`LIST`].
    packages: String,
}

impl Locked {
    /// Whether the resolver was so much as asked for.
    fn resolved(&self) -> bool {
        self.build.vertices.iter().any(|vertex| vertex.name.contains("[lock] resolve "))
    }

    fn warnings(&self) -> Vec<&str> {
        self.build.warnings.iter().map(|warning| warning.short.as_str()).collect()
    }

    /// That the image has what the lock says, which was taken as it is.
    fn is_as_locked(&self, packages: &str) {
        assert_eq!(self.packages, packages);
        assert!(!self.resolved(), "{}", self.build.report());
        assert_eq!(self.warnings(), [""; 0]);
    }
}

const MANIFEST: &str = "base: python:3-slim\npython: requirements.txt\n";

#[test]
fn what_is_locked_is_built_and_moves_only_as_it_must() {
    let project = Project::new(MANIFEST);
    let text = project.lock(&[]);
    // The first project's page tells, too, whether the index lets us in.
    let asked = project.index.take_asked();
    let times = |page: &str| asked.iter().filter(|path| *path == page).count();
    assert_eq!(["simple/alpha", "simple/beta", "simple/common"].map(times), [2, 1, 1], "{asked:?}");
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");

    project.release("alpha", "2.0", &["common"]);
    project.release("beta", "2.0", &[]);
    project.release("common", "2.0", &[]);
    // By steps of its own, which a host's name makes them: a build without cache runs a step anew
    // for all others that have it at that moment, and what stands on it (`loadUnlocked` in BuildKit's
    // `solver/jobs.go`).
    let host = format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={}", unique());
    let anew = ["--no-cache", &*host];
    project.build(&anew).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    assert_eq!(project.lock(&anew), text, "it is kept as long as it says what is asked for");

    project.release("delta", "1.0", &["common>=2"]);
    project.require("# order and comments say nothing\nbeta\nalpha\n");
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    project.require("alpha\nbeta\ndelta\n");
    let edited = project.build(&[]);
    assert_eq!(edited.packages, "alpha 1.0 beta 1.0 common 2.0 delta 1.0");
    assert_eq!(
        edited.warnings(),
        ["StaleLock: strata.yaml has changed since strata.lock was made: renew it with \
         `docker buildx build --target lock --output . …` (line 3)"]
    );
    project.lock(&[]);
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 2.0 delta 1.0");

    fs::remove_file(project.folder.path().join("strata.lock")).unwrap();
    let anew = project.build(&[]);
    assert_eq!(anew.packages, "alpha 2.0 beta 2.0 common 2.0 delta 1.0");
    assert_eq!(anew.warnings(), [""; 0]);
}

#[test]
fn each_variant_has_its_entry() {
    let variants = "variants: {more: {python: {packages: [extra]}}}\n";
    let project = Project::new(&(MANIFEST.to_owned() + variants));
    let plain = project.lock(&[]);
    project.release("alpha", "2.0", &["common"]);
    project.release("extra", "2.0", &[]);
    let more = ["--build-arg=VARIANT=more"];
    let foreign = project.build(&more);
    assert_eq!(foreign.packages, "alpha 1.0 beta 1.0 common 1.0 extra 2.0");
    let [warning] = foreign.warnings()[..] else { panic!("{:?}", foreign.warnings()) };
    assert!(warning.starts_with("ForeignLock: strata.lock has nothing for linux/"), "{warning}");
    assert!(warning.contains(" as variant more: add it with "), "{warning}");

    project.release("beta", "2.0", &[]);
    let both = project.lock(&more);
    assert!(both.starts_with(&plain), "the other entry is kept:\n{both}");
    project.build(&more).is_as_locked("alpha 1.0 beta 1.0 common 1.0 extra 2.0");
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
}

#[test]
fn pip_moves_no_more_where_there_is_no_uv() {
    let index = PackageIndex::serve_mirror(STRATA.host_address().unwrap(), []).unwrap();
    index.trouble("simple/uv", Trouble::Status(404));
    let manifest = format!(
        "base: {BASE}\npython: {{requirements: requirements.txt, index_url: '{}'}}\n",
        index.url()
    );
    let project = Project::on(index, &manifest);
    project.lock(&[]);
    for (name, version, needs) in [
        ("alpha", "2.0", &["common"][..]),
        ("beta", "2.0", &[]),
        ("common", "2.0", &[]),
        ("delta", "1.0", &["common>=2"]),
    ] {
        project.release(name, version, needs);
    }
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    project.require("alpha\nbeta>=2\ndelta\n");
    let edited = project.build(&[]);
    assert_eq!(edited.packages, "alpha 1.0 beta 2.0 common 2.0 delta 1.0");
    let lock = edited.image.run(&["cat", "/opt/strata/pylock.toml"]);
    assert!(lock.contains("created-by = \"pip\""), "{lock}");

    project.require("alpha\nno-such-project\n");
    let Plain { status, text } = Plain::run(&mut build(&STRATA, project.folder.path())).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    let says = "No matching distribution found for no-such-project";
    assert!(text.contains(says), "{text}");

    project.require("alpha\n");
    project.write(
        "strata.yaml",
        &format!("# syntax=strata\n{manifest}").replace("{req", "{installer: uv, req"),
    );
    let Plain { status, text } = Plain::run(&mut build(&STRATA, project.folder.path())).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("the index has no uv for this machine: take `installer: pip`"), "{text}");
    assert!(text.contains("build once with `--no-cache-filter tool`"), "{text}");
}

#[test]
fn each_platform_has_its_entry() {
    let base = platforms::base_of_two();
    let project = Project::new(&format!("base: {base}\npython: requirements.txt\n"));
    let one = project.lock(&["--platform=linux/386"]);
    project.release("beta", "2.0", &[]);
    let two = project.lock(&["--platform=linux/amd64,linux/386"]);
    let platform = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("platform"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(platform(&one), ["platform = \"linux/386\""]);
    assert_eq!(platform(&two), ["platform = \"linux/386\"", "platform = \"linux/amd64\""]);
    assert!(two.starts_with(&one), "{two}");
    for platform in ["linux/amd64", "linux/386"] {
        let built = project.build(&[&format!("--platform={platform}")]);
        built.is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    }
}

#[test]
fn the_base_stays_when_its_tag_moves_or_is_gone() {
    let (registry, base) = registry();
    let project = Project::new(&format!("base: {base}\npython: requirements.txt\n"));
    let lock = project.lock(&[]);
    let before = project.build(&[]);
    let moved = Built::dockerfile(&format!("FROM {BASE}\nENV MOVED={}\n", unique()));
    push_as(&STRATA, &moved.name, &base);
    let env = |locked: &Locked| locked.image.config()["Env"].to_string();
    let after = project.build(&[]);
    after.is_as_locked(&before.packages);
    assert_eq!(env(&after), env(&before));
    // A stale lock holds the base, too.
    project.require("alpha\n");
    assert!(!env(&project.build(&[])).contains("MOVED"));
    fs::remove_file(project.folder.path().join("strata.lock")).unwrap();
    assert!(env(&project.build(&[])).contains("MOVED"), "the tag has moved");

    project.write("strata.lock", &lock);
    let (repository, tag) = BASE.split_once(':').unwrap();
    registry.untag(repository, tag).unwrap();
    assert_eq!(env(&project.build(&[])), env(&before));
}

#[test]
fn development_stands_on_production() {
    let manifest = MANIFEST.to_owned() + "dev: {python: {packages: [extra]}}\n";
    let project = Project::new(&manifest);
    project.release("extra", "1.0", &["common"]);
    let text = project.lock(&[]);
    assert_eq!(text.matches("target = \"dev\"").count(), 1, "{text}");
    project.release("common", "2.0", &[]);
    project.release("alpha", "2.0", &[]);
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    project.build(&["--target=dev"]).is_as_locked("alpha 1.0 beta 1.0 common 1.0 extra 1.0");

    // Only development is edited; its new package would like another version than production has.
    project.release("helper", "1.0", &["common"]);
    let edited = manifest.replace("extra]", "extra, helper]");
    project.write("strata.yaml", &format!("# syntax=strata\n{edited}"));
    project.build(&[]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
    let dev = project.build(&["--target=dev"]);
    assert_eq!(dev.packages, "alpha 1.0 beta 1.0 common 1.0 extra 1.0 helper 1.0");
    let [warning] = dev.warnings()[..] else { panic!("{:?}", dev.warnings()) };
    assert!(warning.starts_with("StaleLock: "), "{warning}");

    // Without packages of its own, development is what production is.
    project.write("strata.yaml", &format!("# syntax=strata\n{MANIFEST}dev: {{env: {{A: b}}}}\n"));
    project.build(&["--target=dev"]).is_as_locked("alpha 1.0 beta 1.0 common 1.0");
}

#[test]
fn a_lock_that_someone_has_edited() {
    let project = Project::new(MANIFEST);
    let text = project.lock(&[]);
    let no_hash = "`alpha-1.0-py3-none-any.whl` has no hash";
    let renew = "take the file away, and build with `--target lock --output .`";
    for (what, edited, says) in [
        ("no TOML", "<<<<<<< HEAD\n".to_owned() + &text, "strata.lock:1: "),
        ("another version", text.replace("version = 1\n", "version = 2\n"), "strata.lock:3: "),
        ("no platform", text.replace("platform = ", "form = "), "strata.lock:5: "),
        ("no hash", text.replacen("sha256 = ", "crc = ", 1), no_hash),
        ("no URL", text.replacen("url = ", "link = ", 1), "`alpha` has a file without `url`"),
        ("a hash that is none", text.replacen("sha256 = \"", "sha256 = \"x", 1), no_hash),
        (
            "a package twice",
            {
                let package = text.split("\n[[images.packages]]").nth(1).unwrap();
                format!("{text}\n[[images.packages]]{package}")
            },
            "the lock has `alpha` twice for this environment: 1.0 and 1.0",
        ),
    ] {
        project.write("strata.lock", &edited);
        let mut command = build(&STRATA, project.folder.path());
        let Plain { status, text } = Plain::run(&mut command).unwrap();
        assert_eq!(status.code(), Some(1), "{what}:\n{text}");
        for said in ["strata.lock:", says, renew] {
            assert!(text.contains(said), "of {what}, nobody says {said:?}:\n{text}");
        }
    }
}
