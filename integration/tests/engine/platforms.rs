//! Several platforms in one build, and one that the engine cannot run.

use std::sync::LazyLock;

use integration::base_image;
use integration::buildx::{Build, Plain};
use integration::command::output;
use integration::hub::{Hub, Repo};
use integration::registry::Registry;

use crate::built::{Built, unique_name};
use crate::project::NOTHING;
use crate::{BASE, STRATA, build, build_file, context, registry, unique};

/// A registry with an index of two bases, the name of that, and a hub with a model.
static SERVERS: LazyLock<(Registry, String, Hub)> = LazyLock::new(|| {
    let (registry, base) = registry();
    let (both, other) = (format!("{base}-both"), format!("{base}-386"));
    base_image::load_for_386(&STRATA, &other).unwrap();
    let create = ["buildx", "imagetools", "create", "--tag", &both, &base, &other];
    for words in [["push", &other].as_slice(), &["rmi", &other], &create] {
        output(STRATA.docker([]).args(words)).unwrap();
    }
    let model = Repo::new("tiny/open", [("config.json", "{}")]);
    let hub = Hub::serve(STRATA.host_address().unwrap(), [model]).unwrap();
    (registry, both, hub)
});

/// The name of a base that is of two platforms.
pub fn base_of_two() -> &'static str {
    &SERVERS.1
}

/// Prints how long a pointer is, what is installed, the model, and the user's folder.
const MAIN: &str = "\
import pathlib, struct, six
print(struct.calcsize('P'), six.__version__, *pathlib.Path('/models').iterdir(), NUMBER)
";

/// The image `name` for these platforms. Of a `number` that is new, every step is.
fn build_for(platforms: &str, number: &str, name: &str, arguments: &[&str]) -> Build {
    let (_, base, hub) = &*SERVERS;
    let manifest = format!(
        "# syntax=strata\nbase: {base}\npython: {{packages: [six==1.17.0]}}\n\
         models: [{{hf: tiny/open, to: /models/}}]\ncode: .\ncmd: [python, main.py]\n\
         dirs: [/app/logs/{number}]\n"
    );
    let main = MAIN.replace("NUMBER", number);
    let folder = context(&[("strata.yaml", &manifest), ("main.py", &main)]);
    let mut command = build(&STRATA, folder.path());
    command
        .args(["--tag", name, "--provenance=false", "--platform", platforms])
        .arg(format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()))
        .arg(format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={number}"))
        .args(arguments);
    Build::succeed(&mut command).unwrap()
}

/// What the names of the steps that ran begin with, each once a step, in their order.
fn ran(build: &Build) -> Vec<&str> {
    let stages = build.ran().into_iter().flat_map(|vertex| {
        let (stage, _) = vertex.name.trim_start_matches('[').split_once(']').unwrap();
        std::iter::repeat_n(stage, vertex.times_run())
    });
    let mut stages: Vec<_> =
        stages.filter(|stage| *stage != "internal" && !stage.ends_with("image")).collect();
    stages.sort_unstable();
    stages
}

/// The layers of the image on a platform, topmost first.
fn layers(image: &Built, platform: &str) -> Vec<String> {
    let format = ["image", "inspect", "--format={{json .RootFS.Layers}}", "--platform", platform];
    let text = output(STRATA.docker(format).arg(&image.name)).unwrap();
    let mut layers: Vec<String> = serde_json::from_str(&text).unwrap();
    layers.reverse();
    layers
}

/// Whether the result is an index of images.
fn is_index(build: &Build) -> bool {
    let kind = build.metadata["containerimage.descriptor"]["mediaType"].as_str().unwrap();
    kind.contains("manifest.list") || kind.contains("image.index")
}

