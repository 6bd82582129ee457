//! How many layers an image has: few enough for engines, whatever it is made of.

use std::collections::BTreeSet;

use strata::plan;

use crate::project::Project;

const LARGE: u64 = 50_000_000;
const SMALL: u64 = 1_200_000;

/// A project with so many large packages, and so many that are heavy all the same.
fn project(large: usize, small: usize) -> Project {
    let mut project = Project::example();
    let (manifest, _) = project.manifest.split_once("files:\n").unwrap();
    project.manifest = manifest.to_owned();
    project.base_layers = 10;
    let large = (0..large).map(|n| format!("large-{n}==1.0 {LARGE}"));
    project.lock = large.chain((0..small).map(|n| format!("small-{n}==1.0 {SMALL}"))).collect();
    project
}

/// The packages of the layers that have packages.
fn packages(project: &Project) -> Vec<Vec<String>> {
    let purposes = project.purposes();
    let packages = purposes.iter().filter_map(|it| it.strip_prefix("Python packages: "));
    packages.map(|pins| pins.split(' ').map(str::to_owned).collect()).collect()
}

/// Those of them that are not alone.
fn sharing(project: &Project) -> BTreeSet<String> {
    packages(project).into_iter().filter(|pins| pins.len() > 1).flatten().collect()
}

/// What is said of the number of layers.
fn said(project: &Project) -> String {
    let (recipe, plan) = (project.recipe(), project.plans().remove(0));
    match plan::check_layers(&recipe, &plan) {
        Ok(()) => format!("{} layers", plan.layers.total()),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn the_layers_are_those_of_the_base_and_ours() {
    let project = Project::example();
    let plan = project.plans().remove(0);
    assert_eq!(plan.layers.total(), project.base_layers + plan.image.purposes.len());
    assert_eq!((plan.layers.base, plan.layers.packages), (4, packages(&project).len()));
}

#[test]
fn heavy_packages_are_alone_where_there_is_room() {
    assert_eq!(sharing(&project(40, 35)), BTreeSet::new());
}

#[test]
fn the_smallest_share_where_there_is_none() {
    let project = project(70, 80);
    let sharing = sharing(&project);
    assert!(sharing.iter().all(|pin| pin.starts_with("small-")), "{sharing:?}");
    assert_eq!(sharing.len(), 80, "all but those for which there is room");
    // Of the 120 that are planned, 10 are the base's, up to 5 are models', up to 15 others', and 12
    // light packages': that leaves 78.
    assert_eq!(packages(&project).len(), 70 + 8);
    let total = project.plans()[0].layers.total();
    assert!(total <= 120 - 12, "there is room for light ones beside {total}");
}

#[test]
fn an_edit_moves_a_package_or_none() {
    let before = project(70, 80);
    let steps = |edit: &dyn Fn(&mut Vec<String>)| {
        let mut after = before.clone();
        edit(&mut after.lock);
        before.steps_to(&after)
    };
    let bump = |from: &'static str, to: String| {
        steps(&move |lock| {
            let pin = lock.iter_mut().find(|pin| pin.split("==").next() == Some(from));
            *pin.unwrap() = to.clone();
        })
    };
    let large = bump("large-7", format!("large-7==1.1 {}", LARGE + 1_000_000));
    assert_eq!(large, ["[packages] install large-7 1.1"]);
    assert_eq!(bump("small-7", format!("small-7==1.1 {SMALL}")).len(), 1);
    // One more is one less alone.
    let added = steps(&|lock| lock.push(format!("large-x==1.0 {LARGE}")));
    assert_eq!(added.len(), 2, "{added:?}");
    let removed = steps(&|lock| lock.retain(|pin| !pin.starts_with("large-7==")));
    assert!(removed.len() <= 2, "{removed:?}");
    let light = steps(&|lock| lock.push("light==1.0".to_owned()));
    assert_eq!(light, ["[packages] install light 1.0"]);
}

#[test]
fn who_is_asked_to_be_alone_is() {
    let mut project = project(70, 80);
    assert!(sharing(&project).contains("small-0==1.0"));
    let env = "  env: {CMAKE_ARGS";
    project.manifest = project.manifest.replace(env, &format!("  heavy: [small-0]\n{env}"));
    assert!(!sharing(&project).contains("small-0==1.0"));
}

#[test]
fn a_command_stands_on_its_own_packages_alone() {
    let mut before = project(70, 80);
    let model = "  - {run: get it, name: it, needs: small-0, keep: /it}\n";
    before.manifest = before.manifest.replace("code:\n", &format!("{model}code:\n"));
    let mut others = packages(&before).into_iter().filter(|pins| pins.len() > 1);
    let own = others.find(|pins| pins.contains(&"small-0==1.0".to_owned())).unwrap();
    let other = own.iter().find(|pin| *pin != "small-0==1.0").unwrap();
    let bumped = |pin: &str| {
        let mut after = before.clone();
        let found = after.lock.iter_mut().find(|it| it.split(' ').next() == Some(pin)).unwrap();
        *found = found.replace("==1.0", "==1.1");
        let ran = before.steps_to(&after);
        ran.iter().any(|step| step.starts_with("[models]"))
    };
    assert!(bumped("small-0==1.0"));
    assert!(!bumped(other), "{other} is in the same layer, and is none of its needs");
}

#[test]
fn what_engines_do_not_take() {
    let mut project = Project::example();
    let own = project.purposes().len();
    project.base_layers = 125 - own;
    assert_eq!(said(&project), "125 layers");
    project.base_layers += 1;
    let of_base = said(&project);
    // The models stand on nothing.
    project.target("models");
    assert_eq!(said(&project), "4 layers");

    let mut project = Project::example();
    project.lock = (0..120).map(|n| format!("built-{n}==1.0 source")).collect();
    let of_packages = said(&project);

    let mut project = Project::example();
    let models: String = (0..70).map(|n| format!("  - hf: org/model-{n}\n")).collect();
    project.manifest = project.manifest.replace("  - hf: org/first\n", &models);
    let of_models = said(&project);
    insta::assert_snapshot!([of_base, of_packages, of_models].join("\n"));
}
