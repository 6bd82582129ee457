//! What the person asked for: the options of a build, from text to types.
//!
//! Their names and meanings are those of BuildKit's `frontend/dockerui`, which every client
//! speaks to. What is not known here is kept, so that a frontend can say that it ignores it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use llb::{HostIp, Network, Platform, ProxyEnv, Ulimit};
use serde::Deserialize;

use crate::csv;

/// All options of a build. `None` and empty mean that the option was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `filename`: the manifest's path in its source.
    pub filename: Option<String>,
    /// `target`: what to build of it.
    pub target: Option<String>,
    /// `build-arg:`, but for those that are options of their own: the ones whose names begin
    /// with `BUILDKIT_`, the proxies, and `SOURCE_DATE_EPOCH`.
    pub build_args: BTreeMap<String, String>,
    /// `label:`, for the image.
    pub labels: BTreeMap<String, String>,
    /// `platform`: those to build for; empty for the default one.
    pub platforms: Vec<Platform>,
    /// `multi-platform`: whether the result is an index of platforms, even if of one.
    pub multi_platform: bool,
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
    /// `attest:sbom`: its attributes, if one is wanted. The daemon scans results by itself.
    pub sbom: Option<BTreeMap<String, String>>,
    /// `attest:provenance`: its attributes, if one is wanted. It is the daemon's to write.
    pub provenance: Option<BTreeMap<String, String>>,
    /// `requestid`: a question in place of a build, such as `frontend.lint`.
    pub subrequest: Option<String>,
    /// `frontend.caps`: what the client needs of the frontend. The daemon has checked it
    /// against the frontend image's label.
    pub frontend_caps: BTreeSet<String>,
    /// `build-arg:BUILDKIT_DOCKERFILE_CHECK`.
    pub lint: LintOptions,
    /// `source`: the frontend's image.
    pub source: Option<String>,
    /// `cmdline`: the syntax line, from the frontend's image on.
    pub cmdline: Option<String>,
    /// `build-arg:SOURCE_DATE_EPOCH`: the time of the image, in seconds since 1970 or as the
    /// name of a context to take it from. Exporters get numbers from the daemon itself.
    pub source_date_epoch: Option<String>,
    /// `vcs:`: where the client's files come from (`source`, `revision`, `localdir:<name>`).
    /// The daemon writes it into provenance.
    pub vcs: BTreeMap<String, String>,
    /// All other options, `build-arg:BUILDKIT_…` among them.
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

/// How commands of the build run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// `add-hosts`.
    pub extra_hosts: Vec<HostIp>,
    /// `ulimit`.
    pub ulimits: Vec<Ulimit>,
    /// `shm-size`: of `/dev/shm`, in bytes.
    pub shm_size: Option<u64>,
    /// `force-network-mode`.
    pub network: Network,
    /// `cgroup-parent`.
    pub cgroup_parent: Option<String>,
    /// `hostname`, or `build-arg:BUILDKIT_SANDBOX_HOSTNAME`.
    pub hostname: Option<String>,
    /// `build-arg:HTTP_PROXY` and its kin, in either case.
    pub proxy: Option<ProxyEnv>,
    /// `memory` and its kin.
    pub resources: Resources,
}

/// Limits on a command's memory and processors; from BuildKit 0.31.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// `memory`, in bytes.
    pub memory: Option<i64>,
    /// `memswap`: memory and swap together, in bytes; −1 for no limit.
    pub memory_swap: Option<i64>,
    /// `cpushares`: a weight.
    pub cpu_shares: Option<u64>,
    /// `cpuperiod`, in microseconds.
    pub cpu_period: Option<u64>,
    /// `cpuquota`: of each period, in microseconds.
    pub cpu_quota: Option<i64>,
    /// `cpusetcpus`: processors, as in `0-3,5`.
    pub cpuset_cpus: Option<String>,
    /// `cpusetmems`: memory nodes, as in `0,1`.
    pub cpuset_mems: Option<String>,
}

/// Where the build's files come from, unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextOptions {
    /// `context`, or the option that `contextkey` names: a URL; none for the client's folder.
    pub url: Option<String>,
    /// `contextsubdir`: the folder to take of a context that is not the client's.
    pub subdir: Option<String>,
    /// `dockerfilekey`: the client's folder that has the manifest, whatever the context is.
    pub manifest_local: Option<String>,
    /// `build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR`.
    pub keep_git_dir: bool,
    /// `context:`: what stands in for a name, or for `name::platform`.
    pub named: BTreeMap<String, String>,
    /// `input-metadata:`: of an input, by key (`containerimage.config`).
    pub input_metadata: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// `input:`: the URL that the client made an input from. For provenance.
    pub input_urls: BTreeMap<String, String>,
    /// `local-sessionid:`: the session that has a client's folder, where it is not the build's.
    pub local_sessions: BTreeMap<String, String>,
    /// `sharedkey:localdir:`: what earlier transfers of a named context are known by.
    pub shared_keys: BTreeMap<String, String>,
}

