//! BuildKit's LLB as values.

mod source_map;

pub use source_map::{Lines, Location, SourceFile};
