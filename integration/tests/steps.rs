//! What steps do before and beside their tools, asked of their own Python.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::fs;
use std::net::Ipv4Addr;

use integration::command::output;
use integration::package::Package;
use integration::package_index::{PackageIndex, Trouble};
use integration::python::{pip_program, python};
use integration::workspace;
use tempfile::TempDir;

/// What `script` prints in a Python that has the steps at hand, and `here`, a folder of its own.
fn run(here: &TempDir, script: &str) -> String {
    let start = "import os, sys; here = sys.argv[1]";
    let mut python = python().unwrap();
    python.args(["-c", &format!("{start}\n{script}")]).arg(here.path());
    python.env("PYTHONPATH", workspace::root().join("frontend/strata/src/plan/steps"));
    python.env("SOURCE_DATE_EPOCH", "0");
    output(&mut python).unwrap()
}

/// What `call` ends the step with, or nothing; `setting` is what comes before.
fn ends(here: &TempDir, setting: &str, call: &str) -> String {
    run(
        here,
        &format!("{setting}\ntry:\n    {call}\nexcept SystemExit as ended:\n    print(ended)"),
    )
}

/// No logins.
const NETRC: &str = "import network; network.PAUSES = (); os.environ['NETRC'] = here + '/netrc'";

#[test]
fn an_index_that_refuses_is_not_passed_over() {
    let wheel = |name: &str| Package::of_module(name, "1.0", "").wheel().unwrap();
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), [wheel("two")]).unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let said = |refused: &[&str], projects: &str| {
        index.mend();
        refused.iter().for_each(|page| index.trouble(page, Trouble::Status(403)));
        let asked = format!(
            "first, *others = {projects}\n\
             print(network.refusal([network.PYPI, {:?}], [first], others) or '')",
            index.url()
        );
        run(&here, &format!("{NETRC}\n{asked}"))
    };
    let refusal = format!("{}/one/ answers 403 Forbidden: if it asks for a password", index.url());
    let nobodys = "strata-has-no-such-project";

    assert_eq!(said(&[], "['one', 'two']"), "");
    let all = said(&["simple"], "['one', 'two']");
    assert!(all.starts_with(&refusal), "{all}");
    assert!(all.contains("It is not passed over, for another index's package"), "{all}");
    // It has another answer for what it does not have.
    let one = said(&["simple/one"], "['one', 'two']");
    assert!(one.starts_with(&refusal), "{one}");
    // It has none, and shows something.
    assert_eq!(said(&["simple/one", nobodys], "['one', 'two']"), "");
    assert_eq!(said(&["simple/one", nobodys], "['one']"), "", "a page of all that it has");
    // Where nobody knows what it has, it says itself what it is.
    for (is_amazons, says) in [("True", "None"), ("False", "https://h.io/one/ answers 403")] {
        let asked = format!(
            "{NETRC}; network._ask = lambda url: (403, 'Forbidden', 'text/html', {is_amazons})\n\
             print(network.refusal(['https://h.io'], ['one'], None))"
        );
        let said = run(&here, &asked);
        assert!(said.starts_with(says), "{said}");
    }
}

