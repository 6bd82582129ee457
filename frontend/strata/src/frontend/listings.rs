//! What is asked of hubs: what the models' repositories hold.

use futures_util::future::try_join_all;
use gateway::{Error, Warning};
use llb::State;
use serde::Deserialize;

use super::Build;
use crate::{
    mistake::{Mistake, Mistakes},
    models::{self, Listing},
    notice::Notice,
    plan::{self, ModelFacts},
    recipe::{Hub, Model, Pipeline, Source, SpacyRelease},
};

impl Build<'_> {
    /// The image that has the fetcher, and what was found out about each model.
    pub(super) async fn models(&self) -> Result<(Option<State>, Vec<ModelFacts>), Error> {
        let models = &self.recipe.models;
        if models.iter().all(|model| matches!(model.source, Source::Run(_))) {
            return Ok((None, vec![ModelFacts::Stated; models.len()]));
        }
        let image = gateway::own_image()?;
        let facts = models.iter().map(|model| self.model(&image, model));
        let facts = try_join_all(facts).await?;
        Ok((Some(image), facts))
    }

    async fn model(&self, image: &State, model: &Model) -> Result<ModelFacts, Error> {
        if let Some(warning) = self.unpinned_warning(model) {
            self.gateway.warn(warning).await?;
        }
        if let Source::Spacy(SpacyRelease { pipeline, sha256: None, .. }) = &model.source
            && let Some(locked) = self.locked_sum(pipeline)
        {
            return Ok(ModelFacts::Pinned(locked.to_owned()));
        }
        let Source::Hub(hub) = &model.source else { return Ok(ModelFacts::Stated) };
        if let Some(locked) = self.lock_file.and_then(|lock| lock.model(&self.recipe.variant, hub))
        {
            return Ok(ModelFacts::Locked(locked.clone()));
        }
        if let Some(warning) = self.unlocked_warning(hub) {
            self.gateway.warn(warning).await?;
        }
        let native = self.gateway.request().build_platform();
        let layer = plan::listing(self.recipe, &self.settings, &native, image, model, hub);
        let reference = self.gateway.solve(&layer.definition()).await?;
        let path = models::listing_path(hub);
        let text = self.gateway.read_file(&reference, &path).await?;
        let listing: Listing = serde_json::from_slice(&text)
            .map_err(|error| Error::new(format!("{path} of {} is odd: {error}", hub.name())))?;
        Ok(ModelFacts::Listed(self.chosen(model, hub, listing)?))
    }

    /// What to know of a `strata.lock` that does not have a model.
    pub(super) fn unlocked_warning(&self, hub: &Hub) -> Option<Warning> {
        let lock = self.lock_file.filter(|_| self.warns_of_lock)?;
        if lock.model(&self.recipe.variant, hub).is_some() {
            return None;
        }
        let name = self.lock_name;
        let text = format!(
            "{name} has nothing for {} at {} as it is asked for now: renew it with `docker buildx build --target lock --output . …`",
            hub.name(),
            hub.revision
        );
        Some(self.warning(Notice::new("StaleLock", text), Vec::new()))
    }

    /// The checksum of a pipeline's wheel: it takes a download to know it.
    pub(super) async fn sum(
        &self,
        image: &State,
        model: &Model,
        release: &SpacyRelease,
    ) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Sum {
            sha256: String,
        }
        let native = self.gateway.request().build_platform();
        let (recipe, settings) = (self.recipe, &self.settings);
        let layer = plan::sum(recipe, settings, &native, image, model, release);
        let reference = self.gateway.solve(&layer.definition()).await?;
        let text = self.gateway.read_file(&reference, plan::SUM).await?;
        let sum: Sum = serde_json::from_slice(&text).map_err(|error| {
            Error::new(format!("{} of {} is odd: {error}", plan::SUM, model.name()))
        })?;
        Ok(sum.sha256)
    }

    /// The checksum that `strata.lock` has of a pipeline's wheel.
    fn locked_sum(&self, pipeline: &Pipeline) -> Option<&str> {
        self.lock_file?.pipeline(&self.recipe.variant, pipeline)
    }

    /// What to know of a pipeline that nothing says the checksum of.
    pub(super) fn unpinned_warning(&self, model: &Model) -> Option<Warning> {
        let Source::Spacy(release) = &model.source else { return None };
        let is_pinned = release.sha256.is_some() || self.locked_sum(&release.pipeline).is_some();
        if !self.warns_of_lock || is_pinned {
            return None;
        }
        let text = format!(
            "{} has no `sha256`, so nothing says what it must be: `curl -fL {} | \
             sha256sum` prints it, and {} notes it, by `docker buildx build --target lock --output \
             . …` (line {})",
            model.name(),
            release.url(),
            self.lock_name,
            model.lines.start
        );
        Some(self.warning(Notice::new("UnpinnedModel", text), Vec::new()))
    }

    /// The files that are wanted of what a repository holds.
    fn chosen(&self, model: &Model, hub: &Hub, listing: Listing) -> Result<Listing, Mistakes> {
        let blame = |mistakes: Vec<Mistake>| {
            let on = |mistake: Mistake| mistake.on(&self.recipe.file, model.lines);
            Mistakes(mistakes.into_iter().map(on).collect())
        };
        let files = models::choose(hub, &listing).map_err(blame)?;
        Ok(Listing { files, ..listing })
    }
}
