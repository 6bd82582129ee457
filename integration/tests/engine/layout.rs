//! Images as folders of files, for tests that look at every byte, or write what no build would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration::digest::sha256;
use serde_json::{Value, json};
use tempfile::TempDir;

/// An image in an OCI image layout: an index, and blobs by their digest.
pub struct Layout {
    folder: TempDir,
    /// What buildx wrote while it built the image.
    pub log: Vec<u8>,
}

impl Layout {
    /// What `command`, which is `docker buildx build` and its arguments, builds.
    pub fn built_by(command: &mut Command) -> Self {
        Self::exported(command, "type=oci,tar=false")
    }

    /// The same, with layers that are not compressed.
    pub fn built_plain_by(command: &mut Command) -> Self {
        Self::exported(
            command,
            "type=oci,tar=false,compression=uncompressed,force-compression=true",
        )
    }

    fn exported(command: &mut Command, form: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        command.arg(format!("--output={form},dest={}", folder.path().display()));
        let built = command.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self { folder, log: built.stderr }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The image's config.
    pub fn config(&self) -> Value {
        self.blob(&self.manifest()["config"])
    }

    /// Gives the image another config.
    pub fn set_config(&self, config: &Value) {
        let mut manifest = self.manifest();
        self.put(config, &mut manifest["config"]);
        let mut index = read(&self.path().join("index.json"));
        self.put(&manifest, &mut index["manifests"][0]);
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    fn manifest(&self) -> Value {
        self.blob(&read(&self.path().join("index.json"))["manifests"][0])
    }

    fn blob(&self, descriptor: &Value) -> Value {
        read(&self.blob_file(descriptor["digest"].as_str().unwrap()))
    }

    /// Writes a blob and has `descriptor` say what it is.
    fn put(&self, blob: &Value, descriptor: &mut Value) {
        let text = blob.to_string();
        let hex = sha256(text.as_bytes());
        descriptor["digest"] = json!(format!("sha256:{hex}"));
        descriptor["size"] = json!(text.len());
        fs::write(self.blob_file(&format!("sha256:{hex}")), text).unwrap();
    }

    fn blob_file(&self, digest: &str) -> PathBuf {
        self.path().join("blobs").join(digest.replace(':', "/"))
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}
