//! TLS in front of a local server, with a certificate of an authority that nobody knows.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::command::{output, tail};
use crate::packages::Packages;

/// Debian's stunnel on port 443. It ends when it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    process: Child,
    folder: TempDir,
}

/// The least that openssl has to be told: it looks for a file on the machine otherwise.
const OPENSSL: &str = "[req]\ndistinguished_name = name\n[name]\n";

impl TlsFront {
    /// Listens on port 443 of `ip` as `host`, and passes on to `server` what it is sent.
    ///
    /// # Errors
    ///
    /// When the port is taken, or Debian's packages cannot be downloaded.
    pub fn serve(ip: IpAddr, host: &str, server: SocketAddr) -> Result<Self> {
        let folder = TempDir::new()?;
        certify(folder.path(), host)?;
        let config = folder.path().join("stunnel.conf");
        let text = format!(
            "foreground = yes\npid =\nsyslog = no\n[https]\naccept = {ip}:443\nconnect = {server}\n\
             cert = {0}/host.pem\nkey = {0}/host.key\n",
            folder.path().display(),
        );
        fs::write(&config, text)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let process = Packages::of_servers()?
            .command("stunnel4")?
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("start stunnel")?;
        let mut front = Self { process, folder };
        front.wait_for(SocketAddr::new(ip, 443))?;
        Ok(front)
    }

    /// The certificate of the authority: `--secret id=ca_bundle,src=…`.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    fn wait_for(&mut self, address: SocketAddr) -> Result<()> {
        while self.process.try_wait()?.is_none() {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.path().join("log"))?;
        bail!("stunnel ended:\n{}", tail(&log, 20))
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes an authority and a certificate for `host`. As many a company's, the authority does not say
/// critically that it is one, which Python's own programs refuse from 3.13 on.
fn certify(folder: &Path, host: &str) -> Result<()> {
    fs::write(folder.join("openssl.conf"), OPENSSL)?;
    let certificate = |name: &str, subject: &str, arguments: &[&str]| {
        let mut openssl = Packages::of_servers()?.command("openssl")?;
        openssl.current_dir(folder).args(["req", "-config", "openssl.conf", "-x509", "-nodes"]);
        openssl.args(["-newkey", "rsa:2048", "-days", "2", "-subj", subject]);
        openssl.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
        output(openssl.args(arguments))
    };
    certificate(
        "authority",
        "/CN=An authority of the tests",
        &[
            "-addext",
            "basicConstraints = CA:TRUE",
            "-addext",
            "keyUsage = critical, keyCertSign, cRLSign",
            "-addext",
            "subjectKeyIdentifier = hash",
        ],
    )?;
    certificate(
        "host",
        &format!("/CN={host}"),
        &[
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-addext",
            "basicConstraints = critical, CA:FALSE",
            "-addext",
            "authorityKeyIdentifier = keyid",
            "-addext",
            &format!("subjectAltName = DNS:{host}"),
        ],
    )
    .map(drop)
}
