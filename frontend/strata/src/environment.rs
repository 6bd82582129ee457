//! The Python that packages are for, as markers (PEP 508) and wheels' tags (PEP 425) ask for it.

use std::{fmt, str::FromStr as _};

use pep440_rs::Version;

/// A Python on Linux.
///
/// The kernel's release and version are left out of it: they are those of the machine that
/// builds, not of the one that the image will run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The language's version: `3.12.4`, `3.13.0rc1`.
    pub python_full_version: String,
    /// `cpython` or `pypy`.
    pub implementation_name: String,
    /// The implementation's own version.
    pub implementation_version: String,
    /// The machine as the kernel calls it: `x86_64`.
    pub machine: String,
    /// What extension modules are named by, `cpython-312-x86_64-linux-gnu`; empty if unknown.
    pub soabi: String,
    /// What Python was built for: `linux-x86_64`.
    pub platform: String,
    /// How wide its pointers are: 32 or 64.
    pub bits: u8,
    /// `glibc` or `musl`; empty for another C library.
    pub libc: String,
    /// `2.36`; empty if unknown.
    pub libc_version: String,
}

impl Environment {
    /// The language's version, `3.12`, as two numbers; zeros if it has none.
    pub fn python(&self) -> (u32, u32) {
        numbers(&self.python_full_version).unwrap_or_default()
    }

    /// The same as a text, which is what most markers ask for.
    pub fn python_series(&self) -> String {
        let (major, minor) = self.python();
        format!("{major}.{minor}")
    }

    /// The language's version to compare with; none if it is not one.
    pub fn python_version(&self) -> Option<Version> {
        Version::from_str(&repair(&self.python_full_version)).ok()
    }

    /// The version of the C library as two numbers, if it is `name`.
    pub(crate) fn libc(&self, name: &str) -> Option<(u32, u32)> {
        (self.libc == name).then(|| numbers(&self.libc_version)).flatten()
    }

    /// The value of a marker's variable that is one text.
    pub(crate) fn variable(&self, name: &str) -> String {
        match name {
            "python_version" => self.python_series(),
            "python_full_version" => repair(&self.python_full_version),
            "implementation_name" => self.implementation_name.clone(),
            "implementation_version" => repair(&self.implementation_version),
            "platform_python_implementation" => match self.implementation_name.as_str() {
                "cpython" => "CPython".to_owned(),
                "pypy" => "PyPy".to_owned(),
                other => other.to_owned(),
            },
            "os_name" => "posix".to_owned(),
            "sys_platform" => "linux".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "platform_machine" => self.machine.clone(),
            // The kernel's.
            _ => String::new(),
        }
    }
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    let end = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..end].parse().ok()?))
}

/// A Python built between releases calls itself `3.12.4+`, which is no version.
fn repair(version: &str) -> String {
    if version.ends_with('+') { format!("{version}local") } else { version.to_owned() }
}

impl fmt::Display for Environment {
    /// `CPython 3.12.4 on linux-x86_64 with glibc 2.36`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let implementation = self.variable("platform_python_implementation");
        write!(f, "{implementation} {} on {}", self.python_full_version, self.platform)?;
        if self.libc.is_empty() {
            return Ok(());
        }
        write!(f, " with {} {}", self.libc, self.libc_version)
    }
}
