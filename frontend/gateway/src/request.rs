//! What the daemon started the frontend for.

use std::collections::BTreeMap;

use llb::Platform;
use serde::Deserialize;

use crate::{Error, InvalidOption, Options};

/// A build that the daemon wants of the frontend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildRequest {
    /// The client's session: its files, secrets and credentials are behind it.
    pub session: String,
    /// What the daemon calls itself in texts such as "please update …".
    pub daemon: String,
    /// Who runs what is solved, the one used by default first.
    pub workers: Vec<Worker>,
    /// What the person asked for.
    pub options: Options,
}

/// One of the daemon's workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// What it says about itself.
    pub labels: BTreeMap<String, String>,
    /// The platforms it runs, its own first.
    pub platforms: Vec<Platform>,
}

const SESSION: &str = "BUILDKIT_SESSION_ID";
const PRODUCT: &str = "BUILDKIT_EXPORTEDPRODUCT";
const WORKERS: &str = "BUILDKIT_WORKERS";
/// Followed by a number that means nothing.
const OPTION: &str = "BUILDKIT_FRONTEND_OPT_";

/// Whether a daemon started this program as its frontend.
pub fn started_by_buildkit() -> bool {
    std::env::var_os(SESSION).is_some()
}

impl BuildRequest {
    /// Reads the environment that a daemon gives its frontend (`frontend/gateway/gateway.go`).
    ///
    /// # Errors
    ///
    /// When an option's value cannot be used, or the workers' JSON cannot be read.
    pub fn from_env(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut request = Self::default();
        let mut options = Vec::new();
        for (name, value) in variables {
            match name.as_str() {
                SESSION => request.session = value,
                PRODUCT => request.daemon = value,
                WORKERS => request.workers = workers(&value)?,
                name if name.starts_with(OPTION) => options.extend(
                    value.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())),
                ),
                _ => {}
            }
        }
        request.options = Options::parse(options)?;
        Ok(request)
    }

    /// The platforms to build for: those asked for, or the default worker's own.
    pub fn platforms(&self) -> Vec<Platform> {
        if self.options.platforms.is_empty() {
            vec![self.build_platform()]
        } else {
            self.options.platforms.clone()
        }
    }

    /// Whether the default worker runs programs of `platform`, by itself or by emulation. One
    /// that does not tell is taken to.
    pub fn runs(&self, platform: &Platform) -> bool {
        let platforms = self.workers.first().map_or(&[][..], |worker| &worker.platforms);
        platforms.is_empty() || platforms.contains(platform)
    }

    /// The platform that the default worker runs without emulation.
    pub fn build_platform(&self) -> Platform {
        let own = self.workers.first().and_then(|worker| worker.platforms.first());
        own.cloned().unwrap_or_else(|| {
            Platform::normalised(std::env::consts::OS, std::env::consts::ARCH, "", "")
        })
    }
}

/// Keys were capitalised before BuildKit 0.10, and Go reads either.
#[derive(Deserialize)]
struct RawWorker {
    #[serde(alias = "ID")]
    id: String,
    #[serde(alias = "Labels")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(alias = "Platforms")]
    platforms: Option<Vec<RawPlatform>>,
}

/// The OCI image specification's platform.
#[derive(Deserialize)]
struct RawPlatform {
    os: String,
    architecture: String,
    #[serde(default)]
    variant: String,
    #[serde(default, rename = "os.version")]
    os_version: String,
}

fn workers(json: &str) -> Result<Vec<Worker>, Error> {
    // A daemon without workers sends Go's nil.
    let workers: Option<Vec<RawWorker>> = serde_json::from_str(json)
        .map_err(|error| Error::new(format!("cannot read {WORKERS}: {error}")))?;
    let worker = |raw: RawWorker| Worker {
        id: raw.id,
        labels: raw.labels.unwrap_or_default(),
        platforms: raw.platforms.unwrap_or_default().iter().map(platform).collect(),
    };
    Ok(workers.unwrap_or_default().into_iter().map(worker).collect())
}

fn platform(raw: &RawPlatform) -> Platform {
    Platform::normalised(&raw.os, &raw.architecture, &raw.variant, &raw.os_version)
}

impl From<InvalidOption> for Error {
    fn from(invalid: InvalidOption) -> Self {
        Self::new(invalid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(variables: &[(&str, &str)]) -> Result<BuildRequest, Error> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        BuildRequest::from_env(variables.iter().map(owned))
    }

    #[test]
    fn options_split_at_their_first_equals_sign() {
        let request = request(&[
            ("PATH", "/bin"),
            ("BUILDKIT_SESSION_ID", "s1"),
            ("BUILDKIT_EXPORTEDPRODUCT", "buildkit"),
            ("BUILDKIT_FRONTEND_OPT_7", "build-arg:FLAGS=-O2 -march=native"),
            ("BUILDKIT_FRONTEND_OPT_0", "no-cache="),
        ])
        .unwrap();
        assert_eq!((request.session.as_str(), request.daemon.as_str()), ("s1", "buildkit"));
        assert_eq!(request.options.build_args["FLAGS"], "-O2 -march=native");
        assert!(request.options.no_cache.covers("anything"));
    }

    #[test]
    fn workers_in_either_case() {
        let platform = r#"{"architecture":"arm64","os":"linux","variant":"v8"}"#;
        for (id, labels, platforms) in
            [("id", "labels", "platforms"), ("ID", "Labels", "Platforms")]
        {
            let json =
                format!(r#"[{{"{id}":"w","{labels}":{{"a":"b"}},"{platforms}":[{platform}]}}]"#);
            let request = request(&[("BUILDKIT_WORKERS", &json)]).unwrap();
            assert_eq!(request.workers[0].id, "w");
            assert_eq!(request.workers[0].labels["a"], "b");
            assert_eq!(request.platforms()[0].to_string(), "linux/arm64");
        }
    }

    #[test]
    fn platforms_asked_for_win_over_the_workers() {
        let request = request(&[
            (
                "BUILDKIT_WORKERS",
                r#"[{"id":"w","platforms":[{"os":"linux","architecture":"s390x"}]}]"#,
            ),
            ("BUILDKIT_FRONTEND_OPT_0", "platform=linux/amd64,linux/arm64"),
        ])
        .unwrap();
        let platforms: Vec<String> = request.platforms().iter().map(ToString::to_string).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        assert_eq!(request.build_platform().to_string(), "linux/s390x");
        assert!(request.runs(&request.build_platform()));
        assert!(!request.runs(&request.options.platforms[0]));
    }

    #[test]
    fn without_workers_it_is_this_machines_platform() {
        for json in ["null", "[]", r#"[{"id":"w","labels":null,"platforms":null}]"#] {
            let request = request(&[("BUILDKIT_WORKERS", json)]).unwrap();
            assert_eq!(request.platforms().len(), 1);
            assert!(request.runs(&request.platforms()[0]), "who does not tell is asked to");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = request(&[("BUILDKIT_WORKERS", "[")]).unwrap_err();
        assert!(error.message().starts_with("cannot read BUILDKIT_WORKERS: "), "{error}");
        let error = request(&[("BUILDKIT_FRONTEND_OPT_0", "shm-size=64m")]).unwrap_err();
        assert_eq!(error.message(), "build option shm-size is `64m`: expected a number of bytes");
    }
}
