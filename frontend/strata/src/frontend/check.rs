//! `--check`: the mistakes and warnings that a build would begin with, and no build; and what is as
//! the manifest says, which only those who ask are told of.

use gateway::{Error, Warning};

use super::Build;
use crate::{
    mistake::Spanned,
    notice::Notice,
    recipe::{Target, User},
};

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
        notices.extend(self.unmeant_files(None).await?);
        let models = &self.recipe.models;
        notices.extend(models.iter().filter_map(|model| self.unpinned_notice(model)));
        notices.extend(models.iter().filter_map(|model| self.unlocked_notice(model)));
        notices.extend(models.iter().filter_map(|model| self.floating_notice(model)));
        notices.extend(self.root_notice());
        for notice in notices {
            self.warnings.add(&self.warning(notice));
        }
        Ok(self.warnings.found())
    }

    /// Of an image that root runs. Development is nobody else's.
    fn root_notice(&self) -> Option<Notice> {
        let Spanned { value, lines } = self.recipe.image.user.as_ref()?;
        let is_root = match value {
            User::Name(name) => name == "root",
            User::Id { uid, .. } => *uid == 0,
        };
        if !is_root || !matches!(self.recipe.target, Target::Image | Target::Deps) {
            return None;
        }
        let text = "root runs the image, and whoever breaks into the service is root there: leave \
                    `user` out for one that is made, and give it by `dirs` what it writes to";
        Some(Notice::new("RootUser", text).at(*lines))
    }
}
