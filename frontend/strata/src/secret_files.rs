//! Files of the build context in which tools keep secrets, and which nobody means by `code: .`.

use std::collections::BTreeSet;

use crate::{
    mistake::list,
    notice::Notice,
    recipe::{CodeSource, Recipe},
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

/// What to look for in the folder that is the code; nothing where it is not of the build context.
pub fn wanted(recipe: &Recipe) -> BTreeSet<String> {
    let code = recipe.code.as_ref().map(|code| &code.source);
    let is_of_context = matches!(code, Some(CodeSource::Context(_)));
    KNOWN.into_iter().filter(|_| is_of_context).map(str::to_owned).collect()
}

/// What to say of those that are `there`.
pub fn notice(recipe: &Recipe, there: &BTreeSet<String>) -> Option<Notice> {
    let code = recipe.code.as_ref().filter(|_| !there.is_empty())?;
    let CodeSource::Context(folder) = &code.source else { return None };
    let folder = join(folder, &code.subdir);
    let names: Vec<String> = there.iter().map(|name| join(&folder, name)).collect();
    let text = format!(
        "the code has {}, where secrets are kept: everyone who gets the image could read them; leave \
         them out by .dockerignore",
        list(names.iter().map(String::as_str)),
    );
    Some(Notice::new("SecretFile", text).at(code.lines))
}
