//! A server of plain files, such as releases lie on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::answers::Answers;
use crate::basic_auth;
use crate::fault::Fault;
use crate::range::part;
use crate::server::Server;

pub use crate::answers::Answered;

/// A server of files, until it is dropped.
#[derive(Debug)]
pub struct FileServer {
    answers: Arc<Answers>,
    http: Server,
}

/// The files, and the token, or `user:password`, that they take.
type Files = Arc<(BTreeMap<String, Bytes>, Option<String>)>;

impl FileServer {
    /// Serves files, by their paths, on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve<P, C>(ip: IpAddr, files: impl IntoIterator<Item = (P, C)>) -> Result<Self>
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        Self::start(ip, files, None)
    }

    /// The same, for those who have `token`: a bearer, or with a colon in it a user and a password.
    ///
    /// # Errors
    ///
    /// As [`FileServer::serve`].
    pub fn serve_for<P, C>(
        ip: IpAddr,
        files: impl IntoIterator<Item = (P, C)>,
        token: &str,
    ) -> Result<Self>
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        Self::start(ip, files, Some(token.into()))
    }

    fn start<P, C>(
        ip: IpAddr,
        files: impl IntoIterator<Item = (P, C)>,
        token: Option<String>,
    ) -> Result<Self>
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        let files = files.into_iter().map(|(path, content)| (path.into(), content.into()));
        let files: Files = Arc::new((files.collect(), token));
        let answers = Arc::<Answers>::default();
        let routes = answers.of(Router::new().route("/{*path}", get(file))).with_state(files);
        let http = Server::start(ip, |listener| axum::serve(listener, routes).into_future())?;
        Ok(Self { answers, http })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http.address())
    }

    /// Has the next `times` requests for `path` go wrong, after all faults that it has already.
    pub fn fault(&self, path: &str, fault: Fault, times: usize) {
        self.answers.fault(path, fault, times);
    }

    /// What was asked for since the last call, in the order of the answers.
    #[must_use]
    pub fn take_answered(&self) -> Vec<Answered> {
        self.answers.take()
    }
}

async fn file(
    State(files): State<Files>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let (files, token) = &*files;
    let has = |token: &String| match token.contains(':') {
        true => basic_auth::login(&headers).as_ref() == Some(token),
        false => bearer(&headers) == Some(token),
    };
    if !token.as_ref().is_none_or(has) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match files.get(&path) {
        Some(content) => part(content, &path, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}
