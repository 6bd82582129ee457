//! A command that downloads what no other way does, on the packages that it names.

use llb::{CacheSharing, State};
use serde_json::{Value, json};

use super::{
    Layer, Scope,
    environment::meant,
    ground::Ground,
    step::{Step, build_secret, script},
    system, together,
    user::User,
};
use crate::{
    facts::{Pick, PlatformFacts},
    recipe::{Command, Model},
};

/// The layer with what is kept of what the command makes on `packages`, those that it names.
pub(super) fn run(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    ground: &Ground<'_>,
    packages: Vec<Layer>,
    model: &Model,
    command: &Command,
) -> State {
    let base = &platform.base;
    let User { uid, gid, home, .. } = ground.user;
    let layers: Vec<Layer> = ground.layers().chain(packages).collect();
    let what = format!("what {} sees", command.name);
    let root = together(scope, "models", base, &what, &layers);
    let keep = command.keep.iter().map(|path| match path.strip_prefix("~/") {
        Some(inside) => format!("{home}/{inside}"),
        None => path.clone(),
    });
    let request = json!({
        "words": command.words, "env": command.env, "keep": keep.collect::<Vec<_>>(),
        "home": home, "uid": uid, "gid": gid,
    });
    let scripts = [script!("run.py"), script!("tree.py"), script!("network.py")];
    let mut step = Step::new(scope, "models", base, root, scope.python(), &scripts)
        .named(format!("run {}", command.name))
        .at(model.lines)
        .env("PATH", scope.path(base))
        .settings_of_base()
        .file("command.json", request.to_string())
        .secrets(&command.secrets)
        .network()
        // What a failed attempt has downloaded is there for the next.
        .cache_of(
            &format!("{home}/.cache"),
            "strata-run",
            cache(scope, command, platform),
            CacheSharing::Locked,
        );
    if let Some(secret) = &model.token {
        step = step.mount(build_secret("token", secret));
    }
    step.out()
}

/// What the command's cache mount is of. What it has of another attempt comes into the layer as well:
/// it must be one of the same command, on the same system and packages.
fn cache(
    scope: &Scope<'_>,
    Command { words, env, needs, .. }: &Command,
    facts: &PlatformFacts,
) -> Option<Value> {
    let made_on = facts.base.identity()?;
    let seen = meant(&facts.packages, needs);
    let picks = facts.packages.picks.iter().filter(|pick| seen.contains(&pick.name));
    let picks: Vec<&Pick> = picks.collect();
    let system = &scope.recipe.system;
    let system = system::identities(scope, &facts.base, [&system.python, &system.runtime]);
    Some(json!([words, env, needs, picks, made_on, system]))
}
