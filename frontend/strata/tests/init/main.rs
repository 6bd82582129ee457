//! A first manifest out of what a project has.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is its report")]

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use llb::SourceFile;
use proptest::prelude::*;
use strata::{
    init::{self, Folder, Found},
    recipe::{self, Choices, Recipe},
};

fn read(manifest: &str) -> Result<Recipe, String> {
    let data = manifest.as_bytes().to_owned();
    let file = SourceFile { name: "strata.yaml".into(), language: "YAML".into(), data };
    recipe::read(Arc::new(file), &Choices::default()).map_err(|mistakes| mistakes.to_string())
}

/// The manifest and the notes, as a person sees them.
fn shown(found: &Found) -> String {
    let mut shown = format!("{}---\n", found.manifest);
    for note in &found.notes {
        writeln!(shown, "{note}").unwrap();
    }
    shown
}

/// The Dockerfiles of the five teams whose systems are the examples, and others. Nothing is known
/// of their projects.
#[test]
fn dockerfiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/dockerfiles");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    assert!(files.len() >= 10);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let found = init::of_dockerfile("Dockerfile", &text, &Folder::default()).unwrap();
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, shown(&found));
        });
        read(&found.manifest).unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
    }
}

/// A folder with these files.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn init(files: &[(&str, &str)]) -> Result<String, String> {
    let folder = project(files);
    let found = init::init(folder.path(), None)?;
    read(&found.manifest).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    Ok(found.manifest)
}

#[test]
fn without_a_dockerfile() {
    let pyproject = "[project]\nname = \"x\"\nrequires-python = \">=3.10,<3.12\"\n";
    let scripts = "[project.scripts]\nserve = \"x:main\"\n[build-system]\nrequires = []\n";
    for (files, expected) in [
        (
            vec![("requirements.txt", "six\n"), ("main.py", "")],
            "base: python:3.12-slim\npython: requirements.txt\ncode: .\ncmd: [python, main.py]\n",
        ),
        (
            vec![("pyproject.toml", pyproject), ("uv.lock", ""), ("requirements.txt", "")],
            "base: python:3.11-slim\npython:\n  lock: uv.lock\ncode: .\n",
        ),
        (
            vec![("pyproject.toml", &*(pyproject.to_owned() + scripts)), ("app.py", "")],
            "base: python:3.11-slim\npython:\n  pyproject: pyproject.toml\ncode:\n  context: .\n  \
             install: true\ncmd: [serve]\n",
        ),
        (
            vec![("Pipfile.lock", "{}"), (".python-version", "3.13.2\n"), ("app.py", "")],
            "base: python:3.13-slim\npython:\n  lock: Pipfile.lock\ncode: .\ncmd: [python, app.py]\n",
        ),
    ] {
        assert_eq!(init(&files).unwrap(), format!("# syntax=strata\n{expected}"));
    }
    assert!(init(&[("main.py", "")]).unwrap_err().contains("nothing to begin with"));
    assert!(init(&[("Dockerfile", "RUN x\n")]).unwrap_err().contains("Dockerfile"));
}

/// What is there is looked at.
#[test]
fn a_dockerfile_and_its_project() {
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY reqs/prod.txt /tmp/\nRUN pip install \
                      -r /tmp/prod.txt -r nope.txt && python -m spacy download en_core_web_sm\n\
                      COPY web /app/web\nCMD python -m web\n";
    let files =
        [("Dockerfile", dockerfile), ("reqs/prod.txt", "spacy==3.7.5\n"), ("web/__init__.py", "")];
    let folder = project(&files);
    let found = init::init(folder.path(), None).unwrap();
    assert_eq!(
        found.manifest,
        "# syntax=strata\nbase: python:3.12\npython: reqs/prod.txt\nmodels:\n  - spacy: \
         en_core_web_sm==3.7.1\ncode: .\ncmd: python -m web\n"
    );
    let notes: Vec<_> = found.notes.iter().map(ToString::to_string).collect();
    let notes = notes.join("\n");
    assert!(notes.contains("Dockerfile:4: `nope.txt` is not found"), "{notes}");
    assert!(notes.contains("no .dockerignore"), "{notes}");
}

