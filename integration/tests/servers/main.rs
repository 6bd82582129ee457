//! The local servers, each against the real client of its kind.

mod hub;
mod python;
