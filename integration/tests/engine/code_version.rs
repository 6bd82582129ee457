//! Which code is built, and what the image says about it.

use integration::git_server::{GitServer, SshGitServer};

use crate::built::Built;
use crate::{BASE, STRATA, context};

/// What the labels say of the code: where it is from, and its commit.
fn labels(built: &Built) -> [String; 2] {
    let labels = built.config()["Labels"].take();
    ["source", "revision"].map(|name| {
        let label = &labels[format!("org.opencontainers.image.{name}")];
        label.as_str().unwrap_or_default().to_owned()
    })
}

/// Every file in the image's `/app`, each with its text, and all that is called `.git`.
fn code(built: &Built) -> String {
    let look = "cd /app; grep -r '' . | sort; find / -xdev -name .git";
    built.run_with(&["--user=root"], &["sh", "-c", look])
}

fn version(version: &str) -> String {
    format!("--build-arg=CODE_VERSION={version}")
}

#[test]
fn a_version_is_a_commit_of_the_remote() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let repository = server.create("app").unwrap();
    let first = repository.commit(&[("say", "first")], "first").unwrap();
    repository.tag("v1").unwrap();
    let feature = repository.commit_to("feature/x", &[("say", "feature")], "feature").unwrap();
    let second = repository.commit(&[("say", "second")], "second").unwrap();
    let own = format!("# syntax=strata\nbase: {BASE}\ncode: '{}'\n", repository.url());
    let tagged =
        format!("# syntax=strata\nbase: {BASE}\ncode: {{git: '{}', ref: v1}}\n", repository.url());

    for (manifest, asked, commit, says) in [
        (&own, "v1", &first, "first"),
        (&own, "feature/x", &feature, "feature"),
        (&own, "refs/heads/main", &second, "second"),
        (&own, &first, &first, "first"),
        (&own, "latest", &second, "second"),
        (&own, "", &second, "second"),
        (&own, "1763715600", &second, "second"),
        (&tagged, "latest", &first, "first"),
        (&tagged, "main", &second, "second"),
    ] {
        let built = Built::new(manifest, &[], &[version(asked)]);
        assert_eq!(labels(&built), [repository.url(), commit], "{asked}");
        assert_eq!(code(&built), format!("./say:{says}"), "{asked}");
    }

    let third = repository.commit(&[("say", "third")], "third").unwrap();
    for asked in ["latest", ""] {
        let built = Built::new(&own, &[], &[version(asked)]);
        assert_eq!(labels(&built)[1], third, "{asked}");
        assert_eq!(code(&built), "./say:third", "{asked}");
    }
}

#[test]
fn a_folder_its_submodules_and_its_requirements() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let library = server.create("library").unwrap();
    library.commit(&[("hello.py", "hello = 'hello'")], "begin").unwrap();
    let repository = server.create("app").unwrap();
    let main = "import six; from library.hello import hello; print(hello, six.__version__)";
    let files = [
        ("README", "not taken"),
        ("service/main.py", main),
        ("service/requirements.txt", "-r more/six.txt"),
        ("service/more/six.txt", "six==1.17.0"),
    ];
    repository.commit(&files, "begin").unwrap();
    let commit = repository.submodule("service/library", &library).unwrap();

    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: code:requirements.txt\n\
         code: {{git: '{}', subdir: service}}\ncmd: [python, main.py]\n",
        repository.url()
    );
    let whole = Built::new::<&str>(&manifest, &[], &[]);
    assert_eq!(whole.run(&[]), "hello 1.17.0");
    assert_eq!(labels(&whole)[1], commit);
    let taken = [
        "./library/hello.py:hello = 'hello'",
        &format!("./main.py:{main}"),
        "./more/six.txt:six==1.17.0",
        "./requirements.txt:-r more/six.txt",
    ];
    assert_eq!(code(&whole), taken.join("\n"));

    let manifest = manifest.replace("subdir: service", "subdir: service, submodules: false");
    let without = Built::new::<&str>(&manifest, &[], &[]);
    assert_eq!(code(&without), taken[1..].join("\n"));
}

#[test]
fn private_code() {
    let address = STRATA.host_address().unwrap();
    let server = GitServer::serve(address).unwrap();
    let repository = server.create_private("app", "open-sesame").unwrap();
    let ssh = SshGitServer::serve(address, &server).unwrap();
    let commit = repository.commit(&[("say", "private")], "begin").unwrap();
    repository.tag("v1").unwrap();

    let folder = context(&[("token", "open-sesame")]);
    let token = |id: &str| format!("--secret=id={id},src={}/token", folder.path().display());
    let key = |id: &str| format!("--ssh={id}={}", ssh.key().display());
    let (http, ssh) =
        (format!("git: '{}'", repository.url()), format!("git: '{}'", ssh.url(&repository)));
    for (code_, argument) in [
        (&http, token("GIT_AUTH_TOKEN")),
        (&format!("{http}, token: secret:deploy"), token("deploy")),
        (&ssh, key("default")),
        (&format!("{ssh}, ssh: deploy"), key("deploy")),
    ] {
        let manifest = format!("# syntax=strata\nbase: {BASE}\ncode: {{{code_}}}\n");
        let built = Built::new(&manifest, &[], &[&argument, &version("v1")]);
        assert_eq!(labels(&built)[1], commit, "{code_}");
        assert_eq!(code(&built), "./say:private", "{code_}");
    }
}

#[test]
fn a_version_of_local_code_is_its_label() {
    let manifest = format!("# syntax=strata\nbase: {BASE}\ncode: app\n");
    let files = [("app/say", "local"), ("app/.git/HEAD", "ref: refs/heads/main")];
    for asked in ["v1.2.3", "1a2b3c4", ""] {
        let built = Built::new(&manifest, &files, &[version(asked)]);
        assert_eq!(labels(&built), ["", asked]);
        assert_eq!(code(&built), "./say:local");
    }
}
