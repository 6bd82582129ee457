//! A variable of the image.

/// Stands in a variable's text for what that is in the base, from where arguments are filled in to
/// where the text is read; no text of YAML has it.
pub(super) const INHERITED: char = '\0';

/// A variable's value, which may have the base's in it: `/opt/bin:${PATH}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable(String);

impl From<String> for Variable {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Variable {
    /// Whether what it is in the base is part of it.
    pub fn extends(&self) -> bool {
        self.0.contains(INHERITED)
    }

    /// Its value where it is `below` in the base, which is empty for none. Of nothing, no colon is
    /// left: an empty part of a search path is the working directory.
    pub fn over(&self, below: &str) -> String {
        let Self(text) = self;
        if below.is_empty() {
            let alone = text.replace(&format!("{INHERITED}:"), "");
            return alone.replace(&format!(":{INHERITED}"), "").replace(INHERITED, "");
        }
        text.replace(INHERITED, below)
    }
}