/// What to make of warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    /// `skip`: rules that are off.
    pub skip: Rules,
    /// `experimental`: rules of that kind that are on.
    pub experimental: Rules,
    /// `error`: whether a warning fails the build.
    pub error: bool,
}

/// Some rules by name, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// All.
    All,
    /// These.
    Named(Vec<String>),
}

/// An option whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOption {
    /// Its name, as on the wire: `shm-size`, `build-arg:BUILDKIT_MULTI_PLATFORM`.
    pub option: String,
    /// Its value.
    pub value: String,
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
        let platforms: Vec<Platform> = raw.parse("platform", platforms)?.unwrap_or_default();
        let mut attestations = attestations(&mut raw)?;
        Ok(Self {
            filename: raw.text("filename"),
            target: raw.text("target"),
            labels: raw.prefixed("label:"),
            multi_platform: multi_platform(&mut raw, platforms.len())?,
            platforms,
            no_cache: raw.take("no-cache").map_or_else(NoCache::default, NoCache::parse),
            cache_imports: cache_imports(&mut raw)?,
            cache_mount_namespace: raw.text("build-arg:BUILDKIT_CACHE_MOUNT_NS"),
            resolve_mode: raw.parse("image-resolve-mode", ResolveMode::parse)?.unwrap_or_default(),
            sandbox: Sandbox::take(&mut raw)?,
            context: ContextOptions::take(&mut raw)?,
            sbom: attestations.remove("sbom"),
            provenance: attestations.remove("provenance"),
            subrequest: raw.text("requestid"),
            frontend_caps: frontend_caps(raw.text("frontend.caps").as_deref().unwrap_or_default()),
            lint: raw
                .parse("build-arg:BUILDKIT_DOCKERFILE_CHECK", LintOptions::parse)?
                .unwrap_or_default(),
            source: raw.text("source"),
            cmdline: raw.text("cmdline"),
            source_date_epoch: raw.text("build-arg:SOURCE_DATE_EPOCH"),
            vcs: raw.prefixed("vcs:"),
            build_args: build_args(&mut raw),
            unknown: raw.0,
        })
    }
}

/// Options that are not yet understood; each is taken out by whoever understands it.
struct Raw(BTreeMap<String, String>);

