//! What has the files that are neither code nor models.

use futures_util::future::try_join_all;
use gateway::Error;
use llb::{Meta, Platform, State};

use super::Build;
use crate::{
    base_config::BaseConfig,
    notice::Notice,
    recipe::{FileSource, Files, Target},
};

impl Build<'_> {
    /// What has each of the manifest's `files`, on a platform; none where the target has none.
    pub(super) async fn files(&self, platform: &Platform) -> Result<Vec<State>, Error> {
        if matches!(self.recipe.target, Target::Models | Target::Lock) {
            return Ok(Vec::new());
        }
        let files = &self.recipe.files;
        let paths: Vec<String> =
            files.iter().filter_map(Files::in_context).map(str::to_owned).collect();
        // Of nothing, it would be all of it.
        let context =
            if paths.is_empty() { State::scratch() } else { self.of_context(paths, []).await? };
        let state = async |files: &Files| match &files.from {
            FileSource::Context(_) => Ok(context.clone()),
            FileSource::Image { image, path } => self.image(image, path, files, platform).await,
        };
        try_join_all(files.iter().map(state)).await
    }

    async fn image(
        &self,
        image: &str,
        path: &str,
        files: &Files,
        platform: &Platform,
    ) -> Result<State, Error> {
        let location = || self.location(files.lines);
        let meta = Meta::named(format!("[files] {image}")).at([location()]);
        let loaded = self.gateway.load_part(image, path, platform, meta).await;
        let loaded = loaded.map_err(|error| {
            // Such a name may be meant for what the build was to give.
            let help = (!image.contains(['/', ':', '@']))
                .then(|| format!("or give it to the build: `--build-context {image}=…`"));
            error.context(format!("image {image}")).help(help).at([location()])
        })?;
        let config = loaded.config.and_then(|config| BaseConfig::read(&config).ok());
        let own = config.and_then(|config| config.platform());
        if let Some(own) = own.filter(|own| !own.same_machine(platform)) {
            let text = format!("{image} is of {own} and not of {platform}: no program of it runs");
            self.warn(Notice::new("OtherPlatform", text).at(files.lines)).await;
        }
        Ok(loaded.state)
    }
}
