//! Which files of a repository are wanted.

use std::collections::BTreeSet;

use glob::{MatchOptions, Pattern};

use crate::{
    listing::{File, Listing},
    mistake::{Mistake, list, nearest},
    recipe::{Hub, RepositoryKind},
};

/// As Python's `fnmatch`, by which huggingface_hub chooses: `*` stands for slashes, too.
const LIKE_FNMATCH: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

/// What huggingface_hub never downloads either, and formats of weights for other programs than
/// PyTorch: taken only by name, where a model has weights for PyTorch.
const OTHER_FORMATS: &[&str] = &[
    "*.ckpt.index",
    "*.gguf",
    "*.mlmodel",
    "*.msgpack",
    "*.onnx",
    "*.onnx.data",
    "*.onnx_data",
    "*.ot",
    "*.tflite",
    "*openvino_model*.bin",
    "*openvino_model*.xml",
    "*tf_model*.h5",
    "coreml/*",
    "flax_model*",
    "metal/*",
    "onnx/*",
    "openvino/*",
    "original/*",
];

/// The most files of one model: a build describes each in a message that BuildKit takes no more of
/// than 16 MiB (`grpc.MaxRecvMsgSize` in `frontend/gateway/gateway.go`).
const MOST: usize = 10_000;

/// The files of `hub` that its patterns mean. Without patterns all, but of the formats that the
/// weights come in one: safetensors, else PyTorch's own.
///
/// # Errors
///
/// When a pattern means none, when there is no telling which of many is meant, or when they are more
/// than a build can describe.
pub fn choose(hub: &Hub, listing: &Listing) -> Result<Vec<File>, Vec<Mistake>> {
    let chosen = by_patterns(hub, listing)?;
    if chosen.len() <= MOST {
        return Ok(chosen);
    }
    let message = format!("{} has {} files, and a build takes {MOST}", hub.name(), chosen.len());
    let help = "name those that are wanted in `files`; many small ones are better fetched as an \
                archive, by `url` with `unpack`";
    Err(vec![Mistake::new(message).help(help)])
}

fn by_patterns(hub: &Hub, listing: &Listing) -> Result<Vec<File>, Vec<Mistake>> {
    if hub.files.is_empty() {
        return by_default(hub, listing).map_err(|mistake| vec![mistake]);
    }
    let mut chosen = BTreeSet::new();
    let mut mistakes = Vec::new();
    for pattern in &hub.files {
        let filter = Filter::new(pattern);
        let mut matching = listing.files.iter().filter(|file| filter.takes(&file.path)).peekable();
        if matching.peek().is_none() {
            let mistake = nothing_matches(hub, pattern, &listing.files);
            mistakes.push(mistake.about("files"));
        }
        chosen.extend(matching.cloned());
    }
    if mistakes.is_empty() { Ok(chosen.into_iter().collect()) } else { Err(mistakes) }
}

fn by_default(hub: &Hub, listing: &Listing) -> Result<Vec<File>, Mistake> {
    let files = &listing.files;
    if files.is_empty() {
        return Err(Mistake::new(format!("{} at {} has no files", hub.name(), hub.revision)));
    }
    if hub.kind == RepositoryKind::Dataset {
        return Ok(files.clone());
    }
    let for_pytorch = |file: &File| is_safetensors(file) || is_pytorch(file);
    if files.iter().any(for_pytorch) {
        let other_formats: Vec<Filter> =
            OTHER_FORMATS.iter().map(|pattern| Filter::new(pattern)).collect();
        let is_other = |path: &str| other_formats.iter().any(|format| format.takes(path));
        let loaded = Loaded::of(files);
        let wanted = |file: &&File| !is_other(&file.path) && !loaded.supersedes(&file.path);
        return Ok(files.iter().filter(wanted).cloned().collect());
    }
    let quantized = files.iter().filter_map(|file| file.path.strip_suffix(".gguf"));
    // What a model sees by goes with any of its weights.
    let (eyes, weights): (BTreeSet<String>, BTreeSet<String>) =
        quantized.map(all_of).partition(|pattern| split(pattern).1.contains("mmproj"));
    if weights.len() > 1 {
        let message = format!("{} has the same weights {} times", hub.name(), weights.len());
        let wanted: Vec<&str> =
            weights.first().into_iter().chain(eyes.first()).map(String::as_str).collect();
        let wanted = match wanted[..] {
            [one] => one.to_owned(),
            _ => format!("[{}]", wanted.join(", ")),
        };
        let help = format!(
            "say which are wanted: `files: {wanted}`; it has {}",
            list(weights.iter().map(String::as_str))
        );
        return Err(Mistake::new(message).help(help));
    }
    Ok(files.clone())
}

