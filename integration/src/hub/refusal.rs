//! Why a request is refused, each in the hub's own code and words.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer_json;

#[derive(Debug)]
pub(super) enum Refusal {
    /// No such repository, or a private one: who has no token is not told which.
    Anonymous,
    /// The same, for whoever has a token.
    Repo,
    /// A gated repository, asked for without a token.
    Gated(String),
    /// A gated repository, asked for with a token that does not open it.
    NotOnTheList(String),
    /// No such branch, tag or commit.
    Revision(String),
    /// No such file.
    Entry,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Anonymous | Self::Gated(_) => StatusCode::UNAUTHORIZED,
            Self::NotOnTheList(_) => StatusCode::FORBIDDEN,
            Self::Repo | Self::Revision(_) | Self::Entry => StatusCode::NOT_FOUND,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Anonymous | Self::Repo => "RepoNotFound",
            Self::Gated(_) | Self::NotOnTheList(_) => "GatedRepo",
            Self::Revision(_) => "RevisionNotFound",
            Self::Entry => "EntryNotFound",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Anonymous => "Invalid username or password.".into(),
            Self::Repo => "Repository not found".into(),
            Self::Gated(id) => format!(
                "Access to model {id} is restricted. You must have access to it and be \
                 authenticated to access it. Please log in."
            ),
            Self::NotOnTheList(id) => format!(
                "Access to model {id} is restricted and you are not in the authorized list. \
                 Visit https://huggingface.co/{id} to ask for access."
            ),
            Self::Revision(revision) => format!("Invalid rev id: {revision}"),
            Self::Entry => "Entry not found".into(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (message, code) = (self.message(), self.code());
        let headers = [("x-error-code", code), ("x-error-message", &message)];
        (self.status(), headers, answer_json(&json!({"error": message}))).into_response()
    }
}
