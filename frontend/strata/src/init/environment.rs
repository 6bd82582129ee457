//! `ARG` and `ENV`: which variables are the image's, and which say something to the tools of a build.

use super::{
    dockerfile::Dockerfile,
    draft::{fits, set},
    indexes, models, packages, pythons,
    run::Run,
    shell::{Command, Word},
    system,
};
use crate::{in_image::HF_HOME, manifest::values, secret};

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

/// What a variable is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Where packages come from.
    Indexes,
    /// Which versions of packages there may be.
    Constraints,
    /// Which Python uv takes.
    Python,
    /// Builds of packages from source.
    Builds,
    /// The version of the code's own package, which is otherwise read from a repository.
    Version,
    /// Where models come from, and who may have them.
    Hub,
    /// Where libraries look for models.
    Caches,
    /// Where programs are.
    Path,
    /// Nothing that outlives the build.
    Tools,
    /// Whatever the image's programs know.
    Image,
}

/// Variables by which those that read a package's version from a repository are told it.
const OF_VERSIONS: [&str; 4] = [
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "UV_DYNAMIC_VERSIONING_BYPASS",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
];

fn purpose(name: &str) -> Purpose {
    let is_of_tools = |tool: &str| name == tool || (tool.ends_with('_') && name.starts_with(tool));
    match name {
        _ if indexes::kind(name).is_some() => Purpose::Indexes,
        "PIP_CONSTRAINT" | "UV_CONSTRAINT" => Purpose::Constraints,
        "UV_PYTHON" => Purpose::Python,
        "HF_ENDPOINT" => Purpose::Hub,
        "HF_HOME" => Purpose::Caches,
        "PATH" => Purpose::Path,
        _ if models::TOKENS.contains(&name) => Purpose::Hub,
        _ if OF_COMPILERS.contains(&name) => Purpose::Builds,
        _ if OF_VERSIONS.iter().any(|start| name.starts_with(start)) => Purpose::Version,
        _ if OF_CACHES.contains(&name) => Purpose::Caches,
        _ if OF_TOOLS.into_iter().any(is_of_tools) => Purpose::Tools,
        _ => Purpose::Image,
    }
}

