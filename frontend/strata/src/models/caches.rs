//! Where libraries look for models, if the image's environment sends them elsewhere.

use crate::{
    facts::Base,
    notice::Notice,
    recipe::{Recipe, Target},
};

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
        let own = own.map(|own| own.over(below.map_or("", String::as_str)));
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
