//! The facts of a plan that is made without an engine: what is on the disk, and what stands for what
//! only a build can find out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use llb::{Image, Local, Meta, Platform, State};

use crate::{
    environment::Environment,
    facts::{
        Base, Bill, Facts, Interpreter, Libc, ModelFacts, Packages, Pick, PlatformFacts, Probe,
        Resolution, Settings,
    },
    inputs::{Demand, Inputs},
    listing::Listing,
    local_code::{self, Project},
    lock::{self, Lock},
    mistake::{Mistake, Mistakes},
    picks, plan,
    recipe::{CodeSource, FileSource, Files, InputPath, Model, Recipe, Source},
    requirements::Requirement,
    sources::{self, Checkout},
    strata_lock::{self, Key, StrataLock},
    system_sources,
};

/// Where a plan's files are, and what it is for.
pub struct Place<'a> {
    /// The manifest.
    pub manifest: &'a Path,
    /// The build context.
    pub context: &'a Path,
    /// Not none.
    pub platforms: &'a [Platform],
}

/// The facts that are here, and for those that only a build can find out, what stands for them.
///
/// # Errors
///
/// What is wrong with people's files.
pub fn facts(recipe: &Recipe, is_dev: bool, place: &Place<'_>) -> Result<Facts, Mistakes> {
    let settings =
        Settings { merge: true, multi_platform: place.platforms.len() > 1, ..Settings::default() };
    let read = recipe.system.sources.iter().map(|path| {
        let text = read_input(recipe, place.context, &path.value);
        (path.value.clone(), text.map_err(|error| error.to_string()))
    });
    let system_sources = system_sources::texts(recipe, read.collect())?;
    let base = |platform: &Platform| {
        let meta = plan::base_meta(recipe, &settings, platform);
        Base {
            platform: platform.clone(),
            state: Image::new(&recipe.base.value).build(platform, meta),
            content: None,
            env: BTreeMap::new(),
            system_sources: system_sources.clone(),
            layers: 0,
        }
    };
    let context = Local::new("context").build(Meta::named("[context] the build context"));
    let demand = demand(recipe, place.context)?;
    let strata_lock = strata_lock(place.manifest)?;
    let platform_facts = |platform: &Platform| {
        let probe = assumed(platform, &recipe.base.value);
        let variant = recipe.variant.clone();
        let key = Key { platform: platform.to_string(), variant, dev: is_dev };
        let kept = strata_lock.as_ref().and_then(|lock| lock.entry(&key));
        let kept = kept.filter(|entry| entry.is_fresh(recipe, &demand.requirements));
        let environment = probe.environment();
        let lock = match (kept, &demand.lock) {
            // It is in git.
            (_, Some(own)) if own.file.data.is_empty() => Some(Lock::default()),
            (_, Some(_)) => demand
                .own_lock(recipe, &environment)
                .map_err(|mistakes| assuming(&environment, mistakes))?,
            (Some(entry), None) => Some(entry.lock(&environment, &demand.requirements)?),
            (None, None) => None,
        };
        let packages = match lock {
            Some(lock) => locked(&lock, recipe, &demand, &environment)?,
            None => required(&demand, &environment)?,
        };
        let files = files(recipe, platform, &context);
        Ok(PlatformFacts { base: base(platform), probe, packages, files })
    };
    let platforms = place.platforms.iter().map(platform_facts);
    let platforms = platforms.collect::<Result<Vec<_>, Mistakes>>()?;
    let native = platforms.first().map_or_else(
        || Platform::normalised("linux", "amd64", "", ""),
        |first| first.base.platform.clone(),
    );
    let frontend =
        Image::new("strata").build(&native, Meta::named("[internal] Strata's own image"));
    let models = recipe.models.iter().map(|model| {
        let locked = strata_lock.as_ref().and_then(|lock| lock.facts(&recipe.variant, model));
        locked.unwrap_or_else(|| model_facts(model, &context))
    });
    Ok(Facts {
        models: models.collect(),
        fetcher: Some(frontend),
        native,
        platforms,
        settings,
        code: recipe
            .code
            .as_ref()
            .map(|code| sources::code(code, recipe, &context, Checkout::Unlabelled)),
    })
}

/// What has each of `files`.
fn files(recipe: &Recipe, platform: &Platform, context: &State) -> Vec<State> {
    let state = |files: &Files| match &files.from {
        FileSource::Context(_) => context.clone(),
        FileSource::Image { image, .. } => {
            Image::new(image).build(platform, Meta::named(format!("[files] {image}")))
        }
    };
    recipe.files.iter().map(state).collect()
}

/// What stands for what only a hub knows of a model, where no lock says it.
fn model_facts(model: &Model, context: &State) -> ModelFacts {
    match &model.source {
        Source::Context(_) => ModelFacts::InContext(context.clone()),
        Source::Hub(hub) => ModelFacts::Listed(Listing {
            commit: hub.revision.clone(),
            license: None,
            files: Vec::new(),
        }),
        _ => ModelFacts::Stated,
    }
}

