//! Parts of files.

use std::ops::Range;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The content, or the part of it that the request's `Range` asks for.
pub(crate) fn part(content: &Bytes, etag: &str, headers: &HeaderMap) -> Response {
    let length = content.len();
    let common = [("etag", format!("\"{etag}\"")), ("accept-ranges", "bytes".into())];
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    match asked.and_then(|asked| range(asked, length)) {
        None => (common, content.clone()).into_response(),
        Some(part) if part.is_empty() => {
            let whole = [("content-range", format!("bytes */{length}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, common, whole).into_response()
        }
        Some(part) => {
            let place = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            let body = content.slice(part);
            (StatusCode::PARTIAL_CONTENT, common, [("content-range", place)], body).into_response()
        }
    }
}

/// The bytes that `bytes=first-last` or `bytes=first-` means; anything else asks for all (RFC 9110, 14.2).
fn range(asked: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    let end = length.min(last.saturating_add(1));
    Some(first.parse().ok()?..end)
}
