//! The conversation with BuildKit: the facts gathered, the graph handed over, the image given
//! back. What depends on nothing else is asked for at the same time.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::try_join_all;
use gateway::{
    BaseImage, BuildContext, BuildResult, Error, Files, Gateway, Manifest, PlatformResult,
    Reference, Warning,
};
use llb::{Location, Platform, State};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::{
    image::{self, Provenance},
    inputs::RequirementTexts,
    mistake::{Mistake, Mistakes},
    plan::{self, Base, CodeFacts, Facts, Plan, PlatformFacts, Probe, Settings},
    recipe::{self, Choices, Code, CodeSource, Recipe, RequirementsPath},
    requirements::InstallSet,
    sources,
};

/// What messages call the frontend.
pub const PRODUCT: &str = "Strata";

/// Where the probe's findings are in its layer.
const PROBE: &str = "/opt/strata/probe.json";

/// A build underway: what every question needs.
struct Build<'a> {
    gateway: &'a Gateway,
    context: &'a BuildContext,
    manifest: &'a Manifest,
    recipe: &'a Recipe,
    settings: Settings,
    /// The commit that the code's remote says it is at, asked once.
    commit: OnceCell<Option<String>>,
}

/// Builds what the request asks for.
///
/// # Errors
///
/// A person's mistakes, with their lines; or what the daemon answered, with what it was asked.
pub async fn build(gateway: Gateway) -> Result<BuildResult, Error> {
    let request = gateway.request();
    if let Some(id) = &request.options.subrequest {
        return Err(Error::unsupported_subrequest(id));
    }
    let context = BuildContext::open(&gateway).await?;
    let manifest = context.manifest("YAML").await?;
    let choices = Choices {
        target: request.options.target.clone(),
        build_args: request.options.build_args.clone(),
    };
    let recipe = recipe::read(Arc::clone(&manifest.file), &choices)?;
    let build = Build {
        gateway: &gateway,
        context: &context,
        manifest: &manifest,
        recipe: &recipe,
        settings: settings(&gateway),
        commit: OnceCell::new(),
    };
    let (result, ()) = tokio::try_join!(build.run(), build.warn_of_ignored_options())?;
    Ok(result)
}

fn settings(gateway: &Gateway) -> Settings {
    let capabilities = gateway.capabilities();
    let request = gateway.request();
    let options = &request.options;
    Settings {
        merge: capabilities.llb("mergeop") && capabilities.llb("diffop"),
        multi_platform: request.platforms().len() > 1,
        no_cache: options.no_cache.clone(),
        cache_namespace: options.cache_mount_namespace.clone().unwrap_or_default(),
        sandbox: options.sandbox.clone(),
    }
}

/// A base image and the config that the image's own is laid over.
struct Found {
    base: Base,
    config: Value,
}