/// Of Dockerfiles on a Python: lines of the manifest and words of the notes, after a `!` those that
/// are not to be there.
fn each_has(cases: &[(&str, &[&str])]) {
    for (dockerfile, expected) in cases {
        let dockerfile = format!("FROM python:3.12-slim\n{dockerfile}\n");
        let found = init::of_dockerfile("Dockerfile", &dockerfile, &Folder::default()).unwrap();
        read(&found.manifest).unwrap_or_else(|mistakes| panic!("{dockerfile}\n{mistakes}"));
        let shown = shown(&found);
        for words in *expected {
            let is_there = words
                .strip_prefix('!')
                .map_or_else(|| shown.contains(words), |words| !shown.contains(words));
            assert!(is_there, "{words}\n\n{dockerfile}\n{shown}");
        }
    }
}

#[test]
fn what_is_carried_over_and_what_is_told() {
    each_has(&[
        // Commands.
        ("CMD [\"a\"]\nENTRYPOINT [\"b\"]", &["entrypoint: [b]", "cmd: [a]"][..]),
        ("CMD [\"a\"]\nFROM x\nENTRYPOINT [\"b\"]", &["entrypoint: [b]", "!cmd:"]),
        (
            "ENTRYPOINT [\"poetry\", \"run\"]\nCMD [\"uv\", \"run\", \"--no-sync\", \"main.py\", \"-v\"]\n\
             HEALTHCHECK CMD pipenv run check || exit 1",
            &[
                "entrypoint: []",
                "cmd: [python, main.py, -v]",
                "test: check || exit 1",
                "!the program runs",
            ],
        ),
        (
            "CMD exec uv run --with x -m web && uv run -- echo $A",
            &[
                "cmd: [sh, -c, exec python -m web && echo $A]",
                "Dockerfile:2: `uv run --with`: the program",
            ],
        ),
        (
            "HEALTHCHECK CMD [\"uv\", \"run\", \"x\"]\nCMD [\"sh\", \"-c\", \"uv run x; uv run y\"]",
            &["test: [CMD, x]", "cmd: [sh, -c, x; y]"],
        ),
        (
            "CMD sh -c \".venv/bin/a b && A=/x/venv/bin/c /srv/venv/bin/d\"",
            &["cmd: sh -c \"a b && A=/x/venv/bin/c d\""],
        ),
        (
            "ENTRYPOINT [\"/app/.venv/bin/serve\", \"x\"]\nCMD A=1 uv run main.py",
            &["entrypoint: [serve, x]", "cmd: [sh, -c, A=1 python main.py]"],
        ),
        ("CMD exec web", &["cmd: [sh, -c, exec web]"]),
        ("CMD python src/*.py", &["cmd: [sh, -c, python src/*.py]"]),
        // Where the code is.
        (
            "FROM x AS made\nRUN git clone https://e.org/tool.git /tool && cd /tool && make\nFROM y\n\
             COPY --from=made /tool/out/tool.so /lib/\nCOPY app /srv/app",
            &["context: .", "to: /srv", "!git:", "`COPY --from` of `/tool/out/tool.so`"],
        ),
        (
            "FROM x AS got\nRUN git clone https://e.org/r.git /r\nFROM y\nCOPY --from=got /r /app",
            &["code: https://e.org/r.git\n---", "!COPY --from"],
        ),
        (
            "RUN git clone https://e.org/r.git /r\nWORKDIR /app\nCOPY . .",
            &[
                "code: .\n",
                "Dockerfile:2: `git clone https://e.org/r.git`: the code is of the build",
            ],
        ),
        (
            "RUN git clone https://e.org/r.git /r\nCOPY start.sh /",
            &["git: https://e.org/r.git", "files:\n  - context: start.sh\n    to: /start.sh\n"],
        ),
        (
            "WORKDIR /app\nCOPY app /app/app\nCOPY lib /app/lib\nFROM y\nCOPY --from=0 /app /app",
            &["code: .\n", "not only app, lib", "!COPY --from"],
        ),
        ("COPY . /\nFROM y\nCOPY --from=0 / /srv", &["code:", "to: /srv"]),
        ("COPY a /\nFROM y\nCOPY --from=0 /x /", &["!COPY --from"]),
        ("RUN git clone https://e.org/r.git /\nFROM y\nCOPY --from=0 / /srv", &["to: /srv"]),
        (
            "RUN uv pip install -r pyproject.toml --extra $X",
            &["!extras:", "`--extra $X`: name it in"],
        ),
        (
            "COPY src/a/ /app/a\nCOPY src/b /app/b/\nCOPY src/run.py /app/\nWORKDIR /app",
            &["code: src\n", "all of src, and not only src/a", "!does not come"],
        ),
        (
            "FROM z AS ff\nFROM y\nCOPY --from=ff /usr/local/bin/ffmpeg /usr/local/bin/ffmpeg\n\
             COPY --from=ff /x/.local-browsers /y\nCOPY --from=ff /opt/my-venv /opt/my-venv",
            &[
                "files:\n  - from: z\n    path: /usr/local/bin/ffmpeg\n    to: /usr/local/bin/ffmpeg\n",
                "path: /x/.local-browsers",
            ],
        ),
        (
            "FROM z AS made\nRUN make\nFROM y\nCOPY --from=made /out/tool /usr/bin/\n\
             COPY --from=org/tools:1 /a /b /bin/\nCOPY --from=org/tools:1 /*.so /lib/\n\
             COPY --from=org/tools:1 /ffmpeg /usr/local/bin\nCOPY . /app\n\
             COPY --chmod=755 deploy/nginx.conf /etc/nginx/",
            &[
                "Dockerfile:5: `COPY --from` of `/out/tool`: no stage makes files",
                "  - from: org/tools:1\n    path: /b\n    to: /bin/\n",
                "Dockerfile:7: `COPY --from=org/tools:1` of `/*.so`: `files` names each",
                "path: /ffmpeg\n    to: /usr/local/bin/\n",
                "Dockerfile:10: `--chmod`: modes are those",
                "  - context: deploy/nginx.conf\n    to: /etc/nginx/nginx.conf\n",
            ],
        ),
        // What runs only sometimes.
        (
            "RUN if [ \"$X\" = 1 ]; then pip install torch && make it; fi; pip install six\nCOPY . /app",
            &[
                "packages: [six]",
                "Dockerfile:2: only under a condition, and not carried over: `pip install torch`, `make it`",
                "!`fi`",
            ],
        ),
        // Users.
        (
            "RUN useradd -m --uid 1000 web\nUSER web",
            &["user: web", "`web` had the number 1000, and one that is made has 10001"],
        ),
        (
            "WORKDIR /root\nCOPY . .",
            &["to: /root", "user: root", "because the code is in its home"],
        ),
        // Bases.
        (
            "FROM nvcr.io/nvidia/pytorch:25.10-py3\nRUN pip install six",
            &["system_site_packages: true", "nvidia/pytorch brings packages"],
        ),
        (
            "FROM nvidia/cuda:12.6.3-base-ubuntu24.04\nRUN uv sync",
            &["python: [python3, python3-venv]", "has no Python of its own"],
        ),
        ("FROM python:3.8-slim", &["Dockerfile:2: `python:3.8-slim` is too old"]),
        // What is chosen of a lock or a project.
        (
            "RUN uv sync --extra gpu --group=serve --all-extras --no-dev",
            &["lock: uv.lock", "extras: [gpu]", "groups: [serve]", "`uv … --all-extras`"],
        ),
        (
            "RUN poetry install -E \"a b\" --only main --with web --without dev",
            &["extras: [a, b]", "groups: [web]", "!groups: [main", "!--without"],
        ),
        (
            "RUN uv pip install -r pyproject.toml --extra gpu",
            &["pyproject: pyproject.toml", "extras: [gpu]", "!requirements"],
        ),
        (
            "COPY poetry.lock pyproject.toml /x/\nRUN pip install poetry poetry-plugin-export six && ./own.sh",
            &[
                "packages: [six]",
                "Dockerfile:2: `poetry.lock`: nothing that could be read installs it",
            ],
        ),
        // Packages beside a lock.
        (
            "RUN uv sync --frozen\nRUN uv pip install gunicorn torch==2.4.0 --index-url \
             https://download.pytorch.org/whl/cpu -r more.txt && uv add six",
            &[
                "lock: uv.lock",
                "!packages:",
                "Dockerfile:3: `gunicorn`: a lock is all",
                "`torch==2.4.0`: a lock",
                "`more.txt`: a lock",
                "`uv add six`: a lock",
            ],
        ),
        (
            "RUN pip install poetry && poetry export -o requirements.txt\nFROM x\n\
             COPY --from=0 /requirements.txt .\nRUN pip install -r requirements.txt",
            &["lock: poetry.lock", "!a lock is all", "!COPY --from"],
        ),
        (
            "RUN pipenv requirements > r.txt && pip install -r r.txt 2>&1",
            &["lock: Pipfile.lock", "!r.txt"],
        ),
        // Texts.
        ("RUN sed -i 's/<<VERSION>>/1/' f\nRUN pip install six", &["packages: [six]"]),
        (
            "RUN --mount=type=cache,target=/x \\\n  <<EOF\npip install six\nEOF\nUSER me",
            &["packages: [six]", "user: me"],
        ),
        (
            "RUN bash -ex <<'EOF' && python - <<'PY'\napt-get install -y curl\npip install \\\n  # c\n  six\n\
             python <<X\nsnapshot_download('a/b')\nX\nEOF\nimport torch\nPY\nUSER me",
            &["runtime: [curl]", "packages: [six]", "models: a/b", "verify: [torch]", "user: me"],
        ),
        ("RUN bash -ec 'pip install six'", &["packages: [six]"]),
        (
            "RUN <<EOF\n#!/usr/bin/env python3\nsnapshot_download('a/b')\nEOF\nRUN <<EOF\n#!/bin/perl\nEOF",
            &["models: a/b", "Dockerfile:6: a program for `/bin/perl`"],
        ),
        (
            "COPY . /app\nRUN python - <<EOF\nwork()\nEOF",
            &["!build:", "`python -` is not carried over"],
        ),
        // Variables.
        (
            "ENV A=/a:$A B=\"${B}:/b\" C=$C D=${D:-d} E=/e${E:+:$E} PATH=/opt/x/bin:$PATH PIP_X=$P\n\
             WORKDIR $HOME/x",
            &[
                "A: /a\n",
                "B: /b\n",
                "D: d\n",
                "E: /e\n",
                "!  C:",
                "workdir: /x",
                "Dockerfile:2: `A` is without `$A`",
                "`C` is without `$C`",
                "`$HOME/x` is without `$HOME`",
                "`PATH` is not carried over",
                "!without `$D`",
                "!$PATH",
                "!$P`",
            ],
        ),
        // Models.
        (
            "ENV TRANSFORMERS_CACHE=/m HF_HUB_CACHE=/m HF_HOME=/root/hf\n\
             RUN python -c \"snapshot_download('a/b', cache_dir='/m')\" && HF_HOME=/m hf download c/d --cache-dir /m",
            &[
                "!  TRANSFORMERS_CACHE",
                "!  HF_H",
                "Dockerfile:2: `TRANSFORMERS_CACHE` is not carried over",
                "`HF_HUB_CACHE` is not",
                "`HF_HOME` is not",
                "`HF_HOME` of a command",
                "Dockerfile:3: `cache_dir`",
                "`--cache-dir`",
            ],
        ),
        ("ENV TRANSFORMERS_CACHE=/m", &["TRANSFORMERS_CACHE: /m", "!not carried"]),
        (
            "RUN hf download a/b x.bin --local-dir /dl && hf download c/d\nFROM x\nCOPY --from=0 /dl /srv/m\n\
             COPY --from=0 /cache /cache",
            &[
                "to: /srv/m/x.bin",
                "!/dl`",
                "!code.build",
                "`COPY --from` of `/cache`: what is of `models`",
            ],
        ),
        (
            "RUN git lfs install && git clone https://huggingface.co/a/b /m\nRUN git lfs pull",
            &["hf: a/b", "to: /m", "!code:", "Dockerfile:3: `git lfs`"],
        ),
    ]);
}

