//! Whether models go together with each other, with the packages and with the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    facts::{Base, ModelFacts, Packages},
    mistake::{Mistake, Mistakes, nearest, quote},
    models::{places, written},
    paths::join,
    recipe::{Code, CodeSource, Model, Recipe, Source, SpacyRelease},
};

/// Checks what only facts can tell.
///
/// # Errors
///
/// When two models write the same file, a model writes where the code goes, a command needs a
/// package that there is not, a pipeline is for another spaCy, or the base has another Hugging
/// Face cache.
pub fn check(
    recipe: &Recipe,
    facts: &[ModelFacts],
    base: &Base,
    packages: &Packages,
) -> Result<(), Mistakes> {
    let mut found: Vec<(&Model, Mistake)> = other_cache(recipe, base).into_iter().collect();
    found.extend(in_one_place(recipe, facts));
    // What the base has is in no list.
    if !recipe.python.system_site_packages && !base.brings_venv() {
        let lacks = |model| lacks(model, packages).into_iter().map(move |mistake| (model, mistake));
        found.extend(recipe.models.iter().flat_map(lacks));
    }
    // In the manifest's order, whatever is wrong with each.
    found.sort_by_key(|(model, _)| model.lines.start);
    let at = |(model, mistake): (&Model, Mistake)| mistake.on(&recipe.file, model.lines);
    let mistakes: Vec<Mistake> = found.into_iter().map(at).collect();
    Mistakes(mistakes).or(())
}

/// That the base has its cache elsewhere: one of the two would not be found.
fn other_cache<'a>(recipe: &'a Recipe, base: &Base) -> Option<(&'a Model, Mistake)> {
    let home = base.env.get("HF_HOME")?.trim_end_matches('/');
    let model = recipe.models.iter().find(|model| model.cached().is_some())?;
    if home == recipe.hf_home {
        return None;
    }
    let message = format!(
        "the base image has its Hugging Face cache at {home} (`HF_HOME`), and {} would go to {}",
        model.name(),
        recipe.hf_home
    );
    let help = format!("have both in one: `env: {{HF_HOME: {home}}}`");
    Some((model, Mistake::new(message).help(help)))
}

/// Files that models write where another does, or where the code is to be: the first of each model.
fn in_one_place<'a>(recipe: &'a Recipe, facts: &[ModelFacts]) -> Vec<(&'a Model, Mistake)> {
    let mut found = Vec::new();
    let mut taken: BTreeMap<String, (&Model, String)> = BTreeMap::new();
    for (model, facts) in recipe.models.iter().zip(facts) {
        for (path, content) in placed(model, facts) {
            if let Some(code) = recipe.code.as_ref().filter(|code| code.to == path) {
                let message = format!("{} goes to {path}, as the code does", model.name());
                let help = format!("a folder for it: `to: {}/models/`", code.to);
                found.push((model, Mistake::new(message).help(help)));
            }
            if let Some((other, place)) = in_the_way(&taken, &path, &content) {
                let message = if place == path {
                    format!("{} writes {path}, too", model.name())
                } else {
                    format!("{} writes {path}, and there is {place}", model.name())
                };
                let (name, line) = (other.name(), other.lines.start);
                let help = format!("{name} on line {line} does: give each a folder of its own");
                found.push((model, Mistake::new(message).help(help)));
                break;
            }
            taken.insert(path, (model, content));
        }
    }
    found
}

/// The packages that a model takes and that there are not.
fn lacks(model: &Model, packages: &Packages) -> Vec<Mistake> {
    match &model.source {
        Source::Spacy(SpacyRelease { pipeline, .. }) => {
            other_spacy(&pipeline.name, &pipeline.version, packages).into_iter().collect()
        }
        Source::Run(command) => {
            let names = || packages.picks.iter().map(|pick| pick.name.as_str());
            let missing = command.needs.iter().filter(|name| !names().any(|it| it == *name));
            let mistake = |name: &String| {
                let mistake = Mistake::new(format!("`needs`: no package of `python` is `{name}`"));
                match nearest(name, names()) {
                    Some(near) => mistake.help(format!("did you mean `{near}`?")),
                    None => mistake.help(format!("add `{name}` to `python.packages`")),
                }
            };
            missing.map(mistake).collect()
        }
        Source::Hub(_) | Source::Url(_) | Source::Context(_) => Vec::new(),
    }
}

/// The model that `path` clashes with, and where: it has other content there, or a file where
/// `path` needs a folder, or a folder where `path` is a file.
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

/// What models write where the code goes, by its path in the code. What they unpack or a command keeps
/// is not known.
pub fn where_code_goes(recipe: &Recipe, facts: &[ModelFacts]) -> BTreeSet<String> {
    let Some(code) = &recipe.code else { return BTreeSet::new() };
    let models = recipe.models.iter().zip(facts);
    models.flat_map(|(model, facts)| in_code(recipe, code, model, facts)).collect()
}

/// Checks what the code has of `paths`, which are those of [`where_code_goes`]: the code lies above
/// models, and would take their place.
///
/// # Errors
///
/// When it has something there.
pub fn check_code(
    recipe: &Recipe,
    facts: &[ModelFacts],
    there: &BTreeSet<String>,
) -> Result<(), Mistakes> {
    let Some(code) = &recipe.code else { return Ok(()) };
    let models = recipe.models.iter().zip(facts);
    let mistakes = models.filter_map(|(model, facts)| {
        let path = in_code(recipe, code, model, facts).find(|path| there.contains(path))?;
        let message =
            format!("{} writes {}/{path}, and the code has that, too", model.name(), code.to);
        let is_cached = model.cached().is_some();
        let cache = recipe.hf_home.strip_prefix(&format!("{}/", code.to));
        let named = cache.filter(|_| is_cached).unwrap_or(&path);
        let without = match &code.source {
            CodeSource::Context(folder) => {
                let named = join(&join(folder, &code.subdir), named);
                format!("leave it out by {} in .dockerignore", quote(&named))
            }
            CodeSource::Git(_) => format!("take {} out of the repository", quote(named)),
        };
        let elsewhere =
            if is_cached { "set another HF_HOME in `env`" } else { "give another `to`" };
        let help = format!("{without}, or {elsewhere}");
        Some(Mistake::at(&recipe.file, model.lines, message).help(help))
    });
    let mistakes: Vec<Mistake> = mistakes.collect();
    Mistakes(mistakes).or(())
}

/// The paths in the code of what a model writes there.
fn in_code(
    recipe: &Recipe,
    code: &Code,
    model: &Model,
    facts: &ModelFacts,
) -> impl Iterator<Item = String> {
    let paths = match (&model.source, facts.listing()) {
        (Source::Hub(hub), Some(listing)) => written(hub, listing, &recipe.hf_home),
        (Source::Url(download), _) if !download.unpack => vec![download.path()],
        _ => Vec::new(),
    };
    let to = format!("{}/", code.to.trim_end_matches('/'));
    paths.into_iter().filter_map(move |path| path.strip_prefix(&to).map(str::to_owned))
}

/// The files that a model writes, and what tells the content of each.
fn placed(model: &Model, facts: &ModelFacts) -> Vec<(String, String)> {
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
