//! Files of other images: which image is asked for them, and what is told of it.

use std::collections::BTreeSet;

use super::base::{looked_up, warnings};
use super::*;

const MANIFEST: &str = "base: python:3\nuser: root\n\
                        files: [{from: tool, path: /bin/tool, to: /usr/bin/}]\n";

const TOOL: &str = "docker-image://docker.io/library/tool:latest";

/// A daemon that has the image with the tool, of that architecture.
fn with_tool(architecture: &str) -> Daemon {
    let mut daemon = daemon(MANIFEST);
    let mut tool = daemon.sources.values().next().unwrap().clone();
    let config = format!(r#"{{"os": "linux", "architecture": "{architecture}"}}"#);
    tool.image.as_mut().unwrap().config = config.into_bytes();
    daemon.sources.insert(TOOL, tool);
    daemon
}

#[tokio::test]
async fn a_tool_of_another_platform_is_told_of() {
    let told = "OtherPlatform: tool is of linux/s390x and not of linux/amd64: no program of it runs \
                (line 3)";
    for (architecture, expected) in [("amd64", None), ("s390x", Some(told))] {
        let (result, calls) = build(with_tool(architecture), &[("platform", "linux/amd64")]).await;
        result.unwrap();
        assert!(looked_up(&calls).contains(&TOOL));
        assert_eq!(warnings(calls), Vec::from_iter(expected), "{architecture}");
    }
}

#[tokio::test]
async fn an_image_that_is_not_there_may_be_one_that_a_build_gives() {
    let (result, _) = build(daemon(MANIFEST), &[]).await;
    let message = result.unwrap_err().message().to_owned();
    assert!(message.starts_with("image tool: "), "{message}");
    assert!(message.contains("help: or give it to the build: `--build-context tool=…`"));
}

#[tokio::test]
async fn what_has_no_files_asks_for_none() {
    let (result, calls) = build(daemon(MANIFEST), &[("target", "models")]).await;
    result.unwrap();
    assert!(!looked_up(&calls).contains(&TOOL));
}

#[tokio::test]
async fn of_a_folder_that_a_build_gives_no_more_is_sent() {
    let options = [("context:tool", "local:tool"), ("target", "deps")];
    let (result, calls) = build(daemon(MANIFEST), &options).await;
    result.unwrap();
    assert!(!looked_up(&calls).contains(&TOOL));
    let sent = calls.iter().filter_map(|call| match call {
        Call::Solve(solve) => solve.definition.clone(),
        _ => None,
    });
    let sources = sent.flat_map(|definition| daemon::sources(&definition));
    let of_tool = sources.filter(|source| source.identifier == "local://tool");
    let followed = of_tool.map(|source| source.attrs.get("local.followpaths").cloned());
    let [ignore, tool] = [r#"[".dockerignore"]"#, r#"["bin/tool"]"#].map(|it| Some(it.to_owned()));
    assert_eq!(followed.collect::<BTreeSet<_>>(), BTreeSet::from([ignore, tool]));
}
