//! The binary run by hand: a small tool that needs no engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use llb::{Platform, SourceFile};

use crate::{
    assumed::{self, Place},
    graph::Graph,
    init, local_code,
    mistake::Mistakes,
    models, plan,
    recipe::{self, Choices, Recipe, Target},
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
    #[arg(long, help = format!("The target: {}", targets()))]
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

/// The names of the targets whose builds have a graph.
fn targets() -> String {
    let with_graph = recipe::TARGETS.iter().filter(|(_, target, _)| *target != Target::Lock);
    with_graph.map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}

fn graph(arguments: &PlanArguments, build_args: BTreeMap<String, String>) -> Result<Graph, String> {
    let recipe = read_recipe(arguments, arguments.target.clone(), build_args.clone())?;
    let production = read_recipe(arguments, None, build_args)?;
    if recipe.target == Target::Lock {
        return Err(format!(
            "`lock` is no image, and its build has no graph: it asks the indexes and writes \
             strata.lock (`docker buildx build -f {} --target lock --output . .`); the targets to \
             plan are {}",
            arguments.file.display(),
            targets()
        ));
    }
    for warning in &recipe.warnings {
        eprintln!("{warning}");
    }
    let is_dev = recipe.target == Target::Dev && recipe.has_other_packages(&production);
    let place = Place {
        manifest: &arguments.file,
        context: &arguments.context,
        platforms: &arguments.platform,
    };
    let facts = assumed::facts(&recipe, is_dev, &place).map_err(|mistakes| told(&mistakes))?;
    let project = assumed::uninstalled_project(&recipe, &arguments.context);
    let project = project.map_err(|mistakes| told(&mistakes))?;
    let mut warnings = BTreeSet::new();
    for platform in &facts.platforms {
        warnings.extend(models::hidden(&recipe, &platform.base));
        let checked = local_code::check(&recipe, &platform.packages.local, project.as_ref());
        warnings.extend(checked.map_err(|mistakes| told(&mistakes))?);
    }
    warnings.iter().for_each(|warning| eprintln!("{warning}"));
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
