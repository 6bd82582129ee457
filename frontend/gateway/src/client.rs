//! The calls of a daemon's gateway.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use buildkit_proto::{
    fsutil::types::Stat,
    moby::buildkit::v1::frontend::{
        CacheOptionsEntry, EvaluateRequest, FileRange, InputsRequest, PingRequest, ReadDirRequest,
        ReadFileRequest, ReturnRequest, SolveRequest, WarnRequest, result::Result as SolveResult,
    },
    pb,
};
use llb::{Definition, Location, State};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    BuildRequest, BuildResult, CacheImport, Capabilities, Error, Warning,
    transport::{self, Client},
};

/// The daemon, for as long as the build lasts. Cheap to clone; calls may run at the same time.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    capabilities: Capabilities,
    request: BuildRequest,
}

/// A filesystem that the daemon has, or will make when someone looks into it. It lives as long
/// as the frontend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference(String);

/// What is at a path. Links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// A file, or whatever else is no folder.
    File,
    /// A folder.
    Folder,
    /// Nothing, and nothing can be: something above it is no folder.
    Blocked,
}

/// How long the daemon may take to say hello (`frontend/gateway/grpcclient/client.go`).
const PING_DEADLINE: Duration = Duration::from_secs(15);

impl Gateway {
    /// Talks to a daemon over the two halves of any stream. [`crate::run`] does so over standard
    /// input and output.
    ///
    /// # Errors
    ///
    /// When the daemon does not answer within 15 seconds, or is older than BuildKit 0.11;
    /// `product` is what the message calls the frontend.
    pub async fn connect<R, W>(
        reader: R,
        writer: W,
        request: BuildRequest,
        product: &str,
    ) -> Result<Self, Error>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let client = transport::connect(reader, writer).await;
        let client = client.map_err(|error| Error::new(error.to_string()))?;
        Self::greet(client, request, product).await
    }

    /// Asks the daemon what it can do.
    pub(crate) async fn greet(
        mut client: Client,
        request: BuildRequest,
        product: &str,
    ) -> Result<Self, Error> {
        let pong = tokio::time::timeout(PING_DEADLINE, client.ping(PingRequest {}))
            .await
            .map_err(|_| {
                let seconds = PING_DEADLINE.as_secs();
                Error::new(format!("BuildKit did not answer within {seconds} s"))
            })??;
        let capabilities = Capabilities::of(pong.into_inner());
        capabilities.check_floor(product)?;
        Ok(Self(Arc::new(Shared { client, capabilities, request })))
    }

    /// Returns the build's result or its error. The daemon takes one answer only.
    ///
    /// # Errors
    ///
    /// When the daemon does not take it.
    pub async fn answer(&self, outcome: Result<BuildResult, Error>) -> Result<(), Error> {
        Ok(answer(&mut self.client(), outcome).await?)
    }

    pub(crate) fn client(&self) -> Client {
        self.0.client.clone()
    }

    /// What the daemon can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// What the frontend was started for.
    pub fn request(&self) -> &BuildRequest {
        &self.0.request
    }

    /// Hands over a graph. Nothing runs until someone looks into the result.
    ///
    /// # Errors
    ///
    /// When the daemon cannot do what the graph needs, or refuses it.
    pub async fn solve(&self, definition: &Definition) -> Result<Reference, Error> {
        self.submit(definition, false).await
    }

    /// Hands over a graph and waits until it has run: [`Gateway::solve`] and
    /// [`Gateway::evaluate`] in one call.
    ///
    /// # Errors
    ///
    /// As for both of them.
    pub async fn solve_now(&self, definition: &Definition) -> Result<Reference, Error> {
        self.submit(definition, true).await
    }

    async fn submit(&self, definition: &Definition, evaluate: bool) -> Result<Reference, Error> {
        self.0.capabilities.check_llb(definition.required_caps())?;
        if definition.is_empty() {
            return Ok(Reference::scratch());
        }
        let request = SolveRequest {
            definition: Some(definition.to_pb()),
            allow_result_return: true,
            allow_result_array_ref: true,
            cache_imports: self.request().options.cache_imports.iter().map(Into::into).collect(),
            evaluate,
            ..SolveRequest::default()
        };
        let response = self.client().solve(request).await?.into_inner();
        match response.result.and_then(|result| result.result) {
            Some(SolveResult::Ref(reference)) => Ok(Reference(reference.id)),
            other => Err(Error::new(format!("BuildKit answered a solve with {other:?}"))),
        }
    }

    /// Waits until `reference` has been made.
    ///
    /// # Errors
    ///
    /// When a vertex fails; the error knows which, and the lines it comes from.
    pub async fn evaluate(&self, reference: &Reference) -> Result<(), Error> {
        if !reference.is_scratch() {
            let request = EvaluateRequest { r#ref: reference.0.clone() };
            self.client().evaluate(request).await?;
        }
        Ok(())
    }

    /// A regular file's content, of up to 16 MiB.
    ///
    /// # Errors
    ///
    /// When there is none ([`Error::is_not_found`]), it is too large, or a vertex fails.
    pub async fn read_file(&self, reference: &Reference, path: &str) -> Result<Vec<u8>, Error> {
        self.read(reference, path, None).await
    }

    /// At most the first `length` bytes of a regular file.
    ///
    /// # Errors
    ///
    /// As for [`Gateway::read_file`].
    pub async fn read_start(
        &self,
        reference: &Reference,
        path: &str,
        length: u32,
    ) -> Result<Vec<u8>, Error> {
        let range = FileRange { offset: 0, length: i64::from(length) };
        self.read(reference, path, Some(range)).await
    }

    async fn read(
        &self,
        reference: &Reference,
        path: &str,
        range: Option<FileRange>,
    ) -> Result<Vec<u8>, Error> {
        let request = ReadFileRequest {
            r#ref: reference.look_up(path)?,
            file_path: path.to_owned(),
            range,
            ..ReadFileRequest::default()
        };
        Ok(self.client().read_file(request).await?.into_inner().data)
    }

    async fn read_dir(&self, reference: &Reference, path: &str) -> Result<Vec<Stat>, Error> {
        let request = ReadDirRequest {
            r#ref: reference.look_up(path)?,
            dir_path: path.to_owned(),
            ..ReadDirRequest::default()
        };
        Ok(self.client().read_dir(request).await?.into_inner().entries)
    }

    /// What is at each of `paths`, all relative to `folder`; those where nothing is are left out.
    ///
    /// # Errors
    ///
    /// When a vertex fails.
    pub async fn find(
        &self,
        reference: &Reference,
        folder: &str,
        paths: BTreeSet<String>,
    ) -> Result<BTreeMap<String, There>, Error> {
        let mut found = BTreeMap::new();
        let mut pending = vec![(String::new(), paths)];
        while let Some((inner, paths)) = pending.pop() {
            let entries = match self.read_dir(reference, &format!("/{folder}/{inner}")).await {
                Ok(entries) => entries,
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = format!("{inner}{}", entry.path);
                let above = format!("{path}/");
                let below: BTreeSet<String> =
                    paths.iter().filter(|path| path.starts_with(&above)).cloned().collect();
                let there = There::of(&entry);
                found.extend(paths.get(&path).map(|path| (path.clone(), there)));
                if there != There::Folder {
                    found.extend(below.into_iter().map(|path| (path, There::Blocked)));
                } else if !below.is_empty() {
                    pending.push((above, below));
                }
            }
        }
        Ok(found)
    }

    /// What the client gave the frontend to build upon, by name.
    ///
    /// # Errors
    ///
    /// When the daemon does not answer, or answers with what is no graph.
    pub async fn inputs(&self) -> Result<BTreeMap<String, State>, Error> {
        let response = self.client().inputs(InputsRequest {}).await?.into_inner();
        let state = |(name, definition): (String, pb::Definition)| {
            let state = State::from_pb(&definition)
                .map_err(|error| Error::new(format!("input {name}: {error}")))?;
            Ok((name, state))
        };
        response.definitions.into_iter().map(state).collect()
    }

    /// Shows a warning. That the daemon cannot show it fails no build, and is told in its log.
    pub async fn warn(&self, warning: Warning) {
        let info = warning.locations.first().map(|location| pb::SourceInfo {
            filename: location.file.name.clone(),
            data: location.file.data.clone(),
            definition: None,
            language: location.file.language.clone(),
        });
        let short = warning.short().into_bytes();
        let request = WarnRequest {
            digest: warning.vertex,
            // A Dockerfile's warnings have this level; 0 means the same.
            level: 1,
            short,
            detail: warning.detail.into_iter().map(String::into_bytes).collect(),
            url: warning.url,
            info,
            ranges: warning.locations.iter().map(range).collect(),
        };
        if let Err(refusal) = self.client().warn(request).await {
            eprintln!("a warning that could not be shown: {refusal}");
        }
    }
}

