//! Builds with `docker buildx build`, and what it reports of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Seek as _, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::command::tail;

/// A build that has ended, well or not.
#[derive(Debug)]
pub struct Build {
    /// Whether buildx ended with status 0.
    pub success: bool,
    /// The vertices, in the order in which they were first reported.
    pub vertices: Vec<Vertex>,
    /// The warnings, in the order in which they were reported.
    pub warnings: Vec<Warning>,
    /// What buildx wrote beside its progress: the final error, with the lines of the manifest.
    pub text: String,
    /// What `--metadata-file` holds; null for a failed build.
    pub metadata: Value,
    /// How long buildx took, from its start to its end.
    pub elapsed: Duration,
    began: Timestamp,
    log: String,
}

/// Held by every build while it runs.
static RUNNING: RwLock<()> = RwLock::new(());

/// Does `act`, unless a build runs in this process now.
///
/// For what collects garbage in an engine, such as the removal of an image: a layer that no image
/// needs at that moment is gone, even one that a build has just found and is about to stand on.
pub fn between_builds<T>(act: impl FnOnce() -> T) -> Option<T> {
    let _no_build = RUNNING.try_write().ok()?;
    Some(act())
}

/// Does `act`, which has something else than [`Build`] build: Compose, or bake.
pub fn building<T>(act: impl FnOnce() -> T) -> T {
    let _running = RUNNING.read().unwrap_or_else(PoisonError::into_inner);
    act()
}

