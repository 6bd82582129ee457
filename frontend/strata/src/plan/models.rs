//! Models: each a layer of its own, or several, made by the fetcher on a root with nothing else, so
//! that neither another base nor another Strata fetches one again.
//!
//! `BuildKit` knows a read-only mount by its content (`solver/llbsolver/ops/exec.go`,
//! `getMountDeps`): of the frontend's image, the fetcher's own bytes alone are part of what a
//! fetch is.

use llb::{CacheSharing, Exec, File, Meta, Mount, Owner, Platform, State};
use serde_json::{Value, json};

use super::{
    Carried, EPOCH, Layer, Scope,
    copies::{Wanted, copied},
    environment::Environment,
    files,
    folders::Folders,
    ground::Ground,
    run,
    step::{build_secret, sandboxed},
};
use crate::{
    facts::{Facts, ModelFacts, PlatformFacts},
    in_image::{OUT, SECRETS, VENV},
    listing::Listing,
    models::{cache_folder, layout, listing_path, origin, references, statement_path},
    recipe::{Download, Hub, Model, Pipeline, Recipe, Source, SpacyRelease},
};

/// Where the fetcher is in the frontend's image.
const FETCHER: &str = "/strata-fetch";

/// The stage of what fetches.
const MODELS: &str = "models";

/// What fetches, and where it runs.
#[derive(Clone, Copy)]
pub(super) struct Fetcher<'a> {
    /// The platform that builds run on natively: what is fetched is the same for all.
    pub(super) native: &'a Platform,
    /// The frontend's own image.
    pub(super) image: &'a State,
}

/// The models' layers on a platform, in the manifest's order.
#[derive(Debug, Default)]
pub(super) struct Models {
    /// The large files of repositories, where these are layers of their own: they change less often
    /// than all else, and lie below it.
    pub(super) large: Vec<Layer>,
    /// What else programs read.
    pub(super) data: Vec<Layer>,
    /// Pipelines of spaCy's, which are packages: programs import them.
    pub(super) pipelines: Vec<Layer>,
}

/// The step that writes down what a repository holds.
pub(super) fn listing(scope: &Scope<'_>, fetcher: Fetcher<'_>, model: &Model, hub: &Hub) -> State {
    let token = model.token.as_deref();
    let request = json!({"list": {
        "origin": origin(hub, token), "revision": hub.revision, "to": listing_path(hub),
    }});
    let name = format!("list {} at {}", hub.name(), hub.revision);
    step(scope, fetcher, "listing", &name, model, request)
}

/// Where [`sum`](super::sum) writes it down.
pub const SUM: &str = "/sum.json";

/// The step that writes down the checksum of a pipeline's wheel.
pub(super) fn sum(
    scope: &Scope<'_>,
    fetcher: Fetcher<'_>,
    model: &Model,
    release: &SpacyRelease,
) -> State {
    let url = release.url();
    let request = json!({"sum": {
        "origin": of_release(release), "name": url, "url": url, "to": SUM,
    }});
    step(scope, fetcher, MODELS, &format!("sum {}", model.name()), model, request)
}

/// The layers of the recipe's models, whose files are `of_models` each.
pub(super) fn layers(
    scope: &Scope<'_>,
    facts: &Facts,
    platform: &PlatformFacts,
    folders: &Folders<'_>,
    environment: &Environment<'_>,
    ground: &Ground<'_>,
    of_models: &[usize],
) -> Models {
    let fetcher = facts.fetcher.as_ref().map(|image| Fetcher { native: &facts.native, image });
    let mut models = Models::default();
    let mut paths = Vec::new();
    for ((model, facts), count) in scope.recipe.models.iter().zip(&facts.models).zip(of_models) {
        match &model.source {
            Source::Hub(hub) => {
                let made = repository(scope, fetcher, facts, folders, model, hub, *count);
                let Some(Repository { large, rest, folder }) = made else { continue };
                add(&mut models.large, large);
                add(&mut models.data, rest);
                paths.push(folder);
            }
            Source::Url(download) => {
                let path = folders.resolve(&download.path());
                let request = of_url(model, download, &path);
                models.data.extend(fetched(scope, fetcher, model, download.file_name(), request));
                paths.push(path);
            }
            Source::Spacy(release) => {
                let sha256 = match facts {
                    ModelFacts::Pinned(locked) => Some(locked),
                    _ => release.sha256.as_ref(),
                };
                let request = wheel(platform, release, sha256);
                models.pipelines.extend(fetched(scope, fetcher, model, &model.name(), request));
            }
            Source::Run(command) => {
                let seen = environment.for_command(scope, platform, &ground.python, &command.needs);
                let state = run::run(scope, platform, ground, seen, model, command);
                models.data.push(files(state, &format!("model {}", model.name())));
            }
            Source::Context(found) => {
                let ModelFacts::InContext(context) = facts else { continue };
                let meta = Meta::named(format!("[{MODELS}] copy {} to {}", found.path, found.to))
                    .at([scope.location(model.lines)])
                    .ignore_cache(scope.settings.no_cache.covers(MODELS));
                let (path, to) = (format!("/{}", found.path), folders.resolve(&found.to));
                let state = copied(&[Wanted { from: context, path, to: to.clone() }], meta);
                models.data.push(files(state, &format!("model {}", model.name())));
                paths.push(to);
            }
        }
    }
    // A layer restamps every folder that it passes through.
    let stamps = folders.stamps(&paths);
    models.data.extend(stamps.map(|stamps| files(stamps, "folders as the base has them")));
    models
}