/// [`Gateway::answer`], for when the daemon has not been greeted.
pub(crate) async fn answer(
    client: &mut Client,
    outcome: Result<BuildResult, Error>,
) -> Result<(), tonic::Status> {
    let answer = match outcome {
        Ok(result) => ReturnRequest { result: Some(result.into()), error: None },
        Err(error) => ReturnRequest { result: None, error: Some(error.to_status()) },
    };
    client.r#return(answer).await?;
    Ok(())
}

impl Reference {
    /// The empty filesystem.
    pub const fn scratch() -> Self {
        Self(String::new())
    }

    /// Whether it is the empty filesystem.
    pub const fn is_scratch(&self) -> bool {
        self.0.is_empty()
    }

    /// The daemon's name for it.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// The id to look `path` up in; the daemon has none for the empty filesystem.
    fn look_up(&self, path: &str) -> Result<String, Error> {
        if self.is_scratch() { Err(not_found(path)) } else { Ok(self.0.clone()) }
    }
}

impl There {
    fn of(entry: &Stat) -> Self {
        /// Of Go's `FileMode`.
        const FOLDER: u32 = 1 << 31;
        if entry.mode & FOLDER == 0 { Self::File } else { Self::Folder }
    }
}

/// The daemon's words for it.
fn not_found(path: &str) -> Error {
    Error::new(format!("open {path}: no such file or directory"))
}

fn range(location: &Location) -> pb::Range {
    let position = |line: u32| {
        Some(pb::Position { line: i32::try_from(line).unwrap_or(i32::MAX), character: 0 })
    };
    pb::Range { start: position(location.lines.start), end: position(location.lines.end) }
}

impl From<&CacheImport> for CacheOptionsEntry {
    fn from(import: &CacheImport) -> Self {
        Self { r#type: import.kind.clone(), attrs: import.attrs.clone().into_iter().collect() }
    }
}
