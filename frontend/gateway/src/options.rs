//! What the person asked for: the options of a build, from text to types.
//!
//! Their names and meanings are those of BuildKit's `frontend/dockerui`, which every client
//! speaks to. What is not known here is kept, so that a frontend can say that it ignores it.

mod context;
mod lint;
mod sandbox;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

pub use context::ContextOptions;
pub use lint::{LintOptions, Rules};
use llb::Platform;
pub use sandbox::Sandbox;
use serde::{Deserialize, de::DeserializeOwned};

/// All options of a build. `None` and empty mean that the option was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `filename`: the manifest's path in its source.
    pub filename: Option<String>,
    /// `target`: what to build of it.
    pub target: Option<String>,
    /// `build-arg:`, those that are options, too, among them: the ones whose names begin with
    /// `BUILDKIT_`, the proxies, and `SOURCE_DATE_EPOCH`.
    pub build_args: BTreeMap<String, String>,
    /// `label:`, for the image.
    pub labels: BTreeMap<String, String>,
    /// `platform`: those to build for; empty for the default one.
    pub platforms: Vec<Platform>,
    /// `multi-platform`: whether the result is an index of platforms, even if of one.
    pub multi_platform: bool,
    /// Whether the builder's other nodes are asked for other platforms. `docker buildx` puts what
    /// they answer together, and has each answer with an index; otherwise it asks for one only
    /// where the person does, by `build-arg:BUILDKIT_MULTI_PLATFORM` (buildx, `build/opt.go`).
    pub several_nodes: bool,
    /// `no-cache`.
    pub no_cache: NoCache,
    /// `cache-imports` and `cache-from`: every solve gets them.
    pub cache_imports: Vec<CacheImport>,
    /// `build-arg:BUILDKIT_CACHE_MOUNT_NS`: goes before the id of every cache mount.
    pub cache_mount_namespace: Option<String>,
    /// `image-resolve-mode`.
    pub resolve_mode: ResolveMode,
    /// How commands run.
    pub sandbox: Sandbox,
    /// Where the build's files come from.
    pub context: ContextOptions,
    /// `requestid`: a question in place of a build, such as `frontend.lint`.
    pub subrequest: Option<String>,
    /// `build-arg:BUILDKIT_DOCKERFILE_CHECK`, which wins over what the manifest says of it
    /// ([`LintOptions::directive`]).
    pub lint: Option<LintOptions>,
    /// `source`: the frontend's image.
    pub source: Option<String>,
    /// `cmdline`: the syntax line, from the frontend's image on.
    pub cmdline: Option<String>,
    /// `build-arg:SOURCE_DATE_EPOCH`: the time of the image, in seconds since 1970 or as the
    /// name of a context to take it from. Exporters get numbers from the daemon itself.
    pub source_date_epoch: Option<String>,
    /// All other options, unknown `build-arg:BUILDKIT_…` among them.
    pub unknown: BTreeMap<String, String>,
}

/// Which results of earlier builds must not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NoCache {
    /// All may.
    #[default]
    Nothing,
    /// None may (`--no-cache`).
    Everything,
    /// Those of these stages may not (`--no-cache-filter`).
    Stages(Vec<String>),
}

/// A place that an earlier build left its cache in.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct CacheImport {
    /// `registry`, `gha`, `local`, `s3` …
    #[serde(rename = "Type", alias = "type")]
    pub kind: String,
    /// What that kind of place needs, such as `ref`.
    #[serde(rename = "Attrs", alias = "attrs", default)]
    pub attrs: BTreeMap<String, String>,
}

/// Where the daemon looks for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolveMode {
    /// As the daemon prefers.
    #[default]
    Default,
    /// In the registry (`--pull`).
    Pull,
    /// In the engine's own store first.
    Local,
}

/// An option whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOption {
    /// Its name, as on the wire: `shm-size`, `build-arg:BUILDKIT_MULTI_PLATFORM`.
    pub option: String,
    /// Its value; none if it may hold a secret.
    pub value: Option<String>,
    /// What is wrong with it, or what was expected, as a lower-case fragment.
    pub problem: String,
}

