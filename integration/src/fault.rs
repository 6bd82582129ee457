//! What servers do wrong, and what lies between them and whoever downloads.

use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt as _};

/// Something that goes wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing but this status comes, with these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// The connection breaks after so many bytes of a body whose length was announced.
    Cut(usize),
    /// The body ends after so many bytes as if that were all of it, and announced no length.
    Short(usize),
    /// After so many bytes nothing more comes, and the connection stays.
    Stall(usize),
    /// The body comes in pieces of so many bytes, each after that time.
    Slow(usize, Duration),
    /// The last byte is another.
    Wrong,
    /// More bytes come than there are.
    More,
    /// A request for a part is answered with the whole, as servers may.
    Whole,
}

impl Fault {
    /// Too many requests; how long to wait is in the header.
    pub fn limited(header: &'static str, value: impl Into<String>) -> Self {
        Self::Status(429, vec![(header, value.into())])
    }

    /// A status, and not a word.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }

    /// Answers `request` as `next` does, with the fault in it.
    async fn answer(self, mut request: Request, next: Next) -> Response {
        if let Self::Status(status, headers) = self {
            return refused(status, headers).unwrap_or_else(broken);
        }
        if self == Self::Whole {
            request.headers_mut().remove(header::RANGE);
            return next.run(request).await;
        }
        let (mut head, body) = next.run(request).await.into_parts();
        let body = match to_bytes(body, usize::MAX).await {
            Ok(body) => body,
            Err(error) => return broken(error),
        };
        let length = body.len();
        let start = |count: usize| body.slice(..count.min(length));
        let (sent, body) = match self {
            Self::Cut(count) => {
                let rest = stream::once(async {
                    // What was sent is on its way before the connection breaks.
                    tokio::task::yield_now().await;
                    Err(io::Error::other("the connection is cut"))
                });
                announce(&mut head.headers, length);
                (start(count).len(), Body::from_stream(one(start(count)).chain(rest)))
            }
            Self::Stall(count) => {
                announce(&mut head.headers, length);
                let start = start(count);
                (start.len(), Body::from_stream(one(start).chain(stream::pending())))
            }
            Self::Short(count) => {
                head.headers.remove(header::CONTENT_LENGTH);
                (start(count).len(), Body::from_stream(one(start(count))))
            }
            Self::Slow(count, time) => {
                announce(&mut head.headers, length);
                let pieces: Vec<Bytes> =
                    body.chunks(count.max(1)).map(|piece| body.slice_ref(piece)).collect();
                let pieces = stream::iter(pieces).then(move |piece| async move {
                    tokio::time::sleep(time).await;
                    Ok::<_, Infallible>(piece)
                });
                (length, Body::from_stream(pieces))
            }
            Self::Wrong | Self::More => {
                let mut bytes = body.to_vec();
                match bytes.last_mut() {
                    Some(last) if self == Self::Wrong => *last ^= 1,
                    _ => bytes.extend(b"more"),
                }
                announce(&mut head.headers, bytes.len());
                (bytes.len(), bytes.into())
            }
            Self::Status(..) | Self::Whole => (length, body.into()),
        };
        head.extensions.insert(Sent(sent as u64));
        Response::from_parts(head, body)
    }
}

/// How many bytes of a body are sent, where its own length does not say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent(pub(crate) u64);

/// The faults that are to come.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Due>>);

/// A fault that is to come.
#[derive(Debug)]
struct Due {
    path: String,
    fault: Fault,
    times: usize,
}

impl Faults {
    /// Has the next `times` requests for `path` go wrong, after all faults that it has already.
    pub(crate) fn add(&self, path: &str, fault: Fault, times: usize) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.push(Due { path: path.into(), fault, times });
    }

    /// The next fault of `path`.
    fn take(&self, path: &str) -> Option<Fault> {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = due.iter_mut().find(|due| due.path == path && due.times > 0)?;
        next.times -= 1;
        Some(next.fault.clone())
    }

    /// Answers `request` as `next` does, or with what is to go wrong.
    pub(crate) async fn answer(&self, request: Request, next: Next) -> Response {
        match self.take(request.uri().path()) {
            Some(fault) => fault.answer(request, next).await,
            None => next.run(request).await,
        }
    }
}

fn refused(
    status: u16,
    headers: Vec<(&'static str, String)>,
) -> Result<Response, axum::http::Error> {
    let mut response = StatusCode::from_u16(status)?.into_response();
    for (name, value) in headers {
        let value = HeaderValue::try_from(value)?;
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}

/// A fault of the server's own, which no test has asked for.
fn broken(error: impl ToString) -> Response {
    (StatusCode::NOT_IMPLEMENTED, error.to_string()).into_response()
}

fn announce(headers: &mut axum::http::HeaderMap, length: usize) {
    headers.insert(header::CONTENT_LENGTH, length.into());
}

fn one(bytes: Bytes) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter([Ok(bytes)])
}
