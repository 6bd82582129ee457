//! What is built, and the edits that are made to it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use integration::{weights, workspace};

use crate::way::Way;

/// How often an edit can be made: each of its runs is another one.
pub const EDITS: usize = 5;

/// One of the folders of `integration/benchmarks` that have a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// scikit-learn, transformers and FastAPI.
    Usual,
    /// With torch and its CUDA wheels.
    Torch,
}

impl Service {
    fn folder(self) -> PathBuf {
        benchmarks().join(match self {
            Self::Usual => "service",
            Self::Torch => "torch",
        })
    }
}

/// A service on disk, as one way builds it. No two ways have the same files, so that none finds
/// what another has left in the cache.
#[derive(Debug)]
pub struct Project {
    service: Service,
    way: Way,
    folder: tempfile::TempDir,
}

impl Project {
    /// The service as it is before any edit.
    ///
    /// # Errors
    ///
    /// When files cannot be read or written.
    pub fn new(service: Service, way: Way) -> Result<Self> {
        let project = Self { service, way, folder: tempfile::tempdir()? };
        project.reset()?;
        Ok(project)
    }

    /// Takes all edits back.
    ///
    /// # Errors
    ///
    /// When files cannot be read or written.
    pub fn reset(&self) -> Result<()> {
        let service = self.service.folder();
        let dockerfile = match self.way {
            Way::DockerfileTorch => "torch.Dockerfile",
            way if way.is_uv() => "uv.Dockerfile",
            _ => "pip.Dockerfile",
        };
        for (from, to) in [
            (benchmarks().join("strata.yaml"), "strata.yaml"),
            (benchmarks().join(dockerfile), "Dockerfile"),
            (benchmarks().join(".dockerignore"), ".dockerignore"),
            (service.join("requirements.txt"), "requirements.txt"),
            (service.join("app/main.py"), "app/main.py"),
        ] {
            let to = self.path().join(to);
            fs::create_dir_all(to.parent().context("a file in no folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("could not copy {}", from.display()))?;
        }
        self.append("app/main.py", &format!("# {}\n", self.way.slug()))?;
        for name in ["strata.yaml", "Dockerfile"] {
            let text = fs::read_to_string(self.path().join(name))?;
            let own = text.replace(MODEL, &own_model(self.way));
            fs::write(
                self.path().join(name),
                own.replace(&cached(MODEL), &cached(&own_model(self.way))),
            )?;
        }
        if self.way == Way::StrataUv {
            let requirements = "requirements: requirements.txt";
            let with_uv = format!("{requirements}, installer: uv");
            self.replace("strata.yaml", requirements, &with_uv)?;
        }
        Ok(())
    }

    /// Makes `edit`, and takes all others back; `run`, below [`EDITS`], chooses one of its kind.
    ///
    /// # Errors
    ///
    /// When files cannot be read or written, or have nothing that could be edited.
    pub fn edit(&self, edit: Edit, run: usize) -> Result<()> {
        self.reset()?;
        (edit.make)(self, run)
    }

    /// The build context.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn append(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        Ok(fs::write(&path, fs::read_to_string(&path)? + text)?)
    }

    fn replace(&self, name: &str, from: &str, to: &str) -> Result<()> {
        let path = self.path().join(name);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains(from), "{name} has no {from:?}");
        Ok(fs::write(&path, text.replacen(from, to, 1))?)
    }

    fn in_both(&self, [manifest, dockerfile]: [(&str, &str); 2]) -> Result<()> {
        self.replace("strata.yaml", manifest.0, manifest.1)?;
        self.replace("Dockerfile", dockerfile.0, dockerfile.1)
    }

    fn require(&self, (package, from, to): (&str, &str, &str)) -> Result<()> {
        let line = |version| format!("\n{package}=={version}\n");
        self.replace("requirements.txt", &line(from), &line(to))
    }
}

fn benchmarks() -> PathBuf {
    workspace::root().join("integration/benchmarks")
}

/// An edit of a project.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// What is edited, as the tables say it.
    pub name: &'static str,
    make: fn(&Project, usize) -> Result<()>,
}

/// No edit at all.
pub const NOTHING: Edit = Edit { name: "nothing", make: |_, _| Ok(()) };

/// The edit that people make all day.
pub const CODE: Edit = Edit {
    name: "a line of the code",
    make: |project, run| project.append("app/main.py", &format!("# {run}\n")),
};

/// What this benchmark is about.
pub const LIGHT_BUMP: Edit = Edit {
    name: "a light package bumped",
    make: |project, run| {
        project.require(match project.service {
            Service::Usual => LIGHT[run],
            Service::Torch => ("cachetools", "8.0.0", CACHETOOLS[run]),
        })
    },
};

