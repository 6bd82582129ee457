//! What a person should know although the build goes on.

use std::fmt;

/// A warning, before it is shown anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// The rule that it is of, by which `BUILDKIT_DOCKERFILE_CHECK` leaves it out.
    pub rule: &'static str,
    /// One line.
    pub text: String,
}

impl Notice {
    /// Of `rule`.
    pub fn new(rule: &'static str, text: impl Into<String>) -> Self {
        Self { rule, text: text.into() }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.text)
    }
}
