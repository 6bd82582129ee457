//! What is to be installed on a platform: as a lock says, or as the requirements resolve.

use std::sync::Arc;

use gateway::Error;
use llb::{Platform, SourceFile, State};

use super::Build;
use crate::{
    facts::{Base, Bill, Building, Packages, Probe, Resolution},
    in_image::{LOCK, UNBUILT, VENV},
    inputs::{Demand, Inputs},
    lock::{self, Kind, Lock},
    mistake::Mistakes,
    picks, plan,
    requirements::Selection,
    strata_lock::{Entry, Key},
};

/// The packages of a platform before they are chosen from.
pub(super) enum Locked {
    /// There are none.
    Nothing,
    /// As `strata.lock` has them.
    Kept(Entry),
    /// As they were resolved.
    Resolved(Resolved),
    /// As another tool's lock has them.
    Own,
}

/// A lock as it was resolved, and by what.
pub(super) struct Resolved {
    resolution: Resolution,
    file: Arc<SourceFile>,
    /// The layers that were read before that one.
    earlier: Vec<State>,
}

impl Build<'_> {
    /// What people's files ask for.
    pub(super) async fn demand(&self) -> Result<&Demand, Error> {
        let read = async || {
            let mut inputs = Inputs::new(self.recipe);
            loop {
                let pending = inputs.pending();
                if pending.is_empty() {
                    return Ok(inputs.demand(self.recipe)?);
                }
                for (path, text) in self.read_inputs(pending).await? {
                    match text {
                        Some(text) => inputs.supply(path, text),
                        None => inputs.missing(path, "there is no such file"),
                    }
                }
            }
        };
        self.demand.get_or_try_init(read).await
    }

    /// What the base's Python is, and the packages for it.
    pub(super) async fn locked(&self, base: &Base) -> Result<(Probe, Locked), Error> {
        let probe = async {
            let probe = self.probe(base).await?;
            self.demand().await?.check_python(&probe.environment())?;
            Ok(probe)
        };
        tokio::try_join!(probe, self.lock(base))
    }

    /// The requirements of a base's packages resolved, now or by `strata.lock`.
    async fn lock(&self, base: &Base) -> Result<Locked, Error> {
        let demand = self.demand().await?;
        if demand.lock.is_some() {
            if base.brings_venv() {
                return Err(self.lock_on_environment());
            }
            return Ok(Locked::Own);
        }
        if demand.requirements.is_empty() {
            return Ok(Locked::Nothing);
        }
        let requirements = demand.requirements.clone();
        let resolution = Resolution { requirements, ..Resolution::default() };
        let requirements = &resolution.requirements;
        let entry = self.entry(&base.platform);
        let mut misfit = None;
        if let Some(entry) = entry.filter(|entry| entry.is_fresh(self.recipe, requirements)) {
            misfit = entry.misfit(&self.probe(base).await?, requirements)?;
            if misfit.is_none() {
                return Ok(Locked::Kept(entry.clone()));
            }
        }
        if let Some(notice) = self.lock_notice(&base.platform, requirements, misfit.as_ref()) {
            self.warn(notice).await;
        }
        let key = self.key(&base.platform);
        let nearest = self.lock_file.as_ref().and_then(|lock| lock.nearest(&key));
        let preferences = nearest.map(Entry::preferences).unwrap_or_default();
        let resolution = Resolution { preferences, ..resolution };
        let (resolution, mut earlier) = self.on_top_of_production(base, resolution).await?;
        let resolved = self.resolve(base, resolution).await?;
        earlier.extend(resolved.earlier);
        Ok(Locked::Resolved(Resolved { earlier, ..resolved }))
    }

    /// What is wrong with a lock on a base whose environment goes on.
    fn lock_on_environment(&self) -> Error {
        let base = &self.recipe.base.value;
        let message = format!(
            "{base} has an environment at {VENV}, which goes on, and a lock is of a whole one"
        );
        let lock = self.recipe.python.lock.as_ref().map(|lock| self.location(lock.lines));
        Error::new(message)
            .help(Some("name what is to be added in `requirements` or `packages`"))
            .at(lock)
    }

    /// Development's packages are resolved on top of production's, whose versions are kept: with
    /// the layers that say which these are.
    async fn on_top_of_production(
        &self,
        base: &Base,
        mut resolution: Resolution,
    ) -> Result<(Resolution, Vec<State>), Error> {
        let Some(production) = self.production else { return Ok((resolution, Vec::new())) };
        if production.demand().await?.requirements == resolution.requirements {
            return Ok((resolution, Vec::new()));
        }
        let (pins, layers) = match Box::pin(production.lock(base)).await? {
            // A lock's groups are locked together.
            Locked::Nothing | Locked::Own => (Vec::new(), Vec::new()),
            Locked::Kept(entry) => (entry.preferences(), Vec::new()),
            Locked::Resolved(Resolved { resolution, file, mut earlier }) => {
                earlier.push(production.lock_layer(base, &resolution));
                (lock::pins(&file)?, earlier)
            }
        };
        resolution.requirements.constrain(pins);
        Ok((resolution, layers))
    }

    /// What `strata.lock` has for a platform.
    pub(super) fn entry(&self, platform: &Platform) -> Option<&Entry> {
        self.lock_file.as_ref()?.entry(&self.key(platform))
    }

    pub(super) fn key(&self, platform: &Platform) -> Key {
        Key {
            platform: platform.to_string(),
            variant: self.recipe.variant.clone(),
            dev: self.production.is_some(),
        }
    }

    /// Resolves without a toolchain. Where that cannot tell what a package needs, with it; where
    /// there is none, once more, so that what fails is told and not kept.
    async fn resolve(&self, base: &Base, resolution: Resolution) -> Result<Resolved, Error> {
        let first = Resolution { building: Building::Deferred, ..resolution.clone() };
        let attempt = self.lock_layer(base, &first);
        if let Some(resolved) = self.try_to_resolve(base, first).await? {
            return Ok(resolved);
        }
        let building = match self.recipe.system.build {
            Some(_) => Building::WithToolchain,
            None => Building::Without,
        };
        let second = Resolution { building, ..resolution };
        let resolved = self.try_to_resolve(base, second).await.map_err(|error| {
            let help = "a package has to be built to tell what it needs: name the compilers and \
                        libraries that it wants in `system.build`, and variables in `python.env`";
            error.help((building == Building::Without).then(|| help.to_owned()))
        })?;
        let resolved = resolved
            .ok_or_else(|| Error::new(format!("the resolver left neither {LOCK} nor an error")))?;
        Ok(Resolved { earlier: vec![attempt], ..resolved })
    }

    fn lock_layer(&self, base: &Base, resolution: &Resolution) -> State {
        plan::lock(self.recipe, &self.settings, base, resolution)
    }

    /// None if it takes a toolchain.
    async fn try_to_resolve(
        &self,
        base: &Base,
        resolution: Resolution,
    ) -> Result<Option<Resolved>, Error> {
        let layer = self.lock_layer(base, &resolution);
        let reference = self.gateway.solve(&layer.definition()).await?;
        let data = match self.gateway.read_file(&reference, LOCK).await {
            Ok(data) => data,
            Err(error) if error.is_not_found() => {
                self.gateway.read_start(&reference, UNBUILT, 1).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let name = "the lock that was resolved".to_owned();
        let file = Arc::new(SourceFile { name, language: "TOML".to_owned(), data });
        Ok(Some(Resolved { resolution, file, earlier: Vec::new() }))
    }

    /// A lock, with what it does not say where it is looked up on the indexes, by its hashes.
    async fn look_up(
        &self,
        base: &Base,
        lock: Lock,
        read: impl Fn(&Arc<SourceFile>) -> Result<Lock, Mistakes>,
    ) -> Result<(Lock, Option<Resolved>), Error> {
        let pins = lock.unlocated();
        if pins.is_empty() {
            return Ok((lock, None));
        }
        let mut requirements = self.demand().await?.requirements.only(pins);
        requirements.add_indexes(None, lock.indexes(), []);
        let resolution = Resolution { requirements, no_deps: true, ..Resolution::default() };
        let resolved = self.resolve(base, resolution).await?;
        Ok((lock.located(&read(&resolved.file)?), Some(resolved)))
    }

    /// The packages for a platform, each with the file that it is installed from.
    pub(super) async fn packages(
        &self,
        base: &Base,
        probe: &Probe,
        locked: Locked,
    ) -> Result<Packages, Error> {
        let environment = probe.environment();
        let demand = self.demand().await?;
        let read = |file: &Arc<SourceFile>| {
            lock::read(file, Kind::Pylock, None, &[], &Selection::default(), &environment)
        };
        let is_locked = matches!(locked, Locked::Own | Locked::Kept(_));
        let (lock, resolved) = match locked {
            Locked::Nothing => return Ok(Packages::default()),
            Locked::Kept(entry) => {
                self.look_up(base, entry.lock(&environment, &demand.requirements)?, read).await?
            }
            Locked::Resolved(resolved) => {
                // A resolution says what needs what, even where nothing needs anything.
                let found = Lock { says_needs: true, ..read(&resolved.file)? };
                let blame = |mistakes| self.recipe.blame_selection(mistakes);
                let pinned = lock::pinned(&demand.requirements, &environment).map_err(blame)?;
                let lock = match pinned {
                    Some(pinned) => pinned.completed(&found).map_err(blame)?,
                    None => found,
                };
                (lock, Some(resolved))
            }
            Locked::Own => {
                let lock = demand.own_lock(self.recipe, &environment)?.unwrap_or_default();
                self.look_up(base, lock, read).await?
            }
        };
        let requirements = &demand.requirements;
        let picks =
            picks::picks(&lock, &lock.packages, self.recipe, requirements.options(), &environment)?;
        // Of a lock, only what had to be looked up was resolved.
        let stated = (is_locked || resolved.is_none()).then(|| Bill::Stated(picks::bill(&picks)));
        let (resolved, earlier) = match resolved {
            Some(it) => (Some(Bill::Resolved(it.resolution.into())), it.earlier),
            None => (None, Vec::new()),
        };
        let bills = resolved.into_iter().chain(stated).collect();
        let is_flat = !lock.says_needs;
        let options = requirements.build_options_text();
        let build_constraints = requirements.build_constraints_text();
        let local = lock.local;
        Ok(Packages { picks, is_flat, local, bills, earlier, options, build_constraints })
    }
}
