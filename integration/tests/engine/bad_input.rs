//! What is wrong is said in buildx's own output, with its line, and leaves nothing behind.

use std::net::Ipv4Addr;

use integration::buildx::Plain;
use integration::digest::sha256;
use integration::fault::Fault;
use integration::file_server::FileServer;
use integration::git_server::GitServer;
use integration::hub::{Hub, Repo};
use integration::package::Package;
use integration::package_index::PackageIndex;
use integration::registry::Registry;

use crate::built::Built;
use crate::{BASE, STRATA, build, build_file, context, unique};

/// A build that must fail.
pub struct Bad<'a> {
    /// What is wrong with it.
    pub what: &'a str,
    /// The manifest from its second line on.
    pub manifest: &'a str,
    /// Other files of the build context.
    pub files: &'a [(&'a str, &'a str)],
    /// Arguments of `docker buildx build`.
    pub arguments: &'a [&'a str],
    /// What buildx prints, among other things.
    pub says: &'a [&'a str],
}

impl<'a> Bad<'a> {
    /// One without other files and arguments.
    pub fn new(what: &'a str, manifest: &'a str, says: &'a [&'a str]) -> Self {
        Self { what, manifest, files: &[], arguments: &[], says }
    }

    /// Builds it: it fails as it should.
    pub fn fails(&self) {
        let manifest = format!("# syntax=strata\n{}", self.manifest);
        let folder = context(&[&[("strata.yaml", &*manifest)], self.files].concat());
        let mut command = build(&STRATA, folder.path());
        command.args(self.arguments);
        let Plain { status, text } = Plain::run(&mut command).unwrap();

        assert_eq!(status.code(), Some(1), "{}:\n{text}", self.what);
        for said in self.says {
            assert!(text.contains(said), "of {}, nobody says {said:?}:\n{text}", self.what);
        }
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
    let mut command = build_file(&STRATA, folder.path(), "nope.yaml");
    command.arg("--build-arg=BUILDKIT_SYNTAX=strata");
    let Plain { status, text } = Plain::run(&mut command).unwrap();
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
        ("six==0.0.999\n", ["there is no version of six==0.0.999", ">>> python: requirements.txt"]),
    ] {
        let files = &[("requirements.txt", text)];
        Bad { files, ..Bad::new(text, &manifest, &says) }.fails();
    }
}

#[test]
fn packages_that_cannot_be_together() {
    let release = |name: &str, version: &str, needs: &[&str]| {
        let package = Package::of_module(name, version, "");
        needs.iter().fold(package, |package, need| package.needs(need)).wheel().unwrap()
    };
    let files = [
        release("strata_left", "1.0", &["strata_common<2"]),
        release("strata_right", "1.0", &["strata_common>=2"]),
        release("strata_common", "1.0", &[]),
        release("strata_common", "2.0", &[]),
    ];
    let index = PackageIndex::serve(STRATA.host_address().unwrap(), files).unwrap();
    let packages = "  packages: [strata_left==1.0, strata_right==1.0]\n";
    let manifest =
        format!("base: {BASE}\npython:\n{packages}  extra_index_urls: '{}'\n", index.url());
    let says = [
        "strata-right depend on strata-common>=2",
        "strata-left depend on strata-common<2",
        "your requirements are unsatisfiable",
        &format!(">>> {}", packages.trim_end()),
    ];
    Bad::new("requirements without a solution", &manifest, &says).fails();
}

#[test]
fn hashes() {
    let files =
        &[("requirements.txt", &*format!("six==1.17.0 --hash=sha256:{}\n", "0".repeat(64)))];
    let manifest = format!("base: {BASE}\npython: requirements.txt\n");
    let says = [
        "`six 1.17.0`: none of its files on the index has a hash that is asked for",
        "strata.yaml:3",
        ">>> python: requirements.txt",
    ];
    Bad { files, ..Bad::new("a hash that nothing has", &manifest, &says) }.fails();
}

#[test]
fn builds_from_source() {
    let extension = "from setuptools import Extension, setup\n\
                     setup(name='strata_c', version='1.0', \
                     ext_modules=[Extension('strata_c', ['strata_c.c'])])\n";
    let broken = "print('one')\nprint('two')\nraise SystemExit('three blows')\n";
    let files = [
        Package::new("strata_c", "1.0")
            .file("setup.py", extension)
            .file("strata_c.c", "#include <Python.h>\n"),
        Package::new("strata_broken", "1.0").file("setup.py", broken),
    ];
    let files = files.map(|package| package.sdist().unwrap());
    let index = PackageIndex::serve(STRATA.host_address().unwrap(), files).unwrap();
    for (package, says) in [
        (
            "strata_c",
            "strata-c has no wheel that fits, and is built from source: what that usually takes is, \
             by Debian's names, `system: {build: [gcc, libc6-dev, python3-dev]}`",
        ),
        ("strata_broken", "three blows"),
        // Known by its name; and it has to be built to tell what it needs.
        (
            "psycopg2==2.9.10",
            "psycopg2 has no wheel that fits, and is built from source: what that usually takes is, \
             by Debian's names, `system: {build: [gcc, libc6-dev, libpq-dev, python3-dev]}`",
        ),
    ] {
        let manifest = format!(
            "base: {BASE}\npython:\n  packages: [{package}]\n  extra_index_urls: '{}'\n",
            index.url(),
        );
        let says = [says, &format!(">>>   packages: [{package}]")];
        Bad::new(package, &manifest, &says).fails();
    }
}

