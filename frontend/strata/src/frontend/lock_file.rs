//! `--target lock`: the manifest's `strata.lock`, in place of an image.

use futures_util::future::try_join_all;
use gateway::{BuildResult, Error, ImageName, PlatformResult, Reference};
use llb::{File, Meta, Platform, State};

use super::{Build, base::Found, packages::Locked};
use crate::{
    facts::ModelFacts,
    notice::Notice,
    plan::EPOCH,
    recipe::{Pipeline, Source, SpacyRelease},
    strata_lock::{Entry, StrataLock, asked},
};

impl Build<'_> {
    /// The lock of all platforms that are asked for, with what it had for others.
    pub(super) async fn lock_file(&self, dev: Option<&Self>) -> Result<BuildResult, Error> {
        self.refuse_several_nodes()?;
        let platforms = self.gateway.request().platforms();
        let builds = [Some(self), dev].into_iter().flatten();
        let all =
            platforms.iter().flat_map(|platform| builds.clone().map(move |it| (it, platform)));
        let entries = try_join_all(all.map(async |(build, platform)| {
            Ok::<_, Error>((build.key(platform), build.lock_entry(platform).await?))
        }));
        let (entries, (image, models)) = tokio::try_join!(entries, self.models())?;
        let listed = self.recipe.models.iter().zip(&models);
        let listed = listed.filter_map(|(model, facts)| match &model.source {
            Source::Hub(hub) => Some((hub, facts.listing()?.clone())),
            _ => None,
        });
        let mut lock = self.lock_file.cloned().unwrap_or_default();
        for (key, entry) in entries {
            lock.set(key, entry);
        }
        lock.set_models(&self.recipe.variant, listed);
        let sums = self.pipeline_sums(image.as_ref(), &models).await?;
        lock.set_pipelines(&self.recipe.variant, sums);
        self.warnings.check()?;
        let platform = platforms.into_iter().next();
        let platform = platform.ok_or_else(|| Error::new("no platform to lock for"))?;
        let reference = self.write(&lock).await?;
        // One file, however many platforms it is for.
        let result = PlatformResult { platform, reference, config: None, base_config: None };
        Ok(BuildResult::new(vec![result], false))
    }

    fn refuse_several_nodes(&self) -> Result<(), Error> {
        if !self.gateway.request().options.several_nodes {
            return Ok(());
        }
        let name = self.lock_name;
        let message = format!(
            "this builder has several nodes, and each would write a {name} of its own platforms \
             alone, over the others'"
        );
        let help = format!(
            "build for one `--platform` after the other: what {name} has for the rest is kept"
        );
        Err(Error::new(message).help(Some(help)))
    }

    /// The checksums of the pipelines' wheels; `image` has the fetcher.
    async fn pipeline_sums(
        &self,
        image: Option<&State>,
        models: &[ModelFacts],
    ) -> Result<Vec<(&Pipeline, String)>, Error> {
        let mut sums = Vec::new();
        for (model, facts) in self.recipe.models.iter().zip(models) {
            // One that the manifest has the checksum of needs no other.
            let Source::Spacy(release @ SpacyRelease { sha256: None, .. }) = &model.source else {
                continue;
            };
            let sum = match (facts, image) {
                (ModelFacts::Pinned(locked), _) => locked.clone(),
                (_, Some(image)) => self.sum(image, model, release).await?,
                (_, None) => continue,
            };
            sums.push((&release.pipeline, sum));
        }
        Ok(sums)
    }

    /// The lock, alone in a folder.
    async fn write(&self, lock: &StrataLock) -> Result<Reference, Error> {
        let name = self.lock_name.rsplit('/').next().unwrap_or(self.lock_name);
        let file = File::on(State::scratch())
            .timestamp(EPOCH)
            .mkfile(format!("/{name}"), 0o644, lock.text())
            .build(Meta::named(format!("[lock] write {name}")));
        self.gateway.solve(&file.definition()).await
    }

    async fn lock_entry(&self, platform: &Platform) -> Result<Entry, Error> {
        let Found { base, stated } = self.base(platform).await?;
        let digest = self.base_digest(platform, stated.name.as_ref()).await;
        let (probe, locked) = self.locked(&base).await?;
        let picks = match locked {
            // The other tool's lock is kept beside this one.
            Locked::Own => Vec::new(),
            locked => self.packages(&base, &probe, locked).await?.picks,
        };
        let requirements = &self.demand().await?.requirements;
        let (asked, index) = (asked(self.recipe, requirements), requirements.index());
        let base = &self.recipe.base.value;
        Ok(Entry::new(base, digest, asked, index, &probe, &picks))
    }

    /// The digest that builds are to stand on; none of a base that is of no registry.
    async fn base_digest(&self, platform: &Platform, found: Option<&ImageName>) -> Option<String> {
        let base = &self.recipe.base;
        let image = ImageName::parse(&base.value).ok()?;
        if self.gateway.has_stand_in(&image, platform) {
            // Whose digest it is not; what is known of the base stays.
            let noted = self.entry(platform).filter(|entry| entry.is_on(&base.value))?;
            return noted.digest.clone();
        }
        if let Some(digest) = found.and_then(ImageName::digest) {
            return Some(digest.to_owned());
        }
        match self.gateway.published_digest(&image, platform).await {
            Ok(digest) => digest,
            Err(error) => {
                let text = format!(
                    "{} holds {} to no digest, as no registry tells it: {error}",
                    self.lock_name, base.value
                );
                self.warn(Notice::new("UnpinnedBase", text).at(base.lines)).await;
                None
            }
        }
    }
}