/// Where packages come from, and where models do.
#[test]
fn indexes_and_hubs() {
    each_has(&[
        // Of several indexes, PyPI is the one that others are beside.
        (
            "RUN pip install --index-url https://a.org/simple six && pip install -i https://b.org/simple/ idna\n\
             RUN pip install --index-url https://b.org/simple more && pip install --upgrade pip",
            &[
                "index_url: https://a.org/simple\n",
                "extra_index_urls: [https://b.org/simple/]",
                "Dockerfile:2: `https://b.org/simple/` is one of `python.extra_index_urls`",
                "!Dockerfile:3",
            ],
        ),
        (
            "RUN pip install six\nRUN uv pip install --default-index https://a.org/simple idna",
            &[
                "extra_index_urls: [https://a.org/simple]",
                "!  index_url:",
                "Dockerfile:3: `https://a.org",
            ],
        ),
        (
            "RUN pip install torch --index-url https://download.pytorch.org/whl/cpu\n\
             RUN pip install --index-url https://a.org/simple --extra-index-url https://pypi.org/simple six",
            &[
                "torch: cpu",
                "  index_url: https://a.org/simple",
                "extra_index_urls: [https://pypi.org/simple]",
                "!is one of",
            ],
        ),
        // Those that variables name.
        (
            "ARG PIP_INDEX_URL=https://a.org/simple\nENV UV_INDEX=\"x=https://b.org/simple https://c.org/simple\" \\\n \
             PIP_FIND_LINKS=https://d.org/f.html\nRUN pip install six\nFROM y\nRUN pip install idna\n\
             COPY --from=0 /v/.venv /v/.venv",
            &[
                "!  index_url:",
                "extra_index_urls: [https://b.org/simple, https://c.org/simple, https://a.org/simple]",
                "find_links: [https://d.org/f.html]",
                "Dockerfile:2: `https://a.org/simple` is one of",
            ],
        ),
        (
            "ENV PIP_INDEX_URL=https://a.org/simple\nRUN pip install six",
            &["index_url: https://a.org/simple", "!is one of", "!PIP_INDEX_URL"],
        ),
        (
            "RUN pip config set global.index-url https://a.org/simple && pip install six && \
             UV_EXTRA_INDEX_URL=https://b.org/simple uv pip install idna",
            &[
                "  index_url: https://a.org/simple",
                "extra_index_urls: [https://b.org/simple]",
                "!is one of",
            ],
        ),
        (
            "ARG PIP_INDEX_URL\nENV UV_INDEX_URL=https://me:word@a.org/simple PIP_EXTRA_INDEX_URL=https://$H/simple\n\
             ENV PIP_CONSTRAINT=/c.txt\nRUN pip install six",
            &[
                "Dockerfile:2: `PIP_INDEX_URL` has no default: declare it under `args`, and write `${PIP_INDEX_URL}` for `python.index_url`",
                "Dockerfile:3: an index with a password",
                "`PIP_EXTRA_INDEX_URL`: an index with a password",
                "`python.credentials`",
                "Dockerfile:4: `PIP_CONSTRAINT`",
                "!me:word",
                "!a.org",
            ],
        ),
        // The hub, and who may have what it has.
        (
            "RUN HF_ENDPOINT=https://hub.org python -c \"snapshot_download('a/b')\" && hf download c/d",
            &["hf: a/b\n    endpoint: https://hub.org\n  - c/d\n", "!HF_ENDPOINT"],
        ),
        (
            "ARG HF_ENDPOINT\nENV HF_ENDPOINT=https://hub.org\nRUN hf download a/b",
            &["endpoint: https://hub.org\nenv:\n  HF_ENDPOINT: https://hub.org", "!Dockerfile:2"],
        ),
        (
            "RUN HF_ENDPOINT=$(cat /x) hf download a/b",
            &["Dockerfile:2: `HF_ENDPOINT`: the hub", "!endpoint:"],
        ),
        (
            "RUN --mount=type=secret,id=hf_token HF_TOKEN=$(cat /run/secrets/hf_token) hf download a/b\n\
             RUN hf download c/d",
            &["hf: a/b\n    token: secret:hf_token\n  - c/d\n", "!a secret:"],
        ),
        (
            "RUN --mount=type=secret,id=hub,env=HF_TOKEN --mount=type=secret,id=pip,target=/etc/pip.conf \
             python -c \"snapshot_download('a/b')\"",
            &["token: secret:hub", "Dockerfile:2: a secret: `python.credentials`"],
        ),
        (
            "RUN --mount=type=secret,id=me,target=/t export HF_TOKEN=\"$(cat /t)\" && hf download a/b",
            &["token: secret:me", "!a secret:"],
        ),
        (
            "ARG HF_TOKEN\nRUN hf download a/b",
            &["token: secret:hf_token", "Dockerfile:2: `HF_TOKEN` looks like a secret"],
        ),
        ("RUN hf download a/b --token abcdef", &["token: secret:hf_token", "!abcdef"]),
    ]);
}

