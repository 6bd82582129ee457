//! A plan as a person reads it: what runs, on what, and what two plans have not in common.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use llb::{State, Vertex, pb::op::Op};
use serde::Serialize;

/// The vertices of one or more states, inputs before what is made from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    vertices: Vec<Node>,
}

/// A vertex of a [`Graph`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What BuildKit knows it by.
    pub digest: String,
    /// What progress calls it.
    pub name: String,
    /// What kind of work it is.
    pub kind: Kind,
    /// The lines of the manifest that it comes from; none for what is on no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<(u32, u32)>,
    /// The digests of what it is made from.
    pub inputs: Vec<String>,
}

/// What kind of work a vertex is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An image, a git remote, a folder: looked up, and fetched if it is needed.
    Source,
    /// A command.
    Exec,
    /// A copy, or files that are made.
    File,
    /// Merge and Diff: nothing is moved.
    Free,
}

impl Graph {
    /// The graph that leads to these states.
    pub fn of<'a>(states: impl IntoIterator<Item = &'a State>) -> Self {
        let mut seen = BTreeSet::new();
        let mut vertices = Vec::new();
        for definition in states.into_iter().map(State::definition) {
            for vertex in definition.vertices() {
                if seen.insert(vertex.digest().to_owned()) {
                    vertices.push(Node::of(vertex));
                }
            }
        }
        Self { vertices }
    }

    /// The vertices.
    pub fn vertices(&self) -> &[Node] {
        &self.vertices
    }

    /// What does work in this graph and is not in `other`.
    pub fn beyond<'a>(&'a self, other: &Self) -> Vec<&'a Node> {
        let others: BTreeSet<&str> = other.vertices.iter().map(|node| &*node.digest).collect();
        self.shown().filter(|node| !others.contains(&*node.digest)).collect()
    }

    /// What a person wants to see: not the files that are only handed to a step.
    fn shown(&self) -> impl Iterator<Item = &Node> {
        self.vertices.iter().filter(|node| !node.name.starts_with("[internal]"))
    }

    /// Lines of text, each vertex with the numbers of those it is made from.
    pub fn text(&self) -> String {
        let numbers: BTreeMap<&str, usize> =
            self.shown().enumerate().map(|(index, node)| (&*node.digest, index + 1)).collect();
        self.shown().enumerate().fold(String::new(), |mut text, (index, node)| {
            let inputs = self.shown_inputs(node);
            let mut inputs: Vec<&usize> =
                inputs.iter().filter_map(|input| numbers.get(*input)).collect();
            inputs.sort_unstable();
            let inputs: Vec<String> = inputs.iter().map(|number| format!("#{number}")).collect();
            let from = if inputs.is_empty() {
                String::new()
            } else {
                format!("  ← {}", inputs.join(" "))
            };
            let _ = writeln!(text, "#{:<3} {:<7} {}{from}", index + 1, node.kind.verb(), node.name);
            text
        })
    }

    /// A flow chart in Mermaid's language.
    pub fn mermaid(&self) -> String {
        let numbers: BTreeMap<&str, usize> =
            self.shown().enumerate().map(|(index, node)| (&*node.digest, index + 1)).collect();
        let mut text = "flowchart BT\n".to_owned();
        for (index, node) in self.shown().enumerate() {
            let label = node.name.replace('"', "#quot;");
            let (open, close) = match node.kind {
                Kind::Source => ("([", "])"),
                Kind::Exec => ("[", "]"),
                Kind::File => ("[/", "/]"),
                Kind::Free => ("{{", "}}"),
            };
            let _ = writeln!(text, "  v{}{open}\"{label}\"{close}", index + 1);
            for number in self.shown_inputs(node).iter().filter_map(|input| numbers.get(*input)) {
                let _ = writeln!(text, "  v{number} --> v{}", index + 1);
            }
        }
        text
    }

    /// The inputs of a vertex, those that are not shown replaced by their own.
    fn shown_inputs<'a>(&'a self, node: &'a Node) -> Vec<&'a str> {
        let mut found = Vec::new();
        for input in &node.inputs {
            match self.vertices.iter().find(|other| other.digest == *input) {
                Some(hidden) if hidden.name.starts_with("[internal]") => {
                    found.extend(self.shown_inputs(hidden));
                }
                _ => found.push(input),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Node {
    fn of(vertex: &Vertex) -> Self {
        Self {
            digest: vertex.digest().to_owned(),
            name: vertex.name().unwrap_or_default().to_owned(),
            kind: match vertex.op() {
                Some(Op::Exec(_)) => Kind::Exec,
                Some(Op::File(_)) => Kind::File,
                Some(Op::Merge(_) | Op::Diff(_)) => Kind::Free,
                Some(Op::Source(_) | Op::Build(_)) | None => Kind::Source,
            },
            lines: vertex.locations().first().map(|at| (at.lines.start, at.lines.end)),
            inputs: vertex.inputs().map(|input| input.digest().to_owned()).collect(),
        }
    }
}

impl Kind {
    /// What it does, in a column's width.
    const fn verb(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Exec => "run",
            Self::File => "files",
            Self::Free => "free",
        }
    }
}
