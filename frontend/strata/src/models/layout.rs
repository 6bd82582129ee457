//! Where the files of a model go, and what the fetcher is asked to do for that.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{choose::is_name, parts::divided};
use crate::{
    in_image::{LISTINGS, MODELS},
    listing::{File, Listing},
    recipe::{Hub, RepositoryKind},
    sha256,
};

/// The fetcher's requests for `listing`'s files, whose paths are decided here: into the cache of
/// huggingface_hub below `hf_home`, or to `to`. Each is a layer, of `most` or fewer: large files
/// first, and last what any commit changes.
///
/// The cache is laid out as huggingface_hub's own (`file_download.py`): a blob by its checksum,
/// for each commit a folder of links to blobs, and for each name of a commit a file with that.
pub fn layout(
    hub: &Hub,
    listing: &Listing,
    hf_home: &str,
    to: Option<&str>,
    token: Option<&str>,
    most: usize,
) -> Vec<Value> {
    let Places { files, links, texts } = match to {
        Some(to) => Places::at(hub, to, &listing.files),
        None => Places::in_cache(hub, hf_home, listing),
    };
    let download = |(file, to): (&File, String)| {
        let request = json!({
            "name": file.path, "url": url(hub, &listing.commit, &file.path), "size": file.size,
            "checksum": file.checksum, "to": to,
        });
        (file.size, request)
    };
    let link = |(path, target)| json!({"path": path, "target": target});
    let text = |(path, text)| json!({"path": path, "text": text});
    let statement = statement(hub, listing, to);
    let stated = (statement_path(&hub.name(), &statement), statement);
    let request = |files: Vec<Value>, links: Vec<Value>, texts: Vec<Value>| {
        json!({"fetch": {
            "origin": origin(hub, token), "files": files, "links": links, "texts": texts,
        }})
    };
    let mut large = divided(files.into_iter().map(download).collect(), most);
    let last = request(
        large.pop().unwrap_or_default(),
        links.into_iter().map(link).collect(),
        texts.into_iter().chain([stated]).map(text).collect(),
    );
    let large = large.into_iter().map(|files| request(files, Vec::new(), Vec::new()));
    large.chain([last]).collect()
}

/// How many layers the files of a repository are, of `most` at most.
pub fn layers(hub: &Hub, listing: &Listing, most: usize) -> usize {
    let files: Vec<&File> = match &hub.to {
        Some(_) => listing.files.iter().collect(),
        None => blobs(&listing.files).collect(),
    };
    divided(files.into_iter().map(|file| (file.size, ())).collect(), most).len()
}

/// What the fetcher is told of whom it asks.
pub fn origin(hub: &Hub, token: Option<&str>) -> Value {
    let kind = match hub.kind {
        RepositoryKind::Model => "model",
        RepositoryKind::Dataset => "dataset",
    };
    json!({"kind": kind, "name": hub.repository, "endpoint": hub.endpoint, "token": token})
}

/// Where the image has what is said of a model.
pub fn statement_path(name: &str, statement: &str) -> String {
    named(MODELS, name, statement)
}

/// Where the image has what a hub said of a repository.
pub fn listing_path(hub: &Hub) -> String {
    named(LISTINGS, &hub.name(), &format!("{}@{}", hub.endpoint, hub.revision))
}

/// A JSON file of `folder` for `name`, which `text` tells from others of that name.
fn named(folder: &str, name: &str, text: &str) -> String {
    let hex = sha256::short(text, 8);
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{folder}/{name}-{hex}.json")
}

/// What the image says of a model: its name, commit, licence and files. Not the revision or the hub
/// that it was asked for by: with another of these it is the same model, and the same layer.
fn statement(hub: &Hub, listing: &Listing, to: Option<&str>) -> String {
    let mut statement = json!({
        "name": hub.name(), "commit": listing.commit, "license": listing.license, "to": to,
        "files": listing.files,
    });
    if let Some(object) = statement.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    format!("{statement:#}\n")
}

/// Where files go that have a `to`: into that folder, or, a single one, by that name.
pub fn places<'a>(hub: &Hub, to: &str, files: &'a [File]) -> Vec<(&'a File, String)> {
    let single = !to.ends_with('/') && matches!(&hub.files[..], [one] if is_name(one));
    let to = to.trim_end_matches('/');
    let place =
        |file: &'a File| (file, if single { to.to_owned() } else { format!("{to}/{}", file.path) });
    files.iter().map(place).collect()
}

/// All that a model of a hub writes: its files, and in the cache what leads to them.
pub fn written(hub: &Hub, listing: &Listing, hf_home: &str) -> Vec<String> {
    let Places { files, links, texts } = match &hub.to {
        Some(to) => Places::at(hub, to, &listing.files),
        None => Places::in_cache(hub, hf_home, listing),
    };
    let files = files.into_iter().map(|(_, path)| path);
    files.chain(links.into_iter().chain(texts).map(|(path, _)| path)).collect()
}

/// The folder of a repository in the Hugging Face cache.
pub fn cache_folder(hub: &Hub, hf_home: &str) -> String {
    let kind = match hub.kind {
        RepositoryKind::Model => "models",
        RepositoryKind::Dataset => "datasets",
    };
    format!("{hf_home}/hub/{kind}--{}", hub.repository.replace('/', "--"))
}

/// What says in the cache which commit a name stands for: files, and their text. Offline, the
/// commit is found by what was asked for, and by no revision at all.
pub fn references(hub: &Hub, listing: &Listing, folder: &str) -> Vec<(String, String)> {
    let commit = &listing.commit;
    let names = BTreeSet::from(["main", hub.revision.as_str()]);
    let names = names.into_iter().filter(|name| name != commit);
    names.map(|name| (format!("{folder}/refs/{name}"), commit.clone())).collect()
}

/// Paths in the image.
struct Places<'a> {
    files: Vec<(&'a File, String)>,
    links: Vec<(String, String)>,
    texts: Vec<(String, String)>,
}

impl<'a> Places<'a> {
    fn at(hub: &Hub, to: &str, files: &'a [File]) -> Self {
        Self { files: places(hub, to, files), links: Vec::new(), texts: Vec::new() }
    }

    fn in_cache(hub: &Hub, hf_home: &str, listing: &'a Listing) -> Self {
        let Listing { commit, files, .. } = listing;
        let folder = cache_folder(hub, hf_home);
        let blob = |file: &'a File| (file, format!("{folder}/blobs/{}", file.checksum.hex()));
        let link = |file: &File| {
            let up = "../".repeat(file.path.matches('/').count() + 2);
            let path = format!("{folder}/snapshots/{commit}/{}", file.path);
            (path, format!("{up}blobs/{}", file.checksum.hex()))
        };
        Self {
            files: blobs(files).map(blob).collect(),
            links: files.iter().map(link).collect(),
            texts: references(hub, listing, &folder),
        }
    }
}

/// The files, each content once.
fn blobs(files: &[File]) -> impl Iterator<Item = &File> {
    let mut seen = BTreeSet::new();
    files.iter().filter(move |file| seen.insert(file.checksum.hex()))
}

/// Where a hub has a file.
fn url(hub: &Hub, commit: &str, path: &str) -> String {
    let Hub { kind, repository, endpoint, .. } = hub;
    let kind = match kind {
        RepositoryKind::Model => "",
        RepositoryKind::Dataset => "datasets/",
    };
    format!("{endpoint}/{kind}{repository}/resolve/{commit}/{}", escaped(path))
}

/// A path as a URL has it.
fn escaped(path: &str) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, ESCAPED).to_string()
}