/// What stages and commands do to the system below the packages.
#[test]
fn systems() {
    each_has(&[
        (
            "RUN update-ca-certificates && ldconfig && usermod -aG video web\nRUN useradd -G video me",
            &[
                "`update-ca-certificates` is not carried over: a build trusts",
                "id=ca_bundle",
                "`SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE` in `env`",
                "`ldconfig` is not",
                "`LD_LIBRARY_PATH`",
                "`usermod` is not",
                "Dockerfile:3: the groups of a user",
            ],
        ),
        (
            "RUN mkdir /data && chown web /data\nCOPY --chown=0:0 . /app\nRUN chown -R web:web /app /data\n\
             COPY --chown=web x /app/x",
            &[
                "dirs: [/data]",
                "Dockerfile:4: `chown`: all that is copied is root's",
                "!Dockerfile:2",
                "!Dockerfile:5",
            ],
        ),
        (
            "COPY ci/x.sources /etc/apt/sources.list.d/\nCOPY x.gpg /etc/apt/keyrings/x.gpg\nCOPY pip.conf /etc/pip.conf\n\
             RUN echo deb > /etc/apt/sources.list.d/y.list\nCOPY . /app",
            &[
                "!files:",
                "Dockerfile:2: `ci/x.sources` is not carried over: `system: {sources: [ci/x.sources]}`",
                "Dockerfile:3: `x.gpg` is not carried over",
                "Dockerfile:4: `pip.conf` is not carried over: `python.index_url`",
                "Dockerfile:5: `/etc/apt/sources.list.d/y.list` is not carried over: have it in the build context",
                "`system: {sources: [y.list]}`",
                "code: .\n",
            ],
        ),
        (
            "RUN ACCEPT_EULA=Y DEBIAN_FRONTEND=noninteractive apt-get install -y curl\n\
             RUN env BLIS_ARCH=generic MAX_JOBS=$(nproc) API_KEY=abcdef pip install blis\n\
             RUN export A=1 && pip install six\nCOPY . /app\nRUN B=2 python manage.py collectstatic",
            &[
                "Dockerfile:2: `ACCEPT_EULA` of a command is not carried over",
                "!DEBIAN_FRONTEND",
                "  env:\n    BLIS_ARCH: generic\n",
                "Dockerfile:3: `MAX_JOBS` is not carried over",
                "`API_KEY` is not carried over",
                "!abcdef",
                "build: python manage.py collectstatic\n  env:\n    B: 2\n",
            ],
        ),
        // Bases without a shell.
        (
            "RUN pip install six\nFROM gcr.io/distroless/python3-debian12:nonroot\nCOPY --from=0 /usr/local /usr/local\nCOPY . /app\n\
             CMD [\"main.py\"]",
            &[
                "base: python:3.12-slim\n",
                "entrypoint: [python3]\ncmd: [main.py]",
                "Dockerfile:3: `gcr.io/distroless/python3-debian12:nonroot` has no shell",
                "`user: 65532` keeps it",
                "!ran as root",
            ],
        ),
        (
            "FROM python:3.13 AS made\nFROM scratch\nCOPY --from=made / /\nENTRYPOINT [\"/usr/bin/python3\", \"x.py\"]",
            &[
                "base: python:3.13\n",
                "entrypoint: [python3, x.py]",
                "Dockerfile:3: `scratch` has no shell",
                "ran as root",
            ],
        ),
        (
            "FROM cgr.dev/chainguard/python:latest-dev AS made\nFROM cgr.dev/chainguard/python\nUSER nonroot\n\
             COPY --from=made /venv /venv",
            &["base: cgr.dev/chainguard/python:latest-dev", "had the number 65532", "!ran as root"],
        ),
        (
            "FROM cgr.dev/chainguard/python:latest-dev",
            &["base: cgr.dev", "!no shell", "!ran as root"],
        ),
        ("FROM cgr.dev/chainguard/wolfi-base", &["base: cgr.dev", "!no shell", "ran as root"]),
        (
            "FROM vllm/vllm-openai:v0.11.0\nRUN apt-get install -y python3-pip && pip install six",
            &["system_site_packages: true", "vllm/vllm-openai brings packages", "!  python:"],
        ),
        ("FROM nvcr.io/nvidia/nemo:25.07\nRUN pip install six", &["system_site_packages: true"]),
        // Other Pythons than the base's.
        (
            "FROM nvidia/cuda:12.6.3-base-ubuntu22.04\nRUN uv python install 3.12 && uv venv --python 3.12\nRUN uv sync",
            &[
                "Dockerfile:3: `uv python install 3.12`: a manifest's Python is the base's, 3.10 of `nvidia/cuda",
                "`base: python:3.12-slim`",
                "as Ubuntu 24.04 is for 3.12",
                "!uv venv",
            ],
        ),
        (
            "FROM ubuntu:jammy\nRUN add-apt-repository -y ppa:deadsnakes/ppa && apt-get install -y python3.12 python3.12-venv",
            &[
                "Dockerfile:3: `add-apt-repository -y ppa:deadsnakes/ppa`: a repository is a file",
                "Dockerfile:3: `python3.12`: a manifest's Python",
                "python: [python3.12, python3.12-venv]",
            ],
        ),
        ("FROM ubuntu:24.04\nRUN apt-get install -y python3.12", &["!a manifest's Python"]),
        ("ENV UV_PYTHON=3.12\nRUN uv python install 3.12.4", &["!a manifest's Python"]),
        (
            "ENV UV_PYTHON=3.13",
            &["Dockerfile:2: `UV_PYTHON=3.13`: a manifest's Python is the base's, 3.12"],
        ),
    ]);
}

