//! The bridge of an engine: through it build steps reach the world, and the servers that tests run
//! on the host.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::output;
use crate::packages::Packages;

/// The addresses on all bridges, in CIDR notation.
pub const BRIDGES: &str = "198.18.0.0/16";

/// A bridge `strata<n>` with the network `198.18.<n>.0/24`, out of the range that RFC 2544 keeps
/// for test benches: no office, cloud or Docker network lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(u8);

impl Network {
    /// The bridge that belongs to the engine in `home`, as the kernel knows it.
    pub fn of(home: &Path) -> Option<Self> {
        (0..=u8::MAX).map(Self).find(|network| {
            fs::read_to_string(network.alias())
                .is_ok_and(|owner| Path::new(owner.trim_end()) == home)
        })
    }

    /// Makes a bridge for the engine in `home` and lets its containers out through the host's
    /// address.
    ///
    /// The engine itself is told to leave the packet filter alone: two engines would tear down each
    /// other's rules.
    ///
    /// # Errors
    ///
    /// When no number is free, or when the kernel or its packet filter refuse.
    pub fn up(home: &Path, packages: &Packages) -> Result<Self> {
        let network = Self::claim(packages)?;
        fs::write(network.alias(), home.as_os_str().as_encoded_bytes())?;
        // Without one of its own, a bridge has the lowest hardware address of those that are on it.
        // Then it changes as containers come and go, and all others talk to nobody until they ask
        // for it again.
        ip(packages, &["link", "set", &network.bridge(), "address", &network.hardware_address()])?;
        ip(
            packages,
            &["addr", "add", &format!("{}/24", network.gateway()), "dev", &network.bridge()],
        )?;
        ip(packages, &["link", "set", &network.bridge(), "up"])?;
        fs::write("/proc/sys/net/ipv4/ip_forward", "1")
            .context("could not let the kernel forward packets")?;
        network.filter(packages, "-I")?;
        Ok(network)
    }

    /// Removes the bridge and its rules.
    ///
    /// # Errors
    ///
    /// When the kernel or its packet filter refuse.
    pub fn down(self, packages: &Packages) -> Result<()> {
        let filter = self.filter(packages, "-D");
        ip(packages, &["link", "del", &self.bridge()])?;
        filter
    }

    /// The name of the bridge.
    pub fn bridge(self) -> String {
        format!("strata{}", self.0)
    }

    /// The host's address on the bridge.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.0, 1)
    }

    /// Its hardware address: a locally administered one (IEEE 802), with the number in it.
    fn hardware_address(self) -> String {
        format!("02:c6:12:00:{:02x}:01", self.0)
    }

    /// Takes the first free number. The kernel refuses a second bridge of the same name, so nobody
    /// else has it.
    fn claim(packages: &Packages) -> Result<Self> {
        let mut refusal = None;
        for network in (0..=u8::MAX).map(Self).filter(|network| !network.device().exists()) {
            match ip(packages, &["link", "add", &network.bridge(), "type", "bridge"]) {
                Ok(()) => return Ok(network),
                Err(_) if network.device().exists() => {}
                Err(error) => {
                    refusal = Some(error);
                    break;
                }
            }
        }
        Err(refusal
            .unwrap_or_else(|| anyhow::anyhow!("all bridges strata0 to strata255 are taken")))
        .context("could not make a bridge")
    }

    fn device(self) -> PathBuf {
        Path::new("/sys/class/net").join(self.bridge())
    }

    /// The text that the kernel keeps with the bridge: the home of the engine that it belongs to.
    fn alias(self) -> PathBuf {
        self.device().join("ifalias")
    }

    fn filter(self, packages: &Packages, action: &str) -> Result<()> {
        let (bridge, subnet) = (self.bridge(), format!("{}/24", self.gateway()));
        let rules: [&[&str]; 4] = [
            &[
                "-t",
                "nat",
                action,
                "POSTROUTING",
                "-s",
                &subnet,
                "!",
                "-o",
                &bridge,
                "-j",
                "MASQUERADE",
            ],
            &["-t", "filter", action, "FORWARD", "-i", &bridge, "-j", "ACCEPT"],
            &["-t", "filter", action, "FORWARD", "-o", &bridge, "-j", "ACCEPT"],
            &["-t", "filter", action, "INPUT", "-i", &bridge, "-j", "ACCEPT"],
        ];
        let iptables = iptables(packages)?;
        for rule in rules {
            output(packages.command(iptables)?.arg("--wait").args(rule))?;
        }
        Ok(())
    }
}

fn ip(packages: &Packages, arguments: &[&str]) -> Result<()> {
    output(packages.command("busybox")?.arg("ip").args(arguments)).map(drop)
}

/// The variant of iptables that this kernel answers.
fn iptables(packages: &Packages) -> Result<&'static str> {
    let mut refusals = Vec::new();
    for variant in ["iptables-nft", "iptables-legacy"] {
        match output(packages.command(variant)?.args(["--wait", "-t", "nat", "-S"])) {
            Ok(_) => return Ok(variant),
            Err(refusal) => refusals.push(format!("{refusal:#}")),
        }
    }
    bail!("build steps cannot be given a network:\n{}", refusals.join("\n"))
}
