//! The code is what the image's label says that it is.

use std::collections::BTreeSet;

use buildkit_proto::moby::buildkit::v1::frontend::ResolveSourceGitResponse;
use serde_json::Value;

use super::*;

const COMMIT: &str = "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0";
/// An annotated tag's own id.
const TAG: &str = "7a97a97a97a97a97a97a97a97a97a97a97a97a97";

/// An engine that says that `CODE_VERSION` is at an object, and what that is the tag of.
struct Said {
    version: &'static str,
    found_at: &'static str,
    object: &'static str,
    tagged: &'static str,
}

impl Said {
    fn daemon(&self) -> Daemon {
        let manifest = "base: python:3\ncode: https://h.io/r.git\nuser: root\n";
        let remote = format!("git://h.io/r.git#{}", self.version).leak();
        let git = ResolveSourceGitResponse {
            r#ref: self.found_at.to_owned(),
            checksum: self.object.to_owned(),
            commit_checksum: self.tagged.to_owned(),
            ..Default::default()
        };
        let answer = ResolveSourceMetaResponse { git: Some(git), ..Default::default() };
        let mut daemon = daemon(manifest).with_file(remote, "/.git/HEAD", format!("{COMMIT}\n"));
        daemon.sources.insert(remote, answer);
        daemon
    }

    /// The commit on the label, and `git.checksum` and `git.keepgitdir` of each checkout that the
    /// build is made from or looked at.
    async fn built(&self, daemon: Daemon) -> (String, BTreeSet<(String, String)>) {
        let (result, calls) = build(daemon, &[("build-arg:CODE_VERSION", self.version)]).await;
        let BuildResult::Single(image) = result.unwrap() else { unreachable!("one platform") };
        let config: Value = serde_json::from_slice(&image.config.unwrap()).unwrap();
        let label = &config["config"]["Labels"]["org.opencontainers.image.revision"];
        let solved = calls.into_iter().filter_map(|call| match call {
            Call::Solve(solve) => solve.definition,
            _ => None,
        });
        let checkouts = solved
            .flat_map(|definition| daemon::sources(&definition))
            .filter(|source| source.identifier.starts_with("git://"))
            .map(|source| {
                let attr = |key| source.attrs.get(key).cloned().unwrap_or_default();
                (attr("git.checksum"), attr("git.keepgitdir"))
            });
        (label.as_str().unwrap().to_owned(), checkouts.collect())
    }
}

fn one(checksum: &str, keep_git_dir: &str) -> (String, BTreeSet<(String, String)>) {
    (COMMIT.to_owned(), [(checksum.to_owned(), keep_git_dir.to_owned())].into())
}

const MAIN: Said =
    Said { version: "main", found_at: "refs/heads/main", object: COMMIT, tagged: "" };

#[tokio::test]
async fn a_checkout_is_held_to_what_the_label_says() {
    let annotated = Said { version: "v1", found_at: "refs/tags/v1", object: TAG, tagged: COMMIT };
    for (said, checksum) in [(MAIN, COMMIT), (annotated, TAG)] {
        assert_eq!(said.built(said.daemon()).await, one(checksum, ""), "{}", said.version);
    }
}

#[tokio::test]
async fn what_may_be_a_tags_own_id_is_looked_at() {
    for (version, found_at) in [(TAG, TAG), (COMMIT, COMMIT), ("tags/v1", "refs/tags/v1")] {
        let said = Said { version, found_at, object: TAG, tagged: "" };
        assert_eq!(said.built(said.daemon()).await, one("", "true"), "{version}");
    }
}

#[tokio::test]
async fn a_checkout_that_cannot_be_held_is_looked_at() {
    let mut daemon = MAIN.daemon();
    daemon.pong.as_mut().unwrap().llb_caps.retain(|cap| cap.id != "source.git.checksum");
    assert_eq!(MAIN.built(daemon).await, one("", "true"));
}

#[tokio::test]
async fn repositories_are_not_even_sent() {
    for (code, ignored, excluded) in [
        (".", "data\n!.git\n", r#"["data","!.git",".git","**/.git"]"#),
        ("app", "", r#"[".git","**/.git"]"#),
        // Models are sent once, for themselves.
        (
            ".\nmodels: {context: weights, to: /m/}",
            "!weights\n",
            r#"["!weights",".git","**/.git","weights"] ["!weights"]"#,
        ),
    ] {
        let manifest = daemon(&format!("base: python:3\nuser: root\ncode: {code}\n"));
        let daemon = manifest.with_file("local://context", ".dockerignore", ignored);
        let (result, calls) = build(daemon, &[]).await;
        result.unwrap();
        let solved = calls.into_iter().filter_map(|call| match call {
            Call::Solve(solve) => solve.definition,
            _ => None,
        });
        let sent: BTreeSet<_> = solved
            .flat_map(|definition| daemon::sources(&definition))
            .filter_map(|mut source| source.attrs.remove("local.excludepatterns"))
            .collect();
        assert_eq!(Vec::from_iter(sent).join(" "), excluded, "{code}");
    }
}
