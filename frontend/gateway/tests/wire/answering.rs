//! Warnings and results on their way back.

use super::*;

#[tokio::test]
async fn a_warning_has_its_lines() {
    let (gateway, daemon) = connect(Daemon::default(), &[]).await;
    let warning = Warning {
        vertex: "sha256:v".to_owned(),
        rule: "Rule",
        text: "text (line 3)".to_owned(),
        detail: vec!["more".to_owned()],
        url: "https://h.io/rule".to_owned(),
        locations: vec![location(3), location(5)],
    };
    gateway.warn(warning).await.unwrap();
    let [Call::Warn(warned)] = &daemon.take_calls()[..] else { panic!() };
    assert_eq!((&*warned.digest, warned.level), ("sha256:v", 1));
    assert_eq!((&*warned.short, &*warned.detail[0]), (&b"Rule: text (line 3)"[..], &b"more"[..]));
    assert_eq!(warned.info.as_ref().unwrap().filename, "app.yaml");
    let lines: Vec<i32> =
        warned.ranges.iter().map(|range| range.start.as_ref().unwrap().line).collect();
    assert_eq!(lines, [3, 5]);
}

#[tokio::test]
async fn warnings_that_are_off_or_errors() {
    let warning = || Warning {
        rule: "Rule",
        text: "text".to_owned(),
        detail: vec!["more".to_owned()],
        locations: vec![location(3)],
        ..Warning::default()
    };
    let text = "Rule: text\nmore\n  help: BUILDKIT_DOCKERFILE_CHECK makes errors of warnings";
    for (check, error, shown) in [
        ("skip=Other", None, 1),
        ("skip=Other,Rule", None, 0),
        ("skip=all;error=true", None, 0),
        ("error=true;experimental=all", Some(text), 0),
    ] {
        let options = [("build-arg:BUILDKIT_DOCKERFILE_CHECK", check)];
        let (gateway, daemon) = connect(Daemon::default(), &options).await;
        let warned = gateway.warn(warning()).await.err();
        assert_eq!(warned.as_ref().map(Error::message), error, "{check}");
        let lines = warned.map_or(0, |error| error.locations().len());
        assert_eq!(lines, usize::from(error.is_some()), "{check}");
        assert_eq!(daemon.take_calls().len(), shown, "{check}");
    }
}

#[tokio::test]
async fn a_warning_that_cannot_be_shown_fails_nothing() {
    let (gateway, _daemon) = connect(Daemon::default(), &[]).await;
    let refused = Warning { text: "refused".to_owned(), ..Warning::default() };
    assert_eq!(gateway.warn(refused).await, Ok(()));
}

#[tokio::test]
async fn a_result_names_its_references() {
    let (gateway, daemon) = connect(Daemon::default(), &[]).await;
    let reference = gateway.solve(&local("a").definition()).await.unwrap();
    daemon.take_calls();
    let result = PlatformResult {
        platform: platform(),
        reference,
        config: Some(b"{}".to_vec()),
        base_config: None,
    };
    gateway.answer(Ok(BuildResult::new(vec![result], true))).await.unwrap();
    let [Call::Return(returned)] = &daemon.take_calls()[..] else { panic!() };
    let result = returned.result.as_ref().unwrap();
    let Some(result::Result::Refs(refs)) = &result.result else { panic!() };
    assert_eq!(refs.refs["linux/arm64"].id, "local://a");
    assert_eq!(result.metadata["containerimage.config/linux/arm64"], b"{}");
}
