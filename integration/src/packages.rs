//! Debian packages, unpacked into a folder of their own and never installed.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt::{self, Suite};
use crate::command::output;
use crate::workspace;

/// Folders of unpacked packages, in the order in which they are searched.
#[derive(Clone, Debug)]
pub struct Packages(Vec<PathBuf>);

impl Packages {
    /// The packages that run and reach a Docker Engine of `suite`, downloaded unless they are there
    /// already.
    ///
    /// Programs that use much of libc come from bookworm, whose libc is older than that of any
    /// machine still in use.
    ///
    /// # Errors
    ///
    /// When apt or dpkg fail, in their words.
    pub fn of_engine(suite: Suite) -> Result<Self> {
        let _lock = workspace::lock("packages")?;
        let tools = unpacked(
            "tools",
            &[
                (
                    Suite::Testing,
                    &[
                        "docker-cli",
                        "docker-buildx",
                        "docker-compose",
                        "debootstrap",
                        "debian-archive-keyring",
                    ],
                ),
                (
                    Suite::Bookworm,
                    &[
                        "busybox-static",
                        "runc",
                        "libseccomp2",
                        "iptables",
                        "libip4tc2",
                        "libip6tc2",
                        "libmnl0",
                        "libnetfilter-conntrack3",
                        "libnfnetlink0",
                        "libnftnl11",
                        "libxtables12",
                    ],
                ),
            ],
        )?;
        let daemons: &[&str] = match suite {
            Suite::Bookworm => &["docker.io", "containerd", "libdevmapper1.02.1"],
            Suite::Trixie | Suite::Testing => &["docker.io", "containerd"],
        };
        Ok(Self(vec![unpacked(suite.name(), &[(suite, daemons)])?, tools]))
    }

    /// The packages of the local servers: docker-registry, git, sshd, stunnel with openssl, and such
    /// of their libraries as a small system may lack, libc never being one of them.
    ///
    /// # Errors
    ///
    /// When apt or dpkg fail, in their words.
    pub fn of_servers() -> Result<Self> {
        let _lock = workspace::lock("servers")?;
        let programs =
            ["docker-registry", "git", "openssh-client", "openssh-server", "openssl", "stunnel4"];
        let ssh_libraries = [
            "libcom-err2",
            "libgssapi-krb5-2",
            "libk5crypto3",
            "libkeyutils1",
            "libkrb5-3",
            "libkrb5support0",
            "libnsl2",
            "libssl3",
            "libtirpc3",
            "libwrap0",
        ];
        let git_libraries = [
            "libbrotli1",
            "libcurl3-gnutls",
            "libexpat1",
            "libffi8",
            "libgmp10",
            "libgnutls30",
            "libhogweed6",
            "libidn2-0",
            "libldap-2.5-0",
            "libnettle8",
            "libnghttp2-14",
            "libp11-kit0",
            "libpsl5",
            "librtmp1",
            "libsasl2-2",
            "libssh2-1",
            "libtasn1-6",
            "libunistring2",
        ];
        let names = [&programs[..], &ssh_libraries, &git_libraries].concat();
        Ok(Self(vec![unpacked("servers", &[(Suite::Bookworm, &names)])?]))
    }

    /// The packages of a Python for this machine, and pip as a wheel.
    ///
    /// # Errors
    ///
    /// When apt or dpkg fail, in their words.
    pub fn of_python() -> Result<Self> {
        let _lock = workspace::lock("debian-python")?;
        let names: &[&str] = &[
            "libexpat1",
            "libffi8",
            "libpython3.11-minimal",
            "libpython3.11-stdlib",
            "libssl3",
            "python3-pip-whl",
            "python3.11-minimal",
        ];
        Ok(Self(vec![unpacked("python", &[(Suite::Bookworm, names)])?]))
    }

