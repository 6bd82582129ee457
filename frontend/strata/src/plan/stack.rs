//! An image's layers, each with what it is of.

use super::{Layer, layers::Layers};

/// What a layer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Python packages.
    Package,
    /// Models that programs read, and what was found out about them.
    Model,
    /// Pipelines of spaCy's: models that programs import.
    Pipeline,
    /// The code, system packages and the rest.
    Other,
}

/// Layers, lowest first.
#[derive(Debug, Default)]
pub(super) struct Stack(Vec<(Part, Layer)>);

impl Stack {
    /// Puts layers on top.
    pub(super) fn put(&mut self, part: Part, layers: impl IntoIterator<Item = Layer>) {
        self.0.extend(layers.into_iter().map(|layer| (part, layer)));
    }

    /// All layers.
    pub(super) fn all(&self) -> Vec<Layer> {
        self.0.iter().map(|(_, layer)| layer.clone()).collect()
    }

    /// All but what programs only read: what they import is there.
    pub(super) fn without_models(&self) -> Vec<Layer> {
        let rest = self.0.iter().filter(|(part, _)| *part != Part::Model);
        rest.map(|(_, layer)| layer.clone()).collect()
    }

    /// The models, of either kind, and nothing else.
    pub(super) fn models(mut self) -> Self {
        self.0.retain(|(part, _)| matches!(part, Part::Model | Part::Pipeline));
        self
    }

    /// How many layers there are on a base with so many.
    pub(super) fn count(&self, base: usize) -> Layers {
        let of = |parts: &[Part]| self.0.iter().filter(|(part, _)| parts.contains(part)).count();
        Layers {
            base,
            packages: of(&[Part::Package]),
            models: of(&[Part::Model, Part::Pipeline]),
            others: of(&[Part::Other]),
        }
    }
}
