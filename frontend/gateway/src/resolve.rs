//! What the daemon finds out about sources without a build.

use std::collections::BTreeMap;

use buildkit_proto::{
    moby::buildkit::v1::frontend::{
        ResolveImageConfigRequest, ResolveSourceGitResponse, ResolveSourceMetaRequest,
    },
    pb,
};
use llb::{Git, Platform};

use crate::{Error, Gateway, ImageName, ResolveMode, capabilities::SOURCE_METADATA};

/// An image as the daemon found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedImage {
    /// What it is called now: a policy of the client's may have put another in its place.
    pub(crate) reference: String,
    /// Its digest; empty if it comes from a store that has none.
    pub(crate) digest: String,
    /// Its configuration for the platform asked for, in JSON.
    pub(crate) config: Vec<u8>,
}

/// A git ref as the daemon found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedGit {
    /// The object that the ref is at, which [`Git::checksum`] holds a checkout to: of an
    /// annotated tag, the tag itself.
    pub checksum: String,
    /// The commit that is.
    pub commit: String,
}

/// An image that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    /// In full, as [`ImageName`] makes it.
    pub(crate) reference: &'a str,
    pub(crate) platform: &'a Platform,
    /// What progress calls it.
    pub(crate) log_name: &'a str,
    /// The client's folder of OCI layouts that it is looked up in, by its name; none for a registry.
    pub(crate) store: Option<&'a str>,
    pub(crate) mode: ResolveMode,
}

/// What became of an image.
pub(crate) enum Resolved {
    Image(ResolvedImage),
    /// A policy put a source of another kind in its place; this is its identifier.
    Other(String),
}

impl Gateway {
    /// The digest that a registry has for an image, whatever the engine's own store has; none if a
    /// policy of the client's puts a source without one in its place. An engine with the classic
    /// image store tells no digest of what is there already (`resolveLocal` in moby's
    /// `builder/builder-next/adapters/containerimage/pull.go`).
    ///
    /// # Errors
    ///
    /// When the registry does not answer, or has no such image.
    pub async fn published_digest(
        &self,
        image: &ImageName,
        platform: &Platform,
    ) -> Result<Option<String>, Error> {
        let reference = &image.to_string();
        let log_name = &format!("[internal] load metadata for {reference}");
        let lookup = Lookup { reference, platform, log_name, store: None, mode: ResolveMode::Pull };
        let found = self.resolve(lookup).await?;
        let Resolved::Image(ResolvedImage { digest, .. }) = found else { return Ok(None) };
        Ok(Some(digest).filter(|digest| !digest.is_empty()))
    }

    /// Asks for an image's digest and configuration.
    pub(crate) async fn resolve(&self, lookup: Lookup<'_>) -> Result<Resolved, Error> {
        if self.capabilities().gateway(SOURCE_METADATA) {
            self.resolve_source(lookup).await
        } else {
            self.resolve_config(lookup).await
        }
    }

    async fn resolve_source(&self, lookup: Lookup<'_>) -> Result<Resolved, Error> {
        let Lookup { reference, platform, log_name, store, mode } = lookup;
        let source = match store {
            None => pb::SourceOp {
                identifier: format!("docker-image://{reference}"),
                attrs: BTreeMap::new(),
            },
            Some(store) => pb::SourceOp {
                identifier: format!("oci-layout://{reference}"),
                attrs: BTreeMap::from([
                    ("oci.session".to_owned(), self.request().session.clone()),
                    ("oci.store".to_owned(), store.to_owned()),
                ]),
            },
        };
        let request = ResolveSourceMetaRequest {
            source: Some(source),
            platform: Some(platform.into()),
            log_name: log_name.to_owned(),
            resolve_mode: mode.as_str().to_owned(),
            ..ResolveSourceMetaRequest::default()
        };
        let response = self.client().resolve_source_meta(request).await?.into_inner();
        let identifier = response.source.unwrap_or_default().identifier;
        let Some(image) = response.image else {
            return Ok(Resolved::Other(identifier));
        };
        let name = identifier.split_once("://").map_or(reference, |(_, name)| name);
        Ok(Resolved::Image(ResolvedImage {
            reference: name.to_owned(),
            digest: image.digest,
            config: image.config,
        }))
    }

    /// Before BuildKit 0.13.
    async fn resolve_config(&self, lookup: Lookup<'_>) -> Result<Resolved, Error> {
        let Lookup { reference, platform, log_name, store, mode } = lookup;
        let mut request = ResolveImageConfigRequest {
            r#ref: reference.to_owned(),
            platform: Some(platform.into()),
            resolve_mode: mode.as_str().to_owned(),
            log_name: log_name.to_owned(),
            ..ResolveImageConfigRequest::default()
        };
        if let Some(store) = store {
            // An OCI layout, not a registry.
            request.resolver_type = 1;
            request.session_id.clone_from(&self.request().session);
            request.store_id = store.to_owned();
        }
        let response = self.client().resolve_image_config(request).await?.into_inner();
        // Only BuildKit 0.12 says what became of the reference.
        let renamed = Some(response.r#ref).filter(|renamed| !renamed.is_empty());
        Ok(Resolved::Image(ResolvedImage {
            reference: renamed.unwrap_or_else(|| reference.to_owned()),
            digest: response.digest,
            config: response.config,
        }))
    }

    /// Asks a git remote for the commit that a ref stands for. `None` if the daemon cannot
    /// tell: none can before BuildKit 0.26, and none says what an object's id is the id of.
    /// Then the checkout has to be read.
    ///
    /// # Errors
    ///
    /// When the remote cannot be asked or does not have the ref.
    pub async fn resolve_git(&self, git: &Git) -> Result<Option<ResolvedGit>, Error> {
        if !self.capabilities().gateway(SOURCE_METADATA) {
            return Ok(None);
        }
        let source = git.to_op();
        let name = source.identifier.trim_start_matches("git://").to_owned();
        let request = ResolveSourceMetaRequest {
            log_name: format!("[internal] look up {name}"),
            source: Some(source),
            ..ResolveSourceMetaRequest::default()
        };
        let response = self.client().resolve_source_meta(request).await?.into_inner();
        Ok(response.git.and_then(|git| {
            let commit = commit(&name, &git)?.to_owned();
            Some(ResolvedGit { checksum: git.checksum, commit })
        }))
    }
}

/// The commit that a ref of `source` was found to be at, if it is one for certain.
///
/// The daemon says of a ref what object it is at, and what an annotated tag is of. The latter it
/// asks the remote of `refs/tags/` and the ref: not of `tags/v1`, and of an object's id it asks
/// nothing at all (`source/git/source.go`).
fn commit<'a>(source: &str, found: &'a ResolveSourceGitResponse) -> Option<&'a str> {
    if !found.commit_checksum.is_empty() {
        return Some(&found.commit_checksum);
    }
    let (_, fragment) = source.split_once('#').unwrap_or_default();
    let asked = fragment.split(':').next().unwrap_or(fragment);
    let is_commit = match found.r#ref.strip_prefix("refs/tags/") {
        Some(tag) => tag == asked.strip_prefix("refs/tags/").unwrap_or(asked),
        None => found.r#ref.starts_with("refs/heads/"),
    };
    is_commit.then_some(&found.checksum)
}
