//! What people are used to doing with `docker buildx build`, and with what calls it for them.

use std::process::Command;

use integration::buildx::{Build, Plain, building};
use integration::command::output;
use integration::git_server::GitServer;

use crate::built::{Built, unique_name};
use crate::layout::Layout;
use crate::project::{NOTHING, Servers, ran};
use crate::{BASE, STRATA, build, build_file, context, unique};

/// A manifest of which nothing takes time, for code that has a file `say`.
const MANIFEST: &str = "\
# syntax=strata
base: python:3-slim
args: {GREETING: hello}
env: {GREETING: '${GREETING}'}
code: .
cmd: [sh, -c, echo $GREETING $(cat /app/say)]
";

/// What the image prints that `command` builds when `input` is its standard input.
fn says_of(command: &mut Command, input: &[u8]) -> String {
    let image = Built { name: unique_name() };
    Build::succeed_with(command.args(["--tag", &image.name]), input).unwrap();
    image.run(&[])
}

/// What the image prints that `command` builds.
fn says(command: &mut Command) -> String {
    says_of(command, &[])
}

fn docker(words: &[&str]) -> Command {
    let mut command = STRATA.docker([]);
    command.args(words);
    command
}

#[test]
fn the_frontend_named_by_a_build_argument() {
    let manifest = MANIFEST.replace("# syntax=strata\n", "");
    let folder = context(&[("strata.yaml", &manifest), ("say", "it")]);
    let mut command = docker(&["buildx", "build", "--file=strata.yaml", "."]);
    command.current_dir(folder.path()).arg("--build-arg=GREETING=hi");
    assert_eq!(says(command.arg("--build-arg=BUILDKIT_SYNTAX=strata")), "hi it");
}

#[test]
fn the_manifest_from_standard_input() {
    let folder = context(&[("say", "it")]);
    let mut command = docker(&["buildx", "build", "--file=-"]);
    assert_eq!(says_of(command.arg(folder.path()), MANIFEST.as_bytes()), "hello it");
    // Without a context, the code comes from elsewhere.
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let repository = server.create("app").unwrap();
    repository.commit(&[("say", "code")], "begin").unwrap();
    let manifest = MANIFEST.replace("code: .", &format!("code: {}", repository.url()));
    assert_eq!(says_of(&mut docker(&["buildx", "build", "-"]), manifest.as_bytes()), "hello code");
}

#[test]
fn an_archive_of_the_context_from_standard_input() {
    let folder = context(&[("strata.yaml", MANIFEST), ("say", "packed")]);
    let tar = ["-C", folder.path().to_str().unwrap(), "-cz", "."];
    let archive = Command::new("tar").args(tar).output().unwrap().stdout;
    let mut command = docker(&["buildx", "build", "--file=strata.yaml", "-"]);
    assert_eq!(says_of(&mut command, &archive), "hello packed");
}

#[test]
fn a_context_in_git() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let repository = server.create("app").unwrap();
    let deep = MANIFEST.replace("hello", "deep");
    let files = [("strata.yaml", MANIFEST), ("say", "root")];
    repository
        .commit(&[&files[..], &[("a/b/strata.yaml", &deep), ("a/b/say", "sub")]].concat(), "begin")
        .unwrap();
    repository.tag("v1").unwrap();
    repository.commit(&[("say", "newer")], "go on").unwrap();
    for (place, prints) in [
        ("", "hello newer"),
        ("#main", "hello newer"),
        ("#v1", "hello root"),
        ("#main:a/b", "deep sub"),
        ("?ref=v1&subdir=a/b", "deep sub"),
    ] {
        let url = format!("{}{place}", repository.url());
        let mut command = docker(&["buildx", "build", "--file=strata.yaml", &url]);
        assert_eq!(says(&mut command), prints, "{place}");
    }
    let mut command = docker(&["buildx", "build", "--file=-", repository.url()]);
    assert_eq!(says_of(&mut command, deep.as_bytes()), "deep newer");
}

