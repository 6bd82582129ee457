//! `strata.lock`: what a build came to, so that the next one comes to the same.
//!
//! It has an entry for each image that a manifest can make: for each platform, variant and for
//! development. One whose base or requirements have changed since is stale: its versions are
//! then what the resolver prefers.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use llb::{Location, SourceFile};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use toml::Spanned;

use crate::{
    environment::Environment,
    lock::{self, Document, Kind, Lock, Tags},
    manifest::values,
    mistake::{Mistake, Mistakes, quote},
    models::{Checksum, File, Listing},
    picks,
    plan::Pick,
    recipe::{Hub, Pipeline, Recipe},
    requirements::{InstallSet, Options, Selection, normalize},
};

/// The format that this version reads and writes.
const VERSION: i64 = 1;

/// What to do about a lock that cannot be used.
const RENEW: &str = "make it anew: take the file away, and build with `--target lock --output .`";

/// The one target that an entry names: production has none.
const DEV: &str = "dev";

/// What a package of an image begins with.
const PACKAGE: &str = "[[images.packages]]";

const HEAD: &str = "\
# What builds of the manifest beside this file came to. Kept by
# `docker buildx build --target lock --output . …`; commit it, and builds come to the same.
";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StrataLock {
    entries: BTreeMap<Key, Entry>,
    models: Vec<LockedModel>,
    pipelines: Vec<LockedPipeline>,
}

/// What a model of a hub came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct LockedModel {
    /// The variant; empty for none.
    #[serde(default)]
    variant: String,
    /// As the manifest names it: `org/name`, `datasets/org/name`.
    name: String,
    /// The branch, tag or commit that was asked for.
    revision: String,
    /// The patterns of files that were asked for.
    #[serde(default)]
    asked: Vec<String>,
    /// What they came to.
    #[serde(flatten)]
    listing: Listing,
}

/// What a pipeline of spaCy's came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct LockedPipeline {
    /// The variant; empty for none.
    #[serde(default)]
    variant: String,
    /// Its package.
    name: String,
    /// The release.
    version: String,
    /// Of its wheel, wherever that is from: 64 hexadecimal digits.
    sha256: String,
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

/// What an image came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The base, as the manifest names it.
    pub base: String,
    /// What that was: `sha256:…`.
    pub digest: Option<String>,
    /// What was asked for, by [`asked`].
    pub asked: String,
    /// The Python that it was for, as markers have it: `3.12`. Not known of locks of before it was
    /// noted.
    pub python: Option<String>,
    /// The packages, in the words of PEP 751.
    packages: String,
    pins: Vec<Pin>,
}

/// A package of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pin {
    name: String,
    version: Option<String>,
    /// Its line, if the entry was read.
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Text {
    version: Spanned<i64>,
    #[serde(default)]
    images: Vec<Image>,
    #[serde(default)]
    models: Vec<LockedModel>,
    #[serde(default)]
    pipelines: Vec<Spanned<LockedPipeline>>,
}

#[derive(Deserialize)]
struct Image {
    platform: String,
    #[serde(default)]
    variant: String,
    target: Option<Spanned<String>>,
    base: String,
    digest: Option<String>,
    asked: String,
    python: Option<String>,
    #[serde(default)]
    packages: Vec<Spanned<toml::Table>>,
}

impl StrataLock {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it is not one, or of another version.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, Mistakes> {
        let renew = |mistakes: Mistakes| {
            Mistakes(mistakes.0.into_iter().map(|mistake| mistake.help(RENEW)).collect())
        };
        let document = Document::new(file).map_err(renew)?;
        let text: Text = document.parse().map_err(renew)?;
        if *text.version.get_ref() != VERSION {
            let words = format!("version {} of the lock is not known here", text.version.get_ref());
            let mistake = Mistake::at(file, document.lines(&text.version.span()), words);
            return Err(Mistakes(vec![mistake.help(RENEW)]));
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
        if !wrong.is_empty() {
            return Err(Mistakes(wrong));
        }
        let entries = text.images.into_iter().map(|image| read(image, &document));
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
            if let Some(python) = &entry.python {
                line("python", python);
            }
            text.push_str(&entry.packages);
        }
        text.extend(self.models.iter().map(LockedModel::text));
        text.extend(self.pipelines.iter().map(LockedPipeline::text));
        text
    }
}

