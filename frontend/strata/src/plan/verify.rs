//! The proof that the environment works, before any code is there.

use llb::State;

use super::{
    Scope,
    facts::Base,
    python::VENV_PYTHON,
    step::{Step, script},
    user::User,
};
use crate::mistake::Spanned;

/// Imports `modules` on the finished dependencies: the layer that says so
/// (`/opt/strata/verified.json`).
pub(super) fn imports(
    scope: &Scope<'_>,
    base: &Base,
    root: State,
    user: &User,
    modules: &Spanned<Vec<String>>,
) -> State {
    let scripts = [script!("verify.py"), script!("tree.py")];
    Step::new(scope, "verify", base, root, VENV_PYTHON, &scripts)
        .named(format!("import {}", modules.value.join(", ")))
        .at(modules.lines)
        .args([user.uid.to_string(), user.gid.to_string(), user.home.clone()])
        .args(&modules.value)
        .out()
}
