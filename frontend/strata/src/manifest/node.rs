//! The tree that a manifest is while it is read: as written first, then checked and with its
//! short forms written out, then with its arguments filled in and its overlays laid over.

use std::collections::BTreeMap;

use llb::Lines;

use crate::mistake::quote;

/// One value of the manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its lines.
    pub lines: Lines,
    /// What its tag says of it.
    pub tag: Option<Tag>,
    /// What it is.
    pub data: Data,
}

/// What a value says of itself: of being laid over another, in Compose's words, or of who may know
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `!reset`: what stands below is emptied.
    Reset,
    /// `!override`: what stands below is replaced, not added to.
    Override,
    /// `!public`: everyone may know it, whatever its name.
    Public,
}

/// What a value is; what its text means is for its key to say, not for YAML.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nothing was written: `key:`, `~` or `null`.
    Nothing,
    /// Text, as written: `3.10` is not the number 3.1.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys and their values.
    Map(Map),
    /// Something wrong that has been told; nothing more is to be said about it.
    Wrong,
}

/// Keys and their values. Their order in the manifest means nothing.
pub type Map = BTreeMap<String, Entry>;

/// A key's place and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The line of the key.
    pub key: Lines,
    /// The value.
    pub value: Node,
}

impl Entry {
    /// The lines of the key and its value together.
    pub fn lines(&self) -> Lines {
        let Lines { start, end } = self.value.lines;
        // A value that came through a merge key stands elsewhere than its key.
        if start < self.key.start { self.key } else { Lines { start: self.key.start, end } }
    }
}

impl Node {
    /// A value without a tag.
    pub const fn new(lines: Lines, data: Data) -> Self {
        Self { lines, tag: None, data }
    }

    /// The entry of `key`, if this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The value of `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The items, if this is a list.
    pub fn items(&self) -> &[Self] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a person sees there.
    pub fn found(&self) -> String {
        match &self.data {
            Data::Nothing | Data::Wrong => "nothing".into(),
            Data::Text(text) => quote(text),
            Data::List(_) => "a list".into(),
            Data::Map(_) => "keys and values".into(),
        }
    }
}