impl Options {
    /// Reads all options.
    ///
    /// # Errors
    ///
    /// The first option, by name, whose value cannot be used.
    pub fn parse(
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvalidOption> {
        let mut raw = Raw(options.into_iter().collect());
        let platforms = raw.parse("platform", platforms)?.unwrap_or_default();
        let build_args = raw.build_args();
        raw.drop_others();
        let (multi_platform, several_nodes) = multi_platform(&mut raw, platforms.len())?;
        Ok(Self {
            build_args,
            filename: raw.text("filename"),
            target: raw.text("target"),
            labels: raw.prefixed("label:"),
            multi_platform,
            several_nodes,
            platforms,
            no_cache: raw.take("no-cache").map_or_else(NoCache::default, NoCache::parse),
            cache_imports: cache_imports(&mut raw)?,
            cache_mount_namespace: raw.text("build-arg:BUILDKIT_CACHE_MOUNT_NS"),
            resolve_mode: raw.parse("image-resolve-mode", ResolveMode::parse)?.unwrap_or_default(),
            sandbox: Sandbox::take(&mut raw)?,
            context: ContextOptions::take(&mut raw)?,
            subrequest: raw.text("requestid"),
            lint: raw.parse("build-arg:BUILDKIT_DOCKERFILE_CHECK", LintOptions::parse)?,
            source: raw.text("source"),
            cmdline: raw.text("cmdline"),
            source_date_epoch: raw.text("build-arg:SOURCE_DATE_EPOCH"),
            unknown: raw.rest(),
        })
    }
}

/// What the options of build arguments begin with.
const BUILD_ARG: &str = "build-arg:";

/// Options that are not yet understood; each is taken out by whoever understands it.
struct Raw(BTreeMap<String, String>);

impl Raw {
    fn take(&mut self, option: &str) -> Option<String> {
        self.0.remove(option)
    }

    /// All build arguments, which stay to be taken: some are options, too.
    fn build_args(&self) -> BTreeMap<String, String> {
        let arg = |(option, value): (&String, &String)| {
            Some((option.strip_prefix(BUILD_ARG)?.to_owned(), value.clone()))
        };
        self.0.iter().filter_map(arg).collect()
    }

    /// What nobody has taken, and is no mere build argument.
    fn rest(mut self) -> BTreeMap<String, String> {
        let is_arg = |option: &str| {
            option.strip_prefix(BUILD_ARG).is_some_and(|name| !name.starts_with("BUILDKIT_"))
        };
        self.0.retain(|option, _| !is_arg(option));
        self.0
    }

    /// Text; empty is as good as not given.
    fn text(&mut self, option: &str) -> Option<String> {
        self.take(option).filter(|value| !value.is_empty())
    }

    fn parse<T, P: fmt::Display>(
        &mut self,
        option: &str,
        parse: impl FnOnce(&str) -> Result<T, P>,
    ) -> Result<Option<T>, InvalidOption> {
        let Some(value) = self.text(option) else {
            return Ok(None);
        };
        parse(&value).map(Some).map_err(|problem| InvalidOption {
            option: option.to_owned(),
            problem: problem.to_string(),
            value: Some(value),
        })
    }

    /// Options that begin with `prefix`, by what follows it.
    fn prefixed(&mut self, prefix: &str) -> BTreeMap<String, String> {
        let options = std::mem::take(&mut self.0).into_iter();
        let (found, rest): (BTreeMap<_, _>, _) =
            options.partition(|(option, _)| option.starts_with(prefix));
        self.0 = rest;
        let strip = |(option, value): (String, String)| (option[prefix.len()..].to_owned(), value);
        found.into_iter().map(strip).collect()
    }

