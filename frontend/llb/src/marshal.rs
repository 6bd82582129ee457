//! Operations to bytes, in the one order that the daemon gives them again.

use std::{collections::BTreeSet, sync::Arc};

use buildkit_proto::pb;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{Meta, Platform, State, Vertex, state::Output};

/// An operation's inputs.
#[derive(Default)]
pub(crate) struct Inputs(Vec<State>);

impl Inputs {
    /// These as they are, none of which is scratch.
    pub(crate) fn in_order(states: Vec<State>) -> Self {
        Self(states)
    }

    /// The index by which the operation refers to `state`, which is then among them once; −1 for
    /// scratch.
    pub(crate) fn index(&mut self, state: &State) -> i64 {
        if state.is_scratch() {
            return -1;
        }
        let index = self.0.iter().position(|input| input == state).unwrap_or_else(|| {
            self.0.push(state.clone());
            self.0.len() - 1
        });
        i64::try_from(index).unwrap_or(i64::MAX)
    }

    pub(crate) fn len(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }
}

/// What an operation needs of the daemon, by the names of `solver/pb/caps.go`.
#[derive(Default)]
pub(crate) struct Caps(BTreeSet<String>);

impl Caps {
    pub(crate) fn of<const N: usize>(caps: [&str; N]) -> Self {
        Self(caps.into_iter().map(str::to_owned).collect())
    }

    pub(crate) fn add(&mut self, cap: &str) {
        self.0.insert(cap.to_owned());
    }
}

/// Seals an operation. `platform` is for those that depend on it: execs and images.
pub(crate) fn seal(
    op: pb::op::Op,
    platform: Option<&Platform>,
    inputs: Inputs,
    Caps(mut caps): Caps,
    meta: Meta,
) -> Arc<Vertex> {
    caps.insert("constraints".to_owned());
    caps.insert("meta.description".to_owned());
    if platform.is_some() {
        caps.insert("platform".to_owned());
    }
    if meta.ignore_cache {
        caps.insert("meta.ignorecache".to_owned());
    }
    if meta.export_cache.is_some() {
        caps.insert("meta.exportcache".to_owned());
    }
    let bytes = canonical_bytes(pb::Op {
        inputs: inputs.0.iter().filter_map(State::input).collect(),
        platform: platform.map(Into::into),
        constraints: Some(pb::WorkerConstraints::default()),
        op: Some(op),
    });
    Arc::new(Vertex { digest: digest(&bytes), bytes, inputs: inputs.0, caps, meta })
}

/// The first output of a sealed operation.
pub(crate) fn first_output(vertex: Arc<Vertex>) -> State {
    State(Some(Output { vertex, index: 0 }))
}

/// Encodes as Go's deterministic marshaller does: members of a oneof after all other fields.
///
/// The daemon re-serialises every operation and from then on knows it by the digest of that
/// (`solver/llbsolver/vertex.go`), while prost orders fields by tag. Both are the same message.
pub(crate) fn canonical_bytes(mut op: pb::Op) -> Vec<u8> {
    let oneof = pb::Op { op: op.op.take(), ..pb::Op::default() };
    let mut bytes = op.encode_to_vec();
    bytes.extend(oneof.encode_to_vec());
    bytes
}

/// `sha256:` and the hash in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut digest, byte| {
        let _ = write!(digest, "{byte:02x}");
        digest
    })
}
