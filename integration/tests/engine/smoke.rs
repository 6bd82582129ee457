//! That an engine builds, and that what it reports is understood.

use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use integration::buildx::{Build, Plain};
use integration::command::output;
use tempfile::TempDir;

use crate::{BASE, ENGINE, build_file, context, unique};

/// The command that builds the Dockerfile of `folder`.
fn build(folder: &TempDir) -> Command {
    build_file(&ENGINE, folder.path(), "Dockerfile")
}

fn ran(build: &Build) -> Vec<&str> {
    build.ran().iter().map(|vertex| vertex.name.as_str()).collect()
}

#[test]
fn a_build_reaches_the_package_index_and_is_cached_after() {
    let dockerfile = format!(
        "FROM {BASE}\n\
         RUN python3 -m venv /venv && /venv/bin/pip install --retries 10 six=={{version}} # {}\n\
         COPY greeting /greeting\n",
        unique(),
    )
    .replace("{version}", "1.16.0");
    let folder = context(&[("Dockerfile", &dockerfile), ("greeting", "hello")]);

    let first = Build::succeed(build(&folder).arg("--tag=smoke")).unwrap();
    let names = ran(&first);
    assert_eq!(names.len(), 2, "{}", first.report());
    assert!(names[0].starts_with("[2/3] RUN"), "{names:?}");
    assert_eq!(names[1], "[3/3] COPY greeting /greeting");
    let run = first.ran()[0];
    assert!(run.log.contains("Successfully installed six-1.16.0"), "{}", run.log);
    assert!(
        run.elapsed() > Duration::from_millis(100) && run.elapsed() < first.elapsed,
        "{:?}",
        run.elapsed()
    );
    assert_eq!(first.vertex("[3/3] COPY greeting /greeting").unwrap().inputs[0], run.digest);

    let second = Build::succeed(build(&folder).arg("--tag=smoke")).unwrap();
    assert_eq!(ran(&second), Vec::<&str>::new(), "{}", second.report());
    assert!(second.vertex(&run.name).unwrap().cached, "{}", second.report());
    assert!(second.metadata["containerimage.digest"].is_string(), "{}", second.metadata);

    std::fs::write(folder.path().join("greeting"), "bonjour").unwrap();
    let third = Build::succeed(build(&folder).arg("--tag=smoke")).unwrap();
    assert_eq!(ran(&third), ["[3/3] COPY greeting /greeting"], "{}", third.report());

    let code = "import six; print(open('/greeting').read(), six.__version__)";
    let printed =
        output(ENGINE.docker(["run", "--rm", "smoke", "/venv/bin/python", "-c"]).arg(code))
            .unwrap();
    assert_eq!(printed, "bonjour 1.16.0");
}

#[test]
fn a_failed_build_says_which_step_and_why() {
    let dockerfile = format!("FROM {BASE}\nRUN echo so far so good && false # {}\n", unique());
    let folder = context(&[("Dockerfile", &dockerfile)]);

    let failed = Build::run(&mut build(&folder)).unwrap();
    assert!(!failed.success);
    let step = failed.vertices.iter().find(|vertex| vertex.error.is_some()).unwrap();
    assert!(step.name.starts_with("[2/2] RUN"), "{}", step.name);
    assert_eq!(step.log, "so far so good\n");
    assert!(failed.text.contains("Dockerfile:2"), "{}", failed.text);
    assert!(failed.report().contains("so far so good"));

    let plain = Plain::run(&mut build(&folder)).unwrap();
    assert!(
        !plain.status.success() && plain.text.contains(">>> RUN echo so far so good"),
        "{}",
        plain.text
    );
}

/// Otherwise it changes when the container that has the lowest one ends, and all others lose their
/// network for a while.
#[test]
fn the_bridge_has_a_hardware_address_of_its_own() {
    let IpAddr::V4(address) = ENGINE.host_address().unwrap() else { return };
    // An engine that the machine has is on a bridge of its own.
    let [198, 18, number, _] = address.octets() else { return };
    let kind = format!("/sys/class/net/strata{number}/addr_assign_type");
    // NET_ADDR_SET in the kernel's include/uapi/linux/netdevice.h.
    assert_eq!(fs::read_to_string(kind).unwrap(), "3\n");
}

#[test]
fn build_steps_reach_servers_on_the_host() {
    let address = ENGINE.host_address().unwrap();
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"hello from the host").unwrap();
    });
    let code = format!(
        "import socket; print(socket.create_connection(('{address}', {port})).recv(99).decode())"
    );
    let dockerfile = format!("FROM {BASE}\nRUN python3 -c \"{code}\" # {}\n", unique());
    let folder = context(&[("Dockerfile", &dockerfile)]);

    let built = Build::succeed(&mut build(&folder)).unwrap();
    assert_eq!(built.ran()[0].log, "hello from the host\n");
}
