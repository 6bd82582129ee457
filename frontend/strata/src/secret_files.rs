//! Files of the build context in which tools keep secrets, and which nobody means by `code: .`.

use std::collections::BTreeSet;

use crate::{
    mistake::list,
    notice::Notice,
    recipe::{Code, CodeSource, Recipe},
    sources::join,
};

/// Where they are in a project's folder.
const KNOWN: [&str; 13] = [
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

/// What to look for in the build context, by its path there; nothing where the code is not of it.
pub fn wanted(recipe: &Recipe) -> BTreeSet<String> {
    let Some(Code { source: CodeSource::Context(folder), subdir, .. }) = &recipe.code else {
        return BTreeSet::new();
    };
    let folder = join(folder, subdir);
    KNOWN.into_iter().map(|name| join(&folder, name)).collect()
}

/// What to say of those that are `there`. `own` is the manifest, if it has an ignore file of its own.
pub fn notice(recipe: &Recipe, there: &BTreeSet<String>, own: Option<&str>) -> Option<Notice> {
    let code = recipe.code.as_ref().filter(|_| !there.is_empty())?;
    let text = format!(
        "the code has {}, where secrets are kept: everyone who gets the image could read them; leave \
         them out by {}.dockerignore",
        list(there.iter().map(String::as_str)),
        own.unwrap_or_default(),
    );
    Some(Notice::new("SecretFile", text).at(code.lines))
}
