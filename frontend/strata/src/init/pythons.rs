//! Which Python a base has, and what asks for another.

use super::{
    bases,
    dockerfile::Dockerfile,
    run::{Run, shortened},
};

/// Releases of distributions, what their images' names have of them, and the Python of each.
const DISTRIBUTIONS: [(&str, [&str; 2], &str); 6] = [
    ("Ubuntu 20.04", ["20.04", "focal"], "3.8"),
    ("Ubuntu 22.04", ["22.04", "jammy"], "3.10"),
    ("Ubuntu 24.04", ["24.04", "noble"], "3.12"),
    ("Debian 11", ["debian:11", "bullseye"], "3.9"),
    ("Debian 12", ["debian:12", "bookworm"], "3.11"),
    ("Debian 13", ["debian:13", "trixie"], "3.13"),
];

/// A Python that something asks for.
#[derive(Debug)]
pub struct Wanted {
    /// The line that does.
    pub line: usize,
    /// What asks.
    pub words: String,
    /// The series, such as 3.12; none for whichever there is.
    pub series: Option<String>,
    /// Whether it is a package of the base's, which only some distributions have.
    pub is_package: bool,
}

/// The series that a version says, or a name such as `cpython-3.12.4` or `python:3.12-slim`.
pub fn series(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("3.")?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!minor.is_empty()).then(|| format!("3.{minor}"))
}

/// One that uv is to install, or to take in place of the base's: `uv python install 3.12`,
/// `uv venv --python 3.12`.
pub fn of_uv(run: &mut Run<'_, '_>, words: &[String]) {
    let whole = format!("uv {}", shortened(&words.join(" ")));
    let installs = matches!(words, [python, verb, ..]
        if python == "python" && ["install", "pin"].contains(&verb.as_str()));
    let asked = words.iter().enumerate().find_map(|(index, word)| match word.split_once('=') {
        Some(("--python", version)) => Some(version),
        _ if ["--python", "-p"].contains(&word.as_str()) => Some(words.get(index + 1)?.as_str()),
        _ => None,
    });
    let named = words.iter().skip(2).find(|word| !word.starts_with('-')).map(String::as_str);
    let asked = if installs { named } else { asked };
    // A path is one that is there.
    let series = asked.filter(|text| !text.contains('/')).and_then(series);
    if installs || series.is_some() {
        ask(run.reader, Wanted { line: run.line, words: whole, series, is_package: false });
    }
}

/// One that a package of the base's manager is: `python3.12`.
pub fn of_package(run: &mut Run<'_, '_>, name: &str) {
    if let Some(series) = series(name) {
        let words = name.to_owned();
        ask(run.reader, Wanted { line: run.line, words, series: Some(series), is_package: true });
    }
}

/// One that `UV_PYTHON` names.
pub fn of_variable(reader: &mut Dockerfile<'_>, line: usize, version: &str) {
    if let Some(series) = series(version).filter(|_| !version.contains('/')) {
        let words = format!("UV_PYTHON={version}");
        ask(reader, Wanted { line, words, series: Some(series), is_package: false });
    }
}

fn ask(reader: &mut Dockerfile<'_>, wanted: Wanted) {
    reader.packages.pythons.push(wanted);
}

/// The Python that a base is known to have.
fn of_base(base: &str) -> Option<String> {
    let distribution =
        || DISTRIBUTIONS.iter().find(|(_, names, _)| names.iter().any(|name| base.contains(name)));
    match bases::is_bare(base) {
        true => distribution().map(|(_, _, series)| (*series).to_owned()),
        // A tag such as `3.12-slim-bookworm`, and not another number of the image's name.
        false if bases::has_python(base) => {
            let (_, tag) = base.split_once("python")?;
            series(tag)
        }
        false => None,
    }
}

/// Tells of a Python that the base has not, and how to have it: the first time that it is asked for.
pub fn settle(reader: &mut Dockerfile<'_>) {
    let base = reader.draft.base.clone();
    let has = of_base(&base);
    let wanted = std::mem::take(&mut reader.packages.pythons);
    let mut others = wanted.iter().filter(|wanted| match (&wanted.series, &has) {
        (Some(series), Some(has)) => series != has,
        (Some(_), None) => !wanted.is_package,
        (None, _) => bases::is_bare(&base),
    });
    let Some(Wanted { line, words, series, .. }) = others.next() else { return };
    let has = has.map_or_else(String::new, |has| format!(", {has} of `{base}`"));
    let series = series.as_deref().unwrap_or("3.12");
    let mut newer = DISTRIBUTIONS.iter().filter(|(_, _, own)| *own == series);
    let newer =
        newer.next().map_or_else(String::new, |(name, ..)| format!(", as {name} is for {series}"));
    reader.note(
        *line,
        format!(
            "`{words}`: a manifest's Python is the base's{has}; another is that of `base: \
             python:{series}-slim`, on which wheels bring CUDA's libraries with them, or of a \
             newer distribution{newer}"
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bases_have() {
        for (base, expected) in [
            ("python:3.12-slim-bookworm", Some("3.12")),
            ("ghcr.io/astral-sh/uv:0.9-python3.13-trixie", Some("3.13")),
            ("python:slim", None),
            ("nvidia/cuda:12.6.3-base-ubuntu22.04", Some("3.10")),
            ("debian:bookworm-slim", Some("3.11")),
            ("ubuntu", None),
            ("registry.access.redhat.com/ubi9/ubi:9.3.1", None),
        ] {
            assert_eq!(of_base(base).as_deref(), expected, "{base}");
        }
    }
}
