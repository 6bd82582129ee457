//! A Hugging Face hub of one's own: the part of its HTTP API that downloading a model takes.
//!
//! It answers as huggingface.co answers `huggingface_hub` (2.4: `hf_api.py`, `file_download.py`),
//! and older clients too, which read the files from the model's info instead of its tree.
//! Files of large file storage are, as there, redirected to another host, which must not
//! be shown the token.

mod file;
mod refusal;
mod repo;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::body::HttpBody;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::server::Server;
use refusal::Refusal;
use repo::Access;

pub use repo::Repo;

/// A hub that serves the repositories it was given until it is dropped.
#[derive(Debug)]
pub struct Hub {
    store: Arc<Store>,
    api: Server,
    _storage: Server,
}

/// A request that the hub has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path asked for; `/{sha256}` where large file storage was asked.
    pub path: String,
    /// Whether the request carried a token, the right one or not.
    pub authorized: bool,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The length of the answer's body in bytes.
    pub sent: u64,
}

#[derive(Debug, Default)]
struct Store {
    repos: Mutex<BTreeMap<String, Repo>>,
    answered: Mutex<Vec<Answered>>,
}

impl Hub {
    /// Serves `repos` on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr, repos: impl IntoIterator<Item = Repo>) -> Result<Self> {
        let repos = repos.into_iter().map(|repo| (repo.id.clone(), repo));
        let store =
            Arc::new(Store { repos: Mutex::new(repos.collect()), answered: Mutex::default() });
        let storage = start(ip, &store, Router::new().route("/{sha256}", get(file::large)))?;
        let routes = Router::new()
            .route("/api/models/{org}/{name}", get(info))
            .route("/api/models", get(of_owner))
            .route("/api/models/{org}/{name}/revision/{revision}", get(info_at))
            .route("/api/models/{org}/{name}/refs", get(references))
            .route("/api/models/{org}/{name}/tree/{revision}", get(tree))
            .route("/{org}/{name}/resolve/{revision}/{*path}", get(file::resolve))
            .layer(Extension(storage.address()));
        Ok(Self { api: start(ip, &store, routes)?, _storage: storage, store })
    }

    /// What `HF_ENDPOINT` is to be.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.api.address())
    }

    /// Changes the repository `id`, for instance by a commit, between two requests.
    ///
    /// # Errors
    ///
    /// When the hub has no such repository.
    pub fn update<T>(&self, id: &str, change: impl FnOnce(&mut Repo) -> T) -> Result<T> {
        let mut repos = self.store.repos();
        let repo = repos.get_mut(id).with_context(|| format!("the hub has no {id}"))?;
        Ok(change(repo))
    }

    /// What was asked for since the last call, in the order of the answers.
    #[must_use]
    pub fn take_answered(&self) -> Vec<Answered> {
        std::mem::take(&mut *self.store.answered())
    }
}

fn start(ip: IpAddr, store: &Arc<Store>, routes: Router<Arc<Store>>) -> Result<Server> {
    let routes =
        routes.layer(middleware::from_fn_with_state(store.clone(), note)).with_state(store.clone());
    Server::start(ip, |listener| axum::serve(listener, routes).into_future())
}

impl Store {
    fn repos(&self) -> MutexGuard<'_, BTreeMap<String, Repo>> {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self) -> MutexGuard<'_, Vec<Answered>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn note(State(store): State<Arc<Store>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let authorized = request.headers().contains_key(header::AUTHORIZATION);
    let response = next.run(request).await;
    let length = response.body().size_hint().exact().unwrap_or_default();
    store.answered().push(Answered {
        sent: if method == Method::HEAD { 0 } else { length },
        method: method.to_string(),
        path,
        authorized,
        status: response.status().as_u16(),
    });
    response
}

type Shared = State<Arc<Store>>;
type Answer = Result<Response, Refusal>;

async fn info(
    store: Shared,
    Path((org, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    info_at(store, Path((org, name, "main".into())), headers).await
}

async fn info_at(
    State(store): Shared,
    Path((org, name, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, format!("{org}/{name}"), &headers)?;
    let (commit, tree) = repo.at(&revision).ok_or(Refusal::Revision(revision))?;
    let siblings: Vec<Value> = tree.iter().map(|(path, blob)| blob.sibling(path)).collect();
    Ok(answer_json(&json!({
        "id": repo.id,
        "modelId": repo.id,
        "sha": commit,
        "private": matches!(repo.access, Access::Private(_)),
        "gated": if matches!(repo.access, Access::Gated(_)) { json!("manual") } else { json!(false) },
        "tags": repo.license.iter().map(|name| format!("license:{name}")).collect::<Vec<_>>(),
        "cardData": {"license": repo.license},
        "siblings": siblings,
    })))
}

/// What an owner has, of what everyone may see.
async fn of_owner(State(store): Shared, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    let repos = store.repos();
    let owner = asked.get("author").map(|owner| format!("{owner}/")).unwrap_or_default();
    let public = repos.values().filter(|repo| !matches!(repo.access, Access::Private(_)));
    let ids = public.map(|repo| &repo.id).filter(|id| id.starts_with(&owner));
    answer_json(&ids.map(|id| json!({"id": id})).collect())
}

async fn references(
    State(store): Shared,
    Path((org, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, format!("{org}/{name}"), &headers)?;
    let (branches, tags): (Vec<_>, Vec<_>) =
        repo.names().map(|name| json!({"name": name})).partition(|it| it["name"] == "main");
    Ok(answer_json(&json!({"branches": branches, "tags": tags, "converts": []})))
}

async fn tree(
    State(store): Shared,
    Path((org, name, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, format!("{org}/{name}"), &headers)?;
    let (_, tree) = repo.at(&revision).ok_or(Refusal::Revision(revision))?;
    Ok(answer_json(&repo::listing(tree)))
}

/// The repository, if it exists for whoever sent the request.
fn visible<'a>(
    repos: &'a BTreeMap<String, Repo>,
    id: String,
    headers: &HeaderMap,
) -> Result<&'a Repo, Refusal> {
    let token = token(headers);
    let hidden =
        |repo: &Repo| matches!(&repo.access, Access::Private(secret) if token != Some(secret));
    match repos.get(&id) {
        Some(repo) if !hidden(repo) => Ok(repo),
        _ if token.is_some() => Err(Refusal::Repo),
        _ => Err(Refusal::Anonymous),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn answer_json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
