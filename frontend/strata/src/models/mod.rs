//! Models of a hub: what a repository holds, what of it is wanted, and where that goes.

mod caches;
mod check;
mod choose;
mod layout;
mod parts;

pub use caches::hidden;
pub use check::{check, check_code, where_code_goes};
pub use choose::choose;
pub use layout::{
    cache_folder, layers, layout, listing_path, origin, places, references, statement_path, written,
};
