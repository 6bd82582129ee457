//! What the user wrote: YAML to values that know their lines.
//!
//! Nothing is decided here: all overlays are still beside each other, and arguments are not filled
//! in. What is wrong with any of it, chosen or not, is found.

mod check;
mod node;
mod overlay;
mod yaml;

pub mod schema;
pub mod template;
pub mod values;

use std::collections::BTreeMap;

use llb::Lines;

use self::{check::Check, schema::MANIFEST};
use crate::mistake::{Findings, Mistake};

pub use self::{
    node::{Data, Entry, Map, Node, Tag},
    overlay::lay,
};

/// Arguments that every manifest can name without declaring them.
pub const PREDEFINED: [&str; 3] = ["CODE_VERSION", "HF_ENDPOINT", "VARIANT"];

/// A manifest that says only what it may, short forms written out.
#[derive(Debug)]
pub struct Manifest {
    /// All of it but `args`.
    pub root: Node,
    /// The arguments that it declares.
    pub arguments: BTreeMap<String, Declared>,
}

/// A build argument that is declared.
#[derive(Debug)]
pub struct Declared {
    /// The lines that do it.
    pub lines: Lines,
    /// Its value where none is given; one without it must be given.
    pub default: Option<String>,
    /// Whether everyone may know its value, whatever its name says.
    pub is_public: bool,
}

/// Reads the file of `findings`; none if there is nothing in it to go on with.
pub(crate) fn read(findings: &mut Findings) -> Option<Manifest> {
    let mut root = yaml::read(findings)?;
    let Data::Map(map) = &mut root.data else {
        let message = format!("expected keys and values, found {}", root.found());
        findings.at(root.lines, Mistake::new(message).help("a manifest begins with `base: …`"));
        return None;
    };
    // Compose's extension keys: a place for anchors.
    map.retain(|key, _| !key.starts_with("x-"));
    let declared = map.remove("args").map(|entry| arguments(findings, entry));
    let arguments = declared.unwrap_or_default();
    let names = arguments.keys().map(String::as_str).chain(PREDEFINED).collect();
    let root = Check { findings, arguments: Some(names), own: None }.manifest(root);
    Some(Manifest { root, arguments })
}

fn arguments(findings: &mut Findings, declared: Entry) -> BTreeMap<String, Declared> {
    let Some(key) = MANIFEST.key("args") else { return BTreeMap::new() };
    let node =
        Check { findings, arguments: None, own: None }.node(key.name, &key.shape, declared.value);
    let Data::Map(map) = node.data else { return BTreeMap::new() };
    let declared = |entry: Entry| Declared {
        lines: entry.lines(),
        is_public: entry.value.tag == Some(Tag::Public),
        default: match entry.value.data {
            Data::Text(text) => Some(text),
            Data::Nothing => None,
            // A wrong default is still one: that none was given is not the mistake.
            _ => Some(String::new()),
        },
    };
    map.into_iter().map(|(name, entry)| (name, declared(entry))).collect()
}
