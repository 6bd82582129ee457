//! From YAML to a recipe: what is understood, what is refused and in which words.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

mod editors;
mod mistakes;
mod properties;
mod recipes;
mod reference;

use std::{collections::BTreeMap, sync::Arc};

use llb::SourceFile;
use strata::{
    mistake::Mistakes,
    recipe::{self, Choices, Recipe},
};

/// Reads `manifest` with choices as one gives them on a command line: `target=dev`, `NAME=value`.
fn read(manifest: &str, choices: &[&str]) -> Result<Recipe, Mistakes> {
    read_bytes(manifest.as_bytes(), choices)
}

fn read_bytes(manifest: &[u8], choices: &[&str]) -> Result<Recipe, Mistakes> {
    let name = "strata.yaml".to_owned();
    let file = SourceFile { name, language: "YAML".to_owned(), data: manifest.to_owned() };
    let pairs = choices.iter().map(|choice| choice.split_once('=').unwrap());
    let mut build_args: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let target = build_args.remove("target");
    recipe::read(Arc::new(file), &Choices { target, build_args })
}
