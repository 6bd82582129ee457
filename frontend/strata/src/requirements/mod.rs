//! Requirements as pip reads them, normalised: text that means the same is the same text, so
//! that comments and order never reach a vertex.

mod file;
mod install_set;
mod lines;
mod options;
mod requirement;

pub use file::{Include, IncludeKind, RequirementsFile};
pub use install_set::InstallSet;
pub use options::Options;
pub use requirement::Requirement;
