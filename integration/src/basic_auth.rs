//! Passwords over HTTP, as "basic" authentication has them (RFC 7617).

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Who a request says that it is from: `user:password`.
pub(crate) fn login(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) =
        headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let credentials = BASE64_STANDARD.decode(credentials).ok()?;
    let login = String::from_utf8(credentials).ok()?;
    scheme.eq_ignore_ascii_case("basic").then_some(login)
}

/// The password of a request, whoever the user is.
pub(crate) fn password(headers: &HeaderMap) -> Option<String> {
    login(headers)?.split_once(':').map(|(_user, password)| password.into())
}

/// The answer to a request without the password.
pub(crate) fn refusal() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"tests\"")];
    (StatusCode::UNAUTHORIZED, challenge).into_response()
}
