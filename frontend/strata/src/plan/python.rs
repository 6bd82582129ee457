//! The Python environment: an empty venv, the pinned installers, the packages.

use llb::{CacheSharing, Mount, State};
use serde_json::{Value, json};

use super::{
    Scope, buckets,
    code::Files,
    step::{PYTHON, Script, Step, script},
    system,
};
use crate::{
    facts::{Base, Pick, PlatformFacts},
    mistake::Spanned,
    recipe::{Code, Indexes, Installer},
    url::Url,
};

/// The environment's own Python: pip is run by the one it installs for.
pub(super) const VENV_PYTHON: &[&str] = &["/opt/venv/bin/python3", "-EsB"];

/// A Python of a step that has the installer mounted, which brings bytecode (`tool.py`): for itself
/// and for our own scripts.
pub(super) fn with_bytecode(python: &[&'static str], installer: Installer) -> Vec<&'static str> {
    let bytecode = match installer {
        Installer::Pip => "pycache_prefix=/tool/pip/bytecode",
        Installer::Uv => "pycache_prefix=/tool/uv/bytecode",
    };
    [python, &["-X", bytecode]].concat()
}

/// pip's cache of wheels that it built; see [`built_wheels`].
const BUILT_WHEELS_CACHE: &str = "strata-pip-wheels";

/// pip's cache of what it downloads for the builds of one package.
const DOWNLOADS_FOR: &str = "strata-pip-for";

/// What may help a build from source that failed.
pub(super) const HINTS: Script = script!("hints.py");

/// The empty environment; none where the base's own goes on.
pub(super) fn venv(scope: &Scope<'_>, base: &Base, python: State) -> Option<State> {
    let scripts = [script!("venv.py"), script!("tree.py")];
    let venv = Step::new(scope, "venv", base, python, PYTHON, &scripts)
        .named("make the virtual environment")
        .at(scope.recipe.python.lines)
        .args(scope.recipe.python.system_site_packages.then_some("--system-site-packages"));
    (!base.brings_venv()).then(|| venv.out())
}

/// The releases of an installer that builds use, as requirements.
const fn pins(installer: Installer) -> &'static str {
    match installer {
        Installer::Pip => include_str!("steps/tool_pip.txt"),
        Installer::Uv => include_str!("steps/tool_uv.txt"),
    }
}

/// Shows a step an installer, which has a folder of its own and is never in the image.
pub(super) fn tool(scope: &Scope<'_>, base: &Base, python: State, installer: Installer) -> Mount {
    let scripts = [script!("tool.py"), script!("tree.py"), script!("network.py")];
    // It comes from PyPI, or from what stands in its place: the other indexes are for packages.
    let indexes = Some(&scope.recipe.python.indexes).filter(|all| all.index_url.is_some());
    let index = indexes.iter().flat_map(|all| &all.index_url);
    let extra = indexes.iter().flat_map(|all| &all.extra_index_urls);
    let index = index.map(|url| format!("--index-url {url}\n"));
    let extra = extra.map(|url| format!("--extra-index-url {url}\n"));
    let pins = index.chain(extra).chain([pins(installer).to_owned()]).collect::<String>();
    let credentials = indexes.map(|all| all.credentials.clone()).unwrap_or_default();
    let tool = Step::new(scope, "tool", base, python, PYTHON, &scripts)
        .named(format!("get {}", installer.name()))
        .at(scope.recipe.python.lines)
        .args([installer.name()])
        .file("tool.txt", pins)
        .network()
        .credentials(&credentials)
        .caches(Installer::Pip)
        .forget_wheels()
        .out();
    Mount::read_only(format!("/tool/{}", installer.name()), tool)
}

/// A bucket of wheels. No toolchain, no index: files by their hashes.
pub(super) fn wheels(
    scope: &Scope<'_>,
    platform: &PlatformFacts,
    python: &State,
    venv: Option<&State>,
    bucket: &[&Pick],
) -> State {
    let base = &platform.base;
    let installer = scope.recipe.python.installer;
    install(scope, "packages", base, python.clone(), venv, installer, bucket)
        .named(format!("install {}", named(bucket)))
        .args([installer.name()])
        .args((installer == Installer::Uv && buckets::overlap(bucket)).then_some("apart"))
        .files(trusted(&platform.packages.options, bucket).map(|hosts| ("trusted.txt", hosts)))
        .mount(tool(scope, base, python.clone(), installer))
        .caches(installer)
        .out()
}

/// The hosts of these files that the requirements trust without a certificate, a line each; none if
/// there are none.
fn trusted(options: &str, picks: &[&Pick]) -> Option<String> {
    let asked: Vec<Url<'_>> = picks.iter().filter_map(|pick| Url::parse(&pick.url)).collect();
    let is_asked = |host: &&str| {
        *host == "*" || asked.iter().any(|url| [url.address(), url.host()].contains(host))
    };
    let hosts = options.lines().filter_map(|line| line.strip_prefix("--trusted-host "));
    let hosts: String = hosts.filter(is_asked).map(|host| format!("{host}\n")).collect();
    (!hosts.is_empty()).then_some(hosts)
}

/// What a build sees beside its own requirements.
pub(super) struct Visible<'a> {
    /// The packages.
    pub(super) picks: Vec<&'a Pick>,
    /// An environment of nothing but them.
    pub(super) root: State,
}

