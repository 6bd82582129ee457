//! What is refused, and in which words.

use std::fmt::Write as _;

use crate::{read, read_bytes};

/// A manifest and the choices made of it.
type Case<'a> = (&'a str, &'a [&'a str]);

/// Each manifest with what is wrong with it.
fn told(cases: &[Case<'_>]) -> String {
    let mut told = String::new();
    for (manifest, choices) in cases {
        let mistakes = read(manifest, choices).err().map(|mistakes| mistakes.to_string());
        let choices: String = choices.iter().map(|choice| format!("$ {choice}\n")).collect();
        let mistakes = mistakes.unwrap_or_else(|| panic!("nothing is wrong with\n{manifest}"));
        writeln!(told, "{choices}{}\n{mistakes}\n", numbered(manifest)).unwrap();
    }
    told
}

fn numbered(manifest: &str) -> String {
    let lines = manifest.lines().enumerate();
    lines.map(|(index, line)| format!("{:>3} | {line}\n", index + 1)).collect()
}

/// Each line put under a manifest that is right.
fn told_of_lines(lines: &[&str]) -> String {
    let mut told = String::new();
    for line in lines {
        let base = if line.starts_with("base") { "" } else { "base: b\n" };
        let mistakes = read(&format!("{line}\n{base}"), &[]).err();
        let mistakes = mistakes.unwrap_or_else(|| panic!("nothing is wrong with\n{line}"));
        let mistakes = mistakes.to_string().replace("strata.yaml:", "  ");
        let mistakes = mistakes.replace("\n  help:", "\n     help:");
        writeln!(told, "{line}\n{mistakes}\n").unwrap();
    }
    told
}

fn tell(name: &str, told: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, told);
    });
}

#[test]
fn not_a_manifest() {
    tell(
        "not_a_manifest",
        &told(&[
            ("", &[]),
            ("# only a comment\n", &[]),
            ("---\n", &[]),
            ("base: b\n---\nbase: c\n", &[]),
            ("FROM python:3.12\nRUN pip install x\n", &[]),
            ("- base: b\n", &[]),
            ("base: b: c\n", &[]),
            ("base: b\ncmd: [a, b\n", &[]),
            ("base: b\nenv: {A: ${B}, C: 1}\n", &[]),
            ("base: b\ncmd: [sh, ${B}]\n", &[]),
            ("base: b\nenv:\n\tA: 1\n", &[]),
            ("base: @b\n", &[]),
            ("base: \"b\n", &[]),
            ("base: *b\n", &[]),
            ("base: b\nenv: &e {A: *e}\n", &[]),
            ("base: b\nx: !!binary aGk=\ny: !vault z\n", &[]),
            ("base: b\n? [a, b]\n: c\n", &[]),
            ("base: b\n~: c\n", &[]),
            ("base: b\nenv: {A: \"a\\0b\"}\n", &[]),
            ("base: b\nenv: {<<: A}\n", &[]),
        ]),
    );
    let too_large = format!("base: b\n# {}\n", "x".repeat(1 << 20));
    let too_deep = format!("base: b\ncmd: {}{}\n", "[".repeat(100), "]".repeat(100));
    insta::assert_snapshot!(read(&too_large, &[]).unwrap_err(), @"strata.yaml has 1.0 MiB; a manifest can have 1 MiB");
    insta::assert_snapshot!(read(&too_deep, &[]).unwrap_err(), @"strata.yaml:2: lists and maps in each other, more than 32 deep");
    insta::assert_snapshot!(read_bytes(b"base: b\nuser: \xff\n", &[]).unwrap_err(), @"strata.yaml:2: not text in UTF-8");
}

