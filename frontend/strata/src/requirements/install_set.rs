//! All that is to be installed, from however many files, as one canonical text.

use std::{collections::BTreeSet, fmt};

use super::{IncludeKind, Options, Requirement, RequirementsFile, options::REQUIRE_HASHES};

/// Requirements, constraints and options: the same for any order, comments and spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallSet {
    requirements: BTreeSet<Requirement>,
    constraints: BTreeSet<Requirement>,
    build_constraints: BTreeSet<Requirement>,
    options: Options,
}

impl InstallSet {
    /// Adds what a file says; of constraints, requirements are constraints too.
    pub fn add_file(&mut self, kind: IncludeKind, file: &RequirementsFile) {
        let into = match kind {
            IncludeKind::Requirements => &mut self.requirements,
            IncludeKind::Constraints => &mut self.constraints,
        };
        into.extend(file.requirements.iter().cloned());
        self.options.extend(&file.options);
    }

    /// Adds a requirement.
    pub fn add(&mut self, requirement: Requirement) {
        self.requirements.insert(requirement);
    }

    /// Adds a constraint.
    pub fn add_constraint(&mut self, constraint: Requirement) {
        self.constraints.insert(constraint);
    }

    /// Adds a constraint for what packages are built with.
    pub fn add_build_constraint(&mut self, constraint: Requirement) {
        self.build_constraints.insert(constraint);
    }

    /// Adds releases, `name==version`.
    pub fn require(&mut self, pins: impl IntoIterator<Item = String>) {
        let pins = pins.into_iter().filter_map(|pin| Requirement::parse(&pin).ok());
        self.requirements.extend(pins);
    }

    /// Holds projects to releases, `name==version`, if something asks for them.
    pub fn constrain(&mut self, pins: impl IntoIterator<Item = String>) {
        let pins = pins.into_iter().filter_map(|pin| Requirement::parse(&pin).ok());
        self.constraints.extend(pins);
    }

    /// Adds indexes; `index_url` wins over those of files.
    pub fn add_indexes(
        &mut self,
        index_url: Option<String>,
        extra: impl IntoIterator<Item = String>,
        find_links: impl IntoIterator<Item = String>,
    ) {
        self.options.index_url = index_url.or(self.options.index_url.take());
        self.options.extra_index_urls.extend(extra);
        self.options.find_links.extend(find_links);
    }

    /// Says of packages in which forms they are installed: `--no-binary` or `--only-binary`, and
    /// their names.
    pub fn choose(&mut self, option: &str, packages: &str) {
        self.options.choose(option, packages);
    }

    /// What is to be installed, in canonical order.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter()
    }

    /// What holds for projects if something asks for them.
    pub fn constraints(&self) -> impl Iterator<Item = &Requirement> {
        self.constraints.iter()
    }

    /// Whether everything is to have a hash: one that has, be it a constraint, is enough, as for pip.
    pub fn requires_hashes(&self) -> bool {
        let mut all = self.requirements.iter().chain(&self.constraints);
        self.options.flags.contains(REQUIRE_HASHES) || all.any(|one| !one.hashes.is_empty())
    }

    /// What the files say beside requirements.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Whether there is nothing to install.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The projects that are required, by name.
    pub fn names(&self) -> BTreeSet<&str> {
        self.requirements.iter().map(|requirement| requirement.name.as_str()).collect()
    }

    /// The index in place of PyPI.
    pub fn index(&self) -> Option<&str> {
        self.options.index_url.as_deref()
    }

    /// Releases alone, `name==version`, by the same options, and built with the same.
    #[must_use]
    pub fn only(&self, pins: impl IntoIterator<Item = String>) -> Self {
        let mut set = Self {
            options: self.options.clone(),
            build_constraints: self.build_constraints.clone(),
            ..Self::default()
        };
        set.require(pins);
        set
    }

    /// The text of a requirements file, without options.
    pub fn requirements_text(&self) -> String {
        text(&self.requirements)
    }

    /// The options, a line each.
    pub fn options_text(&self) -> String {
        self.options.lines().map(|line| line + "\n").collect()
    }

    /// Those of them that are for what is built, be it a package or the code: a line each.
    pub fn build_options_text(&self) -> String {
        let options = self.options.lines().filter(|line| line != REQUIRE_HASHES);
        options.map(|line| line + "\n").collect()
    }

    /// Those of them that say what is wanted, wherever it is: a line each. The index in PyPI's place is
    /// taken to have the same.
    pub fn wishes_text(&self) -> String {
        let wishes = Options { index_url: None, ..self.options.clone() };
        wishes.lines().map(|line| line + "\n").collect()
    }

    /// The text of a constraints file.
    pub fn constraints_text(&self) -> String {
        text(&self.constraints)
    }

    /// The text of a constraints file for what packages are built with.
    pub fn build_constraints_text(&self) -> String {
        text(&self.build_constraints)
    }
}

impl fmt::Display for InstallSet {
    /// A few names, or how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        if names.len() > 5 {
            return write!(f, "{} requirements", names.len());
        }
        f.write_str(&names.into_iter().collect::<Vec<_>>().join(", "))
    }
}

/// A requirement on each line.
fn text(requirements: &BTreeSet<Requirement>) -> String {
    requirements.iter().map(|requirement| format!("{requirement}\n")).collect()
}
