//! Where the build's files come from, as it was asked for.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{InvalidOption, Raw, boolean, secret_json};

/// Where the build's files come from, unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextOptions {
    /// `context`, or the option that `contextkey` names: a URL; none for the client's folder.
    pub url: Option<String>,
    /// `contextsubdir`: the folder to take of a context that is not the client's.
    pub subdir: Option<String>,
    /// `dockerfilekey`: the client's folder that has the manifest, whatever the context is.
    pub manifest_local: Option<String>,
    /// `build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR`.
    pub keep_git_dir: bool,
    /// `context:`: what stands in for a name, or for `name::platform`.
    pub named: BTreeMap<String, String>,
    /// `input-metadata:`: of an input, by key (`containerimage.config`).
    pub input_metadata: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// `local-sessionid:`: the session that has a client's folder, where it is not the build's.
    pub local_sessions: BTreeMap<String, String>,
    /// `sharedkey:localdir:`: what earlier transfers of a named context are known by.
    pub shared_keys: BTreeMap<String, String>,
}

impl ContextOptions {
    pub(super) fn take(raw: &mut Raw) -> Result<Self, InvalidOption> {
        let key = raw.text("contextkey").unwrap_or_else(|| "context".to_owned());
        let mut input_metadata = BTreeMap::new();
        for (input, value) in raw.prefixed("input-metadata:") {
            let metadata = metadata(&value).map_err(|problem| InvalidOption {
                option: format!("input-metadata:{input}"),
                // An image's configuration, with its environment.
                value: None,
                problem,
            })?;
            input_metadata.insert(input, metadata);
        }
        Ok(Self {
            url: raw.text(&key),
            subdir: raw.text("contextsubdir"),
            manifest_local: raw.text("dockerfilekey"),
            keep_git_dir: raw
                .parse("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", boolean)?
                .unwrap_or_default(),
            named: raw.prefixed("context:"),
            input_metadata,
            local_sessions: raw.prefixed("local-sessionid:"),
            shared_keys: raw.prefixed("sharedkey:localdir:"),
        })
    }
}

/// A Go `map[string][]byte` in JSON: its bytes are base64.
fn metadata(json: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let encoded: BTreeMap<String, String> = secret_json(json)?;
    let decode = |(key, value): (String, String)| {
        let bytes = BASE64_STANDARD.decode(value).map_err(|error| error.to_string())?;
        Ok((key, bytes))
    };
    encoded.into_iter().map(decode).collect()
}
