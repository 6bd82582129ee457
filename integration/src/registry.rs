//! A container registry, Debian's `docker-registry`, that can say what went through it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::packages::Packages;

/// A registry over plain HTTP. Its process and all that it stores end when it is dropped.
#[derive(Debug)]
pub struct Registry {
    _process: Process,
    address: SocketAddr,
    log: Mutex<Receiver<Line>>,
    storage: TempDir,
}

/// The blobs that went through a registry, in the order in which they were finished.
///
/// Manifests are no blobs, and to ask whether the registry has a blob moves none.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Blobs that were sent, each as often as it was.
    pub downloads: Vec<Blob>,
    /// Blobs that were received, which those are not that were found in it or mounted.
    pub uploads: Vec<Blob>,
}

/// A blob on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// How much of it was sent or received, in bytes.
    pub bytes: u64,
}

impl Registry {
    /// Starts an empty registry on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When Debian's package cannot be downloaded, or `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr) -> Result<Self> {
        let storage = TempDir::new()?;
        let config = storage.path().join("config.yml");
        fs::write(&config, configuration(ip, storage.path()))?;
        let mut process = Process::start(&config)?;
        let stderr = process.0.stderr.take().context("standard error was not piped")?;
        let (sender, log) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            // Sending fails once the registry is dropped, and then nobody asks.
            lines.for_each(|line| drop(sender.send(Line::read(line))));
        });
        let address = listening(&log)?;
        Ok(Self { _process: process, address, log: Mutex::new(log), storage })
    }

    /// Its part of an image's name: `{host}/name:tag`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// What went through it since the last call.
    ///
    /// # Errors
    ///
    /// When the registry has ended.
    pub fn take_traffic(&self) -> Result<Traffic> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.mark()?;
        let mut traffic = Traffic::default();
        loop {
            let line = log.recv().context("docker-registry has ended")?;
            if line.uri == MARK {
                return Ok(traffic);
            }
            if let Some(blob) = line.download() {
                traffic.downloads.push(blob);
            }
            if let Some(digest) = line.upload() {
                let bytes = fs::metadata(self.file(&digest)?)?.len();
                traffic.uploads.push(Blob { digest, bytes });
            }
        }
    }

    /// Has the log say where it has got to: answers are sent before their line is read here.
    fn mark(&self) -> Result<()> {
        let mut connection =
            TcpStream::connect(self.address).context("docker-registry has ended")?;
        write!(connection, "GET {MARK} HTTP/1.0\r\n\r\n")?;
        connection.read_to_end(&mut Vec::new())?;
        Ok(())
    }

    /// What it has stored under `digest`: a blob or a manifest.
    ///
    /// # Errors
    ///
    /// When it has nothing of that digest.
    pub fn read(&self, digest: &str) -> Result<Vec<u8>> {
        let file = self.file(digest)?;
        fs::read(file).with_context(|| format!("the registry has no {digest}"))
    }

    /// Forgets a tag of `{host}/{repository}`; what it meant is still there by its digest.
    ///
    /// # Errors
    ///
    /// When there is no such tag.
    pub fn untag(&self, repository: &str, tag: &str) -> Result<()> {
        let repositories = self.storage.path().join("docker/registry/v2/repositories");
        let tag = repositories.join(repository).join("_manifests/tags").join(tag);
        fs::remove_dir_all(&tag).with_context(|| format!("the registry has no {}", tag.display()))
    }

    /// Where a blob is, by the registry's own layout of a file system.
    fn file(&self, digest: &str) -> Result<PathBuf> {
        let hex = digest.trim_start_matches("sha256:");
        let (prefix, _) = hex.split_at_checked(2).context("a digest of no length")?;
        let blobs = self.storage.path().join("docker/registry/v2/blobs/sha256");
        Ok(blobs.join(prefix).join(hex).join("data"))
    }
}

const MARK: &str = "/v2/?mark";

#[derive(Debug)]
struct Process(Child);

impl Process {
    fn start(config: &Path) -> Result<Self> {
        let mut registry = Packages::of_servers()?.command("docker-registry")?;
        registry.arg("serve").arg(config).stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Self(registry.stderr(Stdio::piped()).spawn().context("start docker-registry")?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// JSON, which is YAML: no path has to be quoted by hand.
fn configuration(ip: IpAddr, storage: &Path) -> String {
    json!({
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": true}},
        "storage": {"filesystem": {"rootdirectory": storage}},
        "http": {"addr": SocketAddr::new(ip, 0)},
    })
    .to_string()
}

/// Where the registry says that it listens.
fn listening(log: &Receiver<Line>) -> Result<SocketAddr> {
    let mut said = String::new();
    while let Ok(line) = log.recv() {
        if let Some(address) = line.message.strip_prefix("listening on ") {
            return Ok(address.parse()?);
        }
        said.push_str(&line.message);
        said.push('\n');
    }
    bail!("docker-registry did not start:\n{said}")
}

/// A line of the registry's log. What is about no request has no method.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(rename = "msg")]
    message: String,
    #[serde(rename = "http.request.method")]
    method: String,
    #[serde(rename = "http.request.uri")]
    uri: String,
    /// Only the line of a finished request has a status.
    #[serde(rename = "http.response.status")]
    status: u16,
    #[serde(rename = "http.response.written")]
    written: u64,
}

impl Line {
    fn read(line: String) -> Self {
        // What is not JSON was said before the log was set up, or by Go as it crashed.
        serde_json::from_str(&line).unwrap_or_else(|_| Self { message: line, ..Self::default() })
    }

    fn download(&self) -> Option<Blob> {
        let (_, digest) = self.uri.split_once("/blobs/")?;
        let sent = self.method == "GET" && matches!(self.status, 200 | 206);
        sent.then(|| Blob { digest: digest.into(), bytes: self.written })
    }

    /// The digest that an upload was closed with.
    fn upload(&self) -> Option<String> {
        let (_, query) = self.uri.split_once("/blobs/uploads/")?.1.split_once('?')?;
        let digest = query.split('&').find_map(|pair| pair.strip_prefix("digest="))?;
        let received = self.method == "PUT" && self.status == 201;
        received.then(|| digest.replace("%3A", ":"))
    }
}
