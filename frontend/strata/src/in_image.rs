//! Strata's own places: in the image, and in the steps that make it, whose scripts have the same.

/// The Python environment.
pub(crate) const VENV: &str = "/opt/venv";

/// The Hugging Face cache, unless the manifest's `env` sets `HF_HOME`.
pub(crate) const HF_HOME: &str = "/opt/huggingface";

/// What the image says of itself.
pub(crate) const STRATA: &str = "/opt/strata";

/// What the base's Python and system are.
pub(crate) const PROBE: &str = "/opt/strata/probe.json";

/// What is installed.
pub(crate) const LOCK: &str = "/opt/strata/pylock.toml";

/// In its place, the reason why there is no lock yet.
pub(crate) const UNBUILT: &str = "/opt/strata/unbuilt.txt";

/// Which models it has: a file for each.
pub(crate) const MODELS: &str = "/opt/strata/models";

/// What hubs said of their repositories.
pub(crate) const LISTINGS: &str = "/opt/strata/hub";

/// Of a step, the layer that it leaves.
pub(crate) const OUT: &str = "/out";

/// The files that it reads.
pub(crate) const FILES: &str = "/strata";

/// Its build secrets.
pub(crate) const SECRETS: &str = "/run/secrets";

/// Its home.
pub(crate) const HOME: &str = "/tmp/home";
