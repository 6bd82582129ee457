//! The ground: the base with a Python, with who runs the image, and with system packages.

use llb::State;

use super::{Layer, Scope, base, delta, system, user::User};
use crate::facts::Base;

/// What packages are installed on, and what commands run on beside packages.
pub(super) struct Ground<'a> {
    /// The base with a Python.
    pub(super) python: State,
    /// Who runs the image, and whose home `~` is.
    pub(super) user: &'a User,
    /// What `system.python` adds to the base.
    pub(super) for_python: Option<Layer>,
    /// What is added to that: the user, and `system.runtime`.
    pub(super) system: Vec<Layer>,
}

impl<'a> Ground<'a> {
    /// The ground that the recipe asks for.
    pub(super) fn of(scope: &Scope<'_>, base: &Base, user: &'a User) -> Self {
        let python = base::python(scope, base);
        let with_user = system::make_user(scope, base, python.clone(), user);
        let runtime = match &scope.recipe.system.runtime {
            None => with_user.clone(),
            Some(packages) => system::install(scope, "runtime", base, with_user.clone(), packages),
        };
        let of_user = delta(&python, &with_user, &format!("user {}", user.config()));
        let of_system = delta(&with_user, &runtime, "system packages");
        Self {
            for_python: delta(&base.state, &python, "Python, by system.python"),
            system: of_user.into_iter().chain(of_system).collect(),
            python,
            user,
        }
    }

    /// All that it adds to the base.
    pub(super) fn layers(&self) -> impl Iterator<Item = Layer> {
        self.for_python.iter().chain(&self.system).cloned()
    }
}
