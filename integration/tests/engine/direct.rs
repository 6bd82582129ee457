//! The frontend addressed by name, with BuildKit's own API: as buildctl and nerdctl do, and what
//! else no syntax line leads to it.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::process::Stdio;
use std::task::{Context, Poll};

use buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use buildkit_proto::moby::buildkit::v1::{Exporter, SolveRequest};
use hyper_util::rt::TokioIo;
use integration::buildx::building;
use integration::git_server::GitServer;
use tokio::io::Join;
use tokio::process::{ChildStdin, ChildStdout, Command};
use tonic::Status;
use tonic::transport::{Endpoint, Uri};
use tower_service::Service;

use crate::built::{Built, unique_name};
use crate::{BASE, STRATA, unique};

/// Builds with the frontend `strata`, which is given `options`, the image `name`. This client has
/// no files of its own: contexts come from elsewhere.
fn solve(options: &[(&str, &str)], name: &str) -> Result<(), Status> {
    let attributes = [("source", "strata")];
    let exporter = Exporter { r#type: "moby".to_owned(), attrs: texts(&[("name", name)]) };
    let request = SolveRequest {
        // One that no other build has.
        r#ref: unique(),
        frontend: "gateway.v0".to_owned(),
        frontend_attrs: texts(&[&attributes[..], options].concat()),
        exporters: vec![exporter],
        ..SolveRequest::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let solve = async {
        let mut dial = Command::from(STRATA.docker(["buildx", "dial-stdio"]));
        let dial = dial.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = dial.spawn().unwrap();
        let (output, input) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let stream = TokioIo::new(tokio::io::join(output, input));
        let endpoint = Endpoint::from_static("http://buildkit");
        let channel = endpoint.connect_with_connector(Once(Some(stream))).await.unwrap();
        ControlClient::new(channel).solve(request).await.map(drop)
    };
    building(|| runtime.block_on(solve))
}

fn texts(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

type Stream = TokioIo<Join<ChildStdout, ChildStdin>>;

/// Hands out its stream once.
struct Once(Option<Stream>);

impl Service<Uri> for Once {
    type Response = Stream;
    type Error = io::Error;
    type Future = Ready<io::Result<Stream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }
}

#[test]
fn without_a_syntax_line() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let repository = server.create("app").unwrap();
    let manifest = format!(
        "base: {BASE}\nargs: {{GREETING: hello}}\ncode: .\ncmd: [sh, -c, 'echo ${{GREETING}} $(cat say)']\n"
    );
    let other = manifest.replace("hello", "goodbye");
    let files = [("strata.yaml", &*manifest), ("other.yaml", &other), ("say", "it")];
    repository.commit(&files, "begin").unwrap();

    let image = Built { name: unique_name() };
    solve(&[("context", repository.url())], &image.name).unwrap();
    assert_eq!(image.run(&[]), "hello it");
    let named = [("context", repository.url()), ("filename", "other.yaml")];
    solve(&named, &image.name).unwrap();
    assert_eq!(image.run(&[]), "goodbye it");
    let argument = [("context", repository.url()), ("build-arg:GREETING", "hi")];
    solve(&argument, &image.name).unwrap();
    assert_eq!(image.run(&[]), "hi it");

    let missing = [("context", repository.url()), ("filename", "missing.yaml")];
    let error = solve(&missing, &image.name).unwrap_err();
    assert!(error.message().contains("there is no missing.yaml"), "{error}");
}
