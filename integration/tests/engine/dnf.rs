//! A base whose package manager is dnf, and which is as small as Fedora's may be.

use std::fs;
use std::path::Path;

use integration::buildx::Build;
use integration::file_server::FileServer;
use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::built::{Built, unique_name};
use crate::project::{NOTHING, steps};
use crate::{BASE, STRATA, build, build_file, context, unique};

/// Installs packages of Debian.
const APT: &str = "RUN apt-get -o Acquire::Retries=6 update && \
                   apt-get -o Acquire::Retries=6 install -y --no-install-recommends";

/// dnf, and what repositories are made with: one step, for the repository and for the base.
const TOOLS: &str = "createrepo-c dnf rpm";

/// A package that is one file, which says its version.
const SPEC: &str = "\
Name: %{called}
Version: %{release_of_it}
Release: 1
Summary: A package of the tests
License: MIT
BuildArch: noarch
%description
A package of the tests.
%install
mkdir -p %{buildroot}/usr/share
echo %{version} >%{buildroot}/usr/share/%{name}
%files
/usr/share/%{name}
";

/// A server of two releases of `strata-tool`, and one of `strata-headers`: it, and where they are.
fn repository() -> (FileServer, String) {
    let rpm = |name: &str, version: &str| {
        format!(
            "RUN rpmbuild -bb -D 'called {name}' -D 'release_of_it {version}' -D '_rpmdir /rpms' \
             -D '_build_name_fmt %%{{NAME}}-%%{{VERSION}}.rpm' /package.spec\n"
        )
    };
    let rpms = [("strata-tool", "1.0"), ("strata-tool", "2.0"), ("strata-headers", "1.0")];
    let dockerfile = format!(
        "FROM {BASE} AS rpms\n{APT} {TOOLS}\nCOPY package.spec /\n{}\
         RUN createrepo_c /rpms\nFROM scratch\nCOPY --from=rpms /rpms /\n",
        rpms.map(|(name, version)| rpm(name, version)).concat(),
    );
    let folder = context(&[("Dockerfile", &dockerfile), ("package.spec", SPEC)]);
    let made = tempfile::tempdir().unwrap();
    let output = format!("--output=type=local,dest={}", made.path().display());
    Build::succeed(build_file(&STRATA, folder.path(), "Dockerfile").arg(output)).unwrap();
    // What was downloaded from another place is not looked for in the cache.
    let place = unique();
    let files = ["", "repodata/"]
        .map(|folder| files(&made.path().join(folder), &format!("{place}/{folder}")));
    let server = FileServer::serve(STRATA.host_address().unwrap(), files.concat()).unwrap();
    let url = format!("{}/{place}", server.url());
    (server, url)
}

