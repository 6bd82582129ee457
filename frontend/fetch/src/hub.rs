//! What a hub says of a repository (<https://huggingface.co/docs/hub/api>).

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::http::Http;
use crate::patience::{Failure, Patience};
use crate::place;
use crate::request::{Kind, List, Origin};

/// How many names are told where one is wrong.
const NEAR: usize = 3;

/// Writes down what the repository holds.
pub async fn list(http: &Http<'_>, list: &List, out: &Path) -> Result<()> {
    let mut patience = Patience::default();
    let info = loop {
        match http.json(&info_url(list)).await {
            Ok(info) => break info,
            Err(Failure::Lasting(error)) => return Err(nearest(http, list, error).await),
            Err(passing) => patience.wait(passing).await?,
        }
    };
    let listing = listing(&info)
        .with_context(|| format!("{} does not answer as a hub does", list.origin.endpoint))?;
    let files = listing["files"].as_array().map_or(0, Vec::len);
    let commit = listing["commit"].as_str().unwrap_or_default();
    eprintln!("{} at {}: {commit}, files: {files}", list.origin.name, list.revision);
    place::text(out, &list.to, &format!("{listing:#}\n"))
}

fn info_url(List { origin, revision, .. }: &List) -> String {
    // A revision may be a branch with slashes, or named after an issue.
    let revision = revision.replace('%', "%25").replace('/', "%2F").replace('#', "%23");
    format!("{}/revision/{revision}?blobs=true", repository_url(origin))
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

/// The commit, the licence, and each file with its size and checksum; files by name.
fn listing(info: &Value) -> Option<Value> {
    let mut files: Vec<Value> =
        info["siblings"].as_array()?.iter().map(file).collect::<Option<_>>()?;
    files.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
    Some(json!({"commit": info["sha"].as_str()?, "license": license(info), "files": files}))
}

/// Large files are known by the SHA-256 of their content, all others by git's id.
fn file(sibling: &Value) -> Option<Value> {
    let path = sibling["rfilename"].as_str()?;
    let lfs = &sibling["lfs"];
    Some(match lfs["sha256"].as_str() {
        Some(sha256) => json!({"path": path, "size": lfs["size"].as_u64()?, "sha256": sha256}),
        None => json!({
            "path": path, "size": sibling["size"].as_u64()?, "git": sibling["blobId"].as_str()?,
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
    let told = error.to_string();
    let missing = told.contains("has no ") || told.contains("answered 404");
    if !missing {
        return error;
    }
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
            anyhow!("{told}; near it are {}", near.join(", "))
        }
        _ => error,
    }
}

/// Branches and tags; none if the repository cannot be seen.
async fn revisions(http: &Http<'_>, origin: &Origin) -> Option<Vec<String>> {
    let refs = http.json(&format!("{}/refs", repository_url(origin))).await.ok()?;
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
    let found = http.json(&url).await.ok()?;
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
    fn what_the_hub_says_becomes_a_listing() {
        let info = json!({
            "sha": "c0ffee", "tags": ["x", "license:mit"],
            "siblings": [
                {"rfilename": "model.safetensors", "size": 7, "blobId": "0a",
                 "lfs": {"sha256": "5a", "size": 90, "pointerSize": 134}},
                {"rfilename": "config.json", "size": 3, "blobId": "0b"},
            ],
        });
        let expected = json!({
            "commit": "c0ffee", "license": "mit",
            "files": [
                {"path": "config.json", "size": 3, "git": "0b"},
                {"path": "model.safetensors", "size": 90, "sha256": "5a"},
            ],
        });
        assert_eq!(listing(&info), Some(expected));
        assert_eq!(license(&json!({"cardData": {"license": ["a", "b"]}})), Some("a, b".into()));
        assert_eq!(listing(&json!({"sha": "c0ffee"})), None);
        assert_eq!(listing(&json!({"sha": "c", "siblings": [{"rfilename": "no-checksum"}]})), None);
    }
}
