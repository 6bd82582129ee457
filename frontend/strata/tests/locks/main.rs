//! Locks: what is read out of them for an environment, compared with what other tools say.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

mod choice;
mod environments;
mod exports;
mod hashes;
mod local;
mod needs;
mod others;
mod projects;
mod properties;
mod pylock;
mod reading;
mod uv;
