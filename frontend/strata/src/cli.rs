//! The binary run by hand: a small tool that needs no engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use llb::{Image, Local, Meta, Platform, SourceFile};

use crate::{
    environment::Environment,
    graph::Graph,
    init,
    inputs::{Demand, Inputs},
    local_code,
    lock::Lock,
    mistake::{Mistake, Mistakes},
    models::Listing,
    picks,
    plan::{
        self, Base, Bill, Facts, Interpreter, Libc, ModelFacts, Os, Packages, Pick, PlatformFacts,
        Probe, Resolution, Settings,
    },
    recipe::{self, Choices, InputPath, Model, Recipe, Source, SpacyRelease, Target},
    sources::{self, Checkout},
    strata_lock::{self, Key, StrataLock},
};

/// Builds Python machine-learning images from a short YAML manifest.
///
/// This is a BuildKit frontend: put `# syntax=` and the name of its image on the first line of
/// a manifest and run `docker buildx build -f strata.yaml .`; nothing is installed. Run by hand,
/// it shows what such a build would do.
#[derive(Parser)]
#[command(name = "strata", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print the graph of a build, without an engine.
    ///
    /// What only a build can find out is left as the manifest has it (digests, files that are in
    /// git) or taken for what is usual (the base's Python, and Debian for its system). Packages
    /// are those of a lock; without one, those that are named, which stand for all that they need.
    Plan(PlanArguments),
    /// Write a first manifest for a project: out of its Dockerfile, or without one out of its lock,
    /// its requirements.txt or its pyproject.toml.
    ///
    /// Nothing is run and nothing overwritten. What the manifest does not say, or says otherwise,
    /// is told on standard error with the Dockerfile's line.
    Init(InitArguments),
}

#[derive(Parser)]
struct InitArguments {
    /// The project's folder: the build context.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The Dockerfile; the folder's own if not given.
    #[arg(short = 'f', long)]
    dockerfile: Option<PathBuf>,
    /// The manifest to write; strata.yaml in the folder if not given.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print the manifest and write nothing.
    #[arg(long, conflicts_with = "output")]
    stdout: bool,
}

#[derive(Parser)]
struct PlanArguments {
    /// The manifest.
    #[arg(short, long, default_value = "strata.yaml")]
    file: PathBuf,
    /// The build context.
    #[arg(default_value = ".")]
    context: PathBuf,
    /// The target: image, dev or deps.
    #[arg(long)]
    target: Option<String>,
    /// The platforms, such as linux/amd64,linux/arm64.
    #[arg(long, value_delimiter = ',', default_value = "linux/amd64")]
    platform: Vec<Platform>,
    /// A build argument, as for docker buildx build.
    #[arg(long = "build-arg", value_name = "NAME=VALUE", value_parser = pair)]
    build_args: Vec<(String, String)>,
    /// A build argument of a second build: print only what that one would run and the first
    /// would not.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    against: Vec<(String, String)>,
    /// How the graph is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line for each vertex.
    Text,
    /// All of it, with digests and lines.
    Json,
    /// A flow chart.
    Mermaid,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command line. Exit status 1 and a message on standard error for mistakes.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        None => {
            // Nothing asked: say what this is. Nobody to tell if that cannot be printed.
            let _ = Arguments::command().print_long_help();
            ExitCode::SUCCESS
        }
        Some(Command::Plan(arguments)) => finish(plan_text(&arguments)),
        Some(Command::Init(arguments)) => finish(init_text(&arguments)),
    }
}

