//! What a person got wrong, and where: collected, so that all of it is told at once.

use std::sync::Arc;

use llb::{Lines, Location, SourceFile};

/// A value and the lines of the manifest that it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its lines.
    pub lines: Lines,
}

impl<T> Spanned<T> {
    /// A value that stands on `lines`.
    pub const fn new(value: T, lines: Lines) -> Self {
        Self { value, lines }
    }
}

/// One mistake in something that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file and lines to blame; none for what was typed on the command line.
    pub location: Option<Location>,
    /// What is wrong, as a lower-case fragment: ``unknown key `modles` ``.
    pub message: String,
    /// What to do about it: ``did you mean `models`?``.
    pub help: Option<String>,
}

/// All the mistakes that one look at the input found, in the order of their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistake {
    /// A mistake on `lines` of `file`.
    pub fn at(file: &Arc<SourceFile>, lines: Lines, message: impl Into<String>) -> Self {
        Self {
            location: Some(Location { file: Arc::clone(file), lines }),
            message: message.into(),
            help: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