    /// Takes out what the client and the daemon act on by themselves: attestations, where the
    /// files come from, for them, and what the client needs of the frontend.
    fn drop_others(&mut self) {
        for prefix in ["attest:", "build-arg:BUILDKIT_ATTEST_", "vcs:", "input:"] {
            self.prefixed(prefix);
        }
        for option in [
            "frontend.caps",
            "build-arg:BUILDKIT_SYNTAX",
            "build-arg:BUILDKIT_INLINE_CACHE",
            "build-arg:BUILDKIT_INLINE_BUILDINFO_ATTRS",
            "build-arg:BUILDKIT_BUILD_NAME",
        ] {
            self.take(option);
        }
    }
}

/// Each once: `linux/amd64,linux/x86_64` is one platform.
fn platforms(list: &str) -> Result<Vec<Platform>, llb::PlatformError> {
    let mut platforms = Vec::new();
    for name in list.split(',') {
        let platform = Platform::parse(name)?;
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    Ok(platforms)
}

/// Whether an index is wanted, and whether that is because there are several nodes.
fn multi_platform(raw: &mut Raw, platforms: usize) -> Result<(bool, bool), InvalidOption> {
    let several = platforms > 1;
    let option = raw.parse("multi-platform", boolean)?;
    // The build arg wins, so that a person can ask for it through any client.
    let person = raw.parse("build-arg:BUILDKIT_MULTI_PLATFORM", boolean)?;
    let wanted = person.or(option);
    if wanted == Some(false) && several {
        return Err(InvalidOption {
            option: "multi-platform".to_owned(),
            value: Some("false".to_owned()),
            problem: "more than one platform was asked for".to_owned(),
        });
    }
    Ok((wanted.unwrap_or(several), person.is_none() && option == Some(true)))
}

fn cache_imports(raw: &mut Raw) -> Result<Vec<CacheImport>, InvalidOption> {
    // Keys and tokens of caches are in it.
    let mut imports: Vec<CacheImport> = raw
        .parse("cache-imports", secret_json)
        .map_err(|invalid| InvalidOption { value: None, ..invalid })?
        .unwrap_or_default();
    let legacy = raw.text("cache-from").unwrap_or_default();
    imports.extend(legacy.split(',').filter(|reference| !reference.is_empty()).map(|reference| {
        CacheImport {
            kind: "registry".to_owned(),
            attrs: BTreeMap::from([("ref".to_owned(), reference.to_owned())]),
        }
    }));
    Ok(imports)
}

/// JSON that may hold secrets, which serde's own words would tell.
fn secret_json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        format!(
            "not the JSON that it should be at line {}, column {}",
            error.line(),
            error.column()
        )
    })
}

impl NoCache {
    fn parse(list: String) -> Self {
        if list.is_empty() {
            Self::Everything
        } else {
            Self::Stages(list.split(',').map(str::to_owned).collect())
        }
    }

    /// Whether `stage` must be built anew. Case does not matter.
    pub fn covers(&self, stage: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Stages(stages) => stages.iter().any(|name| name.eq_ignore_ascii_case(stage)),
        }
    }

    /// The stages that were named and are none of `stages`.
    pub fn unknown<'a>(&'a self, stages: &[&str]) -> Vec<&'a str> {
        let named = match self {
            Self::Nothing | Self::Everything => &[][..],
            Self::Stages(named) => named,
        };
        let known = |name: &str| stages.iter().any(|stage| stage.eq_ignore_ascii_case(name));
        named.iter().map(String::as_str).filter(|name| !known(name)).collect()
    }
}

impl ResolveMode {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "default" => Ok(Self::Default),
            "pull" => Ok(Self::Pull),
            "local" => Ok(Self::Local),
            _ => Err("expected default, pull or local"),
        }
    }

    /// The word for it in options, calls and attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pull => "pull",
            Self::Local => "local",
        }
    }
}

/// The words of Go's `strconv.ParseBool`.
pub(crate) fn boolean(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false"),
    }
}

impl fmt::Display for InvalidOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, value, problem } = self;
        match value {
            Some(value) => write!(f, "build option {option} is `{value}`: {problem}"),
            None => write!(f, "build option {option} cannot be read: {problem}"),
        }
    }
}

impl std::error::Error for InvalidOption {}
