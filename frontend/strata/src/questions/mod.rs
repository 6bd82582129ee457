//! What a person may ask of a manifest in place of a build: `docker buildx build --call`.

mod outline;
mod targets;

pub use outline::outline;
pub use targets::targets;
