//! What to make of warnings.

use super::boolean;

/// What to make of warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    /// `skip`: rules that are off.
    pub skip: Rules,
    /// `experimental`: rules of that kind that are on.
    pub experimental: Rules,
    /// `error`: whether a warning fails the build.
    pub error: bool,
}

/// Some rules by name, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// All.
    All,
    /// These.
    Named(Vec<String>),
}

impl LintOptions {
    /// `skip=<rules>;error=<bool>;experimental=<rules>`, each optional.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for part in text.split(';') {
            let (key, value) = part.split_once('=').ok_or("expected key=value")?;
            match key.trim() {
                "skip" => options.skip = Rules::parse(value),
                "experimental" => options.experimental = Rules::parse(value),
                "error" => options.error = boolean(value.trim())?,
                key => return Err(format!("`{key}` is not one of skip, error, experimental")),
            }
        }
        Ok(options)
    }
}

impl Rules {
    fn parse(list: &str) -> Self {
        match list.trim() {
            "all" => Self::All,
            list => Self::Named(list.split(',').map(|rule| rule.trim().to_owned()).collect()),
        }
    }

    /// Whether `rule` is one of them.
    pub fn contains(&self, rule: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(rules) => rules.iter().any(|name| name == rule),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}