/// The pattern that stands for all files of weights that come in several, of which one is called
/// `stem`: `m-*-of-00003.gguf`
fn all_of(stem: &str) -> String {
    match (without_number(stem), stem.rsplit_once("-of-")) {
        (rest, Some((_, count))) if rest != stem => format!("{rest}-*-of-{count}.gguf"),
        _ => format!("{stem}.gguf"),
    }
}

fn is_safetensors(file: &File) -> bool {
    file.path.ends_with(".safetensors")
}

/// `pytorch_model.bin`, `diffusion_pytorch_model-00001-of-00002.bin`
fn is_pytorch(file: &File) -> bool {
    let (_, name) = split(&file.path);
    name.contains("pytorch_model") && name.ends_with(".bin")
}

/// What there is as safetensors, in the precision that is loaded unless another is asked for: the
/// folder and the name of each.
struct Loaded<'a>(BTreeSet<(&'a str, &'a str)>);

impl<'a> Loaded<'a> {
    fn of(files: &'a [File]) -> Self {
        let safe = files.iter().filter(|file| is_safetensors(file));
        let weights = safe.filter_map(|file| {
            let (folder, name) = split(&file.path);
            let weights = Weights::of(name).filter(|weights| weights.variant.is_empty())?;
            Some((folder, weights.name))
        });
        Self(weights.collect())
    }

    /// Whether it is the same as `path`, and in its folder. What is there by another name is
    /// something else: an adapter, or a part of a model that comes in another format than the rest.
    fn supersedes(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        let Some(weights) = Weights::of(name) else { return false };
        let has = |name: &str| self.0.contains(&(folder, name));
        if is_consolidated(name) {
            // All weights once more, for another program.
            return has("model");
        }
        if weights.safe && weights.variant.is_empty() {
            return false;
        }
        // As `pytorch_model.bin` becomes `model.safetensors`.
        has(weights.name) || has(&weights.name.replace("pytorch_model", "model"))
    }
}

/// A file of weights, or the index of several, by its name: `model.fp16-00001-of-00002.safetensors`.
struct Weights<'a> {
    /// `model`
    name: &'a str,
    /// `fp16`; empty for none.
    variant: &'a str,
    /// Whether it is safetensors.
    safe: bool,
}

impl<'a> Weights<'a> {
    fn of(file: &'a str) -> Option<Self> {
        // `model.safetensors.index.fp16.json`
        if let Some((weights, variant)) = file.split_once(".index.") {
            let variant = variant.strip_suffix("json")?.trim_end_matches('.');
            return Some(Self { variant, ..Self::of(weights)? });
        }
        let (stem, ending) = file.rsplit_once('.')?;
        if !["safetensors", "bin", "ckpt", "pt", "pth"].contains(&ending) {
            return None;
        }
        // But `v1.5` is a name.
        let (name, variant) = stem
            .rsplit_once('.')
            .filter(|(_, variant)| variant.starts_with(|c: char| c.is_ascii_alphabetic()))
            .unwrap_or((stem, ""));
        let safe = ending == "safetensors";
        Some(Self { name: without_number(name), variant: without_number(variant), safe })
    }
}

/// `model` of `model-00001-of-00002`
fn without_number(name: &str) -> &str {
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = name.rsplitn(4, '-');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(count), Some("of"), Some(number), Some(rest))
            if is_number(count) && is_number(number) =>
        {
            rest
        }
        _ => name,
    }
}

/// `consolidated.safetensors`, `consolidated.00.pth`
fn is_consolidated(name: &str) -> bool {
    name.starts_with("consolidated")
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A pattern, read once for all paths that it is held to.
enum Filter {
    Pattern(Pattern),
    /// One that is no pattern is a name.
    Name(String),
}

impl Filter {
    fn new(pattern: &str) -> Self {
        // A folder stands for what is in it.
        let all = if pattern.ends_with('/') { "*" } else { "" };
        let pattern = format!("{pattern}{all}");
        // `**` means no more than `*` here, and only stands alone there.
        let collapsed = pattern.replace("**", "*");
        Pattern::new(&collapsed).map_or(Self::Name(pattern), Self::Pattern)
    }

    /// Whether it stands for a path.
    fn takes(&self, path: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches_with(path, LIKE_FNMATCH),
            Self::Name(name) => name == path,
        }
    }
}

/// Whether a pattern stands for one file: where it goes, the file is, and not a folder.
pub(super) fn is_name(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[']) && !pattern.ends_with('/')
}

fn nothing_matches(hub: &Hub, pattern: &str, files: &[File]) -> Mistake {
    let names = || files.iter().map(|file| file.path.as_str());
    let message = format!("no file of {} at {} matches `{pattern}`", hub.name(), hub.revision);
    match nearest(pattern, names()) {
        Some(near) => Mistake::new(message).help(format!("did you mean `{near}`?")),
        None => {
            let some: Vec<&str> = names().take(5).collect();
            let others = if files.len() > some.len() { " and others" } else { "" };
            Mistake::new(message).help(format!("it has {}{others}", list(some)))
        }
    }
}