/// The files of a folder, by their names after `prefix`.
fn files(folder: &Path, prefix: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Debian's Python with dnf in apt's place, and without `find`, which Fedora's small images have not
/// either. rpm's database is where it is everywhere but on Debian. Its own repository does not answer.
fn base(installed: &str) -> Built {
    Built::dockerfile(&format!(
        "FROM {BASE}\n{installed}\n\
         RUN rm -f /usr/bin/apt-get /usr/bin/find && mkdir -p /etc/rpm /etc/yum.repos.d && \
         echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros.tests && \
         printf '[tests]\\nname=tests\\nbaseurl=http://127.0.0.1:1\\n' >/etc/yum.repos.d/tests.repo\n"
    ))
}

/// Builds the manifest with the repository at `url` in the place of the base's, and gives the image
/// and the names of the steps that ran.
fn built(manifest: &str, url: &str) -> (Built, Vec<String>) {
    let repo = format!("[tests]\nname=tests\nbaseurl={url}\ngpgcheck=0\n");
    let folder = context(&[("strata.yaml", manifest), ("deploy/tests.repo", &repo)]);
    let name = unique_name();
    let build = Build::succeed(build(&STRATA, folder.path()).args(["--tag", &name])).unwrap();
    let ran = steps(&build);
    (Built { name }, ran)
}

/// The packages that were downloaded since the last call, in the order of their names.
fn downloaded(repository: &FileServer) -> Vec<String> {
    let answered = repository.take_answered();
    let names = answered.iter().filter_map(|one| one.path.rsplit('/').next());
    let mut names: Vec<_> =
        names.filter(|name| name.ends_with(".rpm")).map(str::to_owned).collect();
    names.sort_unstable();
    names
}

#[test]
fn packages_of_dnf() {
    are_installed(&format!("{APT} {TOOLS}"));
}

#[test]
#[ignore = "of a suite of Debian's that changes every day"]
fn packages_of_dnf_5() {
    are_installed(&format!(
        "RUN echo 'deb [check-valid-until=no] http://deb.debian.org/debian forky main' >/etc/apt/sources.list.d/forky.list\n\
         {APT} --target-release=forky dnf5 rpm && ln -s dnf5 /usr/bin/dnf && \
         rm /etc/dnf/libdnf5-plugins/local.conf"
    ));
}

/// That packages are, where `installed`, lines of a Dockerfile, have brought dnf.
fn are_installed(installed: &str) {
    let (repository, url) = repository();
    let base = base(installed);
    let setup = "from setuptools import setup\nopen('/usr/share/strata-headers').close()\n\
                 setup(name='strata_needy', version='1.0', py_modules=['strata_needy'])\n";
    let needy = Package::of_module("strata_needy", "1.0", "").file("setup.py", setup);
    let address = STRATA.host_address().unwrap();
    let index = PackageIndex::serve(address, [needy.sdist().unwrap()]).unwrap();
    let manifest = format!(
        "# syntax=strata\nbase: {}\nsystem:\n  runtime: [strata-tool-1.*]\n  \
         build: [strata-headers.noarch]\n  sources: [deploy/tests.repo]\npython:\n  packages: [strata_needy]\n  \
         extra_index_urls: '{}'\n",
        base.name,
        index.url(),
    );

    let (image, ran) = built(&manifest, &url);
    let installs = |name: &&String| name.contains("] install strata-");
    let installs: Vec<_> = ran.iter().filter(installs).collect();
    assert_eq!(
        installs,
        ["[runtime] install strata-tool-1.*", "[toolchain] install strata-headers.noarch"]
    );
    assert!(ran.iter().any(|name| name == "[source] build strata-needy 1.0"), "{ran:?}");
    assert_eq!(downloaded(&repository), ["strata-headers-1.0.rpm", "strata-tool-1.0.rpm"]);
    assert_eq!(image.run(&["cat", "/usr/share/strata-tool"]), "1.0");
    let there = "import glob, os, strata_needy\n\
                 print(os.path.exists('/usr/share/strata-headers'))\n\
                 print(glob.glob('/var/log/*dnf*') + glob.glob('/var/log/hawkey*'))\n\
                 print([int(os.stat(path).st_mtime) for path in \
                 ['/usr/share', '/var/lib/rpm']])";
    let epoch = 315_532_800;
    let says = format!("False\n[]\n[{epoch}, {epoch}]");
    assert_eq!(image.run(&["python", "-c", there]), says);
    let installed = image.run(&["rpm", "--query", "--all"]);
    assert_eq!(installed, "strata-tool-1.0-1.noarch");

    let repos = image.run(&["sh", "-c", "cat /etc/yum.repos.d/*"]);
    assert!(repos.contains("127.0.0.1:1") && !repos.contains(&url), "the base's stay: {repos}");

    let (_, ran) = built(&manifest, &url);
    assert_eq!(ran, NOTHING);
    let both = manifest.replace("tool-1.*", "tool-1.0-1, strata-headers");
    let (image, ran) = built(&both, &url);
    assert_eq!(ran, ["[runtime] install strata-headers strata-tool-1.0-1"]);
    assert_eq!(downloaded(&repository), NOTHING, "they are kept");
    assert_eq!(image.run(&["cat", "/usr/share/strata-headers"]), "1.0");
}
