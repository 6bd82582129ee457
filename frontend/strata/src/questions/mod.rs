//! What a person may ask of a manifest in place of a build: `docker buildx build --call`.

mod targets;

pub use targets::targets;
