//! What is wrong is said in buildx's own output, with its line, and leaves nothing behind.

use std::net::Ipv4Addr;

use integration::buildx::Plain;
use integration::command::output;
use integration::git_server::GitServer;
use integration::hub::{Hub, Repo};
use integration::registry::Registry;

use crate::built::{Built, unique_name};
use crate::{BASE, STRATA, build, context};

/// A build that must fail.
struct Bad<'a> {
    /// What is wrong with it.
    what: &'a str,
    /// The manifest from its second line on.
    manifest: &'a str,
    /// Other files of the build context.
    files: &'a [(&'a str, &'a str)],
    /// Arguments of `docker buildx build`.
    arguments: &'a [&'a str],
    /// What buildx prints, among other things.
    says: &'a [&'a str],
}

impl<'a> Bad<'a> {
    fn new(what: &'a str, manifest: &'a str, says: &'a [&'a str]) -> Self {
        Self { what, manifest, files: &[], arguments: &[], says }
    }

    /// Builds it: it fails as it should, and there is no image.
    fn fails(&self) {
        let manifest = format!("# syntax=strata\n{}", self.manifest);
        let folder = context(&[&[("strata.yaml", &*manifest)], self.files].concat());
        let image = unique_name();
        let mut command = build(&STRATA, folder.path());
        command.arg("--file").arg(folder.path().join("strata.yaml")).args(["--tag", &image]);
        let Plain { status, text } = Plain::run(command.args(self.arguments)).unwrap();

        assert_eq!(status.code(), Some(1), "{}:\n{text}", self.what);
        for said in self.says {
            assert!(text.contains(said), "of {}, nobody says {said:?}:\n{text}", self.what);
        }
        let images = output(&mut STRATA.docker(["image", "list", "--quiet", &image])).unwrap();
        assert_eq!(images, "", "{} made an image", self.what);
    }
}

#[test]
fn what_is_no_manifest() {
    let long = "base: b\n".to_owned() + &"# a line of a comment\n".repeat(50_000);
    for bad in [
        Bad::new(
            "text that is not YAML",
            "base: b\ncmd: [a, b\n",
            &["strata.yaml:3: not valid YAML: unclosed bracket", ">>> cmd: [a, b"],
        ),
        Bad::new("an empty manifest", "", &["strata.yaml:1: the manifest is empty"]),
        Bad::new("a manifest over 1 MiB", &long, &["strata.yaml is larger than 1 MiB"]),
        Bad::new(
            "an alias bomb",
            &alias_bomb(),
            &[
                "the manifest's values come to more than 8 MiB",
                "help: use fewer aliases",
                ">>> x-5: &a5 [*a4, ",
            ],
        ),
    ] {
        bad.fails();
    }
}

/// A manifest of 500 bytes that has a thousand million values.
fn alias_bomb() -> String {
    let levels = (1..9).map(|level| {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("x-{level}: &a{level} [{below}]\n")
    });
    format!("base: b\nx-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n{}", levels.collect::<String>())
}

#[test]
fn no_manifest() {
    let folder = context(&[]);
    // Without a manifest there is no syntax line, unless the command line stands in for it.
    let mut command = build(&STRATA, folder.path());
    let command = command.arg("--build-arg=BUILDKIT_SYNTAX=strata").arg("--file=nope.yaml");
    let Plain { status, text } = Plain::run(command.current_dir(folder.path())).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(text.contains("there is no nope.yaml in the folder that the client sent"), "{text}");
}

