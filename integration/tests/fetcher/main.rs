//! The fetcher, run as builds run it, against servers at their worst.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

mod access;
mod archives;
mod cache;
mod disk;
mod faults;
mod layout;
mod scene;
