//! How commands of the build run.

use std::net::IpAddr;

use llb::{HostIp, Network, ProxyEnv, Ulimit};

use super::{InvalidOption, Raw};
use crate::csv;

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
}

impl Sandbox {
    pub(super) fn take(raw: &mut Raw) -> Result<Self, InvalidOption> {
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
