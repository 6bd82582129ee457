//! Programs of another processor, run by QEMU out of Debian's packages.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::output;
use crate::packages::Packages;
use crate::workspace;

/// The kernel's list of who runs what it cannot (Linux, `admin-guide/binfmt-misc`).
const KERNELS: &str = "/proc/sys/fs/binfmt_misc";

/// What it lists ours as.
const NAME: &str = "strata-arm64";

/// How a program for 64-bit ARM begins, and which bits of that count.
const BEGINS: &str = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00";
const COUNTS: &str =
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff";

/// Lets this machine run programs for 64-bit ARM, in containers, too, while it exists. Engines that
/// start meanwhile know that they can. There is one at a time: when it goes, so does what the kernel
/// has of us.
#[derive(Debug)]
pub struct Arm64 {
    _lock: File,
}

impl Arm64 {
    /// Asks the kernel for it, unless the machine has it already; waits while another process does.
    ///
    /// # Errors
    ///
    /// When the package cannot be had, or the kernel does not let us.
    pub fn emulate() -> Result<Self> {
        let lock = workspace::lock("emulation")?;
        let qemu = Packages::of_qemu()?.file("usr/bin/qemu-aarch64-static")?;
        let kernels = Path::new(KERNELS);
        if !kernels.join("register").exists() {
            output(Command::new("mount").args(["-t", "binfmt_misc", "none", KERNELS]))?;
        }
        if ![NAME, "qemu-aarch64"].iter().any(|name| kernels.join(name).exists()) {
            // F: the kernel holds the program open, so that it is there in any root.
            let line = format!(":{NAME}:M::{BEGINS}:{COUNTS}:{}:F", qemu.display());
            fs::write(kernels.join("register"), line)
                .context("the kernel takes no emulator of us")?;
        }
        Ok(Self { _lock: lock })
    }
}

impl Drop for Arm64 {
    fn drop(&mut self) {
        // Somebody else's stays.
        let ours = Path::new(KERNELS).join(NAME);
        if ours.exists()
            && let Err(error) = fs::write(ours, "-1")
        {
            eprintln!("the kernel keeps the emulator: {error}");
        }
    }
}
