//! The build's files: the manifest, its ignore file, and the context.
//!
//! All are found as the Dockerfile frontend finds them (`frontend/dockerui/context.go` and
//! `config.go`), so that whatever a person builds from works here too.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;
use llb::{Copy, Differ, File, Http, Local, Meta, SourceFile, State};

use crate::{
    Error, Gateway, GitUrl, archive::is_archive, credentials::without_credentials,
    ignore_file::ignore_patterns, paths::below_root,
};

/// Where the build's files are.
#[derive(Clone, Debug)]
pub struct BuildContext {
    gateway: Gateway,
    /// The manifest's path.
    filename: String,
    /// What holds the manifest, unless it is the client's folder.
    manifest: Option<State>,
    /// What holds the context, unless it is the client's folder.
    context: Option<State>,
    /// The context in the person's words, for messages.
    origin: String,
    /// Files that are read with the manifest, if they are there.
    beside: Vec<String>,
}

/// The file that says what to build.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its name, as the person knows it, and its content.
    pub file: Arc<SourceFile>,
    /// The vertex that loaded it: the one to show warnings under.
    pub vertex: String,
    /// The patterns of the ignore file that is its own, `<manifest>.dockerignore`, if there
    /// is one.
    pub ignore: Option<Vec<String>>,
    /// The files beside it that were asked for and are there, by path.
    pub beside: BTreeMap<String, Vec<u8>>,
}

/// Which files of the client's folder a build looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// All of them.
    #[default]
    All,
    /// Those that match one of the patterns.
    Matching(Vec<String>),
    /// These, each an exact path that is sent if it exists. For a few small ones: they are
    /// sent anew each time.
    Exactly(Vec<String>),
}

/// The client's folder with the context, and the one with the manifest.
const CONTEXT: &str = "context";
const MANIFEST: &str = "dockerfile";

/// The manifest's name, if a syntax line was found and no name is given. It is found in small
/// letters too.
const DEFAULT_FILENAME: &str = "Dockerfile";

/// The name that an HTTP source gives to what it loads.
const DOWNLOAD: &str = "context";

const IGNORE_FILE: &str = ".dockerignore";

/// A manifest travels with every graph and error that shows its lines, in messages of 4 MiB
/// before BuildKit 0.14.
const MAX_MANIFEST: u32 = 1 << 20;

impl BuildContext {
    /// Finds out where the build's files are.
    ///
    /// A client that addresses the frontend itself, as buildctl does, and names no manifest means
    /// the one of the name `default`; one that has found the frontend by a syntax line has found
    /// that in a file named `Dockerfile`.
    ///
    /// # Errors
    ///
    /// When the context's URL is not one, or what is behind it cannot be loaded.
    pub async fn open(gateway: &Gateway, default: &str) -> Result<Self, Error> {
        let options = &gateway.request().options;
        let default = if options.cmdline.is_none() { default } else { DEFAULT_FILENAME };
        let local = Self {
            gateway: gateway.clone(),
            filename: options.filename.clone().unwrap_or_else(|| default.to_owned()),
            manifest: None,
            context: None,
            origin: "the folder that the client sent".to_owned(),
            beside: Vec::new(),
        };
        let mut found = match options.context.url.as_deref() {
            None => local.with_inputs().await?,
            Some(url) => local.remote(url).await?,
        };
        if options.context.manifest_local.is_some() {
            found.manifest = None;
        }
        if let (Some(context), Some(subdir)) = (&found.context, &options.context.subdir) {
            found.context = Some(subfolder(context, subdir));
        }
        Ok(found)
    }

    async fn with_inputs(mut self) -> Result<Self, Error> {
        let mut inputs = self.gateway.inputs().await?;
        self.manifest = inputs.remove(MANIFEST);
        self.context = inputs.remove(CONTEXT);
        if self.manifest.is_some() {
            self.origin = "the input that the client gave".to_owned();
        }
        Ok(self)
    }

