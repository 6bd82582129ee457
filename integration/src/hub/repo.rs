//! A repository as the hub keeps it: commits of files, and the names that point at them.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::digest::{hex, sha256};

/// A repository of a model or a dataset; `main` is its default branch.
#[derive(Debug)]
pub struct Repo {
    pub(super) id: String,
    pub(super) access: Access,
    pub(super) license: Option<String>,
    /// The most entries of a page of its tree.
    pub(super) page: usize,
    commits: BTreeMap<String, Tree>,
    /// Branches and tags, each with its commit.
    revisions: BTreeMap<String, String>,
}

/// The most entries of a page, unless the repository says otherwise.
pub(super) const PAGE: usize = 1000;

/// Who may read a repository.
#[derive(Debug)]
pub(super) enum Access {
    Public,
    /// Anyone may see it and list its files; only the token may download them.
    Gated(String),
    /// Without the token it looks as if it did not exist.
    Private(String),
}

pub(super) type Tree = BTreeMap<String, Blob>;

#[derive(Debug)]
pub(super) struct Blob {
    pub(super) content: Bytes,
    /// The SHA-1 that git knows the content by.
    pub(super) oid: String,
    /// The SHA-256 that large file storage knows it by, if it is kept there.
    pub(super) lfs: Option<String>,
}

impl Repo {
    /// A public repository with one commit, on `main`. The id is `organisation/name`,
    /// a dataset's `datasets/organisation/name`.
    pub fn new<P, C>(id: impl Into<String>, files: impl IntoIterator<Item = (P, C)>) -> Self
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        let mut repo = Self {
            id: id.into(),
            access: Access::Public,
            license: None,
            page: PAGE,
            commits: BTreeMap::new(),
            revisions: BTreeMap::new(),
        };
        repo.commit(files);
        repo
    }

    /// The same, its files for the holder of `token` only.
    #[must_use]
    pub fn gated(self, token: impl Into<String>) -> Self {
        let access = Access::Gated(token.into());
        Self { access, ..self }
    }

    /// The same, hidden from everyone but the holder of `token`.
    #[must_use]
    pub fn private(self, token: impl Into<String>) -> Self {
        let access = Access::Private(token.into());
        Self { access, ..self }
    }

    /// The same, with a licence on its card.
    #[must_use]
    pub fn licensed(self, license: impl Into<String>) -> Self {
        Self { license: Some(license.into()), ..self }
    }

    /// The same, its tree told in pages of so many entries.
    #[must_use]
    pub fn paged(self, page: usize) -> Self {
        Self { page, ..self }
    }

    /// The same, `main` at a commit with these files as well.
    #[must_use]
    pub fn with<P, C>(mut self, files: impl IntoIterator<Item = (P, C)>) -> Self
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        let tree = self.commits.get(self.head()).into_iter().flatten();
        let mut all: BTreeMap<String, Bytes> =
            tree.map(|(path, blob)| (path.clone(), blob.content.clone())).collect();
        all.extend(files.into_iter().map(|(path, content)| (path.into(), content.into())));
        self.commit(all);
        self
    }

    /// Moves `main` to a commit that holds exactly these files, and returns its id.
    ///
    /// The id follows from the files alone: the same files are the same commit.
    pub fn commit<P, C>(&mut self, files: impl IntoIterator<Item = (P, C)>) -> String
    where
        P: Into<String>,
        C: Into<Bytes>,
    {
        let tree: Tree = files
            .into_iter()
            .map(|(path, content)| (path.into(), Blob::new(content.into())))
            .collect();
        let commit = id_of(&tree, "");
        self.commits.insert(commit.clone(), tree);
        self.revisions.insert("main".into(), commit.clone());
        commit
    }

    /// Names what `main` points at now.
    pub fn tag(&mut self, name: impl Into<String>) {
        self.revisions.insert(name.into(), self.head().into());
    }

    /// The commit that `main` points at, 40 hexadecimal digits.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.revisions["main"]
    }

    /// What the hub calls it: the id, without what it is.
    pub(super) fn name(&self) -> &str {
        self.id.strip_prefix("datasets/").unwrap_or(&self.id)
    }

    /// Branches and tags.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.revisions.keys().map(String::as_str)
    }

    /// The commit that a branch, a tag or a full commit id stands for, and its files.
    pub(super) fn at(&self, revision: &str) -> Option<(&str, &Tree)> {
        let commit = self.revisions.get(revision).map_or(revision, String::as_str);
        self.commits.get_key_value(commit).map(|(commit, tree)| (commit.as_str(), tree))
    }

    /// What large file storage knows its files by.
    pub(super) fn large_files(&self) -> impl Iterator<Item = &str> {
        self.commits.values().flat_map(BTreeMap::values).filter_map(|blob| blob.lfs.as_deref())
    }

    /// The file that large file storage knows by `sha256`, in whichever commit.
    pub(super) fn large_file(&self, sha256: &str) -> Option<&Blob> {
        self.commits
            .values()
            .flat_map(BTreeMap::values)
            .find(|blob| blob.lfs.as_deref() == Some(sha256))
    }
}

impl Blob {
    fn new(content: Bytes) -> Self {
        let oid = Sha1::new()
            .chain_update(format!("blob {}\0", content.len()))
            .chain_update(&content)
            .finalize();
        Self { oid: hex(&oid), lfs: is_large(&content).then(|| sha256(&content)), content }
    }

    /// Its line in a tree listing.
    fn entry(&self, path: &str) -> Value {
        let mut entry = json!({
            "type": "file", "oid": self.oid, "size": self.content.len(), "path": path,
        });
        if let Some(sha256) = &self.lfs {
            entry["lfs"] = json!({"oid": sha256, "size": self.content.len(), "pointerSize": 134});
        }
        entry
    }
}

/// Of the listing that `tree/{revision}?recursive=true` gives, folders and files, `limit` entries
/// from `start` on; and how many it has.
pub(super) fn listing(tree: &Tree, start: usize, limit: usize) -> (Value, usize) {
    let folders = folders(tree);
    let count = folders.len() + tree.len();
    let paths = folders.into_iter().map(|folder| (folder, None));
    let files = tree.iter().map(|(path, blob)| (path.as_str(), Some(blob)));
    let page = paths.chain(files).skip(start).take(limit).map(|(path, blob)| match blob {
        Some(blob) => blob.entry(path),
        None => {
            let id = id_of(tree, &format!("{path}/"));
            json!({"type": "directory", "oid": id, "size": 0, "path": path})
        }
    });
    (page.collect(), count)
}

/// Every folder that a file lies in, at whatever depth.
fn folders(tree: &Tree) -> BTreeSet<&str> {
    tree.keys().flat_map(|path| path.match_indices('/').map(|(end, _)| &path[..end])).collect()
}

/// The hub refuses binary files, and any over 10 MB, outside of large file storage.
/// (<https://huggingface.co/docs/hub/repositories-getting-started>)
fn is_large(content: &[u8]) -> bool {
    content.len() > 10_000_000 || content.iter().take(8000).any(|&byte| byte == 0)
}

/// Forty digits that stand for all that lies under `folder`.
fn id_of(tree: &Tree, folder: &str) -> String {
    let mut id = Sha1::new();
    for (path, blob) in tree.iter().filter(|(path, _)| path.starts_with(folder)) {
        id.update(format!("{}\0{path}\n", blob.oid));
    }
    hex(&id.finalize())
}
