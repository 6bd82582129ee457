//! What the tests and benchmarks stand on: engines, images, local servers.

mod answers;
pub mod apt;
pub mod base_image;
mod basic_auth;
pub mod buildx;
pub mod command;
pub mod daemons;
pub mod engine;
pub mod fault;
pub mod file_server;
pub mod frontend_image;
pub mod git;
pub mod git_server;
pub mod hub;
pub mod network;
pub mod package;
pub mod package_index;
pub mod packages;
pub mod pypi_mirror;
pub mod python;
mod range;
pub mod registry;
mod server;
pub mod tls;
pub mod weights;
pub mod workbench;
pub mod workspace;
