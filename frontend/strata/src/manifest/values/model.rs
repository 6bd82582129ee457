//! Names on the Hugging Face hub.

use super::{Read, expected, reference, reference::is_abbreviated};
use crate::mistake::{Mistake, quote};

/// A repository of the hub, `org/name` or `name`, by the rules of `validate_repo_id` in
/// huggingface_hub's `utils/_validators.py`.
pub fn repository(text: &str) -> Read<String> {
    let (organisation, name) = text.split_once('/').unwrap_or(("x", text));
    if matches!(organisation, "datasets" | "spaces") && !name.is_empty() {
        return Err(Mistake::new(format!("`{organisation}/…` is not supported yet"))
            .help("`hf` takes models: `org/name`"));
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