#[test]
fn an_index_that_refuses_a_page_of_the_lock_is_not_passed_over() {
    let wheel = |name: &str| Package::of_module(name, "1.0", "").wheel().unwrap();
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), [wheel("one")]).unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let files = "[{ url = \"https://h.io/f\" }]";
    let package =
        |name: &str, files: String| format!("\n[[packages]]\nname = \"{name}\"\n{files}\n");
    let lock = [
        "lock-version = \"1.0\"\n".to_owned(),
        package("one", format!("wheels = {files}")),
        package("needed", format!("wheels = {files}")),
        package("by-url", format!("archive = {files}")),
        package("torch", format!("sdist = {files}")),
    ];
    fs::write(here.path().join("lock"), lock.concat()).unwrap();
    let said = |pages: &[(&str, u16)], torch: &str, indexes: &str| {
        index.mend();
        index.take_asked();
        pages.iter().for_each(|(page, status)| index.trouble(page, Trouble::Status(*status)));
        let said = run(
            &here,
            &format!(
                "{NETRC}; import argparse, resolve; resolve.LOCK = here + '/lock'\n\
                 network.links = lambda options: []; own = {:?}\n\
                 arguments = argparse.Namespace(torch={torch})\n\
                 print(resolve.refusal_of_locked(arguments, {indexes}, ['one']) or '')",
                index.url()
            ),
        );
        let mut asked = index.take_asked();
        asked.sort_unstable();
        (said, asked)
    };
    let page = |name: &str| format!("simple/{name}");
    let pages = [page("needed"), page("one"), page("torch")];
    let both = "[network.PYPI, own]";

    assert_eq!(said(&[], "None", both), (String::new(), pages.to_vec()));
    assert_eq!(said(&[], "'cpu'", both), (String::new(), pages[..2].to_vec()));
    assert_eq!(said(&[], "None", "[own]"), (String::new(), vec![]), "there is no other");
    let pytorch = "[network.PYPI, 'https://download.pytorch.org/whl/cpu']";
    assert_eq!(said(&[], "None", pytorch), (String::new(), vec![]));
    for (status, says) in [(401, "401 Unauthorized"), (403, "403 Forbidden"), (407, "407 Proxy")] {
        let (said, _) = said(&[("simple/needed", status)], "None", both);
        assert!(said.starts_with(&format!("{}/needed/ answers {says}", index.url())), "{said}");
        assert!(said.contains("It is not passed over, for another index's package"), "{said}");
    }
    // A store of files says so of what it does not have.
    let nobodys = "strata-has-no-such-project";
    let absent = [("simple/needed", 403), ("simple/torch", 403), (nobodys, 403)];
    assert_eq!(said(&absent, "None", both).0, "");
    // That has trouble which uv does not pass over.
    assert_eq!(said(&[("simple/needed", 404), ("simple/torch", 503)], "None", both).0, "");
}

#[test]
fn pip_passes_over_no_page_of_the_lock() {
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), []).unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let lock = "\n[[packages]]\nname = \"needed\"\nwheels = []\n";
    fs::write(here.path().join("lock"), lock).unwrap();
    let setting = format!(
        "{NETRC}; import argparse, resolve; resolve.LOCK = here + '/lock'\n\
         network.links = lambda options: []\n\
         resolve.resolve_with_pip = lambda arguments, preferred: (0, 'resolved')\n\
         arguments = argparse.Namespace(torch=None)"
    );
    let call = |indexes: &str| {
        format!("print(resolve.ask_pip(arguments, [], [{:?}]{indexes}, ['one']))", index.url())
    };
    let two = call(" * 2");
    assert_eq!(ends(&here, &setting, &two), "(0, 'resolved')");
    for (trouble, says) in [
        (Trouble::Status(503), "answers 503 Service Unavailable"),
        (Trouble::Maintenance, "answers with text/plain"),
        (Trouble::Silence, "does not answer: timed out"),
    ] {
        index.trouble("simple/needed", trouble);
        // An answer may take its time on a machine that has other work.
        let patience =
            if matches!(trouble, Trouble::Silence) { "; network.PATIENCE = 1" } else { "" };
        let said = ends(&here, &format!("{setting}{patience}"), &two);
        assert!(said.starts_with(&format!("{}/needed/ {says}", index.url())), "{said}");
    }
    // pip has said itself what it does not have.
    assert_eq!(ends(&here, &setting, &call("")), "(0, 'resolved')");
}

#[test]
fn that_there_is_no_uv_is_kept_only_where_an_index_says_so() {
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), []).unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let pins = format!("--index-url {}\nuv==0.13.9 \\\n    --hash=sha256:00\n", index.url());
    fs::write(here.path().join("tool.txt"), pins).unwrap();
    let setting = format!(
        "{NETRC}; import tool; tool.PINS = here + '/tool.txt'; sys.stderr = sys.stdout\n\
         pip = [sys.executable, {:?}]",
        pip_program().unwrap()
    );
    let page = format!("{}/uv/", index.url());
    let said = || ends(&here, &setting, "tool.explain_failure(pip, True)");
    let add = |version: &str, tag: &str| {
        index.add(Package::new("uv", version).tagged(tag).wheel().unwrap());
    };
    let way_out = "there is no uv 0.13.9 for this machine: pip will resolve, which takes longer; \
                   once an index has it, build with `--no-cache-filter tool`";
    assert_eq!(said(), way_out, "404");
    for (trouble, says) in [
        (Trouble::Status(410), None),
        (Trouble::Status(403), Some("answers 403 Forbidden")),
        (Trouble::Status(503), Some("answers 503 Service Unavailable")),
        (Trouble::Maintenance, Some("answers with text/plain, and an index does with HTML")),
    ] {
        index.trouble("simple/uv", trouble);
        let said = said();
        match says {
            None => assert_eq!(said, way_out, "{trouble:?}"),
            Some(says) => assert!(said.starts_with(&format!("{page} {says}")), "{said}"),
        }
        index.mend();
    }
    for version in ["0.13.8", "0.13.90"] {
        add(version, "py3-none-any");
        assert_eq!(said(), way_out, "an index that is behind, or ahead");
    }
    for tag in ["py3-none-macosx_11_0_arm64", "py3-none-manylinux_2_17_riscv128"] {
        add("0.13.9", tag);
        assert_eq!(said(), way_out, "{tag}");
    }
    add("0.13.9", "py3-none-any");
    assert_eq!(
        said(),
        format!("{page} has a uv for this machine that pip was not shown: build again\n1")
    );
}

