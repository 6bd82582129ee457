//! What a hub says of a repository (<https://huggingface.co/docs/hub/api>).

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

use crate::http::{Http, Page};
use crate::patience::{Failure, Patience};
use crate::place;
use crate::request::{Kind, List, Origin};

/// How many names are told where one is wrong.
const NEAR: usize = 3;

/// Entries of a page: the most that the hub gives.
const PAGE: usize = 1000;

/// The most files of a repository: a build reads the listing in one message, of no more than 16 MiB
/// (`grpc.MaxRecvMsgSize` in BuildKit's `frontend/gateway/gateway.go`).
const MOST: usize = 50_000;

/// The most pages of a listing: twice what [`MOST`] files are in pages of a hundred, as folders are
/// entries, too. A page may have no file, and each may lead to another.
const PAGES: usize = 1000;

/// Writes down what the repository holds.
pub async fn list(http: &Http<'_>, list: &List, out: &Path) -> Result<()> {
    let List { origin, revision, to } = list;
    let info = match page(http, &info_url(list)).await {
        Ok(Page { json, .. }) => json,
        Err(Failure::Missing(error)) => return Err(nearest(http, list, error).await),
        Err(failure) => return Err(failure.into()),
    };
    let commit = info["sha"].as_str().with_context(|| http.odd())?;
    let files = files(http, origin, commit).await?;
    eprintln!("{} at {revision}: {commit}, files: {}", origin.name, files.len());
    let listing = json!({"commit": commit, "license": license(&info), "files": files});
    place::text(out, to, &format!("{listing:#}\n"))
}

/// An answer, after what passes has passed.
async fn page(http: &Http<'_>, url: &str) -> Result<Page, Failure> {
    let mut patience = Patience::default();
    loop {
        match http.json(url).await {
            Err(passing @ Failure::Passing(..)) => patience.wait(passing).await?,
            answer => return answer,
        }
    }
}

fn info_url(List { origin, revision, .. }: &List) -> String {
    // A revision may be a branch with slashes, or named after an issue.
    let revision = revision.replace('%', "%25").replace('/', "%2F").replace('#', "%23");
    format!("{}/revision/{revision}", repository_url(origin))
}

fn repository_url(Origin { kind, name, endpoint, .. }: &Origin) -> String {
    format!("{endpoint}/api/{}/{name}", kinds(*kind))
}

fn kinds(kind: Kind) -> &'static str {
    match kind {
        Kind::Dataset => "datasets",
        Kind::Model | Kind::File => "models",
    }
}

/// Each file of a commit with its size and checksum, by name.
///
/// The repository's info has `siblings`, too, but of a large one not all of them, as
/// `_snapshot_download.py` of `huggingface_hub` knows, which asks for the tree for that reason.
async fn files(http: &Http<'_>, origin: &Origin, commit: &str) -> Result<Vec<Value>> {
    let url = format!("{}/tree/{commit}", repository_url(origin));
    let mut query = format!("recursive=true&limit={PAGE}");
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let Page { json, next } = match page(http, &format!("{url}?{query}")).await {
            Err(Failure::Missing(error)) => return Err(error.context(cannot_list(origin))),
            page => page?,
        };
        let files = files_of(&json).with_context(|| http.odd())?;
        found.extend(files);
        ensure!(
            found.len() <= MOST,
            "{} has more than {MOST} files, and a build takes no longer list: fetch them as an \
             archive, by `url` with `unpack`",
            origin.name
        );
        let Some(next) = next else {
            found.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
            return Ok(found);
        };
        // Of the next page's URL what tells it from this one: a mirror may name the hub that it
        // mirrors, to which the token does not belong.
        let (_, next) = next.split_once('?').with_context(|| http.odd())?;
        ensure!(next != query, http.odd());
        query = next.to_owned();
    }
    bail!("{} lists {} on more than {PAGES} pages, which no hub does", origin.endpoint, origin.name)
}

/// What to say of a hub that has a commit, and nothing where its files would be.
fn cannot_list(Origin { name, endpoint, .. }: &Origin) -> String {
    format!(
        "{endpoint} has {name}, and does not list its files, as the hub's API does (`tree`): if it \
         is a mirror, have a newer one, or a strata.lock that was written with another hub, with \
         which nothing is listed"
    )
}

/// The files of a page, which has folders, too.
fn files_of(page: &Value) -> Option<Vec<Value>> {
    page.as_array()?.iter().filter(|entry| entry["type"] == "file").map(file).collect()
}

