//! `python.torch`, for several platforms at once.

use std::collections::{BTreeMap, BTreeSet};

use llb::{
    Vertex,
    pb::{ExecOp, op::Op},
};
use strata::plan::Plan;

use crate::project::Project;

const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];
const PYTORCH: &str = "download.pytorch.org";

/// A project for two platforms, of which each resolves to wheels of its own.
fn project(build: &str) -> Project {
    let mut project = Project::example();
    project.platforms = PLATFORMS.map(str::to_owned).to_vec();
    project.manifest =
        project.manifest.replace("python:\n", &format!("python:\n  torch: {build}\n"));
    project.file("requirements.txt", "numpy==2.1.0\ntorch==2.9.1\ntorchvision\n");
    for (platform, machine) in PLATFORMS.iter().zip(["x86_64", "aarch64"]) {
        let family = ["torch==2.9.1", "torchvision==0.24.1"];
        let family =
            family.map(|pin| format!("{pin}+{build}.{machine} https://{PYTORCH}/whl/{build}"));
        let others = ["numpy==2.1.0", "tqdm==4.67.1"].map(str::to_owned);
        project.locks.insert((*platform).to_owned(), [&family[..], &others].concat());
    }
    project
}

/// The commands of a plan by their names, and whatever texts a plan hands to its steps by the name
/// of the file.
fn steps(plan: &Plan) -> (BTreeMap<String, ExecOp>, BTreeMap<String, Vec<String>>) {
    let (mut commands, mut files) = (BTreeMap::new(), BTreeMap::<_, Vec<String>>::new());
    for vertex in plan.image.root.definition().vertices() {
        match vertex.op() {
            Some(Op::Exec(exec)) => {
                commands.insert(vertex.name().unwrap().to_owned(), exec);
            }
            Some(Op::File(file)) => {
                for action in file.actions {
                    if let Some(llb::pb::file_action::Action::Mkfile(made)) = action.action {
                        let text = String::from_utf8_lossy(&made.data).into_owned();
                        files.entry(made.path).or_default().push(text);
                    }
                }
            }
            _ => {}
        }
    }
    (commands, files)
}

/// The plan of each build of PyTorch on each platform.
fn plans() -> impl Iterator<Item = (&'static str, &'static str, Plan)> {
    ["cpu", "cu126"].into_iter().flat_map(|build| {
        let plans = project(build).plans();
        assert_eq!(plans.len(), PLATFORMS.len());
        PLATFORMS.into_iter().zip(plans).map(move |(platform, plan)| (build, platform, plan))
    })
}

#[test]
fn the_resolver_alone_is_told_of_the_index_and_for_the_family_alone() {
    for (build, platform, plan) in plans() {
        let (commands, files) = steps(&plan);
        let resolve = format!("[{platform} lock] resolve numpy, torch, torchvision, tqdm");
        for (name, exec) in commands {
            let meta = exec.meta.unwrap();
            let is_told = meta.args.windows(2).any(|pair| pair == ["--torch", build]);
            assert_eq!(is_told, name == resolve, "{platform} {name}: {:?}", meta.args);
            // As an index it would be one for all packages.
            let mut texts = meta.args.iter().chain(&meta.env);
            assert!(!texts.any(|text| text.contains(PYTORCH)), "{platform} {name}");
        }
        // A script knows where the index is.
        let files = files.into_iter().filter(|(path, _)| !path.ends_with(".py"));
        for (path, texts) in files {
            for text in texts.iter().filter(|text| text.contains(PYTORCH)) {
                assert_eq!(path, "/packages.json", "{platform}: {text}");
                assert!(text.contains("\"name\": \"torch"), "{platform}: {text}");
            }
        }
    }
}

#[test]
fn each_platform_has_a_resolution_of_its_own() {
    let mut resolutions = BTreeSet::new();
    for (build, platform, plan) in plans() {
        let machine = if platform == PLATFORMS[0] { "x86_64" } else { "aarch64" };
        let definition = plan.image.root.definition();
        let own = |vertex: &&Vertex| {
            let name = vertex.name().unwrap_or_default();
            // Models are the same for all, and fetched once.
            [" lock] ", " packages] "].iter().any(|stage| name.contains(stage))
        };
        let own: BTreeMap<&str, &str> = definition
            .vertices()
            .filter(own)
            .map(|vertex| (vertex.name().unwrap_or_default(), vertex.digest()))
            .collect();
        let expected = [
            format!("[{platform} lock] resolve numpy, torch, torchvision, tqdm"),
            format!("[{platform} packages] install numpy 2.1.0"),
            format!("[{platform} packages] install torch 2.9.1+{build}.{machine}"),
            format!("[{platform} packages] install torchvision 0.24.1+{build}.{machine}"),
            format!("[{platform} packages] install tqdm 4.67.1"),
        ];
        assert_eq!(own.keys().copied().collect::<Vec<_>>(), expected);
        resolutions.insert(own[&*expected[0]].to_owned());
    }
    assert_eq!(resolutions.len(), 4, "each on its own base");
}

#[test]
fn another_build_resolves_again_on_every_platform() {
    let (cpu, cuda) = (project("cpu"), project("cu126"));
    let steps = cpu.steps_to(&cuda);
    for platform in PLATFORMS {
        let of = |stage: &str| {
            let start = format!("[{platform} {stage}] ");
            steps.iter().filter(|step| step.starts_with(&start)).count()
        };
        assert_eq!((of("lock"), of("packages")), (1, 2), "{steps:?}");
    }
    assert_eq!(steps.len(), 6, "and nothing else: {steps:?}");
}
