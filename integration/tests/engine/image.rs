//! What the finished image says of itself, and who runs it.

use integration::hub::{Hub, Repo};
use serde_json::{Value, json};

use crate::built::Built;
use crate::layout::Layout;
use crate::{BASE, STRATA, build, build_file, context};

/// What a base may say, and some things that nobody knows of.
fn unusual(config: &mut Value) {
    config["author"] = json!("someone");
    config["org.example.unusual"] = json!({"deep": [1, null]});
    config["config"] = json!({
        "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "KEPT=base", "GREETING=base", "EQUALS=a=b"],
        "User": "www-data",
        "WorkingDir": "/base",
        "Entrypoint": ["/base"],
        "Cmd": ["base"],
        "Labels": {"kept": "base", "team": "base", "words": "base"},
        "ExposedPorts": {"1/tcp": {}},
        "Volumes": {"/base": {}},
        "StopSignal": "SIGQUIT",
        "Healthcheck": {"Test": ["CMD", "base"], "Retries": 9},
        "Shell": ["/bin/sh", "-c"],
        "Unusual": {"deep": [1, null]},
    });
}

#[test]
fn the_config_is_the_bases_with_the_manifest_laid_over_it() {
    let base = context(&[("Dockerfile", &format!("FROM {BASE}\n"))]);
    let mut command = build_file(&STRATA, base.path(), "Dockerfile");
    let base = Layout::built_by(command.arg("--provenance=false"));
    let mut config = base.config();
    let below = config["rootfs"]["diff_ids"].as_array().unwrap().len();
    unusual(&mut config);
    base.set_config(&config);

    let hub = Hub::serve(
        STRATA.host_address().unwrap(),
        [Repo::new("tiny/open", [("config.json", "{}")]).licensed("mit")],
    );
    let hub = hub.unwrap();
    let commit = hub.update("tiny/open", |model| model.head().to_owned()).unwrap();
    let manifest = "# syntax=strata
base: unusual
python: {packages: [six==1.17.0]}
models: [tiny/open]
code: .
env: {GREETING: hello, NEW: '1'}
workdir: /work
entrypoint: [python, main.py]
ports: [8000]
volumes: [/data]
dirs: [/app/logs]
labels: {team: manifest, words: manifest}
stop_signal: SIGINT
healthcheck: {test: [CMD, python, --version], interval: 1m30s}
";
    let folder = context(&[("strata.yaml", manifest), ("main.py", "print('hello')\n")]);
    let image = Layout::built_by(
        build(&STRATA, folder.path())
            .arg(format!("--build-context=unusual=oci-layout://{}", base.path().display()))
            .arg(format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()))
            .args(["--build-arg=CODE_VERSION=v1", "--label=words=command", "--provenance=false"]),
    );

    let config = image.config();
    assert_eq!(config["author"], "someone");
    assert_eq!(config.get("org.example.unusual"), None, "it is of the base alone");
    assert_eq!(
        config["config"],
        json!({
            "Env": [
                "PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
                "KEPT=base",
                "GREETING=hello",
                "EQUALS=a=b",
                "VIRTUAL_ENV=/opt/venv",
                "HF_HOME=/opt/huggingface",
                "HF_MODULES_CACHE=/home/app/.cache/huggingface/modules",
                "HF_HUB_OFFLINE=1",
                "TRANSFORMERS_OFFLINE=1",
                "NEW=1",
            ],
            "User": "10001:10001",
            "WorkingDir": "/work",
            "Entrypoint": ["python", "main.py"],
            "Labels": {
                "kept": "base",
                "team": "manifest",
                "words": "command",
                "org.opencontainers.image.revision": "v1",
                "strata.models": json!([
                    {"name": "tiny/open", "version": commit, "license": "mit"}
                ]).to_string(),
            },
            "ExposedPorts": {"1/tcp": {}, "8000/tcp": {}},
            "Volumes": {"/base": {}, "/data": {}},
            "StopSignal": "SIGINT",
            "Healthcheck": {
                "Test": ["CMD", "python", "--version"],
                "Interval": 90_000_000_000_u64,
                "Retries": 9,
            },
            "Shell": ["/bin/sh", "-c"],
            "Unusual": {"deep": [1, null]},
        })
    );

    let layers = config["rootfs"]["diff_ids"].as_array().unwrap().len();
    let history = config["history"].as_array().unwrap();
    let full: Vec<_> = history.iter().filter(|entry| entry["empty_layer"] != true).collect();
    assert_eq!(full.len(), layers);
    let ours: Vec<_> = full[below..].iter().map(|entry| entry["created_by"].clone()).collect();
    assert_eq!(
        ours,
        [
            "strata: what the base is",
            "strata: virtual environment",
            "strata: what tiny/open is",
            &format!("strata: model tiny/open at main ({})", &commit[..12]),
            "strata: user 10001:10001",
            "strata: Python packages: six==1.17.0",
            "strata: what is installed",
            "strata: code from the build context",
            "strata: folders of the user's",
        ]
    );
}

