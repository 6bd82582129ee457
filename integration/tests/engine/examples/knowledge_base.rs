use integration::hub::{Hub, Repo};
use integration::tesseract;
use integration::weights::{ALL_MINILM_L6_V2, all_minilm_l6_v2, all_minilm_l6_v2_as};
use serde_json::Value;

use super::service::{Composed, Example, GET};
use crate::STRATA;
use crate::project::ran;

/// A page that says something, photographed, is shown to the service, and what it reads is printed.
const SHOW: &str = "\
import io, sys, urllib.request
from PIL import Image, ImageDraw, ImageFont

page, file = Image.new('RGB', (1200, 120), 'white'), io.BytesIO()
ImageDraw.Draw(page).text((40, 40), sys.argv[1], 'black', ImageFont.load_default(36))
page.save(file, 'PNG')
print(urllib.request.urlopen('http://localhost:8000/pages', file.getvalue()).read().decode())";

/// Another model, which is only tried out.
const OTHER: &str = "tests/other-MiniLM";

fn hub(others: impl IntoIterator<Item = Repo>) -> Hub {
    let models = [all_minilm_l6_v2().unwrap(), tesseract::english("tests/tessdata").unwrap()];
    Hub::serve(STRATA.host_address().unwrap(), models.into_iter().chain(others)).unwrap()
}

fn example(hub: &Hub) -> Example {
    let tessdata = format!("{}/tests/tessdata/resolve/main/eng.traineddata", hub.endpoint());
    Example::debian("knowledge-base", hub).arg("TESSDATA", tessdata)
}

/// The best answer to a question.
fn asked(service: &Composed<'_>, question: &str) -> String {
    let path = format!("8000/ask?q={}", question.replace(' ', "+"));
    let answer: Value = serde_json::from_str(&service.exec(&["python", "-c", GET, &path])).unwrap();
    answer["answers"][0]["passage"].as_str().unwrap().to_owned()
}

/// How many bytes the hub has sent since the last time.
fn sent(hub: &Hub) -> u64 {
    hub.take_answered().iter().map(|answered| answered.sent).sum()
}

#[test]
fn production_reads_and_answers_offline() {
    let hub = hub([Repo::new("tests/small", [("config.json", "{}")])]);
    let example = example(&hub);
    example.build();
    // The weights may be there already, from another test's hub.
    assert!(sent(&hub) > 0);
    let service = example.compose(&["compose.yaml"], "backend", "    network_mode: none\n");
    service.up();
    assert!(asked(&service, "when is old newspaper taken away").contains("paper on the first"));
    let read = service.exec(&["python", "-c", SHOW, "The key of the cellar hangs by the clock."]);
    assert!(read.contains("cellar hangs by the clock"), "{read}");
    assert!(asked(&service, "how do I get into the cellar").contains("by the clock"));
    // Where the team's programs look, old ones too.
    for cache in ["$HF_HOME/hub", "$TRANSFORMERS_CACHE"] {
        let there = "/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/*/config.json";
        service.exec(&["sh", "-c", &format!("ls {cache}{there}")]);
    }
    service.exec(&["sh", "-c", "touch $TORCH_HOME/x"]);

    example.edit("notes/house.md", "Tuesdays", "Thursdays");
    let edited = example.rebuild();
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
    service.up();
    assert!(asked(&service, "on which day is rubbish collected").contains("Thursdays"));
    assert_eq!(hub.take_answered(), []);

    // Of the models, only the new one is downloaded.
    let more = "models:\n  - tests/small\n";
    example.edit("strata.yaml", "models:\n", more);
    let added = example.rebuild();
    assert_eq!(ran(&added), ["listing", "models"], "{}", added.report());
    let asked: Vec<_> = hub.take_answered().into_iter().map(|answered| answered.path).collect();
    assert!(asked.iter().all(|path| path.contains("tests/small")), "{asked:?}");
}

#[test]
fn development_has_its_models_in_a_volume() {
    let hub = hub([all_minilm_l6_v2_as(OTHER).unwrap()]);
    let example = example(&hub);
    let with = |model: &str| {
        let endpoint = hub.endpoint();
        format!(
            "    network_mode: bridge\n    \
             environment: {{HF_ENDPOINT: '{endpoint}', EMBEDDING_MODEL: {model}}}\n"
        )
    };
    let files = ["compose.yaml", "compose.dev.yaml"];
    let service = example.compose(&files, "backend", &with(ALL_MINILM_L6_V2));
    // What Compose builds first is compressed, and what is there already is not.
    example.build();
    service.build();
    assert!(!hub.take_answered().is_empty());
    service.up();
    let question = "when is old newspaper taken away";
    assert!(asked(&service, question).contains("paper on the first"));
    let small = 1_000_000;
    assert!(sent(&hub) < small, "the volume begins with the image's models");

    // In a file that is loaded again.
    example.edit("app.py", "status=\"ok\"", "status=\"edited\"");
    service.until(&["python", "-c", GET, "8000/health"], "edited");

    service.set(&with(OTHER));
    service.up();
    assert!(sent(&hub) > 80_000_000);
    service.down();
    service.up();
    assert!(asked(&service, question).contains("paper on the first"));
    assert!(sent(&hub) < small, "what was downloaded stays");
}
