//! The daemon's end of the wire: what BuildKit would be asked, answered from tables.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    result::Result,
    sync::{Arc, Mutex},
};

use buildkit_proto::{
    fsutil::types::Stat,
    moby::buildkit::v1::{
        apicaps::ApiCap,
        frontend::{
            Result as SolveResult,
            llb_bridge_server::{LlbBridge, LlbBridgeServer},
            *,
        },
    },
    pb,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use prost::Message as _;
use tokio::{net::unix::pipe, sync::Barrier, task::JoinHandle};
use tonic::{Request, Response, Status, codegen::tokio_stream::Empty};

/// What a daemon has and how it fails.
pub struct Daemon {
    /// The answer to Ping; none ever, if `None`.
    pub pong: Option<PongResponse>,
    /// Content by the identifier of the source it comes from, and path.
    pub files: BTreeMap<(&'static str, &'static str), Vec<u8>>,
    /// What sources resolve to, by identifier.
    pub sources: BTreeMap<&'static str, ResolveSourceMetaResponse>,
    /// The client's inputs.
    pub inputs: BTreeMap<&'static str, pb::Definition>,
    /// What every solve fails with.
    pub failure: Option<Status>,
    /// Every file is read only when so many are asked for.
    pub together: Barrier,
    /// What was asked, in order.
    pub calls: Mutex<Vec<Call>>,
}

/// A question of the frontend's.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Solve(SolveRequest),
    ReadFile(ReadFileRequest),
    Evaluate(EvaluateRequest),
    ResolveSource(ResolveSourceMetaRequest),
    ResolveConfig(ResolveImageConfigRequest),
    Warn(WarnRequest),
    Return(ReturnRequest),
}

pub fn enabled(ids: &[&str]) -> Vec<ApiCap> {
    let cap = |id: &&str| ApiCap { id: (*id).to_owned(), enabled: true, ..ApiCap::default() };
    ids.iter().map(cap).collect()
}

impl Default for Daemon {
    /// One with all that the tests' graphs need.
    fn default() -> Self {
        Self {
            pong: Some(PongResponse {
                frontend_api_caps: enabled(&["gateway.evaluate", "source.metaresolver"]),
                llb_caps: enabled(&[
                    "constraints",
                    "file.base",
                    "meta.description",
                    "platform",
                    "source.git",
                    "source.git.fullurl",
                    "source.git.httpauth",
                    "source.git.keepgitdir",
                    "source.http",
                    "source.image",
                    "source.image.resolvemode",
                    "source.local",
                    "source.local.differ",
                    "source.local.excludepatterns",
                    "source.local.followpaths",
                    "source.local.includepatterns",
                    "source.local.sessionid",
                    "source.local.sharedkeyhint",
                    "source.ocilayout",
                ]),
                workers: Vec::new(),
            }),
            files: BTreeMap::new(),
            sources: BTreeMap::new(),
            inputs: BTreeMap::new(),
            failure: None,
            together: Barrier::new(1),
            calls: Mutex::default(),
        }
    }
}

impl Daemon {
    pub fn with_file(
        mut self,
        source: &'static str,
        path: &'static str,
        data: impl Into<Vec<u8>>,
    ) -> Self {
        self.files.insert((source, path), data.into());
        self
    }

    fn note(&self, call: Call) {
        self.calls.lock().unwrap().push(call);
    }

    /// The calls so far, forgotten here.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Answers on a task of its own. The frontend reads the one pipe and writes the other.
    pub fn start(self: Arc<Self>) -> (pipe::Receiver, pipe::Sender, JoinHandle<()>) {
        let (from_daemon, to_frontend) = std::io::pipe().unwrap();
        let (from_frontend, to_daemon) = std::io::pipe().unwrap();
        let server = tokio::spawn(self.serve(receiver(from_frontend), sender(to_frontend)));
        (receiver(from_daemon), sender(to_daemon), server)
    }

