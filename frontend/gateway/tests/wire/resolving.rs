//! Images and git refs looked up, and what stands in for them.

use super::*;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn image(identifier: &str) -> ResolveSourceMetaResponse {
    ResolveSourceMetaResponse {
        source: Some(pb::SourceOp { identifier: identifier.to_owned(), attrs: BTreeMap::new() }),
        image: Some(ResolveSourceImageResponse {
            digest: DIGEST.to_owned(),
            config: b"{\"os\":\"linux\"}".to_vec(),
            attestation_chain: None,
        }),
        ..ResolveSourceMetaResponse::default()
    }
}

fn replaced(identifier: &str) -> ResolveSourceMetaResponse {
    ResolveSourceMetaResponse { image: None, ..image(identifier) }
}

fn found(sources: &[(&'static str, ResolveSourceMetaResponse)]) -> Daemon {
    Daemon { sources: sources.iter().cloned().collect(), ..Daemon::default() }
}

#[tokio::test]
async fn an_image_by_its_source() {
    let daemon = found(&[("docker-image://docker.io/library/a:1", image("docker-image://m/a:1"))]);
    let (gateway, daemon) = connect(daemon, &[("image-resolve-mode", "pull")]).await;
    let base = gateway.load_image("a:1", &platform(), Meta::default()).await.unwrap();
    assert_eq!(base.name.unwrap().to_string(), format!("docker.io/m/a:1@{DIGEST}"));
    assert_eq!(base.config.unwrap(), b"{\"os\":\"linux\"}");
    let [Call::ResolveSource(asked)] = &daemon.take_calls()[..] else { panic!() };
    assert_eq!(asked.resolve_mode, "pull");
    assert_eq!(asked.platform.as_ref().unwrap().architecture, "arm64");
    assert_eq!(asked.log_name, "[internal] load metadata for docker.io/library/a:1");
}

#[tokio::test]
async fn an_image_by_its_config_where_sources_cannot_be_asked_for() {
    let mut daemon = Daemon::default();
    daemon.pong.as_mut().unwrap().frontend_api_caps = enabled(&["gateway.evaluate"]);
    let layout = ("context:a", "oci-layout://store@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let (gateway, daemon) = connect(daemon, &[("image-resolve-mode", "local"), layout]).await;
    let base = gateway.load_image("b:1", &platform(), Meta::default()).await.unwrap();
    assert_eq!(base.name.unwrap().to_string(), "docker.io/library/b:1@sha256:old");
    gateway.load_image("a", &platform(), Meta::default()).await.unwrap();
    let [Call::ResolveConfig(registry), Call::ResolveConfig(layout)] = &daemon.take_calls()[..]
    else {
        panic!()
    };
    assert_eq!((registry.resolver_type, &*registry.resolve_mode), (0, "local"));
    assert_eq!((layout.resolver_type, &*layout.session_id, &*layout.store_id), (1, "s1", "store"));
    let git = GitUrl::parse("https://h.io/r.git").unwrap().source();
    assert_eq!(gateway.resolve_git(&git).await.unwrap(), None);
}

/// What becomes of a ref of `https://h.io/r.git`, of which the daemon says `answer`.
async fn resolve_git(asked: &str, answer: Option<ResolveSourceGitResponse>) -> Option<ResolvedGit> {
    let source = GitUrl::parse(&format!("https://h.io/r.git#{asked}")).unwrap().source();
    let response = ResolveSourceMetaResponse { git: answer, ..Default::default() };
    let name = source.to_op().identifier.leak();
    let (gateway, _) = connect(found(&[(name, response)]), &[]).await;
    gateway.resolve_git(&source).await.unwrap()
}

#[tokio::test]
async fn a_git_ref_where_the_daemon_can_tell() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    for (asked, found_at, checksum, peeled, commit) in [
        ("", "refs/heads/main", "c", "", Some("c")),
        ("main", "refs/heads/main", "c", "", Some("c")),
        ("refs/heads/main", "refs/heads/main", "c", "", Some("c")),
        ("main:sub", "refs/heads/main", "c", "", Some("c")),
        ("v1", "refs/tags/v1", "c", "", Some("c")),
        ("v1", "refs/tags/v1", "t", "c", Some("c")),
        ("refs/tags/v1", "refs/tags/v1", "c", "", Some("c")),
        ("refs/tags/v1", "refs/tags/v1", "t", "c", Some("c")),
        // What may be an annotated tag's own id, and was not looked at.
        ("tags/v1", "refs/tags/v1", "t", "", None),
        ("refs/other/v1", "refs/other/v1", "t", "", None),
        (id, id, id, "", None),
    ] {
        let git = ResolveSourceGitResponse {
            checksum: checksum.to_owned(),
            commit_checksum: peeled.to_owned(),
            r#ref: found_at.to_owned(),
            ..ResolveSourceGitResponse::default()
        };
        let expected = commit
            .map(|commit| ResolvedGit { checksum: checksum.to_owned(), commit: commit.to_owned() });
        assert_eq!(resolve_git(asked, Some(git)).await, expected, "{asked} at {found_at}");
    }
    assert_eq!(resolve_git("v1", None).await, None);
}

#[tokio::test]
async fn a_base_image_is_pinned() {
    let name = "docker-image://docker.io/library/python:3";
    let (gateway, _) = connect(found(&[(name, image(name))]), &[]).await;
    let base = gateway.load_image("python:3", &platform(), Meta::named("base")).await.unwrap();
    let pinned = format!("docker.io/library/python:3@{DIGEST}");
    let expected =
        Image::new(&pinned).resolve_mode("default").build(&platform(), Meta::named("base"));
    assert_eq!(base.state, expected);
    assert_eq!(base.name.unwrap().to_string(), pinned);
    assert_eq!(base.config.unwrap(), b"{\"os\":\"linux\"}");
}

/// The identifier of what stands in for `python`, and whether it has a config.
async fn stand_in(daemon: Daemon, options: &[(&str, &str)]) -> (Option<String>, bool) {
    let (gateway, _) = connect(daemon, options).await;
    let base = gateway.load_image("python", &platform(), Meta::default()).await.unwrap();
    let source = sources(&base.state.definition().to_pb()).into_iter().next();
    (source.map(|source| source.identifier), base.config.is_some())
}

#[tokio::test]
async fn what_the_person_puts_in_an_images_place() {
    let other = "docker-image://docker.io/library/other:latest";
    let pinned = format!("docker-image://docker.io/library/other:latest@{DIGEST}");
    let layout = format!("oci-layout://st@{DIGEST}");
    let layed_out: &'static str =
        format!("oci-layout://docker.io/library/python:latest@{DIGEST}").leak();
    let input = local("given").definition().to_pb();
    let daemon = || Daemon {
        inputs: BTreeMap::from([("in", input.clone())]),
        ..found(&[(other, image(other)), (layed_out, image(layed_out))])
    };
    for (options, identifier, config) in [
        (&[("context:python", "docker-image://other")][..], Some(&*pinned), true),
        (
            &[
                ("context:python", "local:x"),
                ("context:python::linux/arm64", "docker-image://other"),
            ],
            Some(&*pinned),
            true,
        ),
        (&[("context:python", "docker-image://scratch")], None, false),
        (&[("context:python", &layout)], Some(layed_out), true),
        (&[("context:python", "local:folder")], Some("local://folder"), false),
        (&[("context:python", "https://h.io/r.git#v1")], Some("git://h.io/r.git#v1"), false),
        (&[("context:python", "git@h.io:r.git")], Some("git://h.io/r.git"), false),
        (&[("context:python", "https://h.io/x.txt")], Some("https://h.io/x.txt"), false),
        (&[("context:python", "input:in")], Some("local://given"), false),
        (
            &[
                ("context:python", "input:in"),
                ("input-metadata:in", r#"{"containerimage.config":"e30="}"#),
            ],
            Some("local://given"),
            true,
        ),
    ] {
        let expected = (identifier.map(str::to_owned), config);
        assert_eq!(stand_in(daemon(), options).await, expected, "{options:?}");
    }
}

#[tokio::test]
async fn a_folder_in_an_images_place_leaves_out_what_its_ignore_file_says() {
    let daemon = Daemon::default().with_file("local://folder", ".dockerignore", "*.pyc\n");
    let options = [
        ("context:python", "local:folder"),
        ("sharedkey:localdir:python", "key"),
        ("local-sessionid:folder", "s2"),
    ];
    let (gateway, _) = connect(daemon, &options).await;
    let base = gateway.load_image("python", &platform(), Meta::default()).await.unwrap();
    let attrs = &sources(&base.state.definition().to_pb())[0].attrs;
    assert_eq!(attrs["local.excludepatterns"], r#"["*.pyc"]"#);
    assert_eq!(attrs["local.sharedkeyhint"], "context:python-key");
    assert_eq!(attrs["local.session"], "s2");
}

#[tokio::test]
async fn a_policy_may_turn_an_image_into_something_else_but_not_in_a_circle() {
    let python = "docker-image://docker.io/library/python:latest";
    let daemon = found(&[(python, replaced("git://h.io/r.git"))]);
    assert_eq!(stand_in(daemon, &[]).await, (Some("git://h.io/r.git".to_owned()), false));
    let (gateway, daemon) = connect(found(&[(python, replaced(python))]), &[]).await;
    let error = gateway.load_image("python", &platform(), Meta::default()).await.unwrap_err();
    assert_eq!(
        error.message(),
        format!("source policies replace python in a circle, by {python} at last")
    );
    assert_eq!(daemon.take_calls().len(), 11);
}

#[tokio::test]
async fn stand_ins_that_cannot_be() {
    for (spec, message) in [
        ("nothing", "build context python is `nothing`, of no known kind"),
        ("ftp://u:p@h.io/x", "build context python is `ftp://…@h.io/x`, of no known kind"),
        ("input:x", "build context python is the input x, which is not there"),
        (
            "oci-layout://store:tag",
            "build context python: the OCI layout `store:tag` has no digest",
        ),
        (
            "https://h.io/r.git?depth=1",
            "build context python: not a git URL that BuildKit takes: depth is not a key of \
             such URLs",
        ),
    ] {
        let (gateway, _) = connect(Daemon::default(), &[("context:python", spec)]).await;
        let loaded = gateway.load_image("python", &platform(), Meta::default()).await;
        assert_eq!(loaded.unwrap_err().message(), message);
    }
}