#[test]
fn keys_and_values() {
    for bad in [
        Bad::new(
            "an unknown key",
            "base: b\nmodles: org/name\n",
            &[
                "strata.yaml:3: unknown key `modles`",
                "help: did you mean `models`?",
                ">>> modles: org/name",
            ],
        ),
        Bad::new(
            "a duplicate key",
            "base: b\nuser: a\nbase: c\n",
            &["strata.yaml:4: duplicate key `base`", "it is on line 2 already", ">>> base: c"],
        ),
        Bad::new(
            "a value of a wrong type",
            "base: b\nports:\n  web: 80\n",
            &["strata.yaml:4: `ports`: expected a port", "found keys and values", ">>>   web: 80"],
        ),
        Bad::new(
            "an argument that is not declared",
            "base: b\nenv:\n  A: ${NAME}\n",
            &["strata.yaml:4: `A`: `NAME` is not declared in `args`", ">>>   A: ${NAME}"],
        ),
        Bad::new(
            "a `to` that is relative",
            "base: b\ncode: {context: ., to: app}\n",
            &[
                "strata.yaml:3: `to`: expected an absolute path, found `app`",
                ">>> code: {context: ., to: app}",
            ],
        ),
        Bad::new(
            "a `to` that climbs out",
            "base: b\nmodels:\n  - hf: org/name\n    to: /models/../../etc\n",
            &[
                "strata.yaml:5: `to`: `/models/../../etc` climbs out with `..`",
                ">>>     to: /models/../../etc",
            ],
        ),
        Bad {
            arguments: &["--target=devel"],
            ..Bad::new(
                "an unknown target",
                "base: b\n",
                &["unknown target `devel`", "help: the targets are `image`, `dev`, `deps`"],
            )
        },
        Bad {
            arguments: &["--build-arg=GREETNG=hello"],
            ..Bad::new(
                "an unknown build argument",
                "base: b\nargs: {GREETING: hi}\n",
                &["unknown build argument `GREETNG`", "help: did you mean `GREETING`?"],
            )
        },
        Bad {
            arguments: &["--build-arg=CODE_VERSION=1a2b3c4"],
            ..Bad::new(
                "an abbreviated commit",
                "base: b\ncode: https://git.example.org/app.git\n",
                &[
                    "`CODE_VERSION`: `1a2b3c4` is an abbreviated commit, which no remote can find",
                    "help: write all of it (`git rev-parse 1a2b3c4`)",
                ],
            )
        },
        Bad {
            arguments: &["--target=devel"],
            ..Bad::new(
                "several mistakes",
                "base: B\npyhton: r.txt\nuser: a b\nenv: {A: '${X}'}\n",
                &[
                    "unknown target `devel`",
                    "strata.yaml:2: `base`: expected an image",
                    "strata.yaml:3: unknown key `pyhton`",
                    "strata.yaml:4: `user`: expected a user",
                    "strata.yaml:5: `A`: `X` is not declared",
                    ">>> base: B",
                    ">>> pyhton: r.txt",
                    ">>> user: a b",
                    ">>> env: {A: '${X}'}",
                ],
            )
        },
    ] {
        bad.fails();
    }
}

#[test]
fn bases() {
    let registry = Registry::serve(Ipv4Addr::LOCALHOST.into()).unwrap();
    let missing = format!("{}/no/such:1", registry.host());
    let without_python = Built::dockerfile(&format!(
        "FROM {BASE}\nRUN while python=$(command -v python3); do rm $python; done\n"
    ));
    let without_shell = Built::dockerfile("FROM scratch\nCOPY Dockerfile /\n");
    for (base, says) in [
        (&missing, "not found"),
        (&without_python.name, "has no python3: choose a base with Python 3.9 or newer"),
        (&without_shell.name, "has no /bin/sh to run build steps with"),
    ] {
        let says = [&*format!("base image {base}"), &*format!(">>> base: {base}"), says];
        Bad::new(says[2], &format!("base: {base}\n"), &says).fails();
    }
}

#[test]
fn requirements() {
    let manifest = format!("base: {BASE}\npython: requirements.txt\n");
    let missing = [
        "strata.yaml:3: cannot read `requirements.txt`: there is no such file",
        ">>> python: requirements.txt",
    ];
    Bad::new("a requirements file that is missing", &manifest, &missing).fails();
    for (text, says) in [
        (
            "six\n-r more.txt\n",
            [
                "requirements.txt:2: cannot read `more.txt`: there is no such file",
                ">>> -r more.txt",
            ],
        ),
        (
            "six\nidna=3.10\n",
            ["requirements.txt:2: `=3.10` compares with a single `=`", ">>> idna=3.10"],
        ),
        (
            "six\n\n-e .\n",
            ["requirements.txt:3: an editable install is code, not a dependency", ">>> -e ."],
        ),
        (
            "six==0.0.999\n",
            ["No matching distribution found for six==0.0.999", ">>> python: requirements.txt"],
        ),
    ] {
        let files = &[("requirements.txt", text)];
        Bad { files, ..Bad::new(text, &manifest, &says) }.fails();
    }
}

#[test]
fn models() {
    let address = STRATA.host_address().unwrap();
    let files = [("config.json", "{}")];
    let gated = Repo::new("tiny/gated", files).gated("open-sesame");
    let private = Repo::new("tiny/private", files).private("open-sesame");
    let hub = Hub::serve(address, [Repo::new("tiny/open", files), gated, private]).unwrap();
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());

    let folder = context(&[("wrong", "open-says-me")]);
    let wrong = format!("--secret=id=my_token,src={}/wrong", folder.path().display());
    let nothing: &[&str] = &[&endpoint];
    let wrong: &[&str] = &[&endpoint, &wrong];
    for (model, arguments, says) in [
        ("tiny/missing", nothing, "has no model tiny/missing, or it is private: check the name"),
        ("{hf: tiny/open, revision: v9}", nothing, "has no revision v9"),
        (
            "{hf: tiny/open, files: confg.json}",
            nothing,
            "no file of tiny/open at main matches confg.json: it has config.json",
        ),
        ("tiny/gated", nothing, "name the secret that holds a token in the model's `token`"),
        (
            "{hf: tiny/gated, token: secret:my_token}",
            nothing,
            &format!(
                "tiny/gated is gated: accept its terms at {}/tiny/gated, and give the build its \
                 token: --secret id=my_token,env=HF_TOKEN",
                hub.endpoint()
            ),
        ),
        (
            "{hf: tiny/gated, token: secret:my_token}",
            wrong,
            "see that the token in the secret my_token is valid and has access",
        ),
        (
            "{hf: tiny/private, token: secret:my_token}",
            wrong,
            "has no model tiny/private, or it is private: check the name, or see that the token in",
        ),
    ] {
        let manifest = format!("base: {BASE}\nmodels:\n  - {model}\n");
        let says = [says, "strata.yaml:4", &format!(">>>   - {model}")];
        Bad { arguments, ..Bad::new(model, &manifest, &says) }.fails();
    }
}

