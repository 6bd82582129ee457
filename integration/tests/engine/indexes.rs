//! Packages from other indexes than PyPI: which is asked, and what is said when one has trouble.

use std::sync::PoisonError;

use integration::buildx::Build;
use integration::command::output;
use integration::digest::sha256;
use integration::package::{Package, PackageFile};
use integration::package_index::{PackageIndex, Trouble};
use integration::tls::TlsFront;
use tempfile::TempDir;

use crate::bad_input::Bad;
use crate::built::Built;
use crate::{BASE, HTTPS, STRATA, build, context, unique};

/// The wheel of a module that knows its version, and belongs to `index`.
fn wheel(name: &str, version: &str, index: &str) -> PackageFile {
    let text = format!("print('{name} {version} {index}')\n");
    Package::of_module(name, version, &text).wheel().unwrap()
}

#[test]
fn pip_would_choose_the_same() {
    let address = STRATA.host_address().unwrap();
    let mirror = PackageIndex::serve_mirror(
        address,
        [
            wheel("strata_one", "1.0", "mirror"),
            wheel("strata_two", "2.0", "mirror"),
            wheel("strata_three", "1.0", "mirror"),
        ],
    )
    .unwrap();
    let extra = PackageIndex::serve(
        address,
        [
            wheel("strata_two", "1.0", "extra"),
            wheel("strata_three", "3.0", "extra"),
            wheel("strata_three", "4.0rc1", "extra"),
        ],
    )
    .unwrap();
    let linked = PackageIndex::serve(
        address,
        [wheel("strata_one", "2.0", "page"), wheel("strata_four", "1.0", "page")],
    )
    .unwrap();
    let names = "strata_one strata_two strata_three strata_four six";
    let pip = format!(
        "python3 -m venv /tmp/venv && /tmp/venv/bin/pip install --quiet --retries 10 \
         --trusted-host {address} --index-url {} --extra-index-url {} --find-links {} {names} \
         && /tmp/venv/bin/pip freeze",
        mirror.url(),
        extra.url(),
        linked.page(),
    );
    let chosen = output(STRATA.docker(["run", "--rm", BASE, "sh", "-c"]).arg(pip)).unwrap();
    for installer in ["pip", "uv"] {
        let manifest = format!(
            "# syntax=strata\nbase: {BASE}\npython:\n  packages: [{}]\n  installer: {installer}\n  \
             index_url: '{}'\n  extra_index_urls: '{}'\n  find_links: '{}'\n",
            names.replace(' ', ", "),
            mirror.url(),
            extra.url(),
            linked.page(),
        );
        let image = Built::new::<&str>(&manifest, &[], &[]);
        let freeze = "import importlib.metadata as m; print('\\n'.join(sorted(\
                      f\"{d.metadata['Name']}=={d.version}\" for d in m.distributions())))";
        let installed = image.run(&["python", "-c", freeze]);
        assert_eq!(installed, sorted(&chosen), "{installer}");
        let imported = image.run(&[
            "python",
            "-c",
            "import strata_one, strata_two, strata_three, strata_four",
        ]);
        assert_eq!(
            imported,
            "strata_one 2.0 page\nstrata_two 2.0 mirror\nstrata_three 3.0 extra\nstrata_four 1.0 page"
        );
    }
}

