//! `python`: what is to be installed, from where, by whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Indexes, InputPath, Python, Recipe, reader::Reader};
use crate::{
    manifest::{Data, Node, values},
    mistake::{Mistake, Mistakes, Spanned, quote},
};

impl Reader<'_> {
    /// `python`, whose files may be in `code`.
    pub fn python(&mut self, code: Option<&Code>) -> Python {
        let Some(section) = self.root.entry("python") else { return Python::default() };
        let (lines, section) = (section.lines(), &section.value);
        let read = Python {
            lines: Some(lines),
            requirements: self.list(section, "requirements", values::requirements),
            packages: self.list(section, "packages", values::requirement),
            pyproject: self.one(section, "pyproject", values::pyproject),
            extras: self.list(section, "extras", values::extra),
            groups: self.list(section, "groups", values::extra),
            lock: self.one(section, "lock", values::lock),
            installer: self
                .one(section, "installer", values::installer)
                .map_or_else(Default::default, |installer| installer.value),
            indexes: self.indexes(section),
            heavy: plain(self.list(section, "heavy", values::project)).collect(),
            build_constraints: self.list(section, "build_constraints", values::requirement),
            env: self.public(section, "env", values::variable_text),
            after: self.after(section),
            system_site_packages: self
                .one(section, "system_site_packages", values::boolean)
                .is_some_and(|flag| flag.value),
            verify: self.modules(section),
            code: None,
        };
        self.go_together(section, &read);
        let code = code.filter(|_| read.in_code().next().is_some()).cloned();
        Python { code, ..read }
    }

    fn indexes(&mut self, section: &Node) -> Indexes {
        Indexes {
            index_url: self.one(section, "index_url", values::index).map(|url| url.value),
            extra_index_urls: plain(self.list(section, "extra_index_urls", values::index))
                .collect(),
            find_links: plain(self.list(section, "find_links", values::page)).collect(),
            ignore_refusals: plain(self.list(section, "ignore_refusals", values::index)).collect(),
            credentials: self.map(section, "credentials", values::secret),
            torch: self.one(section, "torch", values::torch).map(|torch| torch.value),
        }
    }

    fn after(&mut self, section: &Node) -> BTreeMap<String, BTreeSet<String>> {
        let Some(node) = section.get("after") else { return BTreeMap::new() };
        let Data::Map(map) = &node.data else { return BTreeMap::new() };
        let mut after: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in map.keys() {
            let seen = self.list(node, name, values::project);
            if let Ok(name) = values::project(name) {
                after.entry(name).or_default().extend(plain(seen));
            }
        }
        for (name, entry) in map {
            if values::project(name).is_ok_and(|name| is_after_itself(&name, &after)) {
                let words = format!("{} would be built after itself", quote(name));
                let help = "what leads round in a circle cannot be built: take one of it out";
                self.findings.at(entry.lines(), Mistake::new(words).help(help).about("after"));
            }
        }
        after
    }

    /// The modules of `verify`.
    pub(super) fn modules(&mut self, section: &Node) -> Option<Spanned<Vec<String>>> {
        let mut modules: Vec<String> =
            plain(self.list(section, "verify", values::module)).collect();
        modules.sort_unstable();
        let lines = section.entry("verify")?.lines();
        (!modules.is_empty()).then(|| Spanned::new(modules, lines))
    }

    /// What makes no sense without something else, or beside it.
    fn go_together(&mut self, section: &Node, python: &Python) {
        let mut wrong = |key: &str, message: &str, help: &str| {
            let Some(entry) = section.entry(key) else { return };
            self.findings.at(entry.lines(), Mistake::new(message).help(help).about(key));
        };
        if let Some(lock) = &python.lock {
            let name = lock.value.path();
            for key in ["requirements", "packages"] {
                wrong(
                    key,
                    &format!("what is installed is what `{name}` says"),
                    "add it there, with the tool that keeps the lock, or take `lock` out",
                );
            }
            wrong(
                "torch",
                &format!("`{name}` has chosen a build of PyTorch already"),
                "choose it where the lock is made, or take `lock` out",
            );
        } else if python.pyproject.is_none() {
            for key in ["extras", "groups"] {
                let help = "name the file that has them: `pyproject: pyproject.toml`";
                wrong(key, "there is no `pyproject`", help);
            }
        }
        let in_code = python.in_code().map(|path| path.lines).collect::<Vec<_>>();
        if self.root.get("code").is_none() {
            for lines in in_code {
                let message = "`code:` means a file of the code, and there is no `code`";
                self.findings.at(lines, Mistake::new(message).about("python"));
            }
        }
    }
}

impl Python {
    /// Everything that it names as a file.
    fn files(&self) -> impl Iterator<Item = &Spanned<InputPath>> {
        self.requirements.iter().chain(&self.pyproject).chain(&self.lock)
    }

    fn in_code(&self) -> impl Iterator<Item = &Spanned<InputPath>> {
        self.files().filter(|path| matches!(path.value, InputPath::Code(_)))
    }
}

/// Whether what a package is built after leads to it again.
fn is_after_itself(name: &str, after: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let (mut known, mut pending) = (BTreeSet::new(), vec![name]);
    while let Some(one) = pending.pop() {
        let seen = after.get(one).into_iter().flatten();
        pending.extend(seen.map(String::as_str).filter(|other| known.insert(*other)));
    }
    known.contains(name)
}

fn plain<T>(values: Vec<Spanned<T>>) -> impl Iterator<Item = T> {
    values.into_iter().map(|value| value.value)
}

impl Recipe {
    /// Puts mistakes in a project or lock that have no line yet on a line of the manifest: the one
    /// that asks for what is not there, or else the one that names the file.
    #[must_use]
    pub fn blame_selection(&self, mistakes: Mistakes) -> Mistakes {
        let python = &self.python;
        let blame = |mistake: Mistake| {
            let asked = python.extras.iter().chain(&python.groups);
            let asked = asked.filter(|name| mistake.names.contains(&name.value));
            let lines = asked.map(|name| name.lines).next();
            let lock = python.lock.as_ref().or(python.pyproject.as_ref());
            let file = lock.or(python.requirements.first()).map(|path| path.lines);
            match (&mistake.location, lines.or(file).or(python.lines)) {
                (None, Some(lines)) => mistake.on(&self.file, lines),
                _ => mistake,
            }
        };
        Mistakes(mistakes.0.into_iter().map(blame).collect())
    }
}
