//! Strata: a BuildKit frontend for Python machine-learning services.
//!
//! One way through: [`manifest`] → [`recipe`] → [`facts`] → [`plan`] → definition → result.
//! [`frontend`] gathers the facts from BuildKit and gives the result back; everything else is
//! a function of values.

pub mod assumed;
pub mod base_config;
pub mod cli;
pub mod environment;
pub mod facts;
pub mod frontend;
pub mod graph;
mod hidden;
pub mod image;
mod in_image;
pub mod init;
pub mod inputs;
pub mod listing;
pub mod local_code;
pub mod lock;
pub mod manifest;
pub mod mistake;
pub mod models;
pub mod notice;
mod paths;
pub mod picks;
pub mod plan;
pub mod questions;
pub mod recipe;
pub mod requirements;
mod secret;
mod sha256;
pub mod sources;
pub mod strata_lock;
pub mod system_sources;
pub mod unmeant;
mod url;
