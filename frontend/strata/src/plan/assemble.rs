//! Layers to one filesystem: merged where the engine can, copied where it cannot.

use llb::{Copy, File, Meta, State, diff, merge};

/// A layer of the image and what the image's history says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What is in it.
    pub tree: Tree,
    /// What it is for.
    pub purpose: String,
}

/// What a layer adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// What `upper` has beyond `lower`. Each one's `lower` is the `upper` of the one before it,
    /// the first one's is the base.
    Delta {
        /// The filesystem below.
        lower: State,
        /// The filesystem with the layer.
        upper: State,
    },
    /// Files of its own, laid out as in the image.
    Files(State),
}

/// A filesystem and what its layers above the base are for, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// The filesystem.
    pub root: State,
    /// A text for each layer.
    pub purposes: Vec<String>,
}

/// Merges: no layer is copied, pulled or pushed because of another.
pub(super) fn merged(base: State, layers: &[Layer], name: &str) -> Assembled {
    let trees = layers.iter().map(|layer| match &layer.tree {
        Tree::Files(state) => state.clone(),
        Tree::Delta { lower, upper } => {
            diff(lower, upper, Meta::named(format!("[internal] layer: {}", layer.purpose)))
        }
    });
    let root = merge([base].into_iter().chain(trees), Meta::named(name));
    Assembled { root, purposes: layers.iter().map(|layer| layer.purpose.clone()).collect() }
}

/// Copies: for engines whose image store can do neither merge nor diff. The deltas lie where
/// they were made, below everything else. Nothing is replaced by what is of another kind: the
/// oldest of these engines have no such copy. `anew` copies what is cached, too.
pub(super) fn copied(base: State, layers: &[Layer], name: &str, anew: bool) -> Assembled {
    let (deltas, files): (Vec<&Layer>, Vec<&Layer>) =
        layers.iter().partition(|layer| matches!(layer.tree, Tree::Delta { .. }));
    let root = deltas.iter().fold(base, |root, layer| match &layer.tree {
        Tree::Delta { upper, .. } => upper.clone(),
        Tree::Files(_) => root,
    });
    let root = files.iter().fold(root, |root, layer| match &layer.tree {
        Tree::Delta { .. } => root,
        Tree::Files(state) => File::on(root)
            .copy(Copy::new(state.clone(), "/", "/"))
            .build(Meta::named(format!("{name}: copy {}", layer.purpose)).ignore_cache(anew)),
    });
    let purposes = deltas.into_iter().chain(files).map(|layer| layer.purpose.clone()).collect();
    Assembled { root, purposes }
}
