//! The image of one platform: its layers, by volatility.

use std::collections::BTreeMap;

use llb::State;

use super::{
    Plan, Scope, assemble,
    assemble::Layer,
    base, beside, code, environment,
    environment::Environment,
    facts::{Facts, PlatformFacts},
    files, folders,
    folders::Folders,
    ground::Ground,
    layers::Layers,
    models, python, resolve, system, together,
    user::User,
    verify,
    verify::Imports,
};
use crate::recipe::Target;

/// The plan of one platform.
pub(super) fn plan(scope: &Scope<'_>, facts: &Facts, platform: &PlatformFacts) -> Plan {
    let recipe = scope.recipe;
    let PlatformFacts { base, probe, packages } = platform;
    let user = User::resolve(recipe.image.user.as_ref().map(|user| &user.value), &probe.users);
    let folders = Folders { probe, user: &user };

    let image = base.state.clone();
    let ground = Ground::of(scope, base, &user);
    let python = ground.python.clone();
    let environment = Environment::of(scope, platform, &python);
    let models = models::layers(scope, facts, platform, &folders, &environment, &ground);

    // By volatility: a changed layer makes every layer above it be extracted again. What rarely
    // changes and is large lies low, what changes all day lies high; system packages may be large.
    let mut layers = Vec::new();
    layers.extend(ground.for_python.clone());
    layers.push(files(base::probe(scope, base, python.clone()), "what the base is"));
    layers.extend(environment.empty());
    let of_packages = [&environment.heavy, &environment.built, &environment.light];
    let of_packages = of_packages.iter().map(|buckets| buckets.len()).sum();
    let Environment { venv, heavy, built, light } = environment;
    layers.extend(environment::layers(heavy));
    let data = layers.len()..layers.len() + models.data.len();
    layers.extend(models.all());
    layers.extend(environment::layers(built));
    layers.extend(ground.system.clone());
    layers.extend(environment::layers(light));
    // What is not in the image is in no cache that is exported, and the next build reads it again.
    let earlier = packages.earlier.iter().cloned();
    layers.extend(earlier.map(|layer| files(layer, "how the packages were resolved")));
    for bill in &packages.bills {
        let bill = resolve::bill(scope, base, python.clone(), &folders, bill);
        layers.push(files(bill, "what is installed"));
    }
    if let Some(modules) = &recipe.python.verify {
        // Another model is no reason to import anything again.
        let mut packages = layers.clone();
        packages.drain(data);
        let root = together(scope, "verify", base, "the environment", &packages);
        let (env, folder, note) = (&BTreeMap::new(), &user.home, "verified.json");
        let imports = Imports { modules, user: &user, folder, env, overlaps: true, note };
        layers.push(files(verify::imports(scope, base, root, &imports), "what was verified"));
    }
    let code = recipe.code.as_ref().zip(facts.code.as_ref());
    if let Some((code, from)) = code {
        let copied = code::code(scope, from, code, &folders);
        let code_files = match &code.build {
            None => copied,
            Some(words) => {
                let toolchain = system::toolchain(scope, base, python.clone());
                let tools = beside(scope, &python, &toolchain, "toolchain");
                let below: Vec<Layer> = layers.iter().cloned().chain(tools).collect();
                let root = together(scope, "code", base, "what the code is built on", &below);
                code::build(scope, platform, root, code, words, &copied)
            }
        };
        layers.push(files(code_files.layer.clone(), &format!("code from {}", from.origin)));
        if let Some(install) = &code.install {
            let venv = venv.as_ref();
            let package = python::code(scope, platform, python, venv, code, install, &code_files);
            layers.push(files(package, "the code as a package"));
        }
    }
    // Above the code, which may have a folder of that name and would make it root's again.
    if !recipe.image.dirs.is_empty() {
        layers.push(files(folders::dirs(scope, &folders), "folders of the user's"));
    }
    if let Some((code, modules)) = code.and_then(|(code, _)| Some((code, code.verify.as_ref()?))) {
        let root = together(scope, "verify", base, "the code and what it needs", &layers);
        let (env, folder, note) = (&code.env, &code.to, "verified-code.json");
        let imports = Imports { modules, user: &user, folder, env, overlaps: false, note };
        layers.push(files(verify::imports(scope, base, root, &imports), "what was verified"));
    }
    layers.extend(models::in_volume(scope, &facts.models, &folders));
    let count = Layers {
        base: base.layers,
        packages: of_packages,
        models: models.all().count(),
        others: layers.len() - of_packages - models.all().count(),
    };
    let (image, count, layers) = match recipe.target {
        Target::Models => {
            let count = Layers { base: 0, packages: 0, others: 0, ..count };
            (State::scratch(), count, models.all().collect())
        }
        _ => (image, count, layers),
    };

    Plan {
        platform: base.platform.clone(),
        image: assemble(scope, "image", &base.platform, "put the layers together", image, &layers),
        layers: count,
        models: models::carried(recipe, &facts.models),
        user,
        path: scope.path(base),
    }
}
