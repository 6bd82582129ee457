//! Platforms, normalised as containerd does.

use std::{fmt, str::FromStr};

use buildkit_proto::pb;

/// An operating system and a processor, such as `linux/arm64` or `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`.
    pub os: String,
    /// Go's name: `amd64`, `arm64`.
    pub architecture: String,
    /// `v7`; empty for an architecture's default.
    pub variant: String,
    /// Only Windows has one.
    pub os_version: String,
}

/// Text that is not a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformError(String);

impl Platform {
    /// Reads `os/architecture[/variant]` and normalises it, so that `linux/aarch64` and
    /// `linux/arm64/v8` are both `linux/arm64`. As for containerd's `platforms` package, one of the
    /// first two alone will do: `arm64` is Linux's, and `linux` is this machine's.
    ///
    /// # Errors
    ///
    /// When there are not one to three parts of letters, digits, `_`, `-` and `.`.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError(text.to_owned());
        let legal = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        let parts: Vec<&str> = text.trim().split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            ["linux"] => ("linux", std::env::consts::ARCH, ""),
            [architecture] if is_known(architecture) => ("linux", architecture, ""),
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] if legal(variant) => (os, architecture, variant),
            _ => return Err(error()),
        };
        // `linux(10.0.17763)/amd64` carries an OS version (containerd's platforms package).
        let (os, os_version) = match os.split_once('(') {
            Some((os, version)) => (os, version.strip_suffix(')').ok_or_else(error)?),
            None => (os, ""),
        };
        if !legal(os) || !legal(architecture) {
            return Err(error());
        }
        Ok(Self::normalised(os, architecture, variant, os_version))
    }

    /// A platform from its parts, normalised.
    pub fn normalised(os: &str, architecture: &str, variant: &str, os_version: &str) -> Self {
        let os = os.to_ascii_lowercase();
        let architecture = architecture.to_ascii_lowercase();
        let variant = variant.to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" | "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        Self {
            os: if os == "macos" { "darwin".to_owned() } else { os },
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            os_version: os_version.to_owned(),
        }
    }

    /// Whether it is the same system on the same architecture, whatever the variant.
    pub fn same_machine(&self, other: &Self) -> bool {
        (&self.os, &self.architecture) == (&other.os, &other.architecture)
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if !self.os_version.is_empty() {
            write!(f, "({})", self.os_version)?;
        }
        write!(f, "/{}", self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        Ok(())
    }
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a platform such as linux/amd64 or linux/arm/v7", self.0)
    }
}

impl std::error::Error for PlatformError {}

/// Whether that is an architecture that images for Linux are built for, by any of its names.
fn is_known(architecture: &str) -> bool {
    const KNOWN: [&str; 14] = [
        "386", "aarch64", "amd64", "arm", "arm64", "armel", "armhf", "i386", "loong64", "ppc64le",
        "riscv64", "s390x", "x86-64", "x86_64",
    ];
    KNOWN.contains(&architecture)
}

impl From<&Platform> for pb::Platform {
    fn from(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            os_version: platform.os_version.clone(),
            os_features: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_normalised() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v2", "linux/amd64/v2"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("Linux/ARM", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/i386", "linux/386"),
            ("arm64", "linux/arm64"),
            ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
        ] {
            assert_eq!(Platform::parse(text).unwrap().to_string(), normal, "{text}");
        }
        let own = Platform::normalised("linux", std::env::consts::ARCH, "", "");
        assert_eq!(Platform::parse("linux").unwrap(), own);
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        for text in ["", "linx", "linux/", "/amd64", "linux/amd64/v1/x", "linux amd64/x", "a(b/c"] {
            assert!(Platform::parse(text).is_err(), "{text}");
        }
    }
}
