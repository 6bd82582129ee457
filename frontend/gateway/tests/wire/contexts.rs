//! Where the build's files are found.

use super::*;

/// The sources solved, in order.
fn solved(daemon: &Daemon) -> Vec<pb::SourceOp> {
    let calls = daemon.take_calls().into_iter();
    let source = |call| match call {
        Call::Solve(request) => Some(sources(&request.definition.unwrap()).remove(0)),
        _ => None,
    };
    calls.filter_map(source).collect()
}

#[tokio::test]
async fn the_manifest_and_its_own_ignore_file_come_in_one_transfer() {
    let daemon = Daemon::default()
        .with_file("local://dockerfile", "app.yaml", "base: x\n")
        .with_file("local://dockerfile", "app.yaml.dockerignore", "/.git\n")
        .with_file("local://context", ".dockerignore", "other\n");
    let options = [("filename", "app.yaml"), ("local-sessionid:context", "s2")];
    let (gateway, daemon) = connect(daemon, &options).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    let manifest = context.manifest("YAML").await.unwrap();
    assert_eq!(manifest.file, location(1).file);
    let excludes = context.excludes(&manifest).await.unwrap();
    assert_eq!(excludes, [".git"]);
    let [source] = &solved(&daemon)[..] else { panic!() };
    assert_eq!(source.identifier, "local://dockerfile");
    let attrs = [
        ("local.differ", "none"),
        ("local.followpaths", r#"["app.yaml","app.yaml.dockerignore"]"#),
        ("local.session", "s1"),
        ("local.sharedkeyhint", "dockerfile"),
    ];
    assert_eq!(source.attrs, attrs.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    let files = context.files(&Files::All, &excludes);
    let attrs = &sources(&files.definition().to_pb())[0].attrs;
    assert_eq!(attrs["local.excludepatterns"], r#"[".git"]"#);
    assert_eq!(attrs["local.session"], "s2");
    assert_eq!(attrs["local.sharedkeyhint"], "context");
}

#[tokio::test]
async fn without_an_ignore_file_of_its_own_it_is_the_contexts() {
    let daemon = Daemon::default().with_file("local://dockerfile", "Dockerfile", "").with_file(
        "local://context",
        ".dockerignore",
        "data\n",
    );
    let (gateway, daemon) = connect(daemon, &[]).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    let manifest = context.manifest("YAML").await.unwrap();
    assert_eq!(manifest.ignore, None);
    assert_eq!(context.excludes(&manifest).await.unwrap(), ["data"]);
    let ignore = &solved(&daemon)[1];
    assert_eq!(ignore.identifier, "local://context");
    assert_eq!(ignore.attrs["local.sharedkeyhint"], "context-.dockerignore");
}

#[tokio::test]
async fn the_manifests_name_where_the_client_says_none() {
    for (options, name) in [
        (&[][..], "own.yaml"),
        (&[("cmdline", "example/frontend")], "Dockerfile"),
        (&[("filename", "app.yaml")], "app.yaml"),
    ] {
        let daemon = Daemon::default().with_file("local://dockerfile", name, "base: x\n");
        let (gateway, _daemon) = connect(daemon, options).await;
        let context = BuildContext::open(&gateway, "own.yaml").await.unwrap();
        assert_eq!(context.manifest("YAML").await.unwrap().file.name, name);
    }
}

#[tokio::test]
async fn parts_of_the_context_do_not_share_a_transfer() {
    let (gateway, _) = connect(Daemon::default(), &[]).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    let paths = || vec!["a".to_owned(), "b".to_owned()];
    let mut hints: Vec<String> = [Files::All, Files::Matching(paths()), Files::Exactly(paths())]
        .iter()
        .map(|files| {
            let source = sources(&context.files(files, &[]).definition().to_pb()).remove(0);
            source.attrs["local.sharedkeyhint"].clone()
        })
        .collect();
    hints.dedup();
    assert_eq!(hints.len(), 3);
}

#[tokio::test]
async fn the_default_manifest_is_found_in_small_letters() {
    let daemon = Daemon::default().with_file("local://dockerfile", "sub/dockerfile", "x");
    let (gateway, daemon) = connect(daemon, &[("filename", "sub/Dockerfile")]).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    assert_eq!(context.manifest("YAML").await.unwrap().file.data, b"x");
    assert_eq!(
        solved(&daemon)[0].attrs["local.followpaths"],
        r#"["sub/Dockerfile","sub/Dockerfile.dockerignore","sub/dockerfile"]"#
    );
}

async fn manifest_error(daemon: Daemon, options: &[(&str, &str)]) -> String {
    let (gateway, _) = connect(daemon, options).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    context.manifest("YAML").await.unwrap_err().message().to_owned()
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read() {
    let yaml = ("filename", "app.yaml");
    let large = Daemon::default().with_file("local://dockerfile", "app.yaml", vec![b' '; 2 << 20]);
    for (daemon, options, message) in [
        (
            Daemon::default(),
            &[yaml][..],
            "there is no app.yaml in the folder that the client sent: name the file to build \
             with `-f`",
        ),
        (
            Daemon::default(),
            &[yaml, ("context", "https://u:secret@h.io/r.git#v1")],
            "there is no app.yaml in https://…@h.io/r.git#v1: name the file to build with `-f`",
        ),
        (large, &[yaml], "app.yaml is larger than 1 MiB"),
    ] {
        assert_eq!(manifest_error(daemon, options).await, message);
    }
}

#[tokio::test]
async fn a_git_context_holds_the_manifest_and_ignores_nothing() {
    let daemon = Daemon::default().with_file("git://h.io/r.git#v1", "app.yaml", "x").with_file(
        "git://h.io/r.git#v1",
        ".dockerignore",
        "y",
    );
    let options = [
        ("context", "https://h.io/r.git#v1"),
        ("filename", "app.yaml"),
        ("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", "1"),
    ];
    let (gateway, _) = connect(daemon, &options).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    let manifest = context.manifest("YAML").await.unwrap();
    assert_eq!(manifest.file.data, b"x");
    assert!(context.excludes(&manifest).await.unwrap().is_empty());
    let files = context.files(&Files::Exactly(vec!["a".to_owned()]), &[]);
    assert_eq!(sources(&files.definition().to_pb())[0].attrs["git.keepgitdir"], "true");
    assert_eq!(files.vertex().unwrap().digest(), manifest.vertex);
}

#[tokio::test]
async fn a_manifest_of_the_clients_beside_a_remote_context() {
    let daemon = Daemon::default().with_file("local://mine", "Dockerfile", "x");
    let options = [
        ("context", "https://h.io/r.git"),
        ("dockerfilekey", "mine"),
        ("contextsubdir", "../sub/"),
    ];
    let (gateway, _) = connect(daemon, &options).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    assert_eq!(context.manifest("YAML").await.unwrap().file.data, b"x");
    let definition = context.files(&Files::All, &[]).definition().to_pb();
    let [_, pb::op::Op::File(file)] = &daemon::operations(&definition)[..] else { panic!() };
    let Some(pb::file_action::Action::Copy(copy)) = &file.actions[0].action else { panic!() };
    assert_eq!((&*copy.src, &*copy.dest), ("/sub", "/"));
}

#[tokio::test]
async fn what_is_behind_a_url_is_unpacked_or_is_the_manifest() {
    const URL: &str = "https://h.io/x";
    for (start, unpacked) in [(&b"\x1f\x8b\x08..."[..], true), (b"base: x\n", false)] {
        let daemon = Daemon::default().with_file(URL, "context", start).with_file(
            URL,
            "Dockerfile",
            "of the archive",
        );
        let (gateway, _) = connect(daemon, &[("context", URL)]).await;
        let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
        let data = &context.manifest("YAML").await.unwrap().file.data;
        assert_eq!(data, if unpacked { &b"of the archive"[..] } else { start });
        let definition = context.files(&Files::All, &[]).definition().to_pb();
        assert_eq!(daemon::operations(&definition).len(), if unpacked { 2 } else { 1 });
    }
}

#[tokio::test]
async fn inputs_stand_in_for_the_clients_folders() {
    let inputs = BTreeMap::from([
        ("context", local("given").definition().to_pb()),
        ("dockerfile", local("also").definition().to_pb()),
    ]);
    let daemon = Daemon { inputs, ..Daemon::default() };
    let (gateway, _) = connect(daemon.with_file("local://also", "Dockerfile", "x"), &[]).await;
    let context = BuildContext::open(&gateway, "Dockerfile").await.unwrap();
    assert_eq!(context.manifest("YAML").await.unwrap().file.data, b"x");
    let files = context.files(&Files::All, &["ignored".to_owned()]);
    assert_eq!(files, local("given"));
    assert!(!context.is_local());
}

#[tokio::test]
async fn contexts_that_cannot_be() {
    for (url, message) in [
        (
            "ftp://h.io/x",
            "the build context `ftp://h.io/x` is neither a git URL nor an http or https one",
        ),
        (
            "https://h.io/r.git?ref=a#b",
            "build context: not a git URL that BuildKit takes: two refs, b and a",
        ),
    ] {
        let (gateway, _) = connect(Daemon::default(), &[("context", url)]).await;
        assert_eq!(
            BuildContext::open(&gateway, "Dockerfile").await.unwrap_err().message(),
            message
        );
    }
}
