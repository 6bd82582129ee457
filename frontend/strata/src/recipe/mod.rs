//! One build, with no choices left in it: variant and target laid over, build arguments
//! filled in, every value checked. What a recipe still lacks are facts from outside.

mod arguments;
mod choice;
mod code;
mod files;
mod image;
mod models;
mod places;
mod python;
mod reader;
mod sections;
mod variable;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use llb::{Lines, SourceFile};

use self::{arguments::Arguments, reader::Reader};
use crate::{
    manifest::{self, schema::DECIDED},
    mistake::{Findings, Mistakes, Spanned},
    notice::Notice,
};

pub use self::choice::TARGETS;
pub use self::files::{FileSource, Files};
pub use self::models::{Command, Download, Hub, InContext, Model, Source, SpacyRelease};
pub use self::variable::Variable;
pub use crate::manifest::values::{InputPath, Installer, Pipeline, RepositoryKind, User};

/// What is chosen outside of the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// `--target`; the whole image if none or empty.
    pub target: Option<String>,
    /// `--build-arg`, by name.
    pub build_args: BTreeMap<String, String>,
}

/// What a manifest leaves to be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The variants' names.
    pub variants: Vec<String>,
    /// The arguments that it declares, with their defaults.
    pub arguments: BTreeMap<String, Option<String>>,
}

/// What to build and how, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The manifest that all lines refer to.
    pub file: Arc<SourceFile>,
    /// What of it is wanted.
    pub target: Target,
    /// The variant; empty for none.
    pub variant: String,
    /// The image everything stands on, as written: `python:3.12-slim`.
    pub base: Spanned<String>,
    /// Packages of the base's own package manager.
    pub system: System,
    /// The Python environment.
    pub python: Python,
    /// The models, in the manifest's order.
    pub models: Vec<Model>,
    /// Where the Hugging Face cache is in the image: `HF_HOME`. Absolute and clean.
    pub hf_home: String,
    /// Whether that is a volume.
    pub models_are_volume: bool,
    /// The application's code; none under the target `deps`, and under `dev`, where it is
    /// left to a bind mount.
    pub code: Option<Code>,
    /// Files that are neither code nor models, in the manifest's order.
    pub files: Vec<Files>,
    /// What the image's config says.
    pub image: ImageSettings,
    /// What to know of the choices.
    pub warnings: Vec<Notice>,
}

/// What of a manifest is wanted: `--target`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The whole image.
    #[default]
    Image,
    /// The image with `dev` laid over, without the code.
    Dev,
    /// All but the code: a base for other builds.
    Deps,
    /// The models, on nothing.
    Models,
    /// The manifest's `strata.lock`, and no image.
    Lock,
}

/// Packages of the base's own package manager, each list of them sorted and without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// `system.python`: under everything else, for a base without Python.
    pub python: Option<Spanned<Vec<String>>>,
    /// `system.runtime`: stay in the image.
    pub runtime: Option<Spanned<Vec<String>>>,
    /// `system.build`: only where packages are built from source.
    pub build: Option<Spanned<Vec<String>>>,
    /// `system.sources`: files that say where they come from, each of another name.
    pub sources: Vec<Spanned<InputPath>>,
    /// `system.env`: variables for the package manager.
    pub env: BTreeMap<String, String>,
}

/// The Python environment: what is to be installed, from where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Python {
    /// The lines of the whole section; none when the manifest has no `python`.
    pub lines: Option<Lines>,
    /// Requirements files.
    pub requirements: Vec<Spanned<InputPath>>,
    /// Requirements written in the manifest (PEP 508), as written.
    pub packages: Vec<Spanned<String>>,
    /// The project whose dependencies are required.
    pub pyproject: Option<Spanned<InputPath>>,
    /// Extras of the project, normalised.
    pub extras: Vec<Spanned<String>>,
    /// Dependency groups of the project, normalised.
    pub groups: Vec<Spanned<String>>,
    /// The lock that another tool keeps.
    pub lock: Option<Spanned<InputPath>>,
    /// Who installs.
    pub installer: Installer,
    /// Where packages come from.
    pub indexes: Indexes,
    /// Packages with a layer of their own beside the known ones, normalised.
    pub heavy: BTreeSet<String>,
    /// What builds from source are held to in the choice of what builds them (PEP 508), as written.
    pub build_constraints: Vec<Spanned<String>>,
    /// Variables for builds from source, such as `CMAKE_ARGS`.
    pub env: BTreeMap<String, String>,
    /// What must be there when a package is built from source, by the package's name.
    pub after: BTreeMap<String, BTreeSet<String>>,
    /// Whether what the base's own Python has counts as installed.
    pub system_site_packages: bool,
    /// Modules that must import.
    pub verify: Option<Spanned<Vec<String>>>,
    /// The code that some of these files are read from, whatever the target; none if none are.
    pub code: Option<Code>,
}

