//! Models: each a layer of its own, the same for every platform.

use llb::{CacheSharing, Mount, State};

use super::{
    Scope,
    facts::Base,
    step::{PYTHON, Step, script},
};
use crate::recipe::Model;

/// Where the Hugging Face cache is in the image: `HF_HOME`.
pub const HF_HOME: &str = "/opt/huggingface";

const TOKEN: &str = "/run/secrets/hf_token";

/// A model's layer, fetched with `tool` (huggingface_hub) on the native platform's Python.
pub(super) fn fetch(
    scope: &Scope<'_>,
    native: &Base,
    python: State,
    tool: State,
    model: &Model,
) -> State {
    let scripts = [script!("fetch_model.py"), script!("tree.py"), script!("network.py")];
    // What a commit of a repository is, each hub says for itself.
    let cache = format!("strata-huggingface-{}", model.endpoint);
    let mut step = Step::new(scope, "models", native, python, PYTHON, &scripts)
        .named(format!("fetch {} at {}", model.repository, model.revision))
        .at(model.lines)
        .args(["--repo", &model.repository, "--revision", &model.revision])
        .args(["--endpoint", &model.endpoint])
        .args(model.files.iter().flat_map(|pattern| ["--pattern", pattern]))
        .args(model.to.iter().flat_map(|to| ["--to", to]))
        .mount(Mount::read_only("/tool", tool))
        .network()
        .cache("/cache/huggingface", &cache, CacheSharing::Shared);
    if let Some(secret) = &model.token {
        // Optional, because the script can say what to do about one that is missing.
        step = step.args(["--token-secret", secret]).mount(Mount::secret(TOKEN, secret, true));
    }
    step.out()
}
