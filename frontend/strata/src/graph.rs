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
        let is_beyond = |node: &&Node| node.is_shown() && !others.contains(&*node.digest);
        self.vertices.iter().filter(is_beyond).collect()
    }

    /// Lines of text, each vertex with the numbers of those it is made from.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Shown { number, node, inputs } in self.numbered() {
            let inputs: String = inputs.iter().map(|input| format!(" #{input}")).collect();
            let from = if inputs.is_empty() { inputs } else { format!("  ←{inputs}") };
            let _ = writeln!(text, "#{number:<3} {:<7} {}{from}", node.kind.verb(), node.name);
        }
        text
    }

    /// A flow chart in Mermaid's language.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart BT\n".to_owned();
        for Shown { number, node, inputs } in self.numbered() {
            let label = node.name.replace('"', "#quot;");
            let (open, close) = node.kind.brackets();
            let _ = writeln!(text, "  v{number}{open}\"{label}\"{close}");
            for input in inputs {
                let _ = writeln!(text, "  v{input} --> v{number}");
            }
        }
        text
    }

    /// What is shown, numbered from one.
    fn numbered(&self) -> Vec<Shown<'_>> {
        let mut all = Vec::new();
        // The numbers of what stands for a vertex, by digest: its own, or those it is made from.
        let mut stands: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for node in &self.vertices {
            let inputs = node.inputs.iter().filter_map(|input| stands.get(&**input)).flatten();
            let mut standing: BTreeSet<usize> = inputs.copied().collect();
            if node.is_shown() {
                let number = all.len() + 1;
                let inputs = std::mem::replace(&mut standing, BTreeSet::from([number]));
                all.push(Shown { number, node, inputs });
            }
            stands.insert(&node.digest, standing);
        }
        all
    }
}

/// A vertex that is shown.
struct Shown<'a> {
    number: usize,
    node: &'a Node,
    /// The numbers of what it is made from. What is not shown is replaced by what that is made
    /// from.
    inputs: BTreeSet<usize>,
}

impl Node {
    /// Whether a person wants to see it: not the files that are only handed to a step.
    fn is_shown(&self) -> bool {
        !self.name.starts_with("[internal]")
    }

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

    /// What Mermaid draws its shape by.
    const fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Self::Source => ("([", "])"),
            Self::Exec => ("[", "]"),
            Self::File => ("[/", "/]"),
            Self::Free => ("{{", "}}"),
        }
    }
}
