//! Images to build upon, and the contexts that a person may put in their place.

use llb::{Http, Image, Meta, OciLayout, Platform, State};

use crate::{
    BuildRequest, Error, Gateway, GitUrl, ImageName,
    credentials::without_credentials,
    resolve::{Lookup, Resolved},
};

/// What a build stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseImage {
    /// Its filesystem.
    pub state: State,
    /// Its name with its digest; none if it is not an image of a registry.
    pub name: Option<ImageName>,
    /// Its configuration in JSON; none for what is only a filesystem.
    pub config: Option<Vec<u8>>,
}

/// What became of a context specification.
enum Loaded {
    Base(BaseImage),
    /// A policy put another one in its place.
    Other(String),
}

/// How often a policy may replace what it put in place itself
/// (`frontend/dockerui/namedcontext.go`).
const MAX_REPLACEMENTS: usize = 10;

impl Gateway {
    /// Loads the image `name` for a platform, or what the person gave in its place with
    /// `--build-context name=…`. Its vertex gets `meta`.
    ///
    /// # Errors
    ///
    /// When `name` is not an image's name, what stands in its place is of no known kind, or
    /// it cannot be found.
    pub async fn load_image(
        &self,
        name: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<BaseImage, Error> {
        self.load_part(name, "/", platform, meta).await
    }

    /// The same of an image of which only what is at `path` is wanted: of a client's folder that was
    /// given in its place, no more is sent.
    ///
    /// # Errors
    ///
    /// As [`Self::load_image`].
    pub async fn load_part(
        &self,
        name: &str,
        path: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<BaseImage, Error> {
        let name = ImageName::parse(name).map_err(|error| Error::new(error.to_string()))?;
        match named_context(self.request(), &name.familiar(), platform) {
            Some((key, spec)) => self.load_context(key, spec, path, platform, meta).await,
            None => {
                let spec = format!("docker-image://{name}");
                self.load_context(&name.familiar(), &spec, path, platform, meta).await
            }
        }
    }

    /// Whether the person gave something in the place of an image for a platform, with
    /// `--build-context name=…`.
    pub fn has_stand_in(&self, image: &ImageName, platform: &Platform) -> bool {
        named_context(self.request(), &image.familiar(), platform).is_some()
    }

    async fn load_context(
        &self,
        name: &str,
        spec: &str,
        path: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<BaseImage, Error> {
        let mut spec = spec.to_owned();
        for _ in 0..=MAX_REPLACEMENTS {
            match self.load_spec(name, &spec, path, platform, meta.clone()).await? {
                Loaded::Base(base) => return Ok(base),
                Loaded::Other(other) => spec = other,
            }
        }
        Err(Error::new(format!("source policies replace {name} in a circle, by {spec} at last")))
    }

    async fn load_spec(
        &self,
        name: &str,
        spec: &str,
        path: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<Loaded, Error> {
        let unknown = || {
            let spec = without_credentials(spec);
            Error::new(format!("build context {name} is `{spec}`, of no known kind"))
        };
        let (scheme, rest) = spec.split_once(':').ok_or_else(unknown)?;
        let body = rest.strip_prefix("//").unwrap_or(rest);
        let filesystem = match scheme {
            "docker-image" if body == "scratch" => State::scratch(),
            "docker-image" => return self.registry_image(name, body, platform, meta).await,
            "oci-layout" => return self.layout_image(name, body, platform, meta).await,
            "input" => return self.input(name, body).await.map(Loaded::Base),
            "local" => self.local_context(name, body, path, meta).await?,
            _ => match GitUrl::detect(spec) {
                Some(Ok(git)) => git.source().build(meta),
                Some(Err(error)) => {
                    return Err(Error::new(format!("build context {name}: {error}")));
                }
                None if matches!(scheme, "http" | "https") => {
                    Http::new(spec).filename("context").build(meta)
                }
                None => return Err(unknown()),
            },
        };
        Ok(Loaded::Base(BaseImage { state: filesystem, name: None, config: None }))
    }

    async fn registry_image(
        &self,
        name: &str,
        image: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<Loaded, Error> {
        let parse =
            |name: &str| ImageName::parse(name).map_err(|error| Error::new(error.to_string()));
        let reference = &parse(image)?.to_string();
        let log_name = &match named_context(self.request(), name, platform) {
            Some((key, _)) => format!("[context {key}] load metadata for {reference}"),
            None => format!("[internal] load metadata for {reference}"),
        };
        let mode = self.request().options.resolve_mode;
        let lookup = Lookup { reference, platform, log_name, store: None, mode };
        let resolved = match self.resolve(lookup).await? {
            Resolved::Image(resolved) => resolved,
            Resolved::Other(identifier) => return Ok(Loaded::Other(identifier)),
        };
        let pinned = parse(&resolved.reference)?.with_digest(&resolved.digest);
        Ok(Loaded::Base(BaseImage {
            state: Image::new(pinned.to_string()).resolve_mode(mode.as_str()).build(platform, meta),
            name: Some(pinned),
            config: Some(resolved.config),
        }))
    }

    /// `store@digest`: the client has it in a layout that it calls `store`.
    async fn layout_image(
        &self,
        name: &str,
        layout: &str,
        platform: &Platform,
        meta: Meta,
    ) -> Result<Loaded, Error> {
        let invalid = |problem: &str| Error::new(format!("build context {name}: {problem}"));
        let (store, digest) = layout
            .split_once('@')
            .ok_or_else(|| invalid(&format!("the OCI layout `{layout}` has no digest")))?;
        let store = store.split_once(':').map_or(store, |(store, _)| store);
        // The daemon wants an image's name, and looks at the store and the digest alone.
        let plain = name.split("::").next().unwrap_or(name);
        let image = ImageName::parse(plain).map_err(|error| invalid(&error.to_string()))?;
        let reference = &image.with_digest(digest).to_string();
        let log_name = &format!("[context {name}] load metadata for {reference}");
        let mode = self.request().options.resolve_mode;
        match self
            .resolve(Lookup { reference, platform, log_name, store: Some(store), mode })
            .await?
        {
            Resolved::Other(identifier) => Ok(Loaded::Other(identifier)),
            Resolved::Image(resolved) => {
                let layout = OciLayout::new(reference, &self.request().session, store);
                Ok(Loaded::Base(BaseImage {
                    state: layout.build(platform, meta),
                    name: None,
                    config: Some(resolved.config),
                }))
            }
        }
    }

    /// What a client's folder has at `path`, and what it leads to.
    async fn local_context(
        &self,
        name: &str,
        folder: &str,
        path: &str,
        meta: Meta,
    ) -> Result<State, Error> {
        let key = format!("context:{name}");
        let log_name = format!("[context {name}] load .dockerignore");
        let excludes = self.ignore_file(folder, &key, Meta::named(log_name)).await?;
        let shared = self.request().options.context.shared_keys.get(name);
        let hint = format!("{key}-{}", shared.map_or("", String::as_str));
        let local = self.local(folder).shared_key_hint(hint).exclude(excludes);
        let local = match path.trim_start_matches('/') {
            "" => local,
            path => local.follow_paths([path]),
        };
        Ok(local.build(meta))
    }

    async fn input(&self, name: &str, input: &str) -> Result<BaseImage, Error> {
        let state = self.inputs().await?.remove(input).ok_or_else(|| {
            Error::new(format!("build context {name} is the input {input}, which is not there"))
        })?;
        let metadata = self.request().options.context.input_metadata.get(input);
        let config = metadata.and_then(|metadata| metadata.get("containerimage.config"));
        Ok(BaseImage { state, name: None, config: config.cloned() })
    }
}

/// What was given for `name`, for this platform first, and what it was given as.
fn named_context<'a>(
    request: &'a BuildRequest,
    name: &str,
    platform: &Platform,
) -> Option<(&'a str, &'a str)> {
    let named = &request.options.context.named;
    let found = named.get_key_value(&format!("{name}::{platform}"));
    let (key, spec) = found.or_else(|| named.get_key_value(name))?;
    Some((key, spec))
}
