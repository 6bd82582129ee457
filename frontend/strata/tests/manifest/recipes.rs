//! What a manifest means.

use std::fmt::Write as _;

use strata::{
    mistake::{Mistake, Mistakes, Spanned},
    recipe::{
        Code, CodeSource, Command, Download, Hub, InContext, InputPath, Model, Recipe, Source,
        SpacyRelease, Target,
    },
};

use crate::read;

/// A manifest, the choices made of it, and what the recipe then says.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a str);

/// One line for each thing that `recipe` says, but for what every recipe says.
fn said(recipe: &Recipe) -> String {
    let mut said = String::new();
    let mut say = |what: &str, value: &dyn std::fmt::Debug| {
        writeln!(said, "{what} {value:?}").unwrap();
    };
    if recipe.target != Target::Image {
        say("target", &recipe.target);
    }
    if recipe.base.value != "b" {
        say("base", &recipe.base.value);
    }
    for (name, list) in [
        ("system.python", &recipe.system.python),
        ("system.runtime", &recipe.system.runtime),
        ("system.build", &recipe.system.build),
    ] {
        list.iter().for_each(|list| say(name, &list.value));
    }
    recipe.system.sources.iter().for_each(|it| say("system.sources", &it.value.path()));
    recipe.system.env.iter().for_each(|(name, value)| say(&format!("system env {name}"), value));
    for Spanned { value, .. } in &recipe.python.requirements {
        match value {
            InputPath::Context(path) => say("requirements", path),
            InputPath::Code(path) => say("requirements of code", path),
        }
    }
    recipe.python.packages.iter().for_each(|package| say("package", &package.value));
    recipe.python.indexes.index_url.iter().for_each(|url| say("index", url));
    recipe.python.indexes.extra_index_urls.iter().for_each(|url| say("extra index", url));
    recipe.python.env.iter().for_each(|(name, value)| say(&format!("python env {name}"), value));
    recipe.python.code.iter().for_each(|code| say("python code", &from(code)));
    recipe.models.iter().for_each(|model| say("model", &what(model)));
    recipe.code.iter().for_each(|code| say("code", &from(code)));
    recipe.files.iter().for_each(|it| say("files", &format!("{} to {}", it.path(), it.to)));
    let image = &recipe.image;
    image.env.iter().for_each(|(name, value)| say(&format!("env {name}"), &value.over("")));
    image.user.iter().for_each(|user| say("user", &user.value));
    image.workdir.iter().for_each(|workdir| say("workdir", workdir));
    image.entrypoint.iter().for_each(|words| say("entrypoint", words));
    image.cmd.iter().for_each(|words| say("cmd", words));
    image.ports.iter().for_each(|port| say("port", port));
    image.volumes.iter().for_each(|volume| say("volume", volume));
    image.dirs.iter().for_each(|dir| say("dir", &dir.value));
    image.labels.iter().for_each(|(name, value)| say(&format!("label {name}"), value));
    image.healthcheck.iter().for_each(|check| say("healthcheck", check));
    image.stop_signal.iter().for_each(|signal| say("stop signal", signal));
    recipe.warnings.iter().for_each(|warning| say("warning", &warning.to_string()));
    said
}

fn what(model: &Model) -> String {
    let Model { source, token, .. } = model;
    let mut what = match source {
        Source::Hub(hub) => from_hub(hub),
        Source::Url(Download { url, sha256, unpack, to }) => {
            let unpacked = if *unpack { " unpacked" } else { "" };
            format!("{url} {}…{unpacked} to {to}", &sha256[..4])
        }
        Source::Spacy(SpacyRelease { pipeline, sha256, endpoint }) => {
            format!("{} {} {sha256:?} from {endpoint}", pipeline.name, pipeline.version)
        }
        Source::Run(Command { name, words, needs, keep, env, secrets }) => {
            format!("{name}: {words:?} needs {needs:?} keep {keep:?} env {env:?} {secrets:?}")
        }
        Source::Context(InContext { path, to }) => format!("context {path:?} to {to}"),
    };
    token.iter().for_each(|token| write!(what, " token {token}").unwrap());
    what
}

fn from_hub(hub: &Hub) -> String {
    let Hub { revision, files, to, endpoint, .. } = hub;
    let mut what = format!("{}@{revision}", hub.name());
    if !files.is_empty() {
        write!(what, " {files:?}").unwrap();
    }
    to.iter().for_each(|to| write!(what, " to {to}").unwrap());
    if endpoint != "https://huggingface.co" {
        write!(what, " from {endpoint}").unwrap();
    }
    what
}