impl Build<'_> {
    async fn run(&self) -> Result<BuildResult, Error> {
        let request = self.gateway.request();
        let platforms = request.platforms();
        let native = request.build_platform();
        let bases = try_join_all(platforms.iter().map(|platform| self.platform(platform)));
        let (bases, native, (requirements, (code, revision))) =
            tokio::try_join!(bases, self.native_base(&native, &platforms), self.files(),)?;
        let (facts, configs): (Vec<PlatformFacts>, Vec<Value>) = bases.into_iter().unzip();
        let native = native.or_else(|| {
            let same = facts.iter().find(|facts| facts.base.platform == request.build_platform());
            same.or(facts.first()).map(|facts| facts.base.clone())
        });
        let native = native.ok_or_else(|| Error::new("no platform to build for"))?;
        let facts =
            Facts { settings: self.settings.clone(), platforms: facts, native, requirements, code };
        let provenance =
            Provenance { revision, labels: request.options.labels.clone().into_iter().collect() };
        let plans = plan::plan(self.recipe, &facts);
        let results =
            plans.iter().zip(&configs).map(|(plan, config)| self.result(plan, config, &provenance));
        Ok(BuildResult::new(try_join_all(results).await?, request.options.multi_platform))
    }

    async fn result(
        &self,
        plan: &Plan,
        base: &Value,
        provenance: &Provenance,
    ) -> Result<PlatformResult, Error> {
        let config = image::config(self.recipe, plan, base, provenance);
        let bytes = |value: &Value| Some(value.to_string().into_bytes());
        Ok(PlatformResult {
            platform: plan.platform.clone(),
            reference: self.gateway.solve(&plan.image.root.definition()).await?,
            config: bytes(&config),
            base_config: bytes(base),
        })
    }

    /// The base image on a platform and what it is.
    async fn platform(&self, platform: &Platform) -> Result<(PlatformFacts, Value), Error> {
        let Found { base, config } = self.base(platform).await?;
        let probe = self.probe(&base).await?;
        Ok((PlatformFacts { base, probe }, config))
    }

    /// The base on the platform that runs natively, where that is not among those built, and
    /// models are to be fetched on it.
    async fn native_base(
        &self,
        native: &Platform,
        platforms: &[Platform],
    ) -> Result<Option<Base>, Error> {
        if self.recipe.models.is_empty() || platforms.contains(native) {
            return Ok(None);
        }
        // A base may be for other machines only: then one of those fetches the models.
        Ok(self.base(native).await.ok().map(|found| found.base))
    }

    async fn base(&self, platform: &Platform) -> Result<Found, Error> {
        let name = &self.recipe.base.value;
        let meta = plan::base_meta(self.recipe, &self.settings, platform);
        let blame = |error: Error| {
            error.context(format!("base image {name}")).at([self.location(self.recipe.base.lines)])
        };
        let BaseImage { state, config, .. } =
            self.gateway.load_image(name, platform, meta).await.map_err(blame)?;
        let config = config.unwrap_or_else(|| b"{}".to_vec());
        let config: Value = serde_json::from_slice(&config)
            .map_err(|error| blame(Error::new(format!("cannot read its config: {error}"))))?;
        let base = Base { platform: platform.clone(), state, env: environment(&config) };
        Ok(Found { base, config })
    }

    /// Asks the base's Python what it is.
    async fn probe(&self, base: &Base) -> Result<Probe, Error> {
        let layer = plan::probe(self.recipe, &self.settings, base);
        let read = async {
            let reference = self.gateway.solve(&layer.definition()).await?;
            self.gateway.read_file(&reference, PROBE).await
        };
        let text = match read.await {
            Ok(text) => text,
            Err(error) => return Err(self.explain_probe(base, error).await),
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::new(format!("{PROBE} of {} cannot be read: {error}", self.recipe.base.value))
        })
    }

    /// In place of the exit status of a script, what it means.
    async fn explain_probe(&self, base: &Base, error: Error) -> Error {
        // Not that of `system.python`, which may be what failed.
        let exited =
            |code: &str| error.message().contains("probe.sh") && error.message().ends_with(code);
        let problem = if exited("exit code: 3") {
            "has no python3: choose a base with Python 3.9 or newer, or name its packages in \
             `system.python`"
        } else if exited("exit code: 4") {
            "has a Python older than 3.9: choose a newer base"
        } else if self.lacks_shell(base).await {
            "has no /bin/sh to run build steps with: choose another base"
        } else {
            return error;
        };
        let base = &self.recipe.base;
        Error::new(format!("base image {} {problem}", base.value)).at([self.location(base.lines)])
    }

    /// Whether nothing could be run on the base: of that, the daemon tells the log alone why.
    async fn lacks_shell(&self, base: &Base) -> bool {
        let read = async {
            let reference = self.gateway.solve(&base.state.definition()).await?;
            self.gateway.read_start(&reference, "/bin/sh", 1).await
        };
        read.await.is_err_and(|error| error.is_not_found())
    }

    /// What the build reads of files that people wrote: requirements, and where the code is.
    async fn files(&self) -> Result<(InstallSet, (Option<CodeFacts>, Option<String>)), Error> {
        tokio::try_join!(self.requirements(), self.code())
    }

    async fn requirements(&self) -> Result<InstallSet, Error> {
        let mut texts = RequirementTexts::new(self.recipe);
        loop {
            let pending = texts.pending();
            if pending.is_empty() {
                return Ok(texts.install_set(self.recipe)?);
            }
            for (path, text) in self.read_requirements(pending).await? {
                match text {
                    Some(text) => texts.supply(path, text),
                    None => texts.missing(path, "there is no such file"),
                }
            }
        }
    }

    /// The texts of requirements files; `None` for those that are not there.
    async fn read_requirements(
        &self,
        paths: Vec<RequirementsPath>,
    ) -> Result<Vec<(RequirementsPath, Option<Vec<u8>>)>, Error> {
        let in_context: Vec<String> =
            paths.iter().filter_map(|path| self.in_context(path)).collect();
        let context = if in_context.is_empty() {
            Reference::scratch()
        } else {
            let files = self.context.files(&Files::Exactly(in_context), &[]);
            self.gateway.solve(&files.definition()).await?
        };
        let mut read = Vec::new();
        for path in paths {
            let text = match (self.in_context(&path), &path) {
                (Some(file), _) => self.gateway.read_file(&context, &file).await,
                (None, RequirementsPath::Context(file) | RequirementsPath::Code(file)) => {
                    self.read_from_checkout(file).await
                }
            };
            match text {
                Ok(text) => read.push((path, Some(text))),
                Err(error) if error.is_not_found() => read.push((path, None)),
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Where a requirements file is in the build context; `None` if it is in git.
    fn in_context(&self, path: &RequirementsPath) -> Option<String> {
        let code = self.recipe.python.code.as_ref();
        match (path, code.map(|code| (&code.source, &code.subdir))) {
            (RequirementsPath::Context(path), _) => Some(path.clone()),
            (RequirementsPath::Code(path), Some((CodeSource::Context(folder), subdir))) => {
                Some(sources::join(&sources::join(folder, subdir), path))
            }
            _ => None,
        }
    }

    async fn read_from_checkout(&self, path: &str) -> Result<Vec<u8>, Error> {
        let Some(code) = &self.recipe.python.code else {
            return Err(Error::new(format!(
                "`code:{path}` names a file of the code, and there is no `code`"
            )));
        };
        let path = sources::join(&code.subdir, path);
        let read = async { self.gateway.read_file(&self.checkout(code).await?, &path).await };
        read.await.map_err(|error| self.explain_code(code, error))
    }

    async fn checkout(&self, code: &Code) -> Result<Reference, Error> {
        let keep_git_dir = self.asked_commit(code).await?.is_none();
        let facts = sources::code(code, &self.recipe.file, &State::scratch(), keep_git_dir);
        self.gateway.solve(&facts.source.definition()).await
    }

    /// The commit that the remote says the ref is at; `None` where the engine cannot ask it,
    /// and the checkout keeps its `.git` to show it.
    async fn asked_commit(&self, code: &Code) -> Result<&Option<String>, Error> {
        let ask = async || match &code.source {
            CodeSource::Git(git) => self.gateway.resolve_git(&sources::git(git)).await,
            CodeSource::Context(_) => Ok(None),
        };
        self.commit.get_or_try_init(ask).await
    }

    /// Where the code is, and the commit it is at.
    async fn code(&self) -> Result<(Option<CodeFacts>, Option<String>), Error> {
        let Some(code) = &self.recipe.code else {
            return Ok((None, None));
        };
        let revision = match &code.source {
            CodeSource::Context(_) => code.version.clone(),
            CodeSource::Git(_) => {
                Some(self.commit(code).await.map_err(|error| self.explain_code(code, error))?)
            }
        };
        let keep_git_dir = self.asked_commit(code).await?.is_none();
        let context = self.code_context(code).await?;
        Ok((Some(sources::code(code, &self.recipe.file, &context, keep_git_dir)), revision))
    }

    async fn commit(&self, code: &Code) -> Result<String, Error> {
        if let Some(commit) = self.asked_commit(code).await? {
            return Ok(commit.clone());
        }
        let head = self.gateway.read_file(&self.checkout(code).await?, "/.git/HEAD").await?;
        Ok(String::from_utf8_lossy(&head).trim().to_owned())
    }

    async fn code_context(&self, code: &Code) -> Result<State, Error> {
        let CodeSource::Context(folder) = &code.source else {
            return Ok(State::scratch());
        };
        let excludes = self.context.excludes(self.manifest).await?;
        let folder = sources::join(folder, &code.subdir);
        let files = if folder.is_empty() { Files::All } else { Files::Matching(vec![folder]) };
        Ok(self.context.files(&files, &excludes))
    }

    /// Says what of the code was asked for, and why that.
    fn explain_code(&self, code: &Code, error: Error) -> Error {
        let CodeSource::Git(git) = &code.source else {
            return error;
        };
        let why = match (&code.version, &git.reference) {
            (Some(version), _) => format!(" (CODE_VERSION was `{version}`)"),
            (None, Some(_)) => " (the manifest's `ref`)".to_owned(),
            (None, None) => " (the remote's default branch)".to_owned(),
        };
        let help = git_help(error.message(), git.token.as_deref().unwrap_or("GIT_AUTH_TOKEN"));
        error
            .context(format!("cannot get the code, {}{why}", sources::name(git)))
            .help(help)
            .at([self.location(code.lines)])
    }

    fn location(&self, lines: llb::Lines) -> Location {
        Location { file: Arc::clone(&self.recipe.file), lines }
    }

    /// Nothing that was asked for is passed over in silence.
    async fn warn_of_ignored_options(&self) -> Result<(), Error> {
        for option in ignored_options(self.gateway) {
            let warning = Warning {
                vertex: self.manifest.vertex.clone(),
                short: format!("IgnoredOption: Strata does not honour {option}"),
                ..Warning::default()
            };
            self.gateway.warn(warning).await?;
        }
        Ok(())
    }
}

/// Options that change nothing here, by the names that people know them by.
fn ignored_options(gateway: &Gateway) -> Vec<String> {
    let options = &gateway.request().options;
    let mut ignored: Vec<String> = options.unknown.keys().cloned().collect();
    if options.sandbox.resources != gateway::Resources::default() {
        ignored.push("limits on memory and processors".to_owned());
    }
    if options.lint != gateway::LintOptions::default() {
        ignored.push("build-arg:BUILDKIT_DOCKERFILE_CHECK".to_owned());
    }
    if let Some(words) = options.cmdline.as_deref().and_then(|line| line.split_once(' ')) {
        ignored.push(format!("`{}` after the image on the syntax line", words.1));
    }
    if options.source_date_epoch.as_ref().is_some_and(|epoch| epoch.parse::<u64>().is_err()) {
        ignored.push("a SOURCE_DATE_EPOCH that is not a number".to_owned());
    }
    ignored
}

/// The environment of an image's config.
fn environment(config: &Value) -> BTreeMap<String, String> {
    let entries = config.pointer("/config/Env").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.as_str()?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What to do when git was refused. It then asks for a user's name and a password, whatever
/// token it was given, and nobody is there to answer.
fn git_help(words: &str, secret: &str) -> Option<String> {
    words.contains("could not read Username").then(|| {
        format!(
            "it is private, or not there: check its name, and give the build a token that may \
             read it: `--secret id={secret},env=GIT_TOKEN`"
        )
    })
}

impl From<Mistakes> for Error {
    /// All mistakes in one error: their words together, and a snippet for each of their places.
    fn from(mistakes: Mistakes) -> Self {
        let mut locations: Vec<Location> = Vec::new();
        let mistakes = mistakes.without_secrets();
        for Mistake { location, .. } in &mistakes.0 {
            locations.extend(location.clone().filter(|location| !locations.contains(location)));
        }
        Self::new(mistakes.to_string()).at(locations)
    }
}