/// What is small on paper and large in memory.
#[test]
fn bombs() {
    let lists = (1..30).fold("x-0: &a0 [x, x]\n".to_owned(), |manifest, n| {
        format!("{manifest}x-{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)
    });
    let texts = format!("x-0: &a {}\nx-1: [{}]\n", "x".repeat(100_000), "*a, ".repeat(100_000));
    let anchors: String = (0..30).map(|n| format!("&a{n} [")).collect();
    let anchors = format!("x-0: {anchors}{}{}\n", "x, ".repeat(100_000), "]".repeat(30));
    for bomb in [lists, texts, anchors] {
        let mistakes = read(&format!("base: b\n{bomb}"), &[]).unwrap_err().to_string();
        assert!(mistakes.contains("the manifest's values come to more than 8 MiB"), "{mistakes}");
    }
}

#[test]
fn keys() {
    tell(
        "keys",
        &told(&[
            ("bas: b\n", &[]),
            ("base: b\nmodles: org/name\nenviroment: {}\n", &[]),
            ("base: b\nenvironment: {}\ncommand: a\nworking_dir: /a\n", &[]),
            ("base: b\nrequirements: r.txt\nhf: a/b\n", &[]),
            ("base: b\npython: {env: {}, cmd: a, nonsense: 1}\n", &[]),
            ("base: b\nbase: c\nenv: {A: 1, B: 2, A: 3}\n", &[]),
            ("base: b\nenv: [A=1, A=2]\n", &[]),
            ("base: b\nX-mine: 1\n", &[]),
            ("base: b\npython: {torch: cpu, lock: uv.lock}\nmodels: [{url: u}, {spacy: s}]\n", &[]),
            ("base: b\nmodels: [{to: /m}, {hf: a/b, url: https://e.org/f}]\n", &[]),
            ("base: b\nmodels: [{url: https://e.org/f, revision: v1}, {run: x, to: /m}]\n", &[]),
            ("base: b\nmodels: [{run: x}, {spacy: x==1.0}, {url: https://e.org/f}]\n", &[]),
            (
                "base: b\nmodels: [{context: w}, {context: ., to: /m}, {context: ../w, to: /m}]\n",
                &[],
            ),
            (
                "base: b\ncode: ml/app\nmodels: [{context: ml, to: /m}, {context: ml/app, to: /n}, {context: ml/ap, to: /o}]\n",
                &[],
            ),
            (
                "base: b\nmodels: [{context: a/w.bin, to: /m/}, {context: b/w.bin, to: /m/}, {context: '*.bin', to: /m/}]\n",
                &[],
            ),
            ("base: b\ncode: {context: ., env: {A: 1}, secrets: {A: secret:a}}\n", &[]),
            (
                "base: b\nmodels: [{context: w, to: /m}, {context: v, to: /m}, {context: w, token: secret:x}]\n",
                &[],
            ),
            ("base: b\nmodels: [{run: x, keep: [here, ~/, /proc/x]}]\n", &[]),
            (
                "base: b\nmodels:\n- {run: x, keep: [/tmp, /tmp/., /tmp/home/x]}\n- {run: y, keep: [/run, /run/secrets, /out/x, /strata]}\n",
                &[],
            ),
            ("base: b\nmodels: [{url: https://e.org/f, sha256: abc, to: /m}]\n", &[]),
            ("base: b\nmodels: [{url: 'https://e.org/f?a=b&X-Amz-Signature=c', to: /m}]\n", &[]),
            ("base: b\nenv: {HF_HOME: /opt/venv}\n", &[]),
            ("base: b\ncode: {context: ., install: true}\ndev: {models: a/b}\n", &[]),
            ("base: b\npython: {}\ncode: {context: ., install: [yes, /app, ../a]}\n", &[]),
            ("base: b\ndev: {args: {}, dev: {}}\nvariants: {v: {variants: {}}}\n", &[]),
            ("base: b\nmodels: [{hff: a/b}, {revision: v1}]\n", &[]),
            ("base: b\nenv: {A B: 1, '': 2, 'A=B': 3, '${A}': 4}\n", &[]),
            ("base: b\nargs: {1A: x}\nvariants: {'a b': {}}\n", &[]),
        ]),
    );
}

#[test]
fn types() {
    tell(
        "types",
        &told_of_lines(&[
            "base: [a]",
            "user:",
            "cmd: ~",
            "cmd: {a: b}",
            "cmd: [a, [b]]",
            "env: text",
            "env: {A: [1]}",
            "env: {A: ~}",
            "env: [A]",
            "env: [{A: 1}]",
            "ports: {a: b}",
            "ports: [[1]]",
            "system: curl",
            "system: {runtime: {curl: 1}}",
            "python: {requirements: {a: b}}",
            "models: {org/name: {}}",
            "models: [[a/b]]",
            "code: [a]",
            "code: ${WHERE}",
            "healthcheck: curl localhost",
            "variants: [a]",
            "variants: {a: b}",
            "dev: text",
            "args: text",
            "args: {A: [1]}",
            "env: !reset {A: 1}",
            "ports: [!reset 1, 2]",
        ]),
    );
}

#[test]
fn values() {
    tell(
        "values",
        &told_of_lines(&[
            // Paths.
            "code: {context: ., to: app}",
            "code: {context: ., to: ./app}",
            "code: {context: ., to: ~/app}",
            "code: {context: ., to: ''}",
            "code: {context: ., to: /}",
            "code: {context: ., to: /app/../../etc}",
            "code: {context: ., subdir: /src}",
            "code: {context: ., subdir: ../src}",
            "code: ..",
            "code: /home/me/src",
            "models: {hf: a/b, to: models/x}",
            "models: {hf: a/b, to: /opt/venv/lib/x}",
            "dirs: [logs, /proc/x]",
            "workdir: app",
            "volumes: ['data:/data', './x:/x:ro', data]",
            "python: [/r.txt, ../r.txt, https://h/r.txt, '.', 'code:', 'code:../r.txt']",
            // References.
            "base: scratch",
            "base: Python:3.12",
            "base: https://docker.io/python",
            "base: python@sha256:abc",
            "base: 'python: 3.12'",
            "base: ''",
            // Packages.
            "system: {runtime: [curl wget, 'curl; rm -rf /', $(x), --yes, curl-, '', ./x.deb, curl=]}",
            "system: {sources: [nexus, a.yaml, 'code:a.sources', ../a.list, https://h/a.repo, .sources, 'a b.list']}",
            "system: {sources: [a/x.list, b/x.list, b/x.sources, ./a/x.list]}",
            "system: {repositories: a.list, env: {A B: 1}}",
            "python: {packages: [-e ., -r r.txt, ./x, ., '', --pre, -i https://h, \"a\\nb\"]}",
            "python: {index_url: pypi.org, extra_index_urls: ['https://u:p@h/s', file:///x, 'https://']}",
            // Models.
            "models: [a/b/c, datasets/a/b, -a/b, a--b, a.git, '', https://huggingface.co/a/b/tree/main]",
            "models: [{hf: a/b, revision: 1a2b3c4}, {hf: a/c, revision: a b}, {hf: a/d, files: ['', ../x, /x]}]",
            "models: [{hf: a/b, token: hf_abc}, {hf: a/c, token: 'secret:'}, {hf: a/d, endpoint: hub}]",
            "models: [{hf: a/b, to: /m}, {hf: c/d, to: /m}]",
            "models: [a/b, {hf: a/b, files: x}]",
            "models: [a/b, {hf: a/b, revision: v1}]",
            // Code.
            "code: github.com/o/n",
            "code: {git: o/n}",
            "code: ftp://h/r",
            "code: https://token@github.com/o/n.git",
            "code: ssh://git:pass@h/r",
            "env: {DATABASE_URL: \"postgres://u:pass@h/db\"}",
            "env: {BROKERS: \"redis://a:6379,redis://u:pass@b:6379\"}",
            "python: {env: [PIP_EXTRA_INDEX_URL=https://u:pass@h/simple]}",
            "code: https://h/r.git#main:src",
            "code: https://h/r.git#main",
            "code: https://h/r.git?ref=main",
            "code: {git: 'https://h/r', context: .}",
            "code: {ref: main}",
            "code: {context: ., ref: main, submodules: true}",
            "code: {git: 'git@h:r', token: secret:t}",
            "code: {git: 'https://h/r', ref: 1a2b3c4d}",
            "code: {git: 'https://h/r', submodules: yes, ssh: a b}",
            "python: code:r.txt",
            // Files.
            "files: [{context: a.toml}, {from: 'x:1', to: /a}, {from: x, context: a, path: /b, to: /c}]",
            "files: [{context: '*.toml', to: /a/}, {from: 'x:1', path: b, to: c}, {context: ., to: /d/}]",
            "files: [{context: a/x, to: /d/}, {context: b/x, to: /d/}, {context: tool, to: /usr/local/bin}]",
            // What the image's config says.
            "user: [a]",
            "user: App",
            "user: app:app",
            "user: 1000:app",
            "user: 4294967295",
            "ports: [0, 65536, 8080:80, 80/http, 90-80, abc]",
            "cmd: python a.py && python b.py",
            "cmd: python a.py > /log",
            "cmd: python a.py --port $PORT",
            "cmd: python 'a.py",
            "healthcheck: {test: [curl, localhost]}",
            "healthcheck: {test: [NONE, x]}",
            "healthcheck: {test: [CMD]}",
            "healthcheck: {test: [CMD-SHELL, a, b]}",
            "healthcheck: {test: []}",
            "healthcheck: {interval: 30, timeout: 1us, start_period: -1s, retries: -1, disable: 1}",
            "stop_signal: SIGTREM",
            "stop_signal: 65",
        ]),
    );
}

#[test]
fn secrets() {
    tell(
        "secrets",
        &told(&[
            ("base: b\nenv: {API_KEY: abc, A: 1}\n", &[]),
            ("base: b\nenv:\n  - A=1\n  - DB_PASSWORD=abc\n", &[]),
            ("base: b\nlabels: {deploy-token: abc}\n", &[]),
            ("base: b\nargs: {HF_TOKEN: hf_abc}\n", &[]),
            ("base: b\npython: {env: {PYPI_PASSWORD: abc}}\n", &[]),
            ("base: b\nsystem: {env: {REGISTRATION_TOKEN: abc}}\n", &[]),
            ("base: b\nvariants: {v: {dev: {env: {API_KEY: abc}}}}\n", &[]),
            ("base: b\nargs: [API_KEY]\nenv: {API_KEY: '${API_KEY}'}\n", &["API_KEY=abc"]),
            ("base: b\nargs: [VALUE]\nenv: {API_KEY: '${VALUE}'}\n", &["VALUE=abc"]),
            ("base: b\nargs: [HF_TOKEN]\ncmd: 'x ${HF_TOKEN}'\n", &["HF_TOKEN=hf_abc"]),
            ("base: b\nuser: !public app\nenv: !public {A: 1}\nports: [!public 1]\n", &[]),
        ]),
    );
    // Known to everyone: said so, empty, or about secrets only.
    for line in [
        "env: {API_KEY: !public abc, TOKEN_LIMIT: 2048, DB_PASSWORD_FILE: /run/secrets/db}",
        "env: [!public API_KEY=abc, DB_PASSWORD=]",
        "args: {HF_TOKEN: !public , API_KEY: !public abc}\nenv: {API_KEY: !public '${API_KEY}'}",
        "args: {API_KEY: ''}\nenv: {API_KEY: '${API_KEY}'}",
        "env: {API_KEY: !public a}\nvariants: {v: {env: {API_KEY: !public b}}}",
        "python: {credentials: {token.example.org: secret:pypi}}",
    ] {
        let choice = [("HF_TOKEN", "HF_TOKEN=x"), ("variants", "VARIANT=v")];
        let choices: Vec<_> = choice.iter().filter(|(has, _)| line.contains(has)).collect();
        let choices: Vec<_> = choices.into_iter().map(|(_, choice)| *choice).collect();
        let mistakes = read(&format!("base: b\n{line}\n"), &choices).err();
        assert_eq!(mistakes.map(|mistakes| mistakes.to_string()), None, "{line}");
    }
}

#[test]
fn arguments() {
    tell(
        "arguments",
        &told(&[
            ("base: b\nargs: {GREETING: hi}\nenv: {A: '${GREETNG}', B: '${OTHER:-x}'}\n", &[]),
            ("base: b\ncmd: [sh, -c, 'echo ${HOME}']\n", &[]),
            ("base: b\nvariants: {v: {env: {A: '${X}'}}}\n", &[]),
            ("base: b\nenv: {A: '${', B: '${A:+b}', C: '${A:-${B}}'}\n", &[]),
            ("base: b\nargs: {A: 1, B: '${A}'}\n", &[]),
            (
                "base: b\nenv: {PATH: '/app/bin:$PATH', A: '${PATH}', PATHS: $PATH, HF_HOME: '${HF_HOME}/a'}\n",
                &[],
            ),
            ("base: b\nenv: {GREETING: '${GREETING}', TWICE: '${TWICE}${TWICE}'}\n", &[]),
            ("base: b\nlabels: {PATH: '${PATH}'}\npython: {env: {PATH: '${PATH:-x}'}}\n", &[]),
            ("base: b\nargs: {A: }\nenv: {X: '${A}'}\n", &[]),
            ("base: b\nargs: [A]\nenv: {X: '${A:?see the wiki}'}\n", &[]),
            ("base: b\nargs: {A: ''}\nenv: {X: '${A:?see the wiki}'}\n", &[]),
            ("base: b\nargs: {A: }\nports: ['${A}']\n", &["A=http"]),
            ("base: b\nargs: {TO: a}\ncode: {context: ., to: '${TO}'}\n", &[]),
            ("base: b\n", &["CODE_VERSON=v1"]),
            ("base: b\nargs: {GREETING: hi, NAME: you}\n", &["GREETNG=hi", "XYZ=1"]),
            ("base: b\nmodels: a/b\n", &["HF_ENDPOINT=hub"]),
        ]),
    );
}

#[test]
fn choices() {
    let variants = "base: b\nvariants: {nvidia: {}, apple-silicon: {}}\n";
    let git = "base: b\ncode: https://h/r\n";
    tell(
        "choices",
        &told(&[
            (variants, &["VARIANT=nvida"]),
            (variants, &["VARIANT=generic"]),
            ("base: b\n", &["VARIANT=nvidia"]),
            ("base: b\nargs: {VARIANT: nvida}\nvariants: {nvidia: {}}\n", &[]),
            ("base: b\n", &["target=devel"]),
            ("base: b\n", &["target=production"]),
            (git, &["CODE_VERSION=1a2b3c4"]),
            (git, &["CODE_VERSION=v1 beta"]),
            ("base: b\nargs: {CODE_VERSION: v1..2}\ncode: https://h/r\n", &[]),
            ("user: u\n", &[]),
            ("base: b\nvariants: {v: {base: !reset }}\n", &["VARIANT=v"]),
            (
                "base: b\ncode: https://h/r\nvariants: {v: {code: {source: !reset }}}\n",
                &["VARIANT=v"],
            ),
            ("base: b\npython:\n  after:\n    a: [c, e]\n    b: a\n    c: [D, b]\n    d: e\n", &[]),
        ]),
    );
}

#[test]
fn all_are_told_at_once_and_in_order() {
    let manifest = "# syntax=strata
base: Python:3.12
pyhton: requirements.txt
python: {packages: [-e .], requirement: a.txt}
models: [{hf: a/b, to: models}]
env: {A: '${NOPE}'}
variants: {nvidia: {ports: [x]}}
dev: {cmd: a | b}
";
    tell(
        "all_are_told_at_once_and_in_order",
        &told(&[(manifest, &["target=divel", "VARIENT=nvidia"])]),
    );
    let many: String = (0..60).map(|n| format!("unknown-key-{n}: 1\n")).collect();
    let mistakes = read(&format!("base: b\n{many}"), &[]).unwrap_err().0;
    assert_eq!(mistakes.len(), 51);
    assert_eq!(mistakes[50].message, "and 10 more mistakes");
}

#[test]
fn on_a_terminal() {
    let manifest = "# syntax=strata\nbase: python\n\nmodles:\n  - org/name   # a comment\n";
    tell("on_a_terminal", &read(manifest, &["target=divel"]).unwrap_err().render(false));
}