/// The other edits, which take a usual service.
pub const OTHERS: [Edit; 6] = [
    Edit {
        name: "an environment variable",
        make: |project, run| {
            project.in_both([
                ("env:\n", &format!("env:\n  RUN: {run}\n")),
                ("ENV PYTHONUNBUFFERED=1", &format!("ENV PYTHONUNBUFFERED=1 RUN={run}")),
            ])
        },
    },
    Edit {
        name: "a light package added",
        make: |project, run| project.append("requirements.txt", &format!("{}\n", ADDED[run])),
    },
    Edit {
        name: "a light package removed",
        make: |project, run| {
            let (package, version, _) = LIGHT[run];
            project.replace("requirements.txt", &format!("\n{package}=={version}\n"), "\n")
        },
    },
    Edit {
        name: "a heavy package bumped",
        make: |project, run| project.require(("scipy", "1.17.0", SCIPY[run])),
    },
    Edit {
        name: "a small model added",
        make: |project, run| {
            let model = small_model(project.way, run);
            let manifest = format!("models:\n  - {model}\n");
            let cached = cached(&model);
            let fetch = format!("import huggingface_hub as hub; hub.snapshot_download('{model}')");
            let stage = format!(
                "FROM hub AS more\n\
                 RUN --mount=type=cache,target=/cache \
                 /hub/bin/python -c \"{fetch}\" && mkdir -p /opt/huggingface/hub && \
                 cp -a /cache/{cached} /opt/huggingface/hub/\n\n\
                 FROM ${{BASE}}\nRUN useradd"
            );
            let copy = "COPY --link --from=more /opt/huggingface /opt/huggingface\n";
            let environment = "COPY --link --from=environment";
            project.in_both([("models:\n", &manifest), ("FROM ${BASE}\nRUN useradd", &stage)])?;
            project.replace("Dockerfile", environment, &format!("{copy}{environment}"))
        },
    },
    Edit {
        name: "a system package added",
        make: |project, run| {
            let package = SYSTEM[run];
            // As Docker's documentation has it, and without the translations that images of
            // Docker's library do not fetch either.
            let install = format!(
                "FROM ${{BASE}}\n\
                 RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
                 --mount=type=cache,target=/var/lib/apt,sharing=locked \
                 rm -f /etc/apt/apt.conf.d/docker-clean && \
                 apt-get -o Acquire::Retries=3 -o Acquire::Languages=none update && \
                 apt-get -o Acquire::Retries=3 install -y --no-install-recommends {package}\n\
                 RUN useradd"
            );
            project.in_both([
                ("\npython:", &format!("\nsystem: {{runtime: {package}}}\npython:")),
                ("FROM ${BASE}\nRUN useradd", &install),
            ])
        },
    },
];

/// The model of the service, as only this way fetches it: two Dockerfiles that copy the same files
/// take each other's layers.
pub fn own_model(way: Way) -> String {
    format!("{MODEL}-{}", way.slug())
}

/// A model that only one run of one way fetches.
pub fn small_model(way: Way, run: usize) -> String {
    format!("example/small-{}-{run}", way.slug())
}

const MODEL: &str = weights::ALL_MINILM_L6_V2;

/// A model's folder in the Hugging Face cache.
fn cached(model: &str) -> String {
    format!("models--{}", model.replace('/', "--"))
}

/// Small packages that nothing else needs, as the requirements have them and a release later.
const LIGHT: [(&str, &str, &str); EDITS] = [
    ("cachetools", "8.0.0", "8.0.1"),
    ("tenacity", "9.1.4", "9.2.1"),
    ("prometheus-client", "0.25.0", "0.26.0"),
    ("python-multipart", "0.0.33", "0.0.34"),
    ("orjson", "3.12.0", "3.13.0"),
];

const CACHETOOLS: [&str; EDITS] = ["8.0.1", "7.3.2", "7.3.1", "7.3.0", "7.2.8"];

/// Small packages that need no other.
const ADDED: [&str; EDITS] =
    ["itsdangerous==2.2.0", "blinker==1.9.0", "tabulate==0.10.0", "msgpack==1.2.4", "six==1.17.0"];

const SCIPY: [&str; EDITS] = ["1.17.1", "1.18.0", "1.18.1", "1.16.3", "1.16.2"];

/// Small packages of Debian.
const SYSTEM: [&str; EDITS] = ["tini", "sl", "hello", "tree", "ed"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edit_can_be_made_in_every_run() -> Result<()> {
        let of_both = [NOTHING, CODE, LIGHT_BUMP];
        let all = Way::ALL.into_iter().flat_map(|way| {
            let usual =
                of_both.into_iter().chain(OTHERS).map(move |edit| (Service::Usual, way, edit));
            usual.chain(of_both.map(|edit| (Service::Torch, way, edit)))
        });
        for (service, way, edit) in all {
            let project = Project::new(service, way)?;
            for run in 0..EDITS {
                project.reset()?;
                (edit.make)(&project, run)
                    .with_context(|| format!("{service:?}: {}", edit.name))?;
            }
        }
        Ok(())
    }
}
