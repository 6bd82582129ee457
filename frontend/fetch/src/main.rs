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
mod unpack;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rustix::fs::statvfs;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::download::{Staged, download};
use crate::http::Http;
use crate::place::Copied;
use crate::progress::{Progress, size};
use crate::request::{Fetch, File, Request, Unpack};

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
        }
    })?;
    place::stamp(out).context("the layer cannot be finished")
}

async fn fetch(http: &Http<'_>, asked: &Fetch, out: &Path, cache: &Path) -> Result<()> {
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
    let staged = staged.map_err(|error| room(error, asked, cache, total))?;
    progress.end(staged.len());

    for (file, staged) in staged {
        let placed = put(file, &staged, out).map_err(|error| room(error, asked, out, total))?;
        if placed == Copied::Twice || staged.is_spare {
            // A model is not kept twice where both copies take room: what the layer has, the
            // cache need not have.
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

fn put(file: &File, staged: &Staged, out: &Path) -> Result<Copied> {
    match file.unpack {
        None => return place::copy(&staged.path, out, &file.to),
        Some(Unpack::Archive) => unpack::archive(&file.name, &staged.path, out, &file.to)?,
        Some(Unpack::Wheel) => unpack::wheel(&file.name, &staged.path, out, &file.to)?,
    }
    Ok(Copied::Twice)
}

/// If the disk is full, how much it takes.
fn room(error: anyhow::Error, asked: &Fetch, folder: &Path, total: u64) -> anyhow::Error {
    let is_full = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::StorageFull)
    };
    if !error.chain().any(is_full) {
        return error;
    }
    let left = statvfs(folder).map(|disk| size(disk.f_bavail * disk.f_frsize)).unwrap_or_default();
    let name = &asked.origin.name;
    let needs = match total {
        0 => format!("{name} takes twice its size"),
        _ => format!("{name} has {}, which takes twice as much", size(total)),
    };
    error.context(format!(
        "the builder's disk is full: {needs} while it is fetched, and {left} are left; `docker \
         buildx prune` frees what is not used"
    ))
}

/// Every file of a request is open until all are there, and a dataset may have thousands: as many
/// as the system allows, and not what it suggests.
fn allow_open_files() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}
