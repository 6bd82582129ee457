//! What is asked of hubs: what the models' repositories hold.

use futures_util::future::try_join_all;
use gateway::Error;
use llb::State;
use serde::Deserialize;

use super::Build;
use crate::{
    facts::ModelFacts,
    listing::Listing,
    mistake::{Mistake, Mistakes},
    models, plan,
    recipe::{Hub, Model, Source, SpacyRelease},
};

impl Build<'_> {
    /// The image that has the fetcher, and what was found out about each model.
    pub(super) async fn models(&self) -> Result<(Option<State>, Vec<ModelFacts>), Error> {
        let models = &self.recipe.models;
        let is_fetched =
            |model: &Model| !matches!(model.source, Source::Run(_) | Source::Context(_));
        let image = models.iter().any(is_fetched).then(gateway::own_image).transpose()?;
        let facts = try_join_all(models.iter().map(|model| self.model(model))).await?;
        Ok((image, facts))
    }

    async fn model(&self, model: &Model) -> Result<ModelFacts, Error> {
        if let Source::Context(files) = &model.source {
            let found = self.of_context(vec![files.path.clone()], []).await?;
            return Ok(ModelFacts::InContext(found));
        }
        if let Some(locked) = self.locked_model(model) {
            return Ok(locked);
        }
        for notice in self.unpinned_notice(model).into_iter().chain(self.unlocked_notice(model)) {
            self.warn(notice).await;
        }
        let Source::Hub(hub) = &model.source else { return Ok(ModelFacts::Stated) };
        let native = self.gateway.request().build_platform();
        let image = gateway::own_image()?;
        let layer = plan::listing(self.recipe, &self.settings, &native, &image, model, hub);
        let reference = self.gateway.solve(&layer.definition()).await?;
        let path = models::listing_path(hub);
        let text = self.gateway.read_file(&reference, &path).await?;
        let listing: Listing = serde_json::from_slice(&text)
            .map_err(|error| Error::new(format!("{path} of {} is odd: {error}", hub.name())))?;
        Ok(ModelFacts::Listed(self.chosen(model, hub, listing)?))
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

    /// What `strata.lock` says of a model.
    pub(super) fn locked_model(&self, model: &Model) -> Option<ModelFacts> {
        self.lock_file?.facts(&self.recipe.variant, model)
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
