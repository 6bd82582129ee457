//! Whether models go together with each other, with the packages and with the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    image::extended,
    mistake::{Mistake, Mistakes, nearest, quote},
    models::{places, written},
    notice::Notice,
    plan::{Base, ModelFacts, Packages},
    recipe::{Code, CodeSource, Model, Recipe, Source, SpacyRelease, Target},
    sources::join,
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
    // What the base has is in no list.
    let unlisted = recipe.python.system_site_packages || base.brings_venv();
    let mut mistakes = Vec::new();
    let mut at = |model: &Model, mistake: Mistake| {
        mistakes.push(mistake.on(&recipe.file, model.lines));
    };
    let home = base.env.get("HF_HOME").filter(|home| **home != recipe.hf_home);
    if let Some((home, model)) = home.zip(recipe.models.iter().find(|it| it.cached().is_some())) {
        // One of the two caches would not be found.
        let message = format!(
            "the base image has its Hugging Face cache at {home} (`HF_HOME`), and {} would go to {}",
            model.name(),
            recipe.hf_home
        );
        let help = format!("have both in one: `env: {{HF_HOME: {home}}}`");
        at(model, Mistake::new(message).help(help));
    }
    let mut taken: BTreeMap<String, (&Model, String)> = BTreeMap::new();
    for (model, facts) in recipe.models.iter().zip(facts) {
        match &model.source {
            Source::Hub(_) | Source::Url(_) => {
                for (path, content) in placed(model, facts) {
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
            Source::Context(_) => {}
            Source::Spacy(_) | Source::Run(_) if unlisted => {}
            Source::Spacy(SpacyRelease { pipeline, .. }) => {
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

/// Variables that have a library look elsewhere than in the cache below `HF_HOME`: those of
/// `huggingface_hub` (`constants.py`), where the first wins, and that of sentence-transformers
/// (`base/model.py`). `TRANSFORMERS_CACHE` is gone from transformers 5, and 4 warns of it itself.
const OTHER_CACHES: [&[&str]; 2] =
    [&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"], &["SENTENCE_TRANSFORMERS_HOME"]];

/// What to say of variables by which a library does not find the models where they are. It is no
/// error, because a link may lead there.
pub fn hidden(recipe: &Recipe, base: &Base) -> Vec<Notice> {
    let model = recipe.models.iter().find(|model| model.cached().is_some());
    // Models alone are no image that runs.
    let Some(model) = model.filter(|_| recipe.target != Target::Models) else { return Vec::new() };
    let cache = format!("{}/hub", recipe.hf_home);
    let value = |name: &str| {
        let below = base.env.get(name);
        let own = recipe.image.env.get(name);
        let own = own.map(|own| extended(own, below.map_or("", String::as_str)));
        own.or_else(|| below.cloned())
    };
    let notice = |names: &&[&str]| {
        let (name, value) = names.iter().find_map(|name| Some((name, value(name)?)))?;
        let text = format!(
            "by `{name}`, which is {value}, {} is not found: it is in {cache}; leave that variable \
             out, or set it to {cache} in `env`",
            model.name(),
        );
        let is_cache = value.trim_end_matches('/') == cache;
        (!is_cache).then(|| Notice::new("HiddenModels", text).at(model.lines))
    };
    OTHER_CACHES.iter().filter_map(notice).collect()
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
    if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
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

fn missing<'a>(needs: &'a BTreeSet<String>, packages: &Packages) -> Vec<&'a String> {
    let has = |name: &str| packages.picks.iter().any(|pick| pick.name == name);
    needs.iter().filter(|name| !has(name)).collect()
}