/// What stands for the base's Python, which only a build can look at: the one that its name says,
/// or one that most bases have.
fn assumed(platform: &Platform, base: &str) -> Probe {
    let machine = match platform.architecture.as_str() {
        "amd64" => "x86_64",
        "386" => "i686",
        "arm64" => "aarch64",
        "arm" => "armv7l",
        other => other,
    };
    let tag = base.rsplit('/').next().and_then(|name| name.strip_prefix("python:3."));
    let mut numbers = tag.unwrap_or("12").split(|c: char| !c.is_ascii_digit() && c != '.');
    let mut numbers = numbers.next().unwrap_or_default().split('.').filter(|it| !it.is_empty());
    let minor = numbers.next().unwrap_or("12");
    // A tag without it is of the newest.
    let patch = numbers.next().unwrap_or("99");
    let version = format!("3.{minor}.{patch}");
    Probe {
        python: Interpreter {
            implementation_version: version.clone(),
            version,
            implementation: "cpython".to_owned(),
            soabi: None,
            platform: format!("linux-{machine}"),
            bits: if matches!(machine, "i686" | "armv7l") { 32 } else { 64 },
        },
        machine: machine.to_owned(),
        libc: Libc { name: "glibc".to_owned(), version: "2.36".to_owned() },
        users: BTreeMap::new(),
        links: BTreeMap::new(),
        folders: BTreeMap::new(),
        packages: None,
    }
}

/// What people's files ask for.
fn demand(recipe: &Recipe, context: &Path) -> Result<Demand, Mistakes> {
    let mut inputs = Inputs::new(recipe);
    while let Some(path) = inputs.pending().pop() {
        match read_input(recipe, context, &path) {
            Ok(text) => inputs.supply(path, text),
            Err(error) => inputs.missing(path, &error.to_string()),
        }
    }
    inputs.demand(recipe)
}

/// The project, if it may have to be installed and is not.
///
/// # Errors
///
/// What is wrong with people's files.
pub fn uninstalled_project(recipe: &Recipe, context: &Path) -> Result<Option<Project>, Mistakes> {
    let project = local_code::project(recipe, &demand(recipe, context)?);
    let code = recipe.code.as_ref().map(|code| (&code.source, &code.subdir));
    let (Some(project), Some((CodeSource::Context(folder), subdir))) = (project, code) else {
        return Ok(None);
    };
    let folder = context.join(folder).join(subdir);
    let has_src = project.modules().iter().any(|module| folder.join(module).exists());
    Ok(Some(Project { has_src, ..project }))
}

/// The `strata.lock` beside a manifest, if there is one.
fn strata_lock(manifest: &Path) -> Result<Option<StrataLock>, Mistakes> {
    let name = strata_lock::beside(&manifest.display().to_string());
    match fs::read(&name) {
        Ok(data) => StrataLock::read(name, data).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Mistake::new(format!("cannot read {name}: {error}")).into()),
    }
}

/// The packages of a lock.
fn locked(
    lock: &Lock,
    recipe: &Recipe,
    demand: &Demand,
    environment: &Environment,
) -> Result<Packages, Mistakes> {
    let options = demand.requirements.options();
    // A build looks up where the others are.
    let (unlocated, located) =
        lock.packages.iter().partition::<Vec<_>, _>(|package| package.is_unlocated());
    let mut picks = picks::picks(lock, located, recipe, options, environment)
        .map_err(|mistakes| assuming(environment, mistakes))?;
    let bills = vec![Bill::Stated(picks::bill(&picks))];
    picks
        .extend(unlocated.into_iter().map(|package| named(&package.name, package.version.clone())));
    Ok(Packages {
        picks,
        is_flat: !lock.says_needs,
        local: lock.local.clone(),
        bills,
        earlier: Vec::new(),
        options: demand.requirements.build_options_text(),
        build_constraints: demand.requirements.build_constraints_text(),
    })
}

/// Says beside mistakes that the environment may be another one.
fn assuming(environment: &Environment, mut mistakes: Mistakes) -> Mistakes {
    let words = format!("only a build can look at the base, which is taken for {environment}");
    mistakes.0.push(Mistake::new(words));
    mistakes
}

/// What is known to be installed without resolving it: what is asked for.
fn required(demand: &Demand, environment: &Environment) -> Result<Packages, Mistakes> {
    let requirements = demand.requirements.clone();
    let pinned = lock::pinned(&requirements, environment)
        .map_err(|mistakes| assuming(environment, mistakes))?;
    let picks = match pinned {
        Some(pinned) => {
            pinned.packages().iter().map(|it| named(&it.name, it.version.clone())).collect()
        }
        None => {
            let is_for = |it: &&Requirement| it.dependency.is_for(environment);
            let here = requirements.requirements().filter(is_for).map(|it| it.name.as_str());
            here.collect::<BTreeSet<_>>().into_iter().map(|name| named(name, None)).collect()
        }
    };
    let options = requirements.build_options_text();
    let build_constraints = requirements.build_constraints_text();
    let is_empty = requirements.is_empty();
    let resolution = Resolution { requirements, ..Resolution::default() };
    let bill = (!is_empty).then(|| Bill::Resolved(resolution.into()));
    let bills = bill.into_iter().collect();
    Ok(Packages { picks, bills, options, build_constraints, ..Packages::default() })
}

/// A package of which nobody knows yet where it comes from.
fn named(name: &str, version: Option<String>) -> Pick {
    Pick {
        name: name.to_owned(),
        version,
        file: String::new(),
        url: String::new(),
        hashes: Vec::new(),
        direct: false,
        built: false,
        size: None,
        needs: BTreeSet::new(),
    }
}

/// A file on disk; one that is in git is taken to be empty.
fn read_input(recipe: &Recipe, context: &Path, path: &InputPath) -> io::Result<Vec<u8>> {
    sources::in_context(recipe, path).map_or(Ok(Vec::new()), |path| fs::read(context.join(path)))
}
