//! `cargo rebuilds`: what an edit costs with Strata and with careful Dockerfiles, with pip and with
//! uv, in turn on the same engine; and how large and quick the frontend itself is. The figures of
//! the README.

mod bench;
mod chart;
mod cost;
mod desk;
mod examples;
mod models;
mod noise;
mod project;
mod table;
mod timed;
mod way;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use integration::command::output;
use integration::{frontend_image, workspace};

use crate::bench::{Bench, FIRST_BUILD, Row};
use crate::examples::Table;
use crate::project::{CODE, EDITS, Edit, LIGHT_BUMP, NOTHING, OTHERS, Service};
use crate::way::Way;

/// Measures what an edit costs with Strata and with careful Dockerfiles.
#[derive(Parser)]
struct Options {
    /// How often each edit is made and built; the tables have the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=EDITS as i64))]
    runs: u8,
    /// A service with torch and its CUDA wheels, of several gigabytes, and the main edits only
    #[arg(long)]
    torch: bool,
    /// A service with five models of 200 MB instead, built by a command and by `ADD`, too
    #[arg(long, conflicts_with = "torch")]
    models: bool,
    /// The examples, and what their teams built by hand
    #[arg(long, conflicts_with_all = ["torch", "models"])]
    examples: bool,
    /// With `--examples`: how many megabytes a second each download of a model gets; as many as there
    /// are, if not given
    #[arg(long, requires = "examples", value_parser = clap::value_parser!(u16).range(1..))]
    hub_speed: Option<u16>,
    /// Only edits (or examples) with one of these in their name, between commas; the chart is then
    /// left as it is
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    match measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let chosen: Vec<&str> = options.only.split(',').collect();
    if options.models {
        let rows = models::rows(options.runs.into(), &chosen)?;
        for measure in table::OF_MODELS {
            println!("{}", table::table(measure, &rows));
        }
        return Ok(());
    }
    if options.examples {
        for Table { name, rows, said } in
            examples::tables(options.runs.into(), &chosen, options.hub_speed)?
        {
            println!("## {name}\n");
            for measure in table::OF_EXAMPLES {
                println!("{}", table::table(measure, &rows));
            }
            said.iter().for_each(|line| println!("{line}"));
        }
        return Ok(());
    }
    let rows = if options.torch { torch(options)? } else { usual(options)? };
    for measure in table::MEASURES {
        println!("{}", table::table(measure, &rows));
    }
    if options.torch || !options.only.is_empty() {
        return Ok(());
    }
    let chart = workspace::root().join("docs/rebuilds.svg");
    fs::write(&chart, chart::chart(&rows))
        .with_context(|| format!("could not write {}", chart.display()))?;
    about_the_frontend()
}

/// Every edit, on a warm builder and on empty ones.
fn usual(options: &Options) -> Result<Vec<Row>> {
    let mut bench = Bench::new(Service::Usual, &Way::ALL, options.runs.into())?;
    let is_chosen = |name: &str| options.only.split(',').any(|part| name.contains(part));
    let chosen = |edit: &Edit| is_chosen(edit.name);
    // Every edit needs one to be an edit of.
    let first = if is_chosen(FIRST_BUILD) { options.runs.into() } else { 1 };
    let mut rows = vec![bench.first_builds(first)?];
    for edit in [NOTHING, CODE, LIGHT_BUMP].into_iter().chain(OTHERS).filter(chosen) {
        rows.push(bench.on_the_desk(edit)?);
    }
    bench.export_caches()?;
    for edit in [NOTHING, CODE, LIGHT_BUMP].into_iter().filter(chosen) {
        rows.push(bench.in_ci(edit)?);
    }
    Ok(rows)
}

/// The main edits. Each way has an engine of its own, which is gone before the next begins: they
/// would not fit on many disks together.
fn torch(options: &Options) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for way in Way::TORCH {
        let mut bench = Bench::new(Service::Torch, &[way], options.runs.into())?;
        let mut of_this_way = vec![bench.first_builds(options.runs.into())?];
        for edit in [NOTHING, CODE, LIGHT_BUMP] {
            of_this_way.push(bench.on_the_desk(edit)?);
        }
        if rows.is_empty() {
            rows = of_this_way;
            continue;
        }
        for (row, more) in rows.iter_mut().zip(of_this_way) {
            row.costs.extend(more.costs);
        }
    }
    Ok(rows)
}

/// Size, time to plan and memory of the binary that the frontend image has.
fn about_the_frontend() -> Result<()> {
    let binary = frontend_image::binary()?;
    let quickstart = workspace::root().join("examples/quickstart");
    let plan = || -> Result<Duration> {
        let start = Instant::now();
        // Address space above 32 MB is refused, so that the plan proves what it needs.
        output(
            Command::new("sh")
                .args(["-c", "ulimit -v 32768 && exec \"$0\" plan --file \"$1\" \"$2\""])
                .arg(&binary)
                .arg(quickstart.join("strata.yaml"))
                .arg(&quickstart),
        )?;
        Ok(start.elapsed())
    };
    let mut times = (0..20).map(|_| plan()).collect::<Result<Vec<_>>>()?;
    times.sort();
    let size = fs::metadata(&binary).context("the binary is gone")?.len();
    println!("frontend binary: {:.1} MB", size as f64 / 1e6);
    println!(
        "`strata plan` of the quickstart, process and all, within 32 MB: {:.1} ms",
        times[times.len() / 2].as_secs_f64() * 1e3
    );
    Ok(())
}