impl Dockerfile<'_> {
    /// The variables of an `ARG`, which instructions after it see; those that have a value.
    pub fn argument(&mut self, line: usize, text: &str) -> Vec<(String, String)> {
        let mut with_values = Vec::new();
        for word in self.split(text) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word, None),
            };
            let default = default.or_else(|| self.arguments.get(&name).cloned());
            if is_secret(&name, default.as_deref().unwrap_or_default()) {
                self.note(
                    line,
                    format!("`{name}` looks like a secret, which a build gets by `--secret`: `token`, `credentials` or `secrets` names it"),
                );
            } else if default.is_none() {
                self.note_undeclared(line, &name);
            }
            let value = default.unwrap_or_default();
            if !value.is_empty() {
                with_values.push((name.clone(), value.clone()));
            }
            self.stage.variables.entry(name).or_insert(value);
        }
        with_values
    }

    fn note_undeclared(&mut self, line: usize, name: &str) {
        let given = [
            "CODE_VERSION",
            "TARGET",
            "BUILD",
            "HTTP",
            "FTP",
            "NO_PROXY",
            "ALL_PROXY",
            "HF_ENDPOINT",
        ];
        if !given.iter().any(|known| name.to_uppercase().starts_with(known)) {
            let used = indexes::kind(name).map_or_else(
                || "where it is used".to_owned(),
                |kind| format!("for `{}`", kind.key()),
            );
            self.note(
                line,
                format!("`{name}` has no default: declare it under `args`, and write `${{{name}}}` {used}"),
            );
        }
    }

    /// A variable that a build's own programs read, of `ARG`, of `ENV` or of a command; whether it
    /// is one.
    pub fn build_variable(&mut self, line: usize, name: &str, value: &Word) -> bool {
        let purpose = purpose(name);
        match purpose {
            Purpose::Indexes => indexes::variable(self, line, name, value),
            Purpose::Constraints => {
                self.note(
                    line,
                    format!("`{name}`: write `-c` and the file into the requirements file"),
                );
            }
            Purpose::Python => pythons::of_variable(self, line, &value.text),
            Purpose::Builds => {
                self.keep(line, name, value, |reader| &mut reader.draft.python.env);
            }
            Purpose::Version => {
                self.keep(line, name, value, |reader| &mut reader.code.env);
            }
            _ => {}
        }
        ![Purpose::Hub, Purpose::Caches, Purpose::Path, Purpose::Image].contains(&purpose)
    }

    /// A variable of the environment.
    pub fn variable(&mut self, line: usize, name: &str, mut value: Word) {
        if !value.unknown.is_empty() {
            // A list of folders without those that it was to be put before or after.
            value.text = value.text.replace("::", ":").trim_matches(':').to_owned();
        }
        if [Purpose::Builds, Purpose::Version].contains(&purpose(name)) {
            let unknown = std::mem::take(&mut value.unknown);
            self.unknown(line, name, &unknown);
        }
        if self.build_variable(line, name, &value) || !self.stage.is_final {
            return;
        }
        if name == "PATH" {
            let is_known = |folder: &str| {
                ["", "/bin", "/sbin"].contains(&folder)
                    || PROGRAMS.iter().any(|known| folder.contains(known))
            };
            if !value.text.split(':').all(is_known) {
                self.note(line, "`PATH` is not carried over: the environment's programs are on it");
            }
            return;
        }
        self.unknown(line, name, &value.unknown);
        if !value.text.is_empty() || value.unknown.is_empty() {
            self.image_variable(line, name, value.text);
        }
    }

    fn image_variable(&mut self, line: usize, name: &str, value: String) {
        if OF_CACHES.contains(&name) {
            self.caches.push((line, name.to_owned()));
        }
        let is_readable = !value.starts_with("/root") && fits(&value, values::destination);
        if name == "HF_HOME" && !is_readable {
            self.note(
                line,
                format!(
                    "`HF_HOME` is not carried over: models are in {} then, which all users read",
                    HF_HOME
                ),
            );
        } else if is_secret(name, &value) {
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

    /// Keeps a variable of the build's, if a manifest may have it.
    fn keep(
        &mut self,
        line: usize,
        name: &str,
        value: &Word,
        list: fn(&mut Self) -> &mut Vec<(String, String)>,
    ) {
        let can_be = value.unknown.is_empty()
            && !is_secret(name, &value.text)
            && values::key_name(name).is_ok()
            && values::variable_text(&value.text).is_ok();
        if can_be {
            set(list(self), name, value.text.clone());
        } else {
            self.note(
                line,
                format!(
                    "`{name}` is not carried over: it is a secret, or only a shell knows its value"
                ),
            );
        }
    }
}

/// Whether a variable looks like a secret, be it without a value that is known.
fn is_secret(name: &str, value: &str) -> bool {
    secret::is_secret(name, if value.is_empty() { "unknown" } else { value })
}

/// What a command's own variables say to its program.
pub fn of_command(run: &mut Run<'_, '_>, command: &Command) {
    for (name, text) in &command.variables {
        let value = as_word(name, text);
        if run.reader.build_variable(run.line, name, &value) {
            continue;
        }
        match purpose(name) {
            Purpose::Caches => run.note(format!(
                "`{name}` of a command is not carried over: {}",
                models::of_cache()
            )),
            Purpose::Image if system::is_manager(&command.words) => run.note(format!(
                "`{name}` of a command is not carried over: where a package asks for it, have a base \
                 that sets it"
            )),
            Purpose::Image if packages::is_of_python(&command.words) => {
                run.reader.keep(run.line, name, &value, |reader| &mut reader.draft.python.env);
            }
            _ => {}
        }
    }
}

/// The variables that `code.build` is to see, as commands that are that now have seen them.
pub fn of_build(run: &mut Run<'_, '_>) {
    for (name, text) in run.variables.clone() {
        let value = as_word(&name, &text);
        if purpose(&name) == Purpose::Image {
            run.reader.keep(run.line, &name, &value, |reader| &mut reader.code.env);
        }
    }
}

/// The value of a command's variable, with what nobody knows of it.
fn as_word(name: &str, text: &str) -> Word {
    let is_known = !text.contains(['$', '`']);
    let unknown = if is_known { Vec::new() } else { vec![name.to_owned()] };
    Word { text: text.to_owned(), unknown }
}