impl LockedPipeline {
    /// A table of the file.
    fn text(&self) -> String {
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
    fn is_of(&self, variant: &str, hub: &Hub) -> bool {
        self.variant == variant
            && self.name == hub.name()
            && self.revision == hub.revision
            && self.asked == hub.files
    }

    /// A table of the file, each of the model's files on a line.
    fn text(&self) -> String {
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

impl Entry {
    /// What an image came to.
    pub fn new(
        base: &str,
        digest: Option<String>,
        asked: String,
        environment: &Environment,
        picks: &[Pick],
    ) -> Self {
        let package = |pick: &Pick| format!("\n{PACKAGE}\n{}", picks::entries(pick));
        let pin = |pick: &Pick| Pin {
            name: pick.name.clone(),
            version: pick.version.clone(),
            location: None,
        };
        Self {
            base: base.to_owned(),
            digest,
            asked,
            python: Some(environment.python_series()),
            packages: picks.iter().map(package).collect(),
            pins: picks.iter().map(pin).collect(),
        }
    }

    /// Whether it is what these requirements came to, on the recipe's base.
    pub fn is_fresh(&self, recipe: &Recipe, requirements: &InstallSet) -> bool {
        self.base == recipe.base.value && self.asked == asked(recipe, requirements)
    }

    /// Its packages as what a resolver is to prefer: `name==version`.
    pub fn preferences(&self) -> Vec<String> {
        let pin = |pin: &Pin| Some(format!("{}=={}", pin.name, pin.version.as_ref()?));
        self.pins.iter().filter_map(pin).collect()
    }

    /// Its packages as a lock.
    ///
    /// # Errors
    ///
    /// When someone has changed the file so that they are none.
    pub fn lock(&self, environment: &Environment) -> Result<Lock, Mistakes> {
        let file = Arc::new(SourceFile {
            name: String::new(),
            language: "TOML".to_owned(),
            data: format!("lock-version = \"1.0\"\ncreated-by = \"strata\"\n{}", self.packages)
                .replace(PACKAGE, "[[packages]]")
                .into(),
        });
        let mut lock =
            lock::read(&file, Kind::Pylock, None, &[], &Selection::default(), environment)
                .map_err(|mistakes| self.renew(mistakes))?;
        let checked = lock.packages.iter().map(lock::Package::check_files);
        let mistakes: Vec<Mistake> = checked.filter_map(Result::err).collect();
        if !mistakes.is_empty() {
            return Err(self.renew(Mistakes(mistakes)));
        }
        for package in &mut lock.packages {
            let pin = self.pins.iter().find(|pin| normalize(&pin.name) == package.name);
            package.location = pin.and_then(|pin| pin.location.clone());
        }
        // It is of a resolution, and writes what is needed only where something is.
        Ok(Lock { says_needs: true, ..lock })
    }

    /// Whether it is for an environment, and each of its packages can be installed there: a base of
    /// the same name may have another Python by now, for which other packages may be needed.
    ///
    /// # Errors
    ///
    /// As [`Entry::lock`].
    pub fn fits(&self, environment: &Environment, options: &Options) -> Result<bool, Mistakes> {
        let (lock, tags) = (self.lock(environment)?, Tags::of(environment));
        let is_its = self.python.as_ref().is_none_or(|it| *it == environment.python_series());
        let fits = |package| lock::choose(package, &tags, environment, options).is_ok();
        Ok(is_its && lock.packages.iter().all(fits))
    }

    /// Mistakes in the packages on the lines of the file that they were read from.
    fn renew(&self, mistakes: Mistakes) -> Mistakes {
        let place = |mistake: Mistake| {
            let line = mistake.location.as_ref().map_or(0, |location| location.lines.start);
            let text = self.packages.lines().map(|line| line == PACKAGE);
            // Two lines are before them.
            let before = text.take(line.saturating_sub(2) as usize).filter(|is_head| *is_head);
            let pin = before.count().checked_sub(1).and_then(|index| self.pins.get(index));
            let location = pin.and_then(|pin| pin.location.clone());
            Mistake { location, ..mistake }.help(RENEW)
        };
        Mistakes(mistakes.0.into_iter().map(place).collect())
    }
}

/// An image of the file.
fn read(image: Image, document: &Document<'_>) -> Result<(Key, Entry), Mistakes> {
    let dev = image.target.as_ref().is_some_and(|target| target.get_ref() == DEV);
    if let Some(target) = image.target.filter(|_| !dev) {
        let words = format!("the target {} is not known here", quote(target.get_ref()));
        let location = Some(document.location(&target.span()));
        return Err(Mistakes(vec![Mistake { location, ..Mistake::new(words).help(RENEW) }]));
    }
    let key = Key { platform: image.platform, variant: image.variant, dev };
    let mut pins = Vec::new();
    let mut packages = String::new();
    for package in image.packages {
        let location = document.location(&package.span());
        let package = package.into_inner();
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let (name, version) = (text("name"), text("version"));
        let Some(name) = name else {
            let mistake = Mistake::new("a package has no `name`").help(RENEW);
            return Err(Mistakes(vec![Mistake { location: Some(location), ..mistake }]));
        };
        pins.push(Pin { name, version, location: Some(location) });
        packages.push_str(&format!("\n{PACKAGE}\n{}", inline(&package)));
    }
    let Image { base, digest, asked, python, .. } = image;
    Ok((key, Entry { base, digest, asked, python, packages, pins }))
}

/// A package's keys, a line each, as [`picks::entries`] writes them.
fn inline(package: &toml::Table) -> String {
    let order = ["name", "version", "dependencies", "wheels", "sdist", "archive", "vcs"];
    let entry = |key: &&str| package.get(*key).map(|value| format!("{key} = {}\n", shown(value)));
    order.iter().filter_map(entry).collect()
}

fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => picks::toml(text),
        toml::Value::Array(values) => {
            format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        toml::Value::Table(table) => {
            let order = ["name", "type", "url", "commit-id", "subdirectory", "size", "hashes"];
            let place = |key: &str| order.iter().position(|known| *known == key);
            let mut entries: Vec<(&String, &toml::Value)> = table.iter().collect();
            entries.sort_by_key(|(key, _)| place(key));
            let entries = entries.iter().map(|(key, value)| format!("{key} = {}", shown(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        toml::Value::Integer(number) => number.to_string(),
        // A lock has nothing else.
        _ => "\"\"".to_owned(),
    }
}

/// What is asked for, as one text: a lock is fresh as long as it stays the same.
pub fn asked(recipe: &Recipe, requirements: &InstallSet) -> String {
    let mut hash = Sha256::new();
    let python = &recipe.python;
    for text in [
        requirements.requirements_text(),
        requirements.constraints_text(),
        requirements.options_text(),
        python.indexes.torch.clone().unwrap_or_default(),
        python.system_site_packages.to_string(),
    ] {
        hash.update(text);
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
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