#[test]
fn an_index_that_is_silent_is_told_of_while_it_is_asked_again() {
    let index = PackageIndex::serve(Ipv4Addr::LOCALHOST.into(), []).unwrap();
    index.trouble("simple", Trouble::Silence);
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("netrc"), "").unwrap();
    let said = run(
        &here,
        &format!(
            "{NETRC}; network.PATIENCE = 1; sys.stderr = sys.stdout\n\
             print(network.refusal([network.PYPI, {:?}], ['one'], []))",
            index.url()
        ),
    );
    assert_eq!(said, format!("{}/one/ does not answer: timed out\nNone", index.url()));
}

/// What is left of secrets in the netrc of a step, or why the step ends.
fn prepared(secrets: &[(&str, &str)]) -> String {
    let here = tempfile::tempdir().unwrap();
    let hosts = secrets.iter().filter(|(name, _)| *name != "netrc");
    let hosts: String = hosts
        .map(|(name, _)| format!("{name}.test {}\n", here.path().join(name).display()))
        .collect();
    for (name, text) in secrets.iter().copied().chain([("hosts", hosts.as_str())]) {
        fs::write(here.path().join(name), text).unwrap();
    }
    let setting = "import network; network.CREDENTIALS = here + '/hosts'; \
                   network.NETRC_SECRET = here + '/netrc'; os.environ['HOME'] = here + '/home'";
    ends(&here, setting, "network.prepare(); print(open(os.environ['NETRC']).read())")
}

#[test]
fn logins_are_those_of_the_secrets() {
    let [netrc, spare] = ["machine a.test login b password c\n", "# none\n"];
    assert_eq!(prepared(&[]), "");
    assert_eq!(prepared(&[("netrc", netrc)]), netrc.trim());
    for (secret, login) in
        [("me:sesame\n", "me password sesame"), ("t0ken", "__token__ password t0ken")]
    {
        let said = prepared(&[("pkg", secret), ("netrc", spare)]);
        assert_eq!(said, format!("machine pkg.test login {login}\n{}", spare.trim()));
    }
    // The manifest's own secret is for its host.
    let both = "machine pkg.test login old password 0ld\nmachine a.test login b password c\n\
                default login d password e\n";
    assert_eq!(
        prepared(&[("pkg", "t0ken"), ("netrc", both)]),
        "machine pkg.test login __token__ password t0ken\nmachine a.test login b password c\n\
         default login d password e"
    );
}

