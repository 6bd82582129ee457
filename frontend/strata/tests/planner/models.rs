//! Models of several layers.

use serde_json::Value;
use strata::plan;

use crate::project::{Project, handed};

const GB: u64 = 1_000_000_000;

/// The example, whose models have files with weights of these sizes.
fn project(weights: &[u64]) -> Project {
    Project { weights: weights.to_vec(), ..Project::example() }
}

/// The example with these models.
fn with(models: &str, weights: &[u64]) -> Project {
    let mut project = project(weights);
    project.manifest = project.manifest.replace("  - hf: org/first\n  - hf: org/second\n", models);
    assert!(project.manifest.contains(models));
    project
}

/// What the layers of models are of, lowest first.
fn layers(project: &Project) -> Vec<String> {
    let of_model = |purpose: &String| purpose.contains("org/") && !purpose.contains("code from");
    project.purposes().into_iter().filter(of_model).collect()
}

#[test]
fn a_small_one_is_one_layer() {
    assert_eq!(
        layers(&project(&[90_000_000])),
        [
            "what org/first is",
            "model org/first at main (main00000000)",
            "what org/second is",
            "model org/second at main (main00000000)",
        ]
    );
}

#[test]
fn what_is_large_lies_below_what_is_not() {
    assert_eq!(
        layers(&project(&[3 * GB, 2 * GB, GB])),
        [
            "model org/first at main (main00000000), part 1 of 3",
            "model org/first at main (main00000000), part 2 of 3",
            "model org/second at main (main00000000), part 1 of 3",
            "model org/second at main (main00000000), part 2 of 3",
            "what org/first is",
            "model org/first at main (main00000000), part 3 of 3",
            "what org/second is",
            "model org/second at main (main00000000), part 3 of 3",
        ]
    );
}

/// What the fetcher is asked for, but where each file is.
fn asked(project: &Project) -> Vec<Value> {
    let mut requests: Vec<Value> = handed(project, "/request.json")
        .iter()
        .map(|request| serde_json::from_str::<Value>(request).unwrap()["fetch"].take())
        .filter(|request| !request.is_null())
        .collect();
    for file in requests.iter_mut().flat_map(|it| it["files"].as_array_mut().unwrap()) {
        file["url"].take();
    }
    requests
}

#[test]
fn a_commit_that_leaves_the_weights_leaves_their_layers() {
    for to in ["", "    to: /models/it/\n"] {
        let one = with(&format!("  - hf: org/first\n{to}"), &[3 * GB, 2 * GB]);
        let mut other = one.clone();
        other.commits.insert("main".into(), "c0ffee".into());
        let (one, other) = (asked(&one), asked(&other));
        let differ: Vec<bool> = one.iter().zip(&other).map(|(one, other)| one != other).collect();
        assert_eq!((one.len(), differ), (3, vec![false, false, true]), "only the last");
        for part in &one[..2] {
            let nothing = |key: &str| part[key].as_array().unwrap().is_empty();
            assert!(nothing("links") && nothing("texts"), "{part}");
            assert_eq!(part["files"].as_array().unwrap().len(), 1);
        }
        assert_eq!(one[2]["files"][0]["name"], "config.json");
        assert_eq!(one[2]["links"].as_array().unwrap().len(), if to.is_empty() { 3 } else { 0 });
    }
}

#[test]
fn who_asks_for_the_models_alone_has_the_same_layers() {
    let image = project(&[3 * GB, 2 * GB]);
    let mut alone = image.clone();
    alone.target("models");
    assert_eq!(image.steps_to(&alone), [""; 0]);
    assert_eq!((layers(&alone), alone.purposes()), (layers(&image), layers(&image)));
    let plan = alone.plans().remove(0);
    assert_eq!((plan.layers.models, plan.layers.total()), (8, 8));
}

#[test]
fn entries_that_share_files_share_their_layers() {
    let entry = |files: &str| format!("  - {{hf: org/first, files: '{files}', to: /models/}}\n");
    let two = [entry("*.safetensors"), entry("*")].concat();
    let layers = layers(&with(&two, &[3 * GB, 2 * GB]));
    let of = |what: &str| layers.iter().filter(|purpose| purpose.contains(what)).count();
    assert_eq!((of("part 1 of 3"), of("part 2 of 3")), (1, 1), "{layers:?}");
}

#[test]
fn many_large_ones_leave_room_for_the_rest() {
    // 70B in bf16.
    let weights = [4_700_000_000; 30];
    let models =
        |count| (0..count).map(|number| format!("  - hf: org/{number}\n")).collect::<String>();
    let counts = |count| {
        let project = with(&models(count), &weights);
        let plan = project.plans().remove(0);
        plan::check_layers(&project.recipe(), &plan).unwrap();
        assert!(plan.layers.models <= 80.max(2 * count), "{:?}", plan.layers);
        let layers = layers(&project);
        let of =
            |number| layers.iter().filter(|it| it.contains(&format!("org/{number} at"))).count();
        (0..count).map(of).collect::<Vec<_>>()
    };
    assert_eq!(counts(1), [16], "in pairs");
    assert_eq!(counts(2)[..], counts(3)[..2], "one more divides none in another way");
    for count in [4, 10, 20, 39, 44] {
        let counts = counts(count);
        assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    }
    assert_eq!(counts(44), [1; 44]);
}
