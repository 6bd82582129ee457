//! A git server over HTTP (`git http-backend`), and the repositories that tests make on it.

mod backend;
mod repository;
mod ssh;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use tempfile::TempDir;

use crate::basic_auth::{password, refusal};
use crate::server::Server;

pub use repository::Repository;
pub use ssh::SshGitServer;

/// A git server. Its repositories are gone when it is dropped.
#[derive(Debug)]
pub struct GitServer {
    site: Arc<Site>,
    http: Server,
}

#[derive(Debug)]
struct Site {
    root: TempDir,
    /// The tokens of the private repositories, by name.
    tokens: Mutex<BTreeMap<String, String>>,
}

impl GitServer {
    /// Serves on a free port of `ip`, no repository yet.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr) -> Result<Self> {
        let site = Arc::new(Site { root: TempDir::new()?, tokens: Mutex::default() });
        let routes = Router::new().fallback(answer).with_state(site.clone());
        let http = Server::start(ip, |listener| axum::serve(listener, routes).into_future())?;
        Ok(Self { site, http })
    }

    /// Makes an empty repository that anyone may read, at `/{name}.git`.
    ///
    /// # Errors
    ///
    /// When git is not installed.
    pub fn create(&self, name: &str) -> Result<Repository> {
        let url = format!("http://{}/{name}.git", self.http.address());
        Repository::init(self.site.root.path(), name, url)
    }

    /// Makes an empty repository that asks for `token`, as the password of whatever user.
    ///
    /// # Errors
    ///
    /// When git is not installed.
    pub fn create_private(&self, name: &str, token: &str) -> Result<Repository> {
        let mut tokens = self.site.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(name.into(), token.into());
        drop(tokens);
        self.create(name)
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    if !site.admits(&request) {
        return refusal();
    }
    backend::respond(site.root.path(), request).await.unwrap_or_else(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response()
    })
}

impl Site {
    fn admits(&self, request: &Request) -> bool {
        let name = request.uri().path().split('/').nth(1).unwrap_or_default();
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens
            .get(name.trim_end_matches(".git"))
            .is_none_or(|token| password(request.headers()).as_ref() == Some(token))
    }
}