/// A package that is built from source.
pub(super) fn built(
    scope: &Scope<'_>,
    facts: &PlatformFacts,
    python: &State,
    venv: Option<&State>,
    pick: &Pick,
    visible: Option<Visible<'_>>,
) -> State {
    let base = &facts.base;
    let toolchain = system::toolchain(scope, base, python.clone());
    let step = install(scope, "source", base, toolchain, venv, Installer::Pip, &[pick])
        .named(format!("build {}", named(&[pick])))
        .args(["source"])
        .script(HINTS)
        .file("options.txt", facts.packages.options.as_str())
        .files(build_constraints(&facts.packages.build_constraints))
        .files(refusals(&scope.recipe.python.indexes))
        .mount(tool(scope, base, python.clone(), Installer::Pip))
        // What builds it may write there, and pages of an index that others believe are among it.
        .pip_cache(&format!("{DOWNLOADS_FOR}-{}", pick.name))
        .cache_of(
            "/cache/pip/wheels",
            BUILT_WHEELS_CACHE,
            built_wheels(scope, facts, pick, visible.as_ref()),
            CacheSharing::Shared,
        );
    let step = match visible {
        None => step,
        Some(Visible { root, .. }) => step.mount(Mount::read_only("/see", root)),
    };
    step.envs(&scope.recipe.python.env).out()
}

/// The file of what builds are held to; none if that is nothing.
pub(super) fn build_constraints(text: &str) -> Option<(&'static str, String)> {
    (!text.is_empty()).then(|| ("build_constraints.txt", text.to_owned()))
}

/// The file of the indexes that refuse what they do not have, a line each; none if there are none.
pub(super) fn refusals(indexes: &Indexes) -> Option<(&'static str, String)> {
    let urls: String = indexes.ignore_refusals.iter().map(|url| format!("{url}\n")).collect();
    (!urls.is_empty()).then_some(("refusals.txt", urls))
}

/// What installing wheels and building from source have in common.
fn install<'a>(
    scope: &'a Scope<'a>,
    stage: &'a str,
    base: &'a Base,
    root: State,
    venv: Option<&State>,
    installer: Installer,
    picks: &[&Pick],
) -> Step<'a> {
    let scripts = [
        script!("install.py"),
        script!("inside_pip.py"),
        script!("tree.py"),
        script!("network.py"),
    ];
    let interpreter = with_bytecode(VENV_PYTHON, installer);
    let packages = serde_json::to_string_pretty(picks).unwrap_or_default();
    Step::new(scope, stage, base, root, &interpreter, &scripts)
        .at(scope.recipe.python.lines)
        .file("packages.json", packages)
        .venv(venv)
        .network()
        .credentials(&scope.recipe.python.indexes.credentials)
}

/// The packages that the code is, in the environment, built where they are in the image.
pub(super) fn code(
    scope: &Scope<'_>,
    facts: &PlatformFacts,
    python: State,
    venv: Option<&State>,
    code: &Code,
    install: &Spanned<Vec<String>>,
    files: &Files,
) -> State {
    let below = |root: &str| -> Vec<String> {
        let folder = |folder: &String| match folder.as_str() {
            "" => root.to_owned(),
            folder => format!("{root}/{folder}"),
        };
        install.value.iter().map(folder).collect()
    };
    let base = &facts.base;
    let scripts = [
        script!("install_code.py"),
        script!("inside_pip.py"),
        script!("tree.py"),
        script!("network.py"),
    ];
    let interpreter = with_bytecode(VENV_PYTHON, Installer::Pip);
    let toolchain = system::toolchain(scope, base, python.clone());
    Step::new(scope, "code", base, toolchain, &interpreter, &scripts)
        .named(format!("install {}", below(&code.to).join(", ")))
        .at(install.lines)
        .args([files.at.clone()])
        .args(below(&files.at))
        .file("options.txt", facts.packages.options.as_str())
        .files(build_constraints(&facts.packages.build_constraints))
        .files(refusals(&scope.recipe.python.indexes))
        .mount(files.mount())
        .venv(venv)
        .mount(tool(scope, base, python, Installer::Pip))
        .network()
        .credentials(&scope.recipe.python.indexes.credentials)
        .caches(Installer::Pip)
        .forget_wheels()
        .envs(&scope.recipe.python.env)
        .envs(&code.env)
        .out()
}

/// `numpy 2.1.0`, or a few names, or how many there are.
fn named(picks: &[&Pick]) -> String {
    match picks {
        [Pick { name, version: Some(version), .. }] => format!("{name} {version}"),
        _ if picks.len() > 5 => format!("{} packages", picks.len()),
        _ => picks.iter().map(|pick| pick.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

/// What pip's cache of the wheel that it built is of. pip tells wheels apart by their tags alone,
/// which say nothing of the C library, the compiler's flags, or the libraries and packages that
/// were there: one base may have another CUDA than the next. And what is in the cache it installs
/// without a look at the hash that was asked for: no package's build may leave there another's.
fn built_wheels(
    scope: &Scope<'_>,
    facts: &PlatformFacts,
    pick: &Pick,
    visible: Option<&Visible<'_>>,
) -> Option<Value> {
    let made_on = facts.base.identity()?;
    let system = &scope.recipe.system;
    let packages = system::identities(scope, &facts.base, [&system.python, &system.build]);
    let visible = visible.map(|visible| &visible.picks);
    let held = &facts.packages.build_constraints;
    Some(json!([pick, made_on, packages, scope.recipe.python.env, visible, held]))
}
