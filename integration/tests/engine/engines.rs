//! Engines of our own: they start empty, build, and leave nothing behind.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use integration::buildx::Build;
use integration::command::output;
use integration::daemons::{CURRENT, Kind, Store};
use integration::engine::Engine;

use crate::{ENGINE, build_file, context};

#[test]
fn they_come_empty_and_leave_nothing() {
    let folder = context(&[("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")]);
    let engine = Engine::empty(Kind { store: Store::Classic, ..CURRENT }).unwrap();
    assert_eq!(engine.store().unwrap(), Store::Classic);
    assert_ne!(engine.host_address().unwrap(), ENGINE.host_address().unwrap());
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
