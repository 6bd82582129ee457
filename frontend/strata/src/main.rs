//! The frontend image's entrypoint; run by hand, a small tool.

use std::process::ExitCode;

use strata::{cli, frontend};

fn main() -> ExitCode {
    if gateway::started_by_buildkit() {
        gateway::run(frontend::PRODUCT, frontend::build)
    } else {
        cli::run()
    }
}
