//! A frontend as a process of its own, between its start by a daemon and its end.
//!
//! Without libtest: this program is its own frontend, whose standard output is the wire.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is a test's report")]

#[expect(dead_code, reason = "it answers more than is asked here")]
mod daemon;

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
};

use buildkit_proto::{google::rpc, moby::buildkit::v1::frontend::ReturnRequest};
use daemon::{Call, Daemon, receiver, sender};
use gateway::{BuildResult, Error};

fn main() {
    if gateway::started_by_buildkit() {
        gateway::run("Example", async |gateway| {
            match gateway.request().options.target.as_deref() {
                Some("panic") => panic!("out of ideas"),
                Some("error") => Err(Error::new("no such thing")),
                Some(key) => Ok(BuildResult::Answer([(key.to_owned(), b"v".to_vec())].into())),
                None => Err(Error::new("no target")),
            }
        });
    }
    a_result_is_returned_and_the_process_is_done();
    an_error_is_returned_and_the_process_is_done();
    a_result_that_is_refused_is_an_error();
    a_panic_is_returned();
    an_option_that_cannot_be_used_is_returned();
    without_a_daemon_it_says_so();
}

fn frontend(option: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("BUILDKIT_SESSION_ID", "s1").env("BUILDKIT_FRONTEND_OPT_0", option);
    command.stderr(Stdio::piped());
    command
}

/// What a frontend returned, its exit status, and what it wrote to standard error.
fn conversation(option: &str) -> (ReturnRequest, ExitStatus, String) {
    let mut command = frontend(option);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let daemon = Arc::new(Daemon::default());
    serve(&mut child, &daemon);
    let output = child.wait_with_output().unwrap();
    let calls = daemon.take_calls();
    let [Call::Return(returned)] = &calls[..] else { panic!("{calls:?}") };
    (returned.clone(), output.status, String::from_utf8(output.stderr).unwrap())
}

/// Serves the frontend until it hangs up, which it must do by ending.
fn serve(child: &mut Child, daemon: &Arc<Daemon>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let from_frontend = receiver(child.stdout.take().unwrap());
        let to_frontend = sender(child.stdin.take().unwrap());
        Arc::clone(daemon).serve(from_frontend, to_frontend).await;
    });
}

fn error(returned: &ReturnRequest) -> &rpc::Status {
    returned.error.as_ref().unwrap()
}

fn a_result_is_returned_and_the_process_is_done() {
    let (returned, status, stderr) = conversation("target=image");
    assert_eq!(returned.result.unwrap().metadata["image"], b"v");
    assert_eq!((status.code(), &*stderr), (Some(0), ""));
}

fn an_error_is_returned_and_the_process_is_done() {
    let (returned, status, stderr) = conversation("target=error");
    assert_eq!(error(&returned).message, "no such thing");
    assert_eq!((status.code(), &*stderr), (Some(0), ""));
}

fn a_result_that_is_refused_is_an_error() {
    let (returned, status, _) = conversation("target=refused");
    assert_eq!(error(&returned).message, "BuildKit did not take the result: no such ref");
    assert_eq!(status.code(), Some(0));
}

fn a_panic_is_returned() {
    let (returned, status, stderr) = conversation("target=panic");
    let message = &error(&returned).message;
    assert!(message.starts_with("Example failed inside, which is a bug"), "{message}");
    assert!(message.contains("out of ideas") && message.contains("process.rs"), "{message}");
    assert!(stderr.contains("out of ideas"), "{stderr}");
    assert_eq!(status.code(), Some(0));
}

fn an_option_that_cannot_be_used_is_returned() {
    let (returned, status, _) = conversation("shm-size=64m");
    let message = "build option shm-size is `64m`: expected a number of bytes";
    assert_eq!(error(&returned).message, message);
    assert_eq!(status.code(), Some(0));
}

fn without_a_daemon_it_says_so() {
    let output = frontend("target=image").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = "Example: cannot talk to BuildKit: standard input is neither a pipe nor a \
                    socket: no BuildKit started this\n";
    assert_eq!(stderr, expected);
}
