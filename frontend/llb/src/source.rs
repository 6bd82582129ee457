//! Where filesystems come from: images, git, the client's folders, HTTP.

use std::collections::BTreeMap;

use buildkit_proto::pb;

use crate::{
    Meta, Platform, State,
    marshal::{Caps, Inputs, first_output, seal},
};

/// An image of a registry: `docker-image://`.
#[derive(Clone, Debug)]
pub struct Image {
    reference: String,
    resolve_mode: Option<String>,
}

/// An image of an OCI layout that the client offers: `oci-layout://`.
#[derive(Clone, Debug)]
pub struct OciLayout {
    reference: String,
    attrs: BTreeMap<String, String>,
}

/// A git remote: `git://`.
#[derive(Clone, Debug)]
pub struct Git {
    identifier: String,
    attrs: BTreeMap<String, String>,
    caps: Vec<&'static str>,
}

/// A folder of the client's: `local://`.
#[derive(Clone, Debug)]
pub struct Local {
    name: String,
    attrs: BTreeMap<String, String>,
    caps: Vec<&'static str>,
}

/// How the client tells changed files of a [`Local`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differ {
    /// Every file is sent: for a few small ones, whose edits metadata could miss.
    None,
    /// By size, time and mode; the daemon's default.
    Metadata,
}

/// A file behind a URL.
#[derive(Clone, Debug)]
pub struct Http {
    url: String,
    attrs: BTreeMap<String, String>,
    caps: Vec<&'static str>,
}

/// Sets an attribute, unless it is empty: prost would leave an empty map value out where Go
/// writes it, and the digests would differ.
fn set(attrs: &mut BTreeMap<String, String>, key: &str, value: impl Into<String>) {
    let value = value.into();
    if !value.is_empty() {
        attrs.insert(key.to_owned(), value);
    }
}

fn source(
    identifier: String,
    attrs: BTreeMap<String, String>,
    platform: Option<&Platform>,
    caps: Caps,
    meta: Meta,
) -> State {
    let op = pb::op::Op::Source(pb::SourceOp { identifier, attrs });
    first_output(seal(op, platform, Inputs::default(), caps, meta))
}

impl Image {
    /// The image `reference`, in full: `docker.io/library/python:3.12-slim@sha256:…`.
    pub fn new(reference: impl Into<String>) -> Self {
        Self { reference: reference.into(), resolve_mode: None }
    }

    /// `default`, `pull` (ask the registry even if there is one here) or `local`.
    #[must_use]
    pub fn resolve_mode(mut self, mode: impl Into<String>) -> Self {
        self.resolve_mode = Some(mode.into());
        self
    }

    /// Seals it for one platform.
    pub fn build(self, platform: &Platform, meta: Meta) -> State {
        let mut caps = Caps::of(["source.image"]);
        let mut attrs = BTreeMap::new();
        // The default is written as nothing, as BuildKit's client does.
        if let Some(mode) = self.resolve_mode.filter(|mode| mode != "default") {
            if mode == "pull" {
                caps.add("source.image.resolvemode");
            }
            set(&mut attrs, "image.resolvemode", mode);
        }
        source(format!("docker-image://{}", self.reference), attrs, Some(platform), caps, meta)
    }
}

impl OciLayout {
    /// The image `name@digest` in the layout that the client of `session` offers as `store`.
    pub fn new(reference: impl Into<String>, session: &str, store: &str) -> Self {
        let mut attrs = BTreeMap::new();
        set(&mut attrs, "oci.session", session);
        set(&mut attrs, "oci.store", store);
        Self { reference: reference.into(), attrs }
    }

    /// Seals it for one platform.
    pub fn build(self, platform: &Platform, meta: Meta) -> State {
        let caps = Caps::of(["source.ocilayout"]);
        source(format!("oci-layout://{}", self.reference), self.attrs, Some(platform), caps, meta)
    }
}

impl Git {
    /// A remote by the identifier that BuildKit's cache knows it by, `host/path`, with `#ref`
    /// or `#ref:subdir` where wanted, and its real URL.
    ///
    /// The token and header secrets BuildKit's own client asks for are asked for here too:
    /// `GIT_AUTH_TOKEN` and `GIT_AUTH_HEADER` (`client/llb/source.go`).
    pub fn new(identifier: impl Into<String>, url: impl Into<String>) -> Self {
        let mut attrs = BTreeMap::new();
        set(&mut attrs, "git.fullurl", url);
        set(&mut attrs, "git.authtokensecret", "GIT_AUTH_TOKEN");
        set(&mut attrs, "git.authheadersecret", "GIT_AUTH_HEADER");
        Self {
            identifier: identifier.into(),
            attrs,
            caps: vec!["source.git", "source.git.fullurl", "source.git.httpauth"],
        }
    }

    /// Uses the build secret `id` as token in place of `GIT_AUTH_TOKEN`.
    #[must_use]
    pub fn auth_token_secret(mut self, id: impl Into<String>) -> Self {
        set(&mut self.attrs, "git.authtokensecret", id);
        self
    }

    /// Keeps the `.git` folder in the checkout.
    #[must_use]
    pub fn keep_git_dir(mut self) -> Self {
        set(&mut self.attrs, "git.keepgitdir", "true");
        self.caps.push("source.git.keepgitdir");
        self
    }

