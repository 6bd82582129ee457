//! Where packages come from: the indexes and the pages that commands and variables name.

use super::{
    dockerfile::Dockerfile,
    draft::{add, fits},
    run::shortened,
    shell::Word,
};
use crate::manifest::values;

/// What is asked where nothing else is named.
pub const PYPI: &str = "https://pypi.org/simple";

/// PyTorch's own indexes.
const TORCH: &str = "download.pytorch.org/whl/";

/// The variable of pip's that its settings stand for, too.
pub const OF_PIP: &str = "PIP_INDEX_URL";

/// Variables that name some, for pip and for uv.
const VARIABLES: [(&str, Kind); 8] = [
    (OF_PIP, Kind::Instead),
    ("UV_INDEX_URL", Kind::Instead),
    ("UV_DEFAULT_INDEX", Kind::Instead),
    ("PIP_EXTRA_INDEX_URL", Kind::Beside),
    ("UV_EXTRA_INDEX_URL", Kind::Beside),
    ("UV_INDEX", Kind::Beside),
    ("PIP_FIND_LINKS", Kind::Links),
    ("UV_FIND_LINKS", Kind::Links),
];

/// How packages are looked for there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In place of PyPI.
    Instead,
    /// Beside the others.
    Beside,
    /// On a page with links.
    Links,
}

impl Kind {
    /// The manifest's key.
    pub fn key(self) -> &'static str {
        match self {
            Self::Instead => "python.index_url",
            Self::Beside => "python.extra_index_urls",
            Self::Links => "python.find_links",
        }
    }
}

/// What a variable says of indexes, if that is what it is for.
pub fn kind(variable: &str) -> Option<Kind> {
    VARIABLES.iter().find(|(name, _)| *name == variable).map(|(_, kind)| *kind)
}

/// Whether a variable has something take the place of PyPI, by what is known of them.
pub fn is_set(lookup: impl Fn(&str) -> Option<String>) -> bool {
    let mut names = VARIABLES.iter().filter(|(_, kind)| *kind == Kind::Instead);
    names.any(|(name, _)| lookup(name).is_some_and(|value| !value.is_empty()))
}

/// Reads a variable that names some.
pub fn variable(reader: &mut Dockerfile<'_>, line: usize, name: &str, value: &Word) {
    let Some(kind) = kind(name) else { return };
    if !value.unknown.is_empty() {
        reader.note(line, format!("`{name}`: {}", untold(kind)));
        return;
    }
    for url in value.text.split([' ', ',', '\n']).filter(|url| !url.is_empty()) {
        self::url(reader, line, kind, url);
    }
}

/// Reads the address that a command or a variable names.
pub fn url(reader: &mut Dockerfile<'_>, line: usize, kind: Kind, written: &str) {
    // uv's have names: `name=https://…`.
    let name = written.split_once("://").and_then(|(start, _)| Some(start.rsplit_once('=')?.0));
    let url = name.map_or(written, |name| &written[name.len() + 1..]);
    if kind == Kind::Links {
        page(reader, line, url);
    } else if !fits(url, values::index) || url.contains('$') {
        reader.note(line, untold(kind));
    } else if let Some((_, build)) = url.split_once(TORCH) {
        let build = build.trim_end_matches('/');
        if fits(build, values::torch) {
            reader.draft.python.torch = Some(build.to_owned())
        } else {
            let told = "`python.torch` takes builds such as `cpu` and `cu126`";
            reader.note(line, format!("`{url}`: {told}"))
        }
    } else {
        reader.packages.indexes.push((line, kind, url.to_owned()));
    }
}

/// Remembers that a command installs from PyPI.
pub fn of_pypi(reader: &mut Dockerfile<'_>, line: usize) {
    reader.packages.indexes.push((line, Kind::Instead, PYPI.to_owned()));
}

/// What to do about one that is not written down: it may be somebody's password.
fn untold(kind: Kind) -> String {
    format!(
        "an index with a password, or one that a variable names: `{}` without it, and the secret \
         for its host under `python.credentials`",
        kind.key()
    )
}

fn page(reader: &mut Dockerfile<'_>, line: usize, url: &str) {
    if fits(url, values::page) {
        add(&mut reader.draft.python.find_links, url.to_owned());
    } else if url.contains("://") {
        reader.note(line, untold(Kind::Links));
    } else if !url.starts_with('/') {
        reader.note(line, format!("`--find-links {}` is not carried over", shortened(url)));
    }
}

/// One index in place of PyPI, or PyPI, and the others beside it, once all commands are known.
pub fn settle(reader: &mut Dockerfile<'_>) {
    let is_same = |one: &str, other: &str| one.trim_end_matches('/') == other.trim_end_matches('/');
    let all = std::mem::take(&mut reader.packages.indexes);
    let of = |kind| all.iter().filter(move |(_, own, _)| *own == kind);
    let first = of(Kind::Instead).next().map_or(PYPI, |(_, _, url)| url);
    let is_pypi = |url: &str| is_same(url, PYPI);
    let main = if of(Kind::Instead).any(|(_, _, url)| is_pypi(url)) { PYPI } else { first };
    let mut extra: Vec<String> = Vec::new();
    for (line, kind, url) in of(Kind::Beside).chain(of(Kind::Instead)) {
        if is_same(url, main) || extra.iter().any(|other| is_same(other, url)) {
            continue;
        }
        extra.push(url.clone());
        if *kind == Kind::Instead {
            reader.note(
                *line,
                format!(
                    "`{url}` is one of `python.extra_index_urls`: pip asked each index for the \
                     packages of its own command, and all of them are asked for all packages here"
                ),
            );
        }
    }
    let python = &mut reader.draft.python;
    python.index_url = Some(main.to_owned()).filter(|url| !is_pypi(url));
    python.extra_index_urls = extra;
}