    /// Answers over two pipes until the frontend hangs up.
    pub async fn serve(self: Arc<Self>, reader: pipe::Receiver, writer: pipe::Sender) {
        let stream = TokioIo::new(tokio::io::join(reader, writer));
        let bridge = LlbBridgeServer::from_arc(self).max_decoding_message_size(16 << 20);
        let http2 = auto::Builder::new(TokioExecutor::new()).http2_only();
        // A frontend ends without goodbye.
        let _ = http2.serve_connection(stream, TowerToHyperService::new(bridge)).await;
    }
}

pub fn receiver(fd: impl Into<OwnedFd>) -> pipe::Receiver {
    pipe::Receiver::from_owned_fd(fd.into()).unwrap()
}

pub fn sender(fd: impl Into<OwnedFd>) -> pipe::Sender {
    pipe::Sender::from_owned_fd(fd.into()).unwrap()
}

/// The sources that a definition is made from, and its target's file actions: enough to tell
/// what was asked for.
pub fn operations(definition: &pb::Definition) -> Vec<pb::op::Op> {
    let decode = |bytes: &Vec<u8>| pb::Op::decode(&**bytes).unwrap().op;
    definition.def.iter().filter_map(decode).collect()
}

pub fn sources(definition: &pb::Definition) -> Vec<pb::SourceOp> {
    let source = |op| match op {
        pb::op::Op::Source(source) => Some(source),
        _ => None,
    };
    operations(definition).into_iter().filter_map(source).collect()
}

fn unused<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no frontend of these tests asks this"))
}

#[tonic::async_trait]
impl LlbBridge for Daemon {
    type ExecProcessStream = Empty<Result<ExecMessage, Status>>;

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PongResponse>, Status> {
        match &self.pong {
            Some(pong) => Ok(Response::new(pong.clone())),
            None => std::future::pending().await,
        }
    }

    /// A reference is called after the source that it is made from, if there is one.
    async fn solve(
        &self,
        request: Request<SolveRequest>,
    ) -> Result<Response<SolveResponse>, Status> {
        let request = request.into_inner();
        self.note(Call::Solve(request.clone()));
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let source = sources(&request.definition.unwrap()).into_iter().next();
        let id = source.map_or_else(|| "scratch".to_owned(), |source| source.identifier);
        let reference = Ref { id, def: None };
        let result =
            SolveResult { result: Some(result::Result::Ref(reference)), ..Default::default() };
        Ok(Response::new(SolveResponse { result: Some(result), ..Default::default() }))
    }