/// Waits for a moment in which no build runs in this process.
///
/// To be had before a build that must find all of an earlier one in the cache. BuildKit before 0.32
/// keeps what it knows of a step that ran for as long as any build has that step in it, and does not
/// look for the cache of what stands on several such steps (moby/buildkit#6955): an exec on a merge
/// runs again.
pub fn quiet_moment() {
    let start = Instant::now();
    // To hold up all builds that come is the last resort: the longest takes minutes.
    while between_builds(|| ()).is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            drop(RUNNING.write().unwrap_or_else(PoisonError::into_inner));
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A build that takes longer hangs: what it said by then tells more than a run without end.
const PATIENCE: Duration = Duration::from_secs(1500);

/// So often is a build tried that must succeed and has lost the network.
const ATTEMPTS: usize = 3;

/// What apt, pip and uv say when the network is lost.
const LOST: [&str; 5] = [
    "Unable to connect to deb.debian.org",
    "Temporary failure resolving",
    "Temporary failure in name resolution",
    "due to network timeout",
    "Read timed out",
];

/// Ends a process that takes too long.
struct Watch {
    done: Sender<()>,
    ended: JoinHandle<bool>,
}

impl Watch {
    fn over(process: u32) -> Self {
        let (done, is_done) = mpsc::channel();
        let ended = thread::spawn(move || {
            let hangs = is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
            hangs && Command::new("kill").arg(process.to_string()).status().is_ok()
        });
        Self { done, ended }
    }

    /// Whether it was ended.
    fn end(self) -> bool {
        drop(self.done);
        self.ended.join().unwrap_or_default()
    }
}

impl Build {
    /// Runs `command`, which is `docker buildx build` and its arguments, and reads its progress.
    ///
    /// # Errors
    ///
    /// When buildx cannot be started, or reports what cannot be understood. A failed build is no
    /// error here.
    pub fn run(command: &mut Command) -> Result<Self> {
        Self::watch(command, |_| ())
    }

    /// As [`Build::run`], with each vertex shown to `see` whenever something is reported of it.
    ///
    /// # Errors
    ///
    /// As [`Build::run`].
    pub fn watch(command: &mut Command, see: impl FnMut(&Vertex)) -> Result<Self> {
        Self::fed(command, Stdio::null(), see)
    }

    /// As [`Build::succeed`], with `input` as buildx's standard input: a manifest, or an archive
    /// of the build context.
    ///
    /// # Errors
    ///
    /// As [`Build::succeed`].
    pub fn succeed_with(command: &mut Command, input: &[u8]) -> Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(input)?;
        file.rewind()?;
        Self::fed(command, file.into(), |_| ())?.or_report()
    }

    fn fed(command: &mut Command, input: Stdio, mut see: impl FnMut(&Vertex)) -> Result<Self> {
        let _running = RUNNING.read().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir()?;
        let metadata = folder.path().join("metadata.json");
        let (start, began) = (Instant::now(), Timestamp::now());
        let mut process = command
            .args(["--progress=rawjson", "--metadata-file"])
            .arg(&metadata)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("could not start buildx")?;
        let watch = Watch::over(process.id());
        let mut build = Self::begun(began);
        let mut text = Vec::new();
        for line in BufReader::new(process.stderr.take().context("no standard error")?).lines() {
            let line = line?;
            // One JSON object a line; all else is text for people.
            if line.starts_with('{') {
                let event = serde_json::from_str(&line)
                    .with_context(|| format!("buildx reported {line}"))?;
                build.add(event, &mut see);
            } else {
                text.push(line.clone());
            }
            build.log.push_str(&line);
            build.log.push('\n');
        }
        build.success = process.wait()?.success();
        if watch.end() {
            text.push(format!("buildx was ended, because it took {} s", PATIENCE.as_secs()));
        }
        build.elapsed = start.elapsed();
        build.text = text.join("\n");
        build.metadata = fs::read_to_string(&metadata)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        Ok(build)
    }

    /// One of which nothing has been reported yet.
    fn begun(began: Timestamp) -> Self {
        Self {
            success: false,
            vertices: Vec::new(),
            warnings: Vec::new(),
            text: String::new(),
            metadata: Value::Null,
            elapsed: Duration::ZERO,
            began,
            log: String::new(),
        }
    }

    /// As [`Build::run`], for a build that must succeed.
    ///
    /// # Errors
    ///
    /// As [`Build::run`], and when the build fails: what its failed vertices and buildx said.
    pub fn succeed(command: &mut Command) -> Result<Self> {
        for _ in 1..ATTEMPTS {
            let build = Self::run(command)?;
            if build.success || !build.lost_the_network() {
                return build.or_report();
            }
            eprintln!("the network was lost, and the build is tried again:\n{}", build.text);
        }
        Self::run(command)?.or_report()
    }

    /// Whether servers that no test has brought up could not be reached.
    fn lost_the_network(&self) -> bool {
        let failed = self.vertices.iter().filter(|vertex| vertex.error.is_some());
        let mut said = failed.map(|vertex| &vertex.log);
        said.any(|log| LOST.iter().any(|words| log.contains(words)))
    }

    fn or_report(self) -> Result<Self> {
        ensure!(self.success, "the build failed:\n{}", self.report());
        Ok(self)
    }

    /// The vertices that were executed, in the order in which they started: not sources, nor files
    /// made from nothing, nor what came from the cache.
    ///
    /// Merge and Diff, of which BuildKit says no more than their name, are among them.
    pub fn ran(&self) -> Vec<&Vertex> {
        let mut ran: Vec<_> = self.vertices.iter().filter(|vertex| vertex.ran()).collect();
        ran.sort_by_key(|vertex| vertex.work.keys().next());
        ran
    }

    /// The vertex of that name.
    ///
    /// # Errors
    ///
    /// When there is none: the names that there are.
    pub fn vertex(&self, name: &str) -> Result<&Vertex> {
        self.vertices
            .iter()
            .find(|vertex| vertex.name == name)
            .with_context(|| format!("no vertex is named {name:?}:\n{}", self.report()))
    }

    /// The build for the message of a failed test: its vertices, what the failed ones said, and the
    /// end of the log.
    pub fn report(&self) -> String {
        let vertices = self.vertices.iter().map(|vertex| {
            let state = match (&vertex.error, vertex.ran(), vertex.cached) {
                (Some(error), ..) => error.clone(),
                (None, true, cached) => {
                    let cached = if cached { ", and is cached" } else { "" };
                    format!("ran {}{cached}", vertex.times(self.began))
                }
                (None, false, true) => "cached".into(),
                (None, false, false) => "free".into(),
            };
            let said = vertex.error.as_ref().map(|_| tail(&vertex.log, 40)).unwrap_or_default();
            format!("{} [{state}]\n{said}", vertex.name)
        });
        format!("{}\n{}\n{}", vertices.collect::<String>(), self.text, tail(&self.log, 5))
    }

    fn add(&mut self, event: Event, see: &mut impl FnMut(&Vertex)) {
        let began = self.began;
        for report in event.vertexes {
            let vertex = self.entry(report.digest.clone());
            vertex.add(report, began);
            see(vertex);
        }
        for log in event.logs {
            self.entry(log.vertex).log.push_str(&log.data);
        }
        self.warnings.extend(event.warnings);
    }

    fn entry(&mut self, digest: String) -> &mut Vertex {
        let known = self.vertices.iter().position(|vertex| vertex.digest == digest);
        let index = known.unwrap_or_else(|| {
            self.vertices.push(Vertex { digest, ..Vertex::default() });
            self.vertices.len() - 1
        });
        &mut self.vertices[index]
    }
}

/// The progress as people see it on a terminal without colours.
#[derive(Debug)]
pub struct Plain {
    /// How buildx ended.
    pub status: ExitStatus,
    /// All that buildx wrote.
    pub text: String,
}

impl Plain {
    /// Runs `command`, which is `docker buildx build` and its arguments.
    ///
    /// # Errors
    ///
    /// When buildx cannot be started. A failed build is no error here.
    pub fn run(command: &mut Command) -> Result<Self> {
        let output = command
            .arg("--progress=plain")
            .stdin(Stdio::null())
            .output()
            .context("could not start buildx")?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Ok(Self { status: output.status, text })
    }
}

/// A step of a build, all reports of it in one.
#[derive(Clone, Debug, Default)]
pub struct Vertex {
    /// The digest of its operation, `sha256:…`.
    pub digest: String,
    /// The digests of the vertices that it stands on.
    pub inputs: Vec<String>,
    /// Its name, as the frontend gave it.
    pub name: String,
    /// Whether its result was taken from the cache.
    pub cached: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// What its process wrote.
    pub log: String,
    /// Start and end of all that was done for it, by start; loads from the cache are not among
    /// them.
    work: BTreeMap<Timestamp, Option<Timestamp>>,
}

