//! What a build gives back.

use std::collections::{BTreeMap, HashMap};

use buildkit_proto::moby::buildkit::v1::frontend::{self, Ref, RefMap, result};
use llb::Platform;
use serde::Serialize;

use crate::Reference;

/// The answer to a build request.
#[derive(Clone, Debug, PartialEq)]
pub enum BuildResult {
    /// One filesystem, for one platform.
    Single(PlatformResult),
    /// One for each platform, exported as an index.
    PerPlatform(Vec<PlatformResult>),
    /// Words alone: the answer to a subrequest. By key: `result.json`, `result.txt`, `version`.
    Answer(BTreeMap<String, Vec<u8>>),
}

/// What was built for one platform.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformResult {
    /// The platform.
    pub platform: Platform,
    /// The filesystem.
    pub reference: Reference,
    /// The image's configuration in JSON (`containerimage.config`); none if the result is not
    /// meant as an image.
    pub config: Option<Vec<u8>>,
    /// The configuration of the image it stands on (`containerimage.base.config`): exporters
    /// that rewrite timestamps leave that one's layers alone.
    pub base_config: Option<Vec<u8>>,
}

impl BuildResult {
    /// Results as the client wants them: an index if it asked for one or there are several.
    pub fn new(results: Vec<PlatformResult>, multi_platform: bool) -> Self {
        match <[_; 1]>::try_from(results) {
            Ok([single]) if !multi_platform => Self::Single(single),
            Ok(single) => Self::PerPlatform(single.into()),
            Err(results) => Self::PerPlatform(results),
        }
    }
}

/// `exptypes.Platforms` of `exporter/containerimage/exptypes`.
#[derive(Serialize)]
struct Platforms {
    #[serde(rename = "Platforms")]
    platforms: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Platform")]
    platform: OciPlatform,
}

#[derive(Serialize)]
struct OciPlatform {
    architecture: String,
    os: String,
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    os_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
}

impl From<BuildResult> for frontend::Result {
    fn from(build: BuildResult) -> Self {
        match build {
            BuildResult::Single(result) => {
                let platforms = refs_platforms([&result.platform]);
                let reference = wire_ref(&result.reference);
                let mut metadata = HashMap::from([platforms]);
                metadata.extend(result.configs(""));
                Self { metadata, result: Some(result::Result::Ref(reference)), ..Self::default() }
            }
            BuildResult::PerPlatform(results) => {
                let platforms = refs_platforms(results.iter().map(|result| &result.platform));
                let refs = results
                    .iter()
                    .map(|result| (result.platform.to_string(), wire_ref(&result.reference)))
                    .collect();
                let mut metadata = HashMap::from([platforms]);
                for result in results {
                    let suffix = format!("/{}", result.platform);
                    metadata.extend(result.configs(&suffix));
                }
                let refs = result::Result::Refs(RefMap { refs });
                Self { metadata, result: Some(refs), ..Self::default() }
            }
            BuildResult::Answer(metadata) => {
                let reference = wire_ref(&Reference::scratch());
                Self {
                    metadata: metadata.into_iter().collect(),
                    result: Some(result::Result::Ref(reference)),
                    ..Self::default()
                }
            }
        }
    }
}

impl PlatformResult {
    fn configs(self, suffix: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
        [("config", self.config), ("base.config", self.base_config)].into_iter().filter_map(
            move |(key, config)| Some((format!("containerimage.{key}{suffix}"), config?)),
        )
    }
}

fn wire_ref(reference: &Reference) -> Ref {
    Ref { id: reference.id().to_owned(), def: None }
}

/// Sent for a single platform too: attestations make an index of it.
fn refs_platforms<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> (String, Vec<u8>) {
    let entry = |platform: &Platform| Entry {
        id: platform.to_string(),
        platform: OciPlatform {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            os_version: platform.os_version.clone(),
            variant: platform.variant.clone(),
        },
    };
    let platforms = Platforms { platforms: platforms.into_iter().map(entry).collect() };
    ("refs.platforms".to_owned(), serde_json::to_vec(&platforms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(platform: &str) -> PlatformResult {
        PlatformResult {
            platform: Platform::parse(platform).unwrap(),
            reference: Reference::scratch(),
            config: Some(platform.into()),
            base_config: None,
        }
    }

    fn keys(build: &frontend::Result) -> Vec<&str> {
        let mut keys: Vec<&str> = build.metadata.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn one_platform() {
        let mut result = result("linux/arm64");
        result.base_config = Some(b"{}".to_vec());
        let wire = frontend::Result::from(BuildResult::new(vec![result], false));
        assert_eq!(
            keys(&wire),
            ["containerimage.base.config", "containerimage.config", "refs.platforms"]
        );
        assert_eq!(
            wire.metadata["refs.platforms"],
            br#"{"Platforms":[{"ID":"linux/arm64","Platform":{"architecture":"arm64","os":"linux"}}]}"#
        );
        assert!(matches!(wire.result, Some(result::Result::Ref(_))));
    }

    #[test]
    fn several_platforms_or_an_index_of_one() {
        for (platforms, multi_platform) in
            [(&["linux/amd64", "linux/arm/v7"][..], false), (&["linux/amd64"][..], true)]
        {
            let results = platforms.iter().map(|platform| result(platform)).collect();
            let wire = frontend::Result::from(BuildResult::new(results, multi_platform));
            let Some(result::Result::Refs(RefMap { refs })) = &wire.result else {
                panic!("{wire:?}");
            };
            assert_eq!(refs.len(), platforms.len());
            for platform in platforms {
                assert!(refs.contains_key(*platform));
                let config = &wire.metadata[&format!("containerimage.config/{platform}")];
                assert_eq!(config, platform.as_bytes());
            }
        }
    }

    #[test]
    fn answers_are_metadata_alone() {
        let answer = BTreeMap::from([("result.txt".to_owned(), b"hi".to_vec())]);
        let wire = frontend::Result::from(BuildResult::Answer(answer));
        assert_eq!(keys(&wire), ["result.txt"]);
    }
}
