//! A frontend's life, from its start by the daemon to its end.

use std::{
    convert::Infallible,
    future::Future,
    io,
    panic::{self, PanicHookInfo},
    process::exit,
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use crate::{
    BuildRequest, BuildResult, Error, Gateway,
    client::answer,
    transport::{self, Client},
};

type Outcome = Result<BuildResult, Error>;

/// What a program's first thread has on Linux, so that `main` has no less here.
const STACK: usize = 8 << 20;

/// Answers the build request that a daemon started this program for, and ends the program.
///
/// `product` is what messages call the frontend. `main` is given the daemon and gives back the
/// result or the error, which are returned exactly once; it runs on a thread of its own, so
/// that even a panic in it reaches the person as an error. Nothing may be written to standard
/// output; what goes to standard error ends in the daemon's log.
pub fn run<M, F>(product: &'static str, main: M) -> !
where
    M: FnOnce(Gateway) -> F + Send + 'static,
    F: Future<Output = Outcome>,
{
    match serve(product, main) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{product}: cannot talk to BuildKit: {error}");
            exit(1);
        }
    }
}

/// Talks to the daemon on this thread while `main` works on another.
fn serve<M, F>(product: &'static str, main: M) -> io::Result<Infallible>
where
    M: FnOnce(Gateway) -> F + Send + 'static,
    F: Future<Output = Outcome>,
{
    runtime()?.block_on(async {
        let mut client = transport::stdio().await?;
        let (sender, mut outcomes) = mpsc::unbounded_channel();
        report_panics(product, sender.clone());
        let bridge = client.clone();
        let frontend = thread::Builder::new().name("frontend".to_owned()).stack_size(STACK);
        frontend.spawn(move || {
            // The receiver lives as long as the program.
            let _ = sender.send(work(bridge, product, main));
        })?;
        let outcome = outcomes
            .recv()
            .await
            .unwrap_or_else(|| Err(Error::new(format!("{product} ended without a result"))));
        if let Err(refusal) = answer(&mut client, outcome).await {
            let error = Error::from(refusal).context("BuildKit did not take the result");
            answer(&mut client, Err(error)).await.map_err(io::Error::other)?;
        }
        // At once, with the connection open: when the daemon sees it close before the process
        // has ended, it discards the result (`frontend/gateway/gateway.go`).
        exit(0)
    })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn work<M, F>(client: Client, product: &str, main: M) -> Outcome
where
    M: FnOnce(Gateway) -> F,
    F: Future<Output = Outcome>,
{
    let environment = std::env::vars_os().map(|(name, value)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    });
    let request = BuildRequest::from_env(environment)?;
    let runtime = runtime().map_err(|error| Error::new(error.to_string()))?;
    runtime.block_on(async { main(Gateway::greet(client, request, product).await?).await })
}

/// Makes a panic the build's error. The thread that panicked is held where it is: if panics
/// abort the program, it would not live long enough to return anything.
fn report_panics(product: &'static str, outcomes: mpsc::UnboundedSender<Outcome>) {
    let talker = thread::current().id();
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        default(info);
        // The thread that talks to the daemon cannot report itself.
        if thread::current().id() != talker {
            let message = format!("{product} failed inside, which is a bug of its own: {info}");
            let _ = outcomes.send(Err(Error::new(message)));
            loop {
                thread::park();
            }
        }
    }));
}
