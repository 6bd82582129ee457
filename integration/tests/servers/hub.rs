//! The hub, asked by huggingface_hub itself.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use integration::hub::{Hub, Repo};
use tempfile::TempDir;

use crate::python::python;

/// A weights file: as it has a NUL, it goes to large file storage, under its SHA-256.
const WEIGHTS: &str = "\0weights";
const WEIGHTS_SHA256: &str = "10dab9368f602c9d8cf00ebfa8411059526b8a5bc9668bca83f5e6f73a1f900c";

fn model() -> Repo {
    let files = [
        ("1_Pooling/config.json", "{\"mean\": true}"),
        ("config.json", "{}"),
        ("model.safetensors", WEIGHTS),
    ];
    Repo::new("org/model", files)
}

/// A hub with one repository, and somebody who downloads from it.
struct Scene {
    hub: Hub,
    home: TempDir,
    env: Vec<(&'static str, String)>,
}

impl Scene {
    fn new(repo: Repo) -> Self {
        let hub = Hub::serve(IpAddr::V4(Ipv4Addr::LOCALHOST), [repo]).unwrap();
        let env = vec![("HF_ENDPOINT", hub.endpoint())];
        let home = TempDir::new().unwrap();
        Self { hub, home, env }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// What a call of huggingface_hub returns, a path, or the name of the error that it raises.
    fn call(&self, call: &str) -> Result<PathBuf, String> {
        let output = python(self.home.path())
            .args(["-c", &format!("import huggingface_hub; print(huggingface_hub.{call})")])
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).unwrap().trim_end().into());
        }
        let traceback = String::from_utf8(output.stderr).unwrap();
        let raised = traceback.lines().rfind(|line| line.starts_with("huggingface_hub.errors."));
        let raised =
            raised.and_then(|line| line["huggingface_hub.errors.".len()..].split(':').next());
        Err(raised.unwrap_or(&traceback).into())
    }

    /// The files whose content the hub has sent since the last call; large ones by SHA-256.
    fn sent(&self) -> Vec<String> {
        let answered = self.hub.take_answered().into_iter();
        let content = answered.filter(|one| one.sent > 0 && !one.path.starts_with("/api/"));
        let mut files: Vec<String> = content
            .map(|one| match one.path.split_once("/resolve/") {
                Some((_, file)) => file.split_once('/').unwrap().1.into(),
                None => one.path[1..].into(),
            })
            .collect();
        files.sort();
        files
    }
}

#[test]
fn branches_tags_and_commits_are_found() {
    let mut repo = model();
    let first = repo.head().to_owned();
    repo.tag("v1");
    let second = repo.commit([("config.json", "{\"new\": true}")]);
    let scene = Scene::new(repo);
    for (revision, commit, config) in [
        ("None", &second, "{\"new\": true}"),
        ("'main'", &second, "{\"new\": true}"),
        ("'v1'", &first, "{}"),
        (&format!("'{first}'"), &first, "{}"),
    ] {
        let call = format!("snapshot_download('org/model', revision={revision})");
        let snapshot = scene.call(&call).unwrap();
        assert!(snapshot.ends_with(commit), "{revision} is {}", snapshot.display());
        let read = std::fs::read_to_string(snapshot.join("config.json")).unwrap();
        assert_eq!(read, config, "{revision}");
    }
}

#[test]
fn a_snapshot_holds_the_bytes_that_were_committed() {
    let scene = Scene::new(model());
    let snapshot = scene.call("snapshot_download('org/model')").unwrap();
    for (file, content) in
        [("1_Pooling/config.json", "{\"mean\": true}"), ("model.safetensors", WEIGHTS)]
    {
        assert_eq!(std::fs::read_to_string(snapshot.join(file)).unwrap(), content, "{file}");
    }
}

#[test]
fn only_what_a_pattern_asks_for_is_sent() {
    let scene = Scene::new(model());
    for (patterns, files) in [
        ("'config.json'", vec!["config.json"]),
        ("['*.json']", vec!["1_Pooling/config.json"]),
        ("'*.safetensors'", vec![WEIGHTS_SHA256]),
        ("'*.gguf'", vec![]),
    ] {
        let call = format!("snapshot_download('org/model', allow_patterns={patterns})");
        scene.call(&call).unwrap();
        assert_eq!(scene.sent(), files, "{patterns}, after what came before");
    }
}

