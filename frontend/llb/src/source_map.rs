//! Where in a person's file a vertex comes from.

use std::sync::Arc;

/// A file that a graph was made from, as errors and source maps show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name that the person knows it by, such as `strata.yaml`.
    pub name: String,
    /// The name of its language for highlighting, such as `YAML`.
    pub language: String,
    /// Its whole content.
    pub data: Vec<u8>,
}

/// Lines of a file, counted from 1, the last one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lines {
    /// The first line.
    pub start: u32,
    /// The last line.
    pub end: u32,
}

impl Lines {
    /// The single line `line`.
    pub const fn one(line: u32) -> Self {
        Self { start: line, end: line }
    }
}

/// Lines of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The lines.
    pub lines: Lines,
}