/// Large files are known by the SHA-256 of their content, all others by git's id.
fn file(entry: &Value) -> Option<Value> {
    let path = entry["path"].as_str()?;
    let lfs = &entry["lfs"];
    Some(match lfs["oid"].as_str() {
        Some(sha256) => json!({"path": path, "size": lfs["size"].as_u64()?, "sha256": sha256}),
        None => json!({
            "path": path, "size": entry["size"].as_u64()?, "git": entry["oid"].as_str()?,
        }),
    })
}

/// As the repository's card says it, or else the hub's own tag.
fn license(info: &Value) -> Option<String> {
    let card = &info["cardData"]["license"];
    let several = || {
        let names: Vec<&str> = card.as_array()?.iter().filter_map(Value::as_str).collect();
        Some(names.join(", "))
    };
    let tagged = || {
        let mut tags = info["tags"].as_array()?.iter().filter_map(Value::as_str);
        Some(tags.find_map(|tag| tag.strip_prefix("license:"))?.to_owned())
    };
    card.as_str().map(str::to_owned).or_else(several).or_else(tagged)
}

/// The error, with the names that may have been meant.
async fn nearest(http: &Http<'_>, list: &List, error: anyhow::Error) -> anyhow::Error {
    let List { origin, revision, .. } = list;
    if let Some(revisions) = revisions(http, origin).await {
        let near = near(revision, &revisions);
        return anyhow!(
            "{} at {} has no revision {revision}; it has {}",
            origin.name,
            origin.endpoint,
            near.join(", ")
        );
    }
    match neighbours(http, origin).await {
        Some(names) if !names.is_empty() => {
            let near = near(&origin.name, &names);
            anyhow!("{error}; near it are {}", near.join(", "))
        }
        _ => error,
    }
}

/// Branches and tags; none if the repository cannot be seen.
async fn revisions(http: &Http<'_>, origin: &Origin) -> Option<Vec<String>> {
    let refs = http.json(&format!("{}/refs", repository_url(origin))).await.ok()?.json;
    let names = |key: &str| {
        let refs = refs[key].as_array().map_or(&[][..], Vec::as_slice);
        refs.iter().filter_map(|it| Some(it["name"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    Some([names("branches"), names("tags")].concat())
}

/// What else its owner has, or who else has something of that name.
async fn neighbours(http: &Http<'_>, origin: &Origin) -> Option<Vec<String>> {
    let (owner, name) = origin.name.split_once('/')?;
    let own = found(http, origin, &format!("author={owner}&limit=200")).await?;
    if own.is_empty() {
        return found(http, origin, &format!("search={name}&limit=20")).await;
    }
    Some(own)
}

/// The names that a hub finds.
async fn found(http: &Http<'_>, origin: &Origin, query: &str) -> Option<Vec<String>> {
    let url = format!("{}/api/{}?{query}", origin.endpoint, kinds(origin.kind));
    let found = http.json(&url).await.ok()?.json;
    let ids = found.as_array()?.iter().filter_map(|it| Some(it["id"].as_str()?.to_owned()));
    Some(ids.collect())
}

fn near<'a>(name: &str, others: &'a [String]) -> Vec<&'a str> {
    let mut others: Vec<&str> = others.iter().map(String::as_str).collect();
    let likeness = |other: &str| (strsim::jaro_winkler(name, other) * 1e6) as u32;
    others.sort_by_key(|other| std::cmp::Reverse(likeness(other)));
    others.truncate(NEAR);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hub_says_of_files() {
        let page = json!([
            {"type": "directory", "path": "onnx", "size": 0, "oid": "0c"},
            {"type": "file", "path": "model.safetensors", "size": 90, "oid": "0a",
             "lfs": {"oid": "5a", "size": 90, "pointerSize": 134}},
            {"type": "file", "path": "config.json", "size": 3, "oid": "0b"},
        ]);
        let expected = [
            json!({"path": "model.safetensors", "size": 90, "sha256": "5a"}),
            json!({"path": "config.json", "size": 3, "git": "0b"}),
        ];
        assert_eq!(files_of(&page).as_deref(), Some(&expected[..]));
        assert_eq!(files_of(&json!([{"type": "file", "path": "no-checksum"}])), None);
        assert_eq!(files_of(&json!({"error": "none"})), None);
    }

    #[test]
    fn what_the_hub_says_of_licences() {
        let tagged = json!({"tags": ["x", "license:mit"]});
        assert_eq!(license(&tagged), Some("mit".into()));
        assert_eq!(license(&json!({"cardData": {"license": ["a", "b"]}})), Some("a, b".into()));
    }
}