#[test]
fn locks_for_another_python() {
    let uv = "version = 1\nrequires-python = \">=3.99\"\n\n[[package]]\nname = \"app\"\n\
              version = \"1.0\"\nsource = { virtual = \".\" }\n";
    let pylock = "lock-version = \"1.0\"\nrequires-python = \">=3.99\"\ncreated-by = \"x\"\n\
                  packages = []\n";
    for (name, text) in [("uv.lock", uv), ("pylock.toml", pylock)] {
        let says = [&*format!("{name}:2: "), ">=3.99", ">>> requires-python = \">=3.99\""];
        let manifest = format!("base: {BASE}\npython: {{lock: {name}}}\n");
        Bad { files: &[(name, text)], ..Bad::new(name, &manifest, &says) }.fails();
    }
}

#[test]
fn models() {
    let address = STRATA.host_address().unwrap();
    // What the fetcher has kept of another run needs no token.
    let files = || [("config.json", unique())];
    let gated = Repo::new("tiny/gated", files()).gated("open-sesame");
    let private = Repo::new("tiny/private", files()).private("open-sesame");
    let hub = Hub::serve(address, [Repo::new("tiny/open", files()), gated, private]).unwrap();
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());

    let folder = context(&[("wrong", "open-says-me")]);
    let wrong = format!("--secret=id=my_token,src={}/wrong", folder.path().display());
    let nothing: &[&str] = &[&endpoint];
    let wrong: &[&str] = &[&endpoint, &wrong];
    for (model, arguments, says) in [
        ("tiny/missing", nothing, "has no model tiny/missing, or it is private: check the name"),
        ("tiny/opne", nothing, "near it are tiny/open"),
        ("{hf: tiny/open, revision: v9}", nothing, "has no revision v9"),
        (
            "{hf: tiny/open, files: confg.json}",
            nothing,
            "no file of tiny/open at main matches `confg.json`",
        ),
        (
            "tiny/gated",
            nothing,
            "name the secret that holds a token, or `user:password`, in the model's `token`",
        ),
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
    let config = unique();
    let model = Repo::new("tiny/gated", [("config.json", config.clone())]).gated("open-sesame");
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
    fails(&missing, "right", "there is no version of six==0.0.999");
    let mended = Built::new(&format!("# syntax=strata\n{manifest}"), &[], &arguments("right"));
    assert_eq!(mended.run(&[]), format!("1.17.0 {config}"));
}

#[test]
fn what_was_wrong_is_in_no_layer_of_what_is_right() {
    let (address, once) = (STRATA.host_address().unwrap(), unique());
    let module = Package::of_module("strata_hashed", "1.0", &format!("ONCE = '{once}'\n"));
    let wheel = module.wheel().unwrap();
    let (wrong, right) = (sha256(b"another"), sha256(&wheel.content));
    let index = PackageIndex::serve(address, [wheel]).unwrap();
    let server = FileServer::serve(address, [("weights", once.clone())]).unwrap();
    let manifest = format!(
        "base: {BASE}\n\
         python: {{requirements: requirements.txt, extra_index_urls: '{}'}}\n\
         models: [{{url: '{}/weights', sha256: {}, to: /models/}}]\n\
         code: {{context: ., build: python make.py}}\n",
        index.url(),
        server.url(),
        sha256(once.as_bytes()),
    );
    let asking = |hash: &str| format!("strata_hashed==1.0 --hash=sha256:{hash}\n");
    let (wrong, right) = (asking(&wrong), asking(&right));
    let broken = "open('made.txt', 'w').write('half')\nraise SystemExit('three blows')\n";
    let mended = "open('made.txt', 'w').write(open('/models/weights').read())\n";
    let fails = |what, requirements: &str, says| {
        let files = &[("requirements.txt", requirements), ("make.py", broken)];
        Bad { files, ..Bad::new(what, &manifest, &[says]) }.fails();
    };

    let says = "none of its files on the index has a hash that is asked for";
    fails("a hash that nothing has", &wrong, says);
    // As often as it is fetched before it is given up.
    server.fault("/weights", Fault::Wrong, 3);
    fails("a model that is another one", &right, "is not what it should be: its checksum is ");
    fails("code that cannot be built", &right, "three blows");
    let files = &[("requirements.txt", &*right), ("make.py", mended)];
    let image = Built::new::<&str>(&format!("# syntax=strata\n{manifest}"), files, &[]);
    let print = "import strata_hashed\n\
                 print(strata_hashed.ONCE, open('/models/weights').read(), open('made.txt').read())";
    assert_eq!(image.run(&["python", "-c", print]), format!("{once} {once} {once}"));
}
