//! What requirements files say to pip beside requirements.

use std::collections::BTreeSet;

use super::requirement::refuse_credentials;
use crate::mistake::{Mistake, list, quote};

/// The options of requirements files, those of several in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--index-url`: the index in place of PyPI; the last one counts.
    pub index_url: Option<String>,
    /// `--extra-index-url`.
    pub extra_index_urls: BTreeSet<String>,
    /// `--find-links`: pages with links to packages.
    pub find_links: BTreeSet<String>,
    /// `--trusted-host`.
    pub trusted_hosts: BTreeSet<String>,
    /// `--no-binary`: what must be built from source.
    pub no_binary: BTreeSet<String>,
    /// `--only-binary`: what must not.
    pub only_binary: BTreeSet<String>,
    /// Options without a value: `--no-index`, `--pre`, `--prefer-binary`, `--require-hashes`.
    pub flags: BTreeSet<String>,
}

const FLAGS: [&str; 4] = ["--no-index", "--pre", "--prefer-binary", "--require-hashes"];

/// Options that take a value, with their other names.
const VALUES: [(&str, &[&str]); 6] = [
    ("--index-url", &["-i", "--pypi-url"]),
    ("--extra-index-url", &[]),
    ("--find-links", &["-f"]),
    ("--trusted-host", &[]),
    ("--no-binary", &[]),
    ("--only-binary", &[]),
];

impl Options {
    /// Takes one option up; `value` is asked for if the option needs one.
    pub(super) fn set(
        &mut self,
        option: &str,
        value: impl FnOnce() -> Option<String>,
    ) -> Result<(), Mistake> {
        if FLAGS.contains(&option) {
            self.flags.insert(option.to_owned());
            return Ok(());
        }
        let known = VALUES.iter().find(|(name, short)| *name == option || short.contains(&option));
        let Some((name, _)) = known else {
            return Err(unknown(option));
        };
        let value = value().filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Mistake::new(format!("{} has no value", quote(option))))?;
        match *name {
            "--index-url" => self.index_url = Some(url(value)?),
            "--extra-index-url" => drop(self.extra_index_urls.insert(url(value)?)),
            "--find-links" => drop(self.find_links.insert(url(value)?)),
            "--trusted-host" => drop(self.trusted_hosts.insert(value)),
            "--no-binary" => self.no_binary.extend(names(&value)),
            _ => self.only_binary.extend(names(&value)),
        }
        Ok(())
    }

    /// Adds another file's.
    pub(super) fn extend(&mut self, other: &Self) {
        if other.index_url.is_some() {
            self.index_url.clone_from(&other.index_url);
        }
        for (own, other) in [
            (&mut self.extra_index_urls, &other.extra_index_urls),
            (&mut self.find_links, &other.find_links),
            (&mut self.trusted_hosts, &other.trusted_hosts),
            (&mut self.no_binary, &other.no_binary),
            (&mut self.only_binary, &other.only_binary),
            (&mut self.flags, &other.flags),
        ] {
            own.extend(other.iter().cloned());
        }
    }

    /// As lines of a requirements file, in one order.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let valued = [
            ("--extra-index-url", &self.extra_index_urls),
            ("--find-links", &self.find_links),
            ("--trusted-host", &self.trusted_hosts),
            ("--no-binary", &self.no_binary),
            ("--only-binary", &self.only_binary),
        ];
        let index = self.index_url.iter().map(|url| format!("--index-url {url}"));
        let valued = valued.into_iter().flat_map(|(option, values)| {
            values.iter().map(move |value| format!("{option} {value}"))
        });
        index.chain(valued).chain(self.flags.iter().cloned())
    }
}

fn unknown(option: &str) -> Mistake {
    if matches!(option, "-e" | "--editable") {
        return Mistake::new("an editable install is code, not a dependency")
            .help("take the line out; your own code goes under `code`");
    }
    let known =
        VALUES.iter().map(|(name, _)| *name).chain(FLAGS).chain(["--requirement", "--constraint"]);
    let mistake = Mistake::new(format!("{} is no option that a build honours", quote(option)));
    mistake.help(format!("these are: {}", list(known.clone()))).suggest(option, known)
}

fn names(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty())
}

fn url(value: String) -> Result<String, Mistake> {
    refuse_credentials(&value)?;
    if value.starts_with("https://") || value.starts_with("http://") {
        Ok(value)
    } else {
        let mistake = Mistake::new(format!("{} is not an http or https URL", quote(&value)));
        Err(mistake.help("a build sees no folders of yours: serve the packages from an index"))
    }
}
