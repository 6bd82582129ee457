//! What is left in `OUT`: the cache of huggingface_hub to the last link, and the same stamps always.

use std::os::unix::fs::MetadataExt as _;

use integration::hub::{Hub, Repo};
use integration::{command, python};
use strata::recipe;

use crate::scene::{Held, LOCALHOST, Scene, bytes, fetch, held, of_hub, walk};

#[test]
fn the_cache_is_as_its_own_library_makes_it() {
    let library = python::installed("huggingface_hub", "huggingface_hub==2.4.0\n", &[]).unwrap();
    for (id, kind) in [("org/model", "model"), ("datasets/org/data", "dataset")] {
        // Two files are the same, and one is empty.
        let mut repo = Repo::new(
            id,
            [
                ("config.json", b"{}".to_vec()),
                ("onnx/deep/ü x+y.json", b"{}".to_vec()),
                ("onnx/weights", bytes(1000)),
                ("weights", bytes(1000)),
                ("__init__.py", Vec::new()),
            ],
        );
        repo.tag("v1");
        let hub = Hub::serve(LOCALHOST, [repo]).unwrap();
        let (scene, home) = (Scene::new(), tempfile::tempdir().unwrap());
        let asked = recipe::Hub { revision: "v1".into(), ..of_hub(&hub, id) };
        scene.run(&fetch(&scene, &asked, None)).well();

        for revision in ["v1", "main"] {
            let call = format!(
                "import huggingface_hub; huggingface_hub.snapshot_download('{}', \
                 repo_type='{kind}', revision='{revision}')",
                asked.repository
            );
            command::output(
                python::python()
                    .unwrap()
                    .args(["-c", &call])
                    .env("PYTHONPATH", &library)
                    .env("HF_HOME", home.path())
                    .env("HF_ENDPOINT", hub.endpoint())
                    .env("HF_HUB_DISABLE_TELEMETRY", "1")
                    .env_remove("HF_TOKEN"),
            )
            .unwrap();
        }
        let of_cache = |held: Held, hub: &str| -> Held {
            let parts = ["blobs", "refs", "snapshots"];
            let name = format!("{hub}/{kind}s--{}/", asked.repository.replace('/', "--"));
            let inner = held.into_iter().filter_map(|(path, content)| {
                let path = path.strip_prefix(&name)?.to_owned();
                parts.iter().any(|part| path.starts_with(part)).then_some((path, content))
            });
            inner.collect()
        };
        let own = of_cache(scene.out(), "hf/hub");
        assert_eq!(own.len(), 3 + 2 + 5);
        assert_eq!(own, of_cache(held(home.path()), "hub"), "{id}");
    }
}

#[test]
fn every_stamp_is_the_same() {
    let files = [("config.json", b"{}".to_vec()), ("onnx/weights", bytes(1000))];
    let hub = Hub::serve(LOCALHOST, [Repo::new("org/model", files)]).unwrap();
    let scene = Scene::new();
    scene.run(&fetch(&scene, &of_hub(&hub, "org/model"), None)).well();
    let mut seen = 0;
    walk(&scene.path("out"), &mut |path, entry| {
        assert_eq!((entry.mtime(), entry.mtime_nsec()), (315_532_800, 0), "{}", path.display());
        let mode = entry.mode() & 0o7777;
        if !entry.is_symlink() {
            assert_eq!(mode, if entry.is_dir() { 0o755 } else { 0o644 }, "{}", path.display());
        }
        seen += 1;
    });
    assert!(seen > 10, "{seen}");
}
