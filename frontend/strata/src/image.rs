//! The image's config: the base's, with what the manifest says laid over it.

use std::time::Duration;

use gateway::ImageName;
use llb::Platform;
use serde_json::{Map, Value, json};

use crate::{
    base_config::BaseConfig,
    in_image::VENV,
    plan::Plan,
    recipe::{CodeSource, Healthcheck, Model, Recipe, RepositoryKind, Target, Variable},
};

/// The label that says which models an image has: JSON, a list of objects with `name`, `version`
/// and `license`.
pub const MODELS: &str = "strata.models";

/// The labels by which tools know that there is a newer base (OCI, `annotations.md`): its name in
/// full, and the digest that it had.
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// What keeps libraries from asking a hub.
const OFFLINE: [&str; 2] = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];

/// What the config says that neither manifest nor plan knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The commit, tag or whatever else the code is known by.
    pub revision: Option<String>,
    /// Labels of the command line, which win over the manifest's.
    pub labels: Vec<(String, String)>,
    /// The base with its digest, if it is of a registry.
    pub base: Option<ImageName>,
}

/// What of the base's config is said of the image, too, beside what is set here. `created` is not:
/// BuildKit fills it in from the layers, so that an unchanged build is the same image. Nor is what
/// others keep beside it for the very image that it is of, such as an inline cache.
const KEPT: [&str; 7] =
    ["variant", "os.version", "os.features", "author", "config", "history", "rootfs"];

/// The config of the image that `plan` builds on a base with the config `base`.
///
/// What it does not know of the base's settings (`config`) stays as it is.
pub fn config(recipe: &Recipe, plan: &Plan, base: &BaseConfig, provenance: &Provenance) -> Value {
    let mut image = match recipe.target {
        // They stand on nothing, and nothing runs.
        Target::Models => Map::new(),
        _ => base.as_value().as_object().cloned().unwrap_or_default(),
    };
    image.retain(|key, _| KEPT.contains(&key.as_str()));
    set_platform(&mut image, &plan.platform);
    append_history(&mut image, &plan.image.purposes);
    change(&mut image, "config", |config| match recipe.target {
        Target::Models => set_labels(config, recipe, plan, provenance),
        _ => {
            set_env(config, base, recipe, plan);
            overlay(config, recipe, plan);
            set_labels(config, recipe, plan, provenance);
        }
    });
    Value::Object(image)
}

