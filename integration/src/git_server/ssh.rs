//! The same repositories over SSH: a real sshd, and a key that opens it.

use std::ffi::OsStr;
use std::fs;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use super::{GitServer, Repository};
use crate::command::output;
use crate::git;
use crate::packages::Packages;
use crate::server::Server;

/// An SSH server for every repository of a [`GitServer`], the private ones too: whoever has
/// its key may fetch them.
#[derive(Debug)]
pub struct SshGitServer {
    server: Server,
    user: String,
    folder: TempDir,
}

impl SshGitServer {
    /// Serves the repositories of `server`, later ones too, on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// When `ip` is not one of this machine's addresses, or Debian's sshd cannot be downloaded.
    pub fn serve(ip: IpAddr, server: &GitServer) -> Result<Self> {
        let folder = TempDir::new()?;
        let sshd = Sshd::new(folder.path(), server.site.root.path())?;
        let user = if sshd.is_root { "git".into() } else { output(Command::new("id").arg("-un"))? };
        let server = Server::start(ip, |listener| accept(listener, sshd))?;
        Ok(Self { server, user, folder })
    }

    /// The address of a repository over SSH.
    #[must_use]
    pub fn url(&self, repository: &Repository) -> String {
        format!("ssh://{}@{}/{}.git", self.user, self.server.address(), repository.name)
    }

    /// The private key, without a passphrase: `docker buildx build --ssh default=<key>`.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// The line by which a client's `known_hosts` knows the server.
    ///
    /// # Errors
    ///
    /// When the host's key is gone.
    pub fn known_host(&self) -> Result<String> {
        let key = fs::read_to_string(self.folder.path().join("host_key.pub"))?;
        let address = self.server.address();
        Ok(format!("[{}]:{} {key}", address.ip(), address.port()))
    }
}

/// sshd, started anew for each connection as inetd does it: so the port is ours to choose,
/// and there is no daemon that could outlive us.
struct Sshd {
    packages: Packages,
    folder: PathBuf,
    is_root: bool,
}

impl Sshd {
    fn new(folder: &Path, repositories: &Path) -> Result<Self> {
        let packages = Packages::of_servers()?;
        for key in ["host_key", "key"] {
            let options = ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"];
            output(packages.command("ssh-keygen")?.args(options).arg(folder.join(key)))?;
        }
        let upload_pack = folder.join("upload-pack");
        fs::write(&upload_pack, upload_pack_script(repositories))?;
        fs::set_permissions(&upload_pack, fs::Permissions::from_mode(0o755))?;
        fs::write(folder.join("sshd_config"), config(folder, &git::path()?))?;
        fs::write(folder.join("passwd"), fs::read_to_string("/etc/passwd")? + USERS)?;
        let is_root = fs::metadata(folder)?.uid() == 0;
        Ok(Self { packages, folder: folder.into(), is_root })
    }

    fn answer(&self, connection: TcpStream) -> Result<Child> {
        let connection = connection.into_std()?;
        connection.set_nonblocking(false)?;
        let mut sshd = self.packages.command("sshd")?;
        sshd.arg("-i").arg("-f").arg(self.folder.join("sshd_config"));
        sshd.arg("-E").arg(self.folder.join("log"));
        if self.is_root {
            sshd = with_users(&self.folder.join("passwd"), &sshd);
        }
        sshd.stdin(OwnedFd::from(connection.try_clone()?)).stdout(OwnedFd::from(connection));
        tokio::process::Command::from(sshd).kill_on_drop(true).spawn().context("start sshd")
    }
}

async fn accept(listener: TcpListener, sshd: Sshd) {
    while let Ok((connection, _)) = listener.accept().await {
        match sshd.answer(connection) {
            Ok(mut child) => drop(tokio::spawn(async move { child.wait().await })),
            Err(error) => eprintln!("the git server over SSH: {error:#}"),
        }
    }
}

/// Whom sshd, as root, asks for: the one who logs in, and the one it hands its privileges to.
const USERS: &str = "\
git:x:0:0::/:/bin/sh
sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin
";

/// `sshd`, started by root where [`USERS`] exist and its folder does, which the machine never sees.
fn with_users(passwd: &Path, sshd: &Command) -> Command {
    let script = "mount --bind \"$1\" /etc/passwd; mount -t tmpfs tmpfs /run; mkdir /run/sshd; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation=private", "sh", "-ec", script, "sh"])
        .arg(passwd)
        .arg(sshd.get_program())
        .args(sshd.get_args())
        .envs(sshd.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn config(folder: &Path, path: &OsStr) -> String {
    let (folder, path) = (folder.display(), path.display());
    format!(
        "HostKey {folder}/host_key\n\
         AuthorizedKeysFile {folder}/key.pub\n\
         StrictModes no\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         AcceptEnv GIT_PROTOCOL\n\
         SetEnv PATH={path}\n\
         ForceCommand {folder}/upload-pack\n"
    )
}

/// What every login runs: `git-upload-pack '/name.git'` is all that a client may have asked for.
fn upload_pack_script(repositories: &Path) -> String {
    let repositories = repositories.display();
    format!(
        "#!/bin/sh\n\
         repository=${{SSH_ORIGINAL_COMMAND#\"git-upload-pack '/\"}}\n\
         exec git upload-pack \"{repositories}/${{repository%\"'\"}}\"\n"
    )
}
