//! One requirement with pip's options for it.

use std::{collections::BTreeSet, fmt};

use super::{dependency::Dependency, hash::hash, options::split_value, url};
use crate::mistake::{Mistake, quote};

/// A requirement whose text is canonical: two that mean the same are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The project's name, normalised (PEP 503); of a bare URL that does not tell, the URL.
    pub name: String,
    text: String,
    /// What is required, without the options behind it.
    pub(crate) dependency: Dependency,
    /// The hashes behind it, `sha256:…`.
    pub(crate) hashes: BTreeSet<String>,
}

impl Requirement {
    /// Reads a requirement as it stands on a line, with `--hash` behind it where there are any.
    ///
    /// # Errors
    ///
    /// When pip would refuse it; when it is a folder, which is code and not a dependency; or
    /// when it has a password in it.
    pub fn parse(line: &str) -> Result<Self, Mistake> {
        let (specifier, options) = split_options(line);
        let hashes = read_hashes(options)?;
        refuse_variable(specifier)?;
        if !url::is_bare(specifier) {
            url::refuse_path(specifier)?;
        }
        let dependency = Dependency::parse(specifier)?;
        let name = dependency.name.clone().unwrap_or_else(|| specifier.to_owned());
        Ok(Self::new(name, dependency, hashes))
    }

    /// Reads what a project is held to if something asks for it: extras say nothing then.
    ///
    /// # Errors
    ///
    /// As [`Requirement::parse`].
    pub fn constraint(line: &str) -> Result<Self, Mistake> {
        let Self { name, dependency, hashes, .. } = Self::parse(line)?;
        let dependency = Dependency { extras: BTreeSet::new(), ..dependency };
        Ok(Self::new(name, dependency, hashes))
    }

    fn new(name: String, dependency: Dependency, hashes: BTreeSet<String>) -> Self {
        let options: String = hashes.iter().map(|hash| format!(" --hash={hash}")).collect();
        Self { name, text: format!("{dependency}{options}"), dependency, hashes }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Refuses `${NAME}`, which pip would replace by a variable of the environment.
pub(super) fn refuse_variable(text: &str) -> Result<(), Mistake> {
    let is_name = |name: &str| {
        let belongs = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        !name.is_empty() && name.chars().all(belongs)
    };
    let mut names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    if names.any(|(name, _)| is_name(name)) {
        let mistake = Mistake::new(format!("{} has a variable in it", quote(text)));
        // Nobody is told to write a token into a file.
        let is_login = text.contains("://") && text.contains('@');
        return Err(mistake.help(if is_login {
            "a build does not see your environment: leave a login out of the URL, and name a \
                 secret for the host under `python.credentials`"
        } else {
            "a build does not see your environment: write the value"
        }));
    }
    Ok(())
}

/// A requirement and what follows it from the first word on that begins with `-`.
fn split_options(line: &str) -> (&str, &str) {
    let (specifier, options) = line.split_at(line.find(" -").unwrap_or(line.len()));
    (specifier.trim(), options.trim())
}

/// The hashes among options, which are all that a requirement may have.
fn read_hashes(options: &str) -> Result<BTreeSet<String>, Mistake> {
    let words = shlex::split(options)
        .ok_or_else(|| Mistake::new(format!("{} has an unclosed quote", quote(options))))?;
    let mut read = BTreeSet::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (option, value) = split_value(&word);
        match option {
            "--hash" => {}
            "--config-settings" | "--config-setting" | "-C" => {
                let words = format!("{} reaches no build of the package", quote(option));
                let help = "builds take their settings from variables, such as `CMAKE_ARGS`, in \
                            `python.env`";
                return Err(Mistake::new(words).help(help));
            }
            _ => {
                let words = format!("{} is not an option of a requirement", quote(option));
                return Err(Mistake::new(words)
                    .help("other options stand on lines of their own")
                    .suggest(option, ["--hash"]));
            }
        }
        let value = value.or_else(|| words.next());
        let value = value.ok_or_else(|| Mistake::new(format!("{} has no value", quote(option))))?;
        read.insert(read_hash(&value)?);
    }
    Ok(read)
}

fn read_hash(value: &str) -> Result<String, Mistake> {
    let read = value.split_once(':').and_then(|(algorithm, digits)| hash(algorithm, digits));
    read.ok_or_else(|| {
        Mistake::new(format!("{} is not a hash", quote(value)))
            .help("pip takes `sha256:`, `sha384:` or `sha512:` and the hash")
    })
}
