//! Images that tests build. Each is gone when its test has ended and no other test builds.

use std::ffi::OsStr;
use std::path::Path;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use integration::buildx::{Build, between_builds};
use integration::command::output;
use serde_json::Value;

use crate::{STRATA, build_file, context};

/// An image in the shared engine.
pub struct Built {
    /// Its name.
    pub name: String,
}

impl Built {
    /// Builds `manifest` with `files` beside it.
    pub fn new<A: AsRef<OsStr>>(manifest: &str, files: &[(&str, &str)], arguments: &[A]) -> Self {
        Self::of(context(&[&[("strata.yaml", manifest)], files].concat()).path(), arguments)
    }

    /// Builds the manifest `strata.yaml` of `folder`.
    pub fn of<A: AsRef<OsStr>>(folder: &Path, arguments: &[A]) -> Self {
        Self::by(folder, "strata.yaml", arguments)
    }

    /// Builds a Dockerfile: a base for other images.
    pub fn dockerfile(text: &str) -> Self {
        Self::by::<&str>(context(&[("Dockerfile", text)]).path(), "Dockerfile", &[])
    }

    /// Builds that file of `folder`.
    pub fn by<A: AsRef<OsStr>>(folder: &Path, file: &str, arguments: &[A]) -> Self {
        let name = unique_name();
        let mut command = build_file(&STRATA, folder, file);
        Build::succeed(command.args(["--tag", &name]).args(arguments)).unwrap();
        Self { name }
    }

    /// What it prints when it is run with these words.
    pub fn run(&self, words: &[&str]) -> String {
        self.run_with(&[], words)
    }

    /// The same with options of `docker run`.
    pub fn run_with(&self, options: &[&str], words: &[&str]) -> String {
        let mut command = STRATA.docker(["run", "--rm"]);
        output(command.args(options).arg(&self.name).args(words)).unwrap()
    }

    /// Its config as Docker shows it.
    pub fn config(&self) -> Value {
        STRATA.inspect(&self.name).unwrap()["Config"].take()
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        static UNUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        unused.push(self.name.clone());
        between_builds(|| {
            let mut remove = STRATA.docker(["image", "rm", "--force"]);
            if let Err(error) = output(remove.args(unused.drain(..))) {
                eprintln!("images were not removed: {error:#}");
            }
        });
    }
}

/// A name for an image that no other has.
pub fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("strata-test-{}:{}", id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
