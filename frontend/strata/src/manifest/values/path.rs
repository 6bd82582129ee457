//! Paths: absolute ones in the image, relative ones in the build context and in the code.

use std::fmt;

use super::{Read, boolean, expected};
use crate::{
    in_image::{HF_HOME, STRATA, VENV},
    lock::Kind,
    mistake::{Mistake, list, quote},
    paths::below,
};

/// Folders of the image that nothing of the manifest's may be put into: the Python environment and
/// the models' cache are laid there by name, and the others are mounted over when a container runs.
const TAKEN: [&str; 6] = [VENV, HF_HOME, STRATA, "/proc", "/sys", "/dev"];

/// Folders that images have: what is copied there goes into them.
const FOLDERS: [&str; 31] = [
    "/bin",
    "/boot",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// What the names of files end in that say where system packages come from.
const SOURCES: [&str; 3] = [".sources", ".list", ".repo"];

/// Where a file is that says what to install: requirements, a lock, a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputPath {
    /// In the build context; relative, clean, with `/`.
    Context(String),
    /// In the code's source (`code:requirements.txt`), below its `subdir`.
    Code(String),
}

impl InputPath {
    /// Where it is there.
    pub fn path(&self) -> &str {
        let (Self::Context(path) | Self::Code(path)) = self;
        path
    }

    /// The name of the file itself.
    pub fn name(&self) -> &str {
        self.path().rsplit('/').next().unwrap_or_default()
    }

    /// The path that `path` is, seen from this file; none if it leaves the root.
    pub fn beside(&self, path: &str) -> Option<Self> {
        if path.starts_with('/') {
            return None;
        }
        let folder = self.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        let joined = parts.join("/");
        Some(match self {
            Self::Context(_) => Self::Context(joined),
            Self::Code(_) => Self::Code(joined),
        })
    }
}

/// As a manifest has it.
impl fmt::Display for InputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(path) => f.write_str(path),
            Self::Code(path) => write!(f, "code:{path}"),
        }
    }
}

/// A path in the image, without `.`, `..` and doubled slashes.
pub fn absolute(text: &str) -> Read<String> {
    if !text.starts_with('/') {
        let mistake = expected("an absolute path", text);
        return Err(match text.strip_prefix("./").unwrap_or(text) {
            inside if inside.starts_with(['.', '~', '$']) || inside.is_empty() => mistake,
            inside => mistake.help(format!("write `/{inside}`")),
        });
    }
    Ok(format!("/{}", clean(text)?))
}

/// A folder of the image that the manifest may make or fill: `code.to`, `dirs`.
pub fn destination(text: &str) -> Read<String> {
    let path = absolute(text)?;
    if path == "/" {
        return Err(Mistake::new("the root of the image is taken").help("name a folder below it"));
    }
    match TAKEN.into_iter().find(|taken| below(taken, &path).is_some()) {
        Some(taken) => Err(Mistake::new(format!("{} is inside `{taken}`", quote(text)))
            .help(format!("`{taken}` is taken; name a folder outside of it"))),
        None => Ok(path),
    }
}

/// Where files go. A slash at the end stays, as it does for `cp`: it makes it a folder, into
/// which even a single file goes under its own name.
pub fn files_destination(text: &str) -> Read<String> {
    let slash = if text.ends_with('/') { "/" } else { "" };
    Ok(destination(text)? + slash)
}

/// Whether images have a folder there.
pub fn is_folder(path: &str) -> bool {
    FOLDERS.contains(&path)
}

/// A mount point of the image.
pub fn volume(text: &str) -> Read<String> {
    if let Some((_, path)) = text.split_once(':').filter(|(_, path)| path.starts_with('/')) {
        let message = format!("{} says what to mount, which an image can't", quote(text));
        let path = path.split(':').next().unwrap_or(path);
        return Err(
            Mistake::new(message).help(format!("write `{path}`, and mount it when it runs"))
        );
    }
    absolute(text)
}

/// A path below a folder, clean; empty for the folder itself.
pub fn relative(text: &str) -> Read<String> {
    if text.starts_with('/') {
        return Err(expected("a relative path", text));
    }
    clean(text)
}