#[test]
fn what_uv_would_choose_otherwise_pip_chooses() {
    let address = STRATA.host_address().unwrap();
    let wanted = wheel("strata_five", "1.0", "wanted");
    let hash = sha256(&wanted.content);
    let index = PackageIndex::serve_mirror(address, [wanted]).unwrap();
    let others = [
        wheel("strata_five", "1.0", "others"),
        wheel("strata_six", "1.0", "wheel"),
        Package::of_module("strata_six", "2.0", "").file("setup.py", "1 / 0").sdist().unwrap(),
    ];
    let others = PackageIndex::serve(address, others).unwrap();
    let indexes = format!("--index-url {}\n--extra-index-url {}\n", index.url(), others.url());
    let installed = |requirements: &str, name: &str| {
        let manifest = format!("# syntax=strata\nbase: {BASE}\npython: requirements.txt\n");
        let requirements = indexes.clone() + requirements;
        let image = Built::new::<&str>(&manifest, &[("requirements.txt", &requirements)], &[]);
        image.run(&["python", "-c", &format!("import {name}")])
    };
    // For one version, uv takes the files of one index.
    let pinned = format!("strata_five==1.0 --hash=sha256:{hash}\n");
    assert_eq!(installed(&pinned, "strata_five"), "strata_five 1.0 wanted");
    let lock = format!(
        "{{\"_meta\": {{\"sources\": []}}, \"default\": {{\"strata-five\": {{\
         \"version\": \"==1.0\", \"hashes\": [\"sha256:{hash}\"]}}}}}}"
    );
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\npython: {{lock: Pipfile.lock, index_url: '{}', \
         extra_index_urls: '{}'}}\n",
        index.url(),
        others.url()
    );
    let image = Built::new::<&str>(&manifest, &[("Pipfile.lock", &lock)], &[]);
    assert_eq!(image.run(&["python", "-c", "import strata_five"]), "strata_five 1.0 wanted");
    // And it takes a newer release that has to be built.
    assert_eq!(installed("--prefer-binary\nstrata_six\n", "strata_six"), "strata_six 1.0 wheel");
}