/// Where packages come from, as far as the manifest says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Indexes {
    /// The index in place of PyPI.
    pub index_url: Option<String>,
    /// Indexes beside it.
    pub extra_index_urls: Vec<String>,
    /// Pages with links to packages.
    pub find_links: Vec<String>,
    /// Those of them that answer 401 or 403 for what they do not have.
    pub ignore_refusals: BTreeSet<String>,
    /// The id of the build secret with a host's user and password, by host.
    pub credentials: BTreeMap<String, String>,
    /// The build of PyTorch, by its index: `cpu`, `cu126`.
    pub torch: Option<String>,
}

/// The application's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The lines of the section.
    pub lines: Lines,
    /// Where it comes from.
    pub source: CodeSource,
    /// The folder of the source that is taken; empty for all of it. Relative and clean.
    pub subdir: String,
    /// Where it goes; absolute and clean.
    pub to: String,
    /// What `CODE_VERSION` was given as, if it was.
    pub version: Option<String>,
    /// The command that makes more of it, in its words.
    pub build: Option<Spanned<Vec<String>>>,
    /// The folders of it that are installed into the environment, sorted; empty for all of it.
    pub install: Option<Spanned<Vec<String>>>,
    /// Modules of it that must import, sorted.
    pub verify: Option<Spanned<Vec<String>>>,
    /// Environment of these three.
    pub env: BTreeMap<String, String>,
    /// Variables of `build`, and the ids of the build secrets that they have.
    pub secrets: BTreeMap<String, String>,
}

/// Where code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeSource {
    /// A git remote.
    Git(Git),
    /// The build context, or a folder in it (relative, clean; empty for all).
    Context(String),
}

/// A git remote and what of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Git {
    /// The remote, as written: `https://…`, `ssh://…` or `git@host:path`.
    pub url: String,
    /// Branch, tag or full commit; none for the remote's default branch.
    pub reference: Option<String>,
    /// The id of the build secret with a token for HTTP; BuildKit's `GIT_AUTH_TOKEN` if none.
    pub token: Option<String>,
    /// The id of the SSH agent socket for SSH remotes: `default`.
    pub ssh: String,
    /// Whether submodules are fetched; the default is yes, as in a Dockerfile.
    pub submodules: bool,
}

/// What the image's config says beyond what the layers need.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageSettings {
    /// Environment.
    pub env: BTreeMap<String, Variable>,
    /// Who runs it; `app` if the manifest says nothing.
    pub user: Option<Spanned<User>>,
    /// Working directory; the code's `to` if the manifest names none, whatever the target.
    pub workdir: Option<String>,
    /// Entrypoint; the base's if none. An empty list is one that `[]` or `!reset` emptied.
    pub entrypoint: Option<Vec<String>>,
    /// Command; the base's if none and no entrypoint is given.
    pub cmd: Option<Vec<String>>,
    /// Ports as the config has them: `8000/tcp`.
    pub ports: Vec<String>,
    /// Volumes; absolute paths.
    pub volumes: Vec<String>,
    /// Folders that are made and owned by the user; absolute paths.
    pub dirs: Vec<Spanned<String>>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Health check.
    pub healthcheck: Option<Healthcheck>,
    /// The signal that stops it: `SIGTERM`.
    pub stop_signal: Option<String>,
}

