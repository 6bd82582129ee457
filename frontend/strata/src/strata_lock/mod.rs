//! `strata.lock`: what a build came to, so that the next one comes to the same.
//!
//! It has an entry for each image that a manifest can make: for each platform, variant and for
//! development. One whose base or requirements have changed since is stale: its versions are
//! then what the resolver prefers.

mod entry;
mod models;

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use llb::SourceFile;
use serde::Deserialize;
use toml::Spanned;

pub use self::entry::{Entry, Misfit, asked};
use self::models::{LockedModel, LockedPipeline};
use crate::{
    facts::ModelFacts,
    listing::Listing,
    lock::Document,
    manifest::values,
    mistake::{Mistake, Mistakes},
    picks,
    recipe::{Hub, Model, Pipeline, Source, SpacyRelease},
};

/// The format that this version reads and writes.
const VERSION: i64 = 1;

/// What to do about a lock that cannot be used.
const RENEW: &str = "make it anew: take the file away, and build with `--target lock --output .`";

/// The one target that an entry names: production has none.
const DEV: &str = "dev";

const HEAD: &str = "\
# What builds of the manifest beside this file came to. Kept by `docker buildx build --target lock
# --output . …`, where `.` is this folder; commit it, and builds come to the same.
";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StrataLock {
    entries: BTreeMap<Key, Entry>,
    models: Vec<LockedModel>,
    pipelines: Vec<LockedPipeline>,
}

/// Which image an entry is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The platform: `linux/amd64`.
    pub platform: String,
    /// The variant; empty for none.
    pub variant: String,
    /// Whether `dev` is laid over.
    pub dev: bool,
}

#[derive(Deserialize)]
struct Text {
    version: Spanned<i64>,
    #[serde(default)]
    images: Vec<entry::Image>,
    #[serde(default)]
    models: Vec<LockedModel>,
    #[serde(default)]
    pipelines: Vec<Spanned<LockedPipeline>>,
}

impl StrataLock {
    /// Reads a file by its name and its content.
    ///
    /// # Errors
    ///
    /// When it is not one, or of another version.
    pub fn read(name: impl Into<String>, data: Vec<u8>) -> Result<Self, Mistakes> {
        let (name, language) = (name.into(), "TOML".to_owned());
        Self::parse(&Arc::new(SourceFile { name, language, data }))
    }

