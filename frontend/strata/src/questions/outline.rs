//! What a build may be given: `--call=outline`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gateway::subrequest::{Argument, Outline, Target};
use llb::SourceFile;

use crate::{
    hidden,
    manifest::values,
    mistake::{Mistakes, list},
    recipe::{self, Choices, Code, CodeSource, Offer, Recipe, Source},
};

/// What a build of the manifest `file` may be given, with what is given as `choices`.
///
/// What it has secrets for is told when all arguments have a value that must have one: any of them
/// can decide where something comes from.
///
/// # Errors
///
/// What is wrong with the manifest, or with the choices.
pub fn outline(file: &Arc<SourceFile>, choices: &Choices) -> Result<Outline, Mistakes> {
    let offer = recipe::offer(file)?;
    let is_missing = |(name, default): (&String, &Option<String>)| {
        default.is_none() && !choices.build_args.contains_key(name)
    };
    let decided = if offer.arguments.iter().any(is_missing) {
        None
    } else {
        Some(recipe::read(Arc::clone(file), choices)?)
    };
    let asked = recipe::target(file, choices)?;
    let (name, _, description) =
        recipe::TARGETS.into_iter().find(|(_, target, _)| *target == asked).unwrap_or_default();
    let target = Target { name: name.into(), default: false, description: description.into() };
    let arguments = arguments(&offer, choices, decided.as_ref());
    let (secrets, ssh) = decided.as_ref().map(keys).unwrap_or_default();
    let [secrets, ssh] = [secrets, ssh].map(|ids| ids.into_iter().map(str::to_owned).collect());
    Ok(Outline { target, arguments, secrets, ssh })
}

/// The declared arguments, and of the others those that make a difference.
fn arguments(offer: &Offer, choices: &Choices, recipe: Option<&Recipe>) -> Vec<Argument> {
    let is_of_hub =
        |recipe: &Recipe| recipe.models.iter().any(|model| matches!(model.source, Source::Hub(_)));
    let others = [
        ("CODE_VERSION", recipe.is_some_and(|recipe| recipe.code.is_some())),
        ("HF_ENDPOINT", recipe.is_some_and(is_of_hub)),
        ("VARIANT", !offer.variants.is_empty()),
    ];
    let others = others.into_iter().filter_map(|(name, matters)| matters.then_some(name));
    let names: BTreeSet<&str> = offer.arguments.keys().map(String::as_str).chain(others).collect();
    let argument = |name: &str| {
        let default = offer.arguments.get(name);
        let given = choices.build_args.get(name);
        let value = given.or_else(|| default?.as_ref()).cloned();
        let description = match name {
            "CODE_VERSION" => "what of the code is built: a branch, tag or commit".to_owned(),
            "HF_ENDPOINT" => "the hub that models come from".to_owned(),
            "VARIANT" => {
                format!("one of {}", list(offer.variants.iter().map(String::as_str)))
            }
            _ if value.is_none() => "must be given".to_owned(),
            _ => String::new(),
        };
        let value = value.map(|value| hidden::value(name, &value)).unwrap_or_default();
        Argument { name: name.to_owned(), value, description }
    };
    names.into_iter().map(argument).collect()
}

/// The ids of secrets, and of agents, that a build looks for. It needs none for what is public,
/// or cached.
fn keys(recipe: &Recipe) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut secrets, mut ssh) = (BTreeSet::new(), BTreeSet::new());
    let python = Some(&recipe.python).filter(|_| recipe.has_python() && recipe.needs_packages());
    let codes = [recipe.code.as_ref(), python.and_then(|python| python.code.as_ref())];
    for Code { source, .. } in codes.into_iter().flatten() {
        match source {
            CodeSource::Git(git) if values::is_ssh(&git.url) => ssh.insert(git.ssh.as_str()),
            CodeSource::Git(git) => {
                secrets.insert(git.token.as_deref().unwrap_or("GIT_AUTH_TOKEN"))
            }
            CodeSource::Context(_) => false,
        };
    }
    if let Some(python) = python {
        secrets.extend(python.indexes.credentials.values().map(String::as_str));
        secrets.insert("netrc");
    }
    if !recipe.system.sources.is_empty() {
        secrets.insert("netrc");
    }
    secrets.extend(recipe.models.iter().filter_map(|model| model.token.as_deref()));
    let of_commands = recipe.models.iter().filter_map(|model| match &model.source {
        Source::Run(command) => Some(&command.secrets),
        _ => None,
    });
    let of_code =
        recipe.code.as_ref().filter(|code| code.build.is_some()).map(|code| &code.secrets);
    secrets.extend(of_commands.chain(of_code).flat_map(BTreeMap::values).map(String::as_str));
    // That of any step on a network.
    secrets.insert("ca_bundle");
    (secrets, ssh)
}
