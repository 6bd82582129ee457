//! Warnings and results on their way back.

use super::*;

#[tokio::test]
async fn a_warning_has_its_lines() {
    let (gateway, daemon) = connect(Daemon::default(), &[]).await;
    let warning = Warning {
        vertex: "sha256:v".to_owned(),
        rule: "Rule",
        text: "text".to_owned(),
        detail: vec!["more".to_owned()],
        url: "https://h.io/rule".to_owned(),
        locations: vec![location(3), location(5)],
    };
    gateway.warn(warning).await;
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
    let warning = |rule, line| Warning {
        rule,
        text: "text".to_owned(),
        locations: vec![location(line)],
        ..Warning::default()
    };
    let failed =
        "lint violation found for rules: A, B\n  help: `error=true` makes errors of warnings";
    for (check, error, shown) in [
        ("skip=Other", None, 3),
        ("skip=Other,B", None, 1),
        ("skip=all;error=true", None, 0),
        ("skip=A,B;error=true", None, 0),
        ("error=true;experimental=all", Some(failed), 3),
    ] {
        let manifest = SourceFile {
            data: format!("# syntax=x\n# check={check}\na: b\n").into(),
            ..(*location(1).file).clone()
        };
        let options = LintOptions::directive(&Arc::new(manifest)).unwrap().unwrap();
        let (gateway, daemon) = connect(Daemon::default(), &[]).await;
        let warnings = Warnings::new(options);
        for (rule, line) in [("B", 3), ("A", 3), ("B", 3), ("B", 4)] {
            warnings.show(&gateway, warning(rule, line)).await;
        }
        assert_eq!(daemon.take_calls().len(), shown, "{check}: each once");
        let failure = warnings.check().err();
        assert_eq!(failure.as_ref().map(Error::message), error, "{check}");
        let lines = failure.map_or(0, |error| error.locations().len());
        assert_eq!(lines, if error.is_some() { 2 } else { 0 }, "{check}");
    }
}

#[test]
fn what_a_manifest_says_of_warnings() {
    let directive = |text: &str| {
        let data = text.as_bytes().to_vec();
        LintOptions::directive(&Arc::new(SourceFile { data, ..(*location(1).file).clone() }))
    };
    let error = |text: &str| directive(text).unwrap().map(|options| options.error);
    assert_eq!(
        error("\u{feff}# syntax=x\n# made by hand\n#Check = error=true\na: b\n"),
        Some(true)
    );
    for elsewhere in ["", "a: b\n# check=error=true\n", "\n# check=error=true\n", " # check=x=y"] {
        assert_eq!(error(elsewhere), None, "{elsewhere}");
    }
    let wrong = directive("# syntax=x\n# check=erorr=true\n").unwrap_err();
    let said = "app.yaml:2: `# check=erorr=true`: `erorr` is not one of skip, error, experimental";
    assert_eq!((wrong.message(), wrong.locations()[0].lines), (said, Lines::one(2)));
}

#[tokio::test]
async fn a_warning_that_cannot_be_shown_fails_nothing() {
    let (gateway, daemon) = connect(Daemon::default(), &[]).await;
    gateway.warn(Warning { text: "refused".to_owned(), ..Warning::default() }).await;
    let [Call::Warn(warned)] = &daemon.take_calls()[..] else { panic!() };
    assert_eq!(warned.short, b"refused");
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
