//! What pip and uv are told, beside what they are to install.

use std::collections::{BTreeMap, BTreeSet};

use llb::{
    Vertex,
    pb::{ExecOp, file_action::Action, op::Op},
};

use crate::project::Project;

/// The commands of a project by their names.
fn commands(project: &Project) -> BTreeMap<String, ExecOp> {
    let definition = project.plans().remove(0).image.root.definition();
    let command = |vertex: &Vertex| match vertex.op() {
        Some(Op::Exec(exec)) => Some((vertex.name()?.to_owned(), exec)),
        _ => None,
    };
    definition.vertices().filter_map(command).collect()
}

#[test]
fn settings_of_the_base_are_for_the_manifests_own_commands() {
    let mut project = Project::example();
    project.base_env =
        [("PIP_CONSTRAINT", "/etc/pip/constraint.txt"), ("UV_INDEX", "x"), ("CUDA_VERSION", "13")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
    project.manifest = project
        .manifest
        .replace("  to: /app\n", "  to: /app\n  build: make\n")
        .replace("  - hf: org/second\n", "  - {run: fetch, keep: ~/models, needs: numpy}\n");
    for (name, exec) in commands(&project) {
        let env = exec.meta.unwrap().env;
        let has = |start: &str| env.iter().any(|variable| variable.starts_with(start));
        let is_own = ["[code] build", "[models] run"].iter().any(|own| name.starts_with(own));
        let is_fetcher = name.contains("org/first");
        assert_eq!((has("PIP_CONSTRAINT="), has("UV_INDEX=")), (is_own, is_own), "{name}: {env:?}");
        assert_eq!(has("CUDA_VERSION="), !is_fetcher, "{name}");
        let installs = ["[packages]", "[source]", "[lock]", "[tool]"];
        let installs = installs.iter().any(|stage| name.starts_with(stage));
        assert_eq!(env.contains(&"PIP_CONFIG_FILE=/dev/null".to_owned()), installs, "{name}");
    }
}

#[test]
fn a_trusted_host_is_of_its_own_files_alone() {
    let mut project = Project::example();
    let mut trusting = |options: &str| {
        let requirements = format!("{options}numpy==2.1.0\nrequests==2.32.3\n");
        project.file("requirements.txt", &requirements);
        project.lock =
            vec!["numpy==2.1.0 https://one.test/simple".into(), "requests==2.32.3".into()];
        let definition = project.plans().remove(0).image.root.definition();
        let files = definition.vertices().filter_map(|vertex| match vertex.op() {
            Some(Op::File(file)) => Some((vertex.name().unwrap().to_owned(), file.actions)),
            _ => None,
        });
        let texts = files.flat_map(|(name, actions)| {
            actions.into_iter().filter_map(move |action| match action.action {
                Some(Action::Mkfile(made)) if made.path == "/trusted.txt" => {
                    Some(format!("{name}: {}", String::from_utf8(made.data).unwrap()))
                }
                _ => None,
            })
        });
        texts.collect::<Vec<_>>()
    };
    let numpys = "[internal] files for install numpy 2.1.0: one.test\n";
    assert_eq!(trusting("--trusted-host one.test\n--trusted-host two.test\n"), [numpys]);
    assert_eq!(trusting(""), [""; 0]);
}

/// The cache mounts that a command has in its folders, by the command's name.
fn caches(project: &Project) -> BTreeMap<String, Vec<String>> {
    let ids = |exec: ExecOp| {
        let ids = exec.mounts.into_iter().filter_map(|mount| Some(mount.cache_opt?.id));
        ids.filter(|id| id.contains("wheels-") || id.contains("code-")).collect()
    };
    commands(project).into_iter().map(|(name, exec)| (name, ids(exec))).collect()
}

#[test]
fn what_was_built_on_one_base_is_not_taken_on_another() {
    let mut project = Project::example();
    project.manifest = project.manifest.replace("  to: /app\n", "  to: /app\n  build: make\n");
    let before = caches(&project);
    assert_eq!(before, caches(&project));
    project.base_digest = format!("sha256:{}", "b".repeat(64));
    let after = caches(&project);
    for name in ["[source] build uvloop 0.21.0", "[code] build /app"] {
        assert_eq!((before[name].len(), after[name].len()), (1, 1), "{name}");
        assert_ne!(before[name], after[name], "{name}");
    }
}

#[test]
fn who_has_an_installer_mounted_takes_the_bytecode_that_it_brings() {
    let mut brought = BTreeSet::new();
    for installer in ["pip", "uv"] {
        let mut project = Project::example();
        let setting = format!("python:\n  installer: {installer}\n");
        project.manifest = project.manifest.replace("python:\n", &setting);
        for (name, exec) in commands(&project) {
            let tools = exec.mounts.iter().map(|mount| mount.dest.as_str());
            let tools: Vec<_> = tools.filter(|dest| dest.starts_with("/tool/")).collect();
            let args = exec.meta.unwrap().args;
            let prefix = args.iter().find_map(|word| word.strip_prefix("pycache_prefix="));
            let tool = prefix.map(|prefix| prefix.strip_suffix("/bytecode").unwrap());
            assert_eq!(tool.is_some(), !tools.is_empty(), "{name}: {args:?}");
            assert!(tool.is_none_or(|tool| tools.contains(&tool)), "{name}: {args:?}");
            let stage = name.split_once(' ').unwrap().0.to_owned();
            brought.extend(tool.map(|tool| (stage, tool.to_owned())));
        }
    }
    let brought: Vec<_> = brought.iter().map(|(stage, tool)| format!("{stage} {tool}")).collect();
    assert_eq!(
        brought,
        ["[lock] /tool/pip", "[packages] /tool/pip", "[packages] /tool/uv", "[source] /tool/pip"]
    );
}
