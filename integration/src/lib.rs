//! What the tests and benchmarks stand on: engines, images, local servers.

pub mod hub;
mod server;
