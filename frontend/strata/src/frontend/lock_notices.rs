//! What to know of a `strata.lock` that does not say all of a build.

use llb::Platform;

use super::Build;
use crate::{
    notice::Notice,
    recipe::{Model, Source},
    requirements::InstallSet,
    strata_lock::Misfit,
};

/// The command that writes it, with whatever the build is called with besides.
const RENEW: &str = "docker buildx build --target lock --output . …";

impl Build<'_> {
    /// Of a platform's packages, where they have to be resolved; `misfit` is what those of the lock
    /// turned out not to be for.
    pub(super) fn lock_notice(
        &self,
        platform: &Platform,
        requirements: &InstallSet,
        misfit: Option<&Misfit>,
    ) -> Option<Notice> {
        if self.lock_file.is_none() || !self.warns_of_lock {
            return None;
        }
        let (name, manifest) = (self.lock_name, &self.manifest.file.name);
        let (rule, text) = match (self.entry(platform), misfit) {
            (Some(_), Some(misfit)) => {
                ("StaleLock", format!("{}: renew it with `{RENEW}`", misfit.told(name)))
            }
            (Some(entry), None) if entry.is_fresh(self.recipe, requirements) => return None,
            (Some(_), None) => (
                "StaleLock",
                format!("{manifest} has changed since {name} was made: renew it with `{RENEW}`"),
            ),
            (None, _) => (
                "ForeignLock",
                format!("{name} has nothing for {}: add it with `{RENEW}`", self.key(platform)),
            ),
        };
        let detail = Some("Its versions are preferred, and the rest is resolved anew.");
        Some(Notice { detail, ..Notice::new(rule, text).at(self.recipe.python.lines) })
    }

    /// Of a repository that the lock does not have as it is asked for.
    pub(super) fn unlocked_notice(&self, model: &Model) -> Option<Notice> {
        let Source::Hub(hub) = &model.source else { return None };
        if self.lock_file.is_none() || !self.warns_of_lock || self.locked_model(model).is_some() {
            return None;
        }
        let text = format!(
            "{} has nothing for {} at {} as it is asked for now: renew it with `{RENEW}`",
            self.lock_name,
            hub.name(),
            hub.revision
        );
        Some(Notice::new("StaleLock", text).at(model.lines))
    }

    /// Of a repository that is taken as it is at the time, by the branch that all of them have. Of
    /// another name nobody can tell whether it is a branch or a tag.
    pub(super) fn floating_notice(&self, model: &Model) -> Option<Notice> {
        let Source::Hub(hub) = &model.source else { return None };
        if self.lock_file.is_some() || !self.warns_of_lock || hub.revision != "main" {
            return None;
        }
        let text = format!(
            "{} is what its branch `main` is when a builder first looks: name a commit by \
             `revision`, or have {} note it, by `{RENEW}`",
            hub.name(),
            self.lock_name,
        );
        Some(Notice::new("UnpinnedModel", text).at(model.lines))
    }

    /// Of a pipeline that nothing says the checksum of.
    pub(super) fn unpinned_notice(&self, model: &Model) -> Option<Notice> {
        let Source::Spacy(release) = &model.source else { return None };
        let is_pinned = release.sha256.is_some() || self.locked_model(model).is_some();
        if !self.warns_of_lock || is_pinned {
            return None;
        }
        let text = format!(
            "{} has no `sha256`, so nothing says what it must be: `curl -fL {} | sha256sum` \
             prints it, and {} notes it, by `{RENEW}`",
            model.name(),
            release.url(),
            self.lock_name,
        );
        Some(Notice::new("UnpinnedModel", text).at(model.lines))
    }
}
