//! The engine with all that a manifest is tried with.

use anyhow::{Result, anyhow};

use crate::base_image::{self, Python};
use crate::engine::Engine;
use crate::frontend_image;

/// The shared engine, with the frontend of this tree as `strata` and a base as `python:3-slim`.
///
/// # Errors
///
/// When there is no engine and none can be brought up, or an image cannot be made.
pub fn set_up() -> Result<Engine> {
    let engine = Engine::shared()?;
    std::thread::scope(|scope| {
        let base = scope.spawn(|| base_image::load(&engine, Python::Newest, "python:3-slim"));
        let frontend = frontend_image::load(&engine, "strata");
        base.join().map_err(|_| anyhow!("the base image was not made"))?.and(frontend)
    })?;
    Ok(engine)
}
