//! Typed values out of a tree whose overlays are laid and whose arguments are filled in.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    manifest::{
        Data, Node,
        values::{self, Read, Written},
    },
    mistake::{Findings, Mistake, Spanned, quote},
};

/// Reads what is decided, and says what it finds wrong with it. Most was found when the manifest
/// was checked; what is left are values that arguments made wrong, and how values go together.
pub struct Reader<'a> {
    /// What is decided.
    pub root: &'a Node,
    /// Where mistakes go.
    pub findings: &'a mut Findings,
}

impl<'a> Reader<'a> {
    /// Reads from `root`.
    pub fn new(root: &'a Node, findings: &'a mut Findings) -> Self {
        Self { root, findings }
    }

    /// The one value of `key` in `section`.
    pub fn one<T>(
        &mut self,
        section: &Node,
        key: &str,
        read: fn(&str) -> Read<T>,
    ) -> Option<Spanned<T>> {
        self.value(key, section.get(key)?, read)
    }

    /// The values of `key` in `section`, each once, in their order.
    pub fn list<T: Ord + Clone>(
        &mut self,
        section: &Node,
        key: &str,
        read: fn(&str) -> Read<T>,
    ) -> Vec<Spanned<T>> {
        let items = section.get(key).map_or(&[][..], Node::items);
        let mut seen = BTreeSet::new();
        let values = items.iter().filter_map(|item| self.value(key, item, read));
        values.filter(|value| seen.insert(value.value.clone())).collect()
    }

    /// The names and texts of `key` in `section`, which everyone can read.
    pub fn public(
        &mut self,
        section: &Node,
        key: &str,
        read: fn(&str) -> Read<String>,
    ) -> BTreeMap<String, String> {
        let texts = self.map(section, key, read);
        for (name, text) in &texts {
            let Some(node) = section.get(key).and_then(|map| map.get(name)) else { continue };
            if let (Err(mistake), None) = (values::public(name, text), node.tag) {
                self.findings.at(node.lines, mistake);
            }
        }
        texts
    }

    /// Finds variables of `env` that `secrets` has, too: one of them would not count.
    pub fn secret_twice(
        &mut self,
        section: &Node,
        env: &BTreeMap<String, String>,
        secrets: &BTreeMap<String, String>,
    ) {
        for name in secrets.keys().filter(|name| env.contains_key(*name)) {
            let node = section.get("secrets").and_then(|map| map.get(name)).unwrap_or(section);
            let mistake = Mistake::new(format!("{} is in `env`, too", quote(name)));
            self.findings.at(node.lines, mistake.help("leave one of the two out").about("secrets"));
        }
    }

    /// The names and texts of `key` in `section`.
    pub fn map(
        &mut self,
        section: &Node,
        key: &str,
        read: fn(&str) -> Read<String>,
    ) -> BTreeMap<String, String> {
        let Some(Node { data: Data::Map(map), .. }) = section.get(key) else {
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (name, entry) in map {
            let text = self.value(name, &entry.value, read);
            texts.extend(text.map(|text| (name.clone(), text.value)));
        }
        texts
    }

    /// The words of the command of `key` in `section`.
    pub fn command(
        &mut self,
        section: &Node,
        key: &str,
        read: fn(Written) -> Read<Vec<String>>,
    ) -> Option<Vec<String>> {
        let node = section.get(key)?;
        let written = match &node.data {
            Data::Text(line) => Written::Line(line.clone()),
            Data::List(items) => {
                let words: Option<_> =
                    items.iter().map(|item| item.text().map(str::to_owned)).collect();
                Written::Words(words?)
            }
            _ => return None,
        };
        self.read(key, node, read(written)).map(|command| command.value)
    }

    fn value<T>(
        &mut self,
        key: &str,
        node: &Node,
        read: fn(&str) -> Read<T>,
    ) -> Option<Spanned<T>> {
        let text = node.text()?;
        self.read(key, node, read(text))
    }

    fn read<T>(&mut self, key: &str, node: &Node, read: Read<T>) -> Option<Spanned<T>> {
        match read {
            Ok(value) => Some(Spanned::new(value, node.lines)),
            Err(mistake) => {
                self.findings.at(node.lines, mistake.about(key));
                None
            }
        }
    }
}
