//! The files and repositories that locks name, checked: a build must be able to fetch them.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;

use super::{File, Source};
use crate::{
    mistake::{Mistake, quote},
    requirements::{self, check_url, over_https},
};

impl File {
    /// A file at a URL; its name is the URL's last part if the lock has no other.
    pub(super) fn at(
        url: &str,
        name: Option<String>,
        hashes: BTreeSet<String>,
        size: Option<u64>,
    ) -> Result<Self, Mistake> {
        let url = check_url(url)?;
        let name = name.unwrap_or_else(|| file_name(&url));
        Self { name, url: Some(url), hashes, size }.named()
    }

    /// A file on an index, which is found by its hashes.
    pub(super) fn on_index(name: String, hashes: BTreeSet<String>) -> Result<Self, Mistake> {
        let file = Self { name, url: None, hashes, size: None }.named()?;
        file.has_hash().map(|()| file)
    }

    fn named(self) -> Result<Self, Mistake> {
        if self.name.is_empty() || self.name.contains(['/', '\0']) {
            return Err(Mistake::new(format!("{} is no file's name", quote(&self.name))));
        }
        Ok(self)
    }

    /// Refuses a file without a hash. Indexes may have some for other platforms, which are nothing
    /// to a build.
    pub(super) fn has_hash(&self) -> Result<(), Mistake> {
        if !self.hashes.is_empty() {
            return Ok(());
        }
        let words = format!("{} has no hash", quote(&self.name));
        let help = "a build takes sha256 and stronger: lock again, with an index that has them";
        Err(Mistake::new(words).help(help))
    }
}

/// As [`requirements::hash`]; a lock may write the algorithm's name in any case.
pub(super) fn hash(algorithm: &str, digits: &str) -> Option<String> {
    requirements::hash(&algorithm.to_lowercase(), digits)
}

/// The hashes of a table `{ sha256 = "…" }`.
pub(super) fn hash_table(table: &BTreeMap<String, String>) -> BTreeSet<String> {
    table.iter().filter_map(|(algorithm, digits)| hash(algorithm, digits)).collect()
}

/// The hash in a text `sha256:…`.
pub(super) fn hash_text(text: &str) -> Option<String> {
    text.split_once(':').and_then(|(algorithm, digits)| hash(algorithm, digits))
}

/// The name of the file at a URL.
pub(super) fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    decode(path.rsplit('/').next().unwrap_or(path))
}

/// `%2B` as `+`, as local versions have it.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}

/// A commit of a repository.
pub(super) fn git(
    url: &str,
    commit: &str,
    subdirectory: Option<String>,
) -> Result<Source, Mistake> {
    let url = over_https(url.strip_prefix("git+").unwrap_or(url));
    check_url(&format!("git+{url}"))?;
    if !matches!(commit.len(), 40 | 64) || !commit.chars().all(|c| c.is_ascii_hexdigit()) {
        let words = format!("{} is not a full commit", quote(commit));
        return Err(Mistake::new(words).help("lock again: a branch or tag can move"));
    }
    Ok(Source::Git { url, commit: commit.to_lowercase(), subdirectory: folder(subdirectory)? })
}

/// A folder inside of what is fetched.
pub(super) fn folder(path: Option<String>) -> Result<Option<String>, Mistake> {
    let Some(path) = path.filter(|path| !matches!(path.as_str(), "" | ".")) else {
        return Ok(None);
    };
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(Mistake::new(format!("the folder {} leads outside", quote(&path))));
    }
    Ok(Some(path))
}

/// What comes from a file beside the lock.
pub(super) fn refuse_path(name: &str, path: &str) -> Mistake {
    let words = format!("`{name}` comes from the path {}, not from an index", quote(path));
    Mistake::new(words).help(
        "a dependency layer holds nothing of the build context: publish the package to an index, \
         or depend on it by a URL",
    )
}
