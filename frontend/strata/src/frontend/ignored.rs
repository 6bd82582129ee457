//! What was asked for and changes nothing: none of it is passed over in silence.

use gateway::{Gateway, GitUrl, ImageName};

use super::{Build, PRODUCT};
use crate::{
    base_config::BaseConfig,
    notice::Notice,
    plan,
    recipe::{FileSource, Target},
};

impl Build<'_> {
    /// Options that change nothing here, and what to know of the choices.
    pub(super) fn ignored_options(&self, dev: Option<&Self>) -> Vec<Notice> {
        let ignored =
            |option| Notice::new("IgnoredOption", format!("{PRODUCT} does not honour {option}"));
        let options = ignored_options(self.gateway).into_iter().map(ignored);
        let base = self.recipe.base.lines;
        let contexts = self.ignored_contexts(dev).into_iter().map(|it| ignored(it).at(base));
        options.chain(contexts).chain(self.recipe.warnings.iter().cloned()).collect()
    }

    /// Build contexts that stand in for nothing, such as one with a slip in the base's name.
    fn ignored_contexts(&self, dev: Option<&Self>) -> Vec<String> {
        let options = &self.gateway.request().options;
        let base = &self.recipe.base.value;
        let recipes = [Some(self), dev].into_iter().flatten().map(|build| build.recipe);
        let images = recipes.flat_map(|recipe| {
            let files = recipe.files.iter().filter_map(|files| match &files.from {
                FileSource::Image { image, .. } => Some(image),
                FileSource::Context(_) => None,
            });
            files.chain([&recipe.base.value])
        });
        let images = images.chain(&options.source).filter_map(|name| ImageName::parse(name).ok());
        let images: Vec<String> = images.map(|name| name.familiar()).collect();
        let is_for = |key: &str, image: &String| {
            let rest = key.strip_prefix(image.as_str());
            rest.is_some_and(|platform| platform.is_empty() || platform.starts_with("::"))
        };
        let given = options.context.named.keys();
        let unused = given.filter(|key| !images.iter().any(|image| is_for(key, image)));
        unused
            .map(|key| {
                format!(
                    "`--build-context {key}`: it is neither the base, {base}, nor named by `from` \
                     in `files`"
                )
            })
            .collect()
    }

    /// A Dockerfile's build runs the triggers of its base, and no one else has a use for them.
    pub(super) fn ignored_triggers<'c>(
        &self,
        mut bases: impl Iterator<Item = &'c BaseConfig>,
    ) -> Option<Notice> {
        if self.recipe.target == Target::Models || !bases.any(BaseConfig::has_triggers) {
            return None;
        }
        let base = &self.recipe.base;
        let text = format!("the ONBUILD commands of {} are not run", base.value);
        Some(Notice::new("IgnoredTriggers", text).at(base.lines))
    }
}

/// Options that change nothing here, by the names that people know them by.
fn ignored_options(gateway: &Gateway) -> Vec<String> {
    let options = &gateway.request().options;
    let mut ignored: Vec<String> = options.unknown.keys().cloned().collect();
    if let Some(words) = options.cmdline.as_deref().and_then(|line| line.split_once(' ')) {
        ignored.push(format!("`{}` after the image on the syntax line", words.1));
    }
    for stage in options.no_cache.unknown(plan::STAGES) {
        ignored.push(format!(
            "`--no-cache-filter {stage}`: the stages are {}",
            plan::STAGES.join(", ")
        ));
    }
    if options.context.keep_git_dir {
        ignored.push("BUILDKIT_CONTEXT_KEEP_GIT_DIR: `.git` is no code".to_owned());
    }
    let remote = options.context.url.as_deref().and_then(GitUrl::detect);
    if remote.is_some_and(|url| url.is_ok_and(|url| url.keep_git_dir == Some(true))) {
        ignored.push("`keep-git-dir` in the context's URL: `.git` is no code".to_owned());
    }
    if options.source_date_epoch.as_ref().is_some_and(|epoch| epoch.parse::<u64>().is_err()) {
        ignored.push("a SOURCE_DATE_EPOCH that is not a number".to_owned());
    }
    ignored
}
