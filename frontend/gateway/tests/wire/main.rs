//! The gateway against a daemon over real pipes: what goes over the wire, and what comes back.

#![expect(clippy::unwrap_used, reason = "a panic is a test's report")]

mod answering;
mod contexts;
#[path = "../daemon/mod.rs"]
mod daemon;
mod greeting;
mod reading;
mod resolving;
mod solving;

use std::{collections::BTreeMap, result::Result, sync::Arc, time::Duration};

use buildkit_proto::{
    google::{protobuf::Any, rpc},
    moby::buildkit::v1::{apicaps::ApiCap, frontend::*},
    pb,
};
use daemon::{Call, Daemon, enabled, sources};
use gateway::{
    BuildContext, BuildRequest, BuildResult, Error, Files, Gateway, GitUrl, LintOptions, Options,
    PlatformResult, Reference, ResolvedGit, Warning, Warnings,
};
use llb::{Exec, Http, Image, Lines, Local, Location, Meta, Platform, SourceFile, State};
use prost::Message as _;
use tokio::{sync::Barrier, task::JoinHandle};
use tonic::Status;

/// A frontend for `options` of the session `s1`, and the daemon that serves it.
async fn greet(
    daemon: Daemon,
    options: &[(&str, &str)],
) -> (Result<Gateway, Error>, Arc<Daemon>, JoinHandle<()>) {
    let daemon = Arc::new(daemon);
    let (from_daemon, to_daemon, server) = Arc::clone(&daemon).start();
    let owned = |&(option, value): &(&str, &str)| (option.to_owned(), value.to_owned());
    let request = BuildRequest {
        session: "s1".to_owned(),
        options: Options::parse(options.iter().map(owned)).unwrap(),
        ..BuildRequest::default()
    };
    (Gateway::connect(from_daemon, to_daemon, request, "Example").await, daemon, server)
}

async fn connect(daemon: Daemon, options: &[(&str, &str)]) -> (Gateway, Arc<Daemon>) {
    let (gateway, daemon, _) = greet(daemon, options).await;
    (gateway.unwrap(), daemon)
}

fn local(name: &str) -> State {
    Local::new(name).build(Meta::default())
}

fn platform() -> Platform {
    Platform::parse("linux/arm64").unwrap()
}

fn location(line: u32) -> Location {
    let file = SourceFile {
        name: "app.yaml".to_owned(),
        language: "YAML".to_owned(),
        data: b"base: x\n".to_vec(),
    };
    Location { file: Arc::new(file), lines: Lines::one(line) }
}
