//! Which layer a package goes into: decided by its name, so that no edit moves another package.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::facts::Pick;
use crate::recipe::Installer;

/// Packages that are large, or that so many megabytes change with, that each is a layer of its
/// own. A `*` at the end stands for any rest. The documentation has this list, too.
pub const HEAVY: [&str; 55] = [
    "bitsandbytes",
    "botocore",
    "catboost",
    "ctranslate2",
    "cudf-*",
    "cuda-*",
    "cuml-*",
    "cupy-*",
    "cython",
    "deepspeed",
    "faiss-*",
    "flash-attn",
    "flashinfer-*",
    "google-api-python-client",
    "gradio",
    "grpcio",
    "h5py",
    "jax",
    "jax-cuda*",
    "jaxlib",
    "lightgbm",
    "llama-cpp-python",
    "llvmlite",
    "matplotlib",
    "mlflow",
    "numba",
    "numpy",
    "nvidia-*",
    "onnx",
    "onnxruntime*",
    "opencv-*",
    "openvino*",
    "paddlepaddle*",
    "pandas",
    "pillow",
    "playwright",
    "polars*",
    "pyarrow",
    "pyspark",
    "pytorch-triton*",
    "ray",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "sgl-kernel",
    "spacy",
    "streamlit",
    "tensorflow*",
    "tensorrt*",
    "torch*",
    "transformers",
    "triton*",
    "vllm",
    "xformers",
    "xgboost",
];

/// A file of so many bytes is heavy whatever its name.
const HEAVY_BYTES: u64 = 20_000_000;

/// So many layers may the packages have: an image can have 127, and the base, the models and the
/// rest need some.
const LAYERS: usize = 80;

/// Packages that own the same files, and must be installed by one command, which settles whose
/// files stay.
const FAMILIES: [&str; 1] = ["opencv-"];

/// The packages by the layers that they go into.
#[derive(Debug)]
pub(super) struct Buckets<'a> {
    /// Heavy wheels; mostly one to a layer.
    pub(super) heavy: Vec<Vec<&'a Pick>>,
    /// Packages that are built from source, one to a layer.
    pub(super) built: Vec<&'a Pick>,
    /// All other wheels.
    pub(super) light: Vec<Vec<&'a Pick>>,
}

/// Tells which packages are heavy beside those that everyone knows.
pub(super) struct Heavy<'a> {
    /// By the manifest.
    pub(super) named: &'a BTreeSet<String>,
    /// Because others are built after them: what a build sees is its identity.
    pub(super) seen: BTreeSet<String>,
}

impl<'a> Buckets<'a> {
    pub(super) fn of(picks: &'a [Pick], heavy: &Heavy<'_>, installer: Installer) -> Self {
        let (built, wheels): (Vec<_>, Vec<_>) = picks.iter().partition(|pick| pick.built);
        let (heavy, light): (Vec<_>, Vec<_>) =
            wheels.into_iter().partition(|pick| heavy.includes(pick));
        let light = gather(light, |pick| hashed(family(&pick.name), light_buckets(installer)));
        let heavy = {
            let alone = gather(heavy.clone(), |pick| family(&pick.name).to_owned());
            let left = LAYERS.saturating_sub(built.len() + light.len()).max(1);
            if alone.len() <= left {
                alone
            } else {
                gather(heavy, |pick| hashed(family(&pick.name), left))
            }
        };
        Self { heavy, built, light }
    }
}

impl Heavy<'_> {
    fn includes(&self, pick: &Pick) -> bool {
        let known = HEAVY.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => pick.name.starts_with(start),
            None => pick.name == *known,
        });
        known
            || pick.size.is_some_and(|size| size >= HEAVY_BYTES)
            || self.named.contains(&pick.name)
            || self.seen.contains(&pick.name)
    }
}

/// How many layers the light packages share. pip takes most of a second to start, so that few
/// of them are quickest; uv takes a tenth of that.
const fn light_buckets(installer: Installer) -> usize {
    match installer {
        Installer::Pip => 8,
        Installer::Uv => 16,
    }
}

fn gather<K: Ord>(picks: Vec<&Pick>, key: impl Fn(&Pick) -> K) -> Vec<Vec<&Pick>> {
    let mut buckets: BTreeMap<K, Vec<&Pick>> = BTreeMap::new();
    for pick in picks {
        buckets.entry(key(pick)).or_default().push(pick);
    }
    buckets.into_values().collect()
}

/// What a package is known by where others own its files, too.
fn family(name: &str) -> &str {
    FAMILIES.into_iter().find(|family| name.starts_with(family)).unwrap_or(name)
}

/// One of `count` buckets.
fn hashed(name: &str, count: usize) -> usize {
    let hash = Sha256::digest(name);
    usize::from(u16::from_be_bytes([hash[0], hash[1]])) % count
}
