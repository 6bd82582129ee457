//! Mistakes as an error that shows their lines.

use gateway::Error;
use llb::Location;

use crate::mistake::{Mistake, Mistakes};

impl From<Mistakes> for Error {
    /// All mistakes in one error: their words together, and a snippet for each of their places.
    fn from(mistakes: Mistakes) -> Self {
        let mut locations: Vec<Location> = Vec::new();
        let mistakes = mistakes.without_secrets();
        for Mistake { location, .. } in &mistakes.0 {
            locations.extend(location.clone().filter(|location| !locations.contains(location)));
        }
        Self::new(mistakes.to_string()).at(locations)
    }
}
