//! Tools that keep a lock, and what of it their commands install.

use super::{
    draft::{add, fits},
    packages, pythons,
    run::{Run, shortened},
};
use crate::manifest::values;

/// Tools that keep a lock, and run programs in the environment that it is installed into.
pub const LOCKERS: [&str; 4] = ["uv", "poetry", "pdm", "pipenv"];

/// Their flags that choose of a lock what a manifest has no word for.
const CHOICES: [&str; 6] =
    ["--all-extras", "--all-groups", "--all-packages", "--package", "--no-extra", "--only-group"];

/// A tool's command, after its name, and the files that it writes.
pub fn tool(run: &mut Run<'_, '_>, tool: &str, words: &[String], files: &[String]) {
    let Some((verb, rest)) = words.split_first() else { return };
    let (lock, verbs): (&str, &[&str]) = match tool {
        "uv" => ("uv.lock", &["sync", "export"]),
        "poetry" => ("poetry.lock", &["install", "sync", "export"]),
        "pdm" => ("pdm.lock", &["install", "sync", "export"]),
        _ => ("Pipfile.lock", &["install", "sync", "requirements"]),
    };
    let is_uv = tool == "uv";
    run.reader.draft.python.uv |= is_uv;
    if is_uv {
        pythons::of_uv(run, words);
    }
    match (is_uv, verb.as_str()) {
        (true, "pip") => packages::pip(run, rest),
        (true, "python") => {}
        (true, "tool") => {
            run.note(format!("`uv {}` is not carried over", shortened(&words.join(" "))));
        }
        (_, "add") => {
            run.note(format!("`{tool} {}`: {}", shortened(&words.join(" ")), packages::BESIDE));
        }
        (_, verb) if verbs.contains(&verb) => {
            exported(run, rest, files);
            if tool == "pipenv" && verb == "install" {
                for package in rest.iter().filter(|word| !word.starts_with('-')) {
                    run.note(format!("`{}`: {}", shortened(package), packages::BESIDE));
                }
            }
            choose(run, tool, rest);
            if tool != "pipenv" && run.reader.stage.has_code {
                project(run, words);
            }
            if run.reader.project.may_have(lock) {
                run.reader.draft.python.lock = Some(lock.to_owned());
                run.reader.draft.python.uv = false;
            } else {
                run.note(format!(
                    "there is no `{lock}` in the build context: make one, and commit it"
                ));
            }
        }
        _ => {}
    }
}

/// The project itself, which these tools link to its folder, or install by itself if they are told
/// so: then it may be all of the code that an image has.
fn project(run: &mut Run<'_, '_>, words: &[String]) {
    let has = |flags: &[&str]| words.iter().any(|word| flags.contains(&word.as_str()));
    if has(&["--no-install-project", "--no-root", "--no-self", "export"]) {
        return;
    }
    let is_set = |value: String| !["", "0", "false"].contains(&value.as_str());
    let is_whole = has(&["--no-editable"]) || run.variable("UV_NO_EDITABLE").is_some_and(is_set);
    let member = run.reader.draft.python.member.as_deref();
    let member = member.and_then(|project| project.strip_suffix("/pyproject.toml"));
    match member.map(str::to_owned) {
        Some(folder) => {
            run.reader.stage.has_installed |= is_whole;
            run.note(format!(
                "a lock's project is not installed itself: `code: {{install: [{folder}]}}` if it is \
                 a package, with the members that it needs"
            ));
        }
        None if is_whole => run.reader.install_code(),
        None => run.note(
            "a lock's project is not installed itself: `code: {install: true}` if it is a package",
        ),
    }
}

/// Remembers the files that a command writes what a lock says into.
fn exported(run: &mut Run<'_, '_>, words: &[String], files: &[String]) {
    let writes = |pair: &[String]| ["-o", "--output", "--output-file"].contains(&pair[0].as_str());
    let named = words.windows(2).filter(|pair| writes(pair)).map(|pair| &pair[1]);
    let attached = words.iter().filter_map(|word| word.strip_prefix("--output"));
    let attached = attached.filter_map(|word| word.split_once('=').map(|(_, name)| name));
    let exported = files.iter().chain(named).map(String::as_str).chain(attached);
    let names = exported.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    run.reader.packages.exported.extend(names);
}

/// The extras and groups that a command takes of a lock.
fn choose(run: &mut Run<'_, '_>, tool: &str, words: &[String]) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (flag, attached) = word
            .split_once('=')
            .map_or((word.as_str(), None), |(flag, value)| (flag, Some(value.to_owned())));
        let mut value = || attached.clone().or_else(|| words.next().cloned()).unwrap_or_default();
        match flag {
            "--extra" | "--extras" | "-E" => extras(run, flag, &value()),
            "--group" | "--with" | "--only" | "-G" | "--categories" => {
                groups(run, flag, &value());
            }
            "--package" if tool == "uv" => {
                let name = value();
                match run.reader.project.member(&name) {
                    Some(project) => run.reader.draft.python.member = Some(project),
                    None => run.note(format!(
                        "`uv … --package {}`: name that member's project, `python: {{lock: uv.lock, \
                         pyproject: …}}`",
                        shortened(&name)
                    )),
                }
            }
            _ if CHOICES.contains(&flag) => {
                run.note(format!("`{tool} … {word}`: what is taken of a lock is named by `python.extras` and `python.groups`"));
            }
            _ => {}
        }
    }
}

/// Takes up the extras that a flag names.
pub fn extras(run: &mut Run<'_, '_>, flag: &str, names: &str) {
    for name in listed(names) {
        if fits(name, values::extra) {
            add(&mut run.reader.draft.python.extras, name.to_owned())
        } else {
            run.note(format!("`{flag} {name}`: name it in `python.extras`"))
        }
    }
}

/// Takes up the groups that a flag names.
pub fn groups(run: &mut Run<'_, '_>, flag: &str, names: &str) {
    // What a project asks for anyway.
    let is_own = |name: &&str| ["main", "default", "packages"].contains(name);
    for name in listed(names).filter(|name| !is_own(name)) {
        if fits(name, values::extra) {
            add(&mut run.reader.draft.python.groups, name.to_owned())
        } else {
            run.note(format!("`{flag} {name}`: name it in `python.groups`"))
        }
    }
}

fn listed(names: &str) -> impl Iterator<Item = &str> {
    names.split([',', ' ']).filter(|name| !name.is_empty())
}
