//! Models in the image: where programs find them, and what hubs are asked for.

use std::fs;

use integration::git_server::GitServer;
use integration::hub::{Hub, Repo};
use integration::weights::all_minilm_l6_v2;
use integration::workspace;

use crate::built::Built;
use crate::{BASE, STRATA, context};

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
to folder/onnx/config.json=onnx folder/onnx/weights=\0onnx gated/weights=\0 single=\0";

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
    let elsewhere = Hub::serve(address, [other]).unwrap();
    let hub = Hub::serve(
        address,
        public.map(|id| Repo::new(id, files)).into_iter().chain([
            Repo::new("tiny/private", files).private("open-sesame"),
            Repo::new("tiny/gated", files).gated("open-sesame"),
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
code: .
cmd: [python, show.py]
",
        elsewhere.endpoint()
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
}

#[test]
fn the_quickstart_with_the_real_model() {
    let address = STRATA.host_address().unwrap();
    let hub = Hub::serve(address, [all_minilm_l6_v2().unwrap()]).unwrap();
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let example = workspace::root().join("examples/quickstart");
    let sentences = ["The weather is lovely today.", "It's so sunny outside!"];
    let similar = |built: &Built| {
        built.run_with(&["--network=none"], &["python", "main.py", sentences[0], sentences[1]])
    };
    // As the model's own documentation has it (<https://sbert.net>, its first example).
    let documented = "\
The weather is lovely today.   1.000   0.666
It's so sunny outside!         0.666   1.000";

    assert_eq!(similar(&Built::of(&example, &[&endpoint])), documented);
    assert!(hub.take_answered().iter().map(|asked| asked.sent).sum::<u64>() > 80_000_000);

    let server = GitServer::serve(address).unwrap();
    let repository = server.create("quickstart").unwrap();
    let code = ["main.py", "minilm.py"]
        .map(|name| (name, fs::read_to_string(example.join(name)).unwrap()));
    repository.commit(&code, "begin").unwrap();
    let from_git = format!("--build-arg=CODE={}", repository.url());
    assert_eq!(similar(&Built::of(&example, &[endpoint, from_git])), documented);
    assert_eq!(hub.take_answered(), []);
}
