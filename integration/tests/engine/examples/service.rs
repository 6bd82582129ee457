//! A service among the examples: built, brought up by its Compose files, and asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::LazyLock;

use integration::buildx::{Build, building, quiet_moment};
use integration::command::output;
use integration::gguf::tiny_llama;
use integration::hub::Hub;
use integration::weights::all_minilm_l6_v2;
use integration::workspace;
use serde_json::json;
use tempfile::{NamedTempFile, TempDir};

use crate::built::{Built, unique_name};
use crate::compose::{Project, becomes};
use crate::{DEBIAN, STRATA, build, unique};

/// The hub of the examples that do not count what it is asked: with one, its address is one, and
/// the models are the same to all of them.
pub static HUB: LazyLock<Hub> = LazyLock::new(|| {
    let tiny = [
        ("Qwen/Qwen2.5-0.5B-Instruct-GGUF", "qwen2.5-0.5b-instruct-q4_k_m.gguf"),
        ("bartowski/Llama-3.2-1B-Instruct-GGUF", "Llama-3.2-1B-Instruct-Q4_K_M.gguf"),
    ];
    let tiny = tiny.map(|(name, file)| tiny_llama(name, file).unwrap());
    let models = [all_minilm_l6_v2().unwrap()].into_iter().chain(tiny);
    Hub::serve(STRATA.host_address().unwrap(), models).unwrap()
});

/// A copy of an example's folder, and the image that is built from it.
pub struct Example {
    /// The copy.
    pub folder: TempDir,
    /// The image, whether it has been built yet or not.
    pub image: Built,
    /// Its build arguments.
    pub arguments: Vec<(String, String)>,
}

impl Example {
    /// The example of that name.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // In development it is a bind mount, which the image's user must be able to read.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let example = workspace::root().join("examples").join(name);
        output(Command::new("cp").arg("-r").arg(example.join(".")).arg(folder.path())).unwrap();
        // Code that no earlier run has built, and so has no edit of it.
        fs::write(folder.path().join("edition.txt"), unique()).unwrap();
        Self { folder, image: Built { name: unique_name() }, arguments: Vec::new() }
    }

    /// The same in its variant `debian`, with the models of `hub`.
    pub fn debian(name: &str, hub: &Hub) -> Self {
        Self::new(name)
            .arg("VARIANT", "debian")
            .arg("DEBIAN", *DEBIAN)
            .arg("HF_ENDPOINT", hub.endpoint())
    }

    /// The same with a build argument.
    pub fn arg(mut self, name: &str, value: impl Into<String>) -> Self {
        self.arguments.push((name.into(), value.into()));
        self
    }

    /// Writes a file of it anew.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no `{from}`");
        // In place: a bind mount shows the edit as an editor makes it.
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Builds the image. Nobody pushes it: to compress Debian's PyTorch takes long.
    pub fn build(&self) -> Build {
        let mut command = build(&STRATA, self.folder.path());
        command
            .arg(format!("--output=type=image,compression=uncompressed,name={}", self.image.name));
        for (name, value) in &self.arguments {
            command.args(["--build-arg", &format!("{name}={value}")]);
        }
        Build::succeed(&mut command).unwrap()
    }

    /// Builds it again: what has not changed must be in the cache, whatever else is built meanwhile.
    pub fn rebuild(&self) -> Build {
        quiet_moment();
        self.build()
    }

    /// What the Compose files make of it. `service` gets the build arguments, and `more` of what
    /// Compose lets a service have.
    pub fn compose(&self, files: &[&str], service: &str, more: &str) -> Composed<'_> {
        let arguments: serde_json::Map<_, _> =
            self.arguments.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        // Ports of the machine may be taken, and JSON is YAML.
        let overlay = format!(
            "services:\n  {service}:\n    image: {}\n    build: {{args: {}}}\n    ports: !reset []\n",
            self.image.name,
            json!(arguments),
        );
        // Not in the example's folder, where it would be code.
        let file = NamedTempFile::with_suffix(".yaml").unwrap();
        let files = [files, &[file.path().to_str().unwrap()]].concat();
        let project = Project::new(self.folder.path(), &files);
        let composed = Composed { project, service: service.into(), overlay, file };
        composed.set(more);
        composed
    }
}

/// The containers of a Compose file; they are gone when this is dropped.
pub struct Composed<'a> {
    project: Project<'a>,
    service: String,
    overlay: String,
    file: NamedTempFile,
}

impl Composed<'_> {
    /// Sets what the service has beside what the example's files say: lines of its own.
    pub fn set(&self, more: &str) {
        fs::write(self.file.path(), format!("{}{more}", self.overlay)).unwrap();
    }

    /// Builds its images.
    pub fn build(&self) {
        self.run(&["--progress=plain", "build"]).unwrap();
    }

    /// Brings it up, or up to date, and waits until its health check says that it is well.
    pub fn up(&self) {
        let up = ["up", "--detach", "--wait", "--wait-timeout=300", "--timeout=5"];
        let done = self.run(&up);
        assert!(done.is_ok(), "{done:?}\n{}", self.logs());
    }

    /// What its containers have said last.
    fn logs(&self) -> String {
        self.run(&["logs", "--tail=40"]).unwrap_or_default()
    }

    /// What a command prints inside of the service's container.
    pub fn exec(&self, words: &[&str]) -> String {
        self.try_exec(words).unwrap()
    }

    /// The same for a command that may fail.
    pub fn try_exec(&self, words: &[&str]) -> anyhow::Result<String> {
        self.run(&[&["exec", "-T", &self.service], words].concat())
    }

    /// Waits until what a command prints inside of the service's container has `text` in it.
    pub fn until(&self, words: &[&str], text: &str) {
        let ask = || {
            let said = self.try_exec(words).unwrap_or_else(|error| format!("{error:#}"));
            if said.contains(text) { "there".into() } else { said }
        };
        becomes("there", ask, || self.logs());
    }

    /// Takes it down, and leaves volumes.
    pub fn down(&self) {
        self.run(&["down", "--timeout=1"]).unwrap();
    }

    /// What `docker compose` prints.
    pub fn run(&self, words: &[&str]) -> anyhow::Result<String> {
        building(|| output(&mut self.project.command(words)))
    }
}

/// A program that prints what GET of a path answers, from a server in its own container.
pub const GET: &str = "\
import sys, urllib.request
print(urllib.request.urlopen('http://localhost:' + sys.argv[1]).read().decode())";
