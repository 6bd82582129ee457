//! What is asked of hubs: what the models' repositories hold.

use futures_util::future::try_join_all;
use gateway::{Error, Warning};
use llb::State;

use super::Build;
use crate::{
    mistake::{Mistake, Mistakes},
    models::{self, Listing},
    plan::{self, ModelFacts},
    recipe::{Hub, Model, Source},
    strata_lock,
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
        let Source::Hub(hub) = &model.source else { return Ok(ModelFacts::Stated) };
        if let Some(locked) = self.lock_file.and_then(|lock| lock.model(&self.recipe.variant, hub))
        {
            return Ok(ModelFacts::Locked(locked.clone()));
        }
        self.warn_of_unlocked(hub).await?;
        let native = self.gateway.request().build_platform();
        let layer = plan::listing(self.recipe, &self.settings, &native, image, model, hub);
        let reference = self.gateway.solve(&layer.definition()).await?;
        let path = models::listing_path(hub);
        let text = self.gateway.read_file(&reference, &path).await?;
        let listing: Listing = serde_json::from_slice(&text)
            .map_err(|error| Error::new(format!("{path} of {} is odd: {error}", hub.name())))?;
        Ok(ModelFacts::Listed(self.chosen(model, hub, listing)?))
    }

    async fn warn_of_unlocked(&self, hub: &Hub) -> Result<(), Error> {
        if self.lock_file.is_none() || !self.warns_of_lock {
            return Ok(());
        }
        let name = strata_lock::beside(self.context.filename());
        let Hub { revision, .. } = hub;
        let short = format!(
            "StaleLock: {name} has nothing for {} at {revision} as it is asked for now: renew it \
             with `docker buildx build --target lock --output . …`",
            hub.name()
        );
        let vertex = self.manifest.vertex.clone();
        self.gateway.warn(Warning { vertex, short, ..Warning::default() }).await
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
