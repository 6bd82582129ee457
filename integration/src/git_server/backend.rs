//! The bridge between HTTP and git's own CGI program.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use tokio::io::AsyncWriteExt as _;

use crate::git::git;

/// What git-http-backend(1) answers to `request`, for the repositories under `root`.
pub(super) async fn respond(root: &Path, request: Request) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    let header =
        |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut cgi = git()?;
    cgi.arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut cgi =
        tokio::process::Command::from(cgi).kill_on_drop(true).spawn().context("start git")?;
    let stdin = cgi.stdin.take();
    let (_, output) = tokio::join!(
        async {
            // What git has not read it did not need; its answer says whether that is an error.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&body).await;
            }
        },
        cgi.wait_with_output()
    );
    let output = output?;
    let said = String::from_utf8_lossy(&output.stderr);
    response(output.stdout.into()).with_context(|| format!("git http-backend: {said}"))
}

/// An HTTP response out of a CGI program's output (RFC 3875, 6).
fn response(output: Bytes) -> Result<Response<Body>> {
    let end = output
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .context("an answer without a header")?;
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..end])?.lines() {
        let (name, value) = line.split_once(": ").context("a bad header")?;
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or_default()),
            _ => response.header(name, value),
        };
    }
    Ok(response.body(output.slice(end + 4..).into())?)
}
