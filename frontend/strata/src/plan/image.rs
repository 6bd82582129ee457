//! The image of one platform: its layers, by volatility.

use std::collections::BTreeMap;

use llb::State;

use super::{
    Layer, Plan, Scope, assemble, base, beside,
    code::{self, Files},
    copies,
    environment::{self, Environment},
    files,
    folders::{self, Folders},
    ground::Ground,
    layers,
    models::{self, Models},
    python, resolve,
    stack::{Part, Stack},
    system, together,
    user::User,
    verify::{self, Imports},
};
use crate::{
    facts::{CodeFacts, Facts, PlatformFacts},
    recipe::{Code, Target},
};

/// The plan of one platform.
pub(super) fn plan(scope: &Scope<'_>, facts: &Facts, platform: &PlatformFacts) -> Plan {
    let recipe = scope.recipe;
    let PlatformFacts { base, probe, .. } = platform;
    let user = User::resolve(recipe.image.user.as_ref().map(|user| &user.value), &probe.users);
    let image = Image {
        scope,
        platform,
        folders: &Folders { probe, user: &user },
        ground: &Ground::of(scope, base, &user),
    };
    let stack = image.layers(facts);
    let (root, stack, below) = match recipe.target {
        Target::Models => (State::scratch(), stack.models(), 0),
        _ => (base.state.clone(), stack, base.layers),
    };
    let what = "put the layers together";
    Plan {
        platform: base.platform.clone(),
        image: assemble(scope, "image", &base.platform, what, root, &stack.all()),
        layers: stack.count(below),
        models: models::carried(recipe, &facts.models),
        user,
        path: scope.path(base),
    }
}

/// What the layers of one image have in common.
struct Image<'a> {
    scope: &'a Scope<'a>,
    platform: &'a PlatformFacts,
    folders: &'a Folders<'a>,
    ground: &'a Ground<'a>,
}

impl Image<'_> {
    /// All layers, of whatever target.
    fn layers(&self, facts: &Facts) -> Stack {
        let Self { scope, platform, folders, ground } = self;
        let recipe = scope.recipe;
        let of_models = layers::of_models(recipe, &facts.models);
        let room = layers::room(recipe, &platform.base, &of_models);
        let environment = Environment::of(scope, platform, &ground.python, room);
        let models =
            models::layers(scope, facts, platform, folders, &environment, ground, &of_models);
        let venv = environment.venv.clone();
        let mut stack = self.below_code(environment, models);
        stack.put(Part::Other, self.verified_packages(&stack));
        let code = recipe.code.as_ref().zip(facts.code.as_ref());
        if let Some((code, from)) = code {
            stack.put(Part::Other, self.code(&stack, code, from, venv.as_ref()));
        }
        // Who puts a file where the code has one means it to be there.
        stack.put(Part::Other, copies::of_context(scope, platform, folders));
        // Above the code, which may have a folder of that name and would make it root's again.
        if !recipe.image.dirs.is_empty() {
            stack.put(Part::Other, [files(folders::dirs(scope, folders), "folders of the user's")]);
        }
        if let Some((code, _)) = code {
            stack.put(Part::Other, self.verified_code(&stack, code));
        }
        stack.put(Part::Other, models::in_volume(scope, &facts.models, folders));
        stack
    }

    /// The layers below the code, by volatility: a changed layer makes every layer above it be
    /// extracted again. What rarely changes and is large lies low, what changes all day lies high;
    /// system packages may be large.
    fn below_code(&self, environment: Environment<'_>, models: Models) -> Stack {
        let Self { scope, platform: PlatformFacts { base, packages, .. }, folders, ground } = self;
        let probe = base::probe(scope, base, ground.python.clone());
        let empty = environment.empty();
        let Environment { heavy, built, light, .. } = environment;
        let mut stack = Stack::default();
        stack.put(Part::Other, ground.for_python.clone());
        stack.put(Part::Other, [files(probe, "what the base is")]);
        stack.put(Part::Other, empty);
        stack.put(Part::Package, environment::layers(heavy));
        stack.put(Part::Model, models.large);
        stack.put(Part::Model, models.data);
        stack.put(Part::Pipeline, models.pipelines);
        stack.put(Part::Package, environment::layers(built));
        stack.put(Part::Other, ground.system.clone());
        stack.put(Part::Other, copies::of_images(scope, self.platform, folders));
        stack.put(Part::Package, environment::layers(light));
        // What is not in the image is in no cache that is exported: the next build reads it again.
        let earlier = packages.earlier.iter().cloned();
        stack.put(Part::Bill, earlier.map(|layer| files(layer, "how the packages were resolved")));
        let bill = |bill| resolve::bill(scope, base, ground.python.clone(), folders, bill);
        let bills = packages.bills.iter().map(bill);
        stack.put(Part::Bill, bills.map(|bill| files(bill, "what is installed")));
        stack
    }

    /// The proof that the packages below work; none where nobody asks for it.
    fn verified_packages(&self, below: &Stack) -> Option<Layer> {
        let modules = self.scope.recipe.python.verify.as_ref()?;
        let user = self.ground.user;
        let (env, folder, note) = (&BTreeMap::new(), &user.home, "verified.json");
        let imports = Imports { modules, user, folder, env, overlaps: true, note };
        // Another model is no reason to import anything again.
        Some(self.verified("the environment", &below.imported(), &imports))
    }

    /// The code, and the packages that it is, on all that is below.
    fn code(
        &self,
        below: &Stack,
        code: &Code,
        from: &CodeFacts,
        venv: Option<&State>,
    ) -> Vec<Layer> {
        let made = self.made(below, code, from);
        let layer = files(made.layer.clone(), &format!("code from {}", from.origin));
        let package = code.install.as_ref().map(|install| {
            let python = self.ground.python.clone();
            python::code(self.scope, self.platform, python, venv, code, install, &made)
        });
        let package = package.map(|package| files(package, "the code as a package"));
        [layer].into_iter().chain(package).collect()
    }

    /// The code's files: copied, and built where the manifest says how.
    fn made(&self, below: &Stack, code: &Code, from: &CodeFacts) -> Files {
        let Self { scope, platform, folders, ground } = self;
        let copied = code::code(scope, from, code, folders);
        let Some(words) = &code.build else { return copied };
        let base = &platform.base;
        let toolchain = system::toolchain(scope, base, ground.python.clone());
        let tools = beside(scope, &ground.python, &toolchain, "toolchain");
        let below: Vec<Layer> = below.run_on().into_iter().chain(tools).collect();
        let root = together(scope, "code", base, "what the code is built on", &below);
        code::build(scope, platform, root, code, words, &copied)
    }

    /// The proof that the code works with all that is below; none where nobody asks for it.
    fn verified_code(&self, below: &Stack, code: &Code) -> Option<Layer> {
        let modules = code.verify.as_ref()?;
        let (env, folder, note) = (&code.env, &code.to, "verified-code.json");
        let user = self.ground.user;
        let imports = Imports { modules, user, folder, env, overlaps: false, note };
        Some(self.verified("the code and what it needs", &below.run_on(), &imports))
    }

    fn verified(&self, what: &str, below: &[Layer], imports: &Imports<'_>) -> Layer {
        let Self { scope, platform: PlatformFacts { base, .. }, .. } = self;
        let root = together(scope, "verify", base, what, below);
        files(verify::imports(scope, base, root, imports), "what was verified")
    }
}