    async fn read_file(
        &self,
        request: Request<ReadFileRequest>,
    ) -> Result<Response<ReadFileResponse>, Status> {
        let request = request.into_inner();
        self.note(Call::ReadFile(request.clone()));
        self.together.wait().await;
        let key = (request.r#ref.as_str(), request.file_path.as_str());
        let mut files = self.files.iter();
        let Some((_, data)) = files.find(|((source, path), _)| (*source, *path) == key) else {
            let path = request.file_path;
            return Err(Status::unknown(format!("open {path}: no such file or directory")));
        };
        let length = request.range.map_or(data.len(), |range| range.length as usize);
        let data = data[..length.min(data.len())].to_vec();
        Ok(Response::new(ReadFileResponse { data }))
    }

    async fn evaluate(
        &self,
        request: Request<EvaluateRequest>,
    ) -> Result<Response<EvaluateResponse>, Status> {
        self.note(Call::Evaluate(request.into_inner()));
        Ok(Response::new(EvaluateResponse {}))
    }

    async fn stat_file(
        &self,
        _: Request<StatFileRequest>,
    ) -> Result<Response<StatFileResponse>, Status> {
        unused()
    }

    async fn resolve_source_meta(
        &self,
        request: Request<ResolveSourceMetaRequest>,
    ) -> Result<Response<ResolveSourceMetaResponse>, Status> {
        let request = request.into_inner();
        let identifier = request.source.clone().unwrap().identifier;
        self.note(Call::ResolveSource(request));
        let found = self.sources.get(identifier.as_str());
        found.cloned().map(Response::new).ok_or_else(|| Status::not_found(identifier))
    }

    async fn resolve_image_config(
        &self,
        request: Request<ResolveImageConfigRequest>,
    ) -> Result<Response<ResolveImageConfigResponse>, Status> {
        self.note(Call::ResolveConfig(request.into_inner()));
        Ok(Response::new(ResolveImageConfigResponse {
            digest: "sha256:old".to_owned(),
            config: b"{}".to_vec(),
            r#ref: String::new(),
        }))
    }

    async fn inputs(&self, _: Request<InputsRequest>) -> Result<Response<InputsResponse>, Status> {
        let owned = |(name, input): (&&str, &pb::Definition)| ((*name).to_owned(), input.clone());
        let definitions = self.inputs.iter().map(owned).collect();
        Ok(Response::new(InputsResponse { definitions }))
    }

    async fn warn(&self, request: Request<WarnRequest>) -> Result<Response<WarnResponse>, Status> {
        let request = request.into_inner();
        self.note(Call::Warn(request.clone()));
        if request.short == b"refused" {
            return Err(Status::unavailable("no logs"));
        }
        Ok(Response::new(WarnResponse {}))
    }

    async fn r#return(
        &self,
        request: Request<ReturnRequest>,
    ) -> Result<Response<ReturnResponse>, Status> {
        let request = request.into_inner();
        if request.result.as_ref().is_some_and(|result| result.metadata.contains_key("refused")) {
            return Err(Status::unknown("no such ref"));
        }
        self.note(Call::Return(request));
        Ok(Response::new(ReturnResponse {}))
    }

    /// What lies above the files that it has, and these.
    async fn read_dir(
        &self,
        request: Request<ReadDirRequest>,
    ) -> Result<Response<ReadDirResponse>, Status> {
        /// Of Go's `FileMode`.
        const FOLDER: u32 = 1 << 31;
        let request = request.into_inner();
        let folder = request.dir_path.trim_matches('/');
        let of_source = self.files.keys().filter(|(source, _)| *source == request.r#ref);
        let inside = of_source.filter_map(|(_, path)| {
            let path = path.strip_prefix('/')?.strip_prefix(folder)?;
            Some(path.strip_prefix('/').unwrap_or(path))
        });
        let entries: BTreeMap<&str, u32> = inside
            .map(|path| path.split_once('/').map_or((path, 0), |(name, _)| (name, FOLDER)))
            .collect();
        let stat = |(path, mode): (&str, u32)| Stat { path: path.into(), mode, ..Stat::default() };
        Ok(Response::new(ReadDirResponse { entries: entries.into_iter().map(stat).collect() }))
    }

    async fn new_container(
        &self,
        _: Request<NewContainerRequest>,
    ) -> Result<Response<NewContainerResponse>, Status> {
        unused()
    }

    async fn release_container(
        &self,
        _: Request<ReleaseContainerRequest>,
    ) -> Result<Response<ReleaseContainerResponse>, Status> {
        unused()
    }

    async fn exec_process(
        &self,
        _: Request<tonic::Streaming<ExecMessage>>,
    ) -> Result<Response<Self::ExecProcessStream>, Status> {
        unused()
    }

    async fn read_file_container(
        &self,
        _: Request<ReadFileRequest>,
    ) -> Result<Response<ReadFileResponse>, Status> {
        unused()
    }

    async fn read_dir_container(
        &self,
        _: Request<ReadDirRequest>,
    ) -> Result<Response<ReadDirResponse>, Status> {
        unused()
    }

    async fn stat_file_container(
        &self,
        _: Request<StatFileRequest>,
    ) -> Result<Response<StatFileResponse>, Status> {
        unused()
    }
}
