//! The conversation with BuildKit: the facts gathered, the graph handed over, the image given
//! back. What depends on nothing else is asked for at the same time.

mod base;
mod blame;
mod check;
mod code;
mod files;
mod ignored;
mod listings;
mod lock_file;
mod lock_notices;
mod other_files;
mod packages;

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::try_join_all;
use gateway::{
    BuildContext, BuildResult, Error, Gateway, LintOptions, Manifest, PlatformResult, ResolvedGit,
    Warning, Warnings,
    subrequest::{self, Subrequest},
};
use llb::{Location, Platform};
use serde_json::Value;
use tokio::sync::OnceCell;

use self::base::{Found, Stated};
use crate::{
    base_config::BaseConfig,
    facts::{CodeFacts, Facts, Packages, PlatformFacts, Settings},
    image::{self, Provenance},
    inputs::Demand,
    local_code,
    mistake::Mistakes,
    models,
    notice::Notice,
    plan::{self, Plan},
    questions,
    recipe::{self, Choices, Recipe, Target},
    strata_lock::{self, StrataLock},
};

/// The manifest's name for clients that address the frontend directly and name none.
const MANIFEST: &str = "strata.yaml";

/// What messages call the frontend.
pub const PRODUCT: &str = "Strata";

/// A build underway: what every question needs.
struct Build<'a> {
    gateway: &'a Gateway,
    context: &'a BuildContext,
    manifest: &'a Manifest,
    recipe: &'a Recipe,
    settings: Settings,
    /// What the person has been told, or would be.
    warnings: &'a Warnings,
    /// What the code's remote says that its ref is at, asked once.
    found: OnceCell<Option<ResolvedGit>>,
    /// What is to be installed, by the files that people wrote, read once.
    demand: OnceCell<Demand>,
    /// The files of `system.sources`, by their names, read once.
    system_sources: OnceCell<BTreeMap<String, String>>,
    /// What the manifest's `strata.lock` is called.
    lock_name: &'a str,
    /// That lock, if there is one.
    lock_file: Option<&'a StrataLock>,
    /// Whether the person is told that it does not fit: not where it is what is made.
    warns_of_lock: bool,
    /// Of a build for development that has packages or a base of its own, the same without `dev`.
    production: Option<&'a Self>,
}

/// Builds what the request asks for.
///
/// # Errors
///
/// A person's mistakes, with their lines; or what the daemon answered, with what it was asked.
pub async fn build(gateway: Gateway) -> Result<BuildResult, Error> {
    let question = gateway.request().options.subrequest.as_deref();
    let question = question.map(Subrequest::parse).transpose()?;
    let context = BuildContext::open(&gateway, MANIFEST).await?;
    let lock_name = strata_lock::beside(context.filename());
    let context = context.with(lock_name.clone());
    let manifest = context.manifest("YAML").await?;
    match question {
        None => {
            let make = async |build: &Build<'_>, dev: Option<&Build<'_>>| build.make(dev).await;
            asked(&gateway, &context, &manifest, &lock_name, make).await
        }
        Some(Subrequest::Lint) => {
            let check =
                async |build: &Build<'_>, dev: Option<&Build<'_>>| build.warnings(dev).await;
            subrequest::lint(asked(&gateway, &context, &manifest, &lock_name, check).await)
        }
        Some(Subrequest::Outline) => {
            let choices = choices(&gateway, gateway.request().options.target.as_deref());
            Ok(subrequest::outline(&questions::outline(&manifest.file, &choices)?))
        }
        Some(Subrequest::Describe) => Ok(subrequest::describe()),
        Some(Subrequest::Targets) => Ok(subrequest::targets(&questions::targets(&manifest.file)?)),
    }
}

/// Runs `answer` on the build that was asked for. With `--target lock` it also gets the build for
/// development, if that has packages or a base of its own.
async fn asked<T>(
    gateway: &Gateway,
    context: &BuildContext,
    manifest: &Manifest,
    lock_name: &str,
    answer: impl AsyncFnOnce(&Build<'_>, Option<&Build<'_>>) -> Result<T, Error>,
) -> Result<T, Error> {
    let lock_file = lock_file(manifest, lock_name)?;
    let warnings = Warnings::new(match &gateway.request().options.lint {
        Some(lint) => lint.clone(),
        None => LintOptions::directive(&manifest.file)?.unwrap_or_default(),
    });
    let recipe = |target| recipe::read(Arc::clone(&manifest.file), &choices(gateway, target));
    let asked = recipe(gateway.request().options.target.as_deref())?;
    let build = Build {
        gateway,
        context,
        manifest,
        recipe: &asked,
        settings: settings(gateway),
        warnings: &warnings,
        found: OnceCell::new(),
        demand: OnceCell::new(),
        system_sources: OnceCell::new(),
        lock_name,
        lock_file: lock_file.as_ref(),
        warns_of_lock: asked.target != Target::Lock,
        production: None,
    };
    match asked.target {
        Target::Image | Target::Deps | Target::Models => answer(&build, None).await,
        Target::Dev => {
            let production = recipe(None)?;
            let has_own = asked.has_other_packages(&production);
            // Once is enough.
            let production = Build { warns_of_lock: false, ..build.of(&production, None) };
            answer(&build.of(&asked, has_own.then_some(&production)), None).await
        }
        Target::Lock => {
            let dev = recipe(Some("dev"))?;
            let has_own = dev.has_other_packages(&asked);
            let dev = build.of(&dev, Some(&build));
            answer(&build, has_own.then_some(&dev)).await
        }
    }
}

