//! The code and the folders that the image's user writes to: copies, nothing runs.

use llb::{Copy, File, Meta, Owner, State};

use super::{EPOCH, Scope, facts::CodeFacts, user::User};
use crate::recipe::Code;

const ROOT: Owner = Owner { uid: 0, gid: 0 };

/// The code's layer.
///
/// Nothing of where it comes from is in it but the files: no commit, no time, so that the same
/// files are the same layer.
pub(super) fn code(scope: &Scope<'_>, facts: &CodeFacts, code: &Code, user: &User) -> State {
    let copy = Copy::new(facts.source.clone(), format!("/{}", facts.folder), &code.to)
        .exclude(&facts.exclude);
    let name = format!("copy {} to {}", facts.name, code.to);
    let meta = Meta::named(format!("[code] {name}"))
        .at([scope.location(code.lines)])
        .ignore_cache(scope.settings.no_cache.covers("code"));
    folder(File::on(State::scratch()).timestamp(EPOCH), &code.to, ROOT, user)
        .owner(ROOT)
        .copy(copy)
        .build(meta)
}

/// The folders of `dirs`, the user's own.
pub(super) fn dirs(scope: &Scope<'_>, user: &User) -> State {
    let dirs = &scope.recipe.image.dirs;
    let owner = Owner { uid: user.uid, gid: user.gid };
    let names: Vec<&str> = dirs.iter().map(|dir| dir.value.as_str()).collect();
    let meta = Meta::named(format!("[dirs] make {}", names.join(" ")))
        .at(dirs.iter().map(|dir| scope.location(dir.lines)));
    names
        .iter()
        .fold(File::on(State::scratch()).timestamp(EPOCH), |file, dir| {
            folder(file, dir, owner, user)
        })
        .build(meta)
}

/// Makes `path` and every folder above it with the owner and mode they have in an image: a
/// layer restamps each folder it passes through.
fn folder(file: File, path: &str, owner: Owner, user: &User) -> File {
    let ends = path.match_indices('/').map(|(index, _)| index).skip(1).chain([path.len()]);
    ends.fold(file, |file, end| {
        let folder = &path[..end];
        let owned = if folder == path {
            owner
        } else if folder == user.home {
            Owner { uid: user.uid, gid: user.gid }
        } else {
            ROOT
        };
        let mode = if matches!(folder, "/tmp" | "/var/tmp") { 0o1777 } else { 0o755 };
        file.owner(owned).mkdir(folder, mode)
    })
}
