//! `cargo engine`: brings up what a manifest is tried with, and says how plain `docker buildx
//! build` finds it.

use std::process::ExitCode;

use anyhow::{Result, bail};
use integration::engine::Engine;
use integration::workbench;

const USAGE: &str = "usage: eval \"$(cargo -q engine)\", or cargo engine --stop";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => start(),
        ["--stop"] => Engine::stop_shared(),
        _ => usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<()> {
    let engine = workbench::set_up()?;
    let version = engine.version()?;
    eprintln!("Docker Engine {version} has the images strata and {}", workbench::BASE);
    for (name, value) in engine.environment() {
        println!("export {name}={}", quoted(&value.to_string_lossy()));
    }
    Ok(())
}

fn usage() -> Result<()> {
    bail!("{USAGE}")
}

/// `value` as one word of a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
