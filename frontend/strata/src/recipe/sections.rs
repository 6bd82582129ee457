//! The sections that layers are made of, beside Python and models: base, system.

use llb::Lines;

use super::{System, reader::Reader};
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
        }
    }

    fn packages(&mut self, section: &Node, key: &str) -> Option<Spanned<Vec<String>>> {
        let packages = self.list(section, key, values::system_package);
        let mut names: Vec<_> = packages.into_iter().map(|package| package.value).collect();
        names.sort_unstable();
        let lines = section.entry(key)?.lines();
        (!names.is_empty()).then(|| Spanned::new(names, lines))
    }
}
