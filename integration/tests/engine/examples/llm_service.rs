use serde_json::Value;

use super::service::{Composed, Example, HUB};
use crate::project::ran;

/// What the service answers to `client.py`.
fn asked(service: &Composed<'_>, what: &str, text: &str) -> Value {
    serde_json::from_str(&service.exec(&["python", "client.py", what, text])).unwrap()
}

/// How near two texts are in meaning.
fn similarity(service: &Composed<'_>, texts: [&str; 2]) -> f64 {
    let [one, other] = texts.map(|text| asked(service, "embed", text));
    let values = one.as_array().unwrap().iter().zip(other.as_array().unwrap());
    values.map(|(one, other)| one.as_f64().unwrap() * other.as_f64().unwrap()).sum()
}

/// Of the sentences that the model's own documentation begins with, the similarity is 0.666.
fn embeds(service: &Composed) {
    let near = similarity(service, ["The weather is lovely today.", "It's so sunny outside!"]);
    assert!((near - 0.666).abs() < 0.001, "{near}");
}

/// The engine that completes, which always says the same of the same.
fn completes(service: &Composed) -> String {
    let completion = asked(service, "complete", "Once upon a time");
    assert!(completion["tokens"].as_u64().unwrap() > 0, "{completion}");
    assert_eq!(asked(service, "complete", "Once upon a time"), completion);
    completion["engine"].as_str().unwrap().to_owned()
}

#[test]
fn production_answers_by_grpc() {
    let example = Example::debian("llm-service", &HUB);
    let service = example.compose(&["compose.yaml"], "llm-service", "    network_mode: none\n");
    // What Compose builds first is compressed, and what is there already is not.
    example.build();
    service.build();
    service.up();
    embeds(&service);
    assert_eq!(completes(&service), "transformers");

    assert_ne!(service.exec(&["id", "-u"]), "0");
    assert_eq!(service.exec(&["printenv", "HF_HUB_OFFLINE"]), "1");
    for impossible in ["touch server.py", "command -v gcc", "command -v cmake"] {
        assert!(service.try_exec(&["sh", "-c", impossible]).is_err(), "{impossible}");
    }
    let measured: Value = serde_json::from_str(&service.exec(&["python", "measure.py"])).unwrap();
    assert!(measured["peak_megabytes"].as_u64().unwrap() > 100, "{measured}");

    example.edit("server.py", "there is no text", "please say something");
    let edited = example.rebuild();
    assert_eq!(ran(&edited), ["code"], "{}", edited.report());
    service.up();
    let refused = service.try_exec(&["python", "client.py", "embed", ""]).unwrap_err();
    assert!(format!("{refused:#}").contains("please say something"), "{refused:#}");
}

#[test]
fn in_development_an_edit_is_live_without_a_build() {
    let example = Example::debian("llm-service", &HUB);
    let online = format!(
        "    network_mode: bridge\n    environment: {{HF_ENDPOINT: '{}'}}\n",
        HUB.endpoint()
    );
    let files = ["compose.yaml", "compose.dev.yaml"];
    let service = example.compose(&files, "llm-service", &online);
    // What Compose builds first is compressed, and what is there already is not.
    example.build();
    service.build();
    service.up();
    embeds(&service);
    assert_eq!(completes(&service), "transformers");
    service.exec(&["touch", "/opt/huggingface/hub/x"]);

    example.edit("completion.py", "engine = \"transformers\"", "engine = \"edited\"");
    service.until(&["python", "client.py", "complete", "Once"], "\"edited\"");
}

#[test]
#[ignore = "slow: ten minutes of compiling"]
fn llama_cpp_is_built_where_the_compilers_are() {
    let example = Example::debian("llm-service", &HUB);
    example.edit("strata.yaml", "      build: !reset\n", "");
    let instead = "      packages: !override [accelerate==1.15.0, gguf==0.17.1]\n";
    example.edit("strata.yaml", instead, "");
    let service = example.compose(&["compose.yaml"], "llm-service", "    network_mode: none\n");
    service.build();
    service.up();
    embeds(&service);
    assert_eq!(completes(&service), "llama.cpp");
    assert!(service.try_exec(&["sh", "-c", "command -v gcc"]).is_err());
}
