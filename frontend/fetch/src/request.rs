//! What the program is asked to do: a JSON file, written by the planner.

use serde::Deserialize;

/// One thing to do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Request {
    /// Write down what a repository holds.
    List(List),
    /// Download files.
    Fetch(Fetch),
    /// Write down the checksum of a file.
    Sum(Sum),
}

/// What a repository of a hub holds at a revision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Whom to ask.
    pub origin: Origin,
    /// Branch, tag or commit.
    pub revision: String,
    /// The file that is written, below the output folder.
    pub to: String,
}

/// Files to be downloaded, and what goes beside them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// Whom to ask.
    pub origin: Origin,
    /// The files.
    pub files: Vec<File>,
    /// Symbolic links to make.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Files whose text is known.
    #[serde(default)]
    pub texts: Vec<Text>,
}

/// A file that nothing says the checksum of: that takes a download.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Whom to ask.
    pub origin: Origin,
    /// What messages call it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The file that is written, below the output folder.
    pub to: String,
}

/// Where something comes from, and who may have it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// What it is.
    pub kind: Kind,
    /// Its name there: `org/name`, or a URL.
    pub name: String,
    /// The hub; for what is of no hub, the server. Without a slash at its end.
    pub endpoint: String,
    /// The id of the build secret that holds a token.
    #[serde(default)]
    pub token: Option<String>,
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A model of a hub.
    Model,
    /// A dataset of a hub.
    Dataset,
    /// A file of any server.
    File,
}

/// A file to be downloaded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What messages call it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its size in bytes, where that is known.
    #[serde(default)]
    pub size: Option<u64>,
    /// What it must be.
    #[serde(default)]
    pub checksum: Option<Checksum>,
    /// Where it goes, below the output folder: a file, or what it is unpacked into.
    pub to: String,
    /// Whether it is an archive whose content is wanted.
    #[serde(default)]
    pub unpack: Option<Unpack>,
}

/// How the content of an archive is checked and placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unpack {
    /// As it is: tar, tar.gz or zip.
    Archive,
    /// A Python wheel of nothing but files: each as its `RECORD` says.
    Wheel,
}

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// The SHA-256 of its bytes, 64 hexadecimal digits.
    Sha256(String),
    /// The id that git knows it by: SHA-1, 40 hexadecimal digits.
    Git(String),
}

/// A symbolic link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The link, below the output folder.
    pub path: String,
    /// What it says.
    pub target: String,
}

/// A small file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The file, below the output folder.
    pub path: String,
    /// What is in it.
    pub text: String,
}
