//! What a lock comes to, whatever tool wrote it.

use std::collections::BTreeSet;

use llb::Location;

use super::local::{self, Entry, Local};
use crate::{
    mistake::{Findings, Mistake, Mistakes},
    url::Url,
};

/// The index that is asked where nothing says another, and the host that has its files.
pub(super) const PYPI: &str = "https://pypi.org/simple";
const PYPI_FILES: &str = "files.pythonhosted.org";

/// The forms of a source on an index, the usual one first.
pub(super) const SDISTS: [&str; 6] = [".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz", ".tar"];

/// Everything that is installed in one environment, decided: sorted by name, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The packages.
    pub packages: Vec<Package>,
    /// What is needed and is code, not installed from anywhere.
    pub local: Vec<Local>,
    /// Whether it says which packages need which; what it says may be that none needs any.
    pub says_needs: bool,
}

/// One package of a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name, normalised (PEP 503).
    pub name: String,
    /// Its version; of a source tree, the lock need not know.
    pub version: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// The index that it is on, if the lock says so and its files have no URLs.
    pub index: Option<String>,
    /// Its line in the lock.
    pub location: Option<Location>,
    /// The packages that it needs, where the lock says so; normalised names.
    pub needs: BTreeSet<String>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A release on an index: its files.
    Release {
        /// Those for any environment that the lock is for.
        wheels: Vec<File>,
        /// The source.
        sdist: Option<File>,
    },
    /// A release on an index of which the lock names no files: any with one of these hashes,
    /// `sha256:…`.
    Hashes(BTreeSet<String>),
    /// `name @ https://…`: a wheel, or an archive of sources.
    Archive {
        /// The file.
        file: File,
        /// The folder in it that is the package.
        subdirectory: Option<String>,
    },
    /// A commit of a git repository.
    Git {
        /// The repository's URL, without `git+`.
        url: String,
        /// The full commit.
        commit: String,
        /// The folder in it that is the package.
        subdirectory: Option<String>,
    },
}

impl Package {
    /// Whether the lock does not say where its files are.
    pub fn is_unlocated(&self) -> bool {
        matches!(self.source, Source::Hashes(_)) || self.files().any(|file| file.url.is_none())
    }

    /// Refuses what the lock does not say where it is, or that could be any file.
    ///
    /// # Errors
    ///
    /// One mistake, on its line.
    pub fn check_files(&self) -> Result<(), Mistake> {
        if self.is_unlocated() {
            return Err(self.unlocated());
        }
        let checked = self.files().try_for_each(File::has_hash);
        checked.map_err(|mistake| Mistake { location: self.location.clone(), ..mistake })
    }

    /// That nothing says where its files are.
    pub fn unlocated(&self) -> Mistake {
        let mistake = Mistake::new(format!("the lock does not say where `{}` is", self.name));
        Mistake { location: self.location.clone(), ..mistake }
    }

    /// The hashes that the lock has, of any of its files.
    fn hashes(&self) -> BTreeSet<&String> {
        match &self.source {
            Source::Hashes(hashes) => hashes.iter().collect(),
            _ => self.files().flat_map(|file| &file.hashes).collect(),
        }
    }

    /// The files that the lock names.
    fn files(&self) -> impl Iterator<Item = &File> {
        let (wheels, other) = match &self.source {
            Source::Release { wheels, sdist } => (&wheels[..], sdist.as_ref()),
            Source::Archive { file, .. } => (&[][..], Some(file)),
            Source::Hashes(_) | Source::Git { .. } => (&[][..], None),
        };
        wheels.iter().chain(other)
    }
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name: what a wheel's tags are read from.
    pub name: String,
    /// Its URL; poetry.lock has none.
    pub url: Option<String>,
    /// Its hashes, `sha256:…` and stronger ones.
    pub hashes: BTreeSet<String>,
    /// Its size in bytes, if the lock has it.
    pub size: Option<u64>,
}

impl Source {
    /// A release, of all its files together.
    pub(super) fn release(files: Vec<File>) -> Result<Self, Mistake> {
        let (wheels, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.name.ends_with(".whl"));
        if wheels.is_empty() && others.is_empty() {
            return Err(Mistake::new("the lock names no files of it").help("lock again"));
        }
        // An old release may have several, and installers for other systems beside them.
        let sdist = SDISTS
            .iter()
            .find_map(|ending| others.iter().find(|file| file.name.ends_with(ending)).cloned());
        Ok(Self::Release { wheels, sdist })
    }
}

