//! Files that say what to install: in the build context, or in the code.

use std::collections::BTreeMap;

use gateway::{Error, Files, Reference};

use super::Build;
use crate::{paths::join, recipe::InputPath, sources, system_sources};

impl Build<'_> {
    /// The texts of files; `None` for those that are not there.
    pub(super) async fn read_inputs(
        &self,
        paths: Vec<InputPath>,
    ) -> Result<Vec<(InputPath, Option<Vec<u8>>)>, Error> {
        let in_context: Vec<String> =
            paths.iter().filter_map(|path| sources::in_context(self.recipe, path)).collect();
        let context = if in_context.is_empty() {
            Reference::scratch()
        } else {
            let files = self.context.files(&Files::Exactly(in_context), &[]);
            self.gateway.solve(&files.definition()).await?
        };
        let mut read = Vec::new();
        for path in paths {
            let text = match sources::in_context(self.recipe, &path) {
                Some(file) => self.gateway.read_file(&context, &file).await,
                None => self.read_from_checkout(path.path()).await,
            };
            match text {
                Ok(text) => read.push((path, Some(text))),
                Err(error) if error.is_not_found() => read.push((path, None)),
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// The texts of `system.sources`, by their names.
    pub(super) async fn system_sources(&self) -> Result<&BTreeMap<String, String>, Error> {
        let read = async || {
            let paths = self.recipe.system.sources.iter().map(|path| path.value.clone());
            let read = self.read_inputs(paths.collect()).await?.into_iter();
            let missing = || "there is no such file".to_owned();
            let read = read.map(|(path, text)| (path, text.ok_or_else(missing)));
            Ok(system_sources::texts(self.recipe, read.collect())?)
        };
        self.system_sources.get_or_try_init(read).await
    }

    async fn read_from_checkout(&self, path: &str) -> Result<Vec<u8>, Error> {
        let Some(code) = &self.recipe.python.code else {
            return Err(Error::new(format!(
                "`code:{path}` names a file of the code, and there is no `code`"
            )));
        };
        let path = join(&code.subdir, path);
        let read = async { self.gateway.read_file(&self.checkout(code).await?, &path).await };
        read.await.map_err(|error| self.explain_code(code, error))
    }
}
