//! A Docker Engine to build with: the one that runs on this machine, or one of our own under
//! `target/engine`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::IpAddr;
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::Value;

use crate::command::output;
use crate::daemons::{CURRENT, Daemons, Kind, Store};
use crate::packages::{Packages, before_the_machines};
use crate::workspace;

/// The oldest Docker Engine whose BuildKit Strata works with.
const OLDEST: u32 = 24;

/// A running Docker Engine, and how its command line reaches it.
#[derive(Debug)]
pub struct Engine {
    environment: Vec<(&'static str, OsString)>,
    own: Option<Daemons>,
}

impl Engine {
    /// The engine that everything on this machine shares: a running one of version 24 or newer with
    /// buildx, or else, as root on Debian or Ubuntu, our own, which is brought up and stays up.
    ///
    /// # Errors
    ///
    /// When there is none and none can be brought up: what to start.
    pub fn shared() -> Result<Self> {
        let own = Daemons::of(workspace::cache("shared")?);
        let reason = match Self::running(&own) {
            Ok(engine) => return Ok(engine),
            Err(reason) => reason,
        };
        if !can_run_our_own() {
            return Err(reason.context(format!(
                "start Docker Engine {OLDEST} or newer with buildx, or be root on Debian or \
                 Ubuntu, where one of our own is brought up"
            )));
        }
        let _lock = workspace::lock("shared")?;
        let packages = Packages::of_engine(CURRENT.suite)?;
        if !own.answer() {
            eprintln!("starting a Docker Engine in {}", own.home().display());
            own.start(CURRENT, &packages)?;
        }
        Self::our_own(own, &packages)
    }

    /// Ends the shared engine if it is our own. Its images and caches are kept.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn stop_shared() -> Result<()> {
        let _lock = workspace::lock("shared")?;
        let own = Daemons::of(workspace::cache("shared")?);
        // While it runs it has a bridge.
        own.network().map_or(Ok(()), |_| own.stop(&Packages::of_engine(CURRENT.suite)?))
    }

    /// A new engine with nothing in it, which keeps all of it on disk as users' engines do. It always
    /// is our own, so it takes root on Debian or Ubuntu.
    ///
    /// # Errors
    ///
    /// When it cannot be brought up.
    pub fn empty(kind: Kind) -> Result<Throwaway> {
        Self::throwaway(kind, |_| Ok(()))
    }

    /// The same in memory, for a test that stores little and measures nothing: much of the time of
    /// such tests would be the disk's, for what is thrown away a moment later.
    ///
    /// # Errors
    ///
    /// As [`Engine::empty`].
    pub fn in_memory(kind: Kind) -> Result<Throwaway> {
        Self::throwaway(kind, |home| {
            mount("strata", home, "tmpfs", MountFlags::empty(), None).with_context(|| {
                format!("could not mount a file system in memory on {}", home.display())
            })
        })
    }