/// The code that an image has only as a package which another stage has installed.
#[test]
fn code_that_a_stage_installs() {
    let uv = "WORKDIR /app\nCOPY uv.lock pyproject.toml ./\nRUN uv sync --locked --no-install-project --no-editable\n\
              COPY . /app\nRUN uv sync --locked --no-editable\nFROM y\n";
    let venv = format!(
        "{uv}COPY --from=0 --chown=app:app /app/.venv /app/.venv\nCMD [\"/app/.venv/bin/hello\"]"
    );
    let both = format!("{uv}COPY --from=0 /app/.venv /app/.venv\nCOPY . /srv");
    each_has(&[
        (
            &venv,
            &[
                "lock: uv.lock",
                "code:\n  context: .\n  install: true\n",
                "cmd: [hello]",
                "!a lock's project",
            ],
        ),
        (&both, &["context: .\n  to: /srv\n  install: true"]),
        (
            "WORKDIR /src\nCOPY pyproject.toml .\nCOPY src src\nRUN pip install --prefix=/install .\nFROM y\n\
             COPY --from=0 /install /usr/local\nCOPY start.sh /start.sh",
            &[
                "pyproject: pyproject.toml",
                "context: .\n  to: /src\n  install: true",
                "context: start.sh",
            ],
        ),
        (
            "RUN git clone https://e.org/r.git /r && cd /r && pip wheel . -w /wheels\nFROM y\n\
             COPY --from=0 /wheels /wheels\nRUN pip install /wheels/*",
            &["git: https://e.org/r.git\n  to: /r\n  install: true"],
        ),
        // Linked to a folder that the image has not: nothing would find it.
        ("COPY . /app\nRUN uv sync\nFROM y\nCOPY --from=0 /app/.venv /app/.venv", &["!context:"]),
    ]);
    let pyproject = "[project]\nname = \"x\"\n[build-system]\nrequires = [\"setuptools_scm>=8\"]\n";
    let told = |dockerfile: &str| {
        let files = [
            ("Dockerfile", dockerfile),
            ("src/pyproject.toml", pyproject),
            ("pyproject.toml", pyproject),
        ];
        let found = init::init(project(&files).path(), None).unwrap();
        read(&found.manifest).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        shown(&found)
    };
    let words = "setuptools-scm reads the version from `.git`";
    let installed = "FROM python:3.12\nCOPY . /app\nWORKDIR /app\nRUN pip install .\n";
    assert!(told(installed).contains(words), "{}", told(installed));
    let with_version =
        installed.replace("WORKDIR", "ENV SETUPTOOLS_SCM_PRETEND_VERSION=1.0\nWORKDIR");
    assert!(!told(&with_version).contains(words));
    let version = "install: true\n  env:\n    SETUPTOOLS_SCM_PRETEND_VERSION: 1.0\n";
    assert!(told(&with_version).contains(version), "{}", told(&with_version));
    assert!(!told(&installed.replace("pip install .", "pip install six")).contains(words));
}