#[test]
fn secrets_that_are_no_logins_are_refused_and_not_told() {
    for netrc in [
        "sesame",
        "machine a.test login me password open sesame\n",
        "# mine\n\nmachine a.test sesame me\n",
    ] {
        let said = prepared(&[("netrc", netrc)]);
        let says = "the secret netrc is not a netrc file, around line ";
        assert!(said.starts_with(says), "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
    for secret in [
        "me:open sesame",
        "sesame\nsesame",
        "\"me:sesame\"",
        "me:\"sesame\"",
        "me:ses\\ame",
        "sesame:",
        "",
    ] {
        let said = prepared(&[("pkg", secret)]);
        assert!(said.starts_with("the secret pkg, which pkg.test asks for, is neither"), "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
}

#[test]
fn pips_report_in_the_words_of_a_lock() {
    let said = run(
        &tempfile::tempdir().unwrap(),
        r#"
import resolve
def reported(url, direct, needs=(), **info):
    metadata = {"name": "A_b", "version": "1.0", "requires_dist": list(needs)}
    one = {"download_info": {"url": url, **info}, "metadata": metadata, "is_direct": direct}
    print(resolve.reported(one, {"c", "d"}), end="")
hashes = {"archive_info": {"hashes": {"sha256": "00"}}}
reported("https://h.io/a_b-1.0.whl", False, ["C>1; extra == 'x'", "e"], **hashes)
reported("https://h.io/a_b-1.0.tar.gz", False, **hashes)
reported("https://h.io/all.zip", True, subdirectory="a/b", **hashes)
commit = {"vcs": "git", "requested_revision": "main", "commit_id": "c0"}
reported("https://h.io/a.git", True, vcs_info=commit, subdirectory="a")
"#,
    );
    assert_eq!(
        said,
        r#"
[[packages]]
dependencies = [{ name = "c" }]
name = "a-b"
version = "1.0"
wheels = [{ url = "https://h.io/a_b-1.0.whl", hashes = { sha256 = "00" } }]

[[packages]]
name = "a-b"
version = "1.0"
sdist = { url = "https://h.io/a_b-1.0.tar.gz", hashes = { sha256 = "00" } }

[[packages]]
name = "a-b"
version = "1.0"
archive = { url = "https://h.io/all.zip", subdirectory = "a/b", hashes = { sha256 = "00" } }

[[packages]]
name = "a-b"
version = "1.0"
vcs = { type = "git", url = "https://h.io/a.git", subdirectory = "a", commit-id = "c0" }"#
    );
}

#[test]
fn what_failed_is_known_by_the_words_of_either_tool() {
    let said = run(
        &tempfile::tempdir().unwrap(),
        r#"
import resolve
for words in [
    "Failed to build `needy==1.0`\n  The build backend returned an error",
    "ERROR: Failed to build 'needy' when getting requirements to build wheel",
    "Failed to download and build `needy @ git+https://h.io/n`\n  Git executable not found.",
    "ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?",
    "Because needy was not found in the package registry and you require needy",
    "ERROR: No matching distribution found for needy==1.0",
    "ERROR: ResolutionImpossible",
]:
    built = bool(resolve.BUILD_FAILED.search(words)), *resolve.BUILT.findall(words)
    print(*built, *resolve.NOT_FOUND.findall(words))
"#,
    );
    assert_eq!(said, "True needy\nTrue needy\nTrue needy\nTrue\nFalse needy\nFalse needy\nFalse");
}

#[test]
fn a_lock_that_does_not_say_who_needs_whom_is_none() {
    // uv, cut off after the packages.
    let uv = "import sys\n\
              if 'pylock.toml' in sys.argv:\n    \
                  open(sys.argv[-1], 'w').write('lock-version = \"1.0\"\\n')\n\
              elif '--offline' not in sys.argv:\n    \
                  sys.exit('the index went away')\n\
              else:\n    \
                  sys.exit('not in the cache')\n";
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("uv.py"), uv).unwrap();
    let said = run(
        &here,
        r#"
import argparse, resolve
sys.stderr = sys.stdout
for name in ("PACKAGES", "PINS", "LOCK"):
    setattr(resolve, name, here + "/" + name)
asked = resolve.subprocess.Popen
resolve.subprocess.Popen = lambda command, **pipes: asked(
    [sys.executable, here + "/uv.py"] + command[1:], **pipes
)
resolve.read = lambda path: open(path).read() if path.startswith(here) else ""
arguments = argparse.Namespace(goes_on=False, site_packages=False, no_deps=False, torch=None)
print(resolve.resolve_with_uv(arguments, resolve.start_uv(arguments, [])))
print(os.path.exists(resolve.LOCK))
"#,
    );
    assert_eq!(said, "the index went away\n(1, 'the index went away\\n')\nFalse");
}

#[test]
fn what_a_step_has_its_secrets_in_is_not_kept() {
    let here = tempfile::tempdir().unwrap();
    let at = |name: &str| here.path().join(name).display().to_string();
    let setting = "import run; os.makedirs(here + '/secrets/a'); os.makedirs(here + '/models/own'); \
                   run.OWN_PATHS = [here + '/secrets']; os.symlink('secrets', here + '/link'); \
                   os.symlink('../link/a', here + '/models/way')";
    let said = run(
        &here,
        &format!(
            "{setting}\n\
             for path in ['models', 'models/own', 'secret', 'link', 'link/a', 'models/way', '.']:\n    \
             try:\n        print(run.place(here + '/' + path))\n    \
             except SystemExit as ended:\n        print(ended)"
        ),
    );
    let refused = |path: &str, leads: &str| {
        format!(
            "{}, which `keep` names, leads to {leads}, and {} is the step's own and may hold \
             secrets: have the command write to a folder of its own, such as /models",
            at(path),
            at("secrets")
        )
    };
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            at("models"),
            at("models/own"),
            at("secret"),
            refused("link", &at("secrets")),
            refused("link/a", &at("secrets/a")),
            refused("models/way", &at("secrets/a")),
            refused(".", &here.path().display().to_string()),
        ]
    );
}

#[test]
fn a_layer_without_its_bytecode_is_not_kept() {
    // What is no Python, and what has something else in bytecode's place, never had any.
    let setting = r#"
import resource, tree
places = ["own", "odd"]
for place in places:
    os.makedirs(here + "/lib/" + place, exist_ok=True)
sources = {"own/valid": "a = 1", "own/old": "print 1", "odd/valid": "", "own/" + "n" * 245: ""}
for name, text in sources.items():
    open(f"{here}/lib/{name}.py", "w").write(text)
open(here + "/lib/odd/__pycache__", "w").close()
"#;
    let setting = format!("{setting}os.environ.pop('PYTHONPYCACHEPREFIX'); os.dup2(1, 2)");
    let compile = "tree.compile_bytecode(here + '/lib', here)";
    let here = tempfile::tempdir().unwrap();
    let own = here.path().join("lib/own");
    let source = own.join("valid.py").display().to_string();
    let not_kept = "a layer without all of its bytecode is not kept: see the words above";
    for (variable, name) in [("", "valid.cpython-311.pyc"), ("1", "valid.cpython-311.opt-1.pyc")] {
        let setting = format!("{setting}\nos.environ['PYTHONOPTIMIZE'] = {variable:?}");
        assert_eq!(ends(&here, &setting, compile), "");
        let written: Vec<_> = fs::read_dir(own.join("__pycache__")).unwrap().collect();
        let [Ok(written)] = &written[..] else { panic!("{written:?}") };
        assert_eq!(written.file_name(), name);
        fs::remove_dir_all(own.join("__pycache__")).unwrap();

        // As on a full disk.
        let full = format!("{setting}\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))");
        assert_eq!(
            ends(&here, &full, compile),
            format!("the bytecode of {source} cannot be written: File too large\n{not_kept}")
        );
        fs::remove_dir_all(own.join("__pycache__")).unwrap();
    }
    let killed = format!(
        "{setting}\nasked = tree.subprocess.run\n\
         def run(command, **how):\n    \
             is_killed = '-m' in command\n    \
             return tree.subprocess.CompletedProcess(command, -9) if is_killed else \
             asked(command, **how)\n\
         tree.subprocess.run = run"
    );
    let said = ends(&here, &killed, compile);
    let missing = format!("the bytecode of {source} is missing: what compiles was ended");
    assert!(said.starts_with(&missing) && said.ends_with(not_kept), "{said}");
}

/// A program whose loader is `loader`, as the heads of an ELF file say it.
fn elf(wide: bool, little: bool, loader: &str) -> Vec<u8> {
    let number = |value: u64, size: usize| {
        let mut bytes = value.to_le_bytes()[..size].to_vec();
        if !little {
            bytes.reverse();
        }
        bytes
    };
    // The file's head, then two entries of the table, then the name.
    let (word, head, entry) = if wide { (8, 64, 56) } else { (4, 52, 32) };
    let mut file = vec![0; head + 2 * entry];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[0x7f, b'E', b'L', b'F', 1 + u8::from(wide), 2 - u8::from(little)]);
    put(if wide { 32 } else { 28 }, &number(head as u64, word));
    put(if wide { 54 } else { 42 }, &number(entry as u64, 2));
    put(if wide { 56 } else { 44 }, &number(2, 2));
    put(head, &number(6, 4));
    put(head + entry, &number(3, 4));
    put(head + entry + word, &number((head + 2 * entry) as u64, word));
    put(head + entry + 4 * word, &number(loader.len() as u64 + 1, word));
    file.extend(loader.as_bytes());
    file.push(0);
    file
}

