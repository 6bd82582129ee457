//! containerd and dockerd, run out of a folder of their own, beside any that the machine has.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::apt::Suite;
use crate::command::tail;
use crate::git;
use crate::network::{BRIDGES, Network};
use crate::packages::{Packages, before_the_machines};

/// Where an engine keeps its images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// containerd's snapshotters: BuildKit can merge and diff.
    Containerd,
    /// Docker's own graph drivers: Merge and Diff are off.
    Classic,
}

/// Which engine to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The Debian release that it comes from.
    pub suite: Suite,
    /// Where it keeps its images.
    pub store: Store,
}

/// The newest engine.
pub const CURRENT: Kind = Kind { suite: Suite::Testing, store: Store::Containerd };

/// Linux's limit on the path of a socket, less the closing zero (unix(7)).
const LONGEST_SOCKET: usize = 107;

/// The daemons of one engine, running or not. All that they write is in their home, or in the
/// kernel.
#[derive(Clone, Debug)]
pub struct Daemons {
    home: PathBuf,
}

impl Daemons {
    /// Those that live in `home`.
    pub fn of(home: PathBuf) -> Self {
        Self { home }
    }

    /// The folder that they live in.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// dockerd's socket.
    pub fn socket(&self) -> PathBuf {
        self.home.join("run/docker.sock")
    }

    /// The bridge of the engine, while it runs.
    pub fn network(&self) -> Option<Network> {
        Network::of(&self.home)
    }

