//! Models in the image: where programs find them, and what hubs are asked for.

use std::fs;
use std::process::Command;
use std::sync::PoisonError;

use integration::base_image;
use integration::buildx::{Build, Plain};
use integration::command::output;
use integration::daemons::CURRENT;
use integration::digest::sha256;
use integration::engine::Engine;
use integration::git_server::GitServer;
use integration::hub::{Hub, Repo};
use integration::package::Package;
use integration::package_index::PackageIndex;
use integration::tls::TlsFront;
use integration::weights::all_minilm_l6_v2;
use integration::workspace;
use rustix::fs::statvfs;

use serde_json::{Value, json};

use crate::built::Built;
use crate::layers::layers;
use crate::project::ran;
use crate::{BASE, HTTPS, STRATA, build, context, registry, unique};

/// A program that says what it finds, by the library's own functions and in `/models`.
const SHOW: &str = "\
import pathlib
from huggingface_hub import hf_hub_download, snapshot_download

def show(what, folder):
    files = [file for file in pathlib.Path(folder).rglob('*') if file.is_file()]
    found = sorted(f'{file.relative_to(folder)}={file.read_text()}' for file in files)
    print(what, *found)

for name in ['whole', 'part', 'tagged', 'private', 'elsewhere']:
    show(name, snapshot_download(f'tiny/{name}'))
show('v1', snapshot_download('tiny/tagged', revision='v1'))
print('weights', open(hf_hub_download('tiny/part', 'onnx/weights')).read())
show('to', '/models')
";

const SHOWN: &str = "\
whole config.json=whole onnx/config.json=onnx onnx/weights=\0onnx weights=\0
part config.json=whole onnx/config.json=onnx onnx/weights=\0onnx
tagged config.json=first
private config.json=whole onnx/config.json=onnx onnx/weights=\0onnx weights=\0
elsewhere config.json=elsewhere
v1 config.json=first
weights \0onnx
to archive/inner/config.json=unpacked folder/onnx/config.json=onnx folder/onnx/weights=\0onnx gated/weights=\0 single=\0";

