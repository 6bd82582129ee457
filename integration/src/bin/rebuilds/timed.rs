//! A build that is timed.

use std::process::Command;

use anyhow::Result;
use integration::buildx::Build;

/// Builds, and says on standard error what took how long. What was written before is on the disk
/// by then: a large image of another way's is none of this build's seconds.
///
/// # Errors
///
/// When the build fails.
pub fn build(command: &mut Command) -> Result<Build> {
    rustix::fs::sync();
    let build = Build::succeed(command)?;
    eprintln!("{:9.2} s", build.elapsed.as_secs_f64());
    for vertex in &build.vertices {
        let seconds = vertex.elapsed().as_secs_f64();
        if seconds >= 0.1 {
            eprintln!("  {seconds:7.2} s  {:.100}", vertex.name);
        }
    }
    Ok(build)
}
