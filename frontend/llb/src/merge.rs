//! Merge and Diff: layers put together and taken apart without a copy.

use buildkit_proto::pb;

use crate::{
    Meta, State,
    marshal::{Caps, Inputs, first_output, seal},
};

/// One filesystem out of several; where they have the same path, the later one wins.
///
/// Scratch adds nothing and is left out; a merge of one state is that state.
pub fn merge(states: impl IntoIterator<Item = State>, meta: Meta) -> State {
    let mut states: Vec<State> = states.into_iter().filter(|state| !state.is_scratch()).collect();
    if states.len() < 2 {
        return states.pop().unwrap_or_default();
    }
    // The daemon merges what the operation stands on, in that order, and not what this list says
    // (`solver/llbsolver/ops/merge.go`): one that is there twice has to be an input twice.
    let count = i64::try_from(states.len()).unwrap_or(i64::MAX);
    let merged = (0..count).map(|input| pb::MergeInput { input }).collect();
    let op = pb::op::Op::Merge(pb::MergeOp { inputs: merged });
    let inputs = Inputs::in_order(states);
    first_output(seal(op, None, inputs, Caps::of(["mergeop"]), meta))
}

/// What `upper` has beyond `lower`, deletions included.
///
/// Nothing is beyond itself; beyond scratch, it is all of `upper`.
pub fn diff(lower: &State, upper: &State, meta: Meta) -> State {
    if lower == upper {
        return State::scratch();
    }
    if lower.is_scratch() {
        return upper.clone();
    }
    let mut inputs = Inputs::default();
    let op = pb::op::Op::Diff(pb::DiffOp {
        lower: Some(pb::LowerDiffInput { input: inputs.index(lower) }),
        upper: Some(pb::UpperDiffInput { input: inputs.index(upper) }),
    });
    first_output(seal(op, None, inputs, Caps::of(["diffop"]), meta))
}
