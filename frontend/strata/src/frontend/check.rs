//! `--check`: the mistakes and warnings that a build would begin with, and no build.

use gateway::{Error, Warning};

use super::Build;

impl Build<'_> {
    pub(super) async fn warnings(&self, dev: Option<&Self>) -> Result<Vec<Warning>, Error> {
        let mut notices = self.ignored_options(dev);
        self.system_sources().await?;
        if self.recipe.needs_packages() {
            let demand = self.demand().await?;
            if demand.lock.is_none() && !demand.requirements.is_empty() {
                let platforms = self.gateway.request().platforms();
                let notice = |platform| self.lock_notice(platform, &demand.requirements, None);
                notices.extend(platforms.iter().filter_map(notice));
            }
        }
        notices.extend(self.secret_files(None).await?);
        let models = &self.recipe.models;
        notices.extend(models.iter().filter_map(|model| self.unpinned_notice(model)));
        notices.extend(models.iter().filter_map(|model| self.unlocked_notice(model)));
        for notice in notices {
            self.warnings.add(&self.warning(notice));
        }
        Ok(self.warnings.found())
    }
}
