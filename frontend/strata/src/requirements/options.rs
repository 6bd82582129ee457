//! What requirements files say to pip beside requirements.

use std::collections::BTreeSet;

use super::{dependency::normalize, requirement::refuse_variable, url::check_index_page};
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

/// In which forms a project may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// As a wheel.
    pub wheel: bool,
    /// Built from source.
    pub source: bool,
}

const FLAGS: [&str; 4] = ["--no-index", "--pre", "--prefer-binary", REQUIRE_HASHES];

/// It can hold for requirements only: neither code nor a git commit has a hash.
pub(super) const REQUIRE_HASHES: &str = "--require-hashes";

/// Options that take a value, with their other names.
const VALUES: [(&str, &[&str]); 6] = [
    ("--index-url", &["-i", "--pypi-url"]),
    ("--extra-index-url", &[]),
    ("--find-links", &["-f"]),
    ("--trusted-host", &[]),
    (NO_BINARY, &[]),
    (ONLY_BINARY, &[]),
];

const NO_BINARY: &str = "--no-binary";
const ONLY_BINARY: &str = "--only-binary";

/// Every project, and none, to these two.
const ALL: &str = ":all:";
const NONE: &str = ":none:";

impl Options {
    /// Takes one option up; `value` is asked for if the option needs one. The host of an index comes
    /// back whose URL has its login in variables.
    pub(super) fn set(
        &mut self,
        option: &str,
        value: impl FnOnce() -> Option<String>,
    ) -> Result<Option<String>, Mistake> {
        if FLAGS.contains(&option) {
            self.flags.insert(option.to_owned());
            return Ok(None);
        }
        let known = VALUES.iter().find(|(name, short)| *name == option || short.contains(&option));
        let Some((name, _)) = known else {
            return Err(unknown(option));
        };
        let value = value().filter(|value| !value.is_empty() && !value.starts_with('-'));
        let value = value.ok_or_else(|| Mistake::new(format!("{} has no value", quote(option))))?;
        let is_page = matches!(*name, "--index-url" | "--extra-index-url" | "--find-links");
        let (value, login) = if is_page { check_index_page(&value)? } else { (value, None) };
        refuse_variable(&value)?;
        // An index is the same with and without a `/` at its end; a page of links is not.
        let index = || value.trim_end_matches('/').to_owned();
        match *name {
            "--index-url" => self.index_url = Some(index()),
            "--extra-index-url" => drop(self.extra_index_urls.insert(index())),
            "--find-links" => drop(self.find_links.insert(value)),
            "--trusted-host" => drop(self.trusted_hosts.insert(value)),
            option => self.choose(option, &value),
        }
        Ok(login)
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
            (&mut self.flags, &other.flags),
        ] {
            own.extend(other.iter().cloned());
        }
        for (option, name) in other.formats() {
            self.choose(option, name);
        }
    }

    /// What `--no-binary` and `--only-binary` leave of a project, as in pip's `FormatControl`: a
    /// name counts more than `:all:`.
    pub fn formats_of(&self, project: &str) -> Formats {
        let names = |set: &BTreeSet<String>, name: &str| set.contains(name);
        let (only_source, only_wheel) = if names(&self.no_binary, project) {
            (true, false)
        } else if names(&self.only_binary, project) {
            (false, true)
        } else {
            (names(&self.no_binary, ALL), names(&self.only_binary, ALL))
        };
        Formats { wheel: !only_source, source: !only_wheel }
    }

    /// As lines of a requirements file, in one order.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let valued = [
            ("--extra-index-url", &self.extra_index_urls),
            ("--find-links", &self.find_links),
            ("--trusted-host", &self.trusted_hosts),
        ];
        let index = self.index_url.iter().map(|url| format!("--index-url {url}"));
        let valued = valued.into_iter().flat_map(|(option, values)| {
            values.iter().map(move |value| format!("{option} {value}"))
        });
        let formats = self.formats().map(|(option, name)| format!("{option} {name}"));
        index.chain(valued).chain(formats).chain(self.flags.iter().cloned())
    }

    /// `--no-binary` and `--only-binary`, `:all:` first: pip obeys them from top to bottom, and
    /// it takes back what names said before it.
    fn formats(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let formats = [(NO_BINARY, &self.no_binary), (ONLY_BINARY, &self.only_binary)];
        [true, false].into_iter().flat_map(move |is_all| {
            formats.into_iter().flat_map(move |(option, names)| {
                let names = names.iter().filter(move |name| (*name == ALL) == is_all);
                names.map(move |name| (option, name.as_str()))
            })
        })
    }

    /// Takes up a value of one of the two as pip's `FormatControl` does: `:all:` takes the place
    /// of names, `:none:` empties the set, and a name is in one of the two sets only.
    pub(super) fn choose(&mut self, option: &str, value: &str) {
        let (chosen, other) = match option {
            NO_BINARY => (&mut self.no_binary, &mut self.only_binary),
            _ => (&mut self.only_binary, &mut self.no_binary),
        };
        let mut names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
        while let Some(name) = names.next() {
            match name {
                ALL => {
                    other.clear();
                    *chosen = BTreeSet::from([ALL.to_owned()]);
                    if !names.clone().any(|name| name == NONE) {
                        return;
                    }
                }
                NONE => chosen.clear(),
                name => {
                    let name = normalize(name);
                    other.remove(&name);
                    chosen.insert(name);
                }
            }
        }
    }
}

fn unknown(option: &str) -> Mistake {
    let others = ["--requirement", "--constraint", "--editable"];
    let known = VALUES.iter().map(|(name, _)| *name).chain(FLAGS).chain(others);
    let mistake = Mistake::new(format!("{} is no option that a build honours", quote(option)));
    mistake.help(format!("these are: {}", list(known.clone()))).suggest(option, known)
}

/// `--option=value` in two; `-rfile` too, as pip allows.
pub(super) fn split_value(word: &str) -> (&str, Option<String>) {
    if word.starts_with("--") {
        let split = word.split_once('=');
        return split.map_or((word, None), |(option, value)| (option, Some(value.to_owned())));
    }
    match word.char_indices().nth(2) {
        Some((end, _)) => (&word[..end], Some(word[end..].to_owned())),
        None => (word, None),
    }
}
