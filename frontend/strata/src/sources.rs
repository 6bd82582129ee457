//! Where the code comes from, as sources of LLB.

use gateway::GitUrl;
use llb::{Meta, State};

use crate::{
    facts::CodeFacts,
    paths::{below, join},
    recipe::{Code, CodeSource, Git, InputPath, Recipe, Source},
    strata_lock,
};

/// What is never code: the repository itself, which differs from clone to clone of the same files.
pub const REPOSITORIES: [&str; 2] = [".git", "**/.git"];

/// How it is made sure that a checkout is of the commit that the image's label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkout<'a> {
    /// Nothing is said of it.
    Unlabelled,
    /// It is of the object that the ref was found to be at, or fails.
    Pinned(&'a str),
    /// It keeps its `.git`, which says what it is of.
    WithGitDir,
}

/// The remote and ref that the code is at.
pub fn git(git: &Git) -> llb::Git {
    let source = match GitUrl::parse(&git.url) {
        // What is no URL is refused by git itself, in its own words.
        Err(_) => llb::Git::new(&git.url, &git.url),
        Ok(mut url) => {
            url.reference.clone_from(&git.reference);
            let source = url.source();
            if url.transport == gateway::Transport::Ssh { source.ssh(&git.ssh) } else { source }
        }
    };
    let source = if git.submodules { source } else { source.skip_submodules() };
    match &git.token {
        Some(secret) => source.auth_token_secret(secret),
        None => source,
    }
}

/// What a remote and its ref are called in progress.
pub fn name(git: &Git) -> String {
    match &git.reference {
        Some(reference) => format!("{} at {reference}", git.url),
        None => git.url.clone(),
    }
}

/// The filesystem with the code in it: a checkout, or `context`.
///
/// Of the build context, what only says how to build is not code: a comment in the manifest must
/// not make another image. Nor are models, which have layers of their own.
pub fn code(code: &Code, recipe: &Recipe, context: &State, checkout: Checkout<'_>) -> CodeFacts {
    let mut exclude = REPOSITORIES.map(str::to_owned).to_vec();
    match &code.source {
        CodeSource::Context(folder) => {
            let folder = join(folder, &code.subdir);
            let ignore = ".dockerignore";
            exclude.push(ignore.to_owned());
            if let Some(manifest) = within(&folder, &recipe.file.name) {
                let lock = strata_lock::beside(manifest);
                exclude.extend([manifest.to_owned(), lock, format!("{manifest}{ignore}")]);
            }
            let models = models(recipe).filter_map(|path| below(&folder, path));
            let models = models.filter(|path| !path.is_empty());
            exclude.extend(models.map(str::to_owned));
            CodeFacts {
                source: context.clone(),
                folder,
                exclude,
                name: "the build context".to_owned(),
                origin: "the build context".to_owned(),
            }
        }
        CodeSource::Git(remote) => {
            let source = match checkout {
                Checkout::Unlabelled => git(remote),
                Checkout::Pinned(object) => git(remote).checksum(object),
                Checkout::WithGitDir => git(remote).keep_git_dir(),
            };
            let name = name(remote);
            let meta = Meta::named(format!("[code] {name}"));
            CodeFacts {
                source: source.build(meta),
                folder: code.subdir.clone(),
                exclude,
                name,
                origin: remote.url.clone(),
            }
        }
    }
}

/// Where a manifest is in a folder of the build context, if it may be there. Of the manifest of a
/// client's folder, most clients say nothing but its name.
fn within<'a>(folder: &str, manifest: &'a str) -> Option<&'a str> {
    if folder.is_empty() || !manifest.contains('/') {
        return Some(manifest);
    }
    below(folder, manifest)
}

/// Where a file is in the build context; `None` if it is in git.
pub fn in_context(recipe: &Recipe, path: &InputPath) -> Option<String> {
    let code = recipe.python.code.as_ref();
    match (path, code.map(|code| (&code.source, &code.subdir))) {
        (InputPath::Context(path), _) => Some(path.clone()),
        (InputPath::Code(path), Some((CodeSource::Context(folder), subdir))) => {
            Some(join(&join(folder, subdir), path))
        }
        _ => None,
    }
}

/// Where the build context has models.
pub fn models(recipe: &Recipe) -> impl Iterator<Item = &str> {
    recipe.models.iter().filter_map(|model| match &model.source {
        Source::Context(files) => Some(files.path.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_manifest_may_be() {
        for (folder, manifest, expected) in [
            ("", "strata.yaml", Some("strata.yaml")),
            ("src", "strata.yaml", Some("strata.yaml")),
            ("", "deploy/app.yaml", Some("deploy/app.yaml")),
            ("deploy", "deploy/app.yaml", Some("app.yaml")),
            ("dep", "deploy/app.yaml", None),
            ("src", "deploy/app.yaml", None),
        ] {
            assert_eq!(within(folder, manifest), expected, "{manifest} in {folder}");
        }
    }
}
