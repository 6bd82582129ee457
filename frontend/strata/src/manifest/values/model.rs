//! Models: names on the Hugging Face hub, files of other servers, spaCy's pipelines.

use super::{
    Read, expected, reference,
    reference::is_abbreviated,
    remote::{TOKEN, http},
};
use crate::{
    in_image::{FILES, HOME, OUT, SECRETS},
    mistake::{Mistake, quote},
    paths::below,
};

/// Where a step has its secrets, and what else is its own. `run.py` has the same, and where no
/// destination is: a link may lead there.
const OF_STEPS: [&str; 5] = [HOME, "/tmp/ca_bundle.pem", SECRETS, FILES, OUT];

/// What a repository of a hub holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepositoryKind {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

/// A release of one of spaCy's pipelines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pipeline {
    /// `en_core_web_lg`.
    pub name: String,
    /// `3.8.0`.
    pub version: String,
}

/// A repository of the hub, `org/name` or `name`, by the rules of `validate_repo_id` in
/// huggingface_hub's `utils/_validators.py`; one of a dataset begins with `datasets/`, as its page
/// does.
pub fn repository(text: &str) -> Read<(RepositoryKind, String)> {
    if let Some(name) = text.strip_prefix("datasets/") {
        return Ok((RepositoryKind::Dataset, repository_name(name)?));
    }
    Ok((RepositoryKind::Model, repository_name(text)?))
}

fn repository_name(text: &str) -> Read<String> {
    let (organisation, name) = text.split_once('/').unwrap_or(("x", text));
    if organisation == "spaces" && !name.is_empty() {
        return Err(Mistake::new("`spaces/…` are programs, which no image carries")
            .help("`hf` takes models and datasets: `org/name`, `datasets/org/name`"));
    }
    let valid = is_part(organisation)
        && is_part(name)
        && name.len() <= 96
        && !text.contains("--")
        && !text.contains("..")
        && !text.ends_with(".git");
    if valid {
        return Ok(text.to_owned());
    }
    let mistake = expected("a model such as `sentence-transformers/all-MiniLM-L6-v2`", text);
    Err(match text.split_once("://").and_then(|(_, url)| url.split_once('/')) {
        Some((_, name)) if !name.is_empty() => {
            let name = name.split('/').take(2).collect::<Vec<_>>().join("/");
            mistake.help(format!("write `{name}`; another hub than Hugging Face's is `endpoint`"))
        }
        _ => mistake,
    })
}

/// A branch, tag or full commit of a repository of the hub.
pub fn revision(text: &str) -> Read<String> {
    if is_abbreviated(text) {
        let message = format!("{} is an abbreviated commit, which the hub can't find", quote(text));
        return Err(Mistake::new(message).help("write all 40 digits of it"));
    }
    reference(text)
}

/// The URL of a file.
pub fn file_url(text: &str) -> Read<String> {
    http(text, "the URL of a file, which begins with `https://`", TOKEN)
}

/// A SHA-256, as `sha256sum` and `docker` write it.
pub fn sha256(text: &str) -> Read<String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_lowercase());
    }
    Err(expected("64 hexadecimal digits", text).help("`sha256sum FILE` prints them"))
}

/// A release of one of spaCy's pipelines.
pub fn pipeline(text: &str) -> Read<Pipeline> {
    let what = "a pipeline and its version, such as `en_core_web_lg==3.8.0`";
    let Some((name, version)) = text.split_once("==") else {
        return Err(expected(what, text)
            .help("https://github.com/explosion/spacy-models/releases has them all"));
    };
    let plain = |text: &str, other: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || other.contains(&c))
    };
    if plain(name, &['_']) && plain(version, &['.']) && version.starts_with(char::is_numeric) {
        let (name, version) = (name.to_owned(), version.to_owned());
        return Ok(Pipeline { name, version });
    }
    Err(expected(what, text))
}

/// The pipeline's name in the text of a release of it, whatever else is wrong with that.
pub fn pipeline_name(text: &str) -> &str {
    text.split_once("==").map_or(text, |(name, _)| name)
}

/// What is kept of what a command has made: an absolute path, or `~/` and one in the user's home.
pub fn kept(text: &str) -> Read<String> {
    match text.strip_prefix("~/") {
        None => not_of_steps(text, super::destination(text)?),
        Some(inside) => match super::relative(inside)? {
            path if path.is_empty() => {
                Err(expected("a folder in the home, such as `~/.cache`", text))
            }
            path => Ok(format!("~/{path}")),
        },
    }
}

/// Secrets would be copied with a folder that has them.
fn not_of_steps(text: &str, path: String) -> Read<String> {
    let overlaps = |own: &str| below(own, &path).is_some() || below(&path, own).is_some();
    match OF_STEPS.into_iter().find(|own| overlaps(own)) {
        Some(own) => Err(Mistake::new(format!(
            "{} cannot be kept: `{own}` is the step's own, and may hold secrets",
            quote(text)
        ))
        .help("have the command write to a folder of its own, such as `/models`, and keep that")),
        None => Ok(path),
    }
}

/// `volume`, in place of `dev`'s models.
pub fn volume_of_models(text: &str) -> Read<()> {
    if text == "volume" { Ok(()) } else { Err(expected("`volume`", text)) }
}

/// A pattern of file names in a repository.
pub fn pattern(text: &str) -> Read<String> {
    let climbs = text.split('/').any(|part| part == "..");
    if text.is_empty() || text.starts_with('/') || climbs || text.contains(char::is_control) {
        return Err(expected("a file of the model, or a pattern such as `*.safetensors`", text));
    }
    Ok(text.to_owned())
}

fn is_part(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word)
        && text.ends_with(word)
        && text.chars().all(|c| word(c) || matches!(c, '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_does_not_keep_is_refused_before_it() {
        let step = include_str!("../../plan/steps/run.py");
        let paths = step.split("OWN_PATHS = [").nth(1).and_then(|rest| rest.split(']').next());
        let paths: Vec<&str> = paths.unwrap_or_default().split('"').skip(1).step_by(2).collect();
        assert!(OF_STEPS.iter().all(|own| paths.contains(own)), "{paths:?}");
        assert!(paths.iter().all(|path| kept(path).is_err()), "{paths:?}");
    }
}
