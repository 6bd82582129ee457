//! All that is to be installed, from however many files, as one canonical text.

use std::{collections::BTreeSet, fmt};

use super::{IncludeKind, Options, Requirement, RequirementsFile};

/// Requirements, constraints and options: the same for any order, comments and spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstallSet {
    requirements: BTreeSet<Requirement>,
    constraints: BTreeSet<Requirement>,
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

    /// Adds indexes; `index_url` wins over those of files.
    pub fn add_indexes(
        &mut self,
        index_url: Option<String>,
        extra: impl IntoIterator<Item = String>,
    ) {
        self.options.index_url = index_url.or(self.options.index_url.take());
        self.options.extra_index_urls.extend(extra);
    }

    /// Whether there is nothing to install.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The text of a requirements file.
    pub fn requirements_text(&self) -> String {
        let requirements = self.requirements.iter().map(ToString::to_string);
        self.options.lines().chain(requirements).map(|line| line + "\n").collect()
    }

    /// The text of a constraints file.
    pub fn constraints_text(&self) -> String {
        self.constraints.iter().map(|constraint| format!("{constraint}\n")).collect()
    }
}

impl fmt::Display for InstallSet {
    /// A few names, or how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<&str> = self.requirements.iter().map(|one| one.name.as_str()).collect();
        if names.len() > 5 {
            return write!(f, "{} requirements", names.len());
        }
        f.write_str(&names.into_iter().collect::<Vec<_>>().join(", "))
    }
}
