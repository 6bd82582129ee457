//! Recipe and facts to a graph. Pure: whatever the graph depends on is an argument, so that
//! "this edit changes these vertices" is a comparison of two values.

mod assemble;
mod base;
mod buckets;
mod code;
mod copies;
mod environment;
mod folders;
mod ground;
mod image;
mod layers;
mod models;
mod python;
mod resolve;
mod run;
mod stack;
mod step;
mod system;
mod user;
mod verify;

use std::sync::Arc;

use llb::{Lines, Location, Meta, Owner, Platform, SourceFile, State};

pub use assemble::{Assembled, Layer, Tree};
use models::Fetcher;
use serde::Serialize;

pub use buckets::HEAVY;
pub use layers::{Layers, check_layers};
pub use models::SUM;
use python::VENV_PYTHON;
use step::PYTHON;
pub use user::User;

use crate::{
    facts::{Base, Facts, Resolution, Settings},
    in_image::VENV,
    recipe::{Hub, Model, Recipe, SpacyRelease},
};

/// What the name of a vertex that does work begins with, in brackets: what `--no-cache-filter`
/// takes.
pub const STAGES: &[&str] = &[
    "python",
    "probe",
    "venv",
    "tool",
    "lock",
    "packages",
    "toolchain",
    "source",
    "listing",
    "models",
    "user",
    "runtime",
    "verify",
    "files",
    "code",
    "dirs",
    "image",
];

/// The time of every file that a build makes, in seconds since 1970: the first day of 1980,
/// before which zip files, and so wheels, cannot express a time.
pub const EPOCH: i64 = 315_532_800;

/// Whose most of what a build makes is.
const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// What is built for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The platform.
    pub platform: Platform,
    /// The image's filesystem and its layers.
    pub image: Assembled,
    /// How many layers that are, and of what.
    pub layers: Layers,
    /// Its models.
    pub models: Vec<Carried>,
    /// Who runs it.
    pub user: User,
    /// Its search path.
    pub path: String,
}

/// A model, as the image's label says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// What it is called: `org/name`.
    pub name: String,
    /// The commit, release or checksum, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its licence, where its hub knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// What the parts of one plan have in common.
struct Scope<'a> {
    recipe: &'a Recipe,
    settings: &'a Settings,
    file: &'a Arc<SourceFile>,
}

impl<'a> Scope<'a> {
    const fn new(recipe: &'a Recipe, settings: &'a Settings) -> Self {
        Self { recipe, settings, file: &recipe.file }
    }

    fn location(&self, lines: Lines) -> Location {
        Location { file: Arc::clone(self.file), lines }
    }

    /// The Python of the environment, or of the base where the manifest wants no packages.
    const fn python(&self) -> &'static [&'static str] {
        if self.recipe.has_python() { VENV_PYTHON } else { PYTHON }
    }

    /// The search path of what runs in the environment.
    fn path(&self, base: &Base) -> String {
        if self.recipe.has_python() && !base.brings_venv() {
            format!("{VENV}/bin:{}", base.path())
        } else {
            base.path().to_owned()
        }
    }

    /// `[stage] what`, with the platform where there are several.
    fn name(&self, stage: &str, platform: &Platform, what: &str) -> String {
        if self.settings.multi_platform {
            format!("[{platform} {stage}] {what}")
        } else {
            format!("[{stage}] {what}")
        }
    }
}

/// What the base image's vertex is called, and the line that asks for it.
pub fn base_meta(recipe: &Recipe, settings: &Settings, platform: &Platform) -> Meta {
    let scope = Scope::new(recipe, settings);
    let name = scope.name("base", platform, &recipe.base.value);
    Meta::named(name).at([scope.location(recipe.base.lines)])
}

/// The probe's layer, to be built and read before the rest can be planned.
pub fn probe(recipe: &Recipe, settings: &Settings, base: &Base) -> State {
    let scope = Scope::new(recipe, settings);
    let python = base::python(&scope, base);
    base::probe(&scope, base, python)
}

/// The lock's layer, to be built and read before the packages can be planned.
pub fn lock(recipe: &Recipe, settings: &Settings, base: &Base, resolution: &Resolution) -> State {
    let scope = Scope::new(recipe, settings);
    let python = base::python(&scope, base);
    resolve::lock(&scope, base, python, resolution)
}

/// The layer with what the repository of a model holds, to be built and read before its files can
/// be planned.
pub fn listing(
    recipe: &Recipe,
    settings: &Settings,
    native: &Platform,
    image: &State,
    model: &Model,
    hub: &Hub,
) -> State {
    let scope = Scope::new(recipe, settings);
    models::listing(&scope, Fetcher { native, image }, model, hub)
}

/// The layer with the checksum of a pipeline's wheel, [`SUM`].
pub fn sum(
    recipe: &Recipe,
    settings: &Settings,
    native: &Platform,
    image: &State,
    model: &Model,
    release: &SpacyRelease,
) -> State {
    let scope = Scope::new(recipe, settings);
    models::sum(&scope, Fetcher { native, image }, model, release)
}

/// The whole graph, platform by platform.
pub fn plan(recipe: &Recipe, facts: &Facts) -> Vec<Plan> {
    let scope = Scope::new(recipe, &facts.settings);
    facts.platforms.iter().map(|platform| image::plan(&scope, facts, platform)).collect()
}

/// Layers to one filesystem: merged where the engine can, copied where it cannot.
fn assemble(
    scope: &Scope<'_>,
    stage: &str,
    platform: &Platform,
    what: &str,
    base: State,
    layers: &[Layer],
) -> Assembled {
    let name = scope.name(stage, platform, what);
    if scope.settings.merge {
        assemble::merged(base, layers, &name)
    } else {
        assemble::copied(base, layers, &name, scope.settings.no_cache.covers(stage))
    }
}

/// The base with layers on it, for a step to run on.
fn together(scope: &Scope<'_>, stage: &str, base: &Base, what: &str, layers: &[Layer]) -> State {
    let what = format!("put together {what}");
    assemble(scope, stage, &base.platform, &what, base.state.clone(), layers).root
}

fn files(state: State, purpose: &str) -> Layer {
    Layer { tree: Tree::Files(state), purpose: purpose.to_owned() }
}

/// As [`delta`], to lie beside others on the same filesystem and not above them.
fn beside(scope: &Scope<'_>, lower: &State, upper: &State, purpose: &str) -> Option<Layer> {
    if scope.settings.merge {
        return delta(lower, upper, purpose);
    }
    (lower != upper).then(|| files(upper.clone(), purpose))
}

/// The layer between two filesystems; none if they are the same.
fn delta(lower: &State, upper: &State, purpose: &str) -> Option<Layer> {
    (lower != upper).then(|| Layer {
        tree: Tree::Delta { lower: lower.clone(), upper: upper.clone() },
        purpose: purpose.to_owned(),
    })
}
