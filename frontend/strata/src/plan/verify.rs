//! The proof that the environment works, before any code is there, and that the code does.

use std::collections::BTreeMap;

use llb::State;
use serde_json::json;

use super::{
    Scope,
    step::{Step, script},
    user::User,
};
use crate::{facts::Base, mistake::Spanned};

/// What is to be imported, and how.
pub(super) struct Imports<'a> {
    /// The modules.
    pub(super) modules: &'a Spanned<Vec<String>>,
    /// Who does it.
    pub(super) user: &'a User,
    /// Where.
    pub(super) folder: &'a str,
    /// In which environment, beside the base's.
    pub(super) env: &'a BTreeMap<String, String>,
    /// Whether packages that own the same file are told of, too.
    pub(super) overlaps: bool,
    /// The name of the note that says so.
    pub(super) note: &'a str,
}

/// Imports modules on `root`: the layer with the note of it.
pub(super) fn imports(scope: &Scope<'_>, base: &Base, root: State, imports: &Imports<'_>) -> State {
    let Imports { modules, user, folder, env, overlaps, note } = imports;
    let request = json!({
        "modules": modules.value, "uid": user.uid, "gid": user.gid, "home": user.home,
        "folder": folder, "env": env, "overlaps": overlaps, "note": note,
    });
    let scripts = [script!("verify.py"), script!("tree.py")];
    Step::new(scope, "verify", base, root, scope.python(), &scripts)
        .named(format!("import {}", modules.value.join(", ")))
        .at(modules.lines)
        .env("PATH", scope.path(base))
        .file("verify.json", request.to_string())
        .out()
}
