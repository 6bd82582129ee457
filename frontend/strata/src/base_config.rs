//! The config of the base image (OCI, `config.md`).

use llb::Platform;
use serde_json::{Value, json};

use crate::sha256;

/// What a base image says of itself. Nothing has to be there, or of the kind that it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseConfig(Value);

impl BaseConfig {
    /// Reads its JSON.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn read(text: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(text).map(Self)
    }

    /// The JSON.
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The platform that it names. An image that is not of an index is given out for whatever
    /// platform is asked for.
    pub fn platform(&self) -> Option<Platform> {
        let text =
            |key: &str| self.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let variant = text("variant").unwrap_or_default();
        Some(Platform::normalised(text("os")?, text("architecture")?, variant, ""))
    }

    /// How many layers the image has. Another target of the same bake has more than its config
    /// names: of its own there are no ids yet, but its history tells of them.
    pub fn layers(&self) -> usize {
        self.diff_ids().len().max(self.made_by().len())
    }

    /// What the image's files are known by; none where it does not tell. Of its own layers another
    /// target of the same bake says by which words they were made, and not what is in them.
    pub fn content(&self) -> Option<String> {
        let (ids, made_by) = (self.diff_ids(), self.made_by());
        let is_told = !ids.is_empty() && ids.len() >= made_by.len();
        is_told.then(|| sha256::hex(json!((ids, made_by)).to_string()))
    }

    /// The environment, in its order.
    pub fn env(&self) -> impl Iterator<Item = (String, String)> {
        self.list("/config/Env")
            .iter()
            .filter_map(|entry| entry.as_str()?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    }

    /// Whether it has commands for a Dockerfile's builds on it (`ONBUILD`).
    pub fn has_triggers(&self) -> bool {
        !self.list("/config/OnBuild").is_empty()
    }

    /// The layers that it names.
    fn diff_ids(&self) -> &[Value] {
        self.list("/rootfs/diff_ids")
    }

    /// What it says that its layers were made by, lowest first.
    fn made_by(&self) -> Vec<&Value> {
        let is_layer = |entry: &&Value| entry.get("empty_layer") != Some(&Value::Bool(true));
        let history = self.list("/history").iter();
        history.filter(is_layer).map(|entry| &entry["created_by"]).collect()
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.0.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl From<Value> for BaseConfig {
    fn from(config: Value) -> Self {
        Self(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_only_how_it_was_made_tells_nothing_of_its_files() {
        let layer = json!({"created_by": "RUN sh /cuda.sh"});
        for (ids, history, is_told) in [
            (2, vec![&layer, &layer], true),
            (2, vec![], true),
            (1, vec![&layer, &layer], false),
            (0, vec![&layer], false),
            (0, vec![], false),
        ] {
            let config = json!({"rootfs": {"diff_ids": vec!["sha256:a"; ids]}, "history": history});
            assert_eq!(BaseConfig(config.clone()).content().is_some(), is_told, "{config}");
        }
    }

    #[test]
    fn layers_without_ids_are_counted() {
        let layer = json!({"created_by": "RUN a"});
        let empty = json!({"created_by": "ENV A=b", "empty_layer": true});
        for (ids, history, count) in [
            (1, vec![&layer, &empty, &layer], 2),
            (2, vec![&layer, &empty], 2),
            (3, vec![], 3),
            (0, vec![], 0),
        ] {
            let config = json!({"rootfs": {"diff_ids": vec!["sha256:a"; ids]}, "history": history});
            assert_eq!(BaseConfig(config.clone()).layers(), count, "{config}");
        }
    }
}