/// A health check as Docker's image config knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// `["CMD", …]`, `["CMD-SHELL", …]` or `["NONE"]`; empty for the base's.
    pub test: Vec<String>,
    /// Time between two checks; Docker's default is 30 s.
    pub interval: Option<Duration>,
    /// Time one check may take; 30 s.
    pub timeout: Option<Duration>,
    /// Time in which failures do not count; 0 s.
    pub start_period: Option<Duration>,
    /// Time between two checks within the start period; 5 s.
    pub start_interval: Option<Duration>,
    /// Failures in a row that make it unhealthy; 3.
    pub retries: Option<u32>,
}

impl Recipe {
    /// Whether there is a Python environment: without `python`, the base's stays as it is.
    pub const fn has_python(&self) -> bool {
        self.python.lines.is_some()
    }

    /// Whether what is built has, or is made with, the Python packages.
    pub fn needs_packages(&self) -> bool {
        let of_python = |model: &Model| matches!(model.source, Source::Spacy(_) | Source::Run(_));
        self.target != Target::Models || self.models.iter().any(of_python)
    }

    /// Whether it may come to other packages than another recipe of the same manifest.
    pub fn has_other_packages(&self, other: &Self) -> bool {
        (&self.python, &self.base) != (&other.python, &other.base)
    }
}

/// Reads the manifest `file` and decides what to build of it.
///
/// # Errors
///
/// All that is wrong with the manifest, whichever of its overlays are chosen, and with the choices.
pub fn read(file: Arc<SourceFile>, choices: &Choices) -> Result<Recipe, Mistakes> {
    let mut findings = Findings::new(Arc::clone(&file));
    match decide(&mut findings, choices) {
        Some(recipe) if findings.is_empty() => Ok(recipe),
        _ => Err(findings.into_mistakes()),
    }
}

/// The target that is chosen.
///
/// # Errors
///
/// When there is none of that name.
pub fn target(file: &Arc<SourceFile>, choices: &Choices) -> Result<Target, Mistakes> {
    let mut findings = Findings::new(Arc::clone(file));
    let target = choice::target(choices.target.as_deref(), &mut findings);
    findings.or(target)
}

/// What there is to choose of the manifest `file`.
///
/// # Errors
///
/// What is wrong with the manifest, whatever is chosen.
pub fn offer(file: &Arc<SourceFile>) -> Result<Offer, Mistakes> {
    let mut findings = Findings::new(Arc::clone(file));
    match manifest::read(&mut findings) {
        Some(manifest) if findings.is_empty() => {
            let variants = choice::variants(&manifest.root);
            let declared = manifest.arguments.into_iter();
            let arguments = declared.map(|(name, declared)| (name, declared.default)).collect();
            Ok(Offer { variants, arguments })
        }
        _ => Err(findings.into_mistakes()),
    }
}

/// None if there is nothing to build from; what is found meanwhile may still forbid the recipe.
fn decide(findings: &mut Findings, choices: &Choices) -> Option<Recipe> {
    let manifest = manifest::read(findings)?;
    let arguments = Arguments::new(&manifest, &choices.build_args, findings);
    let warnings = arguments.warnings(&manifest);
    let target = choice::target(choices.target.as_deref(), findings);
    let variant = arguments.get("VARIANT");
    let (layers, models_are_volume) = choice::layers(manifest.root, target, variant, findings);
    let layers = layers.into_iter().map(|layer| arguments.fill_in(layer, findings));
    let decided = layers.fold(None, |under, over| manifest::lay(under, over, &DECIDED))?;

    let file = Arc::clone(&findings.file);
    let mut reader = Reader::new(&decided, findings);
    let base = reader.base();
    let system = reader.system();
    let code = reader.code(arguments.get("CODE_VERSION"));
    let python = reader.python(code.as_ref());
    let models = reader.models(arguments.get("HF_ENDPOINT"), code.as_ref());
    let files = reader.files(code.as_ref());
    let image = reader.image(code.as_ref());
    let hf_home = reader.hf_home();
    let code = code.filter(|_| target == Target::Image);
    let variant = variant.map(|given| given.value.clone()).unwrap_or_default();
    Some(Recipe {
        file,
        target,
        variant,
        base: base?,
        system,
        python,
        models,
        hf_home,
        models_are_volume,
        code,
        files,
        image,
        warnings,
    })
}
