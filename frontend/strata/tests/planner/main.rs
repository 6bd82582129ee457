//! The planner by value: recipes and facts in, graphs and configs out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

mod examples;
mod folders;
mod identity;
mod image;
mod installers;
mod layers;
mod models;
mod project;
mod reuse_matrix;
mod sent;
mod torch;
