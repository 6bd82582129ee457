//! A package index (PEP 503), which can ask for a password, and can have its troubles.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::basic_auth::{login, refusal};
use crate::digest::sha256;
use crate::package::PackageFile;
use crate::server::Server;

/// Where a mirror looks for what it does not have itself.
const UPSTREAM: &str = "https://pypi.org/simple";

/// An index over HTTP.
#[derive(Debug)]
pub struct PackageIndex {
    server: Server,
    site: Arc<Site>,
}

/// What an index has, and whom it gives it to.
#[derive(Debug, Default)]
struct Site {
    /// By file name.
    files: Mutex<BTreeMap<String, Bytes>>,
    /// Who may have it, `user:password`; everybody if nobody is named.
    login: Option<String>,
    /// Whether it is a mirror.
    passes_on: bool,
    troubles: Mutex<BTreeMap<String, Trouble>>,
    asked: Mutex<Vec<String>>,
}

/// What is wrong with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every answer has this status, and nothing else.
    Status(u16),
    /// Every answer is a text that is no page.
    Maintenance,
    /// There is no answer, ever.
    Silence,
    /// The page says that the file has another hash than it has.
    WrongHash,
    /// Of the file, only the first half is there.
    Truncated,
}

impl PackageIndex {
    /// Serves `files` on a free port of `ip` to everybody.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr, files: impl IntoIterator<Item = PackageFile>) -> Result<Self> {
        Self::start(ip, Site::of(files))
    }

    /// Serves `files` to who knows `login`, `user:password`.
    ///
    /// # Errors
    ///
    /// As [`PackageIndex::serve`].
    pub fn serve_private(
        ip: IpAddr,
        login: &str,
        files: impl IntoIterator<Item = PackageFile>,
    ) -> Result<Self> {
        Self::start(ip, Site { login: Some(login.into()), ..Site::of(files) })
    }

    /// Serves `files`, and for all other projects says that PyPI has them: it can take PyPI's
    /// place.
    ///
    /// # Errors
    ///
    /// As [`PackageIndex::serve`].
    pub fn serve_mirror(ip: IpAddr, files: impl IntoIterator<Item = PackageFile>) -> Result<Self> {
        Self::start(ip, Site { passes_on: true, ..Site::of(files) })
    }

    fn start(ip: IpAddr, site: Site) -> Result<Self> {
        let site = Arc::new(site);
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&site));
        let server = Server::start(ip, |listener| axum::serve(listener, routes).into_future())?;
        Ok(Self { server, site })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What `--index-url` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(&self.address().ip().to_string())
    }

    /// The same by another name of the host.
    #[must_use]
    pub fn url_at(&self, host: &str) -> String {
        format!("http://{host}:{}/simple", self.address().port())
    }

    /// A page with links to all that it has: what `--find-links` is to be.
    #[must_use]
    pub fn page(&self) -> String {
        format!("http://{}/all.html", self.address())
    }

    /// Serves one more file from now on.
    pub fn add(&self, file: PackageFile) {
        lock(&self.site.files).insert(file.name, file.content);
    }

    /// Has trouble with `what`, a part of paths: `simple/six`, or `six-1.17.0`.
    pub fn trouble(&self, what: &str, trouble: Trouble) {
        lock(&self.site.troubles).insert(what.into(), trouble);
    }

    /// Ends all trouble.
    pub fn mend(&self) {
        lock(&self.site.troubles).clear();
    }

    /// The paths that it was asked for since the last call, in order.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.site.asked))
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let path = request.uri().path().trim_matches('/').replace("%2B", "+");
    lock(&site.asked).push(path.clone());
    match site.trouble_with(&path) {
        Some(Trouble::Status(status)) => {
            let status = StatusCode::from_u16(status);
            return status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        }
        Some(Trouble::Maintenance) => return "back in an hour".into_response(),
        Some(Trouble::Silence) => return pending().await,
        Some(Trouble::WrongHash | Trouble::Truncated) | None => {}
    }
    if site.login.is_some() && login(request.headers()) != site.login {
        return refusal();
    }
    if path == "all.html" || path == "simple" {
        return Html(site.page("")).into_response();
    }
    match path.strip_prefix("simple/").or_else(|| path.strip_prefix("whl/cpu/")) {
        Some(project) => match site.page(&format!("{}-", project.replace('-', "_"))) {
            page if !page.is_empty() => Html(page).into_response(),
            _ if site.passes_on => {
                Redirect::temporary(&format!("{UPSTREAM}/{project}/")).into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        },
        None => site.file(&path).ok_or(StatusCode::NOT_FOUND).into_response(),
    }
}

impl Site {
    fn of(files: impl IntoIterator<Item = PackageFile>) -> Self {
        let files = files.into_iter().map(|file| (file.name, file.content)).collect();
        Self { files: Mutex::new(files), ..Self::default() }
    }

    fn trouble_with(&self, path: &str) -> Option<Trouble> {
        let troubles = lock(&self.troubles);
        troubles.iter().find(|(what, _)| path.contains(*what)).map(|(_, trouble)| *trouble)
    }

    /// Links to the files whose names begin with `start`.
    fn page(&self, start: &str) -> String {
        let files = lock(&self.files);
        let files = files.iter().filter(|(name, _)| name.starts_with(start));
        let link = |(name, content): (&String, &Bytes)| {
            let wrong = self.trouble_with(name) == Some(Trouble::WrongHash);
            let hash = sha256(if wrong { &[] } else { &content[..] });
            let href = name.replace('+', "%2B");
            format!("<a href=\"/files/{href}#sha256={hash}\">{name}</a><br>\n")
        };
        files.map(link).collect()
    }

    fn file(&self, path: &str) -> Option<Bytes> {
        // By its name, in whatever folder it is asked for: as an index, or as a release's files.
        let content = lock(&self.files).get(path.rsplit('/').next()?)?.clone();
        let truncated = self.trouble_with(path) == Some(Trouble::Truncated);
        let length = if truncated { content.len() / 2 } else { content.len() };
        Some(content.slice(..length))
    }
}

/// What a mutex guards. A panic elsewhere is that test's own matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
