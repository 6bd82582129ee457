//! What is asked of hubs: what the models' repositories hold.

use futures_util::future::try_join_all;
use gateway::{Error, Warning};
use llb::State;

use super::Build;
use crate::{
    mistake::{Mistake, Mistakes},
    models::{self, Listing},
    plan::{self, ModelFacts},
    recipe::{Hub, Model, Source, release_url},
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
        let short = format!(
            "StaleLock: {name} has nothing for {} at {} as it is asked for now: renew it with \
             `docker buildx build --target lock --output . …`",
            hub.name(),
            hub.revision
        );
        Some(self.warning(short, Vec::new()))
    }

    /// What to know of a pipeline that nothing says the checksum of.
    pub(super) fn unpinned_warning(&self, model: &Model) -> Option<Warning> {
        let Source::Spacy { pipeline, sha256: None, endpoint } = &model.source else { return None };
        let short = format!(
            "UnpinnedModel: {} has no `sha256`, so nothing says what it must be: `curl -fL {} | \
             sha256sum` prints it (line {})",
            model.name(),
            release_url(endpoint, pipeline),
            model.lines.start
        );
        Some(self.warning(short, Vec::new()))
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
