//! The frontend's own image, to run programs of it in builds.

use std::fs;

use buildkit_proto::pb;
use llb::State;
use prost::Message as _;

use crate::Error;

/// Where the daemon puts the definition of the frontend's image, from `BuildKit` 0.10 on
/// (`frontend/gateway/gateway.go`).
const DEFINITION: &str = "/run/config/buildkit/metadata/frontend.bin";

/// The filesystem of the image that this frontend runs from.
///
/// # Errors
///
/// When the daemon has not handed it over, or what it has is no graph.
pub fn own_image() -> Result<State, Error> {
    let bytes = fs::read(DEFINITION).map_err(|error| {
        Error::new(format!(
            "BuildKit has not given the frontend its own image: {DEFINITION}: {error}"
        ))
    })?;
    let definition = pb::Definition::decode(&*bytes)
        .map_err(|error| Error::new(format!("{DEFINITION} cannot be decoded: {error}")))?;
    State::from_pb(&definition).map_err(|error| Error::new(format!("{DEFINITION}: {error}")))
}
