//! `files`: what is neither code nor models, of the build context and of other images.

use llb::Lines;

use super::{Code, reader::Reader};
use crate::{
    manifest::{Node, values},
    mistake::Mistake,
};

/// One entry of `files`: a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The lines of its entry.
    pub lines: Lines,
    /// What has it.
    pub from: FileSource,
    /// Where it goes; absolute and clean. With a slash at its end it is a folder even for a single
    /// file.
    pub to: String,
}

/// What has files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    /// The build context, at this path: relative, clean and not empty.
    Context(String),
    /// Another image, or a build context of that name.
    Image {
        /// Its name as written: `ghcr.io/org/tool:1`.
        image: String,
        /// The path in it: absolute and clean.
        path: String,
    },
}

impl Files {
    /// Where it is in the build context, if it is there.
    pub fn in_context(&self) -> Option<&str> {
        match &self.from {
            FileSource::Context(path) => Some(path),
            FileSource::Image { .. } => None,
        }
    }

    /// The path there.
    pub fn path(&self) -> &str {
        match &self.from {
            FileSource::Context(path) | FileSource::Image { path, .. } => path,
        }
    }
}

impl Reader<'_> {
    /// `files`, beside `code`.
    pub fn files(&mut self, code: Option<&Code>) -> Vec<Files> {
        let nodes = self.root.get("files").map_or(&[][..], Node::items);
        let files: Vec<Files> = nodes.iter().filter_map(|node| self.some_files(node)).collect();
        self.files_apart(&files, code);
        files
    }

    fn some_files(&mut self, node: &Node) -> Option<Files> {
        let context = self.one(node, "context", values::in_context);
        let image = self.one(node, "from", values::image);
        let path = self.one(node, "path", values::in_image);
        let to = self.one(node, "to", values::files_destination);
        let mut missing = |key: &str, help: &str| {
            if node.get(key).is_none() {
                let mistake = Mistake::new(format!("`{key}` is missing")).help(help);
                self.findings.at(node.lines, mistake);
            }
        };
        missing("to", "say where it goes: `to: /etc/app/`");
        let from = if node.get("from").is_some() {
            missing("path", "say what of the image is wanted: `path: /usr/bin/tool`");
            FileSource::Image { image: image?.value, path: path?.value }
        } else {
            FileSource::Context(context?.value)
        };
        Some(Files { lines: node.lines, from, to: to?.value })
    }
}
