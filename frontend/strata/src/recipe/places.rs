//! That models, files and the code have places of their own.

use std::collections::BTreeMap;

use super::{Code, CodeSource, Files, Hub, InContext, Model, Source, reader::Reader};
use crate::{
    manifest::values,
    mistake::{Mistake, quote},
    paths::{below, join, place},
};

impl Reader<'_> {
    /// That files of the build context are either models or code.
    pub(super) fn models_are_no_code(&mut self, models: &[Model], code: Option<&Code>) {
        let Some(Code { source: CodeSource::Context(folder), subdir, .. }) = code else { return };
        let folder = join(folder, subdir);
        for model in models {
            let Source::Context(InContext { path, .. }) = &model.source else { continue };
            if below(path, &folder).is_some() {
                let message = format!("{} has all of the code in it", quote(path));
                let help = "name the files or the folder that are models";
                self.findings.at(model.lines, Mistake::new(message).help(help).about("context"));
            }
        }
    }

    /// That no two models are in one place: it would be a mix of both. In the cache that is so for
    /// two revisions of one, too: offline, its name alone must mean one of them. A folder may be
    /// shared, and what the models have says whether it can be.
    pub(super) fn models_apart(&mut self, models: &[Model]) {
        let mut places = BTreeMap::new();
        for model in models {
            let place = match &model.source {
                Source::Hub(Hub { to: Some(to), .. }) if to.ends_with('/') => continue,
                Source::Hub(Hub { to: Some(to), .. }) => to.clone(),
                Source::Hub(hub) => hub.name(),
                // Archives may share a folder.
                Source::Url(download) if download.unpack => continue,
                Source::Url(download) => download.path(),
                Source::Spacy(release) => release.pipeline.name.clone(),
                Source::Run(_) => continue,
                Source::Context(InContext { path, to }) => place(path, to),
            };
            let Some(first) = places.insert(place.clone(), model.lines) else { continue };
            let twice = || format!("{} is there twice", quote(&place));
            let (message, help) = match &model.source {
                Source::Spacy(_) => (twice(), "an environment has one release of it"),
                _ if place.starts_with('/') => (
                    format!("two models go to {}", quote(&place)),
                    "give each a place of its own, or end a folder that they share with `/`",
                ),
                _ => (twice(), "list all its files in one entry, and give another revision a `to`"),
            };
            let help = format!("the first is on line {}; {help}", first.start);
            self.findings.at(model.lines, Mistake::new(message).help(help));
        }
    }

    /// That no two of `files` are in one place, two folders of one name included, and none in that
    /// of a folder, which a file would take with all that is in it.
    pub(super) fn files_apart(&mut self, files: &[Files], code: Option<&Code>) {
        let mut places = BTreeMap::new();
        for one in files {
            let is_of_code = code.is_some_and(|code| code.to == one.to);
            if is_of_code || values::is_folder(&one.to) {
                let mistake = Mistake::new(format!("{} is a folder", quote(&one.to)));
                let help = format!("to have it in there, write `{}/`", one.to);
                self.findings.at(one.lines, mistake.help(help).about("to"));
            }
            let place = place(one.path(), &one.to);
            let Some(first) = places.insert(place.clone(), one.lines) else { continue };
            let mistake = Mistake::new(format!("two of `files` go to {}", quote(&place)));
            let help =
                format!("the first is on line {}: give each a place of its own", first.start);
            self.findings.at(one.lines, mistake.help(help));
        }
    }
}
