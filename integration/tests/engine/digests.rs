//! That the engine knows every vertex by the digest that the planner gave it: it is what BuildKit
//! finds a failed step's lines of the manifest by.

use std::collections::BTreeMap;
use std::sync::Arc;

use integration::buildx::Build;
use integration::command::output;
use integration::digest::sha256;
use llb::{Image, Platform, SourceFile, State};
use serde_json::{Value, json};
use strata::facts::{
    Base, Bill, Building, Facts, Packages, PlatformFacts, Probe, Resolution, Settings,
};
use strata::graph::Graph;
use strata::inputs::Inputs;
use strata::lock::{self, Kind};
use strata::picks;
use strata::plan;
use strata::recipe::{self, Choices, Recipe};
use strata::requirements::Selection;
use strata::sources::{self, Checkout};

use crate::layout::Layout;
use crate::project::{NOTHING, Servers};
use crate::{BASE, STRATA, build, build_file, context};

const IMAGE: &str = "digests";

#[test]
fn the_engine_reports_the_digests_of_the_plan() {
    let servers = Servers::start();
    let manifest = format!(
        "# syntax=strata\n\
         base: {BASE}\n\
         system: {{runtime: [tini]}}\n\
         python: {{packages: [six==1.17.0]}}\n\
         code: {{git: {}, ref: main}}\n\
         dirs: [/app/logs]\n",
        servers.repository.url()
    );
    let folder = context(&[("strata.yaml", &manifest)]);
    let build = Build::succeed(build(&STRATA, folder.path()).args(["--tag", IMAGE])).unwrap();

    // An engine that can be asked for a ref's commit needs no `.git` in the checkout.
    let commit = servers.repository.tip("main").unwrap();
    let checkouts = [Checkout::WithGitDir, Checkout::Pinned(&commit)];
    let unknown = checkouts.map(|checkout| unknown(&build, &plan(&manifest, checkout)));
    let unknown = unknown.into_iter().min_by_key(Vec::len).unwrap();
    assert_eq!(unknown, NOTHING, "{}", build.report());
}

/// The vertices of the plan that the engine did not report, or otherwise than the plan has them.
fn unknown(build: &Build, graph: &Graph) -> Vec<String> {
    let known = |node: &&strata::graph::Node| {
        let reported = build.vertices.iter().find(|vertex| vertex.digest == node.digest);
        reported.is_some_and(|vertex| (&vertex.name, &vertex.inputs) == (&node.name, &node.inputs))
    };
    graph.vertices().iter().filter(|node| !known(node)).map(|node| node.name.clone()).collect()
}

fn plan(manifest: &str, checkout: Checkout<'_>) -> Graph {
    let file = SourceFile {
        name: "strata.yaml".into(),
        language: "YAML".into(),
        data: manifest.as_bytes().to_vec(),
    };
    let choices = Choices { target: None, build_args: BTreeMap::new() };
    let recipe = recipe::read(Arc::new(file), &choices).unwrap();
    let settings = Settings { merge: true, ..Settings::default() };
    let base = base(&recipe, &settings);
    let source = |code| sources::code(code, &recipe, &State::scratch(), checkout);
    let probe: Probe = serde_json::from_str(&in_image("probe.json")).unwrap();
    let packages = packages(&recipe, &probe);
    let facts = Facts {
        platforms: vec![PlatformFacts { base: base.clone(), probe, packages, files: Vec::new() }],
        native: base.platform,
        fetcher: None,
        models: Vec::new(),
        settings,
        code: recipe.code.as_ref().map(source),
    };
    Graph::of(plan::plan(&recipe, &facts).iter().map(|plan| &plan.image.root))
}

/// The base as the engine has it.
fn base(recipe: &Recipe, settings: &Settings) -> Base {
    let image = STRATA.inspect(BASE).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let platform = Platform::normalised("linux", &text(&image["Architecture"]), "", "");
    let env = image["Config"]["Env"].as_array().unwrap().iter().map(|entry| {
        let (name, value) = entry.as_str().unwrap().split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    let name = format!("docker.io/library/{BASE}@{}", text(&image["Id"]));
    let meta = plan::base_meta(recipe, settings, &platform);
    // buildx has Docker's own engine prefer the images that it has.
    let state = Image::new(name).resolve_mode("local").build(&platform, meta);
    let layers = image["RootFS"]["Layers"].as_array().unwrap().len();
    let content = content();
    Base {
        env: env.collect(),
        system_sources: BTreeMap::new(),
        platform,
        state,
        content: Some(content),
        layers,
    }
}

/// What caches that are for one base know it by: its layers and what made them.
fn content() -> String {
    let dockerfile = context(&[("Dockerfile", &format!("FROM {BASE}\n"))]);
    let config =
        Layout::built_by(&mut build_file(&STRATA, dockerfile.path(), "Dockerfile")).config();
    let history = config["history"].as_array().unwrap().iter();
    let made_by = history.filter(|entry| entry["empty_layer"] != true);
    let made_by: Vec<&Value> = made_by.map(|entry| &entry["created_by"]).collect();
    sha256(json!([config["rootfs"]["diff_ids"], made_by]).to_string().as_bytes())
}

/// What the build resolved the requirements to.
fn packages(recipe: &Recipe, probe: &Probe) -> Packages {
    let requirements = Inputs::new(recipe).demand(recipe).unwrap().requirements;
    let file = SourceFile {
        name: "pylock.toml".into(),
        language: "TOML".into(),
        data: in_image("pylock.toml").into(),
    };
    let environment = probe.environment();
    let lock =
        lock::read(&Arc::new(file), Kind::Pylock, None, &[], &Selection::default(), &environment)
            .unwrap();
    let picks =
        picks::picks(&lock, &lock.packages, recipe, requirements.options(), &environment).unwrap();
    let options = requirements.build_options_text();
    let resolution =
        Resolution { requirements, building: Building::Deferred, ..Resolution::default() };
    let bills = vec![Bill::Resolved(resolution.into())];
    Packages { picks, bills, options, ..Packages::default() }
}

/// A file that a step of the build left in the image.
fn in_image(name: &str) -> String {
    let path = format!("/opt/strata/{name}");
    output(&mut STRATA.docker(["run", "--rm", "--entrypoint=cat", IMAGE, &path])).unwrap()
}
