//! Packages of the base's own package manager, and the image's user.

use llb::{CacheSharing, State};
use serde_json::{Value, json};

use super::{
    Scope,
    step::{PYTHON, SHELL, Step, script},
    user::User,
};
use crate::{facts::Base, mistake::Spanned};

/// `on` with system packages installed. Its packages are kept in a cache mount under a lock:
/// package managers lock their folders themselves, and fail instead of waiting. Where they come from
/// is laid over the base's own while it runs: what is for installing is not for the image.
pub(super) fn install(
    scope: &Scope<'_>,
    stage: &str,
    base: &Base,
    on: State,
    packages: &Spanned<Vec<String>>,
) -> State {
    let scripts = [script!("system.sh"), script!("restamp.py")];
    Step::new(scope, stage, base, on, SHELL, &scripts)
        .named(format!("install {}", packages.value.join(" ")))
        .at(packages.lines)
        .args(&packages.value)
        .files(base.system_sources.iter().map(|(name, text)| (name.as_str(), text.clone())))
        .envs(&scope.recipe.system.env)
        .network()
        .cache("/cache/system", "strata-system", CacheSharing::Locked)
        .root()
}

/// What lists of packages come to, wherever the manifest has them: what a cache is told apart by.
pub(super) fn identities<const N: usize>(
    scope: &Scope<'_>,
    base: &Base,
    lists: [&Option<Spanned<Vec<String>>>; N],
) -> [Value; N] {
    let (sources, env) = (&base.system_sources, &scope.recipe.system.env);
    lists.map(|list| match list.as_ref().map(|list| &list.value) {
        Some(names) if !(sources.is_empty() && env.is_empty()) => json!([names, sources, env]),
        names => json!(names),
    })
}

/// Where packages are built from source: `python` with `system.build`.
pub(super) fn toolchain(scope: &Scope<'_>, base: &Base, python: State) -> State {
    match &scope.recipe.system.build {
        None => python,
        Some(packages) => install(scope, "toolchain", base, python, packages),
    }
}

/// `on` with the user in `/etc/passwd` and a home; as it is if the user is there already.
pub(super) fn make_user(scope: &Scope<'_>, base: &Base, on: State, user: &User) -> State {
    let Some(name) = &user.make else {
        return on;
    };
    let recipe = scope.recipe;
    Step::new(scope, "user", base, on, PYTHON, &[script!("user.py")])
        .named(format!("make user {name} ({}:{})", user.uid, user.gid))
        // Where nobody is named, it is the base that one cannot be made in.
        .at(recipe.image.user.as_ref().map_or(recipe.base.lines, |user| user.lines))
        .args([name.clone(), user.uid.to_string(), user.gid.to_string()])
        .root()
}
