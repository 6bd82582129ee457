//! One requirement (PEP 508) with pip's options for it.

use std::{collections::BTreeSet, convert::Infallible, fmt, path::Path, str::FromStr as _};

use crate::mistake::{Mistake, quote};

/// A requirement whose text is canonical: two that mean the same are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The project's name, normalised (PEP 503); of a bare URL, the URL.
    pub name: String,
    text: String,
}

/// A URL as it was written: it goes to pip as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url(String);

impl pep508_rs::Pep508Url for Url {
    type Err = Infallible;

    fn parse_url(url: &str, _: Option<&Path>) -> Result<Self, Self::Err> {
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Archives that a URL may end in to be a requirement by itself.
const ARCHIVES: [&str; 5] = [".whl", ".tar.gz", ".zip", ".tgz", ".tar.bz2"];

impl Requirement {
    /// Reads a requirement as it stands on a line, with `--hash` and `--config-settings` behind
    /// it where there are any.
    ///
    /// # Errors
    ///
    /// When pip would refuse it; when it is a folder, which is code and not a dependency; or
    /// when it has a password in it.
    pub fn parse(line: &str) -> Result<Self, Mistake> {
        let (specifier, options) = split_options(line);
        let options = read_options(options)?;
        if specifier.contains("${") {
            let mistake = Mistake::new(format!("{} has a variable in it", quote(specifier)));
            return Err(mistake.help("a build does not see your environment: write the value"));
        }
        refuse_path(specifier)?;
        let mut requirement = if is_bare_url(specifier) {
            refuse_credentials(specifier)?;
            Self { name: specifier.to_owned(), text: specifier.to_owned() }
        } else {
            Self::parse_specifier(specifier)?
        };
        for option in options {
            requirement.text.push(' ');
            requirement.text.push_str(&option);
        }
        Ok(requirement)
    }

    fn parse_specifier(specifier: &str) -> Result<Self, Mistake> {
        refuse_names(specifier)?;
        let parsed = pep508_rs::Requirement::<Url>::from_str(specifier);
        let mut parsed = parsed.map_err(|error| {
            // Of its words the first line: the others draw the input again.
            let words = error.message.to_string();
            let words = words.lines().next().unwrap_or_default();
            Mistake::new(format!("{} is not a requirement: {words}", quote(specifier)))
                .help("pip takes `name`, `name[extra]==1.2`, `name>=1; python_version < \"3.12\"`")
        })?;
        if let Some(pep508_rs::VersionOrUrl::Url(url)) = &parsed.version_or_url {
            refuse_path(&url.0)?;
            refuse_credentials(&url.0)?;
        }
        parsed.extras.sort_unstable();
        parsed.extras.dedup();
        Ok(Self { name: parsed.name.to_string(), text: parsed.to_string() })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Refuses names and extras at which the parser would panic: those that are not ASCII, or do not
/// end in a letter or digit.
fn refuse_names(specifier: &str) -> Result<(), Mistake> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = specifier.split(|c| !is_word(c)).next().unwrap_or_default();
    let bracket = specifier[name.len()..].trim_start().strip_prefix('[');
    let extras = bracket.map(|rest| rest.split(']').next().unwrap_or(rest));
    let extras = extras.into_iter().flat_map(|extras| extras.split(',')).map(str::trim);
    let is_name = |name: &str| {
        name.is_ascii() && (name.is_empty() || name.ends_with(|c: char| c.is_ascii_alphanumeric()))
    };
    match extras.chain([name]).find(|name| !is_name(name)) {
        Some(name) => {
            let mistake = Mistake::new(format!("{} is not a name", quote(name)));
            Err(mistake.help(
                "names are of ASCII letters, digits, `.`, `-` and `_`, a letter or digit last",
            ))
        }
        None => Ok(()),
    }
}

/// A requirement and what follows it from the first word on that begins with `-`.
fn split_options(line: &str) -> (&str, &str) {
    let option = line.match_indices(" -").map(|(index, _)| index).next();
    let (specifier, options) = line.split_at(option.unwrap_or(line.len()));
    (specifier.trim(), options.trim())
}

/// The options in canonical order, each as one word.
fn read_options(options: &str) -> Result<BTreeSet<String>, Mistake> {
    let words = shlex::split(options)
        .ok_or_else(|| Mistake::new(format!("{} has an unclosed quote", quote(options))))?;
    let mut read = BTreeSet::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
            None => (word.clone(), words.next()),
        };
        let value = value.ok_or_else(|| Mistake::new(format!("{} has no value", quote(&word))))?;
        match option.as_str() {
            "--hash" if is_hash(&value) => read.insert(format!("--hash={value}")),
            "--hash" => {
                let mistake = Mistake::new(format!("{} is not a hash", quote(&value)));
                return Err(
                    mistake.help("pip takes `sha256:`, `sha384:` or `sha512:` and the hash")
                );
            }
            "--config-settings" | "--config-setting" | "-C" => {
                let setting = shlex::try_quote(&value)
                    .map_err(|error| Mistake::new(format!("{}: {error}", quote(&value))))?;
                read.insert(format!("--config-settings={setting}"))
            }
            _ => {
                let mistake =
                    Mistake::new(format!("{} is not an option of a requirement", quote(&option)));
                return Err(mistake.suggest(&option, ["--hash", "--config-settings"]));
            }
        };
    }
    Ok(read)
}

fn is_hash(text: &str) -> bool {
    let length = |algorithm| match algorithm {
        "sha256" => Some(64),
        "sha384" => Some(96),
        "sha512" => Some(128),
        _ => None,
    };
    text.split_once(':').is_some_and(|(algorithm, hash)| {
        length(algorithm) == Some(hash.len()) && hash.chars().all(|c| c.is_ascii_hexdigit())
    })
}

fn is_bare_url(text: &str) -> bool {
    let path = text.split(['#', '?']).next().unwrap_or(text);
    let is_web = path.starts_with("https://") || path.starts_with("http://");
    is_web && ARCHIVES.iter().any(|ending| path.ends_with(ending))
        || path.starts_with("git+") && text.contains("#egg=")
}

fn refuse_path(text: &str) -> Result<(), Mistake> {
    let is_path = text.starts_with(['.', '/', '~']) || text.starts_with("file:");
    let is_archive = !text.contains("://") && ARCHIVES.iter().any(|ending| text.ends_with(ending));
    if is_path || is_archive {
        let mistake = Mistake::new(format!("{} is a path, not a package", quote(text)));
        return Err(mistake.help("your own code goes under `code`; a wheel belongs in an index"));
    }
    Ok(())
}

/// Refuses a URL with a password or token in it, without repeating it.
pub(super) fn refuse_credentials(url: &str) -> Result<(), Mistake> {
    let Some((scheme, rest)) = url.split_once("://") else { return Ok(()) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let is_secret = |user: &str| user.contains(':') || !scheme.ends_with("ssh");
    if user.is_some_and(is_secret) {
        let words = "a URL with credentials in it: everyone who gets the image could read them";
        return Err(Mistake::new(words)
            .help("pip takes them from the build secret `netrc`: `--secret id=netrc,src=…`"));
    }
    Ok(())
}