fn sorted(lines: &str) -> String {
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// An index that asks for a password, and has one package.
struct Private {
    index: PackageIndex,
    name: String,
    secrets: TempDir,
}

const HOST: &str = "packages.test";
const CREDENTIALS: &str = "  credentials: {packages.test: secret:pkg}\n";

impl Private {
    fn serve() -> Self {
        let name = format!("strata_{}", unique());
        let index = PackageIndex::serve_private(
            STRATA.host_address().unwrap(),
            "me:sesame",
            [wheel(&name, "1.0", "index")],
        );
        let secrets = context(&[("right", "me:sesame"), ("wrong", "me:simsim")]);
        Self { index: index.unwrap(), name, secrets }
    }

    /// The path of the project's page.
    fn page(&self) -> String {
        format!("simple/{}/", self.name.replace('_', "-"))
    }

    /// The path of the wheel.
    fn file(&self) -> String {
        format!("files/{}-1.0-py3-none-any.whl", self.name)
    }

    fn url(&self, path: &str) -> String {
        self.index.url_at(HOST).replace("simple", path)
    }

    fn manifest(&self, installer: &str, credentials: &str) -> String {
        format!(
            "base: {BASE}\npython:\n  packages: [{}]\n  installer: {installer}\n  \
             extra_index_urls: '{}'\n{credentials}",
            self.name,
            self.index.url_at(HOST),
        )
    }

    /// What is said to `docker buildx build`; the secret, if there is one, is one of the files.
    fn arguments(&self, secret: Option<&str>) -> Vec<String> {
        let host = format!("--add-host={HOST}:{}", self.index.address().ip());
        let secret = secret
            .map(|file| format!("--secret=id=pkg,src={}/{file}", self.secrets.path().display()));
        [host].into_iter().chain(secret).collect()
    }

    /// Builds, which must fail with these words on the lines of `python`.
    fn fails(&self, installer: &str, credentials: &str, secret: Option<&str>, says: &[&str]) {
        let (manifest, arguments) = (self.manifest(installer, credentials), self.arguments(secret));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let blamed = format!(">>>   packages: [{}]", self.name);
        let says = [says, &[&*blamed]].concat();
        Bad { arguments: &arguments, ..Bad::new(says[0], &manifest, &says) }.fails();
    }

    /// Resolves and no more.
    fn locks(&self) {
        let manifest = format!("# syntax=strata\n{}", self.manifest("pip", CREDENTIALS));
        let folder = context(&[("strata.yaml", &manifest)]);
        let output = folder.path().join("lock");
        let mut command = build(&STRATA, folder.path());
        command.arg("--target=lock").arg(format!("--output={}", output.display()));
        Build::succeed(command.args(self.arguments(Some("right")))).unwrap();
    }

    /// Builds, which must succeed.
    fn succeeds(&self, installer: &str, more: Option<&str>) {
        let manifest = format!("# syntax=strata\n{}", self.manifest(installer, CREDENTIALS));
        let mut arguments = self.arguments(Some("right"));
        arguments.extend(more.map(str::to_owned));
        let image = Built::new(&manifest, &[], &arguments);
        let said = image.run(&["python", "-c", &format!("import {}", self.name)]);
        assert_eq!(said, format!("{} 1.0 index", self.name));
    }
}

#[test]
fn who_is_not_let_in_is_told_what_to_do() {
    let private = Private::serve();
    let refused = format!("{} answers 401 Unauthorized: ", private.url(&private.page()));
    private.fails(
        "pip",
        "",
        None,
        &[
            &format!("{refused}if it asks for a password, name the secret that holds it"),
            "`credentials: {packages.test: secret:my_index}`",
        ],
    );
    private.fails(
        "pip",
        CREDENTIALS,
        None,
        &["there is no secret pkg, which packages.test asks for: give it to the build"],
    );
    let see = "see that the secret pkg holds a valid `user:password`, or a token";
    private.fails("pip", CREDENTIALS, Some("wrong"), &[&format!("{refused}{see}")]);
    private.succeeds("pip", None);
}

#[test]
fn an_index_without_a_login_is_not_passed_over() {
    // PyPI has a project of this name, too: without the index, that would be taken and kept.
    let address = STRATA.host_address().unwrap();
    let wheels = [wheel("six", "99.0", "index")];
    let index = PackageIndex::serve_private(address, "me:sesame", wheels).unwrap();
    let manifest =
        format!("base: {BASE}\npython: {{packages: [six], extra_index_urls: '{}'}}\n", index.url());
    Bad::new("no password", &manifest, &["/simple/six/ answers 401 Unauthorized"]).fails();
    index.trouble("simple", Trouble::Status(403));
    Bad::new("no access", &manifest, &["/simple/six/ answers 403 Forbidden"]).fails();
}

#[test]
fn an_index_that_refuses_one_page_is_not_passed_over() {
    // Of what something else needs, which nobody has named.
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let needy = Package::of_module(&name, "1.0", "").needs("six");
    let own = [needy.wheel().unwrap(), wheel("six", "99.0", "index")];
    let index = PackageIndex::serve(address, own).unwrap();
    let manifest = format!(
        "base: {BASE}\npython: {{requirements: requirements.txt, extra_index_urls: '{}'}}\n",
        index.url()
    );
    for (resolver, option) in [("uv", ""), ("pip", "--prefer-binary\n")] {
        let requirements = format!("{option}{name}\n");
        let files = [("requirements.txt", requirements.as_str())];
        for (status, says) in [(401, "401 Unauthorized"), (403, "403 Forbidden")] {
            index.trouble("simple/six", Trouble::Status(status));
            let page = format!("{}/six/ answers {says}", index.url());
            let says = [&*page, "It is not passed over, for another index's package of that name"];
            Bad { files: &files, ..Bad::new(resolver, &manifest, &says) }.fails();
        }
        index.mend();
        let image = Built::new::<&str>(&format!("# syntax=strata\n{manifest}"), &files, &[]);
        assert_eq!(image.run(&["python", "-c", "import six"]), "six 99.0 index", "{resolver}");
    }
}

#[test]
fn an_index_that_refuses_what_a_build_needs_is_not_passed_over() {
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let setup = format!(
        "import setuptools, six\n\
         setuptools.setup(name='{name}', version='1.0', py_modules=['{name}'])\n"
    );
    let source = Package::of_module(&name, "1.0", "print('built')\n")
        .file("setup.py", &setup)
        .file("pyproject.toml", "[build-system]\nrequires = ['setuptools==80.9.0', 'six']\n");
    let own = [source.sdist().unwrap(), wheel("six", "99.0", "index")];
    let index = PackageIndex::serve(address, own).unwrap();
    let manifest = format!(
        "base: {BASE}\npython: {{packages: [{name}], extra_index_urls: '{}'}}\n",
        index.url()
    );
    for (status, says) in [(401, "401 Unauthorized"), (403, "403 Forbidden"), (503, "503 Service")]
    {
        index.trouble("simple/six", Trouble::Status(status));
        let page = format!("{}/six/ answers {says}", index.url());
        let says = [&*page, "It is not passed over, for another index's package of that name"];
        Bad::new("a build's requirement", &manifest, &says).fails();
    }
    // It may be its way to say that it has none.
    index.trouble("simple/six", Trouble::Status(401));
    let refusals = format!("ignore_refusals: '{}', extra_index_urls", index.url());
    let lenient = manifest.replace("extra_index_urls", &refusals);
    let image = Built::new::<&str>(&format!("# syntax=strata\n{lenient}"), &[], &[]);
    assert_eq!(image.run(&["python", "-c", &format!("import {name}")]), "built");
    index.mend();
    let image = Built::new::<&str>(&format!("# syntax=strata\n{manifest}"), &[], &[]);
    assert_eq!(image.run(&["python", "-c", &format!("import {name}")]), "built");
}

#[test]
fn an_index_in_trouble_is_not_passed_over() {
    // As above, and pip would say nothing of it.
    let address = STRATA.host_address().unwrap();
    let index = PackageIndex::serve(address, [wheel("six", "99.0", "index")]).unwrap();
    let manifest = format!(
        "base: {BASE}\npython: {{requirements: requirements.txt, extra_index_urls: '{}'}}\n",
        index.url()
    );
    let page = format!("{}/six/", index.url());
    let fails = |trouble: Trouble, requirements: &str, says: &str| {
        index.trouble("simple", trouble);
        let files = [("requirements.txt", requirements)];
        let says = format!("{page} {says}");
        let says = [&*says, "It is not passed over, for another index's package of that name"];
        Bad { files: &files, ..Bad::new(says[0], &manifest, &says) }.fails();
        index.mend();
    };
    let no_page = "answers with text/plain, and an index does with HTML or JSON";
    fails(Trouble::Maintenance, "--prefer-binary\nsix\n", no_page);
    fails(Trouble::Status(503), "--prefer-binary\nsix\n", "answers 503 Service Unavailable");
    // uv stops by itself.
    index.trouble("simple", Trouble::Maintenance);
    let files = [("requirements.txt", "six\n")];
    let says = ["Unsupported `Content-Type`"];
    Bad { files: &files, ..Bad::new("a page that is none", &manifest, &says) }.fails();
    index.mend();
    let files = [("requirements.txt", "--prefer-binary\nsix\n")];
    let image = Built::new::<&str>(&format!("# syntax=strata\n{manifest}"), &files, &[]);
    assert_eq!(image.run(&["python", "-c", "import six"]), "six 99.0 index");
}

#[test]
fn trouble_with_a_page_is_told_and_not_kept() {
    let private = Private::serve();
    let (path, url) = (private.page(), private.url(&private.page()));
    for (status, says) in [
        (403, format!("{url} answers 403 Forbidden: see that the secret pkg holds a valid")),
        (404, format!("{url} answers 404 Not Found")),
        (500, format!("{url} answers 500 Internal Server Error: the server has trouble")),
    ] {
        private.index.trouble(path.trim_end_matches('/'), Trouble::Status(status));
        private.fails("pip", CREDENTIALS, Some("right"), &[&says]);
        private.index.mend();
    }
    private.succeeds("pip", None);
}

#[test]
fn trouble_with_a_file_is_told_and_not_kept() {
    for installer in ["pip", "uv"] {
        let private = Private::serve();
        let (path, url) = (private.file(), private.url(&private.file()));
        private.index.trouble(&path, Trouble::Status(401));
        let refused = format!("{url} answers 401 Unauthorized: see that the secret pkg");
        private.fails(installer, CREDENTIALS, Some("right"), &[&refused]);
        private.index.mend();
        // What is fetched now is what the wheel needs; the wheel itself is fetched later.
        private.locks();
        let trouble = [
            (
                Trouble::Status(401),
                format!("{url} answers 401 Unauthorized: see that the secret pkg"),
            ),
            (Trouble::Truncated, "if a file is not what the lock says".to_owned()),
            (
                Trouble::Status(500),
                format!("{url} answers 500 Internal Server Error: the server has trouble"),
            ),
        ];
        // uv tries for most of a minute.
        let count = if installer == "uv" { 2 } else { trouble.len() };
        for (trouble, says) in trouble.into_iter().take(count) {
            private.index.trouble(&path, trouble);
            private.fails(installer, CREDENTIALS, Some("right"), &[&says]);
            private.index.mend();
        }
        private.succeeds(installer, None);
    }
}

#[test]
fn a_wrong_hash_is_told_and_what_mends_it() {
    for installer in ["pip", "uv"] {
        let private = Private::serve();
        private.index.trouble(&private.name, Trouble::WrongHash);
        private.fails(
            installer,
            CREDENTIALS,
            Some("right"),
            &[
                "if a file is not what the lock says, then its index has changed since",
                "have the requirements resolved again, with `--no-cache-filter lock`",
            ],
        );
        private.index.mend();
        private.succeeds(installer, Some("--no-cache-filter=lock"));
    }
}

#[test]
#[ignore = "slow: pip asks it again and again"]
fn an_index_that_does_not_answer_is_told() {
    let private = Private::serve();
    private.index.trouble("simple", Trouble::Silence);
    let url = private.url(&private.page());
    private.fails("pip", CREDENTIALS, Some("right"), &[&format!("{url} does not answer: ")]);
    private.index.mend();
    private.succeeds("pip", None);
}

#[test]
fn a_host_that_is_trusted_without_a_certificate() {
    const HOST: &str = "index.test";
    let _port = HTTPS.lock().unwrap_or_else(PoisonError::into_inner);
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let setup = format!(
        "import setuptools\n\
         setuptools.setup(name='{name}_built', version='1.0', py_modules=['{name}_built'])\n"
    );
    let source = Package::of_module(&format!("{name}_built"), "1.0", "")
        .file("setup.py", &setup)
        .file("pyproject.toml", "[build-system]\nrequires = ['setuptools==80.9.0']\n");
    let files = [wheel(&name, "1.0", "there"), source.sdist().unwrap()];
    let index = PackageIndex::serve(address, files).unwrap();
    let _front = TlsFront::serve(address, HOST, index.address()).unwrap();
    let requirements = format!(
        "--extra-index-url https://{HOST}/simple\n--trusted-host {HOST}\n{name}\n{name}_built\n\
         six==1.17.0\n"
    );
    let host = format!("--add-host={HOST}:{address}");
    for installer in ["pip", "uv"] {
        let manifest = format!(
            "# syntax=strata\nbase: {BASE}\n\
             python: {{requirements: requirements.txt, installer: {installer}}}\n"
        );
        let image = Built::new(&manifest, &[("requirements.txt", &requirements)], &[&host]);
        let said = image.run(&["python", "-c", &format!("import {name}, {name}_built, six")]);
        assert_eq!(said, format!("{name} 1.0 there"), "{installer}");
    }
}

#[test]
fn what_is_built_behind_a_company() {
    const HOST: &str = "pypi.strata.test";
    const PROJECT: &str = "[project]\nname = 'own'\nversion = '1.0'\n\
                           [build-system]\nrequires = ['setuptools==80.9.0']\n\
                           build-backend = 'setuptools.build_meta'\n\
                           [tool.setuptools]\npy-modules = ['own']\n";
    let _port = HTTPS.lock().unwrap_or_else(PoisonError::into_inner);
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let setup = format!(
        "import setuptools\n\
         setuptools.setup(name='{name}', version='1.0', py_modules=['{name}'])\n"
    );
    let source = Package::of_module(&name, "1.0", "print('built')\n")
        .file("setup.py", &setup)
        .file("pyproject.toml", "[build-system]\nrequires = ['setuptools==80.9.0']\n");
    let index = PackageIndex::serve_mirror(address, [source.sdist().unwrap()]).unwrap();
    let other = PackageIndex::serve(address, []).unwrap();
    let front = TlsFront::serve(address, HOST, index.address()).unwrap();
    // Whatever asks knows the authority: pip for what it builds with, and what the code's own
    // command starts.
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\n\
         python: {{packages: [{name}], index_url: 'https://{HOST}/simple', \
         extra_index_urls: '{}'}}\n\
         code: {{context: ., install: true, build: 'python fetch.py'}}\n\
         cmd: [python, -c, 'import {name}, own']\n",
        other.url()
    );
    let fetch = format!(
        "import ssl, urllib.request as r\ncontext = ssl.create_default_context()\n\
         context.verify_flags &= ~ssl.VERIFY_X509_STRICT\n\
         r.urlopen('https://{HOST}/simple/{name}/', context=context)\n\
         open('own.py', 'w').write(\"print('fetched')\")\n"
    );
    let files = [("pyproject.toml", PROJECT), ("fetch.py", &fetch)];
    let host = format!("--add-host={HOST}:{address}");
    let authority = format!("--secret=id=ca_bundle,src={}", front.authority().display());
    let image = Built::new(&manifest, &files, &[&host, &authority]);
    assert_eq!(image.run(&[]), "built\nfetched");
}