#[test]
fn a_slow_hub_sends_the_same() {
    let scene = Scene::new(model());
    scene.hub.slow_down(1);
    let snapshot = scene.call("snapshot_download('org/model')").unwrap();
    assert_eq!(std::fs::read_to_string(snapshot.join("model.safetensors")).unwrap(), WEIGHTS);
}

#[test]
fn a_new_commit_sends_only_what_it_changed() {
    let scene = Scene::new(model());
    scene.call("snapshot_download('org/model')").unwrap();
    assert_eq!(scene.sent().len(), 3);
    scene.call("snapshot_download('org/model')").unwrap();
    assert_eq!(scene.sent(), [""; 0]);
    let files = [("config.json", "{\"new\": true}"), ("model.safetensors", WEIGHTS)];
    let commit = scene.hub.update("org/model", |repo| repo.commit(files)).unwrap();
    let snapshot = scene.call("snapshot_download('org/model')").unwrap();
    assert!(snapshot.ends_with(commit));
    assert_eq!(scene.sent(), ["config.json"]);
}

#[test]
fn what_may_not_be_read_is_refused_as_the_hub_refuses_it() {
    let open = || Scene::new(model());
    let gated = || Scene::new(model().gated("hf_secret"));
    let private = || Scene::new(model().private("hf_secret"));
    for (scene, call, error) in [
        (open(), "snapshot_download('org/other')", "RepositoryNotFoundError"),
        (open(), "snapshot_download('org/model', revision='v9')", "RevisionNotFoundError"),
        (open(), "hf_hub_download('org/model', 'none.json')", "RemoteEntryNotFoundError"),
        (gated(), "snapshot_download('org/model')", "GatedRepoError"),
        (gated().with("HF_TOKEN", "hf_other"), "snapshot_download('org/model')", "GatedRepoError"),
        (private(), "snapshot_download('org/model')", "RepositoryNotFoundError"),
        (
            private().with("HF_TOKEN", "hf_other"),
            "snapshot_download('org/model')",
            "RepositoryNotFoundError",
        ),
    ] {
        assert_eq!(scene.call(call), Err(error.into()), "{call}");
    }
}

#[test]
fn a_token_opens_gated_and_private_models_and_stays_with_the_hub() {
    for repo in [model().gated("hf_secret"), model().private("hf_secret")] {
        let scene = Scene::new(repo).with("HF_TOKEN", "hf_secret");
        scene.call("snapshot_download('org/model')").unwrap();
        for answered in scene.hub.take_answered() {
            let storage = answered.path == format!("/{WEIGHTS_SHA256}");
            assert_eq!(answered.authorized, !storage, "{answered:?}");
        }
    }
}

#[test]
fn what_was_downloaded_is_found_offline() {
    let scene = Scene::new(model());
    let online = scene.call("snapshot_download('org/model')").unwrap();
    let scene = scene.with("HF_HUB_OFFLINE", "1");
    drop(scene.hub.take_answered());
    assert_eq!(scene.call("snapshot_download('org/model')"), Ok(online.clone()));
    assert_eq!(
        scene.call("hf_hub_download('org/model', 'config.json')"),
        Ok(online.join("config.json"))
    );
    assert_eq!(scene.hub.take_answered(), []);
}

#[test]
fn part_of_a_snapshot_is_offline_that_part_only() {
    let scene = Scene::new(model());
    let part = "snapshot_download('org/model', allow_patterns='*.json')";
    let online = scene.call(part).unwrap();
    let scene = scene.with("HF_HUB_OFFLINE", "1");
    assert_eq!(scene.call(part), Ok(online));
    assert_eq!(scene.call("snapshot_download('org/model')"), Err("IncompleteSnapshotError".into()));
}

#[test]
fn a_download_is_resumed_where_it_broke_off() {
    let scene = Scene::new(model());
    let resume = "import io, sys; from huggingface_hub.file_download import http_get; \
                  file = io.BytesIO(); http_get(sys.argv[1], file, resume_size=3); print(file.getvalue())";
    for (file, rest) in
        [("model.safetensors", "b'ights'"), ("1_Pooling/config.json", "b'ean\": true}'")]
    {
        let url = format!("{}/org/model/resolve/main/{file}", scene.hub.endpoint());
        let output = python(scene.home.path()).args(["-c", resume, &url]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), rest);
        assert_eq!(scene.hub.take_answered().last().unwrap().status, 206);
    }
}
