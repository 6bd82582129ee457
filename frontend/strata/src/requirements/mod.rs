//! Requirements as pip reads them, normalised: text that means the same is the same text, so
//! that comments and order never reach a vertex.

mod cursor;
mod dependency;
mod file;
mod hash;
mod install_set;
mod lines;
mod marker;
mod options;
mod requirement;
mod url;

pub use file::{Include, IncludeKind, RequirementsFile};
pub use install_set::InstallSet;
pub use marker::{Marker, Operand, Selection};
pub use options::{Formats, Options};
pub use requirement::Requirement;

pub(crate) use dependency::{Dependency, Source as DependencySource, normalize};
pub(crate) use hash::hash;
pub(crate) use url::{check as check_url, check_index_page, check_page, over_https};