#[test]
fn without_uv_pip_resolves_until_an_index_has_it() {
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let mirror = PackageIndex::serve_mirror(address, [wheel(&name, "1.0", "mirror")]).unwrap();
    let manifest =
        format!("base: {BASE}\npython: {{packages: [{name}], index_url: '{}'}}\n", mirror.url());
    mirror.trouble("simple/uv", Trouble::Maintenance);
    let says = format!("{}/uv/ answers with text/plain", mirror.url());
    Bad::new("no page", &manifest, &[&says]).fails();
    mirror.trouble("simple/uv", Trouble::Status(404));
    let manifest = format!("# syntax=strata\n{manifest}");
    let resolver = |options: &[&str]| {
        let lock = Built::new::<&str>(&manifest, &[], options);
        let lock = lock.run(&["cat", "/opt/strata/pylock.toml"]);
        lock.lines().find(|line| line.starts_with("created-by")).unwrap().to_owned()
    };
    assert_eq!(resolver(&[]), "created-by = \"pip\"");
    mirror.mend();
    assert_eq!(resolver(&["--no-cache-filter=tool"]), "created-by = \"uv\"");
}

#[test]
fn torch_comes_from_its_own_index_and_nothing_else_does() {
    const PYTORCH: &str = "download.pytorch.org";
    let _port = HTTPS.lock().unwrap_or_else(PoisonError::into_inner);
    let address = STRATA.host_address().unwrap();
    let name = format!("strata_{}", unique());
    let [own, helper] = [wheel("torch", "2.9.1+cpu", "pytorch"), wheel(&name, "9.0", "pytorch")];
    let pytorch = PackageIndex::serve(address, [own, helper]).unwrap();
    let front = TlsFront::serve(address, PYTORCH, pytorch.address()).unwrap();
    let others = [wheel("torch", "2.9.1", "other"), wheel(&name, "1.0", "other")];
    let other = PackageIndex::serve(address, others).unwrap();
    let manifest = |installer: &str| {
        format!(
            "base: {BASE}\npython:\n  packages: [torch==2.9.1, {name}]\n  torch: cpu\n  \
             installer: {installer}\n  extra_index_urls: '{}'\n",
            other.url(),
        )
    };
    let host = format!("--add-host={PYTORCH}:{address}");
    let authority = format!("--secret=id=ca_bundle,src={}", front.authority().display());
    let untrusted = [
        "https://download.pytorch.org/whl/cpu/torch/ does not answer",
        "give them to the build: `--secret id=ca_bundle,src=ca.pem`",
    ];
    Bad { arguments: &[&host], ..Bad::new("no authority", &manifest("pip"), &untrusted) }.fails();
    // Without uv, pip resolves.
    let mirror = PackageIndex::serve_mirror(address, []).unwrap();
    mirror.trouble("simple/uv", Trouble::Status(404));
    let without_uv = format!("  index_url: '{}'\n", mirror.url());
    for (installer, more, resolver) in
        [("pip", "", "uv"), ("uv", "", "uv"), ("pip", &without_uv, "pip")]
    {
        let manifest = format!("# syntax=strata\n{}{more}", manifest(installer));
        let image = Built::new(&manifest, &[], &[&host, &authority]);
        let said = image.run(&["python", "-c", &format!("import torch, {name}")]);
        assert_eq!(said, format!("torch 2.9.1+cpu pytorch\n{name} 1.0 other"), "{installer}");
        let lock = image.run(&["cat", "/opt/strata/pylock.toml"]);
        assert!(lock.contains(&format!("created-by = \"{resolver}\"")), "{lock}");
    }
    // pip would take another's.
    pytorch.trouble("whl/cpu/torch", Trouble::Status(403));
    let manifest = format!("{}{without_uv}", manifest("pip"));
    let says = ["https://download.pytorch.org/whl/cpu/torch/ answers 403 Forbidden"];
    let arguments = [&*host, &*authority, "--no-cache-filter=lock"];
    Bad { arguments: &arguments, ..Bad::new("no access to PyTorch", &manifest, &says) }.fails();
    let asked = pytorch.take_asked();
    assert!(asked.iter().any(|path| path == "whl/cpu/torch"), "{asked:?}");
    assert!(asked.iter().all(|path| !path.contains("strata")), "{asked:?}");
}
