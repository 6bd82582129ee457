//! What a graph is on the wire, and what collapses before it gets there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]
use std::sync::Arc;

use llb::{
    CacheSharing, Copy, Definition, Exec, File, Git, Image, Lines, Local, Location, Meta, Mount,
    Platform, SourceFile, State, Vertex, diff, merge, pb,
};
use proptest::prelude::*;
use prost::Message as _;

fn amd64() -> Platform {
    Platform::parse("linux/amd64").unwrap()
}

fn base() -> State {
    Image::new("docker.io/library/python:3.12-slim").build(&amd64(), Meta::named("base"))
}

fn file(path: &str) -> State {
    File::on(State::scratch()).mkfile(path, 0o644, "text").build(Meta::named(path))
}

fn op(state: &State) -> pb::op::Op {
    state.vertex().and_then(llb::Vertex::op).unwrap()
}

fn exec(state: &State) -> pb::ExecOp {
    match op(state) {
        pb::op::Op::Exec(exec) => exec,
        other => panic!("not an exec: {other:?}"),
    }
}

#[test]
fn the_operation_comes_after_all_other_fields() {
    let bytes = &base().definition().to_pb().def[0];
    // Tag 10 (platform) first, tag 2..8 (the oneof) last, as Go writes them.
    assert_eq!(bytes[0] >> 3, 10);
    let decoded = pb::Op::decode(&bytes[..]).unwrap();
    assert!(matches!(decoded.op, Some(pb::op::Op::Source(_))));
    assert_eq!(decoded.platform.unwrap().architecture, "amd64");
    assert!(decoded.constraints.is_some());
}

#[test]
fn a_merge_of_one_is_that_one() {
    let meta = || Meta::named("merge");
    assert!(merge([], meta()).is_scratch());
    assert!(merge([State::scratch()], meta()).is_scratch());
    assert_eq!(merge([State::scratch(), base()], meta()), base());
    let two = merge([base(), file("/a")], meta());
    assert!(matches!(op(&two), pb::op::Op::Merge(merge) if merge.inputs.len() == 2));
}

#[test]
fn what_is_merged_twice_is_an_input_twice() {
    // The daemon reads the order from the inputs alone, and the last one wins.
    let twice = merge([file("/a"), base(), file("/a")], Meta::named("merge"));
    let inputs: Vec<_> = twice.vertex().unwrap().inputs().map(Vertex::digest).collect();
    assert_eq!(inputs.len(), 3);
    assert!(inputs[0] == inputs[2] && inputs[0] != inputs[1]);
}

#[test]
fn a_diff_of_nothing_is_nothing() {
    let meta = || Meta::named("diff");
    assert!(diff(&base(), &base(), meta()).is_scratch());
    assert_eq!(diff(&State::scratch(), &base(), meta()), base());
    assert!(matches!(op(&diff(&base(), &file("/a"), meta())), pb::op::Op::Diff(_)));
}

#[test]
fn scratch_is_an_empty_definition() {
    let definition = State::scratch().definition();
    assert!(definition.is_empty());
    assert!(definition.to_pb().def.is_empty());
    assert!(File::on(State::scratch()).build(Meta::default()).is_scratch());
}

#[test]
fn mounts_are_sorted_and_share_inputs() {
    let tool = file("/tool");
    let run = Exec::new(base(), ["true"])
        .mount(Mount::read_only("/z", tool.clone()))
        .mount(Mount::cache("/cache", "pip", CacheSharing::Shared))
        .mount(Mount::output("/out", State::scratch()))
        .mount(Mount::read_only("/a", tool).select("/tool"))
        .mount(Mount::secret("/run/secrets/token", "token", true))
        .build(&amd64(), Meta::named("run"));
    let exec = exec(&run.root());
    let seen: Vec<_> = exec.mounts.iter().map(|m| (m.dest.as_str(), m.input, m.output)).collect();
    assert_eq!(
        seen,
        [
            ("/", 0, 0),
            ("/a", 1, -1),
            ("/cache", -1, -1),
            ("/out", -1, 1),
            ("/run/secrets/token", -1, -1),
            ("/z", 1, -1),
        ]
    );
    assert_ne!(run.root(), run.output("/out"));
    assert!(run.output("/z").is_scratch(), "a read-only mount has no output");
}

#[test]
fn file_actions_follow_each_other() {
    let made = File::on(base())
        .mkdir("/app", 0o755)
        .copy(Copy::new(file("/a"), "/", "/app"))
        .rm("/app/x")
        .build(Meta::default());
    let pb::op::Op::File(file) = op(&made) else { panic!("not a file operation") };
    // Two inputs; beyond them, results of actions.
    let chain: Vec<_> =
        file.actions.iter().map(|a| (a.input, a.secondary_input, a.output)).collect();
    assert_eq!(chain, [(0, -1, -1), (2, 1, -1), (3, -1, 0)]);
}

#[test]
fn a_copy_keeps_modes_and_times_unless_told() {
    let copied =
        File::on(State::scratch()).copy(Copy::new(base(), "/a", "/b")).build(Meta::default());
    let pb::op::Op::File(file) = op(&copied) else { panic!("not a file operation") };
    let Some(pb::file_action::Action::Copy(copy)) = &file.actions[0].action else {
        panic!("not a copy")
    };
    assert_eq!((copy.mode, copy.timestamp), (-1, -1), "0 would mean mode 000 and 1970");
}

