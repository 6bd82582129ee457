//! What a server has answered, and what goes wrong with what it is yet to answer.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::fault::{Fault, Faults, Sent};

/// A request that has been answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The path asked for; `/{sha256}` where large file storage was asked.
    pub path: String,
    /// The part asked for, as in `bytes=7-`.
    pub range: Option<String>,
    /// Whether the request carried a token, the right one or not.
    pub authorized: bool,
    /// The HTTP status of the answer.
    pub status: u16,
    /// How many bytes of a body the answer had.
    pub sent: u64,
}

/// Answers, those that were given and those to come.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    given: Mutex<Vec<Answered>>,
    faults: Faults,
}

impl Answers {
    /// What was answered since the last call.
    pub(crate) fn take(&self) -> Vec<Answered> {
        std::mem::take(&mut *self.given.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has the next `times` requests for `path` go wrong.
    pub(crate) fn fault(&self, path: &str, fault: Fault, times: usize) {
        self.faults.add(path, fault, times);
    }

    /// The same routes, their answers noted here and the faults in them.
    pub(crate) fn of<S: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        routes: Router<S>,
    ) -> Router<S> {
        routes.layer(middleware::from_fn_with_state(Arc::clone(self), note))
    }
}

async fn note(State(answers): State<Arc<Answers>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let authorized = request.headers().contains_key(header::AUTHORIZATION);
    let range = request.headers().get(header::RANGE);
    let range = range.and_then(|range| Some(range.to_str().ok()?.to_owned()));
    let response = answers.faults.answer(request, next).await;
    let sent = match response.extensions().get::<Sent>() {
        Some(Sent(sent)) => *sent,
        None => response.body().size_hint().exact().unwrap_or_default(),
    };
    let mut given = answers.given.lock().unwrap_or_else(PoisonError::into_inner);
    given.push(Answered {
        sent: if method == Method::HEAD { 0 } else { sent },
        method: method.to_string(),
        path,
        range,
        authorized,
        status: response.status().as_u16(),
    });
    drop(given);
    response
}
