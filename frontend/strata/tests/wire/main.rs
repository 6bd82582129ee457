//! The frontend against a daemon over real pipes: what is asked of it, and what comes back.

#![expect(clippy::unwrap_used, reason = "a panic is a test's report")]

mod base;
mod code;
#[path = "../../../gateway/tests/daemon/mod.rs"]
mod daemon;
mod files;
mod packages;
mod questions;

use std::sync::Arc;

use buildkit_proto::moby::buildkit::v1::frontend::{
    ResolveSourceImageResponse, ResolveSourceMetaResponse,
};
use daemon::{Call, Daemon, enabled};
use gateway::{BuildRequest, BuildResult, Error, Gateway, Options};

/// The base image, pinned.
const BASE: &str = "docker-image://docker.io/library/python:3@\
                    sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const PROBE: &str = r#"{
    "python": {
        "version": "3.12.4", "implementation": "cpython", "implementation_version": "3.12.4",
        "soabi": "cpython-312-x86_64-linux-gnu", "platform": "linux-x86_64", "bits": 64
    },
    "machine": "x86_64",
    "libc": {"name": "glibc", "version": "2.36"},
    "users": {"root": {"uid": 0, "gid": 0, "home": "/root"}},
    "links": {},
    "folders": {}
}"#;

/// A daemon that has the base image `python:3`, and for a client with this manifest.
fn daemon(manifest: &str) -> Daemon {
    let (name, digest) = BASE.split_once('@').unwrap();
    let image = ResolveSourceImageResponse { digest: digest.to_owned(), ..Default::default() };
    let base = ResolveSourceMetaResponse {
        image: Some(ResolveSourceImageResponse { config: b"{}".to_vec(), ..image }),
        ..Default::default()
    };
    let mut daemon = Daemon::default()
        .with_file("local://dockerfile", "strata.yaml", manifest)
        .with_file(BASE, "/opt/strata/probe.json", PROBE);
    daemon.sources.insert(name, base);
    daemon.pong.as_mut().unwrap().llb_caps.extend(enabled(&[
        "exec.meta.base",
        "exec.meta.network",
        "exec.meta.setsdefaultpath",
        "exec.mount.bind",
        "exec.mount.bind.readwrite-nooutput",
        "exec.mount.cache",
        "exec.mount.cache.sharing",
        "exec.mount.secret",
        "exec.mount.selector",
        "file.copy.includeexcludepatterns",
        "source.git.checksum",
    ]));
    daemon
}

/// What becomes of the build, and what the daemon was asked.
async fn build(
    daemon: Daemon,
    options: &[(&str, &str)],
) -> (Result<BuildResult, Error>, Vec<Call>) {
    let daemon = Arc::new(daemon);
    let (from_daemon, to_daemon, _server) = Arc::clone(&daemon).start();
    let owned = |&(option, value): &(&str, &str)| (option.to_owned(), value.to_owned());
    let options = options.iter().chain([&("filename", "strata.yaml")]).map(owned);
    let request = BuildRequest {
        session: "s1".to_owned(),
        options: Options::parse(options).unwrap(),
        ..BuildRequest::default()
    };
    let gateway = Gateway::connect(from_daemon, to_daemon, request, "Strata").await.unwrap();
    let result = strata::frontend::build(gateway).await;
    (result, daemon.take_calls())
}