impl Vertex {
    /// Whether it was executed.
    ///
    /// BuildKit reports work on a vertex without inputs for the mere look at its cache key
    /// (`sharedOp.CacheMap` in `solver/jobs.go`), cached or not, so nothing can be said of those.
    pub fn ran(&self) -> bool {
        !self.inputs.is_empty() && !self.work.is_empty()
    }

    /// How often it was executed.
    pub fn times_run(&self) -> usize {
        if self.ran() { self.work.len() } else { 0 }
    }

    /// Whether all the work that was begun for it has ended.
    pub fn ended(&self) -> bool {
        self.work.values().all(Option::is_some)
    }

    /// The time that its work took; zero for a cached one.
    pub fn elapsed(&self) -> Duration {
        self.work
            .iter()
            .filter_map(|(start, end)| {
                end.and_then(|end| Duration::try_from(end.duration_since(*start)).ok())
            })
            .sum()
    }

    /// From when to when it was executed, in seconds since `began`.
    fn times(&self, began: Timestamp) -> String {
        let second = |time: Timestamp| time.duration_since(began).as_secs_f64();
        let times = self.work.iter().map(|(start, end)| match end {
            Some(end) => format!("{:.3}..{:.3} s", second(*start), second(*end)),
            None => format!("{:.3}.. s", second(*start)),
        });
        times.collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, report: VertexReport, began: Timestamp) {
        let no_work = report.called_off() || report.of_another_build(began);
        self.name = report.name;
        self.inputs = report.inputs;
        self.cached |= report.cached;
        if no_work {
            return;
        }
        self.error = report.error.or(self.error.take());
        if let (Some(start), false) = (report.started, report.cached) {
            self.work.insert(start, report.completed);
        }
    }
}

/// A warning of the frontend.
#[derive(Clone, Debug, Deserialize)]
pub struct Warning {
    /// The digest of the vertex that it is about.
    #[serde(default)]
    pub vertex: String,
    /// The warning in one line.
    #[serde(default, deserialize_with = "base64_text")]
    pub short: String,
    /// Where more is to be read.
    #[serde(default)]
    pub url: String,
}

/// A line of `--progress=rawjson`: `client.SolveStatus` in BuildKit's `client/graph.go`.
#[derive(Default, Deserialize)]
struct Event {
    #[serde(default)]
    vertexes: Vec<VertexReport>,
    #[serde(default)]
    logs: Vec<LogReport>,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct VertexReport {
    digest: String,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    name: String,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
    #[serde(default)]
    cached: bool,
    error: Option<String>,
}

impl VertexReport {
    /// Whether it only says that the hash of an input's content is not needed any more, because the
    /// result was found without: no work, and reported at one instant (`sharedOp.CalcSlowCache` in
    /// `solver/jobs.go`). It happens where another build has that input at hand.
    fn called_off(&self) -> bool {
        let canceled = self.error.as_ref().is_some_and(|error| error.ends_with("context canceled"));
        let time = self.started.zip(self.completed).map(|(start, end)| end.duration_since(start));
        canceled && time.is_some_and(|time| time < SignedDuration::from_millis(1))
    }

    /// Whether the work was begun before this build was. BuildKit tells a build all that was ever
    /// reported of a vertex while another one, which may have ended, still holds it
    /// (`MultiWriter.Add` in `util/progress/multiwriter.go`).
    fn of_another_build(&self, began: Timestamp) -> bool {
        self.started.is_some_and(|started| started < began)
    }
}

#[derive(Deserialize)]
struct LogReport {
    vertex: String,
    #[serde(deserialize_with = "base64_text")]
    data: String,
}

fn base64_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let bytes = BASE64_STANDARD
        .decode(String::deserialize(deserializer)?)
        .map_err(serde::de::Error::custom)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reports(events: &[Value]) -> Build {
        let mut build = Build::begun("2026-01-01T10:00:00Z".parse().unwrap_or_default());
        for event in events {
            build.add(serde_json::from_value(event.clone()).unwrap_or_default(), &mut |_| ());
        }
        build
    }

    #[test]
    fn what_another_build_has_run_is_not_run_here() {
        let vertex = |digest: &str, started: &str, completed: &str| {
            json!({
                "digest": digest, "name": digest, "inputs": ["sha256:base"],
                "started": started, "completed": completed,
            })
        };
        let before = vertex("before", "2026-01-01T09:59:59Z", "2026-01-01T10:00:01Z");
        let here = vertex("here", "2026-01-01T10:00:00.1Z", "2026-01-01T10:00:00.25Z");
        let build = reports(&[json!({"vertexes": [before, here]})]);

        let ran: Vec<_> = build.ran().iter().map(|vertex| vertex.name.as_str()).collect();
        assert_eq!(ran, ["here"]);
        assert!(build.report().starts_with("before [free]\nhere [ran 0.100..0.250 s]\n"));
    }
}