    /// Talks SSH through the agent socket `id` (`default`).
    #[must_use]
    pub fn ssh(mut self, id: impl Into<String>) -> Self {
        set(&mut self.attrs, "git.mountsshsock", id);
        self.caps.push("source.git.mountsshsock");
        self
    }

    /// Requires the ref to be at this commit, or at the annotated tag of this id; cached as
    /// without.
    #[must_use]
    pub fn checksum(mut self, object: impl Into<String>) -> Self {
        set(&mut self.attrs, "git.checksum", object);
        self.caps.push("source.git.checksum");
        self
    }

    /// Leaves submodules out.
    #[must_use]
    pub fn skip_submodules(mut self) -> Self {
        set(&mut self.attrs, "git.skipsubmodules", "true");
        self.caps.push("source.git.skipsubmodules");
        self
    }

    /// Gives files the time of the commit, in place of that of the checkout.
    #[must_use]
    pub fn time_of_commit(mut self) -> Self {
        set(&mut self.attrs, "git.mtime", "commit");
        self.caps.push("source.git.mtime");
        self
    }

    /// Fetches the commit of [`Git::checksum`], or that the ref is, and asks the remote for no ref.
    #[must_use]
    pub fn fetch_by_commit(mut self) -> Self {
        set(&mut self.attrs, "git.fetchbycommit", "true");
        self.caps.push("source.git.fetchbycommit");
        self
    }

    /// The operation, for asking the daemon about it without a build (`ResolveSourceMeta`).
    pub fn to_op(&self) -> pb::SourceOp {
        pb::SourceOp { identifier: format!("git://{}", self.identifier), attrs: self.attrs.clone() }
    }

    /// Seals it.
    pub fn build(self, meta: Meta) -> State {
        let mut caps = Caps::default();
        self.caps.iter().for_each(|cap| caps.add(cap));
        if self.identifier.contains(':') {
            caps.add("source.git.subdir");
        }
        source(format!("git://{}", self.identifier), self.attrs, None, caps, meta)
    }
}

impl Local {
    /// The folder that the client offers as `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), attrs: BTreeMap::new(), caps: vec!["source.local"] }
    }

    fn list(
        &mut self,
        key: &str,
        paths: impl IntoIterator<Item = impl Into<String>>,
        cap: &'static str,
    ) {
        let paths: Vec<String> = paths.into_iter().map(Into::into).collect();
        if !paths.is_empty() {
            set(&mut self.attrs, key, serde_json::json!(paths).to_string());
            self.caps.push(cap);
        }
    }

    /// The session whose folder it is; any session of the build otherwise.
    #[must_use]
    pub fn session(mut self, id: impl Into<String>) -> Self {
        set(&mut self.attrs, "local.session", id);
        self.caps.push("source.local.sessionid");
        self
    }

    /// Only these files, each an exact path; symlinks on the way are sent too.
    #[must_use]
    pub fn follow_paths(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.list("local.followpaths", paths, "source.local.followpaths");
        self
    }

    /// Only what matches one of the patterns.
    #[must_use]
    pub fn include(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.list("local.includepattern", patterns, "source.local.includepatterns");
        self
    }

    /// Nothing that matches, as `.dockerignore` has it.
    #[must_use]
    pub fn exclude(mut self, patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.list("local.excludepatterns", patterns, "source.local.excludepatterns");
        self
    }

    /// Shares earlier transfers with the same hint. Give one hint to one set of patterns only,
    /// or each transfer discards the other's files (`source/local/source.go`).
    #[must_use]
    pub fn shared_key_hint(mut self, hint: impl Into<String>) -> Self {
        set(&mut self.attrs, "local.sharedkeyhint", hint);
        self.caps.push("source.local.sharedkeyhint");
        self
    }

    /// How changed files are told.
    #[must_use]
    pub fn differ(mut self, differ: Differ) -> Self {
        let differ = match differ {
            Differ::None => "none",
            Differ::Metadata => "metadata",
        };
        set(&mut self.attrs, "local.differ", differ);
        self.caps.push("source.local.differ");
        self
    }

    /// Seals it.
    pub fn build(self, meta: Meta) -> State {
        let mut caps = Caps::default();
        self.caps.iter().for_each(|cap| caps.add(cap));
        source(format!("local://{}", self.name), self.attrs, None, caps, meta)
    }
}

impl Http {
    /// The file behind `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), attrs: BTreeMap::new(), caps: vec!["source.http"] }
    }

    /// Fails unless the file has this digest (`sha256:…`); with it, nothing is asked of the
    /// server while the file is cached.
    #[must_use]
    pub fn checksum(mut self, digest: impl Into<String>) -> Self {
        set(&mut self.attrs, "http.checksum", digest);
        self.caps.push("source.http.checksum");
        self
    }

    /// The file's name in the filesystem; the URL's last part otherwise.
    #[must_use]
    pub fn filename(mut self, name: impl Into<String>) -> Self {
        set(&mut self.attrs, "http.filename", name);
        self
    }

    /// The file's mode; 0600 otherwise.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        set(&mut self.attrs, "http.perm", format!("0{mode:o}"));
        self.caps.push("source.http.perm");
        self
    }

    /// Seals it.
    pub fn build(self, meta: Meta) -> State {
        let mut caps = Caps::default();
        self.caps.iter().for_each(|cap| caps.add(cap));
        source(self.url, self.attrs, None, caps, meta)
    }
}
