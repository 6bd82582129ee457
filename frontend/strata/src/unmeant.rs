//! What of the build context nobody means by `code: .`: files in which tools keep secrets, and folders
//! that tools make for themselves.

use std::collections::BTreeSet;

use crate::{
    mistake::list,
    notice::Notice,
    paths::join,
    recipe::{Code, CodeSource, Recipe},
};

/// Files with secrets, where they are in a project's folder.
const SECRETS: [&str; 13] = [
    ".aws/credentials",
    ".docker/config.json",
    ".env",
    ".env.development",
    ".env.local",
    ".env.production",
    ".envrc",
    ".git-credentials",
    ".netrc",
    ".pypirc",
    ".streamlit/secrets.toml",
    "id_ed25519",
    "id_rsa",
];

/// A file that a tool has in each folder of its own: it tells that from another of the name, and is
/// little to send.
const TOOLS: [&str; 9] = [
    ".mypy_cache/CACHEDIR.TAG",
    ".pytest_cache/CACHEDIR.TAG",
    ".ruff_cache/CACHEDIR.TAG",
    ".venv/pyvenv.cfg",
    "env/pyvenv.cfg",
    "node_modules/.modules.yaml",
    "node_modules/.package-lock.json",
    "node_modules/.yarn-integrity",
    "venv/pyvenv.cfg",
];

/// What to look for in the build context, by its path there; nothing where the code is not of it.
pub fn wanted(recipe: &Recipe) -> BTreeSet<String> {
    at(recipe, &SECRETS).chain(at(recipe, &TOOLS)).collect()
}

/// What to say of the files that are `there`. `own` is the manifest, if it has an ignore file of its
/// own.
pub fn notices(recipe: &Recipe, there: &BTreeSet<String>, own: Option<&str>) -> Vec<Notice> {
    let ignore_file = format!("{}.dockerignore", own.unwrap_or_default());
    let secrets: BTreeSet<String> =
        at(recipe, &SECRETS).filter(|path| there.contains(path)).collect();
    let tools: BTreeSet<String> = at(recipe, &TOOLS)
        .filter(|path| there.contains(path))
        .filter_map(|path| path.rsplit_once('/').map(|(folder, _)| folder.to_owned()))
        .collect();
    let secret = |paths| {
        let text = format!(
            "the code has {paths}, where secrets are kept: everyone who gets the image could read \
             them; leave them out by {ignore_file}"
        );
        Notice::new("SecretFile", text)
    };
    let tool = |paths| {
        let text = format!(
            "the code has {paths}: what tools keep for themselves is sent for each build, and is in \
             the image, where {ignore_file} does not leave it out"
        );
        Notice::new("UnignoredFolder", text)
    };
    let shown = |paths: &BTreeSet<String>| {
        (!paths.is_empty()).then(|| list(paths.iter().map(String::as_str)))
    };
    let lines = recipe.code.as_ref().map(|code| code.lines);
    let notices = [shown(&secrets).map(secret), shown(&tools).map(tool)];
    notices.into_iter().flatten().map(|notice| notice.at(lines)).collect()
}

/// Where in the build context each of `known` would be, as a part of the code.
fn at(recipe: &Recipe, known: &'static [&str]) -> impl Iterator<Item = String> + use<> {
    let folder = match &recipe.code {
        Some(Code { source: CodeSource::Context(folder), subdir, .. }) => {
            Some(join(folder, subdir))
        }
        _ => None,
    };
    folder.into_iter().flat_map(|folder| known.iter().map(move |name| join(&folder, name)))
}
