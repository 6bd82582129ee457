//! The files themselves, from the repository or from large file storage.

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use super::repo::{Access, Blob};
use super::{Answer, Kind, Shared, token, visible};
use crate::range::part;

/// `resolve/{revision}/{path}`: the file, or where large file storage has it.
pub(super) async fn resolve(
    State(store): Shared,
    Extension(kind): Extension<Kind>,
    Extension(storage): Extension<SocketAddr>,
    Path((org, name, revision, path)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, kind.id(&org, &name), &headers)?;
    if let Access::Gated(secret) = &repo.access {
        match token(&headers) {
            Some(token) if token == secret => {}
            Some(_) => return Err(Refusal::NotOnTheList(repo.id.clone())),
            None => return Err(Refusal::Gated(repo.id.clone())),
        }
    }
    let (commit, tree) = repo.at(&revision).ok_or(Refusal::Revision(revision))?;
    let Some(blob) = tree.get(&path) else {
        return Ok((named(commit), Refusal::Entry).into_response());
    };
    Ok(match &blob.lfs {
        Some(sha256) => (named(commit), moved_to(storage, sha256, blob)).into_response(),
        None => (named(commit), part(&blob.content, &blob.oid, &headers)).into_response(),
    })
}

/// Large file storage: its addresses are signed, and a token beside the signature is an error,
/// as it is for S3.
pub(super) async fn large(
    State(store): Shared,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Response {
    if token(&headers).is_some() {
        let error = "only one auth mechanism allowed: this host must not be sent the hub's token";
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    match store.repos().values().find_map(|repo| repo.large_file(&sha256)) {
        Some(blob) => part(&blob.content, &sha256, &headers),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

fn named(commit: &str) -> [(&'static str, &str); 1] {
    [("x-repo-commit", commit)]
}

fn moved_to(storage: SocketAddr, sha256: &str, blob: &Blob) -> Response {
    let headers = [
        ("location", format!("http://{storage}/{sha256}")),
        ("x-linked-etag", format!("\"{sha256}\"")),
        ("x-linked-size", blob.content.len().to_string()),
    ];
    (StatusCode::FOUND, headers).into_response()
}