/// Several entries of one repository share its listing, and may share files: a layer each.
fn add(layers: &mut Vec<Layer>, others: Vec<Layer>) {
    for layer in others {
        if !layers.iter().any(|known| known.tree == layer.tree) {
            layers.push(layer);
        }
    }
}

/// The layer with what the fetcher is asked for; none where nothing is fetched.
fn fetched(
    scope: &Scope<'_>,
    fetcher: Option<Fetcher<'_>>,
    model: &Model,
    what: &str,
    request: Value,
) -> Option<Layer> {
    let state = step(scope, fetcher?, MODELS, &format!("fetch {what}"), model, request);
    Some(files(state, &format!("model {what}")))
}

/// A repository's files.
struct Repository {
    /// Those that are large, if they are apart.
    large: Vec<Layer>,
    /// All others, below which is what it holds.
    rest: Vec<Layer>,
    /// Where they are.
    folder: String,
}

/// A repository's files in `count` layers; none where nobody knows its files.
fn repository(
    scope: &Scope<'_>,
    fetcher: Option<Fetcher<'_>>,
    facts: &ModelFacts,
    folders: &Folders<'_>,
    model: &Model,
    hub: &Hub,
    count: usize,
) -> Option<Repository> {
    let found = facts.listing()?;
    let lister = fetcher.filter(|_| matches!(facts, ModelFacts::Listed(_)));
    let listed = lister.map(|fetcher| {
        let state = listing(scope, fetcher, model, hub);
        files(state, &format!("what {} is", hub.name()))
    });
    let to = hub.to.as_ref().map(|to| folders.resolve(to));
    let home = folders.resolve(&scope.recipe.hf_home);
    let requests = layout(hub, found, &home, to.as_deref(), model.token.as_deref(), count);
    let told = told(hub, found);
    let part = |(number, request)| {
        let what = match count {
            1 => told.clone(),
            _ => format!("{told}, part {number} of {count}"),
        };
        fetched(scope, fetcher, model, &what, request)
    };
    let mut large: Vec<Layer> = (1..).zip(requests).filter_map(part).collect();
    let rest = listed.into_iter().chain(large.pop()).collect();
    let folder = match to {
        Some(to) => to.trim_end_matches('/').to_owned(),
        None => format!("{home}/hub"),
    };
    Some(Repository { large, rest, folder })
}

/// What the image says of its models.
pub(super) fn carried(recipe: &Recipe, facts: &[ModelFacts]) -> Vec<Carried> {
    let carried = |(model, facts): (&Model, &ModelFacts)| {
        let listing = facts.listing();
        Carried {
            name: match &model.source {
                Source::Spacy(release) => release.pipeline.name.clone(),
                _ => model.name(),
            },
            version: match &model.source {
                Source::Hub(_) => listing.map(|listing| listing.commit.clone()),
                Source::Url(download) => Some(format!("sha256:{}", download.sha256)),
                Source::Spacy(release) => Some(release.pipeline.version.clone()),
                Source::Run(_) | Source::Context(_) => None,
            },
            license: listing.and_then(|listing| listing.license.clone()),
        }
    };
    recipe.models.iter().zip(facts).map(carried).collect()
}

