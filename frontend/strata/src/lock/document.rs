//! A TOML file that knows on which line each of its values stands.

use std::{ops::Range, sync::Arc};

use gateway::without_credentials;
use llb::{Lines, Location, SourceFile};
use serde::{Deserialize, Deserializer, de};

use crate::{
    environment::Environment,
    mistake::{Mistake, Mistakes},
    requirements::{Marker, Selection},
};

/// A marker in a lock.
pub(super) struct When(pub(super) Marker);

impl When {
    pub(super) fn holds(&self, environment: &Environment, selection: &Selection) -> bool {
        self.0.evaluate(environment, selection)
    }
}

/// Whether what may have a marker is for this environment.
pub(super) fn holds(when: Option<&When>, environment: &Environment, selection: &Selection) -> bool {
    when.is_none_or(|when| when.holds(environment, selection))
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let marker = Marker::parse(&text);
        let mistake = |mistake: Mistake| match mistake.help {
            Some(help) => de::Error::custom(format!("{}: {help}", mistake.message)),
            None => de::Error::custom(mistake.message),
        };
        marker.map(Self).map_err(mistake)
    }
}

/// The text of a file, and where its lines begin.
pub(crate) struct Document<'a> {
    file: &'a Arc<SourceFile>,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(file: &'a Arc<SourceFile>) -> Result<Self, Mistakes> {
        let Ok(text) = str::from_utf8(&file.data) else {
            return Err(Mistake::at(file, Lines::one(1), "the file is not UTF-8 text").into());
        };
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Ok(Self { file, text, starts: [0].into_iter().chain(ends).collect() })
    }

    /// The values that a `T` has, and no matter what else is there.
    pub(crate) fn parse<T: de::DeserializeOwned>(&self) -> Result<T, Mistakes> {
        toml::from_str(self.text).map_err(|error| {
            let lines = self.lines(&error.span().unwrap_or_default());
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            // It quotes what it did not expect.
            let message = without_credentials(&message);
            Mistake::at(self.file, lines, message).into()
        })
    }

    /// The line on which a value begins.
    pub(crate) fn lines(&self, span: &Range<usize>) -> Lines {
        let line = self.starts.partition_point(|start| *start <= span.start);
        Lines::one(u32::try_from(line).unwrap_or(u32::MAX))
    }

    pub(crate) fn location(&self, span: &Range<usize>) -> Location {
        Location { file: Arc::clone(self.file), lines: self.lines(span) }
    }
}
