//! The files that say where system packages come from: looked through for logins, and otherwise left to
//! the package manager that reads them.

use std::{collections::BTreeMap, sync::Arc};

use llb::{Lines, SourceFile};

use crate::{
    manifest::values::credentials,
    mistake::{Mistake, Mistakes},
    recipe::{InputPath, Recipe},
    secret::{is_secret, is_signed},
    url::Url,
};

/// The texts of the recipe's files by their names, out of what was read of each, or why it cannot be.
///
/// # Errors
///
/// Every file that cannot be read, and every line that has a login.
pub fn texts(
    recipe: &Recipe,
    mut read: BTreeMap<InputPath, Result<Vec<u8>, String>>,
) -> Result<BTreeMap<String, String>, Mistakes> {
    let (mut texts, mut mistakes) = (BTreeMap::new(), Vec::new());
    for path in &recipe.system.sources {
        let text = match read.remove(&path.value) {
            Some(Ok(data)) => checked(&path.value, data),
            other => {
                let why = other.and_then(Result::err).unwrap_or_default();
                let message = format!("cannot read `{}`: {why}", path.value);
                let mistake = Mistake::at(&recipe.file, path.lines, message);
                Err(vec![mistake.help("its path is relative to the build context")])
            }
        };
        match text {
            Ok(text) => drop(texts.insert(path.value.name().to_owned(), text)),
            Err(found) => mistakes.extend(found),
        }
    }
    Mistakes(mistakes).or(texts)
}

/// The text of a file that has nothing in it that only some may know.
fn checked(path: &InputPath, data: Vec<u8>) -> Result<String, Vec<Mistake>> {
    let (name, language) = (path.to_string(), "Text".to_owned());
    let file = Arc::new(SourceFile { name, language, data });
    let Ok(text) = str::from_utf8(&file.data) else {
        return Err(vec![Mistake::at(&file, Lines::one(1), "the file is not UTF-8 text")]);
    };
    let is_of_dnf = path.name().ends_with(".repo");
    let found = text
        .lines()
        .zip(1..)
        .filter_map(|(line, number)| Some(login(line, is_of_dnf)?.on(&file, Lines::one(number))));
    let found: Vec<Mistake> = found.collect();
    if found.is_empty() { Ok(text.to_owned()) } else { Err(found) }
}

/// What is wrong with a line that has a login.
fn login(line: &str, is_of_dnf: bool) -> Option<Mistake> {
    let help = if is_of_dnf {
        "dnf knows no other place for a login: name a repository that asks for none"
    } else {
        "apt-get takes them from the build secret `netrc`: `--secret id=netrc,src=…`"
    };
    if Url::all(line).any(|url| url.user().is_some() || is_signed(url.rest)) {
        return Some(credentials(help));
    }
    let (name, value) = line.split_once('=').filter(|_| is_of_dnf)?;
    is_secret(name.trim(), value.trim()).then(|| {
        let message = "a password: everyone who gets the image or its provenance could read it";
        Mistake::new(message).help(help)
    })
}