impl Raw {
    fn take(&mut self, option: &str) -> Option<String> {
        self.0.remove(option)
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
            value,
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
}

fn platforms(list: &str) -> Result<Vec<Platform>, llb::PlatformError> {
    list.split(',').map(Platform::parse).collect()
}

fn multi_platform(raw: &mut Raw, platforms: usize) -> Result<bool, InvalidOption> {
    let several = platforms > 1;
    let option = raw.parse("multi-platform", boolean)?;
    // The build arg wins, so that a person can ask for it through any client.
    let wanted = raw.parse("build-arg:BUILDKIT_MULTI_PLATFORM", boolean)?.or(option);
    if wanted == Some(false) && several {
        return Err(InvalidOption {
            option: "multi-platform".to_owned(),
            value: "false".to_owned(),
            problem: "more than one platform was asked for".to_owned(),
        });
    }
    Ok(wanted.unwrap_or(several))
}

fn cache_imports(raw: &mut Raw) -> Result<Vec<CacheImport>, InvalidOption> {
    let json = |text: &str| serde_json::from_str(text);
    let mut imports: Vec<CacheImport> = raw.parse("cache-imports", json)?.unwrap_or_default();
    let legacy = raw.text("cache-from").unwrap_or_default();
    imports.extend(legacy.split(',').filter(|reference| !reference.is_empty()).map(|reference| {
        CacheImport {
            kind: "registry".to_owned(),
            attrs: BTreeMap::from([("ref".to_owned(), reference.to_owned())]),
        }
    }));
    Ok(imports)
}

/// `attest:<type>` and `build-arg:BUILDKIT_ATTEST_<TYPE>`, to their attributes.
fn attestations(
    raw: &mut Raw,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, InvalidOption> {
    let mut attestations = BTreeMap::new();
    for prefix in ["attest:", "build-arg:BUILDKIT_ATTEST_"] {
        for (kind, value) in raw.prefixed(prefix) {
            let invalid = |problem: &str| InvalidOption {
                option: format!("{prefix}{kind}"),
                value: value.clone(),
                problem: problem.to_owned(),
            };
            let kind = kind.to_ascii_lowercase();
            if !matches!(kind.as_str(), "sbom" | "provenance") {
                return Err(invalid("only sbom and provenance are known"));
            }
            let attributes = csv::fields(&value).map_err(invalid)?;
            attestations.insert(kind, attributes.iter().map(|field| pair(field)).collect());
        }
    }
    Ok(attestations)
}

fn pair(field: &str) -> (String, String) {
    let (key, value) = field.split_once('=').unwrap_or((field, ""));
    (key.to_owned(), value.to_owned())
}

/// The daemon compares what stands before the `+` (`frontend/gateway/gateway.go`).
fn frontend_caps(list: &str) -> BTreeSet<String> {
    list.split(',')
        .map(|cap| cap.split('+').next().unwrap_or(cap).trim())
        .filter(|cap| !cap.is_empty())
        .map(str::to_owned)
        .collect()
}

fn build_args(raw: &mut Raw) -> BTreeMap<String, String> {
    // The client and the daemon have acted on these already.
    for done in ["SYNTAX", "INLINE_CACHE", "INLINE_BUILDINFO_ATTRS", "BUILD_NAME"] {
        raw.take(&format!("build-arg:BUILDKIT_{done}"));
    }
    let unknown = raw.prefixed("build-arg:BUILDKIT_");
    let args = raw.prefixed("build-arg:");
    let name = |(name, value)| (format!("build-arg:BUILDKIT_{name}"), value);
    raw.0.extend(unknown.into_iter().map(name));
    args
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

impl Sandbox {
    fn take(raw: &mut Raw) -> Result<Self, InvalidOption> {
        let hostname = raw.text("hostname");
        Ok(Self {
            extra_hosts: raw.parse("add-hosts", extra_hosts)?.unwrap_or_default(),
            ulimits: raw.parse("ulimit", ulimits)?.unwrap_or_default(),
            shm_size: raw
                .parse("shm-size", |text| text.parse().map_err(|_| "expected a number of bytes"))?
                .filter(|&size| size > 0),
            network: raw.parse("force-network-mode", network)?.unwrap_or_default(),
            cgroup_parent: raw.text("cgroup-parent"),
            hostname: raw.text("build-arg:BUILDKIT_SANDBOX_HOSTNAME").or(hostname),
            proxy: proxy(raw),
            resources: Resources::take(raw)?,
        })
    }
}

fn extra_hosts(list: &str) -> Result<Vec<HostIp>, String> {
    let host = |field: &String| {
        let (host, ip) = field.split_once('=').ok_or("expected host=address")?;
        let ip: IpAddr = ip.parse().map_err(|_| format!("`{ip}` is not an IP address"))?;
        Ok(HostIp { host: host.to_ascii_lowercase(), ip: ip.to_string() })
    };
    csv::fields(list)?.iter().map(host).collect()
}

/// Limits as `setrlimit` has them (`docker/go-units`).
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn ulimits(list: &str) -> Result<Vec<Ulimit>, String> {
    csv::fields(list)?.iter().map(|field| ulimit(field)).collect()
}

/// `name=soft[:hard]`; −1 is no limit.
fn ulimit(field: &str) -> Result<Ulimit, String> {
    let (name, limits) = field.split_once('=').ok_or("expected name=soft or name=soft:hard")?;
    if !ULIMITS.contains(&name) {
        return Err(format!("`{name}` is not one of {}", ULIMITS.join(", ")));
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| {
        text.parse::<i64>().map_err(|_| format!("`{text}` is not a number such as 1024 or -1"))
    };
    let (soft, hard) = (number(soft)?, number(hard)?);
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(format!("the soft limit of {name} is above the hard one"));
    }
    Ok(Ulimit { name: name.to_owned(), soft, hard })
}

fn network(mode: &str) -> Result<Network, &'static str> {
    match mode {
        "sandbox" => Ok(Network::Sandbox),
        "host" => Ok(Network::Host),
        "none" => Ok(Network::None),
        _ => Err("expected sandbox, host or none"),
    }
}

/// Of names that differ in case only the last by order wins, as in BuildKit's `convert.go`.
fn proxy(raw: &mut Raw) -> Option<ProxyEnv> {
    let mut proxy = ProxyEnv::default();
    let mut given = false;
    let mut take = |name: &str, value: &mut String| {
        for name in [name.to_ascii_uppercase(), name.to_owned()] {
            if let Some(text) = raw.take(&format!("build-arg:{name}")) {
                (*value, given) = (text, true);
            }
        }
    };
    take("http_proxy", &mut proxy.http_proxy);
    take("https_proxy", &mut proxy.https_proxy);
    take("ftp_proxy", &mut proxy.ftp_proxy);
    take("no_proxy", &mut proxy.no_proxy);
    take("all_proxy", &mut proxy.all_proxy);
    given.then_some(proxy)
}

impl Resources {
    fn take(raw: &mut Raw) -> Result<Self, InvalidOption> {
        Ok(Self {
            memory: raw.parse("memory", positive)?,
            memory_swap: raw.parse("memswap", |text| match text {
                "-1" => Ok(-1),
                text => positive(text).map_err(|_| "expected a number above 0, or -1 for no limit"),
            })?,
            cpu_shares: raw.parse("cpushares", positive)?,
            cpu_period: raw.parse("cpuperiod", positive)?,
            cpu_quota: raw.parse("cpuquota", positive)?,
            cpuset_cpus: raw.parse("cpusetcpus", cpuset)?,
            cpuset_mems: raw.parse("cpusetmems", cpuset)?,
        })
    }
}

fn positive<T: TryFrom<i64>>(text: &str) -> Result<T, &'static str> {
    let number = text.parse().ok().filter(|&number: &i64| number > 0);
    number.and_then(|number| T::try_from(number).ok()).ok_or("expected a number above 0")
}

/// Numbers and ranges up to 8192 (`util/cpuset/cpuset.go`).
fn cpuset(text: &str) -> Result<String, String> {
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let bounds = (low.trim().parse::<u16>(), high.trim().parse::<u16>());
        if !matches!(bounds, (Ok(low), Ok(high)) if low <= high && high <= 8192) {
            return Err(format!("`{part}` is not a number or a range such as 0-3"));
        }
    }
    Ok(text.to_owned())
}

