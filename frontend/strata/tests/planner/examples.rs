//! The examples by value: those of their variants that no engine of the tests can build.

use std::{fs, path::Path};

use crate::project::Project;

/// The example's manifest and requirements.
fn example(name: &str, variant: &str) -> Project {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let mut project = Project::example();
    project.manifest = read("strata.yaml");
    project.file("requirements.txt", &read("requirements.txt"));
    project.build_arg("VARIANT", variant);
    project.build_arg("CODE", "https://github.com/org/lightspeed.git");
    project.lock =
        ["sentence-transformers==6.2.0", "torch==2.9.1", "llama-cpp-python==0.3.36 source"]
            .map(str::to_owned)
            .into();
    project
}

#[test]
fn lightspeed_in_its_variants() {
    for (variant, base, flags, compilers) in [
        ("generic", "python:3.12-slim", "-DGGML_NATIVE=off", ["build-essential"].as_slice()),
        (
            "nvidia",
            "nvidia/cuda:12.6.3-runtime-ubuntu24.04",
            "-DGGML_NATIVE=off -DGGML_CUDA=on \
             -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined",
            &["build-essential", "cuda-libraries-dev-12-6", "cuda-minimal-build-12-6"],
        ),
        (
            "apple-silicon",
            "python:3.12-slim",
            "-DGGML_NATIVE=off -DGGML_VULKAN=on",
            &["build-essential", "glslc", "libvulkan-dev", "spirv-headers"],
        ),
    ] {
        let project = example("lightspeed", variant);
        let recipe = project.recipe();
        assert_eq!(recipe.base.value, base);
        assert_eq!(recipe.python.indexes.torch.as_deref(), Some("cpu"), "{variant}");
        assert_eq!(recipe.python.env["CMAKE_ARGS"], flags);
        assert_eq!(recipe.system.build.unwrap().value, compilers);
        assert_eq!(recipe.system.python.is_some(), variant == "nvidia");

        let mut newer = project.clone();
        newer.build_arg("CODE_VERSION", "v1.2.3");
        assert_eq!(project.runs_to(&newer), ["code"], "{variant}: heavy things stay");
        let built: Vec<_> = project.steps_to(&other_flags(&project, flags));
        assert_eq!(built.len(), 2, "{variant}: {built:?}");
        assert!(built[0].contains("llama-cpp-python"), "{variant}: {built:?}");
        assert!(built[1].contains("verify"), "{variant}: {built:?}");
    }
}

/// The same with other flags for the compiler.
fn other_flags(project: &Project, flags: &str) -> Project {
    let mut other = project.clone();
    other.manifest = other.manifest.replace(flags, "-DGGML_NATIVE=on");
    other
}

#[test]
fn variants_share_what_does_not_differ() {
    let generic = example("lightspeed", "generic");
    let stages = generic.runs_to(&example("lightspeed", "apple-silicon"));
    assert_eq!(stages, ["runtime", "source", "toolchain", "verify"]);
}