#[test]
fn names_and_lines_are_not_identity() {
    let source = Arc::new(SourceFile {
        name: "strata.yaml".into(),
        language: "YAML".into(),
        data: b"base: x".to_vec(),
    });
    let at = Location { file: source, lines: Lines::one(1) };
    let run = |meta| Exec::new(base(), ["true"]).build(&amd64(), meta).root();
    let plain = run(Meta::named("one"));
    let located = run(Meta::named("two").at([at]).ignore_cache(true));
    assert_eq!(plain, located);

    let message = located.definition().to_pb();
    let digest = located.vertex().unwrap().digest();
    let source = message.source.unwrap();
    assert_eq!(source.infos[0].filename, "strata.yaml");
    assert_eq!(source.locations[digest].locations[0].source_index, 0);
    assert!(message.metadata[digest].ignore_cache);
    assert_eq!(message.metadata[digest].description["llb.customname"], "two");
}

#[test]
fn no_attribute_is_empty() {
    let sources = [
        Git::new("host/path", "").keep_git_dir().build(Meta::default()),
        Local::new("context").follow_paths([""; 0]).session("").build(Meta::default()),
    ];
    for source in sources {
        let pb::op::Op::Source(source) = op(&source) else { panic!("not a source") };
        assert!(source.attrs.values().all(|value| !value.is_empty()), "{source:?}");
    }
}

#[test]
fn caps_are_collected_over_the_graph() {
    let git = Git::new("host/path#main:sub", "https://host/path").ssh("default");
    let code = File::on(State::scratch())
        .copy(
            Copy::new(git.checksum("0123456").build(Meta::default()), "/", "/app")
                .exclude([".git"]),
        )
        .build(Meta::default());
    let image = merge([base(), code], Meta::default());
    let definition = image.definition();
    let caps = definition.required_caps();
    for cap in [
        "mergeop",
        "source.image",
        "source.git.subdir",
        "source.git.mountsshsock",
        "source.git.checksum",
        "file.copy.includeexcludepatterns",
        "platform",
    ] {
        assert!(caps.contains(cap), "{cap} is missing in {caps:?}");
    }
    assert!(!caps.contains("diffop"));
}

#[test]
fn a_definition_read_back_has_its_lines() {
    let text = |name: &str| {
        let (name, language) = (name.to_owned(), "Dockerfile".to_owned());
        Arc::new(SourceFile { name, language, data: b"FROM a\nRUN b\n".to_vec() })
    };
    let at = |name, start, end| Location { file: text(name), lines: Lines { start, end } };
    let places = [at("a", 1, 2), at("b", 2, 2)];
    let state = Local::new("x").build(Meta::default().at(places.clone()));
    let mut message = state.definition().to_pb();
    let locations = |message: &pb::Definition| {
        State::from_pb(message).unwrap().vertex().unwrap().locations().to_vec()
    };
    assert_eq!(locations(&message), places);
    assert_eq!(State::from_pb(&message).unwrap().definition().to_pb(), message);

    // Of what leads nowhere, nothing is shown, and the rest is.
    let listed = &mut message.source.as_mut().unwrap().locations;
    let one = &mut listed.values_mut().next().unwrap().locations;
    one[0].source_index = 2;
    one.push(pb::Location { source_index: -1, ..one[0].clone() });
    one.push(pb::Location { ranges: vec![pb::Range::default()], ..one[1].clone() });
    assert_eq!(locations(&message), places[1..]);
}

#[test]
fn what_is_no_definition_is_refused() {
    let garbage = pb::Definition { def: vec![vec![0xff], vec![]], ..pb::Definition::default() };
    assert!(State::from_pb(&garbage).is_err());
    let mut headless = merge([base(), file("/a")], Meta::default()).definition().to_pb();
    headless.def.remove(0);
    assert!(State::from_pb(&headless).is_err());
}

/// Graphs of a few vertices over each other.
fn graph() -> impl Strategy<Value = State> {
    let leaf = prop_oneof![
        "[a-z]{1,8}".prop_map(|name| file(&format!("/{name}"))),
        "[a-z]{1,8}".prop_map(|name| Local::new(name).build(Meta::default())),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|states| merge(states, Meta::named("merge"))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| diff(&a, &b, Meta::default())),
            (inner.clone(), inner).prop_map(|(root, tool)| {
                Exec::new(root, ["true"])
                    .mount(Mount::read_only("/tool", tool))
                    .mount(Mount::output("/out", State::scratch()))
                    .build(&amd64(), Meta::named("run"))
                    .output("/out")
            }),
        ]
    })
}

fn digests(definition: &Definition) -> Vec<String> {
    definition.vertices().map(|vertex| vertex.digest().to_owned()).collect()
}

proptest! {
    #[test]
    fn a_definition_read_back_is_itself(state in graph()) {
        let message = state.definition().to_pb();
        let back = State::from_pb(&message).unwrap();
        prop_assert_eq!(&back, &state);
        prop_assert_eq!(digests(&back.definition()), digests(&state.definition()));
        prop_assert_eq!(back.definition().to_pb(), message);
    }

    #[test]
    fn every_input_comes_before_what_is_made_from_it(state in graph()) {
        let message = state.definition().to_pb();
        let mut seen = std::collections::HashSet::new();
        for (bytes, digest) in message.def.iter().zip(digests(&state.definition())) {
            for input in pb::Op::decode(&bytes[..]).unwrap().inputs {
                prop_assert!(seen.contains(&input.digest));
            }
            prop_assert!(seen.insert(digest), "a vertex stands once");
        }
    }
}