impl ContextOptions {
    fn take(raw: &mut Raw) -> Result<Self, InvalidOption> {
        let key = raw.text("contextkey").unwrap_or_else(|| "context".to_owned());
        let mut input_metadata = BTreeMap::new();
        for (input, value) in raw.prefixed("input-metadata:") {
            let metadata = metadata(&value).map_err(|problem| InvalidOption {
                option: format!("input-metadata:{input}"),
                value,
                problem,
            })?;
            input_metadata.insert(input, metadata);
        }
        Ok(Self {
            url: raw.text(&key),
            subdir: raw.text("contextsubdir"),
            manifest_local: raw.text("dockerfilekey"),
            keep_git_dir: raw
                .parse("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", boolean)?
                .unwrap_or_default(),
            named: raw.prefixed("context:"),
            input_metadata,
            input_urls: raw.prefixed("input:"),
            local_sessions: raw.prefixed("local-sessionid:"),
            shared_keys: raw.prefixed("sharedkey:localdir:"),
        })
    }
}

/// A Go `map[string][]byte` in JSON: its bytes are base64.
fn metadata(json: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let encoded: BTreeMap<String, String> =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    let decode = |(key, value): (String, String)| {
        let bytes = BASE64_STANDARD.decode(value).map_err(|error| error.to_string())?;
        Ok((key, bytes))
    };
    encoded.into_iter().map(decode).collect()
}

impl LintOptions {
    /// `skip=<rules>;error=<bool>;experimental=<rules>`, each optional.
    fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for part in text.split(';') {
            let (key, value) = part.split_once('=').ok_or("expected key=value")?;
            match key.trim() {
                "skip" => options.skip = Rules::parse(value),
                "experimental" => options.experimental = Rules::parse(value),
                "error" => options.error = boolean(value.trim())?,
                key => return Err(format!("`{key}` is not one of skip, error, experimental")),
            }
        }
        Ok(options)
    }
}

impl Rules {
    fn parse(list: &str) -> Self {
        match list.trim() {
            "all" => Self::All,
            list => Self::Named(list.split(',').map(|rule| rule.trim().to_owned()).collect()),
        }
    }

    /// Whether `rule` is one of them.
    pub fn contains(&self, rule: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(rules) => rules.iter().any(|name| name == rule),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::Named(Vec::new())
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
        write!(f, "build option {} is `{}`: {}", self.option, self.value, self.problem)
    }
}

impl std::error::Error for InvalidOption {}

#[cfg(test)]
mod tests;
