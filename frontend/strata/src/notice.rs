//! What a person should know although the build goes on.

use std::fmt;

use llb::Lines;

/// A warning, before it is shown anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The rule that it is of, by which `BUILDKIT_DOCKERFILE_CHECK` leaves it out.
    pub rule: &'static str,
    /// One line.
    pub text: String,
    /// One line more.
    pub detail: Option<&'static str>,
    /// The lines of the manifest to blame; none for what was typed on the command line.
    pub lines: Option<Lines>,
}

impl Notice {
    /// Of `rule`.
    pub fn new(rule: &'static str, text: impl Into<String>) -> Self {
        Self { rule, text: text.into(), detail: None, lines: None }
    }

    /// Blames lines of the manifest.
    #[must_use]
    pub fn at(self, lines: impl Into<Option<Lines>>) -> Self {
        Self { lines: lines.into(), ..self }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)?;
        match self.lines {
            Some(lines) => write!(f, " (line {})", lines.start),
            None => Ok(()),
        }
    }
}
