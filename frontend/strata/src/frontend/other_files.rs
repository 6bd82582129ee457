//! What has the files that are neither code nor models.

use futures_util::future::try_join_all;
use gateway::Error;
use llb::{Meta, Platform, State};

use super::Build;
use crate::recipe::{FileSource, Files};

impl Build<'_> {
    /// What has each of the manifest's `files`, on a platform.
    pub(super) async fn files(&self, platform: &Platform) -> Result<Vec<State>, Error> {
        let files = &self.recipe.files;
        let paths: Vec<String> =
            files.iter().filter_map(Files::in_context).map(str::to_owned).collect();
        // Of nothing, it would be all of it.
        let context =
            if paths.is_empty() { State::scratch() } else { self.of_context(paths, []).await? };
        let state = async |files: &Files| match &files.from {
            FileSource::Context(_) => Ok(context.clone()),
            FileSource::Image { image, .. } => self.image(image, files, platform).await,
        };
        try_join_all(files.iter().map(state)).await
    }

    async fn image(&self, image: &str, files: &Files, platform: &Platform) -> Result<State, Error> {
        let location = || self.location(files.lines);
        let meta = Meta::named(format!("[files] {image}")).at([location()]);
        let loaded = self.gateway.load_image(image, platform, meta).await;
        loaded
            .map(|image| image.state)
            .map_err(|error| error.context(format!("image {image}")).at([location()]))
    }
}
