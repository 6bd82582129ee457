//! Hello: what a daemon can do, and whether it is enough.

use super::*;

async fn refusal(pong: PongResponse) -> String {
    let daemon = Daemon { pong: Some(pong), ..Daemon::default() };
    greet(daemon, &[]).await.0.unwrap_err().message().to_owned()
}

#[tokio::test]
async fn a_daemon_without_lists_or_without_evaluate_is_too_old() {
    let disabled = ApiCap { id: "gateway.evaluate".to_owned(), ..ApiCap::default() };
    for gateway in [vec![], enabled(&["readfile"]), vec![disabled]] {
        let pong = PongResponse { frontend_api_caps: gateway, ..PongResponse::default() };
        assert_eq!(
            refusal(pong).await,
            "this BuildKit is too old: Example needs BuildKit 0.11 or newer, which Docker \
             Engine has since version 24; update it, or give buildx a newer BuildKit with \
             `docker buildx create --use`"
        );
    }
}

#[tokio::test]
async fn a_daemon_that_sends_no_llb_list_has_the_frozen_one() {
    let pong = PongResponse {
        frontend_api_caps: enabled(&["gateway.evaluate"]),
        ..PongResponse::default()
    };
    let (gateway, _) = connect(Daemon { pong: Some(pong), ..Daemon::default() }, &[]).await;
    for (cap, has) in
        [("source.local.followpaths", true), ("meta.exportcache", true), ("file.base", false)]
    {
        assert_eq!(gateway.capabilities().llb(cap), has, "{cap}");
    }
    assert!(!gateway.capabilities().gateway("readfile"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_says_nothing_is_not_waited_for() {
    let (gateway, ..) = greet(Daemon { pong: None, ..Daemon::default() }, &[]).await;
    assert_eq!(gateway.unwrap_err().message(), "BuildKit did not answer within 15 s");
}
