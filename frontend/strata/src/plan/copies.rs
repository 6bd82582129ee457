//! Files that are there already, as layers: of the build context and of other images.

use std::collections::BTreeSet;

use llb::{Copy, File, Meta, State};

use super::{EPOCH, Layer, ROOT, Scope, files, folders::Folders};
use crate::{
    facts::PlatformFacts,
    recipe::{FileSource, Files},
};

/// What the name of their vertices begins with.
const FILES: &str = "files";

/// A file or a folder, and where it goes.
pub(super) struct Wanted<'a> {
    /// What has it.
    pub(super) from: &'a State,
    /// Its path there, absolute.
    pub(super) path: String,
    /// Its path in the image, resolved; with a slash at its end, the folder that it goes into.
    pub(super) to: String,
}

/// A layer with nothing of where these come from but their modes.
pub(super) fn copied(parts: &[Wanted<'_>], meta: Meta) -> State {
    let copied = parts.iter().fold(
        File::on(State::scratch()).timestamp(EPOCH).owner(ROOT),
        |copied, Wanted { from, path, to }| {
            copied.copy(Copy::new((*from).clone(), path, to).follow_link())
        },
    );
    let folders = parts.iter().filter_map(|part| Some(part.to.rsplit_once('/')?.0));
    let folders: BTreeSet<&str> = folders.filter(|folder| !folder.is_empty()).collect();
    if folders.is_empty() {
        return copied.build(meta);
    }
    let names: Vec<&str> = parts.iter().map(|part| part.to.as_str()).collect();
    let made = folders
        .into_iter()
        .fold(File::on(State::scratch()), |made, folder| made.mkdir(folder, 0o755))
        .build(Meta::named(format!("[internal] folders for {}", names.join(" "))));
    // Folders last: a file that is put into one changes its time.
    copied.copy(Copy::new(made, "/", "/")).build(meta)
}

/// What other images have of `files`: they rarely change, and each has a layer of its own.
pub(super) fn of_images(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    folders: &Folders<'_>,
) -> Vec<Layer> {
    let layers = |one: (&Files, &State)| {
        let name = scope.name(FILES, &platform.base.platform, &format!("copy {}", told(one.0)));
        layers(scope, &name, &[one], folders)
    };
    entries(scope, platform, false).into_iter().flat_map(layers).collect()
}

/// What the build context has of `files`, in one layer: it changes as the code does, and is the same
/// for every platform.
pub(super) fn of_context(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    folders: &Folders<'_>,
) -> Vec<Layer> {
    let all = entries(scope, platform, true);
    if all.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = all.iter().map(|(files, _)| told(files)).collect();
    layers(scope, &format!("[{FILES}] copy {}", names.join(", ")), &all, folders)
}

/// The entries that are of the build context, or those that are not, each with what has it.
fn entries<'a>(
    scope: &Scope<'a>,
    platform: &'a PlatformFacts,
    in_context: bool,
) -> Vec<(&'a Files, &'a State)> {
    let entries = scope.recipe.files.iter().zip(&platform.files);
    entries.filter(|(files, _)| files.in_context().is_some() == in_context).collect()
}

/// What people call it.
fn told(Files { from, .. }: &Files) -> String {
    match from {
        FileSource::Context(path) => path.clone(),
        FileSource::Image { image, path } => format!("{path} of {image}"),
    }
}

/// A layer with these, and one that gives folders back what it takes from them.
fn layers(
    scope: &Scope<'_>,
    name: &str,
    all: &[(&Files, &State)],
    folders: &Folders<'_>,
) -> Vec<Layer> {
    let wanted = all.iter().map(|(entry, from)| Wanted {
        from,
        path: format!("/{}", entry.path().trim_start_matches('/')),
        to: folders.resolve(&entry.to),
    });
    let wanted: Vec<Wanted<'_>> = wanted.collect();
    let meta = Meta::named(name)
        .at(all.iter().map(|(entry, _)| scope.location(entry.lines)))
        .ignore_cache(scope.settings.no_cache.covers(FILES));
    let to: Vec<String> = wanted.iter().map(|it| it.to.clone()).collect();
    let stamps = folders.stamps(&to).map(|stamps| files(stamps, "folders as the base has them"));
    let names: Vec<String> = all.iter().map(|(entry, _)| told(entry)).collect();
    [files(copied(&wanted, meta), &names.join(", "))].into_iter().chain(stamps).collect()
}
