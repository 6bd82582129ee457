//! What is secret is used, and nowhere to be found.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use integration::buildx::Build;
use integration::digest::sha256;
use integration::file_server::FileServer;
use integration::git_server::GitServer;
use integration::hub::{Hub, Repo};
use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::layout::Layout;
use crate::{BASE, STRATA, build, context};

/// The files that have one of `texts` in them, a line each.
fn files_with(texts: &[&str], folders: &[&Path]) -> String {
    let mut grep = Command::new("grep");
    grep.args(["--recursive", "--text", "--files-with-matches", "--fixed-strings"]);
    grep.args(texts.iter().flat_map(|text| ["-e", text])).args(folders);
    let grep = grep.output().unwrap();
    assert!(matches!(grep.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&grep.stderr));
    String::from_utf8(grep.stdout).unwrap()
}

/// A secret as it is, in a URL, and in base64.
fn disguises(secret: &str) -> Vec<String> {
    let in_url: String = secret
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) }
        })
        .collect();
    // Three bytes are four digits: what comes before it and after it shows in the outermost.
    let in_base64 = (0..3).map(|before| {
        let digits = BASE64_STANDARD.encode(" ".repeat(before) + secret);
        let whole = secret.len() - (3 - before) % 3;
        let start = if before == 0 { 0 } else { 4 };
        digits[start..start + whole / 3 * 4].to_owned()
    });
    [secret.to_owned(), in_url.clone(), in_url.to_lowercase()]
        .into_iter()
        .chain(in_base64)
        .collect()
}

#[test]
fn disguises_are_seen_through() {
    let secret = "open/sesame+1=2";
    for (before, after) in [("", ""), ("a", "b"), ("ab", ""), ("abc:", "d")] {
        let hidden = BASE64_STANDARD.encode(format!("{before}{secret}{after}"));
        assert!(disguises(secret).iter().any(|disguise| hidden.contains(disguise)), "{hidden}");
    }
    assert!(disguises(secret).contains(&"open%2Fsesame%2B1%3D2".to_owned()));
}

#[test]
fn files_of_secrets_among_the_code_are_told() {
    let manifest = format!("# syntax=strata\nbase: {BASE}\ncode: .\n");
    let files = [("strata.yaml", &*manifest), (".env", "A=1"), (".venv/.env", "A=1")];
    let folder = context(&files);
    let warnings = || -> Vec<String> {
        let build = Build::succeed(&mut build(&STRATA, folder.path())).unwrap();
        build.warnings.iter().map(|warning| warning.short.clone()).collect()
    };
    let told = "SecretFile: the code has `.env`, where secrets are kept: everyone who gets the image \
                could read them; leave them out by .dockerignore (line 3)";
    assert_eq!(warnings(), [told]);
    fs::write(folder.path().join(".dockerignore"), ".env*\n").unwrap();
    assert_eq!(warnings(), [""; 0]);
}

#[test]
fn they_leave_no_trace() {
    leaves_no_trace("pip");
}

#[test]
fn they_leave_no_trace_of_uv_either() {
    leaves_no_trace("uv");
}

/// A model's command that says that it has its token.
const READ: &str = "import os; \
                    assert open(os.environ['HF_TOKEN_PATH']).read() == os.environ['KEY']; \
                    open('/read', 'w').write('read ' + 'it')";

