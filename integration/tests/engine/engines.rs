//! Engines of our own: they start empty, build, and leave nothing behind.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use integration::apt::Suite;
use integration::base_image::{self, Python};
use integration::buildx::Build;
use integration::command::output;
use integration::daemons::{CURRENT, Kind, Store};
use integration::engine::Engine;
use integration::registry::Registry;

use crate::{BASE, ENGINE, build_file, context};

/// Builds in a new engine of `kind` an image from nothing, and checks that nothing of the engine is
/// left.
fn builds_and_goes(kind: Kind, version: &str) {
    let folder = context(&[("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")]);
    let engine = Engine::empty(kind).unwrap();
    assert!(engine.version().unwrap().starts_with(version));
    assert_eq!(engine.store().unwrap(), kind.store);
    assert_eq!(output(&mut engine.docker(["image", "list", "--quiet"])).unwrap(), "");

    let mut command = build_file(&engine, folder.path(), "Dockerfile");
    Build::succeed(command.arg("--tag=trivial")).unwrap();
    assert_ne!(output(&mut engine.docker(["image", "list", "--quiet", "trivial"])).unwrap(), "");

    let home = engine.home().to_owned();
    drop(engine);
    let start = Instant::now();
    while home.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "{} is not removed", home.display());
        thread::sleep(Duration::from_millis(50));
    }
    let mentions =
        |file: &str| std::fs::read_to_string(file).unwrap().contains(home.to_str().unwrap());
    assert!(!mentions("/proc/self/mountinfo"));
    assert!(!Path::new("/sys/class/net").read_dir().unwrap().any(|device| {
        std::fs::read_to_string(device.unwrap().path().join("ifalias"))
            .is_ok_and(|owner| Path::new(owner.trim_end()) == home)
    }));
}

#[test]
fn engine_20_10() {
    builds_and_goes(Kind { suite: Suite::Bookworm, store: Store::Classic }, "20.10.");
}

#[test]
fn engine_26_1_with_the_classic_store() {
    builds_and_goes(Kind { suite: Suite::Trixie, store: Store::Classic }, "26.1.");
}

#[test]
fn engine_26_1_with_the_containerd_store() {
    builds_and_goes(Kind { suite: Suite::Trixie, store: Store::Containerd }, "26.1.");
}

#[test]
fn the_current_engine_with_the_classic_store() {
    builds_and_goes(Kind { store: Store::Classic, ..CURRENT }, "");
}

#[test]
fn a_second_engine_knows_nothing_and_takes_the_cache_of_the_first_from_a_registry() {
    let engine = Engine::empty(CURRENT).unwrap();
    base_image::load(&engine, Python::Newest, BASE).unwrap();
    assert_eq!(engine.inspect(BASE).unwrap()["Id"], ENGINE.inspect(BASE).unwrap()["Id"]);
    assert_ne!(engine.host_address().unwrap(), ENGINE.host_address().unwrap());

    let dockerfile = format!("FROM {BASE}\nRUN python3 --version > /version\n");
    let folder = context(&[("Dockerfile", &dockerfile)]);

    // Every engine lets registries on the loopback device speak plain HTTP.
    let registry = Registry::serve(Ipv4Addr::LOCALHOST.into()).unwrap();
    let reference = format!("{}/cache:test", registry.host());
    let export = format!("--cache-to=type=registry,mode=max,ref={reference}");
    Build::succeed(build_file(&ENGINE, folder.path(), "Dockerfile").arg(export)).unwrap();
    let import = format!("--cache-from=type=registry,ref={reference}");
    let mut command = build_file(&engine, folder.path(), "Dockerfile");
    let imported = Build::succeed(command.arg(import)).unwrap();
    assert!(imported.ran().is_empty(), "{}", imported.report());

    let dockerfile = dockerfile.replace("/version", "/version-too");
    let folder = context(&[("Dockerfile", &dockerfile)]);
    let mut command = build_file(&engine, folder.path(), "Dockerfile");
    let alone = Build::succeed(&mut command).unwrap();
    assert_eq!(alone.ran().len(), 1, "{}", alone.report());
}