/// Changes the object at `key`, an empty one if it is missing or something else.
fn change(
    parent: &mut Map<String, Value>,
    key: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) {
    let value = parent.entry(key).or_insert(Value::Null);
    let mut object = match value.take() {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    change(&mut object);
    *value = Value::Object(object);
}

fn set_platform(image: &mut Map<String, Value>, platform: &Platform) {
    for (key, value) in [("architecture", &platform.architecture), ("os", &platform.os)] {
        image.insert(key.to_owned(), json!(value));
    }
    if !platform.variant.is_empty() {
        image.insert("variant".to_owned(), json!(platform.variant));
    }
}

/// An entry for each layer: what `docker history` shows.
fn append_history(image: &mut Map<String, Value>, purposes: &[String]) {
    let entries = purposes
        .iter()
        .map(|purpose| json!({"created_by": format!("strata: {purpose}"), "comment": "strata"}));
    match image.entry("history").or_insert_with(|| json!([])) {
        Value::Array(history) => history.extend(entries),
        other => *other = entries.collect(),
    }
}

fn overlay(config: &mut Map<String, Value>, recipe: &Recipe, plan: &Plan) {
    let settings = &recipe.image;
    // They were for what is built on the base, which is this image, and not for what is on this.
    config.remove("OnBuild");
    config.insert("User".into(), json!(plan.user.config()));
    if let Some(workdir) = &settings.workdir {
        config.insert("WorkingDir".into(), json!(workdir));
    }
    if let Some(entrypoint) = &settings.entrypoint {
        config.insert("Entrypoint".into(), json!(entrypoint));
        // The base's arguments were for the base's entrypoint.
        config.remove("Cmd");
    }
    if let Some(cmd) = &settings.cmd {
        config.insert("Cmd".into(), json!(cmd));
    }
    let models = recipe.models_are_volume.then(|| recipe.hf_home.clone());
    let volumes = settings.volumes.iter().cloned().chain(models).collect();
    for (key, names) in [("ExposedPorts", &settings.ports), ("Volumes", &volumes)] {
        if !names.is_empty() {
            let names = names.iter().map(|name| (name.clone(), json!({})));
            change(config, key, |object| object.extend(names));
        }
    }
    if let Some(signal) = &settings.stop_signal {
        config.insert("StopSignal".into(), json!(signal));
    }
    if let Some(check) = &settings.healthcheck {
        change(config, "Healthcheck", |object| object.extend(healthcheck(check)));
    }
}

fn set_env(config: &mut Map<String, Value>, base: &BaseConfig, recipe: &Recipe, plan: &Plan) {
    let mut env: Vec<(String, String)> = base.env().collect();
    let is_set = |name: &&str| env.iter().any(|(other, _)| other == name);
    let of_base: Vec<&str> = OFFLINE.into_iter().filter(is_set).collect();
    let mut lay = |name: &str, value: &Variable| match env.iter_mut().find(|(n, _)| n == name) {
        Some((_, old)) => *old = value.over(old),
        None => {
            let below = if name == "PATH" { &plan.path } else { "" };
            env.push((name.to_owned(), value.over(below)));
        }
    };
    let mut set = |name: &str, value: String| lay(name, &value.into());
    if recipe.has_python() {
        set("PATH", plan.path.clone());
        set("VIRTUAL_ENV", VENV.to_owned());
    }
    if plan.user.is_anyone() {
        // No account says it of whoever that is.
        set("HOME", plan.user.home.clone());
        plan.user.make.iter().for_each(|name| set("USER", name.clone()));
    }
    let in_cache = || recipe.models.iter().filter_map(Model::cached);
    let has_cache = in_cache().next().is_some();
    if has_cache || recipe.models_are_volume {
        set("HF_HOME", recipe.hf_home.clone());
        // A model's own code is unpacked when it is loaded, and HF_HOME is nobody's to write.
        set("HF_MODULES_CACHE", format!("{}/.cache/huggingface/modules", plan.user.home));
        if in_cache().any(|hub| hub.kind == RepositoryKind::Dataset) {
            // What is made of a dataset when it is loaded.
            set("HF_DATASETS_CACHE", format!("{}/.cache/huggingface/datasets", plan.user.home));
        }
    }
    if recipe.target == Target::Dev {
        // It may fetch what is not there yet, whatever its base says.
        of_base.into_iter().for_each(|name| set(name, "0".to_owned()));
    } else if has_cache || recipe.models_are_volume {
        OFFLINE.into_iter().for_each(|name| set(name, "1".to_owned()));
    }
    for (name, value) in &recipe.image.env {
        lay(name, value);
    }
    let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    config.insert("Env".into(), json!(env));
}

/// The models of the plan, and those of the base, which an image made by Strata says itself.
fn models(config: &Map<String, Value>, plan: &Plan) -> Vec<Value> {
    let labels = config.get("Labels").and_then(|labels| labels.get(MODELS));
    let below = labels.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let below: Vec<Value> = below.unwrap_or_default();
    let own = plan.models.iter();
    let is_own = |model: &Value| own.clone().any(|own| model.get("name") == Some(&json!(own.name)));
    let below = below.into_iter().filter(|model| !is_own(model)).collect::<Vec<_>>();
    below.into_iter().chain(own.clone().map(|model| json!(model))).collect()
}

fn set_labels(
    config: &mut Map<String, Value>,
    recipe: &Recipe,
    plan: &Plan,
    provenance: &Provenance,
) {
    let models = json!(models(config, plan)).to_string();
    let mut labels = Vec::new();
    if !plan.models.is_empty() {
        labels.push((MODELS, &models));
    }
    // Models stand on none.
    let base = provenance.base.as_ref().filter(|_| recipe.target != Target::Models);
    let (name, digest) = (base.map(ImageName::tagged), base.and_then(ImageName::digest));
    let digest = digest.map(str::to_owned);
    labels.extend(name.iter().map(|name| (BASE_NAME, name)));
    labels.extend(digest.iter().map(|digest| (BASE_DIGEST, digest)));
    if let Some(revision) = &provenance.revision {
        labels.push(("org.opencontainers.image.revision", revision));
    }
    if let Some(CodeSource::Git(git)) = recipe.code.as_ref().map(|code| &code.source) {
        labels.push(("org.opencontainers.image.source", &git.url));
    }
    labels.extend(recipe.image.labels.iter().map(|(name, value)| (name.as_str(), value)));
    labels.extend(provenance.labels.iter().map(|(name, value)| (name.as_str(), value)));
    if !labels.is_empty() {
        let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        change(config, "Labels", |object| {
            if base.is_some() {
                // Of what the base stands on.
                object.shift_remove(BASE_DIGEST);
            }
            object.extend(labels);
        });
    }
}

/// Docker's extension of the OCI config; times are nanoseconds.
fn healthcheck(check: &Healthcheck) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    if !check.test.is_empty() {
        fields.push(("Test", json!(check.test)));
    }
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    for (key, time) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ] {
        fields.extend(time.map(|time| (key, json!(nanoseconds(time)))));
    }
    fields.extend(check.retries.map(|retries| ("Retries", json!(retries))));
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