/// Builds with a secret of every kind, and looks for them in all that comes of it.
fn leaves_no_trace(installer: &str) {
    let secrets @ [git_token, hub_token, by_netrc, by_login, by_token, url_token] = [
        "git/opens+sesame=1",
        "hub/opens+sesame=2",
        "netrc/opens+sesame=3",
        "login/opens+sesame=4",
        "token/opens+sesame=5",
        "url/opens+sesame=6",
    ];
    let address = STRATA.host_address().unwrap();
    let server = GitServer::serve(address).unwrap();
    let repository = server.create_private("app", git_token).unwrap();
    repository.commit(&[("main.py", "print('private code')")], "begin").unwrap();
    let model = Repo::new("tiny/private", [("config.json", "private model")]).private(hub_token);
    let hub = Hub::serve(address, [model]).unwrap();
    let file = b"private file".to_vec();
    let server_of_file =
        FileServer::serve_for(address, [("file", file.clone())], url_token).unwrap();
    let index = |login: &str, name: &str| {
        let wheel = Package::of_module(name, "1.0", "'private package'\n").wheel().unwrap();
        PackageIndex::serve_private(address, login, [wheel]).unwrap()
    };
    let netrc_index = index(&format!("me:{by_netrc}"), "internal");
    let login_index = index(&format!("me:{by_login}"), "also_internal");
    let token_index = index(&format!("__token__:{by_token}"), "more_internal");

    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\n\
         python:\n  requirements: requirements.txt\n  packages: [also_internal, more_internal]\n  \
         installer: {installer}\n  extra_index_urls: ['{}', '{}']\n  \
         credentials: {{login.test: secret:index_login, token.test: secret:index_token}}\n\
         models:\n  - {{hf: tiny/private, to: /models/, token: secret:hub_token}}\n  \
         - {{url: '{}/file', sha256: {}, to: /models/, token: secret:url_token}}\n  \
         - {{run: [python, -c, \"{READ}\"], keep: /read, token: secret:hub_token, \
         secrets: {{KEY: secret:hub_token}}}}\ncode: {{git: '{}', build: 'test -n \"$KEY\"', secrets: \
         {{KEY: secret:GIT_AUTH_TOKEN}}}}\n",
        login_index.url_at("login.test"),
        token_index.url_at("token.test"),
        server_of_file.url(),
        sha256(&file),
        repository.url(),
    );
    let requirements = format!("--extra-index-url {}\ninternal==1.0\n", netrc_index.url());
    let folder = context(&[("strata.yaml", &manifest), ("requirements.txt", &requirements)]);
    let netrc = format!("machine {address} login me password {by_netrc}\n");
    let login = format!("me:{by_login}\n");
    let files = context(&[
        ("git", git_token),
        ("hub", hub_token),
        ("netrc", &netrc),
        ("login", &login),
        ("token", by_token),
        ("url", url_token),
    ]);
    let secret = |id: &str, file: &str| {
        format!("--secret=id={id},src={}", files.path().join(file).display())
    };
    let kept = tempfile::tempdir().unwrap();
    let cache = kept.path().join("cache");
    let plain = "compression=uncompressed,force-compression=true";
    let image = Layout::built_plain_by(
        build(&STRATA, folder.path())
            .arg(format!("--build-arg=HF_ENDPOINT={}", hub.endpoint()))
            .args([
                secret("GIT_AUTH_TOKEN", "git"),
                secret("hub_token", "hub"),
                secret("netrc", "netrc"),
                secret("index_login", "login"),
                secret("index_token", "token"),
                secret("url_token", "url"),
            ])
            .args(["login.test", "token.test"].map(|host| format!("--add-host={host}:{address}")))
            .arg("--provenance=mode=max")
            .arg(format!("--cache-to=type=local,mode=max,{plain},dest={}", cache.display()))
            .arg("--progress=rawjson")
            .arg("--metadata-file")
            .arg(kept.path().join("metadata.json")),
    );
    fs::write(kept.path().join("log"), &image.log).unwrap();

    let traces: Vec<_> = secrets.into_iter().flat_map(disguises).collect();
    let traces: Vec<_> = traces.iter().map(String::as_str).collect();
    assert_eq!(files_with(&traces, &[image.path(), kept.path()]), "");
    // The search would find them.
    for text in ["private code", "private model", "private package", "private file", "read it"] {
        for folder in [image.path(), &cache] {
            assert_ne!(files_with(&["nowhere", text], &[folder]), "", "{text}");
        }
    }
    assert_ne!(files_with(&["https://slsa.dev/provenance"], &[image.path()]), "");
}
