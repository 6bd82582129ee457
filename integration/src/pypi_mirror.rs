//! PyPI near by: asked for each thing once, and from then on as PyPI answers, with what PyPI says
//! of how long an answer holds. What is measured behind it is building, and not the network.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Client;
use zip::ZipArchive;

use crate::digest::sha256;
use crate::server::Server;
use crate::workspace;

const PAGES: &str = "https://pypi.org/simple/";
const FILES: &str = "https://files.pythonhosted.org/";

/// As PyPI has it: ten minutes for a page, for ever for a file.
const PAGE_HOLDS: &str = "max-age=600, public";
const FILE_HOLDS: &str = "max-age=365000000, immutable, public";

const HTML: &str = "text/html";

/// Says that a wheel's metadata can be had without the wheel (PEP 714), which is so for all that
/// PyPI has. Mirrors that stand between here and PyPI lose it.
const HAS_METADATA: &str = "data-core-metadata=\"true\"";

/// A mirror over HTTP. Its files stay on disk.
#[derive(Debug)]
pub struct PypiMirror(Server);

#[derive(Debug)]
struct Site {
    client: Client,
    folder: PathBuf,
    address: OnceLock<SocketAddr>,
    /// By path, each with its tag.
    pages: Mutex<BTreeMap<String, (Bytes, String)>>,
}

impl PypiMirror {
    /// Serves on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr) -> Result<Self> {
        // It fails only where one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let site = Arc::new(Site {
            client: Client::new(),
            folder: workspace::cache("pypi")?,
            address: OnceLock::new(),
            pages: Mutex::default(),
        });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&site));
        let server = Server::start(ip, |listener| axum::serve(listener, routes).into_future())?;
        let _ = site.address.set(server.address());
        Ok(Self(server))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// What `--index-url` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/simple", self.address())
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let (found, kind, holds) = match (path.strip_prefix("simple/"), path.strip_prefix("files/")) {
        (Some(project), _) => (site.page(project).await, HTML, PAGE_HOLDS),
        (_, Some(file)) => {
            // A file is never asked for again.
            let file = site.file(file).await.map(|file| Some((file?, String::new())));
            (file, "application/octet-stream", FILE_HOLDS)
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match found {
        Ok(Some((body, tag))) => {
            let tag = format!("\"{tag}\"");
            let known = request.headers().get(header::IF_NONE_MATCH);
            let headers = [
                (header::CACHE_CONTROL, holds.to_owned()),
                (header::CONTENT_TYPE, kind.to_owned()),
                (header::ETAG, tag.clone()),
            ];
            if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
                return (StatusCode::NOT_MODIFIED, headers).into_response();
            }
            (headers, body).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Site {
    async fn page(&self, project: &str) -> Result<Option<(Bytes, String)>> {
        let known = self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(project).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(page) = self.get(&format!("{PAGES}{project}"), HTML).await? else {
            return Ok(None);
        };
        let page = Bytes::from(self.own(&String::from_utf8(page.to_vec())?)?);
        // Once: the answers are timed.
        let page = (page.clone(), sha256(&page));
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.insert(project.to_owned(), page.clone());
        Ok(Some(page))
    }

    /// The page with its files here.
    fn own(&self, page: &str) -> Result<String> {
        let address = self.address.get().context("it is not listening yet")?;
        let files = format!("http://{address}/files/");
        let line = |line: &str| {
            let line = line.replace(FILES, &files);
            if line.contains(".whl#") && !line.contains("core-metadata") {
                line.replace("<a href", &format!("<a {HAS_METADATA} href"))
            } else {
                line
            }
        };
        Ok(page.lines().map(line).collect::<Vec<_>>().join("\n"))
    }

    async fn file(&self, path: &str) -> Result<Option<Bytes>> {
        let here = self.folder.join(path.replace('/', "_"));
        if let Ok(content) = fs::read(&here) {
            return Ok(Some(content.into()));
        }
        let content = match self.get(&format!("{FILES}{path}"), "*/*").await? {
            None => self.metadata(path).await?,
            found => found,
        };
        if let Some(content) = &content {
            // Whole or not at all, whoever else stores it.
            let part = tempfile::NamedTempFile::new_in(&self.folder)?;
            fs::write(part.path(), content)?;
            part.persist(&here)?;
        }
        Ok(content)
    }

    /// The metadata of a wheel out of the wheel itself, where who stands in between has none.
    async fn metadata(&self, path: &str) -> Result<Option<Bytes>> {
        let Some(wheel) = path.strip_suffix(".metadata") else { return Ok(None) };
        let Some(wheel) = Box::pin(self.file(wheel)).await? else { return Ok(None) };
        let mut wheel = ZipArchive::new(Cursor::new(wheel))?;
        let is_metadata = |name: &&str| name.ends_with(".dist-info/METADATA");
        let Some(name) = wheel.file_names().find(is_metadata).map(str::to_owned) else {
            return Ok(None);
        };
        let mut text = Vec::new();
        wheel.by_name(&name)?.read_to_end(&mut text)?;
        Ok(Some(text.into()))
    }

    /// What PyPI has; none if it has no such thing.
    async fn get(&self, url: &str, kind: &str) -> Result<Option<Bytes>> {
        let answer = self.client.get(url).header(header::ACCEPT, kind).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.bytes().await?))
    }
}