/// Where the Hugging Face cache is a volume: all that fetching a newer commit writes to, owned by
/// the user: folders, and the files that say which commit a name stands for.
pub(super) fn in_volume(
    scope: &Scope<'_>,
    facts: &[ModelFacts],
    folders: &Folders<'_>,
) -> Option<Layer> {
    let recipe = scope.recipe;
    if !recipe.models_are_volume {
        return None;
    }
    let home = folders.resolve(&recipe.hf_home);
    let mut own = vec![home.clone(), format!("{home}/hub")];
    let mut names = Vec::new();
    for (model, facts) in recipe.models.iter().zip(facts) {
        let Some((hub, listing)) = model.cached().zip(facts.listing()) else { continue };
        let folder = cache_folder(hub, &home);
        own.extend(["", "/blobs", "/refs", "/snapshots"].map(|part| format!("{folder}{part}")));
        names.extend(references(hub, listing, &folder));
    }
    // A branch's name may have slashes.
    own.extend(names.iter().filter_map(|(path, _)| Some(path.rsplit_once('/')?.0.to_owned())));
    own.sort_unstable();
    own.dedup();
    let owner = Owner { uid: folders.user.uid, gid: folders.user.gid };
    let meta = Meta::named(format!("[dirs] make {home} a volume"))
        .at(recipe.models.iter().map(|model| scope.location(model.lines)))
        .ignore_cache(scope.settings.no_cache.covers("dirs"));
    let layer = folders.with_files(&own, |_| Some(owner), &names).build(meta);
    Some(files(layer, "a volume for models"))
}

/// `org/name at v1`, and the commit if that is another.
fn told(hub: &Hub, found: &Listing) -> String {
    let commit: String = found.commit.chars().take(12).collect();
    if hub.revision.starts_with(&commit) {
        format!("{} at {commit}", hub.name())
    } else {
        format!("{} at {} ({commit})", hub.name(), hub.revision)
    }
}

fn of_url(model: &Model, download: &Download, to: &str) -> Value {
    let Download { url, sha256, unpack, .. } = download;
    let statement = json!({"name": download.file_name(), "url": url, "sha256": sha256, "to": to});
    let statement = format!("{statement:#}\n");
    json!({"fetch": {
        "origin": {
            "kind": "file", "name": url, "endpoint": url, "token": model.token,
        },
        "files": [{
            "name": url, "url": url, "checksum": {"sha256": sha256}, "to": to,
            "unpack": unpack.then_some("archive"),
        }],
        "texts": [{"path": statement_path(download.file_name(), &statement), "text": statement}],
    }})
}

/// A pipeline is a wheel of nothing but files, and goes where the environment's packages are.
/// `sha256` is what it must be, whoever says so.
fn wheel(platform: &PlatformFacts, release: &SpacyRelease, sha256: Option<&String>) -> Value {
    let Pipeline { name, version } = &release.pipeline;
    let url = release.url();
    let python = platform.probe.environment().python_series();
    let statement = json!({"name": name, "version": version, "url": url, "sha256": sha256});
    let statement = format!("{statement:#}\n");
    json!({"fetch": {
        "origin": of_release(release),
        "files": [{
            "name": url, "url": url,
            "checksum": sha256.map(|sha256| json!({"sha256": sha256})),
            "to": format!("{VENV}/lib/python{python}/site-packages"), "unpack": "wheel",
        }],
        "texts": [{"path": statement_path(name, &statement), "text": statement}],
    }})
}

fn of_release(SpacyRelease { pipeline, endpoint, .. }: &SpacyRelease) -> Value {
    let Pipeline { name, version } = pipeline;
    json!({"kind": "file", "name": format!("{name}-{version}"), "endpoint": endpoint})
}

/// Has the fetcher do what `request` says: the layer that it leaves.
fn step(
    scope: &Scope<'_>,
    fetcher: Fetcher<'_>,
    stage: &str,
    name: &str,
    model: &Model,
    request: Value,
) -> State {
    const REQUEST: &str = "/request.json";
    let settings = scope.settings;
    let request = File::on(State::scratch())
        .timestamp(EPOCH)
        .mkfile(REQUEST, 0o644, request.to_string())
        .build(Meta::named(format!("[internal] request to {name}")));
    let mut exec = Exec::new(State::scratch(), [FETCHER, REQUEST, OUT, "/cache", SECRETS])
        .mount(Mount::read_only(FETCHER, fetcher.image.clone()).select(FETCHER))
        .mount(Mount::read_only(REQUEST, request).select(REQUEST))
        .mount(Mount::output(OUT, State::scratch()))
        // A listing keeps nothing there, and listing without cache would empty the mount for all.
        .mounts((stage == MODELS).then(|| {
            let id = format!("{}strata-models", settings.cache_namespace);
            Mount::cache("/cache", id, CacheSharing::Shared)
        }))
        .mount(build_secret("ca_bundle", "ca_bundle"))
        .network(settings.sandbox.network)
        .proxy(settings.sandbox.proxy.clone());
    if let Some(secret) = &model.token {
        // The fetcher can say what to do about one that is missing.
        exec = exec.mount(build_secret("token", secret));
    }
    let meta = Meta::named(scope.name(stage, fetcher.native, name))
        .at([scope.location(model.lines)])
        .ignore_cache(settings.no_cache.covers(stage));
    sandboxed(exec, &settings.sandbox).build(fetcher.native, meta).output(OUT)
}
