//! The local servers, each against the real client of its kind.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod git;
mod hub;
mod python;
mod quickstart;
mod registry;
