//! Files that are neither code nor models: of the build context, of another image, and of what a
//! build gives by a name.

use std::fs;

use integration::buildx::Build;

use crate::built::Built;
use crate::project::{NOTHING, ran};
use crate::{BASE, STRATA, build, context, unique};

/// Owner, mode and time of what is copied and of what that passes through.
const LIST: &str =
    "stat --format '%n %U %a %Y' /etc/app/* /lib/hooks/* /usr/local/bin/tool /srv/note
stat --format '%n %F' /lib; stat --format '%n %U' /home/app /home/app/start
/usr/local/bin/tool; cat /srv/note /app/main.py";

#[test]
fn files_of_the_context_and_of_other_images() {
    let said = unique();
    let tool = Built::dockerfile(&format!(
        "FROM {BASE}\nRUN echo '#!/bin/sh\\necho {said}' >/tool; chmod 755 /tool; chown 7:7 /tool\n"
    ));
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}
files:
  - {{from: {}, path: /tool, to: /usr/local/bin/}}
  - {{from: shared, path: /notes/a.txt, to: /srv/note}}
  - {{context: deploy/app.toml, to: /etc/app/}}
  - {{context: deploy/hooks, to: /lib/hooks}}
  - {{context: deploy/hooks/on, to: /home/app}}
  - {{context: deploy/main.py, to: /app/}}
code: {{context: src}}
",
        tool.name
    );
    let files = [
        ("strata.yaml", &*manifest),
        ("deploy/app.toml", "a = 1"),
        ("deploy/hooks/on/start", &*said),
        ("deploy/main.py", "of files"),
        ("src/main.py", "of the code"),
    ];
    let folder = context(&files);
    let shared = context(&[("notes/a.txt", &said)]);
    let given = format!("--build-context=shared={}", shared.path().display());
    let built = Built::of(folder.path(), &[&given]);
    assert_eq!(
        built.run(&["sh", "-c", LIST]),
        format!(
            "/etc/app/app.toml root 644 315532800
/lib/hooks/on root 755 315532800
/usr/local/bin/tool root 755 315532800
/srv/note root 644 315532800
/lib symbolic link
/home/app app
/home/app/start root
{said}
{said}of files"
        )
    );

    let runs = || {
        let mut command = build(&STRATA, folder.path());
        ran(&Build::succeed(command.arg(&given)).unwrap())
    };
    assert_eq!(runs(), NOTHING);
    fs::write(folder.path().join("deploy/app.toml"), unique()).unwrap();
    assert_eq!(runs(), ["files"]);
    fs::write(folder.path().join("src/main.py"), &said).unwrap();
    assert_eq!(runs(), ["code"]);
    fs::write(shared.path().join("notes/a.txt"), unique()).unwrap();
    assert_eq!(runs(), ["files"]);
}

#[test]
fn files_that_are_not_there() {
    let manifest = format!(
        "# syntax=strata\nbase: {BASE}\nfiles:\n  - {{context: nowhere.toml, to: /etc/}}\n\
         code: {{context: src}}\n"
    );
    let folder = context(&[("strata.yaml", &manifest), ("src/main.py", "")]);
    let refused = Build::run(&mut build(&STRATA, folder.path())).unwrap().report();
    for says in ["nowhere.toml", "not found", "strata.yaml:4"] {
        assert!(refused.contains(says), "nobody says {says:?}: {refused}");
    }
}
