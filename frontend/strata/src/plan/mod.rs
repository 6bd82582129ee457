//! Recipe and facts to a graph. Pure: whatever the graph depends on is an argument, so that
//! "this edit changes these vertices" is a comparison of two values.

mod assemble;
mod base;
mod buckets;
mod code;
mod environment;
mod facts;
mod folders;
mod layers;
mod models;
mod python;
mod resolve;
mod run;
mod step;
mod system;
mod user;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;

use llb::{Lines, Location, Meta, Platform, SourceFile, State};

pub use assemble::{Assembled, Layer, Tree};
use environment::Environment;
use folders::Folders;
use models::Fetcher;
use serde::Serialize;

pub use buckets::HEAVY;
pub use facts::{
    Account, Base, Bill, Building, CodeFacts, Facts, Folder, Interpreter, Libc, ModelFacts, Os,
    Packages, Pick, PlatformFacts, Probe, Resolution, Settings,
};
pub use layers::{Layers, check_layers};
pub use models::SUM;
pub use python::VENV;
use python::VENV_PYTHON;
use step::PYTHON;
pub use user::User;
use verify::Imports;

use crate::recipe::{Hub, Model, Recipe, Source, SpacyRelease, Target};

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
    "code",
    "dirs",
    "image",
];

/// The time of every file that a build makes, in seconds since 1970: the first day of 1980,
/// before which zip files, and so wheels, cannot express a time.
pub const EPOCH: i64 = 315_532_800;

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
    facts.platforms.iter().map(|platform| platform_plan(&scope, facts, platform)).collect()
}

fn platform_plan(scope: &Scope<'_>, facts: &Facts, platform: &PlatformFacts) -> Plan {
    let recipe = scope.recipe;
    let PlatformFacts { base, probe, packages } = platform;
    let user = User::resolve(recipe.image.user.as_ref().map(|user| &user.value), &probe.users);
    let folders = Folders { probe, user: &user };

    let image = base.state.clone();
    let python = base::python(scope, base);
    let with_user = system::make_user(scope, base, python.clone(), &user);
    let runtime = match &recipe.system.runtime {
        None => with_user.clone(),
        Some(packages) => system::install(scope, "runtime", base, with_user.clone(), packages),
    };
    let for_python = delta(&image, &python, "Python, by system.python");
    let system: Vec<Layer> = [
        delta(&python, &with_user, &format!("user {}", user.config())),
        delta(&with_user, &runtime, "system packages"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let environment = Environment::of(scope, platform, &python);
    let root = run::Root {
        image: &image,
        python: &python,
        layers: for_python.iter().chain(&system).cloned().collect(),
        user: &user,
    };
    let fetcher = facts.fetcher.as_ref().map(|image| Fetcher { native: &facts.native, image });
    let models =
        models::layers(scope, fetcher, &facts.models, platform, &folders, &environment, &root);

    // By volatility: a changed layer makes every layer above it be extracted again. What rarely
    // changes and is large lies low, what changes all day lies high; system packages may be large.
    let mut layers = Vec::new();
    layers.extend(for_python);
    layers.extend(environment.empty());
    let of_packages = [&environment.heavy, &environment.built, &environment.light];
    let of_packages = of_packages.iter().map(|buckets| buckets.len()).sum();
    let Environment { venv, heavy, built, light } = environment;
    layers.extend(environment::layers(heavy));
    let data = layers.len()..layers.len() + models.data.len();
    layers.extend(models.all());
    layers.extend(environment::layers(built));
    layers.extend(system);
    layers.extend(environment::layers(light));
    layers.push(files(base::probe(scope, base, python.clone()), "what the base is"));
    // What is not in the image is in no cache that is exported, and the next build reads it again.
    let earlier = packages.earlier.iter().cloned();
    layers.extend(earlier.map(|layer| files(layer, "how the packages were resolved")));
    for bill in &packages.bills {
        let bill = resolve::bill(scope, base, python.clone(), &folders, bill);
        layers.push(files(bill, "what is installed"));
    }
    let together = |stage: &str, what: &str, layers: &[Layer]| {
        let name = format!("put together {what}");
        assemble(scope, stage, &base.platform, &name, image.clone(), layers).root
    };
    if let Some(modules) = &recipe.python.verify {
        // Another model is no reason to import anything again.
        let mut packages = layers.clone();
        packages.drain(data);
        let root = together("verify", "the environment", &packages);
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
                let root = together("code", "what the code is built on", &below);
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
        let root = together("verify", "the code and what it needs", &layers);
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
        models: carried(recipe, &facts.models),
        user,
        path: scope.path(base),
    }
}

/// What the image says of its models.
fn carried(recipe: &Recipe, facts: &[ModelFacts]) -> Vec<Carried> {
    let carried = |(model, facts): (&Model, &ModelFacts)| {
        let listing = facts.listing();
        Carried {
            name: match &model.source {
                Source::Spacy(release) => release.pipeline.name.clone(),
                _ => model.name(),
            },
            version: match &model.source {
                Source::Hub(_) => listing.map(|listing| listing.commit.clone()),
                Source::Url(download) => Some(format!("sha256:{}", download.sha256)),
                Source::Spacy(release) => Some(release.pipeline.version.clone()),
                Source::Run(_) => None,
            },
            license: listing.and_then(|listing| listing.license.clone()),
        }
    };
    recipe.models.iter().zip(facts).map(carried).collect()
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
