//! A base of dependencies, and the image that stands on it.

use std::fs;

use integration::buildx::{Build, quiet_moment};
use integration::package::Package;
use integration::package_index::PackageIndex;

use super::service::{Example, HUB};
use crate::built::{Built, unique_name};
use crate::project::ran;
use crate::{DEBIAN, STRATA, unique};

/// What stands for spaCy's large pipeline: a real one, of two rules.
const PIPELINE: &str = "\
import spacy

def load(**overrides):
    pipeline = spacy.blank('en')
    cities = [{'label': 'GPE', 'pattern': city} for city in ['Paris', 'Madrid']]
    pipeline.add_pipe('entity_ruler').add_patterns(cities)
    return pipeline
";

/// A database that needs no server, and clusters as small as those of the articles.
const ALONE: &str = "    network_mode: none
    environment:
      READER_DB_URL: sqlite:////app/logs/reader.db
      RUN_CLUSTERING_STEP: 'true'
      MIN_CLUSTER_SIZE: 3
";

/// Prints what the first step found.
const ENTITIES: &str = "import sqlite3; reader = sqlite3.connect('logs/reader.db'); \
                        print(*reader.execute('select entities from articles'))";

#[test]
fn a_base_and_the_image_on_it() {
    let address = STRATA.host_address().unwrap();
    let pipeline = Package::new("en_core_web_lg", "3.8.0");
    let pipeline = pipeline.file("en_core_web_lg/__init__.py", PIPELINE).wheel().unwrap();
    let releases = PackageIndex::serve(address, [pipeline]).unwrap();

    let example = Example::new("article-transfer");
    let base = Built { name: unique_name() };
    let sets = [
        format!("base.tags={}", base.name),
        "base.args.VARIANT=debian".to_owned(),
        format!("base.args.DEBIAN={}", *DEBIAN),
        format!("base.args.SPACY_RELEASES=http://{}/releases", releases.address()),
        format!("base.args.HF_ENDPOINT={}", HUB.endpoint()),
        format!("app.tags={}", example.image.name),
        // Nobody pushes them: to compress Debian's PyTorch takes long.
        "*.output=type=image,compression=uncompressed".to_owned(),
    ];
    // Both by the example's own bake file.
    let bake = || {
        let mut bake = STRATA.docker(["buildx", "bake"]);
        bake.args(sets.iter().map(|set| format!("--set={set}")));
        Build::succeed(bake.current_dir(example.folder.path())).unwrap()
    };
    bake();

    let in_example = |name| example.folder.path().join(name);
    fs::copy(in_example(".env.example"), in_example(".env")).unwrap();
    let service = example.compose(&["compose.yaml"], "article-transfer", ALONE);
    let run = |command: &str| {
        let words = ["run", "--rm", "--no-deps", "-T", "article-transfer"];
        service.run(&[&words[..], &["sh", "-c", command]].concat()).unwrap()
    };
    let ready = "the database is ready: articles";
    assert_eq!(
        service.run(&["run", "--rm", "--no-deps", "-T", "article-transfer"]).unwrap(),
        ready
    );
    let said = run("python -m src.transfer < articles.txt");
    for part in ["step 1: entities of 10 articles", "football", "bread"] {
        assert_eq!(said.matches(part).count(), 1, "{part}: {said}");
    }
    let entities = run(&format!("python -c \"{ENTITIES}\""));
    assert!(entities.contains("Paris (GPE)"), "{entities}");

    // The volumes are the user's.
    run("touch logs/x models/x");

    // `src` is a bind mount: live without a build.
    let step = format!("step {}: entities", unique());
    example.edit("src/transfer.py", "step 1: entities", &step);
    let said = run("python -m src.transfer < /dev/null");
    assert!(said.contains(&format!("{step} of 0 articles")), "{said}");

    quiet_moment();
    let edited = bake();
    let above = ["app code", "app image", "app verify"];
    assert_eq!(ran(&edited), above, "{}", edited.report());
}
