//! What an image stands on, and what a base is known to have.

use parse_dockerfile::Stage;

use super::{dockerfile::Dockerfile, draft::fits};
use crate::manifest::values;

impl<'a> Dockerfile<'a> {
    /// The image that a stage stands on.
    pub fn base(&mut self, stage: &Stage<'a, '_>) {
        let line = self.line(&stage.from.from.span);
        let image = self.image(&stage.from.image.value);
        if !fits(&image, values::image) {
            self.note(line, format!("`{image}` is no base: name an image with a Python"));
            self.draft.base = "python:3.12-slim".to_owned();
            return;
        }
        let minor =
            image.strip_prefix("python:3.").map(|tag| tag.split(['.', '-']).next().unwrap_or(tag));
        if minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor: u32| minor < 9) {
            self.note(line, format!("`{image}` is too old: a base needs Python 3.9 or newer"));
        }
        if image.starts_with("python:") && image.contains("alpine") {
            self.note(line, "few packages of machine learning have wheels for Alpine: `-slim` is the better base");
        }
        self.draft.base = image;
    }
}
