//! A base of dependencies, and the image that stands on it.

use std::fs;

use integration::package::Package;
use integration::package_index::PackageIndex;

use super::service::{DEBIAN, Example, HUB};
use crate::built::Built;
use crate::project::ran;
use crate::{STRATA, unique};

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
    let of_base = [
        "--target=deps".to_owned(),
        "--build-arg=VARIANT=debian".to_owned(),
        format!("--build-arg=DEBIAN={}", *DEBIAN),
        format!("--build-arg=SPACY_RELEASES=http://{}/releases", releases.address()),
        format!("--build-arg=HF_ENDPOINT={}", HUB.endpoint()),
    ];
    let base = Built::by(example.folder.path(), "base.yaml", &of_base);
    let example = example.arg("BASE", &base.name);
    example.build();

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

    // `src` is a bind mount: live without a build.
    let step = format!("step {}: entities", unique());
    example.edit("src/transfer.py", "step 1: entities", &step);
    let said = run("python -m src.transfer < /dev/null");
    assert!(said.contains(&format!("{step} of 0 articles")), "{said}");

    let edited = example.build();
    assert_eq!(ran(&edited), ["code", "verify"], "{}", edited.report());
}
