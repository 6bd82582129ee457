//! A step: one of our scripts, run in a container. What all of them share is here.

use std::collections::{BTreeMap, BTreeSet};

use gateway::Sandbox;
use llb::{CacheSharing, Exec, Executed, File, Lines, Location, Meta, Mount, Network, State};
use serde_json::Value;

use super::{EPOCH, Scope};
use crate::{
    facts::Base,
    in_image::{FILES, HOME, OUT, SECRETS, VENV},
    recipe::Installer,
    sha256,
};

/// A script of `steps/` by name and text.
pub(super) type Script = (&'static str, &'static str);

/// The text of a script, compiled in.
macro_rules! script {
    ($name:literal) => {
        ($name, include_str!(concat!("steps/", $name)))
    };
}
pub(super) use script;

/// The base's Python, without the person's environment and packages, writing no bytecode.
pub(super) const PYTHON: &[&str] = &["python3", "-EsB"];

/// The base's shell.
pub(super) const SHELL: &[&str] = &["/bin/sh"];

const PIP_CACHE: &str = "strata-pip";
const UV_CACHE: &str = "strata-uv";

/// Where a step's scripts are: apart from its other files, because a dozen installs have the same
/// ones, which are then sent once, and not a dozen times.
const SCRIPTS: &str = "/strata/scripts";

/// One of our scripts about to be run.
pub(super) struct Step<'a> {
    scope: &'a Scope<'a>,
    stage: &'a str,
    base: &'a Base,
    exec: Exec,
    scripts: File,
    files: File,
    has_files: bool,
    name: String,
    lines: Option<Lines>,
}

impl<'a> Step<'a> {
    /// Runs the first of `scripts` on `root`, the others beside it, without network.
    pub(super) fn new(
        scope: &'a Scope<'a>,
        stage: &'a str,
        base: &'a Base,
        root: State,
        interpreter: &[&str],
        scripts: &[Script],
    ) -> Self {
        let main = scripts.first().map(|(name, _)| format!("{SCRIPTS}/{name}"));
        let env = base.env.iter().filter(|(name, _)| !is_setting(name));
        let exec = Exec::new(root, interpreter.iter().map(|&part| part.to_owned()).chain(main))
            // Its Python may need it, and so do builds, which look for compilers and CUDA by it.
            .envs(env)
            .env("PATH", base.path())
            .env("HOME", HOME)
            .env("LANG", "C.UTF-8")
            .env("SOURCE_DATE_EPOCH", EPOCH.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONHASHSEED", "0")
            // A tmpfs would hold whole wheels in memory.
            .mount(Mount::discarded("/tmp", State::scratch()))
            .network(Network::None);
        let empty = || File::on(State::scratch()).timestamp(EPOCH);
        let files = empty().mkdir("/scripts", 0o755);
        let step = Self {
            scope,
            stage,
            base,
            exec,
            scripts: empty(),
            files,
            has_files: false,
            name: String::new(),
            lines: None,
        };
        scripts.iter().fold(step, |step, script| step.script(*script))
    }

    /// One more script beside the others.
    pub(super) fn script(mut self, (name, text): Script) -> Self {
        self.scripts = self.scripts.mkfile(format!("/{name}"), 0o644, text);
        self
    }

    /// What progress says the step does.
    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The lines of the manifest that ask for it.
    pub(super) fn at(mut self, lines: impl Into<Option<Lines>>) -> Self {
        self.lines = lines.into();
        self
    }

    pub(super) fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.exec = self.exec.args(args);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.exec = self.exec.env(name, value);
        self
    }