#[test]
fn platforms_together_and_alone() {
    let (image, number) = (Built { name: unique_name() }, unique());
    let build =
        |platforms, arguments: &[&str]| build_for(platforms, &number, &image.name, arguments);
    let both = build("linux/amd64,linux/386", &[]);
    assert!(is_index(&both), "{}", both.metadata);
    let anew = "code dirs linux/386 lock linux/386 packages linux/386 probe linux/386 tool \
                linux/386 tool linux/386 user linux/386 venv linux/amd64 listing linux/amd64 lock \
                linux/amd64 models linux/amd64 packages linux/amd64 probe linux/amd64 tool \
                linux/amd64 tool linux/amd64 user linux/amd64 venv";
    assert_eq!(ran(&both).join(" "), anew, "{}", both.report());
    for (platform, bytes) in [("linux/amd64", 8), ("linux/386", 4)] {
        let printed = image.run_with(&["--platform", platform], &[]);
        assert_eq!(printed, format!("{bytes} 1.17.0 /models/config.json {number}"));
    }
    let names = ["dirs", "code", "lock", "packages", "user", "model", "listing", "venv", "probe"];
    let layers = ["linux/amd64", "linux/386"].map(|platform| layers(&image, platform));
    let [one, other] = layers.each_ref().map(|layers| layers.iter().zip(names));
    let shared: Vec<_> = one.zip(other).filter(|(a, b)| a.0 == b.0).map(|(a, _)| a.1).collect();
    // Where both bases have the same users, that layer is the same by chance.
    for name in ["dirs", "code", "model", "listing"] {
        assert!(shared.contains(&name), "{shared:?}");
    }

    let alone = build("linux/386", &[]);
    let twice = build("linux/386,linux/i386", &[]);
    let index = build("linux/386", &["--build-arg=BUILDKIT_MULTI_PLATFORM=1"]);
    for (build, indexed) in [(&alone, false), (&twice, false), (&index, true)] {
        assert_eq!(ran(build), NOTHING, "{}", build.report());
        assert_eq!(is_index(build), indexed, "{}", build.metadata);
    }
    let again = build("linux/amd64,linux/386", &["--no-cache-filter=code,models,dirs"]);
    assert_eq!(ran(&again), ["code", "dirs", "linux/amd64 models"], "{}", again.report());
}

/// A base that is of one platform alone, and of no index.
fn base(files: &[(&str, &str)], arguments: &[&str]) -> Built {
    let image = Built { name: unique_name() };
    let folder = context(files);
    let mut command = build_file(&STRATA, folder.path(), "Dockerfile");
    command.args(["--provenance=false", "--tag", &image.name]).args(arguments);
    Build::succeed(&mut command).unwrap();
    image
}

/// The platform of a processor that nothing emulates here.
const FOREIGN: &str = "--platform=linux/sparc64";

/// What buildx says of the build on `base` that must fail.
fn refusal(base: &Built) -> String {
    let folder = context(&[("strata.yaml", &format!("# syntax=strata\nbase: {}\n", base.name))]);
    let mut command = build(&STRATA, folder.path());
    let Plain { status, text } = Plain::run(command.arg(FOREIGN)).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains(&format!(">>> base: {}", base.name)), "{text}");
    text
}

#[test]
fn a_platform_that_the_engine_cannot_run() {
    // The start of a program for SPARC (elf(5)).
    let start = ["\x7fELF\x02\x02\x01", &"\0".repeat(9), "\0\x02\0\x2b\0\0\0\x01"].concat();
    let shell = start + &"\0".repeat(40);
    let dockerfile = "FROM scratch\nCOPY --chmod=755 sh /bin/sh\n";
    let base = base(&[("Dockerfile", dockerfile), ("sh", &shell)], &[FOREIGN]);
    let text = refusal(&base);
    for said in [
        "is of linux/sparc64, whose programs this engine cannot run",
        "docker run --privileged --rm tonistiigi/binfmt --install sparc64",
        "or choose another with `--platform`",
    ] {
        assert!(text.contains(said), "nobody says {said:?}:\n{text}");
    }
}

#[test]
fn a_base_of_another_platform() {
    let base = base(&[("Dockerfile", &format!("FROM {BASE}\nENV ONE=1\n"))], &[]);
    let own = STRATA.inspect(&base.name).unwrap()["Architecture"].take();
    let own = own.as_str().unwrap();
    let text = refusal(&base);
    let sentence = format!(
        "base image {}: it is of linux/{own} and not of linux/sparc64: choose one that is, or \
         build with `--platform linux/{own}`",
        base.name
    );
    assert!(text.contains(&sentence), "{text}");
}
