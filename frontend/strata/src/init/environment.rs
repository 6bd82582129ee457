//! `ARG` and `ENV`: which variables are the image's, and which say something to the tools of a build.

use super::{
    dockerfile::Dockerfile,
    draft::{fits, set},
    models, shell,
};
use crate::manifest::values;

/// Variables that configure the tools of a Dockerfile's build, and nothing of the image.
const OF_TOOLS: [&str; 8] =
    ["DEBIAN_FRONTEND", "PIP_", "PIPENV_", "POETRY_", "PDM_", "UV_", "VIRTUAL_ENV", "FORCE_CMAKE"];

/// Variables that say where single libraries look for models, whatever `HF_HOME` says.
pub const OF_CACHES: [&str; 4] =
    ["TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];

/// Folders of programs that are on the `PATH` of an image of Strata, or that its builds have no
/// need of, by parts of their names.
const PROGRAMS: [&str; 10] = [
    "/venv",
    "/.venv",
    "/.local/bin",
    "/root/",
    "poetry",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/cuda/bin",
];

/// Variables that builds from source read.
pub const OF_COMPILERS: [&str; 12] = [
    "CMAKE_ARGS",
    "CC",
    "CXX",
    "CFLAGS",
    "CPPFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "MAX_JOBS",
    "CUDACXX",
    "TORCH_CUDA_ARCH_LIST",
    "CMAKE_BUILD_PARALLEL_LEVEL",
];

impl Dockerfile<'_> {
    /// The variables of an `ARG`.
    pub fn argument(&mut self, line: usize, text: &str) {
        for word in self.split(text) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word, None),
            };
            let default = default.or_else(|| self.arguments.get(&name).cloned());
            let given = ["CODE_VERSION", "TARGET", "BUILD", "HTTP", "FTP", "NO_PROXY", "ALL_PROXY"];
            if default.is_none()
                && !given.iter().any(|known| name.to_uppercase().starts_with(known))
            {
                self.note(
                    line,
                    format!("`{name}` has no default: declare it under `args`, and write `${{{name}}}` where it is used"),
                );
            }
            let value = default.unwrap_or_default();
            self.stage.variables.entry(name).or_insert(value);
        }
    }

    /// A variable of the environment.
    pub fn variable(&mut self, line: usize, name: &str, value: shell::Word) {
        let shell::Word { text: mut value, unknown } = value;
        if !unknown.is_empty() {
            // A list of folders without those that it was to be put before or after.
            value = value.replace("::", ":").trim_matches(':').to_owned();
        }
        if OF_COMPILERS.contains(&name) {
            self.unknown(line, name, &unknown);
            set(&mut self.draft.python.env, name, value);
            return;
        }
        let of_tool = OF_TOOLS
            .iter()
            .any(|tool| name == *tool || (tool.ends_with('_') && name.starts_with(tool)));
        if !self.stage.is_final || of_tool || name == "PATH" {
            let is_known = |folder: &str| {
                ["", "/bin", "/sbin"].contains(&folder)
                    || PROGRAMS.iter().any(|known| folder.contains(known))
            };
            if name == "PATH" && self.stage.is_final && !value.split(':').all(is_known) {
                self.note(line, "`PATH` is not carried over: the environment's programs are on it");
            }
            return;
        }
        self.unknown(line, name, &unknown);
        if value.is_empty() && !unknown.is_empty() {
            return;
        }
        if OF_CACHES.contains(&name) {
            self.caches.push((line, name.to_owned()));
        }
        let is_readable = !value.starts_with("/root") && fits(&value, values::destination);
        if name == "HF_HOME" && !is_readable {
            self.note(
                line,
                format!(
                    "`HF_HOME` is not carried over: models are in {} then, which all users read",
                    models::HOME
                ),
            );
        } else if values::is_secret(name, &value) {
            self.note(
                line,
                format!("`{name}` looks like a secret: give it to the container when it runs (`docker run --env-file`, Compose's `env_file`)"),
            );
        } else if values::key_name(name).is_err() || values::variable_text(&value).is_err() {
            self.note(
                line,
                format!("`{name}` is not carried over: give it to the container when it runs"),
            );
        } else {
            set(&mut self.draft.env, name, value);
        }
    }
}
