//! The proof that the packages can be imported: by the user, without a network, once.

use integration::buildx::Build;
use integration::hub::{Hub, Repo};
use integration::package::Package;
use integration::package_index::PackageIndex;

use crate::bad_input::Bad;
use crate::project::{NOTHING, ran};
use crate::{BASE, STRATA, build, context, unique};

/// What a module says of whoever imports it; `PORT` is that of the index.
const WITNESS: &str = "\
import os, socket
print('as', os.getuid(), os.environ['HOME'], 'with', os.environ.get('SOURCE_DATE_EPOCH'))
try:
    socket.create_connection(('ADDRESS', PORT), timeout=5)
    print('network')
except OSError:
    print('no network')
";

#[test]
fn what_must_import() {
    let address = STRATA.host_address().unwrap();
    let index = PackageIndex::serve(address, []).unwrap();
    let name = format!("strata_{}", unique());
    let witness = WITNESS.replace("ADDRESS", &address.to_string());
    let witness = witness.replace("PORT", &index.address().port().to_string());
    index.add(Package::of_module(&name, "1.0", &witness).wheel().unwrap());
    let broken = "def load():\n    raise RuntimeError('no such device')\n\nload()\n";
    index.add(Package::of_module("strata_broken", "1.0", broken).wheel().unwrap());

    let manifest = format!(
        "base: {BASE}\npython:\n  packages: [{name}, strata_broken]\n  \
         extra_index_urls: '{}'\n  verify: [{name}]\n",
        index.url(),
    );
    let says = [
        "Traceback (most recent call last)",
        "strata_broken.py\", line 2, in load",
        "RuntimeError: no such device",
        "ModuleNotFoundError: No module named 'strata_missing'",
        "cannot import strata_broken, strata_missing as the image's user",
        "strata.yaml:6",
        &format!(">>>   verify: [{name}, strata_broken, strata_missing]"),
    ];
    let more = manifest.replace(
        &format!("verify: [{name}"),
        &format!("verify: [{name}, strata_broken, strata_missing"),
    );
    Bad::new("modules that cannot be imported", &more, &says).fails();

    let hub =
        Hub::serve(address, [Repo::new("tiny/open", [("config.json", name.clone())])]).unwrap();
    let builds = |more: &str| {
        let manifest = format!("{manifest}{more}");
        let folder = context(&[("strata.yaml", &format!("# syntax=strata\n{manifest}"))]);
        let endpoint = format!("--build-arg=HF_ENDPOINT={}", hub.endpoint());
        Build::succeed(build(&STRATA, folder.path()).arg(endpoint)).unwrap()
    };
    let first = builds("");
    let said = &first.vertex(&format!("[verify] import {name}")).unwrap().log;
    assert!(said.contains("as 10001 /home/app with None\nno network\n"), "{said}");
    let again = builds("");
    assert_eq!(ran(&again), NOTHING, "{}", again.report());
    let with_model = builds("models: [tiny/open]\n");
    assert_eq!(ran(&with_model), ["listing", "models"], "{}", with_model.report());
}
