//! What a hub says of a repository at a commit, as the fetcher writes it down.

use serde::{Deserialize, Serialize};

/// A repository at a commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Listing {
    /// The commit: 40 hexadecimal digits.
    pub commit: String,
    /// The licence, where the hub knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The files, by path.
    pub files: Vec<File>,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct File {
    /// Its path there.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it must be.
    #[serde(flatten)]
    pub checksum: Checksum,
}

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// Large files: the SHA-256 of the content, 64 hexadecimal digits.
    Sha256(String),
    /// All others: git's id of the content, 40 hexadecimal digits.
    Git(String),
}

impl Checksum {
    /// Its digits, by which the Hugging Face cache calls the file.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::Git(hex) => hex,
        }
    }
}
