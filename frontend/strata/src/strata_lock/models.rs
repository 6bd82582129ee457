//! What the lock says of models and of pipelines.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::{
    listing::{Checksum, File, Listing},
    picks,
    recipe::Hub,
};

/// What a model of a hub came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct LockedModel {
    /// The variant; empty for none.
    #[serde(default)]
    pub(super) variant: String,
    /// As the manifest names it: `org/name`, `datasets/org/name`.
    pub(super) name: String,
    /// The branch, tag or commit that was asked for.
    pub(super) revision: String,
    /// The patterns of files that were asked for.
    #[serde(default)]
    pub(super) asked: Vec<String>,
    /// What they came to.
    #[serde(flatten)]
    pub(super) listing: Listing,
}

/// What a pipeline of spaCy's came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct LockedPipeline {
    /// The variant; empty for none.
    #[serde(default)]
    pub(super) variant: String,
    /// Its package.
    pub(super) name: String,
    /// The release.
    pub(super) version: String,
    /// Of its wheel, wherever that is from: 64 hexadecimal digits.
    pub(super) sha256: String,
}

impl LockedPipeline {
    /// A table of the file.
    pub(super) fn text(&self) -> String {
        let Self { variant, name, version, sha256 } = self;
        let variant = (!variant.is_empty()).then_some(("variant", variant));
        let entries =
            variant.into_iter().chain([("name", name), ("version", version), ("sha256", sha256)]);
        let lines = entries.map(|(key, value)| format!("{key} = {}\n", picks::toml(value)));
        format!("\n[[pipelines]]\n{}", lines.collect::<String>())
    }
}

impl LockedModel {
    /// Whichever hub is asked: another one has the same commit, or not that model.
    pub(super) fn is_of(&self, variant: &str, hub: &Hub) -> bool {
        self.variant == variant
            && self.name == hub.name()
            && self.revision == hub.revision
            && self.asked == hub.files
    }

    /// A table of the file, each of the model's files on a line.
    pub(super) fn text(&self) -> String {
        let toml = picks::toml;
        let mut text = "\n[[models]]\n".to_owned();
        let mut line = |key: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key} = {}", toml(value));
        };
        if !self.variant.is_empty() {
            line("variant", &self.variant);
        }
        line("name", &self.name);
        line("revision", &self.revision);
        line("commit", &self.listing.commit);
        if let Some(license) = &self.listing.license {
            line("license", license);
        }
        if !self.asked.is_empty() {
            let asked = self.asked.iter().map(|pattern| toml(pattern)).collect::<Vec<_>>();
            let _ = writeln!(text, "asked = [{}]", asked.join(", "));
        }
        text.push_str("files = [\n");
        for File { path, size, checksum } in &self.listing.files {
            let kind = match checksum {
                Checksum::Sha256(_) => "sha256",
                Checksum::Git(_) => "git",
            };
            let (path, hex) = (toml(path), toml(checksum.hex()));
            let _ = writeln!(text, "  {{ path = {path}, size = {size}, {kind} = {hex} }},");
        }
        text.push_str("]\n");
        text
    }
}
