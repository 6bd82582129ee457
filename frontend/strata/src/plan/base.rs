//! What everything stands on: a base image with a Python, and what that Python is.

use llb::State;

use super::{
    Scope,
    step::{SHELL, Step, script},
    system,
};
use crate::facts::Base;

/// The base with a Python: as it is, or with `system.python` installed.
pub(super) fn python(scope: &Scope<'_>, base: &Base) -> State {
    match &scope.recipe.system.python {
        None => base.state.clone(),
        Some(packages) => system::install(scope, "python", base, base.state.clone(), packages),
    }
}

/// The layer that says what the base's Python and system are.
pub(super) fn probe(scope: &Scope<'_>, base: &Base, python: State) -> State {
    let scripts = [script!("probe.sh"), script!("probe.py"), script!("tree.py")];
    let recipe = scope.recipe;
    let counts = recipe.python.system_site_packages || base.brings_venv();
    Step::new(scope, "probe", base, python, SHELL, &scripts)
        .named("look at the base's Python")
        .at(recipe.base.lines)
        // Who installs nothing need not know what is there.
        .args((counts && recipe.has_python()).then_some("--packages"))
        .out()
}
