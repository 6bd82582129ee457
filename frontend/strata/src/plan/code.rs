//! The code: a copy, and what the manifest has done with it.

use llb::{CacheSharing, Copy, Meta, Mount, State};
use serde_json::{Value, json};

use super::{
    ROOT, Scope,
    folders::Folders,
    step::{Step, script},
    system,
};
use crate::{
    facts::{CodeFacts, PlatformFacts},
    in_image::HOME,
    mistake::Spanned,
    recipe::{Code, CodeSource},
};

/// The code's layer.
///
/// Nothing of where it comes from is in it but the files: no commit, no time, so that the same
/// files are the same layer.
pub(super) fn code(
    scope: &Scope<'_>,
    facts: &CodeFacts,
    code: &Code,
    folders: &Folders<'_>,
) -> Files {
    let to = folders.resolve(&code.to);
    let copy = Copy::new(facts.source.clone(), format!("/{}", facts.folder), &to)
        .exclude(&facts.exclude)
        // A folder that is a link is what that leads to, as in a Dockerfile.
        .follow_link();
    let name = format!("copy {} to {}", facts.name, code.to);
    let meta = Meta::named(format!("[code] {name}"))
        .at([scope.location(code.lines)])
        .ignore_cache(scope.settings.no_cache.covers("code"));
    let layer =
        folders.layer(std::slice::from_ref(&to), |_| None).owner(ROOT).copy(copy).build(meta);
    Files { layer, at: to }
}

/// The code as a layer has it.
pub(super) struct Files {
    /// The layer.
    pub(super) layer: State,
    /// Where in it and in the image the code is.
    pub(super) at: String,
}

impl Files {
    /// Shows the code to a step, which works on a copy.
    pub(super) fn mount(&self) -> Mount {
        Mount::read_only("/code", self.layer.clone()).select(&self.at)
    }
}

/// The code after the command of `code.build`, run on `root`, which has all that the image has below
/// it.
pub(super) fn build(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    root: State,
    code: &Code,
    words: &Spanned<Vec<String>>,
    files: &Files,
) -> Files {
    let base = &platform.base;
    let request = json!({ "words": words.value, "env": code.env, "folder": files.at });
    let scripts = [script!("build.py"), script!("tree.py"), script!("network.py")];
    let layer = Step::new(scope, "code", base, root, scope.python(), &scripts)
        .named(format!("build {}", code.to))
        .at(words.lines)
        .env("PATH", scope.path(base))
        .settings_of_base()
        .file("build.json", request.to_string())
        .secrets(&code.secrets)
        .mount(files.mount())
        .network()
        // What compilers and package managers keep between two edits.
        .cache_of(
            &format!("{HOME}/.cache"),
            "strata-code",
            cache(scope, platform, code, words),
            CacheSharing::Locked,
        )
        .out();
    Files { layer, at: files.at.clone() }
}

/// What the command's cache mount is of. What tools keep there they know by names that say nothing of
/// the system that it was made on: it must be that of the same command, for the same code, on the same
/// system.
fn cache(
    scope: &Scope<'_>,
    PlatformFacts { base, .. }: &PlatformFacts,
    code: &Code,
    words: &Spanned<Vec<String>>,
) -> Option<Value> {
    let made_on = base.identity()?;
    let system = &scope.recipe.system;
    let lists = [&system.python, &system.build, &system.runtime];
    let packages = system::identities(scope, base, lists);
    let from = match &code.source {
        CodeSource::Context(folder) => folder,
        CodeSource::Git(git) => &git.url,
    };
    let from = [from, &code.subdir];
    Some(json!([words.value, code.env, from, code.to, made_on, packages]))
}
