//! How much a graph weighs: engines before BuildKit 0.14 take a message of 4 MiB.

use crate::project::Project;

#[test]
fn a_hundred_layers_of_packages() {
    let mut project = Project::example();
    project.base_layers = 5;
    project.lock = (0..100).map(|n| format!("large-{n}==1.0 50000000")).collect();
    let definition = project.plans().remove(0).image.root.definition().to_pb();
    let bytes: usize = definition.def.iter().map(Vec::len).sum();
    // A tenth of that. Scripts are sent once.
    assert!(bytes < 400_000, "{bytes} bytes");
    let text = definition.def.concat();
    let script = include_bytes!("../../src/plan/steps/install.py");
    assert_eq!(text.windows(script.len()).filter(|part| part == script).count(), 1);
}
