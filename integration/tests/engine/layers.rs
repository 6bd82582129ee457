//! What an image is made of.

use std::iter;

use integration::buildx::Build;
use integration::registry::Registry;
use serde_json::Value;

/// The layers that `build` pushed, topmost first: what each is for, and its digest.
pub fn layers(registry: &Registry, build: &Build) -> Vec<(String, String)> {
    let read = |digest: &Value| -> Value {
        serde_json::from_slice(&registry.read(digest.as_str().unwrap()).unwrap()).unwrap()
    };
    let manifest = read(&build.metadata["containerimage.digest"]);
    let config = read(&manifest["config"]["digest"]);
    let history = config["history"].as_array().unwrap().iter().rev();
    let ours = history.filter_map(|entry| entry["created_by"].as_str()?.strip_prefix("strata: "));
    let layers = manifest["layers"].as_array().unwrap().iter().rev();
    let digests = layers.map(|layer| layer["digest"].as_str().unwrap().to_owned());
    ours.chain(iter::repeat("base")).map(str::to_owned).zip(digests).collect()
}
