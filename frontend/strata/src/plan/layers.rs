//! How many layers an image has, and how many of them its packages may take.

use super::Plan;
use crate::{
    facts::{Base, ModelFacts},
    mistake::{Mistake, Mistakes},
    models,
    recipe::{Model, Recipe, Source},
};

/// The most layers that an image may have, its base's included: what Docker's own image store takes
/// (`maxLayerDepth` in moby's `layer/layer_store.go`: some of its drivers stack 127 at most, of
/// which a container needs two).
const MOST: usize = 125;

/// The most layers that are planned, as long as packages can share: some are left for what others
/// build on the image.
const PLANNED: usize = 120;

/// The most layers of one model: in so many, one with 70 billion weights has less than 10 GB each.
const OF_MODEL: usize = 20;

/// The most layers of all models, as long as each can be one.
const OF_MODELS: usize = 80;

/// So many layers are there at most beside those of the base, of packages, of models and of files:
/// `system.python`, the empty environment, the user, system packages, what the base is, what is
/// installed, three on the way to that (production's packages, and two attempts without a
/// toolchain), two verifications, the code, the code as a package, `dirs`, and the volume of models.
const OTHERS: usize = 15;

/// The layers of an image, by what they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// The base's own.
    pub base: usize,
    /// Python packages.
    pub packages: usize,
    /// Models, and what was found out about them.
    pub models: usize,
    /// The code, system packages and the rest.
    pub others: usize,
}

impl Layers {
    /// All of them.
    pub const fn total(&self) -> usize {
        self.base + self.packages + self.models + self.others
    }
}

/// How many layers the files of each model are. None takes more than half of what those before it
/// have left, so that one more seldom divides them in another way.
pub(super) fn of_models(recipe: &Recipe, facts: &[ModelFacts]) -> Vec<usize> {
    let least = recipe.models.iter().map(|model| 1 + of_listing(model)).sum();
    let mut spare = OF_MODELS.saturating_sub(least);
    let of_model = |(model, facts): (&Model, &ModelFacts)| {
        let most = 1 + (spare / 2).min(OF_MODEL - 1);
        let count = match (&model.source, facts.listing()) {
            (Source::Hub(hub), Some(listing)) => models::layers(hub, listing, most),
            _ => 1,
        };
        spare -= count - 1;
        count
    };
    recipe.models.iter().zip(facts).map(of_model).collect()
}

/// How many layers say what a model's repository is.
const fn of_listing(model: &Model) -> usize {
    match model.source {
        Source::Hub(_) => 1,
        Source::Url(_) | Source::Spacy(_) | Source::Run(_) | Source::Context(_) => 0,
    }
}

/// How many layers the packages may take. Everything else is counted at its maximum, so that no
/// edit of it moves a package to another layer; but models as they are: few have the most layers
/// that one may have.
pub(super) fn room(recipe: &Recipe, base: &Base, of_models: &[usize]) -> usize {
    let listings = recipe.models.iter().map(of_listing).sum::<usize>();
    // And the folders that all models are in.
    let models = of_models.iter().sum::<usize>() + listings + 1;
    let of_images = recipe.files.iter().filter(|files| files.in_context().is_none()).count();
    let of_context = usize::from(recipe.files.len() > of_images);
    // Each may need one more for the folders that it passes through.
    let files = 2 * (of_images + of_context);
    PLANNED.saturating_sub(base.layers + models + files + OTHERS)
}

/// Refuses an image with more layers than engines take, before anything is built for it.
///
/// # Errors
///
/// One mistake, on the lines of what has the most.
pub fn check_layers(recipe: &Recipe, plan: &Plan) -> Result<(), Mistakes> {
    let Layers { base, packages, models, others } = plan.layers;
    let total = plan.layers.total();
    if total <= MOST {
        return Ok(());
    }
    let parts =
        [(base, "the base"), (packages, "packages"), (models, "models"), (others, "the rest")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} of {what}")).collect();
    let message = format!(
        "the image would have {total} layers ({}), and Docker takes {MOST} at most",
        parts.join(", ")
    );
    let (lines, help) = if base >= packages.max(models) {
        let help = "take a base with fewer layers; of images that stand on each other, make one";
        (Some(recipe.base.lines), help)
    } else if packages >= models {
        let help = "each package that is built from source has a layer of its own: build wheels of \
                    some, and have an index serve them";
        (recipe.python.lines, help)
    } else {
        let help = "files of one repository are one model, by `files`; leave others to a volume, \
                    or to an image of their own (`--target models`)";
        (recipe.models.first().map(|model| model.lines), help)
    };
    let mistake = Mistake::new(message).help(help);
    Err(mistake.on(&recipe.file, lines.unwrap_or(recipe.base.lines)).into())
}
