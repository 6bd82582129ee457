//! The sections that layers are made of, beside Python: base, system, models.

use std::collections::BTreeMap;

use llb::Lines;

use super::{Model, System, arguments::Given, reader::Reader};
use crate::{
    manifest::{Node, values},
    mistake::{Mistake, Spanned, quote},
};

impl Reader<'_> {
    /// `base`; none is a mistake.
    pub fn base(&mut self) -> Option<Spanned<String>> {
        if self.root.get("base").is_none() {
            let mistake = Mistake::new("`base` is missing");
            let help = "name the image to build on: `base: python:3.12-slim`";
            self.findings.at(Lines::one(self.root.lines.start), mistake.help(help));
        }
        self.one(self.root, "base", values::image)
    }

    /// `system`
    pub fn system(&mut self) -> System {
        let Some(section) = self.root.get("system") else { return System::default() };
        System {
            python: self.packages(section, "python"),
            runtime: self.packages(section, "runtime"),
            build: self.packages(section, "build"),
        }
    }

    fn packages(&mut self, section: &Node, key: &str) -> Option<Spanned<Vec<String>>> {
        let packages = self.list(section, key, values::system_package);
        let mut names: Vec<_> = packages.into_iter().map(|package| package.value).collect();
        names.sort_unstable();
        let lines = section.entry(key)?.lines();
        (!names.is_empty()).then(|| Spanned::new(names, lines))
    }

    /// `models`, from `hub` where they name none.
    pub fn models(&mut self, hub: Option<&Given>) -> Vec<Model> {
        let nodes = self.root.get("models").map_or(&[][..], Node::items);
        let models: Vec<_> = nodes.iter().filter_map(|node| self.model(node, hub)).collect();
        self.model_twice(&models);
        models
    }

    fn model(&mut self, node: &Node, hub: Option<&Given>) -> Option<Model> {
        let revision = self.one(node, "revision", values::revision);
        let files = self.list(node, "files", values::pattern);
        let to = self.one(node, "to", values::model_destination);
        let token = self.one(node, "token", values::secret);
        let endpoint = match self.one(node, "endpoint", values::hub) {
            Some(own) => Some(own.value),
            None => hub.and_then(|hub| self.hub(hub)),
        };
        Some(Model {
            lines: node.lines,
            repository: self.one(node, "hf", values::repository)?.value,
            revision: revision.map_or("main".into(), |revision| revision.value),
            files: files.into_iter().map(|file| file.value).collect(),
            to: to.map(|to| to.value),
            token: token.map(|token| token.value),
            endpoint: endpoint?,
        })
    }

    fn hub(&mut self, hub: &Given) -> Option<String> {
        let read = values::hub(&hub.value);
        read.map_err(|mistake| hub.blame(self.findings, mistake.about("HF_ENDPOINT"))).ok()
    }

    /// Two models in one place would be a mix of both. In the cache that is so for two revisions
    /// of one, too: offline, its name alone must mean one of them.
    fn model_twice(&mut self, models: &[Model]) {
        let mut places = BTreeMap::new();
        for model in models {
            let place = match &model.to {
                Some(to) => to.trim_end_matches('/'),
                None => &model.repository,
            };
            let Some(first) = places.insert(place, model.lines) else { continue };
            let (message, help) = match &model.to {
                Some(to) => {
                    (format!("two models go to {}", quote(to)), "give each a place of its own")
                }
                None => (
                    format!("{} is there twice", quote(&model.repository)),
                    "list all its files in one entry, and give another revision a `to`",
                ),
            };
            let help = format!("the first is on line {}; {help}", first.start);
            self.findings.at(model.lines, Mistake::new(message).help(help));
        }
    }
}
