//! What to make of warnings.

use std::sync::Arc;

use llb::{Lines, Location, SourceFile};

use super::boolean;
use crate::{Error, Warning};

/// What to make of warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    /// `skip`: rules that are off.
    pub skip: Rules,
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
    /// `skip=<rules>;error=<bool>;experimental=<rules>`, each optional. The last turns rules of
    /// Dockerfiles on.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for part in text.split(';') {
            let (key, value) = part.split_once('=').ok_or("expected key=value")?;
            match key.trim() {
                "skip" => options.skip = Rules::parse(value),
                "experimental" => {}
                "error" => options.error = boolean(value.trim())?,
                key => return Err(format!("`{key}` is not one of skip, error, experimental")),
            }
        }
        Ok(options)
    }

    /// What a manifest says of it, as a Dockerfile can: in a line `# check=…` among the comments that
    /// it begins with (`frontend/dockerfile/parser/directives.go`).
    ///
    /// # Errors
    ///
    /// What is wrong with that line.
    pub fn directive(manifest: &Arc<SourceFile>) -> Result<Option<Self>, Error> {
        let text = String::from_utf8_lossy(&manifest.data);
        let comments =
            text.trim_start_matches('\u{feff}').lines().map_while(|it| it.strip_prefix('#'));
        let check = comments.zip(1..).find_map(|(comment, line)| {
            let (key, value) = comment.split_once('=')?;
            key.trim().eq_ignore_ascii_case("check").then_some((value.trim(), line))
        });
        let Some((value, line)) = check else { return Ok(None) };
        Self::parse(value).map(Some).map_err(|problem| {
            let location = Location { file: Arc::clone(manifest), lines: Lines::one(line) };
            let name = &manifest.name;
            Error::new(format!("{name}:{line}: `# check={value}`: {problem}")).at([location])
        })
    }

    /// Whether the person wants to know of `warning`.
    pub fn shows(&self, warning: &Warning) -> bool {
        match &self.skip {
            Rules::All => false,
            Rules::Named(rules) => !rules.iter().any(|rule| rule == warning.rule),
        }
    }
}

impl Rules {
    fn parse(list: &str) -> Self {
        match list.trim() {
            "all" => Self::All,
            list => Self::Named(list.split(',').map(|rule| rule.trim().to_owned()).collect()),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}
