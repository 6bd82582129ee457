//! The code: a copy, nothing runs.

use llb::{Copy, Meta, Owner, State};

use super::{Scope, facts::CodeFacts, folders::Folders};
use crate::recipe::Code;

const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// The code's layer.
///
/// Nothing of where it comes from is in it but the files: no commit, no time, so that the same
/// files are the same layer.
pub(super) fn code(
    scope: &Scope<'_>,
    facts: &CodeFacts,
    code: &Code,
    folders: &Folders<'_>,
) -> State {
    let to = folders.resolve(&code.to);
    let copy =
        Copy::new(facts.source.clone(), format!("/{}", facts.folder), &to).exclude(&facts.exclude);
    let name = format!("copy {} to {}", facts.name, code.to);
    let meta = Meta::named(format!("[code] {name}"))
        .at([scope.location(code.lines)])
        .ignore_cache(scope.settings.no_cache.covers("code"));
    folders.layer(&[to], None).owner(ROOT).copy(copy).build(meta)
}
