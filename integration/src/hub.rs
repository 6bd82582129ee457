//! A Hugging Face hub of one's own: the part of its HTTP API that downloading models and datasets
//! takes.
//!
//! It answers as huggingface.co answers `huggingface_hub` (2.4: `hf_api.py`, `file_download.py`),
//! and older clients too, which read the files from the model's info instead of its tree, a page of
//! which has a thousand entries.
//! Files of large file storage are, as there, redirected to another host, which must not
//! be shown the token.

mod file;
mod refusal;
mod repo;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::{Value, json};

use crate::answers::Answers;
use crate::fault::Fault;
use crate::server::Server;
use refusal::Refusal;
use repo::{Access, PAGE};

pub use crate::answers::Answered;
pub use repo::Repo;

/// A hub that serves the repositories it was given until it is dropped.
#[derive(Debug)]
pub struct Hub {
    store: Arc<Store>,
    api: Server,
    _storage: Server,
}

#[derive(Debug, Default)]
struct Store {
    repos: Mutex<BTreeMap<String, Repo>>,
    answers: Arc<Answers>,
}

impl Hub {
    /// Serves `repos` on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses.
    pub fn serve(ip: IpAddr, repos: impl IntoIterator<Item = Repo>) -> Result<Self> {
        let repos = repos.into_iter().map(|repo| (repo.id.clone(), repo));
        let store = Arc::new(Store { repos: Mutex::new(repos.collect()), ..Store::default() });
        let storage = start(ip, &store, Router::new().route("/{sha256}", get(file::large)))?;
        let routes = Router::new()
            .nest("/api/models", api(Kind::Model))
            .nest("/api/datasets", api(Kind::Dataset))
            .nest("/datasets", files(Kind::Dataset))
            .merge(files(Kind::Model))
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

    /// Has the next `times` requests for `path` go wrong, after all faults that it has already.
    /// `path` is of the hub or, as `/{sha256}`, of large file storage.
    pub fn fault(&self, path: &str, fault: Fault, times: usize) {
        self.store.answers.fault(path, fault, times);
    }

    /// Has each download from large file storage take its time, at so many megabytes a second: as
    /// across the internet.
    pub fn slow_down(&self, megabytes: usize) {
        let piece = Fault::Slow(megabytes * 100_000, Duration::from_millis(100));
        for sha256 in self.store.repos().values().flat_map(Repo::large_files) {
            self.fault(&format!("/{sha256}"), piece.clone(), usize::MAX);
        }
    }

    /// What was asked for since the last call, in the order of the answers.
    #[must_use]
    pub fn take_answered(&self) -> Vec<Answered> {
        self.store.answers.take()
    }
}

/// What a repository is of.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Model,
    Dataset,
}

impl Kind {
    /// What the ids of all such repositories begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
        }
    }

    /// What the API calls such repositories.
    fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
        }
    }

    /// The id of a repository.
    fn id(self, org: &str, name: &str) -> String {
        format!("{}{org}/{name}", self.prefix())
    }
}

/// What is told of repositories.
fn api(kind: Kind) -> Router<Arc<Store>> {
    Router::new()
        .route("/", get(of_owner))
        .route("/{org}/{name}", get(info))
        .route("/{org}/{name}/revision/{revision}", get(info_at))
        .route("/{org}/{name}/refs", get(references))
        .route("/{org}/{name}/tree/{revision}", get(tree))
        .layer(Extension(kind))
}

/// The files of repositories.
fn files(kind: Kind) -> Router<Arc<Store>> {
    Router::new()
        .route("/{org}/{name}/resolve/{revision}/{*path}", get(file::resolve))
        .layer(Extension(kind))
}

fn start(ip: IpAddr, store: &Arc<Store>, routes: Router<Arc<Store>>) -> Result<Server> {
    let routes = store.answers.of(routes).with_state(store.clone());
    Server::start(ip, |listener| axum::serve(listener, routes).into_future())
}

impl Store {
    fn repos(&self) -> MutexGuard<'_, BTreeMap<String, Repo>> {
        self.repos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shared = State<Arc<Store>>;
type Answer = Result<Response, Refusal>;

async fn info(
    store: Shared,
    kind: Extension<Kind>,
    Path((org, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    info_at(store, kind, Path((org, name, "main".into())), headers).await
}

async fn info_at(
    State(store): Shared,
    Extension(kind): Extension<Kind>,
    Path((org, name, revision)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, kind.id(&org, &name), &headers)?;
    let (commit, tree) = repo.at(&revision).ok_or(Refusal::Revision(revision))?;
    // All that it knows of files before it is asked for their tree, and of a large repository not
    // that.
    let siblings = tree.keys().take(PAGE).map(|path| json!({"rfilename": path}));
    Ok(answer_json(&json!({
        "id": repo.name(),
        "modelId": repo.name(),
        "sha": commit,
        "private": matches!(repo.access, Access::Private(_)),
        "gated": if matches!(repo.access, Access::Gated(_)) { json!("manual") } else { json!(false) },
        "tags": repo.license.iter().map(|name| format!("license:{name}")).collect::<Vec<_>>(),
        "cardData": {"license": repo.license},
        "siblings": siblings.collect::<Vec<_>>(),
    })))
}

/// What an owner has, or what has a name with that in it, of what everyone may see.
async fn of_owner(
    State(store): Shared,
    Extension(kind): Extension<Kind>,
    Query(asked): Query<BTreeMap<String, String>>,
) -> Response {
    let repos = store.repos();
    let owner = asked.get("author").map(|owner| format!("{owner}/")).unwrap_or_default();
    let public = repos.values().filter(|repo| !matches!(repo.access, Access::Private(_)));
    let names = public.filter(|repo| repo.id == format!("{}{}", kind.prefix(), repo.name()));
    let search = asked.get("search").map_or("", String::as_str);
    let names = names.map(Repo::name);
    let names = names.filter(|name| name.starts_with(&owner) && name.contains(search));
    answer_json(&names.map(|name| json!({"id": name})).collect())
}

async fn references(
    State(store): Shared,
    Extension(kind): Extension<Kind>,
    Path((org, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, kind.id(&org, &name), &headers)?;
    let (branches, tags): (Vec<_>, Vec<_>) =
        repo.names().map(|name| json!({"name": name})).partition(|it| it["name"] == "main");
    Ok(answer_json(&json!({"branches": branches, "tags": tags, "converts": []})))
}

/// A page of it, and where the next is.
async fn tree(
    State(store): Shared,
    Extension(kind): Extension<Kind>,
    Path((org, name, revision)): Path<(String, String, String)>,
    Query(asked): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let repos = store.repos();
    let repo = visible(&repos, kind.id(&org, &name), &headers)?;
    let (commit, tree) = repo.at(&revision).ok_or(Refusal::Revision(revision))?;
    let number = |name: &str| asked.get(name).and_then(|number| number.parse().ok());
    let start = number("cursor").unwrap_or(0);
    let limit = number("limit").unwrap_or(PAGE).min(repo.page);
    let (page, count) = repo::listing(tree, start, limit);
    let mut answer = answer_json(&page);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let api = format!("http://{host}/api/{}/{org}/{name}", kind.plural());
    let end = start + limit;
    let next = format!("{api}/tree/{commit}?recursive=true&limit={limit}&cursor={end}");
    if let (true, Ok(link)) = (end < count, format!("<{next}>; rel=\"next\"").try_into()) {
        answer.headers_mut().insert(header::LINK, link);
    }
    Ok(answer)
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
