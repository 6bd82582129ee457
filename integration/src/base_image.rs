//! The base image of tests: Python on Debian, from a registry or, where none answers, from Debian's
//! packages.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::apt::{KEYRING, MIRROR, Suite};
use crate::command::{output, output_within};
use crate::daemons::CURRENT;
use crate::emulation::Arm64;
use crate::engine::Engine;
use crate::packages::Packages;
use crate::workspace;

/// Where a registry answers.
const IMAGE: &str = "python:3.12-slim";

/// Where none does: the Debian whose Python it is.
const SUITE: &str = "trixie";

/// What the image has beside Debian's smallest system.
const PACKAGES: &str = "ca-certificates,git,python3,python3-pip,python3-venv";

/// The machine's certificate authorities: a company's network may sign with its own, and pip must
/// still work.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// As in the images of Docker's library. It empties apt's cache, so builds that keep one must get
/// around it.
const DOCKER_CLEAN: &str = r#"DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"#;

/// The processors that an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    /// This machine's.
    Own,
    /// 32-bit x86, whose programs a 64-bit machine runs without emulation.
    X86,
    /// 64-bit ARM.
    Arm,
}

impl Machine {
    /// What Debian calls it, where that must be said.
    fn debian(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::X86 => Some("i386"),
            Self::Arm => Some("arm64"),
        }
    }

    /// What Docker calls it, where that must be said.
    fn platform(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::X86 => Some("linux/386"),
            Self::Arm => Some("linux/arm64"),
        }
    }
}

/// Gives `engine` the image under the name `tag`, unless it has one of that name.
///
/// Every engine on this machine gets the same bytes, and those that keep images in containerd the
/// same digest.
///
/// # Errors
///
/// When no registry answers and Debian's packages cannot be had either.
pub fn load(engine: &Engine, tag: &str) -> Result<()> {
    load_kept(engine, tag, SUITE, |name| {
        pull(engine, IMAGE, name).or_else(|_| import(engine, SUITE, Machine::Own, name))
    })
}

/// Gives `engine` the image of another Debian's Python under the name `tag`, unless it has one of
/// that name.
///
/// # Errors
///
/// When Debian's packages cannot be had.
pub fn load_of(engine: &Engine, suite: Suite, tag: &str) -> Result<()> {
    load_kept(engine, tag, suite.name(), |name| import(engine, suite.name(), Machine::Own, name))
}

/// Gives `engine` the image of Debian 13's Python for 32-bit x86 under the name `tag`, unless it
/// has one of that name. A 64-bit machine runs it without emulation.
///
/// # Errors
///
/// When Debian's packages cannot be had.
pub fn load_for_386(engine: &Engine, tag: &str) -> Result<()> {
    load_kept(engine, tag, &format!("{SUITE}-386"), |name| {
        import(engine, SUITE, Machine::X86, name)
    })
}

/// The same for 64-bit ARM, which has to be [emulated](crate::emulation).
///
/// # Errors
///
/// When Debian's packages cannot be had.
pub fn load_for_arm64(engine: &Engine, _: &Arm64, tag: &str) -> Result<()> {
    load_kept(engine, tag, &format!("{SUITE}-arm64"), |name| {
        import(engine, SUITE, Machine::Arm, name)
    })
}

/// Loads what is kept as `kept`, or else has `make` make it under the name that it is given.
fn load_kept(
    engine: &Engine,
    tag: &str,
    kept: &str,
    make: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    if output(&mut engine.docker(["image", "inspect", tag])).is_ok() {
        return Ok(());
    }
    let _lock = workspace::lock("base-image")?;
    let name = format!("strata-base:{kept}");
    let archive = workspace::cache("base")?.join(format!("{kept}.tar"));
    if archive.exists() {
        output(engine.docker(["image", "load", "--input"]).arg(&archive))?;
    } else {
        make(&name)?;
        keep(engine, &name, &archive)?;
    }
    output(&mut engine.docker(["image", "tag", &name, tag])).map(drop)
}

/// Takes the image from its registry; one that does not answer soon is taken not to be there.
fn pull(engine: &Engine, image: &str, name: &str) -> Result<()> {
    let mut ask = engine.docker(["buildx", "imagetools", "inspect", image]);
    output_within(Duration::from_secs(10), &mut ask)?;
    output(&mut engine.docker(["pull", image]))?;
    output(&mut engine.docker(["image", "tag", image, name])).map(drop)
}

/// Makes the image from Debian's packages.
fn import(engine: &Engine, suite: &str, machine: Machine, name: &str) -> Result<()> {
    eprintln!("making {name} from the packages of Debian {suite} (about a minute)");
    let work = tempfile::tempdir_in(workspace::cache("base")?)?;
    let (root, archive) = (work.path().join("root"), work.path().join("root.tar"));
    bootstrap(suite, machine, &root, work.path())?;
    furnish(&root)?;
    output(
        Command::new("tar")
            .args(["--numeric-owner", "--sort=name", "-C"])
            .args([&root])
            .arg("-cf")
            .args([&archive])
            .arg("."),
    )?;
    let mut import = engine.docker(["image", "import"]);
    import.args(machine.platform().map(|platform| format!("--platform={platform}")));
    for change in [
        "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "CMD [\"python3\"]",
    ] {
        import.args(["--change", change]);
    }
    output(import.arg(&archive).arg(name)).map(drop)
}

/// Installs Debian with debootstrap, which downloads with wget: busybox has one where the machine
/// has none.
fn bootstrap(suite: &str, machine: Machine, root: &Path, work: &Path) -> Result<()> {
    let packages = Packages::of_engine(CURRENT.suite)?;
    let programs = work.join("bin");
    fs::create_dir(&programs)?;
    std::os::unix::fs::symlink(packages.file("bin/busybox")?, programs.join("wget"))?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path)))?;
    output(
        Command::new(packages.file("usr/sbin/debootstrap")?)
            .env("DEBOOTSTRAP_DIR", packages.file("usr/share/debootstrap")?)
            .env("PATH", path)
            .arg("--variant=minbase")
            .args(machine.debian().map(|name| format!("--arch={name}")))
            .arg(format!("--include={PACKAGES}"))
            .arg(format!("--keyring={}", packages.file(KEYRING)?.display()))
            .arg(suite)
            .arg(root)
            .arg(MIRROR),
    )
    .map(drop)
}

/// Leaves in the root what an image of Docker's library has, and the machine's authorities.
fn furnish(root: &Path) -> Result<()> {
    for folder in [
        "var/cache/apt",
        "var/lib/apt/lists",
        "var/log",
        "usr/share/doc",
        "usr/share/locale",
        "usr/share/man",
    ] {
        empty(&root.join(folder))?;
    }
    // debootstrap copies these from the machine.
    fs::write(root.join("etc/hostname"), "")?;
    fs::write(root.join("etc/resolv.conf"), "")?;
    fs::write(root.join("etc/apt/apt.conf.d/docker-clean"), DOCKER_CLEAN)?;
    let authorities = Path::new("/").join(AUTHORITIES);
    if authorities.exists() {
        fs::copy(authorities, root.join(AUTHORITIES))?;
    }
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    for entry in
        fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))?
    {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?
        } else {
            fs::remove_file(entry.path())?
        }
    }
    Ok(())
}

/// Keeps the image for other engines. It appears whole or not at all.
fn keep(engine: &Engine, image: &str, archive: &Path) -> Result<()> {
    let unfinished = archive.with_extension("partial");
    output(engine.docker(["image", "save", image, "--output"]).arg(&unfinished))?;
    fs::rename(unfinished, archive).with_context(|| format!("could not keep {}", archive.display()))
}
