//! What went wrong, in the form that the daemon hands to the person who builds.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use buildkit_proto::google::{protobuf::Any, rpc};
use llb::{Location, SourceFile};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tonic::Code;

/// A failure, with the lines to blame and whatever the daemon said about it.
///
/// Of a failure that the daemon reported, its details are kept as they came and go back with
/// it: they hold the failed vertex, its log and its source lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    message: String,
    code: Code,
    locations: Vec<Location>,
    details: Vec<Any>,
}

/// How much of source files one error carries, in bytes. `Return` takes messages of 4 MiB
/// before BuildKit 0.14, and files are in base64 there.
const SOURCE_BUDGET: usize = 2 << 20;

impl Error {
    /// A failure that the daemon knows nothing about. `message` is a lower-case fragment.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: Code::Unknown,
            locations: Vec::new(),
            details: Vec::new(),
        }
    }

    /// The answer to a subrequest that the frontend does not have (`--call`, `requestid`).
    ///
    /// Clients know it by its detail, older ones by its words
    /// (`solver/errdefs/subrequest.go`): they ask the built-in frontend next.
    pub fn unsupported_subrequest(id: &str) -> Self {
        #[derive(Serialize)]
        struct Subrequest<'a> {
            name: &'a str,
        }
        Self {
            details: vec![json_detail("Subrequest", &Subrequest { name: id })],
            ..Self::new(format!("unsupported request {id}"))
        }
    }

    /// Says what was being done: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Adds what to do about it, if that is known, in a line of its own.
    #[must_use]
    pub fn help(mut self, help: Option<impl fmt::Display>) -> Self {
        if let Some(help) = help {
            self.message = format!("{}\n  help: {help}", self.message.trim_end());
        }
        self
    }

    /// Adds lines to blame. Clients print each with the lines around it.
    #[must_use]
    pub fn at(mut self, locations: impl IntoIterator<Item = Location>) -> Self {
        self.locations.extend(locations);
        self
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The daemon's code for it; [`Code::Unknown`] for what is not the daemon's.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The lines to blame that were added here.
    pub fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// The digest of the vertex that failed, if one did.
    pub fn vertex(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Vertex {
            digest: String,
        }
        let detail = self.details.iter().find(|any| any.type_url == detail_url("Vertex"))?;
        Some(serde_json::from_slice::<Vertex>(&detail.value).ok()?.digest)
    }

    /// What the command that failed exited with, if one did: `gatewayapi.ExitMessage`
    /// (`frontend/gateway/pb/exit.go`).
    pub fn exit_code(&self) -> Option<u32> {
        /// Go leaves out what is zero.
        #[derive(Deserialize)]
        struct ExitMessage {
            #[serde(rename = "Code", default)]
            code: u32,
        }
        let url = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";
        let detail = self.details.iter().find(|any| any.type_url == url)?;
        Some(serde_json::from_slice::<ExitMessage>(&detail.value).ok()?.code)
    }

    /// Whether the daemon looked for a file that is not there, in a filesystem that is. It has
    /// no code for this, only Go's words (`cache/util/fsutil.go`).
    pub fn is_not_found(&self) -> bool {
        self.message.ends_with("no such file or directory") && self.vertex().is_none()
    }

    /// The message for `Return`.
    ///
    /// A code other than Unknown is printed before the message by the daemon, and Ok is refused
    /// (`util/grpcerrors/grpcerrors.go`).
    pub fn to_status(&self) -> rpc::Status {
        let code = match self.code {
            Code::Ok => Code::Unknown,
            code => code,
        };
        let mut budget = SOURCE_BUDGET;
        let fitting = self.locations.iter().take_while(|location| {
            let size = location.file.data.len();
            let fits = size <= budget;
            budget = budget.saturating_sub(size);
            fits
        });
        let mut sources: Vec<Any> = fitting.map(source_detail).collect();
        // The daemon turns their order round on the way to the client.
        sources.reverse();
        rpc::Status {
            code: code.into(),
            message: self.message.clone(),
            details: self.details.iter().cloned().chain(sources).collect(),
        }
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        // The details of a status are a status again, in protobuf.
        let details = rpc::Status::decode(status.details()).unwrap_or_default().details;
        Self {
            message: status.message().to_owned(),
            code: status.code(),
            locations: Vec::new(),
            details,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// `errdefs.Source` in JSON, as Go's encoder writes that struct: bytes in base64.
fn source_detail(location: &Location) -> Any {
    #[derive(Serialize)]
    struct Source<'a> {
        info: Info<'a>,
        ranges: [Range; 1],
    }
    #[derive(Serialize)]
    struct Info<'a> {
        filename: &'a str,
        data: String,
        language: &'a str,
    }
    #[derive(Serialize)]
    struct Range {
        start: Position,
        end: Position,
    }
    #[derive(Serialize)]
    struct Position {
        line: u32,
    }
    let SourceFile { name, language, data } = &*location.file;
    json_detail(
        "Source",
        &Source {
            info: Info { filename: name, data: BASE64_STANDARD.encode(data), language },
            ranges: [Range {
                start: Position { line: location.lines.start },
                end: Position { line: location.lines.end },
            }],
        },
    )
}

/// A detail as the daemon decodes it: JSON under a type name that ends in `+json`; protobuf
/// under such a name is dropped (`util/grpcerrors/grpcerrors.go`).
fn json_detail(name: &str, body: &impl Serialize) -> Any {
    Any { type_url: detail_url(name), value: serde_json::to_vec(body).unwrap_or_default() }
}

fn detail_url(name: &str) -> String {
    format!("github.com/moby/buildkit/errdefs.{name}+json")
}

#[cfg(test)]
mod tests {
    use std::{slice, sync::Arc};

    use llb::Lines;
    use serde_json::{Value, json};

    use super::*;

    fn location(size: usize, lines: Lines) -> Location {
        let file = SourceFile {
            name: "app.yaml".to_owned(),
            language: "YAML".to_owned(),
            data: vec![b'x'; size],
        };
        Location { file: Arc::new(file), lines }
    }

    fn from_daemon(message: &str, details: &[Any]) -> Error {
        let details = rpc::Status { details: details.to_vec(), ..rpc::Status::default() };
        let details = details.encode_to_vec().into();
        tonic::Status::with_details(Code::Cancelled, message, details).into()
    }

    fn body(detail: &Any) -> Value {
        serde_json::from_slice(&detail.value).unwrap()
    }

    #[test]
    fn lines_become_source_details_that_go_decodes() {
        let error = Error::new("unknown key").at([location(3, Lines { start: 3, end: 4 })]);
        let status = error.to_status();
        assert_eq!((status.code, status.message.as_str()), (2, "unknown key"));
        let [detail] = &status.details[..] else { panic!("{:?}", status.details) };
        assert_eq!(detail.type_url, "github.com/moby/buildkit/errdefs.Source+json");
        assert_eq!(
            body(detail),
            json!({
                "info": {"filename": "app.yaml", "data": "eHh4", "language": "YAML"},
                "ranges": [{"start": {"line": 3}, "end": {"line": 4}}],
            })
        );
    }

    #[test]
    fn unsupported_subrequests_carry_their_id() {
        let status = Error::unsupported_subrequest("frontend.outline").to_status();
        assert_eq!(status.message, "unsupported request frontend.outline");
        assert_eq!(status.details[0].type_url, "github.com/moby/buildkit/errdefs.Subrequest+json");
        assert_eq!(body(&status.details[0]), json!({"name": "frontend.outline"}));
    }

    #[test]
    fn context_and_lines_leave_the_daemons_details_alone() {
        let vertex = json_detail("Vertex", &json!({"digest": "sha256:v"}));
        let error = from_daemon("exit code: 1", slice::from_ref(&vertex));
        let error = error.context("cannot install").at([location(1, Lines::one(1))]);
        assert_eq!(error.vertex().as_deref(), Some("sha256:v"));
        let status = error.to_status();
        assert_eq!((status.code, status.message.as_str()), (1, "cannot install: exit code: 1"));
        assert_eq!(status.details[0], vertex);
        assert_eq!(status.details.len(), 2);
    }

    #[test]
    fn the_code_that_a_command_exited_with() {
        let exit = Any {
            type_url: "github.com/moby/buildkit/gatewayapi.ExitMessage+json".to_owned(),
            value: br#"{"Code":3}"#.to_vec(),
        };
        assert_eq!(from_daemon("exit code: 3", &[exit]).exit_code(), Some(3));
        assert_eq!(from_daemon("exit code: 3", &[]).exit_code(), None);
    }

    #[test]
    fn a_missing_file_is_told_from_a_vertex_that_misses_one() {
        let missing = "open a: no such file or directory";
        let vertex = json_detail("Vertex", &json!({"digest": "sha256:v"}));
        assert!(from_daemon(missing, &[]).is_not_found());
        assert!(!from_daemon(missing, &[vertex]).is_not_found());
        assert!(!from_daemon("a is not a regular file", &[]).is_not_found());
    }

    #[test]
    fn a_code_of_success_never_leaves() {
        assert_eq!(Error::from(tonic::Status::new(Code::Ok, "odd")).to_status().code, 2);
    }

    #[test]
    fn sources_come_last_first_and_stop_before_they_overflow() {
        let error = Error::new("many").at((1..=9).map(|line| location(1 << 20, Lines::one(line))));
        let details = error.to_status().details;
        let lines: Vec<_> = details
            .iter()
            .map(|detail| body(detail)["ranges"][0]["start"]["line"].clone())
            .collect();
        assert_eq!(lines, [2, 1]);
    }
}