fn finish(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(text) => print(&text),
        Err(message) => {
            eprintln!("{}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Writes a first manifest, or gives it back to be printed.
fn init_text(arguments: &InitArguments) -> Result<String, String> {
    let found = init::init(&arguments.folder, arguments.dockerfile.as_deref())?;
    let own = || arguments.folder.join("strata.yaml");
    let output = arguments.output.clone().unwrap_or_else(own);
    let name = output.display();
    if !arguments.stdout {
        let written = fs::File::create_new(&output)
            .and_then(|mut file| io::Write::write_all(&mut file, found.manifest.as_bytes()));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!(
                "{name} is there already, and is not overwritten: `--stdout` prints what would be \
                 written, `--output` names another file"
            ),
            _ => format!("cannot write {name}: {error}"),
        })?;
        eprintln!("wrote {name}");
    }
    if !found.notes.is_empty() {
        eprintln!("\nto look at:");
        found.notes.iter().for_each(|note| eprintln!("  {note}"));
    }
    let file = SourceFile {
        name: name.to_string(),
        language: "YAML".to_owned(),
        data: found.manifest.clone().into_bytes(),
    };
    if let Err(mistakes) = recipe::read(Arc::new(file), &Choices::default()) {
        eprintln!("\nto put right:\n{}", told(&mistakes));
    }
    Ok(if arguments.stdout { found.manifest } else { String::new() })
}

/// Prints, and takes a closed pipe (`| head`) for what it is.
fn print(text: &str) -> ExitCode {
    use io::Write as _;
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("cannot print: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn plan_text(arguments: &PlanArguments) -> Result<String, String> {
    let first: BTreeMap<String, String> = arguments.build_args.iter().cloned().collect();
    let graph = graph(arguments, first.clone())?;
    if arguments.against.is_empty() {
        return Ok(match arguments.format {
            Format::Text => graph.text(),
            Format::Mermaid => graph.mermaid(),
            Format::Json => json(&graph)?,
        });
    }
    let mut second = first;
    second.extend(arguments.against.iter().cloned());
    let second = self::graph(arguments, second)?;
    let differing = second.beyond(&graph);
    Ok(match arguments.format {
        Format::Json => json(&differing)?,
        Format::Text | Format::Mermaid if differing.is_empty() => "nothing differs\n".to_owned(),
        Format::Text | Format::Mermaid => {
            differing.iter().map(|node| format!("{}\n", node.name)).collect()
        }
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

fn graph(arguments: &PlanArguments, build_args: BTreeMap<String, String>) -> Result<Graph, String> {
    let recipe = read_recipe(arguments, arguments.target.clone(), build_args.clone())?;
    let production = read_recipe(arguments, None, build_args)?;
    if let Some(warning) = &recipe.warning {
        eprintln!("{warning}");
    }
    let is_dev = recipe.target == Target::Dev && recipe.has_other_packages(&production);
    let facts = facts(&recipe, is_dev, arguments).map_err(|mistakes| told(&mistakes))?;
    for platform in &facts.platforms {
        let checked = local_code::check(&recipe, &platform.packages.local);
        if let Some(warning) = checked.map_err(|mistakes| told(&mistakes))? {
            eprintln!("{warning}");
        }
    }
    let plans = plan::plan(&recipe, &facts);
    for plan in &plans {
        plan::check_layers(&recipe, plan).map_err(|mistakes| told(&mistakes))?;
    }
    Ok(Graph::of(plans.iter().map(|plan| &plan.image.root)))
}

/// Mistakes with their lines, in colour where someone is looking.
fn told(mistakes: &Mistakes) -> String {
    mistakes.render(io::stderr().is_terminal())
}

fn read_recipe(
    arguments: &PlanArguments,
    target: Option<String>,
    build_args: BTreeMap<String, String>,
) -> Result<Recipe, String> {
    let path = &arguments.file;
    let data =
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let file = SourceFile { name: path.display().to_string(), language: "YAML".to_owned(), data };
    let choices = Choices { target, build_args };
    recipe::read(Arc::new(file), &choices).map_err(|mistakes| told(&mistakes))
}

/// The facts that are here, and for those that only a build can find out, what stands for them.
fn facts(recipe: &Recipe, is_dev: bool, arguments: &PlanArguments) -> Result<Facts, Mistakes> {
    let settings = Settings {
        merge: true,
        multi_platform: arguments.platform.len() > 1,
        ..Settings::default()
    };
    let base = |platform: &Platform| {
        let meta = plan::base_meta(recipe, &settings, platform);
        Base {
            platform: platform.clone(),
            state: Image::new(&recipe.base.value).build(platform, meta),
            env: BTreeMap::new(),
            layers: 0,
        }
    };
    let demand = demand(recipe, &arguments.context)?;
    let strata_lock = strata_lock(&arguments.file)?;
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
            (Some(entry), None) => Some(entry.lock(&environment)?),
            (None, None) => None,
        };
        let packages = match lock {
            Some(lock) => locked(&lock, recipe, &demand, &environment)?,
            None => required(&demand),
        };
        Ok(PlatformFacts { base: base(platform), probe, packages })
    };
    let platforms = arguments.platform.iter().map(platform_facts);
    let platforms = platforms.collect::<Result<Vec<_>, Mistakes>>()?;
    let context = Local::new("context").build(Meta::named("[context] the build context"));
    let native = platforms.first().map_or_else(
        || Platform::normalised("linux", "amd64", "", ""),
        |first| first.base.platform.clone(),
    );
    let frontend =
        Image::new("strata").build(&native, Meta::named("[internal] Strata's own image"));
    let models = recipe.models.iter().map(|model| model_facts(recipe, strata_lock.as_ref(), model));
    Ok(Facts {
        models: models.collect(),
        fetcher: Some(frontend),
        native,
        platforms,
        settings,
        code: recipe
            .code
            .as_ref()
            .map(|code| sources::code(code, &recipe.file, &context, Checkout::Unlabelled)),
    })
}

/// What a model came to, and where no lock says that, what stands for it: only a hub knows.
fn model_facts(recipe: &Recipe, lock: Option<&StrataLock>, model: &Model) -> ModelFacts {
    if let Source::Spacy(SpacyRelease { pipeline, sha256: None, .. }) = &model.source
        && let Some(locked) = lock.and_then(|lock| lock.pipeline(&recipe.variant, pipeline))
    {
        return ModelFacts::Pinned(locked.to_owned());
    }
    let Source::Hub(hub) = &model.source else { return ModelFacts::Stated };
    match lock.and_then(|lock| lock.model(&recipe.variant, hub)) {
        Some(listing) => ModelFacts::Locked(listing.clone()),
        None => ModelFacts::Listed(Listing {
            commit: hub.revision.clone(),
            license: None,
            files: Vec::new(),
        }),
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
    let minor = base.rsplit('/').next().and_then(|name| name.strip_prefix("python:3."));
    let minor = minor.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let minor = minor.flatten().filter(|digits| !digits.is_empty()).unwrap_or("12");
    let version = format!("3.{minor}.0");
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
        os: Os { id: None, version: None },
        users: BTreeMap::new(),
        links: BTreeMap::new(),
        folders: BTreeMap::new(),
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

/// The `strata.lock` beside a manifest, if there is one.
fn strata_lock(manifest: &Path) -> Result<Option<StrataLock>, Mistakes> {
    let name = strata_lock::beside(&manifest.display().to_string());
    let Ok(data) = fs::read(&name) else { return Ok(None) };
    let file = SourceFile { name, language: "TOML".to_owned(), data };
    StrataLock::parse(&Arc::new(file)).map(Some)
}

/// The packages of a lock.
fn locked(
    lock: &Lock,
    recipe: &Recipe,
    demand: &Demand,
    environment: &Environment,
) -> Result<Packages, Mistakes> {
    let options = demand.requirements.options();
    let mut picks = picks::picks(lock, recipe, options, environment)
        .map_err(|mistakes| assuming(environment, mistakes))?;
    let bills = vec![Bill::Stated(picks::bill(&picks))];
    // A build looks up where these are.
    let unlocated = lock.packages.iter().filter(|package| package.is_unlocated());
    picks.retain(|pick| !unlocated.clone().any(|package| package.name == pick.name));
    picks.extend(unlocated.map(|package| named(&package.name, package.version.clone())));
    let (options, local) = (demand.requirements.build_options_text(), lock.local.clone());
    let is_flat = !lock.says_needs;
    Ok(Packages { picks, is_flat, local, bills, earlier: Vec::new(), options })
}

/// Says beside mistakes that the environment may be another one.
fn assuming(environment: &Environment, mut mistakes: Mistakes) -> Mistakes {
    let words = format!("only a build can look at the base, which is taken for {environment}");
    mistakes.0.push(Mistake::new(words));
    mistakes
}

/// What is known to be installed without resolving it: what is asked for.
fn required(demand: &Demand) -> Packages {
    let requirements = demand.requirements.clone();
    let picks = requirements.names().into_iter().map(|name| named(name, None)).collect();
    let options = requirements.build_options_text();
    let is_empty = requirements.is_empty();
    let resolution = Resolution { requirements, ..Resolution::default() };
    let bill = (!is_empty).then(|| Bill::Resolved(resolution.into()));
    let bills = bill.into_iter().collect();
    Packages { picks, bills, options, ..Packages::default() }
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
    match path {
        InputPath::Context(path) => fs::read(context.join(path)),
        InputPath::Code(path) => match recipe.python.code.as_ref().map(|code| &code.source) {
            Some(recipe::CodeSource::Context(folder)) => fs::read(context.join(folder).join(path)),
            _ => Ok(Vec::new()),
        },
    }
}