fn from(code: &Code) -> String {
    let mut from = match &code.source {
        CodeSource::Context(folder) => format!("context {folder:?}"),
        CodeSource::Git(git) => {
            let mut from = format!("git {}", git.url);
            git.reference.iter().for_each(|wanted| write!(from, "#{wanted}").unwrap());
            git.token.iter().for_each(|token| write!(from, " token {token}").unwrap());
            if git.ssh != "default" {
                write!(from, " ssh {}", git.ssh).unwrap();
            }
            if !git.submodules {
                from += " without submodules";
            }
            from
        }
    };
    if !code.subdir.is_empty() {
        write!(from, " subdir {}", code.subdir).unwrap();
    }
    code.version.iter().for_each(|version| write!(from, " version {version}").unwrap());
    let mut to = format!("{from} to {}", code.to);
    code.install.iter().for_each(|install| write!(to, " install {:?}", install.value).unwrap());
    to
}

fn check(cases: &[Case<'_>]) {
    for (name, manifest, choices, expected) in cases {
        let manifest = format!("base: b\n{manifest}");
        let recipe = read(&manifest, choices)
            .unwrap_or_else(|mistakes| panic!("{name}: {mistakes}\n{manifest}"));
        assert_eq!(said(&recipe).trim(), *expected, "{name}");
    }
}

#[test]
fn models_come_from_anywhere() {
    let sha256 = "0123456789abcdefABCDEF".repeat(3)[..64].to_owned();
    let of_url = format!("models: {{url: https://e.org/w.bin?x=1, sha256: {sha256}, to: /m/}}");
    let archive = format!(
        "models: {{url: https://e.org/w.tgz, sha256: 'sha256:{sha256}', unpack: true, to: /m}}"
    );
    check(&[
        (
            "a folder of the context",
            "models: {context: ./weights/, to: /models/}",
            &[],
            r#"model "context \"weights\" to /models/""#,
        ),
        ("a dataset", "models: datasets/org/name", &[], r#"model "datasets/org/name@main""#),
        ("a file", &of_url, &[], r#"model "https://e.org/w.bin?x=1 0123… to /m/""#),
        ("an archive", &archive, &[], r#"model "https://e.org/w.tgz 0123… unpacked to /m""#),
        (
            "a pipeline",
            "python: {packages: spacy}\nmodels: {spacy: en_core_web_sm==3.8.0}",
            &[],
            "package \"spacy\"\nmodel \"en_core_web_sm 3.8.0 None from \
             https://github.com/explosion/spacy-models/releases/download\"",
        ),
        (
            "a command",
            "models: {run: python get.py, needs: [Pix2Text], keep: [~/.p2t, /m], env: {A: 1}, \
             name: pix, token: secret:t, secrets: {KEY: secret:key}}",
            &[],
            r#"model "pix: [\"python\", \"get.py\"] needs {\"pix2text\"} keep [\"~/.p2t\", \"/m\"] env {\"A\": \"1\"} {\"KEY\": \"key\"} token t""#,
        ),
    ]);
    let recipe = read(
        "base: b\nmodels: a/b\nenv: {HF_HOME: /app/.cache/huggingface}\ndev: {models: volume}\n",
        &["target=dev"],
    );
    let recipe = recipe.unwrap();
    assert_eq!(recipe.hf_home, "/app/.cache/huggingface");
    assert!(recipe.models_are_volume && recipe.models.len() == 1);
    let usual = read("base: b\nmodels: a/b\nenv: {HF_HOME: /opt/huggingface/}\n", &[]);
    assert_eq!(usual.unwrap().hf_home, "/opt/huggingface");
    let files = "base: b\nfiles: [{context: a, to: /etc/x}, {context: b, to: /y/}]\n\
                 variants: {v: {files: [{context: c, to: /etc/x}, {context: d, to: /y/}]}}\n";
    let files = read(files, &["VARIANT=v"]).unwrap().files;
    let files: Vec<_> = files.iter().map(|files| (files.path(), &*files.to)).collect();
    assert_eq!(files, [("c", "/etc/x"), ("b", "/y/"), ("d", "/y/")], "as models");
    let taken_back = "base: b\ndev: {models: volume}\nvariants: {v: {dev: {models: !reset }}}\n";
    assert!(!read(taken_back, &["target=dev", "VARIANT=v"]).unwrap().models_are_volume);
    // Another release of a pipeline.
    let newer = "base: b\npython: {packages: spacy}\nmodels: {spacy: en_core_web_sm==3.8.0}\n\
                 variants: {v: {models: {spacy: en_core_web_sm==3.9.0}}}\n";
    let models = read(newer, &["VARIANT=v"]).unwrap().models;
    assert_eq!(models.iter().map(Model::name).collect::<Vec<_>>(), ["en_core_web_sm 3.9.0"]);
    let after = "base: b\npython: {after: {Flash_Attn: torch, flash-attn: numpy}}\n";
    assert_eq!(read(after, &[]).unwrap().python.after["flash-attn"].len(), 2);
}

#[test]
fn short_forms_are_the_long_ones() {
    check(&[
        ("nothing but a base", "", &[], ""),
        ("a requirements file", "python: r.txt", &[], r#"requirements "r.txt""#),
        (
            "requirements files",
            "python: [./r.txt, a//b/./r.txt, r.txt]",
            &[],
            "requirements \"r.txt\"\nrequirements \"a/b/r.txt\"",
        ),
        ("one of a list", "python: {requirements: r.txt}", &[], r#"requirements "r.txt""#),
        ("a model", "models: org/name", &[], r#"model "org/name@main""#),
        ("a model as an object", "models: {hf: name}", &[], r#"model "name@main""#),
        (
            "models",
            "models: [org/a, {hf: org/b, revision: v1, files: m.gguf}]",
            &[],
            "model \"org/a@main\"\nmodel \"org/b@v1 [\\\"m.gguf\\\"]\"",
        ),
        ("code here", "code: .", &[], "code \"context \\\"\\\" to /app\"\nworkdir \"/app\""),
        (
            "code in a folder",
            "code: ./src/",
            &[],
            "code \"context \\\"src\\\" to /app\"\nworkdir \"/app\"",
        ),
        (
            "code by https",
            "code: https://github.com/o/n",
            &[],
            "code \"git https://github.com/o/n to /app\"\nworkdir \"/app\"",
        ),
        (
            "code by SSH",
            "code: git@github.com:o/n.git",
            &[],
            "code \"git git@github.com:o/n.git to /app\"\nworkdir \"/app\"",
        ),
        ("a port", "ports: 8000", &[], r#"port "8000/tcp""#),
        (
            "variables as a list",
            "env: [A=1, B=x=y, C=]",
            &[],
            "env A \"1\"\nenv B \"x=y\"\nenv C \"\"",
        ),
    ]);
}

#[test]
fn text_is_as_written() {
    check(&[
        (
            "numbers, yes and no",
            "env: {A: 3.10, B: true, C: 0x1F, D: 1e3, E: no, F: 010, G: '', H: 'null'}",
            &[],
            "env A \"3.10\"\nenv B \"true\"\nenv C \"0x1F\"\nenv D \"1e3\"\nenv E \"no\"\nenv F \
             \"010\"\nenv G \"\"\nenv H \"null\"",
        ),
        ("a text by tag", "env: {A: !!str null}", &[], r#"env A "null""#),
        (
            "blocks",
            "env:\n  A: |\n    one\n    two\n  B: >-\n    one\n    two\n",
            &[],
            "env A \"one\\ntwo\\n\"\nenv B \"one two\"",
        ),
        (
            "a revision of digits",
            "models: {hf: a/b, revision: 0123456}",
            &[],
            r#"model "a/b@0123456""#,
        ),
    ]);
}

#[test]
fn aliases_and_merge_keys() {
    check(&[
        (
            "an extension is a place for anchors",
            "x-common: &common {A: 1, B: 2}\nenv: *common",
            &[],
            "env A \"1\"\nenv B \"2\"",
        ),
        (
            "what a map says itself wins",
            "x-a: &a {A: 1, B: 2}\nx-b: &b {B: 3, C: 4}\nenv: {<<: [*a, *b], A: 0}",
            &[],
            "env A \"0\"\nenv B \"2\"\nenv C \"4\"",
        ),
        ("a scalar", "workdir: &w /w\nvolumes: [*w]", &[], "workdir \"/w\"\nvolume \"/w\""),
    ]);
}

#[test]
fn arguments_are_filled_in() {
    let declared = "args: {A: x, B: ''}\n";
    let cases: &[Case<'_>] = &[
        ("a default", "env: {V: '${A}'}", &[], "x"),
        ("a given one", "env: {V: '${A}'}", &["A=y"], "y"),
        ("one given empty", "env: {V: '${A:-z}${A-z}'}", &["A="], "z"),
        ("an empty one", "env: {V: '${B:-z}'}", &[], "z"),
        ("several", "env: {V: '<${A}${B}-${A}>'}", &[], "<x-x>"),
        ("the shell's", "env: {V: '$A $$ $${A}'}", &[], "$A $$ ${A}"),
        ("one that is given", "env: {V: '${A:?why}'}", &[], "x"),
        ("predefined without a value", "env: {V: '<${CODE_VERSION}>'}", &[], "<>"),
        ("predefined with a default", "env: {V: '${VARIANT:-none}'}", &[], "none"),
        ("predefined", "env: {V: '${CODE_VERSION}'}", &["CODE_VERSION=v1"], "v1"),
        ("the hub", "env: {V: '${HF_ENDPOINT}'}", &[], "https://huggingface.co"),
        ("no structure", "env: {V: '${A}'}", &["A=x\nX: [1, {y: 2}]"], "x\\nX: [1, {y: 2}]"),
        ("no argument in an argument", "env: {V: '${A}'}", &["A=${B}"], "${B}"),
    ];
    for (name, manifest, choices, expected) in cases {
        let expected = format!("env V \"{expected}\"");
        check(&[(*name, &format!("{declared}{manifest}"), choices, &expected)]);
    }
    check(&[
        ("as a list", "args: [A=x]\nenv: ['V=${A}']", &[], r#"env V "x""#),
        ("one that must be given", "args: [A]\nworkdir: /${A}", &["A=b/c"], r#"workdir "/b/c""#),
        ("not in another variant", "variants: {v: {env: {V: '${VARIANT:?}'}}}", &[], ""),
        (
            "of every build",
            "",
            &["http_proxy=p", "NO_PROXY=n", "BUILDKIT_INLINE_CACHE=1", "SOURCE_DATE_EPOCH=0"],
            "",
        ),
        (
            "of other builds",
            "args: {A: 1}",
            &["A=2", "CI=true", "GIT_SHA=abc"],
            "warning \"UndeclaredArgument: no use for `CI`, `GIT_SHA`: the manifest declares `A`\"",
        ),
        (
            "of other builds alone",
            "",
            &["CI=true"],
            "warning \"UndeclaredArgument: no use for `CI`: the manifest declares none; one that \
             does has `args: {CI: …}`\"",
        ),
        (
            "of other builds, a secret among them",
            "args: {A: 1}",
            &["CI=true", "HF_TOKEN=hf_abc", "TOKEN_LIMIT=9"],
            "warning \"UndeclaredArgument: no use for `CI`, `TOKEN_LIMIT`: the manifest declares \
             `A`\"\nwarning \"UndeclaredArgument: no use for `HF_TOKEN`, and everyone who gets the \
             image or its provenance could read a build argument: give it as a build secret, \
             `--secret id=hf_token,env=HF_TOKEN`, to what asks for one: `token: secret:hf_token`, \
             `credentials`, or a command's `secrets`\"",
        ),
    ]);
    check(&[(
        "in values that are no text",
        "args: {N: 3, D: 'true'}\nports: ['80${N}']\nhealthcheck: {disable: '${D}'}",
        &["N=4"],
        "port \"804/tcp\"\nhealthcheck Healthcheck { test: [\"NONE\"], interval: None, timeout: \
         None, start_period: None, start_interval: None, retries: None }",
    )]);
}

#[test]
fn overlays_are_laid_as_compose_lays_them() {
    let nvidia = &["VARIANT=nvidia"][..];
    let dev = &["target=dev"][..];
    check(&[
        ("not chosen", "env: {A: 1}\nvariants: {nvidia: {env: {A: 2}}}", &[], r#"env A "1""#),
        ("scalars replace", "variants: {nvidia: {base: cuda}}", nvidia, r#"base "cuda""#),
        (
            "maps merge",
            "env: {A: 1, B: 1}\nvariants: {nvidia: {env: {B: 2, C: 2}}}",
            nvidia,
            "env A \"1\"\nenv B \"2\"\nenv C \"2\"",
        ),
        (
            "lists add",
            "ports: [1]\nsystem: {runtime: [b, a]}\nvariants: {nvidia: {ports: 2, system: \
             {runtime: [c, a]}}}",
            nvidia,
            "system.runtime [\"a\", \"b\", \"c\"]\nport \"1/tcp\"\nport \"2/tcp\"",
        ),
        (
            "commands replace",
            "cmd: [a, b]\nhealthcheck: {test: a, retries: 2}\nvariants: {nvidia: {cmd: c, \
             healthcheck: {test: [CMD, b]}}}",
            nvidia,
            "cmd [\"c\"]\nhealthcheck Healthcheck { test: [\"CMD\", \"b\"], interval: None, \
             timeout: None, start_period: None, start_interval: None, retries: Some(2) }",
        ),
        (
            "`!reset` empties",
            "env: {A: 1, B: 1}\nports: 1\nuser: u\nlabels: {A: 1}\nvariants: {nvidia: {env: {A: \
             !reset null}, ports: !reset [], user: !reset '', labels: !reset}}",
            nvidia,
            r#"env B "1""#,
        ),
        (
            "`!reset` of a command is the image's own emptiness",
            "entrypoint: !reset\ncmd: a\nvariants: {nvidia: {cmd: !reset []}}",
            nvidia,
            "entrypoint []\ncmd []",
        ),
        (
            "`!override` replaces",
            "env: {A: 1}\nports: [1]\nvariants: {nvidia: {env: !override {B: 2}, ports: !override \
             [2]}}",
            nvidia,
            "env B \"2\"\nport \"2/tcp\"",
        ),
        ("a variant without changes", "variants: {nvidia: }", nvidia, ""),
        (
            "the default variant",
            "args: {VARIANT: nvidia}\nvariants: {nvidia: {user: n}, generic: {user: g}}",
            &[],
            r#"user Name("n")"#,
        ),
        (
            "over the default variant",
            "args: {VARIANT: nvidia}\nvariants: {nvidia: {user: n}, generic: {user: g}}",
            &["VARIANT=generic"],
            r#"user Name("g")"#,
        ),
        ("no variant", "variants: {nvidia: {user: n}}", &["VARIANT="], ""),
        ("an empty dev", "dev:", dev, "target Dev"),
        ("dev is for dev", "user: u\ndev: {user: d}", &["target=image"], r#"user Name("u")"#),
        (
            "dev adds packages",
            "python: {packages: [a]}\ndev: {python: {packages: [b]}}",
            dev,
            "target Dev\npackage \"a\"\npackage \"b\"",
        ),
        (
            "manifest, variant, dev, the variant's dev",
            "env: {A: 1, B: 1, C: 1, D: 1}\ndev: {env: {C: 3, D: 3}}\nvariants: {nvidia: {env: {B: \
             2, C: 2, D: 2}, dev: {env: {D: 4}}}}",
            &["VARIANT=nvidia", "target=dev"],
            "target Dev\nenv A \"1\"\nenv B \"2\"\nenv C \"3\"\nenv D \"4\"",
        ),
        (
            "code from elsewhere",
            "code: {git: https://h/r, ref: v1, token: secret:t, to: /srv}\nvariants: {nvidia: \
             {code: ./src}}",
            nvidia,
            "code \"context \\\"src\\\" to /srv\"\nworkdir \"/srv\"",
        ),
        (
            "another ref",
            "code: https://h/r\nvariants: {nvidia: {code: {ref: v2}}}",
            nvidia,
            "code \"git https://h/r#v2 to /app\"\nworkdir \"/app\"",
        ),
        (
            "more of the code is installed",
            "python: {}\ncode: {source: ., install: true}\nvariants: {nvidia: {code: {install: \
             [./lib/, .]}}}",
            nvidia,
            "code \"context \\\"\\\" to /app install [\\\"\\\", \\\"lib\\\"]\"\nworkdir \"/app\"",
        ),
        (
            "the code is not installed",
            "python: {}\ncode: {source: ., install: [api, lib]}\nvariants: {nvidia: {code: \
             {install: false}}}",
            nvidia,
            "code \"context \\\"\\\" to /app\"\nworkdir \"/app\"",
        ),
        (
            "models add",
            "models: a/b\nvariants: {nvidia: {models: c/d}}",
            nvidia,
            "model \"a/b@main\"\nmodel \"c/d@main\"",
        ),
        (
            "a model replaces itself",
            "models: [{hf: a/b, files: x}, c/d, {hf: e/f, to: /m}]\nvariants: {nvidia: {models: \
             [{hf: a/b, revision: v2}, {hf: g/h, to: /m}]}}",
            nvidia,
            "model \"a/b@v2\"\nmodel \"c/d@main\"\nmodel \"g/h@main to /m\"",
        ),
        (
            "a folder is shared, and a model in it replaces itself",
            "models: [{hf: a/b, to: /m/}, {hf: c/d, to: /m/}]\nvariants: {nvidia: {models: \
             [{hf: a/b, revision: v2, to: /m/}, {hf: e/f, to: /m/}]}}",
            nvidia,
            "model \"a/b@v2 to /m/\"\nmodel \"c/d@main to /m/\"\nmodel \"e/f@main to /m/\"",
        ),
    ]);
}

#[test]
fn targets_differ_in_the_code() {
    let manifest = "python: code:r.txt\ncode: {context: ., to: /srv}";
    let rest = "requirements of code \"r.txt\"\npython code \"context \\\"\\\" to /srv\"\n";
    let without = format!("{rest}workdir \"/srv\"");
    let with = format!("{rest}code \"context \\\"\\\" to /srv\"\nworkdir \"/srv\"");
    check(&[
        ("the whole image", manifest, &["target=image"], &with),
        ("no target", manifest, &["target="], &with),
        ("dev", manifest, &["target=dev"], &format!("target Dev\n{without}")),
        ("deps", manifest, &["target=deps"], &format!("target Deps\n{without}")),
    ]);
}

#[test]
fn code_version_is_the_reference() {
    let git = "code: {git: https://h/r, ref: v1}";
    let says = |code: &str| format!("code \"{code} to /app\"\nworkdir \"/app\"");
    check(&[
        ("none", git, &[], &says("git https://h/r#v1")),
        ("empty", git, &["CODE_VERSION="], &says("git https://h/r#v1")),
        ("a tag", git, &["CODE_VERSION=v2"], &says("git https://h/r#v2 version v2")),
        ("latest", git, &["CODE_VERSION=latest"], &says("git https://h/r#v1 version latest")),
        (
            "a time",
            git,
            &["CODE_VERSION=1732147200"],
            &says("git https://h/r#v1 version 1732147200"),
        ),
        (
            "by the manifest",
            &format!("args: {{CODE_VERSION: v3}}\n{git}"),
            &[],
            &says("git https://h/r#v3 version v3"),
        ),
        ("no code", "", &["CODE_VERSION=v2"], ""),
        (
            "a label of local code",
            "code: .",
            &["CODE_VERSION=1a2b3c4"],
            &says("context \\\"\\\" version 1a2b3c4"),
        ),
    ]);
}

#[test]
fn everything_at_once() {
    let manifest = "
system:
  python: [python3, python3-venv]
  runtime: [libgomp1, curl=8.*, 'libssl3:amd64', libgomp1]
  build: [g++, cmake]
  sources: [deploy/nexus.sources, ./cuda.list]
  env: {ACCEPT_EULA: Y}
python:
  requirements: [requirements.txt, 'code:deps/extra.txt']
  packages: ['llama-cpp-python', 'torch == 2.9.1 ; python_version > \"3.9\"']
  index_url: https://pypi.example.org/simple/
  extra_index_urls: https://download.pytorch.org/whl/cpu
  env: {CMAKE_ARGS: -DGGML_CUDA=on}
models:
  - hf: org/model
    revision: refs/pr/1
    files: ['*.json', 'a/*.safetensors']
    token: secret:hf_token
  - hf: org/gguf
    files: m.gguf
    to: /models//llm.gguf
    endpoint: https://hub.example.org/
  - {hf: org/dir, to: /models/dir/}
code:
  git: ssh://git@example.org/o/n.git
  ref: main
  subdir: ./src/
  to: /srv/./app
  ssh: work
  submodules: false
env: {PYTHONUNBUFFERED: 1}
user: 1000:2000
workdir: /
entrypoint: [python, -m]
cmd: gunicorn 'a b' -w 4
ports: [9000/udp, 8002-8003, 8000, 8002]
volumes: [/data/, /b]
dirs: [/z, /app/logs]
labels: [a.b=c]
healthcheck: {test: curl -f localhost || exit 1, interval: 30s, timeout: 1m30s, start_period: 500ms}
stop_signal: int
";
    let expected = r#"
system.python ["python3", "python3-venv"]
system.runtime ["curl=8.*", "libgomp1", "libssl3:amd64"]
system.build ["cmake", "g++"]
system.sources "deploy/nexus.sources"
system.sources "cuda.list"
system env ACCEPT_EULA "Y"
requirements "requirements.txt"
requirements of code "deps/extra.txt"
package "llama-cpp-python"
package "torch == 2.9.1 ; python_version > \"3.9\""
index "https://pypi.example.org/simple"
extra index "https://download.pytorch.org/whl/cpu"
python env CMAKE_ARGS "-DGGML_CUDA=on"
python code "git ssh://git@example.org/o/n.git#main ssh work without submodules subdir src to /srv/app"
model "org/model@refs/pr/1 [\"*.json\", \"a/*.safetensors\"] from https://mirror.example.org token hf_token"
model "org/gguf@main [\"m.gguf\"] to /models/llm.gguf from https://hub.example.org"
model "org/dir@main to /models/dir/ from https://mirror.example.org"
code "git ssh://git@example.org/o/n.git#main ssh work without submodules subdir src to /srv/app"
env PYTHONUNBUFFERED "1"
user Id { uid: 1000, gid: 2000 }
workdir "/"
entrypoint ["python", "-m"]
cmd ["gunicorn", "a b", "-w", "4"]
port "8000/tcp"
port "8002/tcp"
port "8003/tcp"
port "9000/udp"
volume "/b"
volume "/data"
dir "/app/logs"
dir "/z"
label a.b "c"
healthcheck Healthcheck { test: ["CMD-SHELL", "curl -f localhost || exit 1"], interval: Some(30s), timeout: Some(90s), start_period: Some(500ms), start_interval: None, retries: None }
stop signal "SIGINT"
"#;
    check(&[("all", manifest, &["HF_ENDPOINT=https://mirror.example.org/"], expected.trim())]);
}

#[test]
fn lines_are_those_a_person_would_point_at() {
    let manifest = "# syntax=strata
base: b
python:
  # comment
  requirements:
    - a.txt
    - b.txt

  packages: [x,
    y]

models:
  - hf: a/b
    files:
      - x
  - c/d
system: {runtime: [a]}
code:
  git: |-
    https://h/r

dirs: /d
dev:
  system:
    runtime:
      - b
";
    let recipe = read(manifest, &["target=dev"]).unwrap();
    let lines = |lines: llb::Lines| (lines.start, lines.end);
    assert_eq!(recipe.python.lines.map(lines), Some((3, 10)));
    let requirements = recipe.python.requirements.iter().map(|path| lines(path.lines));
    assert_eq!(requirements.collect::<Vec<_>>(), [(6, 6), (7, 7)]);
    let packages = recipe.python.packages.iter().map(|package| lines(package.lines));
    assert_eq!(packages.collect::<Vec<_>>(), [(9, 9), (10, 10)]);
    let models = recipe.models.iter().map(|model| lines(model.lines));
    assert_eq!(models.collect::<Vec<_>>(), [(13, 15), (16, 16)]);
    let runtime = recipe.system.runtime.map(|runtime| lines(runtime.lines));
    assert_eq!(runtime, Some((25, 26)), "what an overlay adds to stands where the overlay does");
    assert_eq!(lines(recipe.image.dirs[0].lines), (22, 22));
    let image = read(manifest, &[]).unwrap();
    assert_eq!(image.code.map(|code| lines(code.lines)), Some((18, 20)));
}

#[test]
fn a_selection_is_to_blame_for_what_is_about_it() {
    let manifest = "base: b\npython:\n  lock: uv.lock\n  extras: [six]\n  groups: [test]\n";
    let recipe = read(manifest, &[]).unwrap();
    let line = |mistake: Mistake| {
        let blamed = recipe.blame_selection(Mistakes(vec![mistake])).0.remove(0);
        blamed.location.unwrap().lines.start
    };
    assert_eq!(line(Mistake::new("there is none").naming(["six"])), 4);
    assert_eq!(line(Mistake::new("they exclude each other").naming(["all", "test"])), 5);
    assert_eq!(line(Mistake::new("`six` has no hash")), 3, "a package of an extra's name");
}
