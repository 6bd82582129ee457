//! Packages of a repository that the base does not know, and what apt leaves behind.

use std::fs;

use integration::buildx::Build;
use integration::command::output;
use integration::file_server::FileServer;

use crate::built::{Built, unique_name};
use crate::project::{NOTHING, steps};
use crate::{BASE, STRATA, build, build_file, context, unique};

/// Makes `strata-tool` in the releases that it is given, each a file that says its version, and of
/// which a script sees the variables of who installs it; and an index of them.
const MAKE: &str = r#"
mkdir /debs && cd /debs
for version in "$@"; do
    mkdir -p /deb/DEBIAN /deb/usr/share
    echo "$version" >/deb/usr/share/strata-tool
    printf 'Package: strata-tool\nVersion: %s\nArchitecture: all\n' "$version" >/deb/DEBIAN/control
    printf 'Maintainer: Tests <tests@example.org>\nDescription: tests\n' >>/deb/DEBIAN/control
    printf '#!/bin/sh\necho "$ACCEPT_EULA" >/usr/share/strata-eula\n' >/deb/DEBIAN/postinst
    chmod 755 /deb/DEBIAN/postinst
    dpkg-deb --root-owner-group --build /deb "strata-tool_$version.deb"
    dpkg-deb --field "strata-tool_$version.deb" >>Packages
    echo "Filename: ./strata-tool_$version.deb" >>Packages
    echo "Size: $(stat --format %s "strata-tool_$version.deb")" >>Packages
    echo "SHA256: $(sha256sum "strata-tool_$version.deb" | cut -d ' ' -f 1)" >>Packages
    echo >>Packages
done
"#;

/// What apt has in an image: settings, where packages are from, lists and packages.
const APT: &str =
    "find /etc/apt /var/lib/apt/lists /var/cache/apt -type f -exec sha256sum {} + | sort";

/// A server of these releases, and where they are.
fn repository(releases: [&str; 2]) -> (FileServer, String) {
    let dockerfile = format!(
        "FROM {BASE} AS debs\nCOPY make.sh /\nRUN sh -eu /make.sh {}\nFROM scratch\n\
         COPY --from=debs /debs /\n",
        releases.join(" ")
    );
    let folder = context(&[("Dockerfile", &dockerfile), ("make.sh", MAKE)]);
    let made = tempfile::tempdir().unwrap();
    let output = format!("--output=type=local,dest={}", made.path().display());
    Build::succeed(build_file(&STRATA, folder.path(), "Dockerfile").arg(output)).unwrap();
    let place = unique();
    let names = releases.map(|release| format!("strata-tool_{release}.deb"));
    let names = names.into_iter().chain(["Packages".to_owned()]);
    let files =
        names.map(|name| (format!("{place}/./{name}"), fs::read(made.path().join(&name)).unwrap()));
    let server = FileServer::serve(STRATA.host_address().unwrap(), files).unwrap();
    let url = format!("{}/{place}", server.url());
    (server, url)
}

/// The packages that were downloaded since the last call.
fn downloaded(repository: &FileServer) -> Vec<String> {
    let answered = repository.take_answered();
    let names = answered.iter().filter_map(|one| one.path.rsplit('/').next());
    names.filter(|name| name.ends_with(".deb")).map(str::to_owned).collect()
}

/// Builds the manifest with these sources on a host of this name, and gives the image and the names
/// of the steps that ran.
fn built(host: &str, manifest: &str, sources: &str) -> (Built, Vec<String>) {
    let folder = context(&[
        ("strata.yaml", manifest),
        ("deploy/debian.sources", sources),
        ("deploy/sources.list", "# none\n"),
    ]);
    let name = unique_name();
    let host = format!("--build-arg=BUILDKIT_SANDBOX_HOSTNAME={host}");
    let build =
        Build::succeed(build(&STRATA, folder.path()).args(["--tag", &name, &host])).unwrap();
    let ran = steps(&build);
    (Built { name }, ran)
}

#[test]
fn packages_of_another_repository() {
    // Of versions that no cache has.
    let [old, new] = ["1", "2"].map(|major| format!("{major}.{}", unique()));
    let (repository, url) = repository([&old, &new]);
    // In the place of the base's own, of which it has one or the other: nobody else is asked.
    let sources = format!("Types: deb\nURIs: {url}\nSuites: ./\nTrusted: yes\n");
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\nsystem:\n  runtime: [strata-tool=1.*]\n  \
         sources: [deploy/debian.sources, deploy/sources.list]\n  env: {{ACCEPT_EULA: agreed}}\n"
    );

    // No other test runs the same steps at the same time, which BuildKit may run again for it.
    let host = unique();
    let built = |manifest: &str, sources: &str| built(&host, manifest, sources);
    let (image, ran) = built(&manifest, &sources);
    let install = "[runtime] install strata-tool=1.*".to_owned();
    assert!(ran.contains(&install), "{ran:?}");
    assert_eq!(downloaded(&repository), [format!("strata-tool_{old}.deb")]);
    let says = image.run(&["cat", "/usr/share/strata-tool", "/usr/share/strata-eula"]);
    assert_eq!(says, format!("{old}\nagreed"));
    let as_root = |words: &str| image.run_with(&["--user=root"], &["sh", "-c", words]);
    let mut of_base = STRATA.docker(["run", "--rm", "--user=root", BASE, "sh", "-c", APT]);
    assert_eq!(as_root(APT), output(&mut of_base).unwrap(), "nothing is left behind");
    assert_eq!(as_root(&format!("grep -rls '{url}' /etc /run /tmp /var || true")), "");
    assert!(!image.config().to_string().contains("ACCEPT_EULA"));

    let (_, ran) = built(&manifest, &sources);
    assert_eq!(ran, NOTHING);
    let (_, ran) = built(&manifest, &format!("# Ours.\n{sources}"));
    assert_eq!(ran, [install]);
    let (image, ran) = built(&manifest.replace("tool=1.*", &format!("tool={old}")), &sources);
    assert_eq!(ran, [format!("[runtime] install strata-tool={old}")]);
    assert_eq!(downloaded(&repository), NOTHING, "it is kept, whatever the base's hooks clean");
    assert_eq!(image.run(&["cat", "/usr/share/strata-tool"]), old);
}
