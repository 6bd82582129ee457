//! What is asked about the base image.

use gateway::{BaseImage, Error, ImageName};
use llb::{Platform, State};

use super::Build;
use crate::{
    base_config::BaseConfig,
    facts::{Base, Probe},
    in_image::PROBE,
    plan,
};

/// A base image, and what is to be said of it.
pub(super) struct Found {
    /// The base.
    pub(super) base: Base,
    /// What is to be said of it.
    pub(super) stated: Stated,
}

/// What the image's config takes from its base.
pub(super) struct Stated {
    /// The config that the image's own is laid over.
    pub(super) config: BaseConfig,
    /// Its name with its digest; none if it is not of a registry.
    pub(super) name: Option<ImageName>,
}

impl Build<'_> {
    pub(super) async fn base(&self, platform: &Platform) -> Result<Found, Error> {
        let written = &self.recipe.base.value;
        let locked = self.locked_base(platform);
        let asked = locked.as_ref().unwrap_or(written);
        let meta = plan::base_meta(self.recipe, &self.settings, platform);
        let blame = |error: Error| {
            let help = locked.as_ref().map(|_| {
                let lock = self.lock_name;
                let noted = self.entry(platform).map(|entry| &entry.base);
                let other = noted.filter(|noted| *noted != written);
                let had = other.map(|noted| format!(", which {noted} had")).unwrap_or_default();
                format!("{lock} holds {written} to that digest{had}; take it away to be free of it")
            });
            error
                .context(format!("base image {asked}"))
                .help(help)
                .at([self.location(self.recipe.base.lines)])
        };
        let image = async { self.gateway.load_image(asked, platform, meta).await.map_err(&blame) };
        let (image, sources) = tokio::try_join!(image, self.system_sources())?;
        let BaseImage { state, config, name } = image;
        let config = config.unwrap_or_else(|| b"{}".to_vec());
        let config = BaseConfig::read(&config)
            .map_err(|error| blame(Error::new(format!("cannot read its config: {error}"))))?;
        if let Some(other) = config.platform().filter(|own| !own.same_machine(platform)) {
            return Err(blame(Error::new(format!(
                "it is of {other} and not of {platform}: choose one that is, or build with \
                 `--platform {other}`"
            ))));
        }
        let base = Base {
            platform: platform.clone(),
            content: config.content(),
            state,
            env: config.env().collect(),
            system_sources: sources.clone(),
            layers: config.layers(),
        };
        Ok(Found { base, stated: Stated { config, name } })
    }

    /// The base by the digest that `strata.lock` has, whatever has become of its tag; none where
    /// the person has put something else in its place with `--build-context`.
    fn locked_base(&self, platform: &Platform) -> Option<String> {
        let base = &self.recipe.base.value;
        let digest = self.entry(platform).filter(|entry| entry.is_on(base))?.digest.as_ref()?;
        let name = ImageName::parse(base).ok()?;
        let is_own = !self.gateway.has_stand_in(&name, platform);
        is_own.then(|| name.with_digest(digest).to_string())
    }

    /// Asks the base's Python what it is.
    pub(super) async fn probe(&self, base: &Base) -> Result<Probe, Error> {
        let layer = plan::probe(self.recipe, &self.settings, base);
        let read = async {
            let reference = self.gateway.solve(&layer.definition()).await?;
            self.gateway.read_file(&reference, PROBE).await
        };
        let text = match read.await {
            Ok(text) => text,
            Err(error) => return Err(self.explain_probe(base, &layer, error).await),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::new(format!("{PROBE} of {} cannot be read: {error}", self.recipe.base.value))
        })
    }

    /// In place of the exit status of a script, what it means.
    async fn explain_probe(&self, base: &Base, probe: &State, error: Error) -> Error {
        let Some(code) = error.exit_code() else {
            return error;
        };
        // `system.python` may be what failed.
        let probe = probe.vertex().map(|vertex| vertex.digest().to_owned());
        let platform = &base.platform;
        let problem = match code {
            3 if error.vertex() == probe => "has no python3: choose a base with Python 3.9 or \
                                             newer, or name its packages in `system.python`"
                .to_owned(),
            4 if error.vertex() == probe => {
                "has a Python older than 3.9: choose a newer base".to_owned()
            }
            _ if !self.gateway.request().runs(platform) => format!(
                "is of {platform}, whose programs this engine cannot run: give it an emulator \
                 (`docker run --privileged --rm tonistiigi/binfmt --install {}`), build on a \
                 machine of that platform, or choose another with `--platform`",
                platform.architecture
            ),
            _ if self.lacks_shell(base).await => {
                "has no /bin/sh to run build steps with: choose another base".to_owned()
            }
            _ => return error,
        };
        let base = &self.recipe.base;
        Error::new(format!("base image {} {problem}", base.value)).at([self.location(base.lines)])
    }

    /// Whether the base has no shell to run anything with, which the daemon says only in its log.
    async fn lacks_shell(&self, base: &Base) -> bool {
        let read = async {
            let reference = self.gateway.solve(&base.state.definition()).await?;
            self.gateway.read_start(&reference, "/bin/sh", 1).await
        };
        read.await.is_err_and(|error| error.is_not_found())
    }
}