#[test]
fn packages_are_known_by_their_names_and_versions() {
    let here = tempfile::tempdir().unwrap();
    let has = |all: &[(&str, &str)]| {
        let site = tempfile::tempdir_in(here.path()).unwrap();
        for (name, version) in all {
            let folder = site.path().join(format!("{name}-{version}.dist-info"));
            fs::create_dir(&folder).unwrap();
            let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
            fs::write(folder.join("METADATA"), metadata).unwrap();
        }
        let path = site.path().display();
        run(&here, &format!("import probe; sys.path = ['{path}']; print(probe.packages())"))
    };
    let two = has(&[("six", "1.16.0"), ("idna", "3.10")]);
    assert_eq!(two, has(&[("idna", "3.10"), ("six", "1.16.0")]));
    assert_ne!(two, has(&[("six", "1.17.0"), ("idna", "3.10")]));
    assert_ne!(two, has(&[("six", "1.16.0")]));
    assert_eq!(two.strip_prefix("sha256:").map(str::len), Some(64), "{two}");
    let more = [("six", "1.16.0"), ("idna", "3.10"), ("pip", "25.0"), ("odd", "1 beta")];
    assert_eq!(two, has(&more));
    assert_eq!(has(&[("Zope.Event", "5.0")]), has(&[("zope_event", "5.0")]));
}

