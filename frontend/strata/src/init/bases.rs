//! What an image stands on, and what a base is known to have.

use parse_dockerfile::Stage;

use super::{
    dockerfile::Dockerfile,
    draft::{Draft, Words, fits},
};
use crate::manifest::values;

/// The base where a Dockerfile names none that can be one.
const PLAIN: &str = "python:3.12-slim";

/// Bases whose Python has packages of its own, by parts of their names.
const BRING_PACKAGES: [&str; 11] = [
    "pytorch/pytorch",
    "nvidia/pytorch",
    "nvidia/tensorflow",
    "nvidia/nemo",
    "nvidia/tritonserver",
    "tensorflow/tensorflow",
    "rocm/pytorch",
    "rocm/tensorflow",
    "vllm/vllm-openai",
    "lmsysorg/sglang",
    "huggingface/text-generation-inference",
];

impl<'a> Dockerfile<'a> {
    /// The image that a stage stands on.
    pub fn base(&mut self, stage: &Stage<'a, '_>) {
        let line = self.line(&stage.from.from.span);
        let image = self.image(&stage.from.image.value);
        self.stage.image.clone_from(&image);
        if !self.stage.is_final {
            return;
        }
        if runs_as_nonroot(&image) {
            self.numbers.insert("nonroot".to_owned(), NONROOT.to_owned());
        }
        if has_no_shell(&image) {
            self.instead_of(line, &image);
            return;
        }
        if !fits(&image, values::image) {
            self.note(line, format!("`{image}` is no base: name an image with a Python"));
            self.draft.base = PLAIN.to_owned();
            return;
        }
        let minor =
            image.strip_prefix("python:3.").map(|tag| tag.split(['.', '-']).next().unwrap_or(tag));
        if minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor: u32| minor < 9) {
            self.note(line, format!("`{image}` is too old: a base needs Python 3.9 or newer"));
        }
        if image.starts_with("python:") && image.contains("alpine") {
            self.note(line, "few packages of machine learning have wheels for Alpine: `-slim` is the better base");
        }
        self.draft.base = image;
    }

    /// In place of an image without a shell, what a stage before it has stood on.
    fn instead_of(&mut self, line: usize, image: &str) {
        let is_base = |image: &&String| {
            has_python(image) && !has_no_shell(image) && fits(image, values::image)
        };
        let mut before = self.states.values().rev().map(|stage| &stage.image);
        let base = before.find(is_base).cloned().unwrap_or_else(|| PLAIN.to_owned());
        self.note(
            line,
            format!("`{image}` has no shell, and a base needs one, and a Python: `{base}` is in its place"),
        );
        self.draft.base = base;
    }
}

/// The number of the user `nonroot` of distroless and Chainguard's images.
pub const NONROOT: &str = "65532";

/// Whether an image runs as that user if nothing is said.
pub fn runs_as_nonroot(image: &str) -> bool {
    let by_tag = image.contains("distroless/") && image.contains("nonroot");
    by_tag || (is_of_chainguard(image) && !image.contains("-base"))
}

fn is_of_chainguard(image: &str) -> bool {
    image.starts_with("cgr.dev/") || image.starts_with("chainguard/")
}

/// Whether an image is known to be without a shell.
fn has_no_shell(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or(image);
    let (path, tag) = name.rsplit_once(':').unwrap_or((name, ""));
    let with_shell = ["-base", "/bash", "/busybox"];
    let is_bare = is_of_chainguard(image)
        && !tag.ends_with("-dev")
        && !with_shell.iter().any(|end| path.ends_with(end));
    image == "scratch" || image.contains("distroless/") || is_bare
}

/// What a Python image without a shell runs by itself, and its programs by their names: another
/// base has them elsewhere.
pub fn settle(image: &str, draft: &mut Draft) {
    if !has_no_shell(image) {
        return;
    }
    if image.contains("python") && draft.entrypoint.is_none() {
        draft.entrypoint = Some(Words::List(vec!["python3".to_owned()]));
    }
    for words in draft.entrypoint.iter_mut().chain(&mut draft.cmd) {
        if let Words::List(words) = words
            && let Some(program) = words.first_mut()
            && program.starts_with("/usr/bin/python")
        {
            *program = "python3".to_owned();
        }
    }
}

/// Whether a base is known to have a Python, by its name.
pub fn has_python(base: &str) -> bool {
    let base = base.rsplit('/').next().unwrap_or_default();
    let known = ["python", "pytorch", "conda", "jupyter", "tensorflow", "uv:"];
    known.iter().any(|name| base.contains(name))
}

/// Whether a base is a system without a Python.
pub fn is_bare(base: &str) -> bool {
    let name = base.split(['@', ':']).next().unwrap_or(base);
    ["debian", "ubuntu", "nvidia/cuda"]
        .iter()
        .any(|bare| name == *bare || name.ends_with(&format!("/{bare}")))
}

/// The part of a base's name by which it is known to bring packages of its own.
pub fn brings_packages(base: &str) -> Option<&'static str> {
    BRING_PACKAGES.into_iter().find(|name| base.contains(name))
}
