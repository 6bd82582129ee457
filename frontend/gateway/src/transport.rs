//! HTTP/2 over a pair of pipes: how a daemon and its frontend talk.

use std::{
    future::{Ready, ready},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::FileTypeExt as _, net::UnixStream as StdUnixStream},
    },
    task::{Context, Poll},
};

use buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, Join},
    net::{UnixStream, unix::pipe},
};
use tonic::transport::{Channel, Endpoint, Uri};
use tower_service::Service;

/// The calls of a daemon's gateway.
pub(crate) type Client = LlbBridgeClient<Channel>;

/// The largest message in either direction since BuildKit 0.14
/// (`frontend/gateway/gateway.go`); tonic's own limit is 4 MiB.
const MAX_MESSAGE: usize = 16 << 20;

/// The most that a trailer may hold: an error's details, source files among them, come in
/// one. gRPC's limit in Go; hyper's is 16 KiB.
const MAX_TRAILER: u32 = 16 << 20;

/// Connects to the daemon behind standard input and output.
///
/// Nothing else may be written to standard output from then on.
///
/// # Errors
///
/// When they are neither pipes nor sockets: then no daemon has started this program.
pub(crate) async fn stdio() -> io::Result<Client> {
    connect(reader(&io::stdin())?, writer(&io::stdout())?).await
}

/// Connects over the two halves of any stream.
pub(crate) async fn connect<R, W>(reader: R, writer: W) -> io::Result<Client>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let stream = TokioIo::new(tokio::io::join(reader, writer));
    // The address is never looked at.
    let channel = Endpoint::from_static("http://buildkit")
        .http2_max_header_list_size(MAX_TRAILER)
        .connect_with_connector(Once(Some(stream)))
        .await
        .map_err(io::Error::other)?;
    Ok(Client::new(channel).max_decoding_message_size(MAX_MESSAGE))
}

fn reader(stdin: &impl AsFd) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
    Ok(match Stream::of(stdin, "input")? {
        Stream::Pipe(fd) => Box::new(pipe::Receiver::from_owned_fd(fd)?),
        Stream::Socket(socket) => Box::new(socket),
    })
}

fn writer(stdout: &impl AsFd) -> io::Result<Box<dyn AsyncWrite + Send + Unpin>> {
    Ok(match Stream::of(stdout, "output")? {
        Stream::Pipe(fd) => Box::new(pipe::Sender::from_owned_fd(fd)?),
        Stream::Socket(socket) => Box::new(socket),
    })
}

/// BuildKit's own executors give pipes; another one may give sockets.
enum Stream {
    Pipe(OwnedFd),
    Socket(UnixStream),
}

impl Stream {
    fn of(standard: &impl AsFd, name: &str) -> io::Result<Self> {
        let file = std::fs::File::from(standard.as_fd().try_clone_to_owned()?);
        let kind = file.metadata()?.file_type();
        let fd = OwnedFd::from(file);
        if kind.is_fifo() {
            Ok(Self::Pipe(fd))
        } else if kind.is_socket() {
            let socket = StdUnixStream::from(fd);
            socket.set_nonblocking(true)?;
            Ok(Self::Socket(UnixStream::from_std(socket)?))
        } else {
            Err(io::Error::other(format!(
                "standard {name} is neither a pipe nor a socket: no BuildKit started this"
            )))
        }
    }
}

/// Hands out its stream the first time. A second connection in the middle of the stream would
/// only confuse the daemon, so when the stream ends, calls fail.
struct Once<R, W>(Option<TokioIo<Join<R, W>>>);

impl<R, W> Service<Uri> for Once<R, W> {
    type Response = TokioIo<Join<R, W>>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let closed = || io::Error::new(io::ErrorKind::NotConnected, "the daemon hung up");
        ready(self.0.take().ok_or_else(closed))
    }
}
