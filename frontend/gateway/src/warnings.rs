//! What a person should know although the build goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use llb::Location;

use crate::{Error, Gateway, LintOptions};

/// Something that the person should know although the build goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warning {
    /// The vertex to show it under; one that the client has seen.
    pub vertex: String,
    /// The rule that it is of; empty for none.
    pub rule: &'static str,
    /// One line: what is wrong.
    pub text: String,
    /// More lines.
    pub detail: Vec<String>,
    /// Where to read about it; empty for nowhere.
    pub url: String,
    /// The lines to show, all of one file.
    pub locations: Vec<Location>,
}

/// The warnings of a build, each once: what is as true of one platform as of another is found for
/// all of them.
#[derive(Debug)]
pub struct Warnings {
    options: LintOptions,
    found: Mutex<Vec<Warning>>,
}

impl Warnings {
    /// None yet.
    pub const fn new(options: LintOptions) -> Self {
        Self { options, found: Mutex::new(Vec::new()) }
    }

    /// Takes a warning in; `false` if the person does not want to know of it, or knows already.
    pub fn add(&self, warning: &Warning) -> bool {
        let mut found = self.lock();
        let is_new = self.options.shows(warning) && !found.contains(warning);
        if is_new {
            found.push(warning.clone());
        }
        is_new
    }

    /// Takes a warning in and shows it.
    pub async fn show(&self, gateway: &Gateway, warning: Warning) {
        if self.add(&warning) {
            gateway.warn(warning).await;
        }
    }

    /// Those that there were so far.
    pub fn found(&self) -> Vec<Warning> {
        self.lock().clone()
    }

    /// To be asked when all have been shown.
    ///
    /// # Errors
    ///
    /// That there were some, if the person wants a build to fail of any; with the words of a
    /// Dockerfile's build (`frontend/dockerfile/linter`).
    pub fn check(&self) -> Result<(), Error> {
        let found = self.lock();
        if !self.options.error || found.is_empty() {
            return Ok(());
        }
        let mut rules: Vec<&str> = found.iter().map(|warning| warning.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        let mut locations: Vec<Location> = Vec::new();
        for location in found.iter().flat_map(|warning| &warning.locations) {
            if !locations.contains(location) {
                locations.push(location.clone());
            }
        }
        let message = format!("lint violation found for rules: {}", rules.join(", "));
        Err(Error::new(message).help(Some("`error=true` makes errors of warnings")).at(locations))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Warning>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Warning {
    /// As clients show it, and Dockerfile's warnings read: the rule before the text, and the line
    /// after it, because the lines themselves are shown only to who asks for them
    /// (`frontend/dockerfile/linter`, `LintFormatShort`).
    pub(crate) fn short(&self) -> String {
        let rule = if self.rule.is_empty() { String::new() } else { format!("{}: ", self.rule) };
        format!("{rule}{}{}", self.text, self.line())
    }

    /// ` (line 3)`; empty if no line is to blame.
    pub(crate) fn line(&self) -> String {
        let first = self.locations.first();
        first.map_or_else(String::new, |location| format!(" (line {})", location.lines.start))
    }
}