/// What was asked for, or another target of it.
fn choices(gateway: &Gateway, target: Option<&str>) -> Choices {
    let build_args = gateway.request().options.build_args.clone();
    Choices { target: target.map(str::to_owned), build_args }
}

/// The manifest's `strata.lock`, if there is one.
fn lock_file(manifest: &Manifest, name: &str) -> Result<Option<StrataLock>, Mistakes> {
    let Some(data) = manifest.beside.get(name).cloned() else { return Ok(None) };
    StrataLock::read(name, data).map(Some)
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

impl<'a> Build<'a> {
    /// The build of another recipe of the same manifest.
    fn of<'b>(&self, recipe: &'b Recipe, production: Option<&'b Build<'b>>) -> Build<'b>
    where
        'a: 'b,
    {
        Build {
            recipe,
            production,
            settings: self.settings.clone(),
            found: OnceCell::new(),
            demand: OnceCell::new(),
            system_sources: OnceCell::new(),
            ..*self
        }
    }

    async fn make(&self, dev: Option<&Self>) -> Result<BuildResult, Error> {
        for notice in self.ignored_options(dev) {
            self.warn(notice).await;
        }
        match self.recipe.target {
            Target::Lock => self.lock_file(dev).await,
            _ => self.run().await,
        }
    }

    async fn run(&self) -> Result<BuildResult, Error> {
        let request = self.gateway.request();
        let platforms = request.platforms();
        let native = request.build_platform();
        let bases = try_join_all(platforms.iter().map(|platform| self.platform(platform)));
        let (bases, (fetcher, models), (code, revision)) =
            tokio::try_join!(bases, self.models(), self.code())?;
        let (platforms, bases): (Vec<PlatformFacts>, Vec<Stated>) = bases.into_iter().unzip();
        if let Some(notice) = self.ignored_triggers(bases.iter().map(|base| &base.config)) {
            self.warn(notice).await;
        }
        for facts in &platforms {
            models::check(self.recipe, &models, &facts.base, &facts.packages)?;
        }
        self.check_models_in_code(&models, code.as_ref()).await?;
        self.check_caches(&platforms).await;
        self.check_local_code(&platforms, code.as_ref()).await?;
        let settings = self.settings.clone();
        let facts = Facts { settings, platforms, native, fetcher, models, code };
        let labels: Vec<_> = request.options.labels.clone().into_iter().collect();
        let plans = plan::plan(self.recipe, &facts);
        for plan in &plans {
            plan::check_layers(self.recipe, plan)?;
        }
        self.warnings.check()?;
        let results = plans.iter().zip(bases).map(|(plan, Stated { config, name })| {
            let (revision, labels) = (revision.clone(), labels.clone());
            self.result(plan, config, Provenance { revision, labels, base: name })
        });
        Ok(BuildResult::new(try_join_all(results).await?, request.options.multi_platform))
    }

    async fn result(
        &self,
        plan: &Plan,
        base: BaseConfig,
        provenance: Provenance,
    ) -> Result<PlatformResult, Error> {
        let config = image::config(self.recipe, plan, &base, &provenance);
        let bytes = |value: &Value| value.to_string().into_bytes();
        let has_base = self.recipe.target != Target::Models;
        Ok(PlatformResult {
            platform: plan.platform.clone(),
            reference: self.gateway.solve(&plan.image.root.definition()).await?,
            config: Some(bytes(&config)),
            base_config: has_base.then(|| bytes(base.as_value())),
        })
    }

    /// The base image on a platform, what it is, and what is to be installed on it.
    async fn platform(&self, platform: &Platform) -> Result<(PlatformFacts, Stated), Error> {
        let Found { base, stated } = self.base(platform).await?;
        let with_packages = async {
            if !self.recipe.needs_packages() {
                return Ok((self.probe(&base).await?, Packages::default()));
            }
            let (probe, locked) = self.locked(&base).await?;
            let packages = self.packages(&base, &probe, locked).await?;
            Ok((probe, packages))
        };
        let ((probe, packages), files) = tokio::try_join!(with_packages, self.files(platform))?;
        Ok((PlatformFacts { base, probe, packages, files }, stated))
    }

    /// Whether libraries look for models where they are.
    async fn check_caches(&self, platforms: &[PlatformFacts]) {
        for facts in platforms {
            for notice in models::hidden(self.recipe, &facts.base) {
                self.warn(notice).await;
            }
        }
    }

    /// Whether the code has what is left to it, and what of it has to be installed is.
    async fn check_local_code(
        &self,
        platforms: &[PlatformFacts],
        code: Option<&CodeFacts>,
    ) -> Result<(), Error> {
        let project = self.uninstalled_project(code).await?;
        for facts in platforms {
            let local = &facts.packages.local;
            if let Some(notice) = local_code::check(self.recipe, local, project.as_ref())? {
                self.warn(notice).await;
            }
        }
        Ok(())
    }

    fn location(&self, lines: llb::Lines) -> Location {
        Location { file: Arc::clone(&self.recipe.file), lines }
    }

    async fn warn(&self, notice: Notice) {
        self.warnings.show(self.gateway, self.warning(notice)).await;
    }

    /// A warning under the manifest.
    fn warning(&self, Notice { rule, text, detail, lines }: Notice) -> Warning {
        let vertex = self.manifest.vertex.clone();
        let detail = detail.map(str::to_owned).into_iter().collect();
        let locations = lines.map(|lines| self.location(lines)).into_iter().collect();
        Warning { vertex, rule, text, detail, locations, url: String::new() }
    }
}
