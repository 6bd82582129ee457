//! Whether models go together with each other, with the packages and with the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    mistake::{Mistake, Mistakes, nearest},
    models::places,
    plan::{Base, ModelFacts, Packages},
    recipe::{Model, Recipe, Source},
};

/// Checks what only facts can tell.
///
/// # Errors
///
/// When two models write the same file, a model writes where the code goes, a command needs a
/// package that there is not, or a pipeline is for another spaCy.
pub fn check(
    recipe: &Recipe,
    facts: &[ModelFacts],
    base: &Base,
    packages: &Packages,
) -> Result<(), Mistakes> {
    // What the base has is in no list.
    let unlisted = recipe.python.system_site_packages || base.has_venv();
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
                    if let Some((other, place)) = in_the_way(&taken, &path, &content) {
                        let message = if place == path {
                            format!("{} writes {path}, too", model.name())
                        } else {
                            format!("{} writes {path}, and there is {place}", model.name())
                        };
                        let help = format!(
                            "{} on line {} does: give each a folder of its own",
                            other.name(),
                            other.lines.start
                        );
                        at(model, Mistake::new(message).help(help));
                        break;
                    }
                    taken.insert(path, (model, content));
                }
            }
            Source::Spacy { .. } | Source::Run(_) if unlisted => {}
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

/// The model that has other content at `path`, or has a file where `path` needs a folder or the
/// other way round; and where.
fn in_the_way<'a>(
    taken: &'a BTreeMap<String, (&'a Model, String)>,
    path: &str,
    content: &str,
) -> Option<(&'a Model, &'a str)> {
    let same = taken.get_key_value(path).filter(|(_, (_, known))| known != content);
    let mut above =
        path.match_indices('/').filter_map(|(end, _)| taken.get_key_value(&path[..end]));
    let folder = format!("{path}/");
    let below = taken.range(folder.clone()..).next().filter(|(path, _)| path.starts_with(&folder));
    same.or_else(|| above.next()).or(below).map(|(place, (model, _))| (*model, place.as_str()))
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
