//! The binary run by hand: a small tool that needs no engine.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use llb::{Image, Local, Meta, Platform, SourceFile};

use crate::{
    graph::Graph,
    inputs::RequirementTexts,
    mistake::Mistakes,
    plan::{self, Base, Facts, Interpreter, Os, PlatformFacts, Probe, Settings},
    recipe::{self, Choices, Recipe, RequirementsPath},
    sources,
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
    /// What only a build can find out (digests, the base's Python, files that are in git) is
    /// left as the manifest has it.
    Plan(PlanArguments),
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
        Some(Command::Plan(arguments)) => match plan_text(&arguments) {
            Ok(text) => print(&text),
            Err(message) => {
                eprintln!("{}", message.trim_end());
                ExitCode::FAILURE
            }
        },
    }
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
    let recipe = read_recipe(arguments, build_args)?;
    let facts = facts(&recipe, arguments).map_err(|mistakes| told(&mistakes))?;
    let plans = plan::plan(&recipe, &facts);
    Ok(Graph::of(plans.iter().map(|plan| &plan.image.root)))
}

/// Mistakes with their lines, in colour where someone is looking.
fn told(mistakes: &Mistakes) -> String {
    mistakes.render(io::stderr().is_terminal())
}

fn read_recipe(
    arguments: &PlanArguments,
    build_args: BTreeMap<String, String>,
) -> Result<Recipe, String> {
    let path = &arguments.file;
    let data =
        fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let file = SourceFile { name: path.display().to_string(), language: "YAML".to_owned(), data };
    let choices = Choices { target: arguments.target.clone(), build_args };
    recipe::read(Arc::new(file), &choices).map_err(|mistakes| told(&mistakes))
}

/// The facts that are here, and for those that only a build can find out, what stands for them.
fn facts(recipe: &Recipe, arguments: &PlanArguments) -> Result<Facts, Mistakes> {
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
        }
    };
    let unknown = Probe {
        python: Interpreter { soabi: None },
        os: Os { id: None, version: None },
        users: BTreeMap::new(),
        links: BTreeMap::new(),
        folders: BTreeMap::new(),
    };
    let platforms = arguments.platform.iter();
    let platforms: Vec<PlatformFacts> = platforms
        .map(|platform| PlatformFacts { base: base(platform), probe: unknown.clone() })
        .collect();
    let context = Local::new("context").build(Meta::named("[context] the build context"));
    Ok(Facts {
        native: platforms.first().map_or_else(
            || base(&Platform::normalised("linux", "amd64", "", "")),
            |first| first.base.clone(),
        ),
        platforms,
        settings,
        requirements: requirements(recipe, &arguments.context)?,
        code: recipe.code.as_ref().map(|code| sources::code(code, &recipe.file, &context, false)),
    })
}

fn requirements(
    recipe: &Recipe,
    context: &Path,
) -> Result<crate::requirements::InstallSet, Mistakes> {
    let mut texts = RequirementTexts::new(recipe);
    loop {
        let pending = texts.pending();
        if pending.is_empty() {
            return texts.install_set(recipe);
        }
        for path in pending {
            match read_requirements(recipe, context, &path) {
                Ok(text) => texts.supply(path, text),
                Err(error) => texts.missing(path, &error.to_string()),
            }
        }
    }
}

/// A requirements file on disk; one that is in git is taken to be empty.
fn read_requirements(
    recipe: &Recipe,
    context: &Path,
    path: &RequirementsPath,
) -> io::Result<Vec<u8>> {
    match path {
        RequirementsPath::Context(path) => fs::read(context.join(path)),
        RequirementsPath::Code(path) => {
            match recipe.python.code.as_ref().map(|code| &code.source) {
                Some(recipe::CodeSource::Context(folder)) => {
                    fs::read(context.join(folder).join(path))
                }
                _ => Ok(Vec::new()),
            }
        }
    }
}
