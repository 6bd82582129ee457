//! Services that Compose builds, starts, and builds again when their code changes.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use integration::buildx::building;
use integration::command::output;
use integration::engine::Engine;

use crate::built::unique_name;
use crate::{BASE, STRATA, context, unique};

/// A project of Compose's, which is taken down when it is dropped.
pub struct Project<'a> {
    engine: &'a Engine,
    folder: &'a Path,
    name: String,
    files: Vec<String>,
}

impl<'a> Project<'a> {
    /// The project in `folder`, with these of its Compose files.
    pub fn new(folder: &'a Path, files: &[&str]) -> Self {
        let files = files.iter().map(|&file| file.to_owned()).collect();
        Self { engine: &STRATA, folder, name: format!("strata-{}", unique()), files }
    }

    /// `docker compose` with `words`.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.engine.docker(["compose", "--project-name", &self.name]);
        for file in &self.files {
            command.args(["--file", file]);
        }
        command.args(words).current_dir(self.folder);
        command
    }

    /// What `docker compose` prints.
    pub fn says(&self, words: &[&str]) -> String {
        building(|| output(&mut self.command(words))).unwrap()
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        let down = ["down", "--volumes", "--remove-orphans", "--timeout=1"];
        if let Err(error) = output(&mut self.command(&down)) {
            eprintln!("{} was not taken down: {error:#}", self.name);
        }
    }
}

/// Asks until the answer is `expected`; programs take a while to see an edit. `logs` are what they
/// say if they never do.
pub fn becomes(expected: &str, ask: impl Fn() -> String, logs: impl Fn() -> String) {
    let start = Instant::now();
    let mut said = String::new();
    while start.elapsed() < Duration::from_secs(120) {
        said = ask();
        if said == expected {
            return;
        }
        // Whoever asks all the time keeps those busy who are to answer.
        sleep(Duration::from_millis(500));
    }
    assert_eq!(said, expected, "even after {} s: {}", start.elapsed().as_secs(), logs());
}

/// A process that is ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.kill().is_ok() {
            drop(self.0.wait());
        }
    }
}

#[test]
fn up_and_watch() {
    let image = unique_name();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\ncode: .\ncmd: [sleep, infinity]\nlabels: {{once: '{}'}}\n",
        unique()
    );
    let compose = format!(
        "services:\n  say:\n    image: {image}\n    network_mode: none\n    \
         build: {{context: ., dockerfile: strata.yaml}}\n    \
         develop: {{watch: [{{action: rebuild, path: ./said}}, \
         {{action: sync, path: ./live, target: /app/live}}]}}\n"
    );
    let folder = context(&[
        ("strata.yaml", &manifest),
        ("compose.yaml", &compose),
        ("said/it", "first"),
        ("live/it", "one"),
        (".dockerignore", "compose.yaml\n"),
    ]);
    let folder = folder.path();
    let project = Project::new(folder, &["compose.yaml"]);
    project.says(&["up", "--build", "--detach"]);
    // While a container is replaced there is none.
    let reads = |path: &str| {
        let mut command = project.command(&["exec", "-T", "say", "cat", path]);
        output(&mut command).unwrap_or_default()
    };
    assert_eq!(reads("/app/said/it"), "first");
    fs::write(folder.join("said/it"), "second").unwrap();
    project.says(&["up", "--build", "--detach", "--timeout=1"]);
    assert_eq!(reads("/app/said/it"), "second");

    let mut watch = project.command(&["watch", "--no-up"]);
    let watch = watch.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _watch = Running(watch.spawn().unwrap());
    // Files that are written before it looks are not seen: each edit is another one.
    let edits = std::cell::Cell::new(0);
    let logs = || output(&mut project.command(&["logs", "--tail=40"])).unwrap_or_default();
    let edited = || {
        edits.set(edits.get() + 1);
        let text = format!("live\n{}", "\n".repeat(edits.get()));
        fs::write(folder.join("live/it"), text).unwrap();
        sleep(Duration::from_millis(500));
        reads("/app/live/it")
    };
    becomes("live", edited, logs);
    fs::write(folder.join("said/it"), "third").unwrap();
    becomes("third", || reads("/app/said/it"), logs);
}