    fn parse(file: &Arc<SourceFile>) -> Result<Self, Mistakes> {
        let renew = |mistakes: Mistakes| {
            Mistakes(mistakes.0.into_iter().map(|mistake| mistake.help(RENEW)).collect())
        };
        let document = Document::new(file).map_err(renew)?;
        let text: Text = document.parse().map_err(renew)?;
        if *text.version.get_ref() != VERSION {
            let words = format!("version {} of the lock is not known here", text.version.get_ref());
            let mistake = Mistake::at(file, document.lines(&text.version.span()), words);
            return Err(mistake.help(RENEW).into());
        }
        let (mut pipelines, mut wrong) = (Vec::new(), Vec::new());
        for pipeline in text.pipelines {
            let lines = document.lines(&pipeline.span());
            let pipeline = pipeline.into_inner();
            match values::sha256(&pipeline.sha256) {
                Ok(sha256) => pipelines.push(LockedPipeline { sha256, ..pipeline }),
                Err(mistake) => wrong.push(mistake.about("sha256").on(file, lines).help(RENEW)),
            }
        }
        Mistakes(wrong).or(())?;
        let entries = text.images.into_iter().map(|image| entry::read(image, &document));
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, models: text.models, pipelines })
    }

    /// The entry of an image.
    pub fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entry that is most like what an image will come to: its own, that of development or
    /// production beside it, or that of another platform.
    pub fn nearest(&self, key: &Key) -> Option<&Entry> {
        let likeness = |other: &Key| {
            (other.variant == key.variant, other.platform == key.platform, other.dev == key.dev)
        };
        self.entries.iter().max_by_key(|(other, _)| likeness(other)).map(|(_, entry)| entry)
    }

    /// Sets an entry.
    pub fn set(&mut self, key: Key, entry: Entry) {
        self.entries.insert(key, entry);
    }

    /// What it says of a model. A pipeline whose checksum the manifest has needs nothing of it.
    pub fn facts(&self, variant: &str, model: &Model) -> Option<ModelFacts> {
        match &model.source {
            Source::Hub(hub) => self.model(variant, hub).cloned().map(ModelFacts::Locked),
            Source::Spacy(SpacyRelease { pipeline, sha256: None, .. }) => {
                self.pipeline(variant, pipeline).map(str::to_owned).map(ModelFacts::Pinned)
            }
            _ => None,
        }
    }

    /// What a model came to, if it was asked for in the same words.
    pub fn model(&self, variant: &str, hub: &Hub) -> Option<&Listing> {
        let found = self.models.iter().find(|model| model.is_of(variant, hub));
        found.map(|model| &model.listing)
    }

    /// Sets what the models of a variant came to; what it had before is forgotten.
    pub fn set_models<'a>(
        &mut self,
        variant: &str,
        models: impl IntoIterator<Item = (&'a Hub, Listing)>,
    ) {
        self.models.retain(|model| model.variant != variant);
        let models = models.into_iter().map(|(hub, listing)| LockedModel {
            variant: variant.to_owned(),
            name: hub.name(),
            revision: hub.revision.clone(),
            asked: hub.files.clone(),
            listing,
        });
        self.models.extend(models);
        self.models.sort_unstable();
        self.models.dedup();
    }

    /// The SHA-256 of a pipeline's wheel, if it is known.
    pub fn pipeline(&self, variant: &str, pipeline: &Pipeline) -> Option<&str> {
        let found = self.pipelines.iter().find(|it| {
            it.variant == variant && it.name == pipeline.name && it.version == pipeline.version
        });
        found.map(|found| found.sha256.as_str())
    }

    /// Sets the checksums of the wheels of a variant's pipelines; what it had before is forgotten.
    pub fn set_pipelines<'a>(
        &mut self,
        variant: &str,
        pipelines: impl IntoIterator<Item = (&'a Pipeline, String)>,
    ) {
        self.pipelines.retain(|it| it.variant != variant);
        let pipelines = pipelines.into_iter().map(|(pipeline, sha256)| LockedPipeline {
            variant: variant.to_owned(),
            name: pipeline.name.clone(),
            version: pipeline.version.clone(),
            sha256,
        });
        self.pipelines.extend(pipelines);
        self.pipelines.sort_unstable();
        self.pipelines.dedup();
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}version = {VERSION}\n");
        for (Key { platform, variant, dev }, entry) in &self.entries {
            let mut line = |key: &str, value: &str| {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{key} = {}", picks::toml(value));
            };
            line("\n[[images]]\nplatform", platform);
            if !variant.is_empty() {
                line("variant", variant);
            }
            if *dev {
                line("target", DEV);
            }
            line("base", &entry.base);
            if let Some(digest) = &entry.digest {
                line("digest", digest);
            }
            line("asked", &entry.asked);
            if let Some(index) = &entry.index {
                line("index", index);
            }
            if let Some(python) = &entry.python {
                line("python", python);
            }
            if let Some(installed) = &entry.installed {
                line("installed", installed);
            }
            text.push_str(&entry.packages);
        }
        text.extend(self.models.iter().map(LockedModel::text));
        text.extend(self.pipelines.iter().map(LockedPipeline::text));
        text
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.platform)?;
        if !self.variant.is_empty() {
            write!(f, " as variant {}", self.variant)?;
        }
        if self.dev { f.write_str(" for development") } else { Ok(()) }
    }
}

/// The name of the lock of a manifest: `strata.lock` of `strata.yaml`.
pub fn beside(manifest: &str) -> String {
    let stem = manifest.strip_suffix(".yaml").or_else(|| manifest.strip_suffix(".yml"));
    format!("{}.lock", stem.unwrap_or(manifest))
}
