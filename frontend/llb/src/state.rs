//! Vertices and the points in a graph that their outputs are.

use std::{collections::BTreeSet, fmt, sync::Arc};

use buildkit_proto::pb;

use crate::{Definition, Location};

/// A filesystem in the making: one output of a vertex, or nothing at all (scratch).
///
/// Cheap to clone; two states are equal when they are the same output of the same operation.
#[derive(Clone, Default)]
pub struct State(pub(crate) Option<Output>);

#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) vertex: Arc<Vertex>,
    pub(crate) index: u32,
}

/// An operation whose bytes are fixed.
#[derive(Debug)]
pub struct Vertex {
    pub(crate) digest: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) inputs: Vec<State>,
    pub(crate) caps: BTreeSet<String>,
    pub(crate) meta: Meta,
}

/// What is said about a vertex without being part of its identity (`OpMetadata`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    pub(crate) name: Option<String>,
    pub(crate) description: Vec<(String, String)>,
    pub(crate) progress_group: Option<ProgressGroup>,
    pub(crate) ignore_cache: bool,
    pub(crate) export_cache: Option<bool>,
    pub(crate) locations: Vec<Location>,
}

/// Vertices that progress shows as one line, as others have grouped them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgressGroup {
    /// Vertices with the same id are one group.
    pub(crate) id: String,
    /// What the line says.
    pub(crate) name: String,
    /// Whether a vertex shown by another build outside the group leaves it.
    pub(crate) weak: bool,
}

impl State {
    /// The empty filesystem.
    pub const fn scratch() -> Self {
        Self(None)
    }

    /// Whether this is the empty filesystem.
    pub const fn is_scratch(&self) -> bool {
        self.0.is_none()
    }

    /// The vertex that makes this state; none for scratch.
    pub fn vertex(&self) -> Option<&Vertex> {
        self.0.as_ref().map(|output| &*output.vertex)
    }

    /// The graph that ends in this state.
    pub fn definition(&self) -> Definition {
        Definition::of(self)
    }

    pub(crate) fn input(&self) -> Option<pb::Input> {
        self.0.as_ref().map(|output| pb::Input {
            digest: output.vertex.digest.clone(),
            index: i64::from(output.index),
        })
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.input() == other.input()
    }
}

impl Eq for State {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("scratch"),
            Some(output) => write!(f, "{}:{}", output.vertex.digest, output.index),
        }
    }
}

impl Vertex {
    /// `sha256:` and the hash of its bytes: what progress and errors call it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The name that progress shows, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.meta.name.as_deref()
    }

    /// The states it is made from; scratch is not among them.
    pub fn inputs(&self) -> impl Iterator<Item = &Vertex> {
        self.inputs.iter().filter_map(State::vertex)
    }

    /// The lines it comes from.
    pub fn locations(&self) -> &[Location] {
        &self.meta.locations
    }

    /// The operation, decoded.
    pub fn op(&self) -> Option<pb::op::Op> {
        use prost::Message as _;
        pb::Op::decode(&*self.bytes).ok()?.op
    }
}

impl Meta {
    /// A vertex shown as `name`.
    ///
    /// A name that begins with `[internal] ` is one that progress views may fold away
    /// (`frontend/dockerui/config.go`).
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Adds lines that the vertex comes from: a failure shows them.
    #[must_use]
    pub fn at(mut self, location: impl IntoIterator<Item = Location>) -> Self {
        self.locations.extend(location);
        self
    }

    /// Adds an entry to the vertex's description, beside its name.
    #[must_use]
    pub fn describe(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.description.push((key.into(), value.into()));
        self
    }

    /// Makes the vertex run even if its result is cached, its cache mounts emptied first, when
    /// `ignore` is true.
    #[must_use]
    pub const fn ignore_cache(mut self, ignore: bool) -> Self {
        self.ignore_cache = ignore;
        self
    }
}