    /// Whether dockerd answers.
    pub fn answer(&self) -> bool {
        let ping = || {
            let mut stream = UnixStream::connect(self.socket())?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer.ends_with("OK"))
        };
        ping().unwrap_or(false)
    }

    /// Starts them; they outlive this process.
    ///
    /// # Errors
    ///
    /// When they end, or do not answer within a minute: the end of their logs.
    pub fn start(&self, kind: Kind, packages: &Packages) -> Result<()> {
        let socket = self.socket();
        ensure!(
            socket.as_os_str().len() <= LONGEST_SOCKET,
            "the path of the socket {} is longer than the {LONGEST_SOCKET} bytes that Linux allows: \
             move the workspace to a shorter path",
            socket.display()
        );
        // What a crash left over would be taken for a running daemon.
        self.stop(packages)?;
        self.launch(kind, packages).inspect_err(|_| {
            if let Err(error) = self.stop(packages) {
                eprintln!("the engine in {} was not cleared away: {error:#}", self.home.display());
            }
        })
    }

    fn launch(&self, kind: Kind, packages: &Packages) -> Result<()> {
        fs::create_dir_all(self.home.join("run"))?;
        let network = Network::up(&self.home, packages)?;
        fs::write(self.home.join("containerd.toml"), self.containerd_config())?;
        fs::write(self.home.join("daemon.json"), self.dockerd_config(kind, network))?;
        let containerd = self.spawn(packages, "containerd", &["--config", "containerd.toml"])?;
        fs::write(self.pid_file("containerd"), containerd.id().to_string())?;
        // A dockerd that is refused at first answers, but its images stay out of reach for a
        // while: its connection waits before it tries again.
        let socket = self.home.join("run/containerd.sock");
        self.wait("containerd", containerd, || UnixStream::connect(&socket).is_ok())?;
        let dockerd = self.spawn(packages, "dockerd", &["--config-file", "daemon.json"])?;
        self.wait("dockerd", dockerd, || self.answer())
    }

    fn wait(&self, name: &str, mut daemon: Child, answers: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !answers() {
            if let Some(status) = daemon.try_wait()? {
                bail!("{name} ended with {status}:\n{}", self.log(name));
            }
            ensure!(
                start.elapsed() < Duration::from_secs(60),
                "{name} did not answer within a minute:\n{}",
                self.log(name)
            );
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Ends them, and takes back what they left in the kernel: mounts, and the bridge.
    ///
    /// # Errors
    ///
    /// When one of them does not end within half a minute, or the kernel does not let go.
    pub fn stop(&self, packages: &Packages) -> Result<()> {
        // dockerd first: it ends its containers, and needs containerd to do so.
        for name in ["dockerd", "containerd"] {
            self.end(name)?;
        }
        self.unmount()?;
        self.network().map_or(Ok(()), |network| network.down(packages))
    }

    fn end(&self, name: &str) -> Result<()> {
        let pid_file = self.pid_file(name);
        let Some(pid) =
            fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok())
        else {
            return Ok(());
        };
        for (signal, patience) in
            [(Signal::TERM, Duration::from_secs(30)), (Signal::KILL, Duration::from_secs(5))]
        {
            let start = Instant::now();
            if self.runs(pid, name) {
                kill_process(Pid::from_raw(pid).context("0 is no process")?, signal)?;
            }
            while self.runs(pid, name) && start.elapsed() < patience {
                thread::sleep(Duration::from_millis(20));
            }
        }
        ensure!(!self.runs(pid, name), "{name} (process {pid}) does not end");
        // dockerd removes its own, and anyone else's number may be in one that is left.
        if pid_file.exists() {
            fs::remove_file(pid_file)?;
        }
        Ok(())
    }

    /// Whether `pid` is our `name`, and not another process that got its number later.
    fn runs(&self, pid: i32, name: &str) -> bool {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = words.split(|byte| *byte == 0);
        let program = words.next().map(|word| Path::new(std::ffi::OsStr::from_bytes(word)));
        program.and_then(Path::file_name).is_some_and(|file| file == name)
            && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == self.home)
    }

    /// Whether it is a place in the home, and not the home itself, which may be a mount of someone
    /// else's.
    fn holds(&self, place: &Path) -> bool {
        place.starts_with(&self.home) && place != self.home
    }

    fn unmount(&self) -> Result<()> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        // The fifth field is where it is mounted (proc_pid_mountinfo(5)); what was mounted last
        // lies on top.
        let places = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(4))
            .map(|place| place.replace("\\040", " "));
        let ours: Vec<_> = places.map(PathBuf::from).filter(|place| self.holds(place)).collect();
        for place in ours.into_iter().rev() {
            rustix::mount::unmount(&place, rustix::mount::UnmountFlags::DETACH)
                .with_context(|| format!("could not unmount {}", place.display()))?;
        }
        Ok(())
    }

    fn spawn(&self, packages: &Packages, program: &str, arguments: &[&str]) -> Result<Child> {
        let log = File::create(self.log_file(program))?;
        let mut folders = packages.programs();
        // BuildKit fetches with the git and the ssh that dockerd finds.
        folders.push(git::programs()?);
        packages
            .command(program)?
            .args(arguments)
            .env("PATH", before_the_machines(&folders)?)
            // Its mark: `runs` knows it by the folder.
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C is meant for the command that started it.
            .process_group(0)
            .spawn()
            .with_context(|| format!("could not start {program}"))
    }

    /// Kubernetes' plugins are off, and so is all that writes outside of the home.
    fn containerd_config(&self) -> String {
        let home = self.home.display();
        format!(
            r#"version = 2
root = "{home}/containerd"
state = "{home}/run/containerd"
disabled_plugins = [
    "io.containerd.grpc.v1.cri",
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.nri.v1.nri",
    "io.containerd.internal.v1.opt",
]
[grpc]
address = "{home}/run/containerd.sock"
"#
        )
    }

    fn dockerd_config(&self, kind: Kind, network: Network) -> String {
        let mut config = json!({
            "features": {"containerd-snapshotter": kind.store == Store::Containerd},
            "containerd": self.home.join("run/containerd.sock"),
            "data-root": self.home.join("docker"),
            "exec-root": self.home.join("run/docker"),
            "pidfile": self.pid_file("dockerd"),
            "hosts": [format!("unix://{}", self.socket().display())],
            "bridge": network.bridge(),
            "iptables": false,
            "ip6tables": false,
            // The registries of tests speak plain HTTP on the host's address, by any bridge.
            "insecure-registries": [BRIDGES],
            // A nearly full disk must not empty the cache between the two builds of a test.
            "builder": {"gc": {"enabled": true, "defaultKeepStorage": "60GB"}},
        });
        if kind.suite == Suite::Bookworm {
            // Engines up to 23.0 make a key for themselves, in /etc if they are not told where.
            config["deprecated-key-path"] = json!(self.home.join("key.json"));
        }
        config.to_string()
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.home.join("run").join(name).with_extension("pid")
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.home.join(name).with_extension("log")
    }

    fn log(&self, name: &str) -> String {
        tail(&fs::read_to_string(self.log_file(name)).unwrap_or_default(), 20)
    }
}