#[test]
fn what_the_base_runs_is_run() {
    let base = Built::dockerfile(&format!(
        "FROM {BASE}\nENTRYPOINT [\"echo\", \"base's\"]\nCMD [\"command\"]\nWORKDIR /tmp\n"
    ));
    for (lines, prints) in [
        ("", "base's command"),
        ("cmd: [own]", "base's own"),
        ("cmd: []", "base's"),
        ("entrypoint: [echo, own]", "own"),
        ("entrypoint: [pwd]", "/tmp"),
        ("entrypoint: []\ncmd: [pwd]\nworkdir: /var", "/var"),
    ] {
        let manifest = format!("# syntax=strata\nbase: {}\n{lines}\n", base.name);
        assert_eq!(Built::new::<&str>(&manifest, &[], &[]).run(&[]), prints, "{lines}");
    }
}

/// Prints who runs it, and whether they can write where they should.
const WHO: &str = "\
echo $(whoami) $(id -u):$(id -g) $HOME $(stat -c %U:%a ~)
exec 2>/dev/null
touch ~/.cache || echo cannot write to the home
touch /data/logs/today || echo cannot write to dirs
test -w /data || echo cannot write above dirs
test -w /app || echo cannot write to the code
";

#[test]
fn users() {
    let made = "cannot write above dirs\ncannot write to the code";
    let games = "/usr/games root:755\ncannot write to the home";
    for (user, prints) in [
        ("", format!("app 10001:10001 /home/app app:755\n{made}")),
        ("user: worker", format!("worker 10001:10001 /home/worker worker:755\n{made}")),
        ("user: 1234:2345", format!("app 1234:2345 /home/app app:755\n{made}")),
        ("user: games", format!("games 5:60 {games}\n{made}")),
        ("user: 5:7", format!("games 5:7 {games}\n{made}")),
        ("user: root", "root 0:0 /root root:700".to_owned()),
    ] {
        let manifest =
            format!("# syntax=strata\nbase: {BASE}\ncode: .\ndirs: [/data/logs]\n{user}\n");
        let built = Built::new::<&str>(&manifest, &[("main.py", "")], &[]);
        assert_eq!(built.run(&["sh", "-c", WHO]), prints, "{user}");
    }
}

#[test]
fn anyone_in_roots_group_may_run_it() {
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{}}\nuser: 10001:0\ndirs: [/app/logs]\n\
         env: {{PATH: '/app/bin:${{PATH}}'}}\n"
    );
    let image = Built::new::<&str>(&manifest, &[], &[]);
    let script = "touch ~/here /app/logs/here && python -c 'import getpass; print(getpass.getuser())' \
                  && echo $HOME $PATH";
    let said = image.run_with(&["--user=1000650000:0"], &["sh", "-c", script]);
    assert!(said.starts_with("app\n/home/app /app/bin:/opt/venv/bin:/"), "{said}");
}

#[test]
fn any_user_reads_the_image_and_nobody_needs_to_write_to_it() {
    let hub = Hub::serve(
        STRATA.host_address().unwrap(),
        [Repo::new("tiny/open", [("config.json", "{}"), ("weights.bin", "\0")])],
    )
    .unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{packages: [six==1.17.0]}}\n\
         models: [tiny/open]\ncode: .\ncmd: [python, main.py]\n"
    );
    let main = "import os, six, pathlib
home = pathlib.Path(os.environ['HF_HOME'])
print(*sorted(file.name for file in home.rglob('*.*') if file.read_bytes()))
";
    let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
    let built = Built::new(&manifest, &[("main.py", main)], &[endpoint]);
    for options in [
        &["--read-only"][..],
        &["--user=12345"],
        &["--user=root"],
        &["--read-only", "--user=12345:6", "--cap-drop=all"],
    ] {
        assert_eq!(built.run_with(options, &[]), "config.json weights.bin", "{options:?}");
    }
}
