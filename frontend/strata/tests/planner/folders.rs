//! What layers from scratch do to the folders they pass through: nothing.

use std::collections::BTreeSet;

use llb::pb::{self, file_action::Action, op::Op, user_opt::User};

use crate::project::Project;

/// The folders that the layer of `path` begins with, in order: path, user and permissions.
fn made(project: &Project, path: &str) -> Vec<String> {
    let definition = project.plans()[0].image.root.definition();
    let name = format!("[internal] folders for {path}");
    let vertex = definition.vertices().find(|vertex| vertex.name() == Some(&name)).unwrap();
    let Some(Op::File(file)) = vertex.op() else { panic!("{name} is no file operation") };
    file.actions.into_iter().map(|action| shown(action.action.unwrap())).collect()
}

fn shown(action: Action) -> String {
    let user = |owner: Option<pb::ChownOpt>| match owner.unwrap().user.unwrap().user.unwrap() {
        User::ById(id) => id,
        User::ByName(name) => panic!("{name:?}"),
    };
    match action {
        Action::Mkdir(made) => format!("{} {} {:o}", made.path, user(made.owner), made.mode),
        Action::Copy(copy) => {
            format!("below {} {} {:o}", copy.dest, user(copy.owner), copy.mode)
        }
        action => panic!("{action:?}"),
    }
}

fn example(from: &str, to: &str) -> Project {
    let mut project = Project::example();
    assert!(project.manifest.contains(from));
    project.manifest = project.manifest.replacen(from, to, 1);
    project
}

#[test]
fn where_the_code_goes() {
    for (to, resolved, expected) in [
        ("/app", "/app", &["/app 0 755"][..]),
        ("/srv/a/b", "/srv/a/b", &["/srv 0 755", "/srv/a 0 755", "/srv/a/b 0 755"]),
        ("/lib/a", "/usr/lib/a", &["/usr 0 755", "/usr/lib 0 755", "/usr/lib/a 0 755"]),
        ("/root/a", "/root/a", &["/root 0 700", "/root/a 0 755"]),
        ("/home/app", "/home/app", &["/home 0 755", "/home/app 10001 755"]),
    ] {
        let project = example("  to: /app", &format!("  to: {to}"));
        assert_eq!(made(&project, resolved), expected, "{to}");
    }
}

#[test]
fn the_users_own_folders() {
    for (dirs, resolved, expected) in [
        ("/app/logs", "/app/logs", &["/app 0 755", "/app/logs 10001 755"][..]),
        ("/a/b, /a", "/a /a/b", &["/a 10001 755", "/a 0 755", "/a/b 10001 755"]),
        (
            "/var/run/lock/x",
            "/run/lock/x",
            &["/run 0 755", "below /run/ 0 1777", "/run/lock/x 10001 755"],
        ),
    ] {
        let project = example("dirs: [/app/logs]", &format!("dirs: [{dirs}]"));
        assert_eq!(made(&project, resolved), expected, "{dirs}");
    }
}

#[test]
fn above_models_the_home_is_the_users() {
    let cached = example("GREETING: hello", "HF_HOME: /home/app/.cache/huggingface");
    let folders = ["/home/app", "/home/app/.cache", "/home/app/.cache/huggingface"];
    let made_of = |paths: &[&str]| {
        let made: BTreeSet<String> = made(&cached, &paths.join(" ")).into_iter().collect();
        made
    };
    // What is made already stays as it is.
    let expected = folders.map(|folder| format!("{folder} 10001 755"));
    assert!(made_of(&folders).is_superset(&expected.into()), "{:?}", made_of(&folders));
    let placed = example("hf: org/first", "{hf: org/first, to: /home/app/models/first/}");
    assert!(
        made(&placed, "/home/app /home/app/models").contains(&"/home/app/models 10001 755".into())
    );
    let root = example("user: app", "user: root");
    let purposes = root.purposes();
    assert!(!purposes.iter().any(|purpose| purpose.contains("as the base has")), "{purposes:?}");
}

#[test]
fn where_anyone_in_roots_group_may_run_it() {
    let project = example("user: app", "user: 10001:0");
    let made: BTreeSet<String> = made(&project, "/app/logs").into_iter().collect();
    assert!(made.contains("below /app/ 10001 775"), "{made:?}");
}

#[test]
fn a_folder_of_the_users_lies_above_the_code_that_may_have_one_of_that_name() {
    let purposes = Project::example().purposes();
    assert_eq!(purposes.last().map(String::as_str), Some("folders of the user's"));
}

#[test]
fn what_of_a_folder_of_code_is_none() {
    let git = "  git: https://github.com/org/app.git\n  ref: main\n  subdir: src\n";
    let project = example(git, "  context: service\n");
    let definition = project.plans()[0].image.root.definition();
    let is_copy = |name: &str| name.starts_with("[code] copy");
    let vertex = definition.vertices().find(|vertex| vertex.name().is_some_and(is_copy)).unwrap();
    let Some(Op::File(file)) = vertex.op() else { panic!("no file operation") };
    let copies = file.actions.into_iter().filter_map(|action| match action.action {
        Some(Action::Copy(copy)) if copy.src == "/service" => Some(copy),
        _ => None,
    });
    let [copy] = &copies.collect::<Vec<_>>()[..] else { panic!("one") };
    for name in ["strata.yaml", "strata.lock", ".dockerignore", "**/.git"] {
        assert!(copy.exclude_patterns.iter().any(|pattern| pattern == name), "{name}");
    }
    assert!(copy.follow_symlink);
}
