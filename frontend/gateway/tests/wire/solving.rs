//! Graphs handed over, and how they fail.

use super::*;

#[tokio::test]
async fn a_solve_carries_the_graph_and_the_cache_imports() {
    let (gateway, daemon) = connect(Daemon::default(), &[("cache-from", "r/a,r/b")]).await;
    let definition = local("context").definition();
    let reference = gateway.solve(&definition).await.unwrap();
    assert_eq!(reference.id(), "local://context");
    gateway.solve_now(&definition).await.unwrap();
    let [Call::Solve(lazy), Call::Solve(now)] = &daemon.take_calls()[..] else { panic!() };
    assert_eq!(lazy.definition, Some(definition.to_pb()));
    assert!(lazy.allow_result_return && lazy.allow_result_array_ref && !lazy.evaluate);
    let imports: Vec<_> =
        lazy.cache_imports.iter().map(|import| (&*import.r#type, &*import.attrs["ref"])).collect();
    assert_eq!(imports, [("registry", "r/a"), ("registry", "r/b")]);
    assert_eq!(*now, SolveRequest { evaluate: true, ..lazy.clone() });
}

#[tokio::test]
async fn nothing_is_asked_about_the_empty_filesystem() {
    let (gateway, daemon) = connect(Daemon::default(), &[]).await;
    let reference = gateway.solve(&State::scratch().definition()).await.unwrap();
    assert_eq!(reference, Reference::scratch());
    gateway.evaluate(&reference).await.unwrap();
    assert!(gateway.read_file(&reference, "a").await.unwrap_err().is_not_found());
    assert_eq!(daemon.take_calls(), []);
}

#[tokio::test]
async fn what_the_daemon_cannot_do_is_named_before_it_is_asked() {
    let mut daemon = Daemon::default();
    let off = ApiCap {
        id: "exec.meta.base".to_owned(),
        disabled_reason_msg: "no runc".to_owned(),
        ..ApiCap::default()
    };
    daemon.pong.as_mut().unwrap().llb_caps.push(off);
    let (gateway, daemon) = connect(daemon, &[]).await;
    let exec = Exec::new(local("a"), ["true"]).build(&platform(), Meta::default()).root();
    let http = Http::new("https://h.io/x").mode(0o755).build(Meta::default());
    for (state, message) in [
        (
            exec,
            "this build needs `exec.meta.base` of BuildKit, and the one that runs it has it \
             turned off: no runc",
        ),
        (
            http,
            "this build needs `source.http.perm` of BuildKit, and the one that runs it is \
             too old to have it",
        ),
    ] {
        let error = gateway.solve(&state.definition()).await.unwrap_err();
        assert_eq!(error.message(), message);
    }
    assert_eq!(daemon.take_calls(), []);
}

#[tokio::test]
async fn a_failures_details_return_to_the_daemon_however_large() {
    let vertex = Any {
        type_url: "github.com/moby/buildkit/errdefs.Vertex+json".to_owned(),
        value: br#"{"digest":"sha256:x"}"#.to_vec(),
    };
    let stack = Any { type_url: "stack".to_owned(), value: vec![b'x'; 200 << 10] };
    let details = vec![vertex, stack];
    let wire = rpc::Status { details: details.clone(), ..rpc::Status::default() };
    let failure =
        Status::with_details(tonic::Code::Unknown, "exit code: 1", wire.encode_to_vec().into());
    let daemon = Daemon { failure: Some(failure), ..Daemon::default() };
    let (gateway, daemon) = connect(daemon, &[]).await;
    let error = gateway.solve(&local("context").definition()).await.unwrap_err();
    gateway.answer(Err(error.context("cannot install"))).await.unwrap();
    let [Call::Solve(_), Call::Return(returned)] = &daemon.take_calls()[..] else { panic!() };
    let message = "cannot install: exit code: 1".to_owned();
    assert_eq!(returned.error, Some(rpc::Status { code: 2, message, details }));
    assert_eq!(returned.result, None);
}
