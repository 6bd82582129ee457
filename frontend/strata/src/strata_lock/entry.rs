//! What the lock says of an image.

use std::sync::Arc;

use gateway::ImageName;
use llb::{Location, SourceFile};
use serde::Deserialize;
use toml::Spanned;

use super::{DEV, Key, RENEW};
use crate::{
    environment::Environment,
    facts::{Pick, Probe},
    lock::{self, Document, Kind, Lock, Tags},
    mistake::{Mistake, Mistakes, quote},
    picks,
    recipe::Recipe,
    requirements::{InstallSet, Selection, normalize},
    sha256,
};

/// What a package of an image begins with.
const PACKAGE: &str = "[[images.packages]]";

/// What an image came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The base, as the manifest names it.
    pub base: String,
    /// What that was: `sha256:…`.
    pub digest: Option<String>,
    /// What was asked for, by [`asked`].
    pub asked: String,
    /// The index that was in PyPI's place.
    pub index: Option<String>,
    /// The Python that it was for, as markers have it: `3.12`. Not known of locks of before it was
    /// noted.
    pub python: Option<String>,
    /// What the base's own packages were known by; none where they did not count as installed.
    pub installed: Option<String>,
    /// The packages, in the words of PEP 751.
    pub(super) packages: String,
    pins: Vec<Pin>,
}

/// What of a base an entry of it is not for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Its Python.
    Python(Environment),
    /// Its packages, which count as installed.
    Installed,
    /// Packages that count as installed, of which it says nothing: it is older than the key, or
    /// none did when it was made.
    Unnoted,
}

impl Misfit {
    /// What is wrong with the lock of a name.
    pub fn told(&self, lock: &str) -> String {
        match self {
            Self::Python(environment) => {
                format!("packages of {lock} are not for the base, {environment}")
            }
            Self::Installed => {
                format!("packages of {lock} are not for what the base has installed by now")
            }
            Self::Unnoted => format!("{lock} does not note what the base has installed"),
        }
    }
}

/// A package of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pin {
    name: String,
    version: Option<String>,
    /// Its line, if the entry was read.
    location: Option<Location>,
}

/// An image as the file has it.
#[derive(Deserialize)]
pub(super) struct Image {
    platform: String,
    #[serde(default)]
    variant: String,
    target: Option<Spanned<String>>,
    base: String,
    digest: Option<String>,
    asked: String,
    index: Option<String>,
    python: Option<String>,
    installed: Option<String>,
    #[serde(default)]
    packages: Vec<Spanned<toml::Table>>,
}

impl Entry {
    /// What an image came to.
    pub fn new(
        base: &str,
        digest: Option<String>,
        asked: String,
        index: Option<&str>,
        probe: &Probe,
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
            index: index.map(str::to_owned),
            python: Some(probe.environment().python_series()),
            installed: probe.packages.clone(),
            packages: picks.iter().map(package).collect(),
            pins: picks.iter().map(pin).collect(),
        }
    }

    /// Whether it is of a base, be it by the name that another registry has for it: its digest says
    /// what that must be. Without one, a name is all that is known.
    pub fn is_on(&self, base: &str) -> bool {
        let is_mirrored = || {
            let [own, other] = [&self.base, base].map(ImageName::parse);
            own.is_ok_and(|own| other.is_ok_and(|other| own.is_mirrored(&other)))
        };
        self.base == base || (self.digest.is_some() && is_mirrored())
    }

    /// Whether it is what these requirements came to, on the recipe's base.
    pub fn is_fresh(&self, recipe: &Recipe, requirements: &InstallSet) -> bool {
        self.is_on(&recipe.base.value) && self.asked == asked(recipe, requirements)
    }

    /// Its packages as what a resolver is to prefer: `name==version`.
    pub fn preferences(&self) -> Vec<String> {
        let pin = |pin: &Pin| Some(format!("{}=={}", pin.name, pin.version.as_ref()?));
        self.pins.iter().filter_map(pin).collect()
    }

    /// Its packages as a lock, for a build of these requirements: files that were on another index are
    /// to be looked up.
    ///
    /// # Errors
    ///
    /// When someone has changed the file so that they are none.
    pub fn lock(
        &self,
        environment: &Environment,
        requirements: &InstallSet,
    ) -> Result<Lock, Mistakes> {
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
        let lock = Lock { says_needs: true, ..lock };
        Ok(lock.asked_of(requirements.index(), self.index.as_deref()))
    }

    /// What of a base it is not for, if anything. One of the same name may have another Python by
    /// now, for which other packages may be needed or some have no file; or have other packages.
    ///
    /// # Errors
    ///
    /// As [`Entry::lock`].
    pub fn misfit(
        &self,
        probe: &Probe,
        requirements: &InstallSet,
    ) -> Result<Option<Misfit>, Mistakes> {
        let environment = probe.environment();
        let (lock, tags) = (self.lock(&environment, requirements)?, Tags::of(&environment));
        let options = requirements.options();
        let is_its = self.python.as_ref().is_none_or(|it| *it == environment.python_series());
        let fits = |package| lock::choose(package, &tags, &environment, options).is_ok();
        Ok(if !(is_its && lock.packages.iter().all(fits)) {
            Some(Misfit::Python(environment))
        } else if self.installed == probe.packages {
            None
        } else if self.installed.is_none() {
            Some(Misfit::Unnoted)
        } else {
            Some(Misfit::Installed)
        })
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

/// An entry of the file.
pub(super) fn read(image: Image, document: &Document<'_>) -> Result<(Key, Entry), Mistakes> {
    let dev = image.target.as_ref().is_some_and(|target| target.get_ref() == DEV);
    if let Some(target) = image.target.filter(|_| !dev) {
        let words = format!("the target {} is not known here", quote(target.get_ref()));
        let location = Some(document.location(&target.span()));
        return Err(Mistake { location, ..Mistake::new(words).help(RENEW) }.into());
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
            return Err(Mistake { location: Some(location), ..mistake }.into());
        };
        pins.push(Pin { name, version, location: Some(location) });
        packages.push_str(&format!("\n{PACKAGE}\n{}", inline(&package)));
    }
    let Image { base, digest, asked, index, python, installed, .. } = image;
    Ok((key, Entry { base, digest, asked, index, python, installed, packages, pins }))
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

/// What is asked for, as one text: a lock is fresh as long as it stays the same. The index in PyPI's
/// place is no part of it, as it may be one on a laptop and another in CI: packages are known by their
/// hashes, wherever they are. An index beside it is, as it has other packages.
pub fn asked(recipe: &Recipe, requirements: &InstallSet) -> String {
    let python = &recipe.python;
    let texts = [
        requirements.requirements_text(),
        requirements.constraints_text(),
        requirements.wishes_text(),
        python.indexes.torch.clone().unwrap_or_default(),
        python.system_site_packages.to_string(),
    ];
    format!("sha256:{}", sha256::hex(texts.map(|text| text + "\0").concat()))
}
