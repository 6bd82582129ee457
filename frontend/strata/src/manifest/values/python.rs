//! Names and words of Python's packaging.

use super::{Read, expected};
use crate::{
    mistake::{Mistake, quote},
    requirements::normalize,
};

/// Who installs packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Installer {
    /// pip.
    #[default]
    Pip,
    /// uv.
    Uv,
}

impl Installer {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
        }
    }
}

/// `pip` or `uv`.
pub fn installer(text: &str) -> Read<Installer> {
    match text {
        "pip" => Ok(Installer::Pip),
        "uv" => Ok(Installer::Uv),
        _ => Err(expected("`pip` or `uv`", text)),
    }
}

/// A build of PyTorch, by the name of its index: `cpu`, `cu126`, `rocm6.4`, `xpu`.
pub fn torch(text: &str) -> Read<String> {
    let digits = |rest: &str| rest.len() >= 2 && rest.bytes().all(|b| b.is_ascii_digit());
    let version =
        |rest: &str| rest.contains('.') && rest.split('.').all(|part| part.parse::<u8>().is_ok());
    let known = matches!(text, "cpu" | "xpu")
        || text.strip_prefix("cu").is_some_and(digits)
        || text.strip_prefix("rocm").is_some_and(version);
    if known {
        return Ok(text.to_owned());
    }
    let mistake = expected("`cpu`, `xpu`, or a build such as `cu126` or `rocm6.4`", text);
    Err(match text.strip_prefix("cuda").or_else(|| text.strip_prefix("cu")) {
        Some(version) if version.contains('.') => {
            mistake.help(format!("write `cu{}`", version.replace('.', "")))
        }
        _ => mistake,
    })
}

/// The name of a project on an index, normalised (PEP 503).
pub fn project(text: &str) -> Read<String> {
    if is_name(text) {
        return Ok(normalize(text));
    }
    let mistake = expected("a package such as `torch`", text);
    Err(match text.split(['=', '<', '>', '~', '!', '[', ' ']).next() {
        Some(name) if is_name(name) => {
            mistake.help(format!("write `{name}`: which version is said where it is required"))
        }
        _ => mistake,
    })
}

/// The same, where it is a key.
pub fn project_name(text: &str) -> Read<()> {
    project(text).map(drop)
}

/// The name of an extra or of a dependency group, normalised (PEP 685, PEP 735).
pub fn extra(text: &str) -> Read<String> {
    if is_name(text) { Ok(normalize(text)) } else { Err(expected("a name such as `gpu`", text)) }
}

/// What stands behind `import`.
pub fn module(text: &str) -> Read<String> {
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    if text.split('.').all(is_identifier) {
        return Ok(text.to_owned());
    }
    let mistake = expected("a module such as `torch` or `google.protobuf`", text);
    Err(match text.strip_prefix("import ") {
        Some(module) => mistake.help(format!("write `{}`", module.trim())),
        None if text.contains('-') => mistake.help("it is the name that `import` takes"),
        None => mistake,
    })
}

/// The host of an index, without a port: what netrc(5) knows a machine by.
pub fn host(text: &str) -> Read<()> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !text.is_empty() && text.chars().all(in_name) {
        return Ok(());
    }
    let mistake = Mistake::new(format!("{} is not the name of a host", quote(text)));
    Err(mistake.help("write it as it stands in the URL, without `https://`, path and port"))
}

/// PEP 508's names.
fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(letter)
        && text.ends_with(letter)
        && text.chars().all(|c| letter(c) || matches!(c, '.' | '-' | '_'))
}
