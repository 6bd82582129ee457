//! What can be built: `--call=targets`.

use std::sync::Arc;

use gateway::subrequest::Target;
use llb::SourceFile;

use crate::{
    mistake::{Mistakes, list},
    recipe::{self, Offer},
};

/// The targets of the manifest `file`, which are those of any; and its variants, which are no
/// targets, but of which there are as many images.
///
/// # Errors
///
/// What is wrong with the manifest, whatever it is built with.
pub fn targets(file: &Arc<SourceFile>) -> Result<Vec<Target>, Mistakes> {
    let mut targets: Vec<Target> = recipe::TARGETS
        .iter()
        .map(|(name, target, description)| Target {
            name: (*name).to_owned(),
            default: *target == recipe::Target::default(),
            description: (*description).to_owned(),
        })
        .collect();
    let Offer { variants, .. } = recipe::offer(file)?;
    if !variants.is_empty() {
        let names = list(variants.iter().map(String::as_str));
        for target in targets.iter_mut().filter(|target| target.default) {
            target.description += &format!("; with `--build-arg VARIANT=…`, its variants {names}");
        }
    }
    Ok(targets)
}
