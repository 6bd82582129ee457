//! What a person got wrong, and where: collected, so that all of it is told at once.

use std::{fmt, sync::Arc};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use llb::{Lines, Location, SourceFile};

use crate::hidden::without_secrets;

/// So many mistakes are told; more would help nobody, and an answer to BuildKit has its limit.
const TOLD_AT_ONCE: usize = 50;

/// Text of a manifest is quoted up to so many characters.
const QUOTED: usize = 80;

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
    /// The extras and groups that it is about, if it is about what is asked for.
    pub names: Vec<String>,
}

/// All the mistakes that one look at the input found, in the order of their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistake {
    /// A mistake that no line of a file is to blame for, or whose line is not known yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self { location: None, message: message.into(), help: None, names: Vec::new() }
    }

    /// A mistake on `lines` of `file`.
    pub fn at(file: &Arc<SourceFile>, lines: Lines, message: impl Into<String>) -> Self {
        Self::new(message).on(file, lines)
    }

    /// Blames `lines` of `file`.
    #[must_use]
    pub fn on(mut self, file: &Arc<SourceFile>, lines: Lines) -> Self {
        self.location = Some(Location { file: Arc::clone(file), lines });
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Begins the help with the one of `known` that `word` is likely to be a slip of, if any is.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match (nearest(word, known), &self.help) {
            (Some(near), Some(help)) => {
                let help = format!("did you mean `{near}`? {help}");
                self.help(help)
            }
            (Some(near), None) => self.help(format!("did you mean `{near}`?")),
            (None, _) => self,
        }
    }

    /// Says which of the extras or groups that are asked for the mistake is about.
    #[must_use]
    pub fn naming(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Says which key the mistake is about.
    #[must_use]
    pub fn about(mut self, key: &str) -> Self {
        self.message = format!("`{key}`: {}", self.message);
        self
    }

    fn line(&self) -> u32 {
        self.location.as_ref().map_or(0, |location| location.lines.start)
    }

    fn snippet(&self) -> Option<Snippet<'_, annotate_snippets::Annotation<'_>>> {
        let Location { file, lines } = self.location.as_ref()?;
        let text = str::from_utf8(&file.data).ok()?;
        let before: usize =
            text.split_inclusive('\n').take(lines.start as usize - 1).map(str::len).sum();
        let line = text.get(before..)?.lines().next()?;
        let indent = line.len() - line.trim_start().len();
        let span = before + indent..before + line.trim_end().len().max(indent);
        let primary = AnnotationKind::Primary.span(span);
        Some(Snippet::source(text).path(&file.name).annotation(primary))
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

impl Mistakes {
    /// What was found beside them, if there are none.
    ///
    /// # Errors
    ///
    /// The mistakes, if there are any.
    pub(crate) fn or<T>(self, found: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(found) } else { Err(self) }
    }

    /// The mistakes with the lines they are on, for a terminal.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let one = |mistake: &Mistake| {
            let title = Level::ERROR.primary_title(&mistake.message);
            let group = match mistake.snippet() {
                Some(snippet) => title.element(snippet),
                None => Group::with_title(title),
            };
            let help = mistake.help.as_deref().map(|help| Level::HELP.message(help));
            renderer.render(&[group.elements(help)])
        };
        self.clone().without_secrets().0.iter().map(one).collect::<Vec<_>>().join("\n\n")
    }

    /// The same mistakes, their files without what looks like a secret: more people see a build's
    /// log than its manifest.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        let hide = |mut mistake: Mistake| {
            if let Some(location) = &mut mistake.location {
                let text = String::from_utf8_lossy(&location.file.data);
                let data = without_secrets(&text).into_bytes();
                location.file = Arc::new(SourceFile { data, ..(*location.file).clone() });
            }
            mistake
        };
        Self(self.0.into_iter().map(hide).collect())
    }
}

impl fmt::Display for Mistakes {
    /// One line for each, `strata.yaml:4: unknown key …`, and an indented one for its help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            if let Some(Location { file, lines }) = &mistake.location {
                write!(f, "{}:{}: ", file.name, lines.start)?;
            }
            f.write_str(&mistake.message)?;
            if let Some(help) = &mistake.help {
                write!(f, "\n  help: {help}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// What is found wrong with one file while it is being read.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The file.
    pub file: Arc<SourceFile>,
    mistakes: Vec<Mistake>,
}

impl Findings {
    pub fn new(file: Arc<SourceFile>) -> Self {
        Self { file, mistakes: Vec::new() }
    }

    /// Adds a mistake on `lines` of the file.
    pub fn at(&mut self, lines: Lines, mistake: Mistake) {
        self.mistakes.push(mistake.on(&self.file, lines));
    }

    /// Adds a mistake of the command line, or of a whole file.
    pub fn add(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// Adds mistakes that know their places.
    pub fn extend(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.mistakes.extend(mistakes);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// What was read, if nothing is wrong with it.
    pub fn or<T>(self, read: T) -> Result<T, Mistakes> {
        self.into_mistakes().or(read)
    }

    /// The mistakes in the order of their lines; an alias can bring one to light twice, and it
    /// is told once.
    pub fn into_mistakes(self) -> Mistakes {
        let mut mistakes = self.mistakes;
        mistakes.sort_by(|a, b| a.line().cmp(&b.line()).then_with(|| a.message.cmp(&b.message)));
        mistakes.dedup_by(|a, b| a.line() == b.line() && a.message == b.message);
        let more = mistakes.len().saturating_sub(TOLD_AT_ONCE);
        if more > 0 {
            mistakes.truncate(TOLD_AT_ONCE);
            mistakes.push(Mistake::new(format!("and {more} more mistakes")));
        }
        Mistakes(mistakes)
    }
}

/// `text` between backticks, on one line and not too long.
pub(crate) fn quote(text: &str) -> String {
    if text.is_empty() {
        return "an empty text".into();
    }
    let mut shown: String = text.chars().take(QUOTED).flat_map(printable).collect();
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// `words` between backticks, with commas.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The one of `known` that `word` is most likely to be a slip of: a third of its letters may
/// differ, as rustc allows.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = word.len() / 3;
    let word = word.to_lowercase();
    let distance = |candidate: &&'a str| strsim::osa_distance(&word, &candidate.to_lowercase());
    // The lengths alone tell of most words that they are too far; a long word is not measured.
    let near = known.into_iter().filter(|known| known.len().abs_diff(word.len()) <= allowed);
    near.map(|known| (distance(&known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