#[test]
fn compose_and_bake() {
    let images = [(); 6].map(|()| Built { name: unique_name() });
    let [file, inline, service, deps, loud, quiet] = images.each_ref().map(|image| &*image.name);
    let indented = MANIFEST.replace('\n', "\n        ");
    let compose = format!(
        "\
services:
  file:
    image: {file}
    build: {{context: ., dockerfile: strata.yaml, args: {{GREETING: compose}}}}
  inline:
    image: {inline}
    build:
      context: .
      dockerfile_inline: |
        {}
",
        indented.replace("$", "$$")
    );
    // The base of one target is what another target makes.
    let bake = format!(
        "\
group default {{ targets = [\"service\", \"deps\", \"variants\"] }}
target base {{ dockerfile-inline = \"FROM {BASE}\\nENV FROM_TARGET=yes\" }}
target service {{
  dockerfile = \"strata.yaml\"
  contexts = {{ \"{BASE}\" = \"target:base\" }}
  args = {{ GREETING = \"bake\" }}
  tags = [\"{service}\"]
}}
target deps {{
  inherits = [\"service\"]
  target = \"deps\"
  tags = [\"{deps}\"]
}}
target variants {{
  name = variant
  matrix = {{ variant = [\"loud\", \"quiet\"] }}
  dockerfile = \"variants.yaml\"
  args = {{ VARIANT = variant }}
  tags = [variant == \"loud\" ? \"{loud}\" : \"{quiet}\"]
}}
"
    );
    let variants = "variants: {loud: {env: {GREETING: HELLO}}, quiet: {env: {GREETING: psst}}}\n";
    let folder = context(&[
        ("strata.yaml", MANIFEST),
        ("variants.yaml", &format!("{MANIFEST}{variants}")),
        ("say", "it"),
        ("compose.yaml", &compose),
        ("docker-bake.hcl", &bake),
    ]);
    let compose = ["compose", "--progress=plain", "build"];
    for words in [&compose, &["buildx", "bake", "--file=docker-bake.hcl"]] {
        building(|| output(docker(words).current_dir(folder.path()))).unwrap();
    }
    let [file, inline, service, deps, loud, quiet] = &images;
    assert_eq!((loud.run(&[]), quiet.run(&[])), ("HELLO it".into(), "psst it".into()));
    assert_eq!(file.run(&[]), "compose it");
    assert_eq!(inline.run(&[]), "hello it");
    assert_eq!(service.run(&["sh", "-c", "echo $GREETING $FROM_TARGET $(cat say)"]), "bake yes it");
    assert_eq!(deps.run(&["sh", "-c", "echo $FROM_TARGET $(ls /app)"]), "yes");
}

#[test]
fn another_base_by_the_same_name() {
    let other = Built::dockerfile(&format!("FROM {BASE}\nENV OTHER=yes\n"));
    let folder = context(&[("Dockerfile", &format!("FROM {BASE}\nENV OTHER=layout\n"))]);
    let mut command = build_file(&STRATA, folder.path(), "Dockerfile");
    let layout = Layout::built_by(command.arg("--provenance=false"));
    let manifest = MANIFEST.replace("$GREETING", "$OTHER");
    for (instead, prints) in [
        (format!("docker-image://{}", other.name), "yes it"),
        (format!("oci-layout://{}", layout.path().display()), "layout it"),
    ] {
        let instead = format!("--build-context={BASE}={instead}");
        let image = Built::new(&manifest, &[("say", "it")], &[instead]);
        assert_eq!(image.run(&[]), prints);
    }
}

#[test]
fn the_ignore_file_of_the_manifest_wins_over_the_folders() {
    let manifest = MANIFEST.replace("$(cat /app/say)", "$(ls -A /app)");
    let ignored = [(".dockerignore", "say\n"), ("say", ""), ("token", "")];
    assert_eq!(Built::new::<&str>(&manifest, &ignored, &[]).run(&[]), "hello token");
    let own = [&ignored[..], &[("strata.yaml.dockerignore", "token\n")]].concat();
    assert_eq!(Built::new::<&str>(&manifest, &own, &[]).run(&[]), "hello say");
}

#[test]
fn results_as_files() {
    let folder = context(&[("strata.yaml", MANIFEST), ("say", "it")]);
    let (files, archive) = (folder.path().join("files.tar"), folder.path().join("image.tar"));
    // Not `type=local`, by which buildx now and then waits for itself forever on a tree of this
    // size (fsutil's `syncStream`): `--target lock` is tested with that.
    for output in [
        format!("--output=type=tar,dest={}", files.display()),
        format!("--output=type=oci,dest={}", archive.display()),
    ] {
        Build::succeed(build(&STRATA, folder.path()).arg(output)).unwrap();
    }
    let of_files = |path| output(Command::new("tar").arg("-xOf").arg(&files).arg(path)).unwrap();
    assert_eq!(of_files("app/say"), "it");
    assert_eq!(of_files("home/app/"), "");
    let index = output(Command::new("tar").arg("-xOf").arg(archive).arg("index.json")).unwrap();
    assert!(index.contains("application/vnd.oci.image"), "{index}");
}

#[test]
fn no_cache() {
    let servers = Servers::start();
    // System packages are as any other step, and slow to fetch.
    let system = "system:\n  runtime: [tini]\n  build: [make]\n";
    let project = servers.project().replace(system, "");
    let all = "code dirs listing lock models packages probe source tool user venv";
    assert_eq!(ran(&project.build(&STRATA)).join(" "), all);
    // Cache mounts are emptied too, which must not be those of other tests.
    let fresh = project.clone().build_arg("BUILDKIT_CACHE_MOUNT_NS", &unique());
    let anew = fresh.clone().argument("--no-cache").build(&STRATA);
    assert_eq!(ran(&anew).join(" "), all, "{}", anew.report());
    let twice: Vec<_> = anew.ran().into_iter().filter(|vertex| vertex.times_run() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let again = project.build(&STRATA);
    assert_eq!(ran(&again), NOTHING, "what was made anew serves from now on");

    let some = fresh.argument("--no-cache-filter=models,Code").build(&STRATA);
    assert_eq!(ran(&some), ["code", "models"], "{}", some.report());
}

#[test]
fn questions_in_place_of_a_build() {
    let folder = context(&[("strata.yaml", MANIFEST), ("say", "it")]);
    for (flag, answer) in [
        ("--check", "no warnings found"),
        ("--call=targets", "image (default)"),
        ("--call=outline", "TARGET:"),
    ] {
        let mut command = build(&STRATA, folder.path());
        let Plain { status, text } = Plain::run(command.arg(flag)).unwrap();
        assert_eq!(status.code(), Some(0), "{text}");
        assert!(text.contains(answer), "{text}");
    }
}

#[test]
fn options_that_are_not_honoured() {
    let manifest = MANIFEST.replace("syntax=strata", "syntax=strata --fast");
    let folder = context(&[("strata.yaml", &manifest), ("say", "it")]);
    let mut command = build(&STRATA, folder.path());
    command.args(["--build-arg=BUILDKIT_NEWS=1", "--no-cache-filter=pakages,venv"]);
    let build = Build::succeed(&mut command).unwrap();
    let mut warnings: Vec<&str> = build.warnings.iter().map(|warning| &*warning.short).collect();
    warnings.sort_unstable();
    assert_eq!(
        warnings,
        [
            "IgnoredOption: Strata does not honour `--fast` after the image on the syntax line",
            "IgnoredOption: Strata does not honour `--no-cache-filter pakages`: the stages are \
             python, probe, venv, tool, lock, packages, toolchain, source, listing, models, user, runtime, \
             verify, files, code, dirs, image",
            "IgnoredOption: Strata does not honour build-arg:BUILDKIT_NEWS",
        ]
    );
}