impl Lock {
    /// What has to be looked up on an index, because the lock does not say where its files are:
    /// `name==version`, with the hashes that the lock has for it.
    pub fn unlocated(&self) -> Vec<String> {
        let unlocated = self.packages.iter().filter(|package| package.is_unlocated());
        let pin = |package: &Package| {
            let hashes = package.hashes().into_iter().map(|hash| format!(" --hash={hash}"));
            let hashes: String = hashes.collect();
            Some(format!("{}=={}{hashes}", package.name, package.version.as_ref()?))
        };
        unlocated.filter_map(pin).collect()
    }

    /// The same lock, `made` with an index, for a build that asks another in its place; PyPI is meant
    /// where none is given. The other may be all that the build can reach, and has the same files at
    /// URLs of its own: they are to be looked up. What the lock has from elsewhere stays where it is.
    #[must_use]
    pub fn asked_of(mut self, index: Option<&str>, made: Option<&str>) -> Self {
        let [index, made] = [index, made].map(|index| index.unwrap_or(PYPI));
        if index == made {
            return self;
        }
        let of_made = if made == PYPI { None } else { host(made) };
        let of_pypi = (index != PYPI).then_some(PYPI_FILES);
        let is_moved = |file: &File| {
            let host = file.url.as_deref().and_then(host).filter(|_| !file.hashes.is_empty());
            host.is_some() && (host == of_made || host == of_pypi)
        };
        for package in &mut self.packages {
            let Source::Release { wheels, sdist } = &mut package.source else { continue };
            for file in wheels.iter_mut().chain(sdist).filter(|file| is_moved(file)) {
                file.url = None;
            }
        }
        self
    }

    /// The indexes that it names for what has to be looked up.
    pub fn indexes(&self) -> BTreeSet<String> {
        self.packages.iter().filter_map(|package| package.index.clone()).collect()
    }

    /// The same lock, with the files that `found` has for it, and what these turned out to need. Of
    /// the files, only those are taken that have one of the lock's hashes.
    #[must_use]
    pub fn located(mut self, found: &Self) -> Self {
        // Of what was not looked up, it says no more than before.
        self.says_needs |= found.says_needs && self.packages.iter().all(|one| found.has(&one.name));
        for package in &mut self.packages {
            let other = found.packages.iter().find(|other| other.name == package.name);
            package.needs.extend(other.into_iter().flat_map(|other| other.needs.iter().cloned()));
            if matches!(package.source, Source::Archive { .. } | Source::Git { .. }) {
                continue;
            }
            let known = package.hashes();
            let is_known = |file: &&File| file.hashes.iter().any(|hash| known.contains(hash));
            // Not every index tells how large a file is.
            let size = |file: &File| {
                let same = package.files().find(|own| !own.hashes.is_disjoint(&file.hashes));
                file.size.or_else(|| same?.size)
            };
            let taken = |file: &File| File { size: size(file), ..file.clone() };
            if let Some(Source::Release { wheels, sdist }) = other.map(|other| &other.source) {
                let wheels = wheels.iter().filter(is_known).map(taken).collect();
                let sdist = sdist.iter().find(is_known).map(taken);
                package.source = Source::Release { wheels, sdist };
            }
        }
        self
    }

    /// Whether a package is in it.
    pub fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// What was read as a lock, if nothing was found wrong: sorted, and no package twice. Whether it
    /// says what packages need is for its reader to tell.
    pub(super) fn new(entries: Vec<Entry>, mut findings: Findings) -> Result<Self, Mistakes> {
        let (mut packages, local) = local::divide(entries);
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in packages.windows(2) {
            let [first, second] = pair else { continue };
            if first.name != second.name {
                continue;
            }
            let version = |package: &Package| package.version.clone().unwrap_or_default();
            let words = format!(
                "the lock has `{}` twice for this environment: {} and {}",
                first.name,
                version(first),
                version(second),
            );
            let mistake = Mistake::new(words).help("lock again: one environment takes one of them");
            match &second.location {
                Some(location) => findings.at(location.lines, mistake),
                None => findings.add(mistake),
            }
        }
        findings.or(Self { packages, local, says_needs: false })
    }
}

fn host(url: &str) -> Option<&str> {
    Url::parse(url).map(|url| url.host())
}