    /// QEMU for programs of other processors, each in one file without libraries.
    ///
    /// # Errors
    ///
    /// When apt or dpkg fail, in their words.
    pub fn of_qemu() -> Result<Self> {
        let _lock = workspace::lock("qemu")?;
        Ok(Self(vec![unpacked("qemu", &[(Suite::Bookworm, &["qemu-user-static"])])?]))
    }

    /// Tesseract's English model.
    ///
    /// # Errors
    ///
    /// When apt or dpkg fail, in their words.
    pub fn of_tesseract() -> Result<Self> {
        let _lock = workspace::lock("tesseract")?;
        let model = [(Suite::Bookworm, &["tesseract-ocr-eng"][..])];
        Ok(Self(vec![unpacked("tesseract", &model)?]))
    }

    /// A file of the packages.
    ///
    /// # Errors
    ///
    /// When no package has it.
    pub fn file(&self, path: &str) -> Result<PathBuf> {
        self.0
            .iter()
            .map(|root| root.join(path))
            .find(|file| file.exists())
            .with_context(|| format!("no downloaded package has {path}"))
    }

    /// A command of the packages' `program`, which finds their other programs and libraries before
    /// the machine's.
    ///
    /// # Errors
    ///
    /// When no package has the program.
    pub fn command(&self, program: &str) -> Result<Command> {
        let path = self
            .programs()
            .into_iter()
            .map(|folder| folder.join(program))
            .find(|file| file.exists());
        let mut command =
            Command::new(path.with_context(|| format!("no downloaded package has {program}"))?);
        let libraries = self.libraries();
        let extensions: Vec<_> = libraries
            .iter()
            .map(|folder| folder.join("xtables"))
            .filter(|path| path.is_dir())
            .collect();
        command
            .env("PATH", before_the_machines(&self.programs())?)
            .env("LD_LIBRARY_PATH", std::env::join_paths(&libraries)?)
            .env("XTABLES_LIBDIR", std::env::join_paths(extensions)?);
        Ok(command)
    }

    /// The folders of programs.
    pub fn programs(&self) -> Vec<PathBuf> {
        let places = ["usr/sbin", "usr/bin", "sbin", "bin"];
        self.0
            .iter()
            .flat_map(|root| places.map(|place| root.join(place)))
            .filter(|path| path.is_dir())
            .collect()
    }

    /// The folders of libraries.
    pub fn libraries(&self) -> Vec<PathBuf> {
        let places =
            self.0.iter().flat_map(|root| ["usr/lib", "lib"].map(|place| root.join(place)));
        // One folder for each architecture, such as x86_64-linux-gnu.
        places
            .filter_map(|place| fs::read_dir(place).ok())
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .filter(|path| path.to_string_lossy().contains("-linux-gnu"))
            .collect()
    }
}

/// `folders`, and then the machine's `PATH`, without saying one twice.
///
/// # Errors
///
/// When a folder's name has a colon.
pub fn before_the_machines(folders: &[PathBuf]) -> Result<OsString> {
    let machines = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&machines).filter(|path| !folders.contains(path));
    Ok(std::env::join_paths(folders.iter().cloned().chain(others))?)
}

/// The folder that has `packages` unpacked. The caller holds the lock that keeps others from making
/// it.
fn unpacked(name: &str, packages: &[(Suite, &[&str])]) -> Result<PathBuf> {
    let cache = workspace::cache("packages")?;
    let (root, contents) = (cache.join(name), format!("{packages:?}"));
    let stamp = root.join("contents");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == contents) {
        return Ok(root);
    }
    eprintln!("downloading Debian's packages: {name}");
    let work = tempfile::tempdir_in(&cache)?;
    let fresh = work.path().join("root");
    for file in apt::download(packages, work.path())? {
        output(Command::new("dpkg").arg("-x").args([&file, &fresh]))?;
    }
    fs::write(fresh.join("contents"), contents)?;
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    fs::rename(&fresh, &root)
        .with_context(|| format!("could not keep the packages in {}", root.display()))?;
    Ok(root)
}
