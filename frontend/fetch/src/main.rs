//! Strata's fetcher: a small static program that runs inside builds, on a root with nothing else.
//!
//! `strata-fetch REQUEST OUT CACHE SECRETS`: does what the JSON file `REQUEST` says; what comes
//! into the layer goes to the folder `OUT`, what is on its way to `CACHE`, and `SECRETS` has a file
//! for each secret that was offered.
//!
//! Which files are wanted, and where they go, the planner decides: this program moves bytes, and
//! vouches for them. It changes seldom, because every layer that it made is made again when it does.

mod digest;
mod download;
mod http;
mod hub;
mod patience;
mod place;
mod progress;
mod request;
mod room;
mod unpack;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::download::{Staged, download};
use crate::http::Http;
use crate::place::Copied;
use crate::progress::Progress;
use crate::request::{Fetch, File, Request, Sum, Unpack};

/// Downloads at a time.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [request, out, cache, secrets] = &arguments[..] else {
        bail!("usage: strata-fetch REQUEST OUT CACHE SECRETS");
    };
    let request = fs::read(request).with_context(|| format!("{request} cannot be read"))?;
    let request: Request = serde_json::from_slice(&request).context("the request is unknown")?;
    allow_open_files().context("files cannot be opened")?;
    let (out, cache, secrets) = (Path::new(out), Path::new(cache), Path::new(secrets));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &request {
            Request::List(list) => hub::list(&Http::new(&list.origin, secrets)?, list, out).await,
            Request::Fetch(fetch) => {
                self::fetch(&Http::new(&fetch.origin, secrets)?, fetch, out, cache).await
            }
            Request::Sum(sum) => {
                self::sum(&Http::new(&sum.origin, secrets)?, sum, out, cache).await
            }
        }
    })?;
    place::stamp(out).context("the layer cannot be finished")
}

async fn fetch(http: &Http<'_>, asked: &Fetch, out: &Path, cache: &Path) -> Result<()> {
    room::check(asked, out, cache)?;
    let fetched = fetch_all(http, asked, out, cache).await;
    fetched.map_err(|error| room::explain(error, asked, out, cache))
}

async fn fetch_all(http: &Http<'_>, asked: &Fetch, out: &Path, cache: &Path) -> Result<()> {
    let total = asked.files.iter().filter_map(|file| file.size).sum();
    let progress = Progress::start(total);
    let arrived = &progress.arrived;
    let staged: Result<Vec<(&File, Staged)>> = stream::iter(&asked.files)
        .map(|file| async move {
            let staged = download(http, file, cache, arrived).await?;
            Ok((file, staged))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await;
    let staged = staged?;
    progress.end(staged.len());

    let taken: u64 = staged.iter().map(|(_, staged)| staged.size).sum();
    for (file, staged) in staged {
        let placed = put(file, &staged, out)?;
        // Another revision, or another choice of its files, finds there what it shares with this
        // one; as long as there would be room for as much again.
        let is_dear = placed == Copied::Twice && room::left(cache).is_none_or(|left| left < taken);
        if is_dear || !staged.is_known {
            staged.remove()?;
        }
    }
    for link in &asked.links {
        place::link(out, &link.path, &link.target)?;
    }
    for text in &asked.texts {
        place::text(out, &text.path, &text.text)?;
    }
    Ok(())
}

/// Writes down the checksum of a file, by which the next fetch finds it in the cache.
async fn sum(http: &Http<'_>, asked: &Sum, out: &Path, cache: &Path) -> Result<()> {
    let Sum { name, url, to, .. } = asked;
    let file = File {
        name: name.clone(),
        url: url.clone(),
        size: None,
        checksum: None,
        to: to.clone(),
        unpack: None,
    };
    let progress = Progress::start(0);
    let staged = download(http, &file, cache, &progress.arrived).await?;
    progress.end(1);
    let text = json!({"sha256": staged.checksum, "size": staged.size});
    place::text(out, to, &format!("{text:#}\n"))?;
    let known = cache.join(&staged.checksum);
    Ok(fs::rename(staged.path, known)?)
}

fn put(file: &File, staged: &Staged, out: &Path) -> Result<Copied> {
    match file.unpack {
        None => return place::copy(&staged.path, out, &file.to),
        Some(Unpack::Archive) => unpack::archive(&file.name, &staged.path, out, &file.to)?,
        Some(Unpack::Wheel) => unpack::wheel(&file.name, &staged.path, out, &file.to)?,
    }
    Ok(Copied::Twice)
}

/// Every file of a request is open until all are there, and a dataset may have thousands: as many
/// as the system allows, and not what it suggests.
fn allow_open_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