#[test]
fn programs_find_models_without_a_network() {
    // With a NUL it is a binary file, which hubs keep elsewhere than text.
    let files = [
        ("config.json", "whole"),
        ("onnx/config.json", "onnx"),
        ("onnx/weights", "\0onnx"),
        ("weights", "\0"),
    ];
    let mut tagged = Repo::new("tiny/tagged", [("config.json", "first")]);
    tagged.tag("v1");
    tagged.commit([("config.json", "second")]);
    let address = STRATA.host_address().unwrap();
    let public = ["whole", "part", "folder", "single"].map(|name| format!("tiny/{name}"));
    let other = Repo::new("tiny/elsewhere", [("config.json", "elsewhere")]);
    let archive = tar("inner/config.json", "unpacked");
    let elsewhere = Hub::serve(address, [other]).unwrap();
    let hub = Hub::serve(
        address,
        public.map(|id| Repo::new(id, files)).into_iter().chain([
            Repo::new("tiny/private", files).private("open-sesame"),
            Repo::new("tiny/gated", files).gated("open-sesame"),
            Repo::new("tiny/archive", [("it.tar", archive.clone())]),
            tagged,
        ]),
    )
    .unwrap();

    let manifest = format!(
        "# syntax=strata
base: {BASE}
python: {{packages: [huggingface_hub==2.4.0]}}
models:
  - tiny/whole
  - {{hf: tiny/part, files: ['*.json', onnx/weights]}}
  - {{hf: tiny/tagged, revision: v1}}
  - {{hf: tiny/private, token: secret:my_token}}
  - {{hf: tiny/elsewhere, endpoint: '{}'}}
  - {{hf: tiny/folder, to: /models/folder, files: onnx/*}}
  - {{hf: tiny/single, to: /models/single, files: weights}}
  - {{hf: tiny/gated, to: /models/gated/, files: weights, token: secret:my_token}}
  - {{url: '{}/tiny/archive/resolve/main/it.tar', sha256: {}, unpack: true, to: /models/archive}}
code: .
cmd: [python, show.py]
",
        elsewhere.endpoint(),
        hub.endpoint(),
        sha256(&archive),
    );
    let folder = context(&[("token", "open-sesame")]);
    let arguments = [
        format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()),
        format!("--secret=id=my_token,src={}/token", folder.path().display()),
    ];
    let built = Built::new(&manifest, &[("show.py", SHOW)], &arguments);
    assert_eq!(built.run_with(&["--network=none"], &[]), SHOWN);
    let told: Vec<_> = hub.take_answered().into_iter().filter(|asked| asked.authorized).collect();
    let owned = |path: &str| path.contains("/tiny/private") || path.contains("/tiny/gated");
    assert!(!told.is_empty() && told.iter().all(|asked| owned(&asked.path)), "{told:?}");

    // Another program, and no token.
    let again = Built::new(&manifest, &[("show.py", "print('again')")], &arguments[..1]);
    assert_eq!(again.run(&[]), "again");
    assert_eq!(hub.take_answered(), []);

    let clashing = manifest.replace("to: /models/single", "to: /app/show.py");
    let folder = context(&[("strata.yaml", &*clashing), ("show.py", SHOW)]);
    let mut command = build(&STRATA, folder.path());
    let refused = Build::run(command.args(&arguments[..1])).unwrap().report();
    for says in ["tiny/single writes /app/show.py, and the code has that, too", "strata.yaml:11"] {
        assert!(refused.contains(says), "nobody says {says:?}: {refused}");
    }
}

/// Lists what models and code have brought, and who may do what with it.
const LIST: &str = "find /models /app /deep | sort | xargs stat --format '%n %U %a %Y'";

#[test]
fn models_of_the_build_context() {
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [six]}}
models:
  - {{context: weights/tiny.gguf, to: /models/}}
  - {{context: weights/tiny.gguf, to: /models/of/another.gguf}}
  - {{context: weights/encoder, to: /app/encoder}}
  - {{context: weights/encoder/deep, to: /deep}}
code: .
",
    );
    let (registry, _) = registry();
    // No step of it was run before.
    let [first, second] = [unique(), unique()];
    let folder = context(&[
        ("strata.yaml", &manifest),
        ("weights/tiny.gguf", &first),
        ("weights/encoder/deep/config.json", &first),
        ("weights/notes", "code"),
        ("main.py", &first),
    ]);
    let pushed = || {
        let output = format!("type=image,push=true,name={}/{}", registry.host(), unique());
        let mut command = build(&STRATA, folder.path());
        Build::succeed(command.args(["--provenance=false", "--output", &output])).unwrap()
    };
    let all = pushed();
    assert!(ran(&all).contains(&"models".to_owned()), "{:?}", ran(&all));
    let one = layers(&registry, &all);
    fs::write(folder.path().join("main.py"), &second).unwrap();
    let edited = pushed();
    assert_eq!(ran(&edited), ["code"]);
    // The same files of another day, and nothing else of where they are from.
    let model = folder.path().join("weights/encoder/deep/config.json");
    fs::write(&model, &second).unwrap();
    assert_eq!(ran(&pushed()), ["models"]);
    fs::write(&model, &first).unwrap();
    let mut again = build(&STRATA, folder.path());
    let output = format!("type=image,push=true,name={}/{}", registry.host(), unique());
    again.args(["--provenance=false", "--no-cache-filter=models", "--output", &output]);
    let again = layers(&registry, &Build::succeed(&mut again).unwrap());
    let models = |layers: &[(String, String)]| -> Vec<_> {
        layers.iter().filter(|(purpose, _)| purpose.starts_with("model ")).cloned().collect()
    };
    assert_eq!((models(&one).len(), models(&one)), (4, models(&again)));

    let built = Built::of::<&str>(folder.path(), &[]);
    let shown = built.run(&["sh", "-c", LIST]);
    let paths: Vec<_> = shown.lines().filter_map(|line| line.split_once(" root ")).collect();
    let expected = [
        ("/app", "755"),
        ("/app/encoder", "755"),
        ("/app/encoder/deep", "755"),
        ("/app/encoder/deep/config.json", "644"),
        ("/app/main.py", "644"),
        ("/app/weights", "755"),
        ("/app/weights/notes", "644"),
        ("/deep", "755"),
        ("/deep/config.json", "644"),
        ("/models", "755"),
        ("/models/of", "755"),
        ("/models/of/another.gguf", "644"),
        ("/models/tiny.gguf", "644"),
    ]
    .map(|(path, mode)| (path, format!("{mode} 315532800")));
    let expected = expected.each_ref().map(|(path, stamp)| (*path, stamp.as_str()));
    assert_eq!(paths, expected, "{shown}");
}

/// An archive of one file.
fn tar(path: &str, text: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn neither_another_base_nor_another_frontend_fetches_again() {
    let text = unique();
    let hub = Repo::new("tiny/open", [("config.json", text.clone())]).licensed("mit");
    let hub = Hub::serve(STRATA.host_address().unwrap(), [hub]).unwrap();
    let manifest = format!(
        "# syntax=strata
args: {{BASE: {BASE}}}
base: ${{BASE}}
python: {{packages: [six==1.17.0]}}
models:
  - tiny/open
  - {{url: '{}/tiny/open/resolve/main/config.json', sha256: {}, to: /models/}}
",
        hub.endpoint(),
        sha256(text.as_bytes()),
    );
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let runs = |manifest: &str, base: &str| {
        let folder = context(&[("strata.yaml", manifest)]);
        let mut command = build(&STRATA, folder.path());
        command.args([&endpoint, &format!("--build-arg=BASE={base}")]);
        ran(&Build::succeed(&mut command).unwrap()).join(" ")
    };
    let first = runs(&manifest, BASE);
    assert!(first.contains("listing") && first.contains("models"), "{first}");
    // What the repository is and what it holds, and two files.
    assert_eq!(hub.take_answered().len(), 4);

    let base = Built::dockerfile(&format!("FROM {BASE}\nENV OTHER={text}\n"));
    assert_eq!(runs(&manifest, &base.name), "lock packages probe tool user venv");
    // Its content is another one, and its fetcher is the same.
    let other = Built::dockerfile(&format!("FROM strata\nCOPY Dockerfile /other-{text}\n"));
    let syntax = format!("# syntax={}", other.name);
    assert_eq!(runs(&manifest.replace("# syntax=strata", &syntax), BASE), "");
    assert_eq!(hub.take_answered(), []);
}

/// Prints the words that the pipeline sees.
const WORDS: &str = "import spacy; print(*spacy.load('en_tiny')('Hello, world'), sep='|')";

#[test]
fn spacys_pipelines() {
    let pipeline = Package::new("en_tiny", "3.8.0").file(
        "en_tiny/__init__.py",
        "import spacy\n\ndef load(**overrides):\n    return spacy.blank('en')\n",
    );
    let address = STRATA.host_address().unwrap();
    let wheel = pipeline.wheel().unwrap();
    let sum = sha256(&wheel.content);
    let releases = PackageIndex::serve(address, [wheel]).unwrap();
    let manifest = |version: &str| {
        format!(
            "# syntax=strata\nbase: {BASE}\npython: {{packages: [spacy==3.8.7, click], installer: uv}}\n\
             models: [{{spacy: en_tiny=={version}, endpoint: 'http://{}/releases'}}]\n\
             cmd: [python, -c, \"{WORDS}\"]\n",
            releases.address()
        )
    };
    let built = Built::new::<&str>(&manifest("3.8.0"), &[], &[]);
    assert_eq!(built.run_with(&["--network=none"], &[]), "Hello|,|world");

    // The lock notes what it is; with it nobody warns, and another file is none.
    let folder = context(&[("strata.yaml", &manifest("3.8.0"))]);
    let build_here =
        |arguments: &[&str]| Build::run(build(&STRATA, folder.path()).args(arguments)).unwrap();
    let unpinned = |build: &Build| {
        build.warnings.iter().any(|warning| warning.short.starts_with("UnpinnedModel: "))
    };
    assert!(unpinned(&build_here(&[])));
    let output = format!("--output={}", folder.path().display());
    let locked = build_here(&["--target=lock", &output]);
    assert!(locked.success && !unpinned(&locked), "{}", locked.report());
    let again = build_here(&[]);
    assert!(again.success && !unpinned(&again), "{}", again.report());
    let lock = fs::read_to_string(folder.path().join("strata.lock")).unwrap();
    let other = lock.replace(&sum, &sha256(b"another"));
    assert_ne!(other, lock, "it has no {sum}");
    fs::write(folder.path().join("strata.lock"), other).unwrap();
    let refused = build_here(&[]);
    let says = "is not what it should be: its checksum is ";
    assert!(!refused.success && refused.report().contains(says), "{}", refused.report());

    let folder = context(&[("strata.yaml", &manifest("3.7.0"))]);
    let refused = Build::run(&mut build(&STRATA, folder.path())).unwrap();
    let says = "en_tiny 3.7.0 is for spaCy 3.7, and 3.8.7 is installed";
    assert!(!refused.success && refused.text.contains(says), "{}", refused.report());
}

#[test]
fn a_command_that_downloads() {
    let hub = Repo::new("tiny/open", [("config.json", "first")]);
    let hub = Hub::serve(STRATA.host_address().unwrap(), [hub]).unwrap();
    let manifest = format!(
        "# syntax=strata
base: {BASE}
python: {{packages: [huggingface_hub==2.4.0, six==1.17.0, docopt==0.6.2], verify: [six]}}
models:
  - name: snapshot
    run: [python, -c, \"from huggingface_hub import snapshot_download as s; s('tiny/open')\"]
    env: {{HF_ENDPOINT: '{}', NUMBER: {}}}
    needs: huggingface_hub
    keep: ~/.cache/huggingface
env: {{HF_HUB_OFFLINE: 1}}
cmd: [python, -c, \"from huggingface_hub import hf_hub_download as d; \
                   print(open(d('tiny/open', 'config.json')).read())\"]
",
        hub.endpoint(),
        unique(),
    );
    // No step of it was run before, on an engine that has run this test before, either.
    let once = format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={}", unique());
    let built = Built::new(&manifest, &[], &[&once]);
    assert_eq!(built.run_with(&["--network=none"], &[]), "first");
    let owned = built.run(&["sh", "-c", "touch ~/.cache/huggingface/x && stat -c %U ~/.cache"]);
    assert_eq!(owned, "app");
    assert!(!hub.take_answered().is_empty());

    let runs = |manifest: &str| {
        let folder = context(&[("strata.yaml", manifest)]);
        Build::run(build(&STRATA, folder.path()).arg(&once)).unwrap()
    };
    let bumped = runs(&manifest.replace("six==1.17.0", "six==1.16.0"));
    assert_eq!(ran(&bumped), ["lock", "packages", "verify"], "{}", bumped.report());
    assert_eq!(hub.take_answered(), []);

    hub.update("tiny/open", |repo| repo.commit([("config.json", "second")])).unwrap();
    let anew = Built::new(&manifest, &[], &[&*once, "--no-cache-filter=models"]);
    assert_eq!(anew.run_with(&["--network=none"], &[]), "second");
    let snapshots = "ls ~/.cache/huggingface/hub/models--tiny--open/snapshots | wc -l";
    assert_eq!(anew.run(&["sh", "-c", snapshots]), "1", "nothing of what ran before");

    for (what, with, says) in [
        ("s('tiny/open')", "s('tiny/none')", "python ended with status 1: see its words above"),
        ("huggingface\nenv", "nothing\nenv", "the command has made no /home/app/.cache/nothing"),
        ("needs: huggingface_hub", "needs: huggingface_hob", "did you mean `huggingface-hub`?"),
    ] {
        let refused = runs(&manifest.replace(what, with));
        let report = refused.report();
        assert!(!refused.success && report.contains(says), "{with}: {report}");
        assert!(report.contains("strata.yaml:5"), "{with}: {report}");
    }
}

/// Downloads a model, and prints what it has.
const DOWNLOAD: &str = "import sys; from huggingface_hub import hf_hub_download as download; \
                        print(open(download(sys.argv[1], 'config.json')).read())";

#[test]
fn what_a_command_has_downloaded_outlives_its_failure_and_not_its_success() {
    // Its home is a folder of the system's.
    let manifest = |keep: &str, id: &str| {
        format!(
            "# syntax=strata
base: {BASE}
user: daemon
models:
  - name: twice
    run:
      - sh
      - -c
      - |
        cd ~/.cache && mkdir it /usr/share/{id}
        test -e tried || {{ touch tried; exit 1; }}
        printf '#!/bin/sh\\necho {id}\\n' | tee it/tool > /usr/share/{id}/tool
        chmod +x it/tool
    keep: [{keep}]
"
        )
    };
    let id = unique();
    let one = format!("~/.cache/it/tool, /usr/share/{id}");
    let fails = |manifest: &str| {
        let folder = context(&[("strata.yaml", manifest)]);
        let report = Build::run(&mut build(&STRATA, folder.path())).unwrap();
        assert!(!report.success && report.report().contains("ended with status 1"));
    };
    fails(&manifest(&one, &id));
    let built = Built::new::<&str>(&manifest(&one, &id), &[], &[]);
    assert_eq!(built.run(&["sh", "-c", "~/.cache/it/tool"]), id);
    let stat = format!("stat -c %U /usr /usr/sbin /usr/share /usr/share/{id} ~/.cache ~/.cache/it");
    let owners = built.run(&["sh", "-c", &stat]);
    assert_eq!(
        owners.lines().collect::<Vec<_>>(),
        ["root", "root", "root", "root", "daemon", "daemon"]
    );
    // The same command in another step, which has the same cache.
    fails(&manifest("~/.cache/it", &id));
}

#[test]
fn development_with_the_models_in_a_volume() {
    let models = ["baked", "other"]
        .map(|name| Repo::new(format!("tiny/{name}"), [("config.json", format!("{name} 1"))]));
    let hub = Hub::serve(STRATA.host_address().unwrap(), models).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [huggingface_hub==2.4.0]}}\n\
         models: tiny/baked\ndev: {{models: volume}}\nentrypoint: [python, -c, \"{DOWNLOAD}\"]\n"
    );
    let endpoint = format!("HF_ENDPOINT={}", hub.endpoint());
    let arguments = [format!("--build-arg={endpoint}"), "--target=dev".into()];
    let built = Built::new(&manifest, &[], &arguments);
    assert_eq!(built.config()["Volumes"], json!({"/opt/huggingface": {}}));

    let name = format!("strata-test-{}", unique());
    let volume = format!("--volume={name}:/opt/huggingface");
    let run = |options: &[&str], model| {
        let online = ["--env", &endpoint, &volume, "--read-only", "--tmpfs=/tmp"];
        built.run_with(&[&online, options].concat(), &[model])
    };
    let offline = ["--network=none", "--env=HF_HUB_OFFLINE=1"];
    assert_eq!(run(&offline, "tiny/baked"), "baked 1", "an empty volume begins with the image's");
    assert_eq!(run(&[], "tiny/other"), "other 1");
    hub.update("tiny/baked", |repo| repo.commit([("config.json", "baked 2")])).unwrap();
    assert_eq!(run(&[], "tiny/baked"), "baked 2", "what the image brought is renewed in place");
    assert_eq!(run(&offline, "tiny/baked"), "baked 2");
    assert_eq!(run(&offline, "tiny/other"), "other 1");
    output(&mut STRATA.docker(["volume", "rm", &name])).unwrap();
}

#[test]
fn the_models_alone() {
    let weights = unique();
    let files = [("config.json", "{}".to_owned()), ("w.bin", weights.clone())];
    let model = Repo::new("tiny/shared", files);
    let hub = Hub::serve(STRATA.host_address().unwrap(), [model]).unwrap();
    let (registry, base) = registry();
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let pushed = |manifest: &str, target: &str| {
        let folder = context(&[("strata.yaml", manifest)]);
        let output = format!("type=image,push=true,name={}/{}", registry.host(), unique());
        let mut command = build(&STRATA, folder.path());
        let target = format!("--target={target}");
        command.args(["--provenance=false", &endpoint, &target, "--output", &output]);
        let mut layers = layers(&registry, &Build::succeed(&mut command).unwrap());
        layers.retain(|(purpose, _)| purpose.contains("tiny/shared"));
        layers
    };
    let models = "models: tiny/shared\n";
    let one = format!("# syntax=strata\nbase: {BASE}\npython: {{packages: [six]}}\n{models}");
    let other = format!("# syntax=strata\nbase: {base}\nuser: root\n{models}");
    let layers = pushed(&one, "image");
    assert_eq!(layers.len(), 2, "{layers:?}");
    assert_eq!(pushed(&other, "image"), layers);
    assert_eq!(pushed(&other, "models"), layers);

    let folder = context(&[("strata.yaml", &other)]);
    let files = folder.path().join("files");
    let mut command = build(&STRATA, folder.path());
    command.args([&endpoint, "--target=models", "--output"]).arg(&files);
    Build::succeed(&mut command).unwrap();
    let cache = files.join("opt/huggingface/hub/models--tiny--shared");
    let commit = fs::read_to_string(cache.join("refs/main")).unwrap();
    let read = |name| fs::read_to_string(cache.join("snapshots").join(&commit).join(name)).unwrap();
    assert_eq!((read("config.json"), read("w.bin")), ("{}".to_owned(), weights));
    let top: Vec<_> = fs::read_dir(&files).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(top, ["opt"], "nothing but models");
    let stated = fs::read_dir(files.join("opt/strata/models")).unwrap().next().unwrap().unwrap();
    let stated: Value = serde_json::from_slice(&fs::read(stated.path()).unwrap()).unwrap();
    assert_eq!((&stated["name"], &stated["commit"]), (&json!("tiny/shared"), &json!(commit)));
    assert_eq!(stated["files"].as_array().unwrap().len(), 2);
}

#[test]
fn weights_that_stay_are_not_pushed_again() {
    let id = unique();
    // With so many bytes they are a layer of their own.
    let files = |config: &str| {
        [("config.json", config.as_bytes().to_vec()), ("model.safetensors", vec![0; 100_000_000])]
    };
    let hub = Hub::serve(STRATA.host_address().unwrap(), [Repo::new("tests/weights", files(&id))]);
    let hub = hub.unwrap();
    let (registry, _) = registry();
    let folder = context(&[(
        "strata.yaml",
        &format!("# syntax=strata\nbase: {BASE}\nmodels: tests/weights\n"),
    )]);
    let pushed = || {
        let output = format!("type=image,push=true,name={}/{}", registry.host(), unique());
        let mut command = build(&STRATA, folder.path());
        command.args(["--provenance=false", "--target=models", "--no-cache-filter=listing"]);
        command.arg(format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()));
        layers(&registry, &Build::succeed(command.args(["--output", &output])).unwrap())
    };
    let one = pushed();
    hub.update("tests/weights", |repo| repo.commit(files("another"))).unwrap();
    drop(hub.take_answered());
    let other = pushed();
    let parts = |layers: &[(String, String)]| -> Vec<String> {
        layers.iter().map(|(purpose, _)| purpose.split(", ").last().unwrap().to_owned()).collect()
    };
    let expected = ["part 2 of 2", "what tests/weights is", "part 1 of 2"];
    assert_eq!((parts(&one), parts(&other)), (expected.map(Into::into).into(), parts(&one)));
    let same: Vec<bool> = one.iter().zip(&other).map(|(one, other)| one.1 == other.1).collect();
    assert_eq!(same, [false, false, true], "{one:?} {other:?}");
    let sent: u64 = hub.take_answered().iter().map(|answered| answered.sent).sum();
    assert!(sent < 1_000_000, "the builder had the weights: {sent}");
}

#[test]
fn what_a_lock_pins() {
    // Bytes that no engine has yet.
    let one = unique();
    let files = [("config.json", one.clone()), ("x.onnx", "\0".to_owned())];
    let weights = ("model.safetensors", format!("\0{one}"));
    let mut model = Repo::new("tiny/locked", files.clone());
    model.commit(files.into_iter().chain([weights]));
    let hub = Hub::serve(STRATA.host_address().unwrap(), [model.licensed("mit")]).unwrap();
    let folder = context(&[(
        "strata.yaml",
        &format!(
            "# syntax=strata\nbase: {BASE}\nmodels: [{{hf: tiny/locked, to: /m/}}]\n\
             cmd: [sh, -c, 'cat /m/config.json; ls /m']\n"
        ),
    )]);
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let locked = || {
        let mut command = build(&STRATA, folder.path());
        command.args([&endpoint, "--target=lock", "--output"]).arg(folder.path());
        Build::succeed(&mut command).unwrap();
        fs::read_to_string(folder.path().join("strata.lock")).unwrap()
    };
    let text = locked();
    let commit = hub.update("tiny/locked", |repo| repo.head().to_owned()).unwrap();
    assert!(text.contains(&format!("commit = \"{commit}\"\nlicense = \"mit\"\n")), "{text}");
    assert!(!text.contains("x.onnx"), "what is not wanted is not pinned: {text}");
    hub.update("tiny/locked", |repo| repo.commit([("config.json", "two")])).unwrap();
    assert!(!hub.take_answered().is_empty());

    let says = format!("{one}config.json\nmodel.safetensors");
    let built = Built::of(folder.path(), &[&endpoint]);
    assert_eq!(built.run(&[]), says);
    let asked: Vec<_> = hub.take_answered().into_iter().map(|asked| asked.path).collect();
    let lists = |path: &String| path.contains("/api/");
    assert!(!asked.is_empty() && !asked.iter().any(lists), "{asked:?}");
    assert_eq!(locked(), text);
    let again = Built::of(folder.path(), &[&endpoint]);
    assert_eq!(again.run(&[]), says);
    assert_eq!(hub.take_answered(), [], "a lock and a cache ask nobody");

    fs::remove_file(folder.path().join("strata.lock")).unwrap();
    let anew = ["--no-cache-filter=listing", &*endpoint];
    let newest = Built::of(folder.path(), &anew);
    assert_eq!(newest.run(&[]), "twoconfig.json");
}

#[test]
fn a_hub_behind_a_company() {
    const HOST: &str = "hub.strata.test";
    let _port = HTTPS.lock().unwrap_or_else(PoisonError::into_inner);
    let address = STRATA.host_address().unwrap();
    // The host is always the same: what an engine has of it may not be this one's.
    let name = format!("tiny/{}", unique());
    let hub = Hub::serve(address, [Repo::new(&*name, [("config.json", unique())])]).unwrap();
    let listens = hub.endpoint().trim_start_matches("http://").parse().unwrap();
    let front = TlsFront::serve(address, HOST, listens).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\nmodels: [{{hf: {name}, to: /m/}}]\ncmd: [ls, /m]\n"
    );
    let (host, endpoint) =
        (format!("--add-host={HOST}:{address}"), format!("--build-arg=HF_ENDPOINT=https://{HOST}"));
    let folder = context(&[("strata.yaml", &manifest)]);
    let mut command = build(&STRATA, folder.path());
    let refused = Build::run(command.args([&host, &endpoint])).unwrap().report();
    for says in ["UnknownIssuer", "--secret id=ca_bundle,src=FILE", "strata.yaml:3"] {
        assert!(refused.contains(says), "nobody says {says:?}: {refused}");
    }
    let authority = format!("--secret=id=ca_bundle,src={}", front.authority().display());
    let built = Built::new(&manifest, &[], &[&host, &endpoint, &authority]);
    assert_eq!(built.run(&[]), "config.json");

    // A proxy is asked for the whole URL, as this hub answers it, too.
    let proxied = [
        "--build-arg=HF_ENDPOINT=http://hub.strata.invalid".to_owned(),
        format!("--build-arg=HTTP_PROXY={}", hub.endpoint()),
    ];
    assert_eq!(Built::new(&manifest, &[], &proxied).run(&[]), "config.json");
}

#[test]
fn the_quickstart_with_the_real_model() {
    let address = STRATA.host_address().unwrap();
    let hub = Hub::serve(address, [all_minilm_l6_v2().unwrap()]).unwrap();
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let base = format!("--build-context=python:3.12-slim=docker-image://{BASE}");
    let example = workspace::root().join("examples/quickstart");
    let sentences = ["The weather is lovely today.", "It's so sunny outside!"];
    let similar = |built: &Built| built.run_with(&["--network=none"], &sentences);
    // As the model's own documentation has it (<https://sbert.net>, its first example).
    let documented = "\
The weather is lovely today.   1.000   0.666
It's so sunny outside!         0.666   1.000";

    assert_eq!(similar(&Built::of(&example, &[&endpoint, &base])), documented);
    // Not for the weights, where another test's hub was asked for them before.
    assert!(!hub.take_answered().is_empty());

    let server = GitServer::serve(address).unwrap();
    let repository = server.create("quickstart").unwrap();
    let code = ["main.py", "minilm.py"]
        .map(|name| (name, fs::read_to_string(example.join(name)).unwrap()));
    repository.commit(&code, "begin").unwrap();
    let from_git = format!("--build-arg=CODE={}", repository.url());
    assert_eq!(similar(&Built::of(&example, &[endpoint, base, from_git])), documented);
    assert_eq!(hub.take_answered(), []);
}

#[test]
fn a_model_larger_than_the_disk() {
    let engine = Engine::empty(CURRENT).unwrap();
    // All that builds make and keep is there.
    let disk = engine.home().join("containerd/io.containerd.snapshotter.v1.overlayfs/snapshots");
    fs::create_dir_all(&disk).unwrap();
    let mount = |options: &str| {
        let mut mount = Command::new("mount");
        output(mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&disk)).unwrap();
    };
    mount("size=2g");
    STRATA.copy_image("strata", &engine).unwrap();
    base_image::load(&engine, BASE).unwrap();
    let taken = statvfs(&disk).unwrap();
    let taken = (taken.f_blocks - taken.f_bfree) * taken.f_frsize;
    mount(&format!("remount,size={}", taken + 50_000_000));

    let large = Repo::new("tests/large", [("model.safetensors", vec![0; 100_000_000])]);
    let hub = Hub::serve(engine.host_address().unwrap(), [large]).unwrap();
    let manifest = format!("# syntax=strata\nbase: {BASE}\nmodels:\n  - tests/large\n");
    let folder = context(&[("strata.yaml", &manifest)]);
    let mut command = build(&engine, folder.path());
    command.arg("--target=models").arg(format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()));
    let Plain { status, text } = Plain::run(&mut command).unwrap();

    assert_eq!(status.code(), Some(1), "{text}");
    for said in [
        "the builder's disk is too full: 100.0 MB of tests/large take up to twice as much",
        "strata.yaml:4",
        ">>>   - tests/large",
    ] {
        assert!(text.contains(said), "nobody says {said:?}:\n{text}");
    }
}
