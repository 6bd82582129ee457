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
    /// What is written down of the packages.
    Bill,
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

    /// All that programs run on. What is written down of the packages is none of it: to resolve
    /// again to the same is no reason to run one again.
    pub(super) fn run_on(&self) -> Vec<Layer> {
        self.without(&[Part::Bill])
    }

    /// All that programs import.
    pub(super) fn imported(&self) -> Vec<Layer> {
        self.without(&[Part::Bill, Part::Model])
    }

    fn without(&self, parts: &[Part]) -> Vec<Layer> {
        let rest = self.0.iter().filter(|(part, _)| !parts.contains(part));
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
            others: of(&[Part::Bill, Part::Other]),
        }
    }
}