#[test]
fn code() {
    let server = GitServer::serve(STRATA.host_address().unwrap()).unwrap();
    let open = server.create("open").unwrap();
    let private = server.create_private("private", "open-sesame").unwrap();
    for repository in [&open, &private] {
        repository.commit(&[("main.py", "")], "begin").unwrap();
    }
    let folder = context(&[("wrong", "open-says-me")]);
    let wrong = format!("--secret=id=my_token,src={}/wrong", folder.path().display());

    let (open, private) = (format!("git: '{}'", open.url()), format!("git: '{}'", private.url()));
    let missing = open.replace("open", "missing");
    let unknown = "1".repeat(40);
    for (code, argument, says) in [
        (&*open, "--build-arg=CODE_VERSION=v9", "at v9 (CODE_VERSION was `v9`)"),
        (
            &open,
            &format!("--build-arg=CODE_VERSION={unknown}"),
            &format!("at {unknown} (CODE_VERSION was `{unknown}`)"),
        ),
        (&format!("{open}, ref: v9"), "", "at v9 (the manifest's `ref`)"),
        (&format!("{open}, subdir: srv"), "", "/srv: no such file or directory"),
        (&missing, "", "(the remote's default branch)"),
        (
            &private,
            "",
            "help: it is private, or not there: check its name, and give the build a token that \
             may read it: `--secret id=GIT_AUTH_TOKEN,env=GIT_TOKEN`",
        ),
        (
            &format!("{private}, token: secret:my_token"),
            &wrong,
            "a token that may read it: `--secret id=my_token,env=GIT_TOKEN`",
        ),
        ("context: srv", "", "/srv: no such file or directory"),
    ] {
        let arguments: Vec<_> = [argument].into_iter().filter(|word| !word.is_empty()).collect();
        let manifest = format!("base: {BASE}\ncode: {{{code}}}\n");
        let blamed = format!(">>> code: {{{code}}}");
        Bad { arguments: &arguments, ..Bad::new(code, &manifest, &[says, &blamed]) }.fails();
    }
}

#[test]
fn what_has_failed_succeeds_once_it_is_mended() {
    let address = STRATA.host_address().unwrap();
    let server = GitServer::serve(address).unwrap();
    let repository = server.create("app").unwrap();
    repository.commit(&[("main.py", "")], "begin").unwrap();
    let model = Repo::new("tiny/gated", [("config.json", "{}")]).gated("open-sesame");
    let hub = Hub::serve(address, [model]).unwrap();
    let manifest = format!(
        "base: {BASE}\npython: {{packages: [six==1.17.0]}}\n\
         models: [{{hf: tiny/gated, to: /models/, token: secret:my_token}}]\n\
         code: '{}'\ncmd: [python, main.py]\n",
        repository.url()
    );
    let tokens = context(&[("wrong", "open-says-me"), ("right", "open-sesame")]);
    let arguments = |token: &str| {
        [
            format!("--secret=id=my_token,src={}/{token}", tokens.path().display()),
            format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()),
            "--build-arg=CODE_VERSION=v9".to_owned(),
        ]
    };
    let fails = |manifest: &str, token, says| {
        let arguments = arguments(token);
        let arguments = &arguments.each_ref().map(String::as_str);
        Bad { arguments, ..Bad::new("what is not mended yet", manifest, &[says]) }.fails();
    };

    fails(&manifest, "right", "does not contain ref v9");
    let code = "import six\nprint(six.__version__, open('/models/config.json').read())\n";
    repository.commit(&[("main.py", code)], "print").unwrap();
    repository.tag("v9").unwrap();
    fails(&manifest, "wrong", "see that the token in the secret my_token is valid");
    let missing = manifest.replace("1.17.0", "0.0.999");
    fails(&missing, "right", "No matching distribution found for six==0.0.999");
    let mended = Built::new(&format!("# syntax=strata\n{manifest}"), &[], &arguments("right"));
    assert_eq!(mended.run(&[]), "1.17.0 {}");
}
