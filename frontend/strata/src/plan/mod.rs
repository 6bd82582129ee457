//! Recipe and facts to a graph. Pure: whatever the graph depends on is an argument, so that
//! "this edit changes these vertices" is a comparison of two values.

mod assemble;
mod base;
mod buckets;
mod code;
mod environment;
mod facts;
mod folders;
mod models;
mod python;
mod resolve;
mod step;
mod system;
mod user;
mod verify;

use std::sync::Arc;

use llb::{Lines, Location, Meta, Platform, SourceFile, State};

pub use assemble::{Assembled, Layer, Tree};
use environment::Environment;
use folders::Folders;

pub use buckets::HEAVY;
pub use facts::{
    Account, Base, Bill, CodeFacts, Facts, Folder, Interpreter, Libc, Os, Packages, Pick,
    PlatformFacts, Probe, Resolution, Settings,
};
pub use models::HF_HOME;
pub use python::VENV;
pub use user::User;

use crate::recipe::Recipe;

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
    /// Who runs it.
    pub user: User,
    /// Whether it has the environment at [`VENV`].
    pub has_venv: bool,
    /// The search path of the base.
    pub path: String,
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

    /// A manifest that asks for no Python packages keeps the base's environment.
    const fn has_venv(&self) -> bool {
        self.recipe.python.lines.is_some()
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

/// The whole graph, platform by platform.
pub fn plan(recipe: &Recipe, facts: &Facts) -> Vec<Plan> {
    let scope = Scope::new(recipe, &facts.settings);
    let models = models(&scope, &facts.native);
    facts.platforms.iter().map(|platform| platform_plan(&scope, facts, platform, &models)).collect()
}

fn platform_plan(
    scope: &Scope<'_>,
    facts: &Facts,
    platform: &PlatformFacts,
    models: &[Layer],
) -> Plan {
    let recipe = scope.recipe;
    let PlatformFacts { base, probe, packages } = platform;
    let user = User::resolve(recipe.image.user.as_ref().map(|user| &user.value), &probe.users);

    let image = base.state.clone();
    let python = base::python(scope, base);
    let with_user = system::make_user(scope, base, python.clone(), &user);
    let runtime = match &recipe.system.runtime {
        None => with_user.clone(),
        Some(packages) => system::install(scope, "runtime", base, with_user.clone(), packages),
    };

    // By volatility: a changed layer makes every layer above it be extracted again. What rarely
    // changes and is large lies low, what changes all day lies high; system packages may be large.
    let environment = Environment::of(scope, platform, &python);
    let mut layers = Vec::new();
    layers.extend(delta(&image, &python, "Python, by system.python"));
    layers.extend(environment.heavy);
    layers.extend_from_slice(models);
    layers.extend(environment.built);
    layers.extend(delta(&python, &with_user, &format!("user {}", user.config())));
    layers.extend(delta(&with_user, &runtime, "system packages"));
    layers.extend(environment.light);
    layers.push(files(base::probe(scope, base, python.clone()), "what the base is"));
    if let Some(bill) = &packages.bill {
        layers.push(files(resolve::bill(scope, base, python, bill), "what is installed"));
    }
    if let Some(modules) = &recipe.python.verify {
        let what = "put the environment together";
        let root = assemble(scope, "verify", &base.platform, what, image.clone(), &layers).root;
        layers.push(files(verify::imports(scope, base, root, &user, modules), "what was verified"));
    }
    let folders = Folders { probe, user: &user };
    if let (Some(code), Some(facts)) = (&recipe.code, &facts.code) {
        let layer = code::code(scope, facts, code, &folders);
        layers.push(files(layer, &format!("code from {}", facts.origin)));
    }
    // Above the code, which may have a folder of that name and would make it root's again.
    if !recipe.image.dirs.is_empty() {
        layers.push(files(folders::dirs(scope, &folders), "folders of the user's"));
    }

    Plan {
        platform: base.platform.clone(),
        image: assemble(scope, "image", &base.platform, "put the layers together", image, &layers),
        user,
        has_venv: scope.has_venv(),
        path: base.path().to_owned(),
    }
}

/// The models' layers. They hold no machine code: fetched once, they serve every platform.
fn models(scope: &Scope<'_>, native: &Base) -> Vec<Layer> {
    let models = &scope.recipe.models;
    if models.is_empty() {
        return Vec::new();
    }
    let python = base::python(scope, native);
    let tool = python::tool(scope, native, python.clone(), python::HUB);
    models
        .iter()
        .map(|model| {
            let layer = models::fetch(scope, native, python.clone(), tool.clone(), model);
            files(layer, &format!("model {} at {}", model.repository, model.revision))
        })
        .collect()
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

/// The layer between two filesystems; none if they are the same.
fn delta(lower: &State, upper: &State, purpose: &str) -> Option<Layer> {
    (lower != upper).then(|| Layer {
        tree: Tree::Delta { lower: lower.clone(), upper: upper.clone() },
        purpose: purpose.to_owned(),
    })
}
