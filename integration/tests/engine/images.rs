//! The images that tests stand on.

use integration::command::output;
use serde_json::json;

use crate::{BASE, ENGINE, STRATA};

#[test]
fn the_base_image_has_a_python_and_what_builds_need() {
    let run = |words: &str| {
        let mut command = ENGINE.docker(["run", "--rm", BASE]);
        output(command.args(words.split(' '))).unwrap()
    };
    assert!(run("python3 --version").starts_with("Python 3."));
    assert!(run("python3 -m pip --version").starts_with("pip "));
    assert_eq!(run("ls /var/lib/apt/lists"), "");
}

#[test]
fn the_frontend_image_is_two_programs_and_its_promises() {
    let image = STRATA.inspect("strata").unwrap();
    assert_eq!(image["Config"]["Entrypoint"], json!(["/strata"]));
    assert_eq!(image["Config"]["Labels"]["moby.buildkit.frontend.network.none"], "true");
    assert_eq!(image["RootFS"]["Layers"].as_array().unwrap().len(), 2);
    assert!(image["Size"].as_u64().unwrap() < 5_000_000, "{} bytes", image["Size"]);
}