    async fn remote(mut self, url: &str) -> Result<Self, Error> {
        self.origin = without_credentials(url);
        let context = if let Some(git) = GitUrl::detect(url) {
            let git = git.map_err(|error| Error::new(format!("build context: {error}")))?;
            self.git(git)
        } else if url.starts_with("http://") || url.starts_with("https://") {
            return self.download(url).await;
        } else {
            return Err(Error::new(format!(
                "the build context `{}` is neither a git URL nor an http or https one",
                self.origin
            )));
        };
        self.manifest = Some(context.clone());
        self.context = Some(context);
        Ok(self)
    }

    fn git(&self, mut git: GitUrl) -> State {
        if self.gateway.request().options.context.keep_git_dir {
            git.keep_git_dir = Some(true);
        }
        git.source().build(Meta::named(format!("[internal] load git source {}", self.origin)))
    }

    /// What is behind an HTTP URL is unpacked if it is an archive; otherwise it is the manifest.
    async fn download(mut self, url: &str) -> Result<Self, Error> {
        let name = format!("[internal] load remote build context {}", self.origin);
        let download = Http::new(url).filename(DOWNLOAD).build(Meta::named(name));
        let reference = self.gateway.solve(&download.definition()).await?;
        let start = self.gateway.read_start(&reference, DOWNLOAD, 1024).await;
        let start = start.map_err(|error| error.context(format!("cannot load {}", self.origin)))?;
        let context = if is_archive(&start) {
            let unpack = Copy::new(download, format!("/{DOWNLOAD}"), "/").unpack();
            let name = "[internal] unpack remote build context";
            File::on(State::scratch()).copy(unpack).build(Meta::named(name))
        } else {
            self.filename = DOWNLOAD.to_owned();
            download
        };
        self.manifest = Some(context.clone());
        self.context = Some(context);
        Ok(self)
    }

    /// The manifest's path, as the person gave it.
    pub fn filename(&self) -> &str {
        &self.filename
    }

    /// Reads the file `path` with the manifest, if it is there: in the same place, at no cost.
    #[must_use]
    pub fn with(mut self, path: String) -> Self {
        self.beside.push(path);
        self
    }

    /// Reads the manifest, and the ignore file that is its own. `language` is the manifest's,
    /// for those who highlight it: `YAML`.
    ///
    /// # Errors
    ///
    /// When it is not there, or larger than 1 MiB.
    pub async fn manifest(&self, language: &str) -> Result<Manifest, Error> {
        let state = self.manifest.clone().unwrap_or_else(|| self.local_manifest());
        let reference = self.gateway.solve(&state.definition()).await?;
        let ignore_file = format!("{}{IGNORE_FILE}", self.filename);
        let beside = self.beside.iter().map(|path| self.gateway.read_file(&reference, path));
        let (data, ignore, beside) = tokio::join!(
            self.gateway.read_start(&reference, &self.filename, MAX_MANIFEST + 1),
            self.gateway.read_file(&reference, &ignore_file),
            join_all(beside),
        );
        let data = match data {
            Err(error) if error.is_not_found() => match self.small_letters() {
                Some(name) => self.gateway.read_start(&reference, &name, MAX_MANIFEST + 1).await,
                None => Err(error),
            },
            data => data,
        };
        let data = data.map_err(|error| self.unreadable(error))?;
        if data.len() > MAX_MANIFEST as usize {
            return Err(Error::new(format!("{} is larger than 1 MiB", self.filename)));
        }
        let file = SourceFile { name: self.filename.clone(), language: language.to_owned(), data };
        let mut there = BTreeMap::new();
        for (path, read) in self.beside.iter().zip(beside) {
            there.extend(optional(read)?.map(|data| (path.clone(), data)));
        }
        Ok(Manifest {
            file: Arc::new(file),
            vertex: state.vertex().map(|vertex| vertex.digest().to_owned()).unwrap_or_default(),
            ignore: optional(ignore)?.map(|file| ignore_patterns(&file)),
            beside: there,
        })
    }

    fn local_manifest(&self) -> State {
        let named = self.gateway.request().options.context.manifest_local.as_deref();
        let folder = named.unwrap_or(MANIFEST);
        let mut paths = vec![self.filename.clone(), format!("{}{IGNORE_FILE}", self.filename)];
        paths.extend(self.small_letters());
        paths.extend(self.beside.iter().cloned());
        self.gateway
            .local(folder)
            .shared_key_hint(folder)
            .follow_paths(paths)
            .differ(Differ::None)
            .build(Meta::named(format!("[internal] load build definition from {}", self.filename)))
    }

