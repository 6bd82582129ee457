//! A fetcher, its folders, and what became of them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use integration::digest::sha256;
use integration::file_server::FileServer;
use integration::frontend_image::fetcher;
use integration::hub::{Hub, Repo};
use rustix::process::geteuid;
use serde_json::{Value, json};
use strata::listing::Listing;
use strata::manifest::values::RepositoryKind;
use strata::models;
use strata::recipe;
use tempfile::TempDir;

pub const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

static FETCHER: LazyLock<PathBuf> = LazyLock::new(|| fetcher().unwrap());

/// What lies in a folder: files with their content, links with an arrow and their target.
pub type Held = BTreeMap<String, Vec<u8>>;

/// The folders of a fetcher: `out`, `cache` and `secrets`.
pub struct Scene(TempDir);

/// How a fetcher has ended.
#[derive(Debug)]
pub struct Ended {
    good: bool,
    said: String,
}

impl Scene {
    pub fn new() -> Self {
        let scene = Self(TempDir::new().unwrap());
        for name in ["out", "cache", "secrets"] {
            fs::create_dir(scene.path(name)).unwrap();
        }
        scene
    }

    /// The same, with the secret that a model's `token` names.
    pub fn with_token(self, token: &str) -> Self {
        fs::write(self.path("secrets/token"), token).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command that does what `request` says, into the folder `out`.
    pub fn command(&self, request: &Value, out: &str) -> Command {
        let file = self.path(&format!("{out}.json"));
        fs::write(&file, request.to_string()).unwrap();
        let mut command = Command::new(&*FETCHER);
        command.arg(file).args([out, "cache", "secrets"].map(|name| self.path(name)));
        // A proxy of this machine's is none of the tests'.
        command.env("NO_PROXY", "*");
        command
    }

    /// Has `request` done, into a folder `out` that is new as for every step of a build.
    pub fn run(&self, request: &Value) -> Ended {
        self.clear();
        Ended::of(&mut self.command(request, "out"))
    }

    pub fn clear(&self) {
        fs::remove_dir_all(self.path("out")).unwrap();
        fs::create_dir(self.path("out")).unwrap();
    }

    pub fn out(&self) -> Held {
        held(&self.path("out"))
    }

    pub fn cache(&self) -> Held {
        held(&self.path("cache"))
    }
}

impl Ended {
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Self { good: output.status.success(), said: String::from_utf8(said).unwrap() }
    }

    /// What it said, having succeeded.
    pub fn well(self) -> String {
        assert!(self.good, "{}", self.said);
        self.said
    }

    /// The last line of what it said, having failed.
    pub fn badly(self) -> String {
        assert!(!self.good, "{}", self.said);
        self.said.trim_end().lines().last().unwrap_or_default().to_owned()
    }
}

/// The same command in namespaces of its own, such as `--mount`.
pub fn apart(namespaces: &[&str], command: &Command) -> Command {
    let mut apart = Command::new("unshare");
    apart.args(namespaces);
    if !geteuid().is_root() {
        apart.arg("--map-root-user");
    }
    apart.arg(command.get_program()).args(command.get_args());
    apart.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    apart
}

pub fn held(folder: &Path) -> Held {
    let mut held = Held::new();
    walk(folder, &mut |path, entry| {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if entry.is_symlink() {
            let target = fs::read_link(path).unwrap();
            held.insert(name, format!("-> {}", target.display()).into());
        } else if entry.is_file() {
            held.insert(name, fs::read(path).unwrap());
        }
    });
    held
}

/// Shows each entry below `folder`, and itself.
pub fn walk(folder: &Path, see: &mut impl FnMut(&Path, &fs::Metadata)) {
    let entry = fs::symlink_metadata(folder).unwrap();
    see(folder, &entry);
    if entry.is_dir() {
        for inner in fs::read_dir(folder).unwrap() {
            walk(&inner.unwrap().path(), see);
        }
    }
}

/// Bytes that no two parts of are the same.
pub fn bytes(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(count as usize)
        .collect()
}

/// What the planner makes of `{hf: …}` in a manifest.
pub fn of_hub(hub: &Hub, id: &str) -> recipe::Hub {
    let (kind, repository) = match id.strip_prefix("datasets/") {
        Some(name) => (RepositoryKind::Dataset, name),
        None => (RepositoryKind::Model, id),
    };
    recipe::Hub {
        kind,
        repository: repository.into(),
        revision: "main".into(),
        files: Vec::new(),
        to: None,
        endpoint: hub.endpoint(),
    }
}

/// The planner's request for a listing.
pub fn list(hub: &recipe::Hub, token: Option<&str>) -> Value {
    json!({"list": {
        "origin": models::origin(hub, token), "revision": hub.revision, "to": "/listing.json",
    }})
}

/// The listing that the fetcher has left.
pub fn listing(scene: &Scene) -> Listing {
    serde_json::from_slice(&scene.out()["listing.json"]).unwrap()
}

/// The planner's request for all that a repository holds, after it was listed.
pub fn fetch(scene: &Scene, hub: &recipe::Hub, token: Option<&str>) -> Value {
    scene.run(&list(hub, token)).well();
    models::layout(hub, &listing(scene), "/hf", hub.to.as_deref(), token, 1).remove(0)
}

/// A repository of these files and the planner's request for them, at `/`.
pub fn hub_with(files: &[(&str, &[u8])]) -> (Hub, Scene, Value) {
    let files = files.iter().map(|(path, content)| (*path, content.to_vec()));
    let hub = Hub::serve(LOCALHOST, [Repo::new("org/model", files)]).unwrap();
    let scene = Scene::new();
    let asked = recipe::Hub { to: Some("/".into()), ..of_hub(&hub, "org/model") };
    let mut request = fetch(&scene, &asked, None);
    // What a build says of its models is not what these tests are about.
    request["fetch"]["texts"] = json!([]);
    drop(hub.take_answered());
    (hub, scene, request)
}

/// A server with this file, and the planner's request for it, at `/file` or unpacked.
pub fn server_with(content: &[u8], unpack: Option<&str>) -> (FileServer, Scene, Value) {
    let server = FileServer::serve(LOCALHOST, [("file", content.to_vec())]).unwrap();
    let request = of_url(&server, content, unpack);
    (server, Scene::new(), request)
}

/// The planner's request for a file of a server.
pub fn of_url(server: &FileServer, content: &[u8], unpack: Option<&str>) -> Value {
    let url = format!("{}/file", server.url());
    json!({"fetch": {
        "origin": {"kind": "file", "name": url, "endpoint": url},
        "files": [{
            "name": url, "url": url, "checksum": {"sha256": sha256(content)},
            "to": "/file", "unpack": unpack,
        }],
    }})
}