#[test]
fn a_file_of_a_model_in_the_root() {
    let dockerfile = "FROM python:3.12\nRUN hf download org/name a.bin --local-dir .\n\
                      RUN hf download org/other b.bin c.bin --local-dir /a.bin\n";
    let found = init::of_dockerfile("Dockerfile", dockerfile, &Folder::default()).unwrap();
    assert!(found.manifest.contains("to: /a.bin\n"), "{}", found.manifest);
    assert!(shown(&found).contains("two models in one place: `/a.bin`"), "{}", shown(&found));
}

#[test]
fn files_at_the_place_of_the_code() {
    let dockerfile = "FROM python:3.12\nCOPY app srv/code\nCOPY --from=tools tool srv/code\n\
                      COPY --from=tools tool srv/code/other\n";
    let found = init::of_dockerfile("Dockerfile", dockerfile, &Folder::default()).unwrap();
    let expected = "# syntax=strata\nbase: python:3.12\ncode:\n  context: app\n  to: /srv/code\n\
                    files:\n  - from: tools\n    path: /tool\n    to: /srv/code/other\n";
    assert_eq!(found.manifest, expected);
    let note = "`/tool` goes into `/srv/code`, where the code is: name its place in there";
    assert!(shown(&found).contains(note), "{}", shown(&found));
}