    fn throwaway(kind: Kind, prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Throwaway> {
        ensure!(can_run_our_own(), "an engine of our own takes root on Debian or Ubuntu");
        let lock = workspace::lock("throwaway")?;
        let packages = Packages::of_engine(kind.suite)?;
        let homes = workspace::cache("throwaway")?;
        clear_away_the_dead(&homes, &packages)?;
        let home = tempfile::Builder::new().prefix("").tempdir_in(&homes)?.keep();
        prepare(&home)?;
        let alive = File::create(home.join(ALIVE))?;
        alive.lock()?;
        drop(lock);

        let daemons = Daemons::of(home.clone());
        let engine = Self::our_own(daemons.clone(), &packages)?;
        let throwaway = Throwaway { engine, packages, home, _alive: alive };
        daemons.start(kind, &throwaway.packages)?;
        Ok(throwaway)
    }

    /// What the environment of `docker` must have for it to reach this engine.
    pub fn environment(&self) -> &[(&'static str, OsString)] {
        &self.environment
    }

    /// The command `docker` with the given first words.
    pub fn docker<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new("docker");
        // A builder that the user has chosen has another store than the engine.
        command
            .args(arguments)
            .env_remove("BUILDX_BUILDER")
            .envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    /// An address at which build steps, the engine and this machine itself all reach servers of
    /// this machine. A registry is better off on the loopback device, where every engine lets it
    /// speak plain HTTP.
    ///
    /// # Errors
    ///
    /// When the engine has no bridge.
    pub fn host_address(&self) -> Result<IpAddr> {
        if let Some(own) = &self.own {
            let network = own
                .network()
                .with_context(|| format!("no bridge belongs to {}", own.home().display()))?;
            return Ok(network.gateway().into());
        }
        let gateway = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        let addresses =
            output(&mut self.docker(["network", "inspect", "bridge", "--format", gateway]))?;
        let first =
            addresses.split_whitespace().next().context("the engine's bridge has no gateway")?;
        first.parse().with_context(|| format!("the gateway of the engine's bridge is {first}"))
    }

    /// Where the engine keeps its images.
    ///
    /// # Errors
    ///
    /// When it does not say.
    pub fn store(&self) -> Result<Store> {
        let status = output(&mut self.docker(["info", "--format", "{{json .DriverStatus}}"]))?;
        Ok(if status.contains("io.containerd.snapshotter.v1") {
            Store::Containerd
        } else {
            Store::Classic
        })
    }

    /// The engine's version, such as `28.5.2`.
    ///
    /// # Errors
    ///
    /// When the engine does not answer, or no `docker` is installed.
    pub fn version(&self) -> Result<String> {
        output(&mut self.docker(["version", "--format", "{{.Server.Version}}"]))
    }

    /// What the engine knows of an image, as `docker image inspect` says it.
    ///
    /// # Errors
    ///
    /// When there is no such image.
    pub fn inspect(&self, image: &str) -> Result<Value> {
        let text = output(&mut self.docker(["image", "inspect", "--format", "{{json .}}", image]))?;
        serde_json::from_str(&text).context("docker image inspect prints no JSON")
    }

    /// Copies an image into another engine. Its digest stays the same where both keep images in
    /// containerd.
    ///
    /// # Errors
    ///
    /// When there is no such image, or the other engine does not take it.
    pub fn copy_image(&self, name: &str, to: &Engine) -> Result<()> {
        let mut save = self.docker(["image", "save", name]).stdout(Stdio::piped()).spawn()?;
        let archive = save.stdout.take().context("standard output was not piped")?;
        let load = to
            .docker(["image", "load", "--quiet"])
            .stdin(archive)
            .stdout(Stdio::null())
            .status()?;
        ensure!(
            save.wait()?.success() && load.success(),
            "the image {name} could not be copied to another engine"
        );
        Ok(())
    }

    /// The engine that the environment names, or the machine's.
    fn running(own: &Daemons) -> Result<Self> {
        let socket = OsString::from(format!("unix://{}", own.socket().display()));
        ensure!(std::env::var_os("DOCKER_HOST") != Some(socket), "DOCKER_HOST is our own");
        // No configuration of buildx: the builder is then the engine's own.
        let buildx = workspace::cache("buildx")?.into_os_string();
        let engine = Self { environment: vec![("BUILDX_CONFIG", buildx)], own: None };
        let version = engine.version()?;
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        ensure!(major.is_some_and(|major| major >= OLDEST), "the one that runs is {version}");
        output(&mut engine.docker(["buildx", "version"]))?;
        Ok(engine)
    }

    fn our_own(daemons: Daemons, packages: &Packages) -> Result<Self> {
        let config = workspace::cache("docker")?;
        let plugins = config.join("cli-plugins");
        fs::create_dir_all(&plugins)?;
        for name in ["docker-buildx", "docker-compose"] {
            let plugin = packages.file(&format!("usr/libexec/docker/cli-plugins/{name}"))?;
            replace_link(&plugin, &plugins.join(name))?;
        }
        let docker = packages.file("usr/bin/docker")?;
        let programs = docker.parent().context("docker is in no folder")?;
        let environment = vec![
            ("DOCKER_HOST", format!("unix://{}", daemons.socket().display()).into()),
            ("DOCKER_CONFIG", config.into_os_string()),
            ("PATH", before_the_machines(&[programs.to_owned()])?),
        ];
        Ok(Self { environment, own: Some(daemons) })
    }
}

/// The file that a throwaway engine's process keeps locked as long as it lives.
const ALIVE: &str = "alive";

/// An engine for one test: it ends, and all that it stored goes, when this is dropped.
#[derive(Debug)]
pub struct Throwaway {
    engine: Engine,
    packages: Packages,
    home: PathBuf,
    _alive: File,
}

impl Throwaway {
    /// The folder that holds all that the engine stores.
    pub fn home(&self) -> &Path {
        &self.home
    }
}

impl Deref for Throwaway {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        if let Err(error) = clear_away(&self.home, &self.packages) {
            eprintln!("the engine in {} was not cleared away: {error:#}", self.home.display());
        }
    }
}

/// Ends throwaway engines whose process was killed before it could.
fn clear_away_the_dead(homes: &Path, packages: &Packages) -> Result<()> {
    for home in fs::read_dir(homes)? {
        let home = home?.path();
        if File::open(home.join(ALIVE)).is_ok_and(|alive| alive.try_lock().is_err()) {
            continue;
        }
        clear_away(&home, packages)?;
    }
    Ok(())
}

/// Ends the engine in `home`. Its files are removed by a process that outlives this one: there are
/// many of them, and some disks take half a minute for it.
fn clear_away(home: &Path, packages: &Packages) -> Result<()> {
    Daemons::of(home.to_owned()).stop(packages)?;
    match unmount(home, UnmountFlags::DETACH) {
        // It is on disk, or whose it was is clearing it away as well.
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => {
            return Err(error).with_context(|| format!("could not unmount {}", home.display()));
        }
    }
    Command::new("rm").arg("-rf").arg(home).stdin(Stdio::null()).process_group(0).spawn()?;
    Ok(())
}

fn can_run_our_own() -> bool {
    rustix::process::geteuid().is_root() && Path::new("/etc/debian_version").exists()
}

fn replace_link(target: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|found| found == target) {
        return Ok(());
    }
    if link.is_symlink() {
        fs::remove_file(link)?;
    }
    symlink(target, link).with_context(|| format!("could not link {}", link.display()))
}
