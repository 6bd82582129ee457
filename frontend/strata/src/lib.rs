//! Strata: a BuildKit frontend for Python machine-learning services.

pub mod manifest;
pub mod mistake;
pub mod recipe;
pub mod requirements;
