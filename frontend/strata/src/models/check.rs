//! Whether models go together with each other, with the packages and with the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    mistake::{Mistake, Mistakes, nearest},
    models::places,
    plan::{ModelFacts, Packages},
    recipe::{Model, Recipe, Source},
};

/// Checks what only facts can tell.
///
/// # Errors
///
/// When two models write the same file, a model writes where the code goes, a command needs a
/// package that there is not, or a pipeline is for another spaCy.
pub fn check(recipe: &Recipe, facts: &[ModelFacts], packages: &Packages) -> Result<(), Mistakes> {
    let mut mistakes = Vec::new();
    let mut at = |model: &Model, mistake: Mistake| {
        mistakes.push(mistake.on(&recipe.file, model.lines));
    };
    let mut taken: BTreeMap<String, (&Model, String)> = BTreeMap::new();
    for (model, facts) in recipe.models.iter().zip(facts) {
        match &model.source {
            Source::Hub(_) | Source::Url(_) => {
                for (path, content) in written(model, facts) {
                    if let Some(code) = recipe.code.as_ref().filter(|code| code.to == path) {
                        let message = format!("{} goes to {path}, as the code does", model.name());
                        let help = format!("a folder for it: `to: {}/{}`", code.to, "models/");
                        at(model, Mistake::new(message).help(help));
                    }
                    match taken.get(&path) {
                        Some((other, same)) if *same != content => {
                            let message = format!("{} writes {path}, too", model.name());
                            let help = format!(
                                "{} on line {} does: give each a folder of its own",
                                other.name(),
                                other.lines.start
                            );
                            at(model, Mistake::new(message).help(help));
                            break;
                        }
                        _ => {
                            taken.insert(path, (model, content));
                        }
                    }
                }
            }
            // What the base's own Python has is in no list.
            Source::Spacy { .. } | Source::Run(_) if recipe.python.system_site_packages => {}
            Source::Spacy { pipeline, .. } => {
                if let Some(mistake) = other_spacy(&pipeline.name, &pipeline.version, packages) {
                    at(model, mistake);
                }
            }
            Source::Run(command) => {
                for name in missing(&command.needs, packages) {
                    let names = || packages.picks.iter().map(|pick| pick.name.as_str());
                    let mistake =
                        Mistake::new(format!("`needs`: no package of `python` is `{name}`"));
                    at(
                        model,
                        match nearest(name, names()) {
                            Some(near) => mistake.help(format!("did you mean `{near}`?")),
                            None => mistake.help(format!("add `{name}` to `python.packages`")),
                        },
                    );
                }
            }
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
}

/// The files that a model writes, and what tells the content of each.
fn written(model: &Model, facts: &ModelFacts) -> Vec<(String, String)> {
    match (&model.source, facts.listing()) {
        (Source::Hub(hub), Some(listing)) => {
            let Some(to) = &hub.to else { return Vec::new() };
            let files = places(hub, to, &listing.files).into_iter();
            files.map(|(file, path)| (path, file.checksum.hex().to_owned())).collect()
        }
        (Source::Url(download), _) if !download.unpack => {
            vec![(download.path(), download.sha256.clone())]
        }
        _ => Vec::new(),
    }
}

/// spaCy's pipelines say by their first two numbers which spaCy they are for
/// (<https://spacy.io/models#model-versioning>).
fn other_spacy(name: &str, version: &str, packages: &Packages) -> Option<Mistake> {
    let Some(spacy) = packages.picks.iter().find(|pick| pick.name == "spacy") else {
        let mistake = Mistake::new(format!("{name} needs spaCy, and no package of `python` is it"));
        return Some(mistake.help("add `spacy` to `python.packages`"));
    };
    let installed = spacy.version.as_deref()?;
    let series = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
    if series(installed) == series(version) {
        return None;
    }
    let message =
        format!("{name} {version} is for spaCy {}, and {installed} is installed", series(version));
    let help = format!(
        "take {name}=={}.0, if there is one, or spacy~={}.0",
        series(installed),
        series(version)
    );
    Some(Mistake::new(message).help(help))
}

fn missing<'a>(needs: &'a BTreeSet<String>, packages: &Packages) -> Vec<&'a String> {
    let has = |name: &str| packages.picks.iter().any(|pick| pick.name == name);
    needs.iter().filter(|name| !has(name)).collect()
}