    /// `dockerfile`, where `Dockerfile` is looked for.
    fn small_letters(&self) -> Option<String> {
        let folder = self.filename.strip_suffix(DEFAULT_FILENAME)?;
        (folder.is_empty() || folder.ends_with('/'))
            .then(|| format!("{folder}{}", DEFAULT_FILENAME.to_ascii_lowercase()))
    }

    fn unreadable(&self, error: Error) -> Error {
        if error.is_not_found() {
            Error::new(format!(
                "there is no {} in {}: name the file to build with `-f`",
                self.filename, self.origin
            ))
        } else {
            error.context(format!("cannot read {}", self.filename))
        }
    }

    /// What the context leaves out, by the manifest's own ignore file or else by
    /// `.dockerignore`. Only the client's folder leaves anything out.
    ///
    /// # Errors
    ///
    /// When the client's folder cannot be loaded.
    pub async fn excludes(&self, manifest: &Manifest) -> Result<Vec<String>, Error> {
        if self.context.is_some() {
            return Ok(Vec::new());
        }
        if let Some(patterns) = &manifest.ignore {
            return Ok(patterns.clone());
        }
        let meta = Meta::named(format!("[internal] load {IGNORE_FILE}"));
        self.gateway.ignore_file(CONTEXT, CONTEXT, meta).await
    }

    /// The context's files. Of a context that is not the client's folder, these are always
    /// all. `excludes` are those of [`BuildContext::excludes`].
    pub fn files(&self, files: &Files, excludes: &[String]) -> State {
        if let Some(context) = &self.context {
            return context.clone();
        }
        let local = self.gateway.local(CONTEXT).exclude(excludes);
        let (local, what) = match files {
            Files::All => (local.shared_key_hint(CONTEXT), "build context".to_owned()),
            Files::Matching(patterns) => {
                let what = patterns.join(" ");
                let hint = format!("{CONTEXT}-matching {what}");
                // What a link leads to comes with it.
                (local.shared_key_hint(hint).include(patterns).follow_paths(patterns), what)
            }
            Files::Exactly(paths) => {
                let what = paths.join(" ");
                let hint = format!("{CONTEXT}-{what}");
                let local = local.shared_key_hint(hint).differ(Differ::None);
                (local.follow_paths(paths), what)
            }
        };
        local.build(Meta::named(format!("[internal] load {what}")))
    }

    /// Whether the context is the client's folder, to which an ignore file applies.
    pub const fn is_local(&self) -> bool {
        self.context.is_none()
    }
}

impl Gateway {
    /// The folder `name` of the client that has it.
    pub(crate) fn local(&self, name: &str) -> Local {
        let request = self.request();
        let session = request.options.context.local_sessions.get(name);
        Local::new(name).session(session.unwrap_or(&request.session))
    }

    /// The patterns of the `.dockerignore` in a folder of the client's; none without one.
    pub(crate) async fn ignore_file(
        &self,
        folder: &str,
        key: &str,
        meta: Meta,
    ) -> Result<Vec<String>, Error> {
        let state = self
            .local(folder)
            .shared_key_hint(format!("{key}-{IGNORE_FILE}"))
            .follow_paths([IGNORE_FILE])
            .differ(Differ::None)
            .build(meta);
        let reference = self.solve(&state.definition()).await?;
        let file = optional(self.read_file(&reference, IGNORE_FILE).await)?;
        Ok(file.map(|file| ignore_patterns(&file)).unwrap_or_default())
    }
}

/// A file that may be missing.
fn optional(read: Result<Vec<u8>, Error>) -> Result<Option<Vec<u8>>, Error> {
    match read {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn subfolder(context: &State, subdir: &str) -> State {
    let copy = Copy::new(context.clone(), format!("/{}", below_root(subdir)), "/");
    let name = format!("[internal] take {subdir} of the build context");
    File::on(State::scratch()).copy(copy).build(Meta::named(name))
}