/// What of the code is installed: the folder of a package, empty for the code itself; none for
/// `false`.
pub fn installed(text: &str) -> Read<Option<String>> {
    match boolean(text) {
        Ok(all) => Ok(all.then(String::new)),
        // What YAML 1.1 takes for a boolean is no folder.
        Err(_) if ["yes", "no", "on", "off"].contains(&text.to_lowercase().as_str()) => {
            Err(expected("`true`, `false` or a folder of the code", text))
        }
        Err(_) => relative(text).map(Some),
    }
}

/// The build context or a folder in it.
pub fn context(text: &str) -> Read<String> {
    relative(text).map_err(|mistake| {
        mistake.help("only what the build context holds can be taken: `docker buildx build … PATH`")
    })
}

/// A file or a folder in the build context.
pub fn in_context(text: &str) -> Read<String> {
    let path = context(text)?;
    if path.is_empty() {
        let mistake = Mistake::new("all of the build context is the code's");
        return Err(mistake.help("name a file or a folder of it, such as `weights`"));
    }
    if path.starts_with('!') {
        return Err(pattern(text));
    }
    one_path(text, path)
}

/// A file or a folder in another image.
pub fn in_image(text: &str) -> Read<String> {
    one_path(text, absolute(text)?)
}

/// What is copied is named: a pattern may match nothing, and nobody would be told.
fn one_path(text: &str, path: String) -> Read<String> {
    if path.contains(['*', '?', '[', '\\']) { Err(pattern(text)) } else { Ok(path) }
}

fn pattern(text: &str) -> Mistake {
    let mistake = Mistake::new(format!("{} is a pattern", quote(text)));
    mistake.help("name the folder that has the files")
}

/// A requirements file of the build context, or `code:` and one of the code's.
pub fn requirements(text: &str) -> Read<InputPath> {
    input(text, "a requirements file such as `requirements.txt` or `code:requirements.txt`")
}

/// A project's file, where requirements may be.
pub fn pyproject(text: &str) -> Read<InputPath> {
    let file = "a project's file such as `pyproject.toml` or `code:pyproject.toml`";
    let path = input(text, file)?;
    if path.path().ends_with(".toml") { Ok(path) } else { Err(expected(file, text)) }
}

/// A lock, where requirements may be.
pub fn lock(text: &str) -> Read<InputPath> {
    let file = "a lock such as `uv.lock` or `code:poetry.lock`";
    let path = input(text, file)?;
    if Kind::of(path.path()).is_some() {
        return Ok(path);
    }
    Err(expected(file, text).help(format!("the locks that are read are {}", list(Kind::NAMES))))
}

/// A file of the build context that says where system packages come from, in the words of the package
/// manager that is to read it.
pub fn system_sources(text: &str) -> Read<InputPath> {
    let file = "a file of the build context such as `deploy/debian.sources`";
    let path = input(text, file)?;
    let name = path.name();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let help = match path {
        InputPath::Code(_) => "it is read before there is any code",
        _ if !SOURCES.iter().any(|ending| name.ends_with(ending)) => {
            "apt-get reads `.sources` and `.list`, dnf and microdnf read `.repo`"
        }
        _ if name.starts_with('.') || !name.chars().all(is_plain) => {
            "apt-get passes over a file whose name begins with a dot, or has anything but letters, \
             digits, `-`, `_` and `.`"
        }
        InputPath::Context(_) => return Ok(path),
    };
    Err(expected(file, text).help(help))
}

/// A file of the build context, or `code:` and one of the code's.
fn input(text: &str, file: &str) -> Read<InputPath> {
    if text.contains("://") {
        return Err(expected(file, text).help("download it into the build context"));
    }
    let (path, place): (&str, fn(String) -> InputPath) = match text.strip_prefix("code:") {
        Some(path) => (path, InputPath::Code),
        None => (text, InputPath::Context),
    };
    let clean = relative(path)?;
    if clean.is_empty() || path.ends_with('/') || text.starts_with('-') {
        return Err(expected(file, text));
    }
    Ok(place(clean))
}

/// The components of a path, joined, without those that mean nothing.
fn clean(text: &str) -> Read<String> {
    if text.contains(char::is_control) {
        return Err(expected("a path", text));
    }
    let parts = || text.split('/').filter(|part| !matches!(*part, "" | "."));
    if parts().any(|part| part == "..") {
        return Err(Mistake::new(format!("{} climbs out with `..`", quote(text))));
    }
    Ok(parts().collect::<Vec<_>>().join("/"))
}
