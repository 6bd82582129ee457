//! Whether the code has the packages that a lock leaves to it.

use std::collections::BTreeSet;

use crate::{
    lock::Local,
    mistake::{Mistake, Mistakes, list, quote},
    notice::Notice,
    recipe::{Code, CodeSource, InputPath, Recipe, Target},
    sources::{below, join},
};

/// What to say beside a build whose code has all that `local` names, and has to be installed for
/// imports to find it; none if they will.
///
/// # Errors
///
/// Every package that is not in the code.
pub fn check(recipe: &Recipe, local: &[Local]) -> Result<Option<Notice>, Mistakes> {
    // The other targets leave the code to others.
    let needed: BTreeSet<(&str, &str)> = local
        .iter()
        .filter(|one| one.is_package && recipe.target == Target::Image)
        .map(|one| (one.name.as_str(), one.folder.as_str()))
        .collect();
    let (mut mistakes, mut names, mut folders) = (Vec::new(), Vec::new(), Vec::new());
    for (name, folder) in needed {
        match place(recipe, folder) {
            Ok(place) if place.as_ref().is_none_or(|place| is_found(recipe, place)) => {}
            Ok(place) => {
                names.push(name);
                folders.extend(place);
            }
            Err(mistake) => {
                let words = format!("`{name}` comes from the folder {}, ", quote(folder));
                let message = words + &mistake.message;
                let mistake = Mistake { message, ..mistake };
                let line = local.iter().find(|one| one.name == name);
                mistakes.push(match line.and_then(|one| one.location.as_ref()) {
                    Some(location) => mistake.on(&location.file, location.lines),
                    None => mistake,
                });
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }
    Ok((!names.is_empty()).then(|| {
        let install = recipe.code.as_ref().and_then(|code| code.install.as_ref());
        let installed = install.into_iter().flat_map(|install| install.value.iter().cloned());
        let shown = |folder: String| if folder.is_empty() { ".".to_owned() } else { folder };
        let install: Vec<String> = installed.chain(folders).map(shown).collect();
        let text = format!(
            "the lock has {} in folders of the code, where imports may not find them: write \
             `code.install: [{}]`, or set PYTHONPATH in `env`",
            list(names),
            install.join(", ")
        );
        Notice::new("UninstalledCode", text).at(recipe.code.as_ref().map(|code| code.lines))
    }))
}

/// Where in the code a folder is that the lock names; none if nobody can know.
fn place(recipe: &Recipe, folder: &str) -> Result<Option<String>, Mistake> {
    let Some(lock) = &recipe.python.lock else { return Ok(None) };
    let Some(code) = &recipe.code else {
        let mistake = Mistake::new("and there is no `code`");
        return Err(mistake.help("it is code: name the folder that has it, as `code: .`"));
    };
    let place = lock.value.beside(folder).ok_or_else(|| {
        let (root, help) = match &lock.value {
            InputPath::Context(_) => ("the build context", "build with a folder that holds both"),
            InputPath::Code(_) => ("the code", "take more of it: see `code.subdir`"),
        };
        let help = format!("{help}, publish the package to an index, or depend on it by a git URL");
        Mistake::new(format!("outside of {root}")).help(help)
    })?;
    match (place, &code.source) {
        (InputPath::Code(place), _) => Ok(Some(place)),
        // What another remote's lock calls its folders says nothing of this one.
        (InputPath::Context(_), CodeSource::Git(_)) => Ok(None),
        (InputPath::Context(place), CodeSource::Context(root)) => {
            let root = join(root, &code.subdir);
            below(&root, &place).map(|it| Some(it.to_owned())).ok_or_else(|| {
                let help = format!(
                    "the code is {} of the build context: take a folder that holds both",
                    quote(&root)
                );
                Mistake::new("which is not in the code").help(help)
            })
        }
    }
}

/// Whether imports find the package in that folder of the code.
fn is_found(recipe: &Recipe, place: &String) -> bool {
    let install = |code: &Code| code.install.as_ref().is_some_and(|it| it.value.contains(place));
    recipe.code.as_ref().is_some_and(install) || recipe.image.env.contains_key("PYTHONPATH")
}
