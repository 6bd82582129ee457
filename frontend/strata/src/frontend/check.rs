//! `--check`: the mistakes and warnings that a build would begin with, and no build.

use std::sync::Arc;

use gateway::{BuildContext, BuildResult, Error, Gateway, Manifest, Warning, subrequest};

use super::{Build, choices, lock_beside};
use crate::recipe::{self, Source, Target};

/// Answers with what is found.
///
/// # Errors
///
/// What has no line of a file to blame.
pub(super) async fn check(
    gateway: &Gateway,
    context: &BuildContext,
    manifest: &Manifest,
) -> Result<BuildResult, Error> {
    subrequest::lint(find(gateway, context, manifest).await)
}

async fn find(
    gateway: &Gateway,
    context: &BuildContext,
    manifest: &Manifest,
) -> Result<Vec<Warning>, Error> {
    let lock_file = lock_beside(context, manifest)?;
    let recipe = |target| recipe::read(Arc::clone(&manifest.file), &choices(gateway, target));
    let asked = recipe(gateway.request().options.target.as_deref())?;
    let build = Build::new(gateway, context, manifest, &asked, lock_file.as_ref());
    if asked.target != Target::Dev {
        return build.warnings().await;
    }
    let production = recipe(None)?;
    let has_own = asked.has_other_packages(&production);
    let production = build.of(&production, None);
    build.of(&asked, has_own.then_some(&production)).warnings().await
}

impl Build<'_> {
    async fn warnings(&self) -> Result<Vec<Warning>, Error> {
        let mut warnings = self.ignored_options();
        if self.recipe.needs_packages() {
            let demand = self.demand().await?;
            if demand.lock.is_none() && !demand.requirements.is_empty() {
                let platforms = self.gateway.request().platforms();
                let warning = |platform| self.lock_warning(platform, &demand.requirements);
                warnings.extend(platforms.iter().filter_map(warning));
            }
        }
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