    pub(super) fn envs<'e>(
        mut self,
        env: impl IntoIterator<Item = (&'e String, &'e String)>,
    ) -> Self {
        self.exec = self.exec.envs(env);
        self
    }

    /// Variables that are build secrets, by their ids. None of their values is in the image, nor
    /// does another make the step run again.
    pub(super) fn secrets(mut self, secrets: &BTreeMap<String, String>) -> Self {
        let all = secrets.iter();
        self.exec = all.fold(self.exec, |exec, (name, id)| exec.secret_env(name, id, false));
        self
    }

    /// A file that the script reads.
    pub(super) fn file(mut self, name: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files = self.files.mkfile(format!("/{name}"), 0o644, text);
        self.has_files = true;
        self
    }

    /// Files that the script reads if they are there.
    pub(super) fn files<'f>(self, files: impl IntoIterator<Item = (&'f str, String)>) -> Self {
        files.into_iter().fold(self, |step, (name, text)| step.file(name, text))
    }

    pub(super) fn mount(mut self, mount: Mount) -> Self {
        self.exec = self.exec.mount(mount);
        self
    }

    /// Shows it the empty environment that it installs into; none where the base's own goes on.
    pub(super) fn venv(mut self, venv: Option<&State>) -> Self {
        let venv = venv.map(|venv| Mount::read_only(VENV, venv.clone()).select(VENV));
        self.exec = self.exec.mounts(venv);
        self
    }

    pub(super) fn cache(self, path: &str, id: &str, sharing: CacheSharing) -> Self {
        let id = format!("{}{id}", self.scope.settings.cache_namespace);
        self.mount(Mount::cache(path, id, sharing))
    }

    /// A cache that is for what is the same in all of `identity` alone. Where nobody knows that,
    /// nothing is kept: it could be another's.
    pub(super) fn cache_of(
        self,
        path: &str,
        id: &str,
        identity: Option<Value>,
        sharing: CacheSharing,
    ) -> Self {
        match identity {
            Some(identity) => {
                let id = format!("{id}-{}", sha256::short(identity.to_string(), 16));
                self.cache(path, &id, sharing)
            }
            None => self.mount(Mount::discarded(path, State::scratch())),
        }
    }

    /// Gives it the network, proxies, and the two secrets that any step on a network may need.
    /// They are always mounted: one that is offered for the first time must not change what
    /// the step is.
    pub(super) fn network(mut self) -> Self {
        let sandbox = &self.scope.settings.sandbox;
        self.exec = self.exec.network(sandbox.network).proxy(sandbox.proxy.clone());
        self.mount(build_secret("ca_bundle", "ca_bundle")).mount(build_secret("netrc", "netrc"))
    }

    /// Gives it the secrets that hosts ask for, by host: `user:password`, or a token.
    pub(super) fn credentials(mut self, secrets: &BTreeMap<String, String>) -> Self {
        if secrets.is_empty() {
            return self;
        }
        let ids: BTreeSet<&String> = secrets.values().collect();
        for id in ids {
            self = self.mount(build_secret(&format!("credentials/{id}"), id));
        }
        let line = |(host, id)| format!("{host} {SECRETS}/credentials/{id}\n");
        let hosts = secrets.iter().map(line);
        self.file("credentials.txt", hosts.collect::<String>())
    }

    /// Gives it what pip or uv downloads into.
    pub(super) fn caches(self, installer: Installer) -> Self {
        match installer {
            Installer::Uv => self.cache("/cache/uv", UV_CACHE, CacheSharing::Shared),
            Installer::Pip => self.pip_cache(PIP_CACHE),
        }
    }

    /// Has pip download into the cache of this id. pip reads no settings of the base's, as uv is
    /// told not to: one might resolve by them, and the other not install by them.
    pub(super) fn pip_cache(self, id: &str) -> Self {
        self.env("PIP_CACHE_DIR", "/cache/pip").env("PIP_CONFIG_FILE", "/dev/null").cache(
            "/cache/pip",
            id,
            CacheSharing::Shared,
        )
    }

    /// Keeps none of the wheels that pip builds on the way. pip knows them again by their tags
    /// alone: the next build would take one that was made on another base, or of code that has
    /// been edited and has the same name and version.
    pub(super) fn forget_wheels(self) -> Self {
        self.mount(Mount::discarded("/cache/pip/wheels", State::scratch()))
    }

    /// Gives a command of the manifest's own the base's settings of pip and uv, too.
    pub(super) fn settings_of_base(self) -> Self {
        let settings = self.base.env.iter().filter(|(name, _)| is_setting(name));
        self.envs(settings)
    }

    /// The layer that it leaves; what it does to its root is forgotten.
    pub(super) fn out(mut self) -> State {
        self.exec = self.exec.mount(Mount::output(OUT, State::scratch()));
        self.build().output(OUT)
    }

    /// The root as it leaves it.
    pub(super) fn root(self) -> State {
        self.build().root()
    }

    fn build(self) -> Executed {
        let Self { scope, stage, base, exec, scripts, files, has_files, name, lines } = self;
        let settings = &scope.settings;
        let scripts = scripts.build(Meta::named("[internal] scripts"));
        // Of what is the same for several steps, the name is, too.
        let of = if has_files { name.as_str() } else { "scripts alone" };
        let files = files.build(Meta::named(format!("[internal] files for {of}")));
        let location = lines.map(|lines| Location { file: scope.file.clone(), lines });
        let meta = Meta::named(scope.name(stage, &base.platform, &name))
            .at(location)
            .ignore_cache(settings.no_cache.covers(stage));
        sandboxed(exec, &settings.sandbox)
            .mount(Mount::read_only(FILES, files))
            .mount(Mount::read_only(SCRIPTS, scripts))
            .build(&base.platform, meta)
    }
}

/// Shows a step a build secret, if there is one of this id.
pub(super) fn build_secret(name: &str, id: &str) -> Mount {
    Mount::secret(format!("{SECRETS}/{name}"), id, true)
}

/// Whether a variable is a setting of pip's or uv's.
fn is_setting(name: &str) -> bool {
    ["PIP_", "UV_"].iter().any(|prefix| name.starts_with(prefix))
}

/// What the person's command says of all commands.
pub(super) fn sandboxed(exec: Exec, sandbox: &Sandbox) -> Exec {
    let shm = sandbox
        .shm_size
        .map(|size| Mount::tmpfs("/dev/shm", i64::try_from(size).unwrap_or(i64::MAX)));
    exec.mounts(shm)
        .extra_hosts(sandbox.extra_hosts.iter().cloned())
        .ulimits(sandbox.ulimits.iter().cloned())
        .cgroup_parent(sandbox.cgroup_parent.as_deref().unwrap_or_default())
        .hostname(sandbox.hostname.as_deref().unwrap_or_default())
}
