//! Which files of a repository are wanted, and what models must not do to each other.

#![expect(clippy::panic, reason = "a panic in a test is its report")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use llb::{Platform, SourceFile, State};
use serde_json::json;
use strata::facts::{Base, ModelFacts, Packages};
use strata::listing::{Checksum, File, Listing};
use strata::models;
use strata::notice::Notice;
use strata::recipe::{self, Choices, Recipe, Source};

fn recipe(models: &str) -> Recipe {
    recipe_with(models, "")
}

fn recipe_with(models: &str, rest: &str) -> Recipe {
    let data = format!("base: b\npython: {{packages: six}}\nmodels:\n{models}code: .\n{rest}");
    let data = data.into_bytes();
    let file = SourceFile { name: "strata.yaml".into(), language: "YAML".into(), data };
    recipe::read(Arc::new(file), &Choices::default())
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn listing(paths: &str) -> Listing {
    let file = |path: &str| File {
        path: path.to_owned(),
        size: 1,
        checksum: Checksum::Git(format!("{:0<40}", path.len())),
    };
    let files = paths.split_whitespace().map(file).collect();
    Listing { commit: "c".repeat(40), license: None, files }
}

/// What is taken of `paths`, or what is said instead.
fn chosen(model: &str, paths: &str) -> String {
    let recipe = recipe(&format!("  - {model}\n"));
    let Source::Hub(hub) = &recipe.models[0].source else { panic!("{model}") };
    match models::choose(hub, &listing(paths)) {
        Ok(files) => files.into_iter().map(|file| file.path).collect::<Vec<_>>().join(" "),
        Err(mistakes) => mistakes
            .iter()
            .map(|it| format!("{}|{}", it.message, it.help.as_deref().unwrap_or("")))
            .collect(),
    }
}

#[test]
fn of_several_formats_one() {
    let minilm = "config.json model.safetensors onnx/model.onnx openvino/model.bin \
                  pytorch_model.bin rust_model.ot tf_model.h5";
    assert_eq!(chosen("a/b", minilm), "config.json model.safetensors");
    let of_parts = "metal/model.bin unet/model.safetensors unet/openvino_model.bin \
                    unet/openvino_model.xml unet/openvino_model_qint8.bin";
    assert_eq!(chosen("a/b", of_parts), "unet/model.safetensors");
    let older = "config.json flax_model.msgpack pytorch_model.bin tf_model.h5";
    assert_eq!(chosen("a/b", older), "config.json pytorch_model.bin");
    // A part of a model that has only PyTorch's own format keeps it.
    let parts = "1_Dense/pytorch_model.bin model.safetensors pytorch_model.bin";
    assert_eq!(chosen("a/b", parts), "1_Dense/pytorch_model.bin model.safetensors");
    let twice = "consolidated.00.pth consolidated.safetensors model-00001-of-00001.safetensors \
                 pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json";
    assert_eq!(chosen("a/b", twice), "model-00001-of-00001.safetensors");
    assert_eq!(chosen("a/b", "consolidated.safetensors x"), "consolidated.safetensors x");
    let precisions = "model.fp16.safetensors model.fp32-00001-of-00002.safetensors \
                      model.fp32-00002-of-00002.safetensors model.safetensors \
                      model.safetensors.index.fp32.json";
    assert_eq!(chosen("a/b", precisions), "model.safetensors");
    let shards = "model-00001-of-00001.fp16.safetensors model-00001-of-00001.safetensors \
                  model.safetensors.index.fp16.json model.safetensors.index.json";
    let kept = "model-00001-of-00001.safetensors model.safetensors.index.json";
    assert_eq!(chosen("a/b", shards), kept);
    let parts = "text/model.fp16.safetensors unet/diffusion_pytorch_model.fp16.bin \
                 unet/diffusion_pytorch_model.fp16.safetensors \
                 unet/diffusion_pytorch_model.safetensors";
    let kept = "text/model.fp16.safetensors unet/diffusion_pytorch_model.safetensors";
    assert_eq!(chosen("a/b", parts), kept, "a part that comes in one precision only");
    let adapter = "adapter_model.bin adapter_model.safetensors other.ckpt sd.ckpt sd.safetensors \
                   training_args.bin";
    let kept = "adapter_model.safetensors other.ckpt sd.safetensors training_args.bin";
    assert_eq!(chosen("a/b", adapter), kept);
    let versions = "v1.5.safetensors v1.6.safetensors";
    assert_eq!(chosen("a/b", versions), versions, "no other precision");
    let versions = "v1.5.fp16.safetensors v1.5.safetensors v1.safetensors";
    assert_eq!(chosen("a/b", versions), "v1.5.safetensors v1.safetensors");
    for something_else in [
        "adapter_model.safetensors config.json pytorch_model.bin",
        "text_encoder/model.fp16.safetensors text_encoder/pytorch_model.bin",
        "model.safetensors open_clip_pytorch_model.bin",
        "adapter_model.safetensors consolidated.00.pth",
    ] {
        assert_eq!(chosen("a/b", something_else), something_else);
    }
    let renamed = "open_clip_model.safetensors open_clip_pytorch_model.bin";
    assert_eq!(chosen("a/b", renamed), "open_clip_model.safetensors");
    assert_eq!(chosen("a/b", "README.md model.onnx"), "README.md model.onnx", "for no PyTorch");
    assert_eq!(chosen("a/b", "README.md x.Q4.gguf"), "README.md x.Q4.gguf");
    assert_eq!(
        chosen("a/b", "x.Q4.gguf x.Q8.gguf"),
        "a/b has the same weights 2 times|say which are wanted: `files: x.Q4.gguf`; it has \
         `x.Q4.gguf`, `x.Q8.gguf`"
    );
    let shards = "q/m-Q4-00001-of-00002.gguf q/m-Q4-00002-of-00002.gguf mmproj-F16.gguf";
    assert_eq!(chosen("a/b", shards).split(' ').count(), 3, "of one model");
    assert_eq!(
        chosen("a/b", &format!("{shards} x.Q8.gguf")),
        "a/b has the same weights 2 times|say which are wanted: `files: \
         [q/m-Q4-*-of-00002.gguf, mmproj-F16.gguf]`; it has `q/m-Q4-*-of-00002.gguf`, `x.Q8.gguf`"
    );
    assert_eq!(chosen("datasets/a/b", "a.onnx b.gguf c.gguf"), "a.onnx b.gguf c.gguf");
    assert_eq!(chosen("a/b", ""), "a/b at main has no files|");
}

#[test]
fn patterns_are_fnmatchs() {
    let files = "a.json deep/er/b.json deep/weights w[1].bin";
    let taken = |patterns: &str| chosen(&format!("{{hf: a/b, files: {patterns}}}"), files);
    assert_eq!(taken("'*.json'"), "a.json deep/er/b.json");
    assert_eq!(taken("'**/*.json'"), "deep/er/b.json");
    assert_eq!(taken("deep/"), "deep/er/b.json deep/weights");
    assert_eq!(taken("['?.json', deep/weights, a.json]"), "a.json deep/weights");
    assert_eq!(taken("'w[[]1].bin'"), "w[1].bin");
    assert_eq!(
        taken("[a.jsn, none*]"),
        "`files`: no file of a/b at main matches `a.jsn`|did you mean `a.json`?\
         `files`: no file of a/b at main matches `none*`|it has `a.json`, `deep/er/b.json`, \
         `deep/weights`, `w[1].bin`"
    );
}

fn base() -> Base {
    let platform = Platform::normalised("linux", "amd64", "", "");
    let (state, content) = (State::scratch(), None);
    Base {
        platform,
        state,
        content,
        env: BTreeMap::new(),
        system_sources: BTreeMap::new(),
        layers: 0,
    }
}

#[test]
fn more_files_than_a_build_describes() {
    let files: Vec<String> = (0..10_001).map(|number| format!("{number}.jpg")).collect();
    let listing = listing(&files.join(" "));
    let recipe = recipe("  - {hf: datasets/a/b}\n");
    let Source::Hub(hub) = &recipe.models[0].source else { panic!("{recipe:?}") };
    let [mistake] = &models::choose(hub, &listing).unwrap_err()[..] else { panic!("one") };
    assert_eq!(mistake.message, "datasets/a/b has 10001 files, and a build takes 10000");
}

#[test]
fn nothing_is_written_over() {
    let told = |models: &str, listings: &[&str]| {
        let recipe = recipe(models);
        let facts = |paths: &&str| ModelFacts::Listed(listing(paths));
        let facts: Vec<_> = listings.iter().map(facts).collect();
        models::check(&recipe, &facts, &base(), &Packages::default())
            .map_or_else(|mistakes| mistakes.to_string(), |()| String::new())
    };
    let two = "  - {hf: a/b, to: /m}\n  - {hf: a/c, to: /m/deep}\n";
    assert_eq!(told(two, &["deep/x y", "z"]), "", "to share a folder is fine");
    let said = told(two, &["deep/xxx", "xxx"]);
    assert!(said.starts_with("strata.yaml:5: a/c writes /m/deep/xxx, too"), "{said}");
    assert!(said.contains("a/b on line 4 does: give each a folder of its own"), "{said}");
    let said = told(two, &["deep", "xxx"]);
    assert!(
        said.starts_with("strata.yaml:5: a/c writes /m/deep/xxx, and there is /m/deep"),
        "{said}"
    );
    let other = "  - {hf: a/b, to: /m/deep}\n  - {hf: a/c, to: /m}\n";
    let said = told(other, &["xxx", "deep"]);
    assert!(
        said.starts_with("strata.yaml:5: a/c writes /m/deep, and there is /m/deep/xxx"),
        "{said}"
    );
    assert_eq!(
        told("  - {hf: a/b, to: /app}\n", &["main.bin other"]),
        "",
        "into the code's folder"
    );
    let said = told("  - {hf: a/b, files: x, to: /app}\n", &["x"]);
    assert!(said.starts_with("strata.yaml:4: a/b goes to /app, as the code does"), "{said}");
}

#[test]
fn the_code_takes_no_models_place() {
    let told = |models: &str, env: &str, there: &[&str]| {
        let recipe = recipe_with(models, env);
        let facts = vec![ModelFacts::Listed(listing("a.bin config.json")); recipe.models.len()];
        let wanted = models::where_code_goes(&recipe, &facts);
        let there: BTreeSet<String> = there.iter().map(|path| (*path).to_owned()).collect();
        assert!(there.is_subset(&wanted), "{wanted:?}");
        models::check_code(&recipe, &facts, &there)
            .map_or_else(|mistakes| mistakes.to_string(), |()| String::new())
    };
    let placed = "  - {hf: a/b, files: a.bin, to: /app/llm.bin}\n  - {hf: a/c, to: /app/m}\n";
    assert_eq!(told(placed, "", &[]), "");
    assert_eq!(
        told(placed, "", &["llm.bin", "m/config.json"]),
        "strata.yaml:4: a/b writes /app/llm.bin, and the code has that, too\n  \
         help: leave it out by `llm.bin` in .dockerignore, or give another `to`\n\
         strata.yaml:5: a/c writes /app/m/config.json, and the code has that, too\n  \
         help: leave it out by `m/config.json` in .dockerignore, or give another `to`"
    );
    let cached = told(
        "  - a/b\n",
        "env: {HF_HOME: /app/.cache/huggingface}\n",
        &[".cache/huggingface/hub/models--a--b/refs/main"],
    );
    assert!(
        cached.ends_with(
            "leave it out by `.cache/huggingface` in .dockerignore, or set another HF_HOME in `env`"
        ),
        "{cached}"
    );
    assert_eq!(told("  - a/b\n", "", &[]), "", "elsewhere");
}

#[test]
fn a_model_is_the_same_by_whatever_name_it_is_asked_for() {
    let request = |model: &str| {
        let recipe = recipe(&format!("  - {model}\n"));
        let Source::Hub(hub) = &recipe.models[0].source else { panic!("{model}") };
        models::layout(hub, &listing("a.bin"), "/hf", hub.to.as_deref(), None, 1).remove(0)
    };
    let commit = "c".repeat(40);
    assert_eq!(request("a/b"), request(&format!("{{hf: a/b, revision: {commit}}}")));
    let texts = |model: &str| request(model)["fetch"]["texts"].clone();
    let mirrored = texts("{hf: a/b, endpoint: https://mirror.example}");
    assert_eq!(texts("a/b"), mirrored, "what comes into the layer beside the files");
    let stated: serde_json::Value =
        serde_json::from_str(mirrored[1]["text"].as_str().unwrap_or_default()).unwrap_or_default();
    assert_eq!((&stated["name"], &stated["commit"]), (&json!("a/b"), &json!(commit)));
    assert_eq!(stated["files"][0]["path"], "a.bin");
}

#[test]
fn a_cache_of_the_base_is_not_left_aside() {
    let told = |models: &str, env: &str| {
        let base = Base { env: [("HF_HOME".into(), "/models".into())].into(), ..base() };
        let facts = [ModelFacts::Listed(listing("a.bin config.json"))];
        models::check(&recipe_with(models, env), &facts, &base, &Packages::default())
            .map_or_else(|mistakes| mistakes.to_string(), |()| String::new())
    };
    assert_eq!(
        told("  - a/b\n", ""),
        "strata.yaml:4: the base image has its Hugging Face cache at /models (`HF_HOME`), and a/b \
         would go to /opt/huggingface\n  help: have both in one: `env: {HF_HOME: /models}`"
    );
    assert_eq!(told("  - a/b\n", "env: {HF_HOME: /models}\n"), "");
    assert_eq!(told("  - a/b\n", "env: {HF_HOME: /models/}\n"), "");
    assert_eq!(told("  - {hf: a/b, to: /elsewhere/}\n", ""), "", "not in the cache");
}

#[test]
fn a_variable_that_hides_models_is_told() {
    let told = |model: &str, env: &str, of_base: &[(&str, &str)]| {
        let of_base = of_base.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let base = Base { env: of_base.collect(), ..base() };
        let recipe = recipe_with(&format!("  - {model}\n"), &format!("env: {{{env}}}\n"));
        let told = |notice: Notice| notice.text.split(',').next().map(str::to_owned);
        models::hidden(&recipe, &base).into_iter().filter_map(told).collect::<Vec<_>>()
    };
    let hub = [("HUGGINGFACE_HUB_CACHE", "/models")];
    assert_eq!(
        told("a/b", "SENTENCE_TRANSFORMERS_HOME: /app/st", &hub),
        ["by `HUGGINGFACE_HUB_CACHE`", "by `SENTENCE_TRANSFORMERS_HOME`"]
    );
    let none: [&str; 0] = [];
    assert_eq!(told("{hf: a/b, to: /m/}", "HF_HUB_CACHE: /models", &hub), none, "not in the cache");
    assert_eq!(told("a/b", "HF_HUB_CACHE: /opt/huggingface/hub/", &hub), none, "it wins");
    assert_eq!(told("a/b", "HF_HOME: /app, HF_HUB_CACHE: /app/hub", &[]), none);
    let above = [("HF_HUB_CACHE", "/opt/huggingface")];
    assert_eq!(told("a/b", "HF_HUB_CACHE: '${HF_HUB_CACHE}/hub'", &above), none, "the base's");
}

#[test]
fn what_needs_packages_has_them() {
    let told = |models: &str| {
        let facts = [ModelFacts::Stated];
        let checked = models::check(&recipe(models), &facts, &base(), &Packages::default());
        checked.unwrap_err().to_string()
    };
    let said = told("  - spacy: en_core_web_sm==3.8.0\n");
    assert!(said.starts_with("strata.yaml:4: en_core_web_sm needs spaCy"), "{said}");
    let said = told("  - {run: x, needs: nltk, keep: ~/x}\n");
    assert!(said.starts_with("strata.yaml:4: `needs`: no package of `python` is `nltk`"), "{said}");
}
