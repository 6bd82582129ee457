//! What a lock is refused for, whatever tool wrote it.

use std::{collections::BTreeSet, str::FromStr as _, sync::Arc};

use llb::{Lines, SourceFile};
use toml::Spanned;

use super::document::{Document, When, holds};
use crate::{
    environment::Environment,
    mistake::{Findings, Mistake, list, quote},
    requirements::Selection,
};

/// Refuses the extras and groups that are asked for and that the lock does not know.
pub(super) fn check_selection(
    selection: &Selection,
    extras: &BTreeSet<String>,
    groups: &BTreeSet<String>,
    findings: &mut Findings,
) {
    for (what, asked, known) in
        [("extra", &selection.extras, extras), ("group", &selection.groups, groups)]
    {
        for name in asked.difference(known) {
            findings.add(unknown(&findings.file.name, what, name, known));
        }
    }
}

/// An extra or group that `file` does not have.
pub(super) fn unknown(file: &str, what: &str, name: &str, known: &BTreeSet<String>) -> Mistake {
    let mistake = Mistake::new(format!("{file} has no {what} {}", quote(name))).naming([name]);
    if known.is_empty() {
        return mistake.help(format!("it has no {what}s at all"));
    }
    let names = known.iter().map(String::as_str);
    mistake.help(format!("it has {}", list(names.clone()))).suggest(name, names)
}

/// Refuses an environment that is none of those that a lock names, if it names any.
pub(super) fn check_environments(
    environments: &[Spanned<When>],
    document: &Document<'_>,
    findings: &mut Findings,
    environment: &Environment,
) {
    let nothing = Selection::default();
    let holds = |when: &Spanned<When>| holds(Some(when.get_ref()), environment, &nothing);
    if let Some(first) = environments.first()
        && !environments.iter().any(holds)
    {
        let mistake = Mistake::new(format!("the lock is not for this environment: {environment}"));
        let help = "lock again for it, or take a base that the lock is for";
        findings.at(document.lines(&first.span()), mistake.help(help));
    }
}

/// Refuses a Python that `specifiers` (PEP 440) do not allow.
pub(super) fn require_python(specifiers: &str, environment: &Environment) -> Result<(), Mistake> {
    let read = pep440_rs::VersionSpecifiers::from_str(specifiers).map_err(|_| {
        Mistake::new(format!("{} does not say which versions of Python", quote(specifiers)))
    })?;
    let allowed = environment.python_version().is_some_and(|python| read.contains(&python));
    if allowed { Ok(()) } else { Err(other_python(specifiers, environment)) }
}

/// A Python that is none of those that a lock is for.
pub(super) fn other_python(required: &str, environment: &Environment) -> Mistake {
    let own = &environment.python_full_version;
    let words = format!("Python {} is required; the base has {own}", quote(required));
    Mistake::new(words).help("take a base with such a Python, or lock again for this one")
}

/// A lock that `project` has changed since; `command` makes it anew.
pub(super) fn other_state(lock: &str, project: &Arc<SourceFile>, command: &str) -> Mistake {
    let words = format!("{lock} was made for another state of {}", project.name);
    let mistake = Mistake::at(project, Lines::one(1), words);
    mistake.help(format!("{lock} is out of date: run `{command}`"))
}
