//! `--check`: the mistakes and warnings that a build would begin with, and no build.

use gateway::{Error, Warning};

use super::Build;
use crate::recipe::Source;

impl Build<'_> {
    pub(super) async fn warnings(&self, dev: Option<&Self>) -> Result<Vec<Warning>, Error> {
        let mut warnings = self.ignored_options(dev);
        if self.recipe.needs_packages() {
            let demand = self.demand().await?;
            if demand.lock.is_none() && !demand.requirements.is_empty() {
                let platforms = self.gateway.request().platforms();
                let warning = |platform| self.lock_warning(platform, &demand.requirements, None);
                warnings.extend(platforms.iter().filter_map(warning));
            }
        }
        warnings.extend(self.recipe.models.iter().filter_map(|model| self.unpinned_warning(model)));
        let hubs = self.recipe.models.iter().filter_map(|model| match &model.source {
            Source::Hub(hub) => Some(hub),
            _ => None,
        });
        warnings.extend(hubs.filter_map(|hub| self.unlocked_warning(hub)));
        let lint = &self.gateway.request().options.lint;
        warnings.retain(|warning| lint.shows(warning));
        Ok(warnings)
    }
}
