//! Recipe and facts to a graph. Pure: whatever the graph depends on is an argument, so that
//! "this edit changes these vertices" is a comparison of two values.

mod assemble;
mod base;
mod code;
mod facts;
mod folders;
mod models;
mod python;
mod step;
mod system;
mod user;

use std::sync::Arc;

use llb::{Lines, Location, Meta, Platform, SourceFile, State};

pub use assemble::{Assembled, Layer, Tree};
use folders::Folders;

pub use facts::{
    Account, Base, CodeFacts, Facts, Folder, Interpreter, Os, PlatformFacts, Probe, Settings,
};
pub use models::HF_HOME;
pub use python::VENV;
pub use user::User;

use crate::recipe::Recipe;

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
    let Scope { recipe, settings, .. } = scope;
    let PlatformFacts { base, probe } = platform;
    let user = User::resolve(recipe.image.user.as_ref().map(|user| &user.value), &probe.users);

    let image = base.state.clone();
    let python = base::python(scope, base);
    let with_user = system::make_user(scope, base, python.clone(), &user);
    let runtime = match &recipe.system.runtime {
        None => with_user.clone(),
        Some(packages) => system::install(scope, "runtime", base, with_user.clone(), packages),
    };

    // By volatility: a changed layer makes every layer above it be extracted again.
    let mut layers = Vec::new();
    layers.extend(delta(&image, &python, "Python, by system.python"));
    layers.extend(environment(scope, facts, platform, &python, models));
    layers.extend(delta(&python, &with_user, &format!("user {}", user.config())));
    layers.extend(delta(&with_user, &runtime, "system packages"));
    layers.push(files(base::probe(scope, base, python), "what the base is"));
    let folders = Folders { probe, user: &user };
    if let (Some(code), Some(facts)) = (&recipe.code, &facts.code) {
        let layer = code::code(scope, facts, code, &folders);
        layers.push(files(layer, &format!("code from {}", facts.origin)));
    }
    // Above the code, which may have a folder of that name and would make it root's again.
    if !recipe.image.dirs.is_empty() {
        layers.push(files(folders::dirs(scope, &folders), "folders of the user's"));
    }

    let name = scope.name("image", &base.platform, "put the layers together");
    let assemble = if settings.merge { assemble::merged } else { assemble::copied };
    Plan {
        platform: base.platform.clone(),
        image: assemble(image, &layers, &name),
        user,
        has_venv: scope.has_venv(),
        path: base.path().to_owned(),
    }
}

/// The venv, the models and the packages.
fn environment(
    scope: &Scope<'_>,
    facts: &Facts,
    platform: &PlatformFacts,
    python: &State,
    models: &[Layer],
) -> Vec<Layer> {
    if !scope.has_venv() {
        return models.to_vec();
    }
    let requirements = &facts.requirements;
    let venv = python::venv(scope, &platform.base, python.clone());
    let mut layers = vec![files(venv.clone(), "virtual environment")];
    layers.extend_from_slice(models);
    if !requirements.is_empty() {
        let packages = python::packages(scope, platform, python, venv, requirements);
        layers.push(files(packages, &format!("Python packages: {requirements}")));
    }
    layers
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