/// A stage that an argument chooses is one of the Dockerfile, and no image.
#[test]
fn a_stage_chosen_by_an_argument() {
    let dockerfile = "ARG DEVICE=cpu\nFROM python:3.12-slim AS base-cpu\nRUN pip install six\n\
                      FROM nvidia/cuda:12 AS base-cuda\nFROM base-${DEVICE}\nCMD [\"x\"]\n";
    let found = init::of_dockerfile("Dockerfile", dockerfile, &Folder::default()).unwrap();
    let expected =
        "# syntax=strata\nbase: python:3.12-slim\npython:\n  packages: [six]\ncmd: [x]\n";
    assert_eq!(found.manifest, expected);
    let note = "Dockerfile:5: `base-${DEVICE}` is `base-cpu` here: what base-cuda has";
    assert!(shown(&found).contains(note), "{}", shown(&found));
    let unnamed = dockerfile.replace("=cpu", "");
    let found = init::of_dockerfile("Dockerfile", &unnamed, &Folder::default()).unwrap();
    assert!(shown(&found).contains("`base-${DEVICE}` is no base"), "{}", shown(&found));
    let arch = dockerfile.replace("DEVICE", "TARGETARCH").replace("base-cpu", "base-amd64");
    let found = init::of_dockerfile(
        "Dockerfile",
        &arch.replace("ARG TARGETARCH=cpu\n", ""),
        &Folder::default(),
    );
    assert_eq!(found.unwrap().manifest, expected);
}

