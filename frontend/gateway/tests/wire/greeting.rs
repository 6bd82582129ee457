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
async fn what_a_daemon_does_not_list_it_does_not_have() {
    let pong = PongResponse {
        frontend_api_caps: enabled(&["gateway.evaluate"]),
        ..PongResponse::default()
    };
    let (gateway, _) = connect(Daemon { pong: Some(pong), ..Daemon::default() }, &[]).await;
    assert!(!gateway.capabilities().llb("source.local"));
    assert!(!gateway.capabilities().gateway("readfile"));
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_says_nothing_is_not_waited_for() {
    let (gateway, ..) = greet(Daemon { pong: None, ..Daemon::default() }, &[]).await;
    assert_eq!(gateway.unwrap_err().message(), "BuildKit did not answer within 15 s");
}