/// Packages of a base: two of one name, one that was cut off, those as `setup.py` has left them.
const OF_A_BASE: [(&str, &str); 6] = [
    ("a/Zope.Event-5.0.dist-info/METADATA", "Name: Zope.Event\nVersion: 5.0\n"),
    ("a/cut.dist-info/RECORD", ""),
    ("a/old.egg-info/PKG-INFO", "Name: old\nVersion: 1.0-1\n"),
    ("a/setup.egg-info/PKG-INFO", "Name: set_up\nVersion: 1.0\n"),
    ("b/zope_event-5.0.dist-info/METADATA", "Name: zope_event\nVersion: 5.0\n"),
    ("b/wheel-0.45.1.dist-info/METADATA", "Name: wheel\nVersion: 0.45.1\n"),
];

#[test]
fn what_the_base_has_is_noted_as_the_resolver_counts_it() {
    let here = tempfile::tempdir().unwrap();
    for (path, text) in OF_A_BASE {
        let path = here.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let script = r#"
import hashlib, importlib.metadata, probe, resolve, tempfile
class Newer(importlib.metadata.PathDistribution):
    @property
    def metadata(self):
        known = self.read_text("METADATA") or self.read_text("PKG-INFO")
        return super().metadata if known else without()
found = importlib.metadata.distributions(path=[here + "/a", here + "/b"])
found = [Newer(one._path) for one in found]
importlib.metadata.distributions = lambda: found
resolve.INSTALLED = tempfile.mkdtemp(dir=here) + "/installed"
pins = sorted({pin for pin in resolve.installed_wheels() if not pin.startswith("wheel==")})
of_pins = hashlib.sha256("\n".join(pins).encode()).hexdigest()
print(*pins, probe.packages() == "sha256:" + of_pins)
"#;
    // As newer Pythons do it: with none, or an error.
    for without in ["return None", "raise FileNotFoundError"] {
        let said = run(&here, &format!("def without():\n    {without}\n{script}"));
        assert_eq!(said, "set-up==1.0 zope-event==5.0 True", "{without}");
    }
}

#[test]
fn the_c_library_is_that_of_the_python_which_runs() {
    let here = tempfile::tempdir().unwrap();
    let loader = |program: &[u8]| {
        fs::write(here.path().join("program"), program).unwrap();
        run(&here, "import probe; print(probe.loader(here + '/program'))")
    };
    for (wide, little) in [(true, true), (false, true), (true, false), (false, false)] {
        let program = elf(wide, little, "/lib/ld-musl-x86_64.so.1");
        assert_eq!(loader(&program), "/lib/ld-musl-x86_64.so.1", "{wide} {little}");
    }
    assert_eq!(loader(b"#!/bin/sh\nexec python3 \"$@\"\n"), "");
    let own = run(&here, "import probe; print(probe.loader(sys.executable), probe.libc()['name'])");
    assert!(own.starts_with("/lib") && own.ends_with(" glibc"), "{own}");
}