/// Lines that Dockerfiles have, with places for words of any kind.
const LINES: [&str; 29] = [
    "FROM {}",
    "FROM python:3.12-slim AS {}",
    "ARG {}",
    "ARG X={}",
    "ENV {} {}",
    "ENV {}={} A=\"{}\"",
    "RUN pip install {} {}",
    "RUN pip install -r {} --index-url {} -e {}",
    "RUN apt-get install -y {} {} && {}",
    "RUN python -c \"snapshot_download('{}', revision='{}', local_dir='{}')\"",
    "RUN huggingface-cli download {} {} --local-dir {}",
    "RUN git clone -b {} {} {}",
    "RUN mkdir -p {} && cd {} && make {}",
    "RUN python -m spacy download {}",
    "COPY {} {}",
    "COPY --from={} {} {}",
    "WORKDIR {}",
    "USER {}",
    "EXPOSE {}",
    "VOLUME {}",
    "LABEL {}={}",
    "HEALTHCHECK --interval={} CMD {}",
    "CMD {}",
    "STOPSIGNAL {}",
    "ENV PIP_INDEX_URL={} UV_INDEX={} CMAKE_ARGS={}",
    "ARG SETUPTOOLS_SCM_PRETEND_VERSION={}",
    "RUN --mount=type=secret,id={} HF_ENDPOINT={} {} hf download org/name",
    "RUN X={} python {}",
    "RUN A={} export B={} && pip install . {}",
];

/// Words to put there.
const WORDS: [&str; 22] = [
    "a",
    "/x/y",
    "../up",
    "${X}",
    "$(date)",
    "a b",
    "'q'",
    "https://u:p@h/r.git",
    "a: b",
    "#c",
    "-",
    "[\"x\", \"y\"]",
    "é\u{7f}",
    "8000",
    "~",
    "null",
    "&&",
    "requirements.txt",
    "{a: b}",
    "*",
    ".",
    "org/name",
];

proptest! {
    /// Whatever a Dockerfile says, the manifest can be read.
    #[test]
    fn what_is_written_is_read(picks in prop::collection::vec((0..LINES.len(), prop::collection::vec(0..WORDS.len(), 3)), 0..12)) {
        let mut text = "FROM python:3.12-slim\n".to_owned();
        for (line, words) in picks {
            let mut line = LINES[line].to_owned();
            for word in words {
                line = line.replacen("{}", WORDS[word], 1);
            }
            text.push_str(&line);
            text.push('\n');
        }
        if let Ok(found) = init::of_dockerfile("Dockerfile", &text, &Folder::default()) {
            let read = read(&found.manifest);
            prop_assert!(read.is_ok(), "{text}\n{}\n{}", found.manifest, read.unwrap_err());
        }
    }

    /// No text makes it fall over.
    #[test]
    fn any_text(text in "(FROM|RUN|ENV|COPY|CMD|[ \\n\\\\\"'$={}&|;<#]|[a-z/.:-]){0,60}") {
        let _ = init::of_dockerfile("Dockerfile", &format!("FROM a\n{text}"), &Folder::default());
    }
}
