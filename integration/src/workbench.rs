//! The engine with all that a manifest is tried with.

use anyhow::{Result, anyhow};

use crate::base_image;
use crate::engine::Engine;
use crate::frontend_image;

/// The name of the base.
pub const BASE: &str = "python:3-slim";

/// The shared engine, with the frontend of this tree as `strata` and the [base](BASE).
///
/// # Errors
///
/// When there is no engine and none can be brought up, or an image cannot be made.
pub fn set_up() -> Result<Engine> {
    let engine = Engine::shared()?;
    std::thread::scope(|scope| {
        let base = scope.spawn(|| base_image::load(&engine, BASE));
        let frontend = frontend_image::load(&engine, "strata");
        base.join().map_err(|_| anyhow!("the base image was not made"))?.and(frontend)
    })?;
    Ok(engine)
}
