//! What each package of a lock is installed from, and the list of it that the image carries.

use std::fmt::Write as _;

use crate::{
    environment::Environment,
    facts::Pick,
    lock::{self, Choice, File, Lock, Package, Source, Tags},
    mistake::{Mistake, Mistakes, quote},
    recipe::Recipe,
    requirements::Options,
};

/// The one file that fits of each of some packages of a lock, or the source that it is built from.
///
/// # Errors
///
/// Every package of which nothing fits, or of which nobody has looked up yet where it is; and those
/// that `after` names and the lock lacks.
pub fn picks<'a>(
    lock: &Lock,
    packages: impl IntoIterator<Item = &'a Package>,
    recipe: &Recipe,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Pick>, Mistakes> {
    let tags = Tags::of(environment);
    let mut mistakes = Vec::new();
    let mut picks = Vec::new();
    for package in packages {
        let choice = lock::choose(package, &tags, environment, options);
        match choice.and_then(|choice| pick(package, choice)) {
            Ok(pick) => picks.push(pick),
            Err(mistake) => mistakes.push(match (&mistake.location, recipe.python.lines) {
                (None, Some(lines)) => mistake.on(&recipe.file, lines),
                _ => mistake,
            }),
        }
    }
    let after = recipe.python.after.iter().filter(|(name, _)| lock.has(name));
    for (name, seen) in after {
        for other in seen.iter().filter(|other| !lock.has(other)) {
            let words =
                format!("{name} is to be built after {}, which is not required", quote(other));
            let mistake = Mistake::new(words).help("add it to `packages`").about("after");
            mistakes.push(match recipe.python.lines {
                Some(lines) => mistake.on(&recipe.file, lines),
                None => mistake,
            });
        }
    }
    Mistakes(mistakes).or(picks)
}

fn pick(package: &Package, choice: Choice<'_>) -> Result<Pick, Mistake> {
    let of_file = |file: &File, built: bool| {
        Ok(Pick {
            name: package.name.clone(),
            version: package.version.clone(),
            file: file.name.clone(),
            url: file.url.clone().ok_or_else(|| package.unlocated())?,
            hashes: file.hashes.iter().cloned().collect(),
            direct: matches!(package.source, Source::Archive { .. }),
            built,
            size: file.size,
            needs: package.needs.clone(),
        })
    };
    match (choice, &package.source) {
        (Choice::Wheel(file), _) => of_file(file, false),
        (Choice::Sdist(file), Source::Archive { subdirectory: Some(folder), .. }) => {
            let pick = of_file(file, true)?;
            Ok(Pick { url: format!("{}#subdirectory={folder}", pick.url), ..pick })
        }
        (Choice::Sdist(file), _) => of_file(file, true),
        (Choice::Git, Source::Git { url, commit, subdirectory }) => {
            let folder = subdirectory.as_ref().map(|folder| format!("#subdirectory={folder}"));
            Ok(Pick {
                name: package.name.clone(),
                version: package.version.clone(),
                file: String::new(),
                url: format!("git+{url}@{commit}{}", folder.unwrap_or_default()),
                hashes: Vec::new(),
                direct: true,
                built: true,
                size: None,
                needs: package.needs.clone(),
            })
        }
        (Choice::Git, _) => Err(package.unlocated()),
    }
}

/// The packages as a `pylock.toml` (PEP 751), each with the file that was chosen.
pub fn bill(picks: &[Pick]) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"strata\"\n".to_owned();
    for pick in picks {
        text.push_str("\n[[packages]]\n");
        text.push_str(&entries(pick));
    }
    text
}

/// The keys of a package.
pub fn entries(pick: &Pick) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key} = {value}");
    };
    line("name", toml(&pick.name));
    if let Some(version) = &pick.version {
        line("version", toml(version));
    }
    if !pick.needs.is_empty() {
        let needs = pick.needs.iter().map(|name| format!("{{ name = {} }}", toml(name)));
        line("dependencies", format!("[{}]", needs.collect::<Vec<_>>().join(", ")));
    }
    if let Some(source) = pick.url.strip_prefix("git+") {
        let (url, folder) = source.split_once("#subdirectory=").unwrap_or((source, ""));
        let (url, commit) = url.rsplit_once('@').unwrap_or((url, ""));
        let folder = match folder {
            "" => String::new(),
            folder => format!(", subdirectory = {}", toml(folder)),
        };
        let (url, commit) = (toml(url), toml(commit));
        line("vcs", format!("{{ type = \"git\", url = {url}, commit-id = {commit}{folder} }}"));
        return text;
    }
    let hashes = pick.hashes.iter().filter_map(|hash| hash.split_once(':'));
    let hashes: Vec<String> =
        hashes.map(|(kind, hash)| format!("{kind} = {}", toml(hash))).collect();
    let size = pick.size.map(|size| format!(", size = {size}")).unwrap_or_default();
    let (url, folder) = match pick.url.split_once("#subdirectory=") {
        Some((url, folder)) => (url, format!(", subdirectory = {}", toml(folder))),
        None => (pick.url.as_str(), String::new()),
    };
    let (name, url) = (toml(&pick.file), toml(url));
    let hashes = hashes.join(", ");
    let file = if pick.direct {
        format!("{{ url = {url}{folder}{size}, hashes = {{ {hashes} }} }}")
    } else {
        format!("{{ name = {name}, url = {url}{size}, hashes = {{ {hashes} }} }}")
    };
    match (pick.direct, pick.built) {
        (true, _) => line("archive", file),
        (false, true) => line("sdist", file),
        (false, false) => line("wheels", format!("[{file}]")),
    }
    text
}

/// A basic string of TOML, which a string of JSON is, too.
pub fn toml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
