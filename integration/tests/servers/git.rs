//! The git server, over HTTP and SSH, used by git.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use integration::git_server::{GitServer, SshGitServer};
use tempfile::TempDir;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What git prints in `folder`, or what it says when it fails. It asks for no password.
fn git(folder: &Path, env: &[(&str, &str)], arguments: &[&str]) -> Result<String, String> {
    let output = integration::git::git()
        .unwrap()
        .current_dir(folder)
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .envs(env.iter().copied())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().into())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// Fetches `wanted` without its history, as BuildKit does, and gives the commit and its README.
fn fetch(env: &[(&str, &str)], url: &str, wanted: &str) -> Result<(String, String), String> {
    let folder = TempDir::new().unwrap();
    let git = |arguments: &[&str]| git(folder.path(), env, arguments);
    git(&["init", "--quiet"])?;
    git(&["fetch", "--quiet", "--depth=1", url, wanted])?;
    assert_eq!(git(&["rev-list", "--count", "FETCH_HEAD"])?, "1");
    Ok((git(&["rev-parse", "FETCH_HEAD^{commit}"])?, git(&["show", "FETCH_HEAD:README"])?))
}

#[test]
fn branches_tags_and_commits_are_fetched_alone() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create("app").unwrap();
    let first = app.commit(&[("README", "one")], "first").unwrap();
    app.tag("v1").unwrap();
    let dev = app.commit_to("feature/dev", &[("README", "dev")], "dev").unwrap();
    let second = app.commit(&[("README", "two")], "second").unwrap();
    for (wanted, commit, readme) in [
        ("HEAD", &second, "two"),
        ("main", &second, "two"),
        ("feature/dev", &dev, "dev"),
        ("v1", &first, "one"),
        (&first, &first, "one"),
        (&second, &second, "two"),
    ] {
        let fetched = fetch(&[], app.url(), wanted);
        assert_eq!(fetched, Ok((commit.clone(), readme.into())), "{wanted}");
    }
}

#[test]
fn the_refs_are_listed_with_what_an_annotated_tag_stands_for() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create("app").unwrap();
    let commit = app.commit(&[("README", "one")], "first").unwrap();
    app.tag("v1").unwrap();
    let refs = git(Path::new("/"), &[], &["ls-remote", app.url()]).unwrap();
    for line in ["HEAD", "refs/heads/main", "refs/tags/v1^{}"] {
        assert!(refs.contains(&format!("{commit}\t{line}")), "{line} in {refs}");
    }
    assert!(!refs.contains(&format!("{commit}\trefs/tags/v1\n")), "{refs}");
}

#[test]
fn a_commit_keeps_the_files_that_it_does_not_name() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create("app").unwrap();
    app.commit(&[("README", "one"), ("src/main.py", "print()\n")], "first").unwrap();
    app.commit(&[("README", "two")], "second").unwrap();
    let folder = TempDir::new().unwrap();
    git(folder.path(), &[], &["clone", "--quiet", app.url(), "."]).unwrap();
    assert_eq!(git(folder.path(), &[], &["ls-files"]).unwrap(), "README\nsrc/main.py");
    assert_eq!(git(folder.path(), &[], &["log", "--format=%s"]).unwrap(), "second\nfirst");
}

#[test]
fn the_same_history_has_the_same_ids() {
    let history = || {
        let server = GitServer::serve(LOCALHOST).unwrap();
        let app = server.create("app").unwrap();
        app.commit(&[("README", "one")], "first").unwrap();
        app.commit(&[("README", "two")], "second").unwrap()
    };
    assert_eq!(history(), history());
}

#[test]
fn a_submodule_comes_with_its_repository() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let library = server.create("library").unwrap();
    library.commit(&[("lib.py", "answer = 42")], "first").unwrap();
    let app = server.create("app").unwrap();
    app.commit(&[("README", "one")], "first").unwrap();
    app.submodule("vendor/library", &library).unwrap();
    app.commit(&[("README", "two")], "second").unwrap();
    let folder = TempDir::new().unwrap();
    let clone = ["clone", "--quiet", "--recurse-submodules", "--shallow-submodules", "--depth=1"];
    git(folder.path(), &[], &[&clone[..], &[app.url(), "."]].concat()).unwrap();
    let library = std::fs::read_to_string(folder.path().join("vendor/library/lib.py")).unwrap();
    assert_eq!(library, "answer = 42");
}

#[test]
fn a_private_repository_asks_for_its_token() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create_private("app", "secret").unwrap();
    let commit = app.commit(&[("README", "one")], "first").unwrap();
    let with = |credentials: &str| {
        let header = format!("Authorization: basic {credentials}");
        let env = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "http.extraHeader"),
            ("GIT_CONFIG_VALUE_0", &header),
        ];
        fetch(&env, app.url(), "main")
    };
    // In base64 "x-access-token:secret", as BuildKit sends a GIT_AUTH_TOKEN, and "x-access-token:other".
    assert_eq!(with("eC1hY2Nlc3MtdG9rZW46c2VjcmV0"), Ok((commit, "one".into())));
    for refused in [with("eC1hY2Nlc3MtdG9rZW46b3RoZXI="), fetch(&[], app.url(), "main")] {
        assert!(
            refused.as_ref().is_err_and(|error| error.contains("could not read Username")
                || error.contains("Authentication failed")),
            "{refused:?}"
        );
    }
}

#[test]
fn what_does_not_exist_is_said_to_be_missing() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create("app").unwrap();
    app.commit(&[("README", "one")], "first").unwrap();
    let url = app.url();
    for (url, wanted, error) in [
        (url, "v9", "couldn't find remote ref v9"),
        (url, "0123456789012345678901234567890123456789", "not our ref"),
        (&url.replace("app", "none"), "main", "not found"),
    ] {
        let fetched = fetch(&[], url, wanted);
        assert!(fetched.as_ref().is_err_and(|said| said.contains(error)), "{fetched:?}");
    }
}

#[test]
fn ssh_opens_to_its_key_alone() {
    let server = GitServer::serve(LOCALHOST).unwrap();
    let app = server.create_private("app", "secret").unwrap();
    let first = app.commit(&[("README", "one")], "first").unwrap();
    let second = app.commit(&[("README", "two")], "second").unwrap();
    let ssh = SshGitServer::serve(LOCALHOST, &server).unwrap();
    let home = TempDir::new().unwrap();
    let known_hosts = home.path().join("known_hosts");
    std::fs::write(&known_hosts, ssh.known_host().unwrap()).unwrap();
    let client = |key: &str| {
        format!(
            "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={} {key}",
            known_hosts.display()
        )
    };
    let with_key = client(&format!("-i {}", ssh.key().display()));
    let without = client("-i /dev/null");
    let url = ssh.url(&app);
    for (ssh_command, wanted, fetched) in [
        (&with_key, "main", Some((second, "two"))),
        (&with_key, &first.clone(), Some((first, "one"))),
        (&without, "main", None),
    ] {
        let env = [("GIT_SSH_COMMAND", ssh_command.as_str()), ("SSH_AUTH_SOCK", "")];
        match (fetch(&env, &url, wanted), fetched) {
            (Ok((commit, readme)), Some(expected)) => {
                assert_eq!((commit, readme.as_str()), expected)
            }
            (Err(error), None) => {
                assert!(error.contains("Permission denied (publickey)"), "{error}")
            }
            (got, expected) => panic!("{ssh_command}: {got:?} in place of {expected:?}"),
        }
    }
}
