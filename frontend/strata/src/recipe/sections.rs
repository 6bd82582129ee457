//! The sections that layers are made of, beside Python and models: base, system.

use std::collections::BTreeMap;

use llb::Lines;

use super::{InputPath, System, reader::Reader};
use crate::{
    manifest::{Node, values},
    mistake::{Mistake, Spanned},
};

impl Reader<'_> {
    /// `base`; none is a mistake.
    pub fn base(&mut self) -> Option<Spanned<String>> {
        if self.root.get("base").is_none() {
            let mistake = Mistake::new("`base` is missing");
            let help = "name the image to build on: `base: python:3.12-slim`";
            self.findings.at(Lines::one(self.root.lines.start), mistake.help(help));
        }
        self.one(self.root, "base", values::image)
    }

    /// `system`
    pub fn system(&mut self) -> System {
        let Some(section) = self.root.get("system") else { return System::default() };
        System {
            python: self.packages(section, "python"),
            runtime: self.packages(section, "runtime"),
            build: self.packages(section, "build"),
            sources: self.system_sources(section),
            env: self.public(section, "env", values::variable_text),
        }
    }

    /// Files that are laid into one folder, where two of a name would be one.
    fn system_sources(&mut self, section: &Node) -> Vec<Spanned<InputPath>> {
        let sources = self.list(section, "sources", values::system_sources);
        let mut names = BTreeMap::new();
        for Spanned { value, lines } in &sources {
            if let Some(first) = names.insert(value.name(), value) {
                let message = format!("`{value}` would take the place of `{first}`");
                let help = "give one of the two files another name, or leave it out";
                self.findings.at(*lines, Mistake::new(message).help(help).about("sources"));
            }
        }
        sources
    }

    fn packages(&mut self, section: &Node, key: &str) -> Option<Spanned<Vec<String>>> {
        let packages = self.list(section, key, values::system_package);
        let mut names: Vec<_> = packages.into_iter().map(|package| package.value).collect();
        names.sort_unstable();
        let lines = section.entry(key)?.lines();
        (!names.is_empty()).then(|| Spanned::new(names, lines))
    }
}
