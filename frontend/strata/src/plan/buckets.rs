//! Which layer a package goes into: decided by its name, so that no edit moves another package.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use sha2::{Digest as _, Sha256};

use crate::facts::Pick;

/// Packages that get a layer of their own, because they are large, have many files, or pull large
/// ones along when they change: every layer above a changed one is extracted again, so only small
/// ones may lie there. A trailing `*` matches any rest. docs/manifest.md has this list, too.
pub const HEAVY: [&str; 84] = [
    "aiohttp",
    "av",
    "babel",
    "bitsandbytes",
    "botocore",
    "catboost",
    "cryptography",
    "ctranslate2",
    "cuda-*",
    "cudf-*",
    "cuml-*",
    "cupy-*",
    "cython",
    "deepspeed",
    "django",
    "duckdb",
    "faiss-*",
    "flash-attn",
    "flashinfer-*",
    "fonttools",
    "google-api-python-client",
    "gradio",
    "grpcio",
    "h5py",
    "hf-xet",
    "huggingface-hub",
    "jax",
    "jax-cuda*",
    "jaxlib",
    "kubernetes",
    "lightgbm",
    "litellm",
    "llama-cpp-python",
    "llvmlite",
    "lxml",
    "matplotlib",
    "mlflow",
    "narwhals",
    "networkx",
    "nltk",
    "numba",
    "numpy",
    "nvidia-*",
    "onnx",
    "onnxruntime*",
    "openai",
    "opencv-*",
    "openvino*",
    "paddlepaddle*",
    "pandas",
    "pillow",
    "playwright",
    "polars*",
    "pyarrow",
    "pydantic-core",
    "pygments",
    "pymupdf",
    "pyspark",
    "pytorch-triton*",
    "rapidfuzz",
    "ray",
    "regex",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "sentencepiece",
    "setuptools",
    "sgl-kernel",
    "spacy",
    "sqlalchemy",
    "streamlit",
    "sympy",
    "tensorflow*",
    "tensorrt*",
    "tiktoken",
    "tokenizers",
    "torch*",
    "transformers",
    "triton*",
    "tzdata",
    "uvloop",
    "vllm",
    "xformers",
    "xgboost",
];

/// A file of so many bytes is heavy whatever its name.
const HEAVY_BYTES: u64 = 1_000_000;

/// How many layers the light packages share, with either installer. With fewer, an edit reinstalls
/// more that did not change; with more, the first build starts more installers, and an edit has
/// more layers above it to extract again.
const LIGHT_LAYERS: usize = 12;

/// How many layers the smallest heavy packages share where not each can have one of its own.
const SHARED_LAYERS: usize = 8;

/// Packages that are other builds of the same, each a list: they own the same files, and must be
/// installed by one command, which settles whose files stay. All of a family are heavy, or none.
const FAMILIES: [&[&str]; 9] = [
    &["cupy-cuda*"],
    &["faiss-cpu", "faiss-gpu*"],
    &[
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-migraphx",
        "onnxruntime-openvino",
        "onnxruntime-rocm",
        "onnxruntime-training*",
    ],
    &["opencv-*"],
    &["paddlepaddle", "paddlepaddle-*"],
    &["polars", "polars-lts-cpu", "polars-u64-idx"],
    &["tensorflow", "tensorflow-cpu*", "tensorflow-gpu", "tensorflow-rocm"],
    &["triton", "triton-rocm", "pytorch-triton*"],
    &["xgboost", "xgboost-cpu"],
];

/// The packages by the layers that they go into.
#[derive(Debug)]
pub(super) struct Buckets<'a> {
    /// Heavy wheels, one to a layer; if that were too many, the smallest share some.
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
    /// Of all packages, which have `room` for so many layers.
    pub(super) fn of(picks: &'a [Pick], heavy: &Heavy<'_>, room: usize) -> Self {
        let (built, wheels): (Vec<_>, Vec<_>) = picks.iter().partition(|pick| pick.built);
        let (large, light): (Vec<_>, Vec<_>) =
            wheels.into_iter().partition(|pick| heavy.includes(pick));
        let light = gather(light, |pick| hashed(family(&pick.name), LIGHT_LAYERS));
        let mut alone = gather(large, |pick| family(&pick.name).to_owned());
        let left = room.saturating_sub(built.len() + LIGHT_LAYERS).max(1);
        if alone.len() > left {
            // The largest stay alone, so that an edit moves no more than one package.
            alone.sort_by_cached_key(|picks| Reverse(heavy.weight(picks)));
            let shared = SHARED_LAYERS.min(left);
            let rest = alone.split_off(left - shared).concat();
            alone.sort_by(|a, b| a.iter().map(|it| &it.name).cmp(b.iter().map(|it| &it.name)));
            alone.extend(gather(rest, |pick| hashed(family(&pick.name), shared)));
        }
        Self { heavy: alone, built, light }
    }
}

impl Heavy<'_> {
    /// What is to be alone comes before what need not: what someone asked for, then what is large.
    /// Sizes are taken roughly, so that a bump changes nothing; one that nobody knows may be any.
    fn weight(&self, picks: &[&Pick]) -> (bool, u32, String) {
        let is_asked =
            |pick: &&Pick| self.named.contains(&pick.name) || self.seen.contains(&pick.name);
        let size = picks.iter().map(|pick| pick.size).sum::<Option<u64>>();
        let size = size.map_or(u64::BITS, |size| size.checked_ilog2().unwrap_or_default());
        let name = picks.first().map(|pick| pick.name.clone()).unwrap_or_default();
        (picks.iter().any(is_asked), size, name)
    }

    fn includes(&self, pick: &Pick) -> bool {
        HEAVY.iter().any(|known| is_of(known, family(&pick.name)))
            || pick.size.is_some_and(|size| size >= HEAVY_BYTES)
            || self.named.contains(&pick.name)
            || self.seen.contains(&pick.name)
    }
}

fn gather<K: Ord>(picks: Vec<&Pick>, key: impl Fn(&Pick) -> K) -> Vec<Vec<&Pick>> {
    let mut buckets: BTreeMap<K, Vec<&Pick>> = BTreeMap::new();
    for pick in picks {
        buckets.entry(key(pick)).or_default().push(pick);
    }
    buckets.into_values().collect()
}

/// Whether packages may own the same files.
pub(super) fn overlap(picks: &[&Pick]) -> bool {
    let families: BTreeSet<&str> = picks.iter().map(|pick| family(&pick.name)).collect();
    families.len() < picks.len()
}

/// What a package is known by where others own its files, too.
fn family(name: &str) -> &str {
    let all = |family: &&&[&str]| family.iter().any(|known| is_of(known, name));
    FAMILIES.iter().find(all).and_then(|family| family.first()).copied().unwrap_or(name)
}

/// Whether a name is `known`, where a `*` at the end stands for any rest.
fn is_of(known: &str, name: &str) -> bool {
    known.strip_suffix('*').map_or(name == known, |start| name.starts_with(start))
}

/// One of `count` buckets.
fn hashed(name: &str, count: usize) -> usize {
    let hash = Sha256::digest(name);
    usize::from(u16::from_be_bytes([hash[0], hash[1]])) % count
}
