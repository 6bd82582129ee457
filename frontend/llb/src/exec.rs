//! Commands that run in a container.

use std::{collections::BTreeMap, sync::Arc};

use buildkit_proto::pb;

use crate::{
    Meta, Platform, State, Vertex,
    marshal::{Caps, Inputs, seal},
    state::Output,
};

/// A command, what it sees and what it leaves.
#[derive(Clone, Debug)]
pub struct Exec {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: String,
    user: String,
    mounts: Vec<Mount>,
    secret_env: Vec<pb::SecretEnv>,
    network: Network,
    proxy: Option<ProxyEnv>,
    extra_hosts: Vec<HostIp>,
    hostname: String,
    ulimits: Vec<Ulimit>,
    cgroup_parent: String,
}

/// A sealed command: its outputs are states.
#[derive(Clone, Debug)]
pub struct Executed {
    vertex: Arc<Vertex>,
    outputs: BTreeMap<String, u32>,
}

/// A filesystem, secret or socket at a path of the command's root.
#[derive(Clone, Debug)]
pub struct Mount {
    dest: String,
    input: State,
    selector: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    ReadOnly,
    /// Written to and kept.
    Output,
    /// Written to and forgotten.
    Discarded,
    Cache(pb::CacheOpt),
    Tmpfs(i64),
    Secret(pb::SecretOpt),
    Ssh(pb::SshOpt),
}

/// Who may use a cache mount at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheSharing {
    /// All, together.
    Shared,
    /// Each its own, if another is using it.
    Private,
    /// One after the other.
    Locked,
}

/// The network a command has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// One of its own.
    #[default]
    Sandbox,
    /// The daemon's; needs the entitlement `network.host`.
    Host,
    /// None.
    None,
}

/// Proxies that a command is given without being part of its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the variable of its name")]
pub struct ProxyEnv {
    pub http_proxy: String,
    pub https_proxy: String,
    pub ftp_proxy: String,
    pub no_proxy: String,
    pub all_proxy: String,
}

/// A line of the command's `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostIp {
    /// The name.
    pub host: String,
    /// Its address.
    pub ip: String,
}

/// A limit, by the name that `ulimit` has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Ulimit {
    pub name: String,
    pub soft: i64,
    pub hard: i64,
}

impl Exec {
    /// Runs `args` on `root`, in `/`, as root. What it writes to the root is the output `/`,
    /// always: a root without output would be read-only, even for the folders that mounts need.
    pub fn new(root: State, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            cwd: "/".to_owned(),
            user: String::new(),
            mounts: vec![Mount::output("/", root)],
            secret_env: Vec::new(),
            network: Network::default(),
            proxy: None,
            extra_hosts: Vec::new(),
            hostname: String::new(),
            ulimits: Vec::new(),
            cgroup_parent: String::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable. Variables are sorted by name: their order is part of the identity.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets variables.
    #[must_use]
    pub fn envs(
        mut self,
        env: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.env.extend(env.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The working directory.
    #[must_use]
    pub fn cwd(mut self, path: impl Into<String>) -> Self {
        self.cwd = path.into();
        self
    }

    /// Who runs it: `uid`, `uid:gid`, or names of the root's.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Adds a mount.
    #[must_use]
    pub fn mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Adds mounts.
    #[must_use]
    pub fn mounts(mut self, mounts: impl IntoIterator<Item = Mount>) -> Self {
        self.mounts.extend(mounts);
        self
    }

    /// Sets the variable `name` to the build secret `id`.
    #[must_use]
    pub fn secret_env(
        mut self,
        name: impl Into<String>,
        id: impl Into<String>,
        optional: bool,
    ) -> Self {
        self.secret_env.push(pb::SecretEnv { id: id.into(), name: name.into(), optional });
        self
    }

    /// The network it has.
    #[must_use]
    pub const fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// The proxies it is given.
    #[must_use]
    pub fn proxy(mut self, proxy: Option<ProxyEnv>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Adds lines to its `/etc/hosts`.
    #[must_use]
    pub fn extra_hosts(mut self, hosts: impl IntoIterator<Item = HostIp>) -> Self {
        self.extra_hosts.extend(hosts);
        self
    }

    /// Its host name.
    #[must_use]
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.hostname = name.into();
        self
    }

    /// Adds limits.
    #[must_use]
    pub fn ulimits(mut self, limits: impl IntoIterator<Item = Ulimit>) -> Self {
        self.ulimits.extend(limits);
        self
    }

    /// The control group it is put under.
    #[must_use]
    pub fn cgroup_parent(mut self, parent: impl Into<String>) -> Self {
        self.cgroup_parent = parent.into();
        self
    }

    fn caps(&self) -> Caps {
        let mut caps = Caps::of(["exec.meta.base", "exec.meta.setsdefaultpath"]);
        for (needed, cap) in [
            (self.network != Network::Sandbox, "exec.meta.network"),
            (self.proxy.is_some(), "exec.meta.proxyenv"),
            (!self.ulimits.is_empty(), "exec.meta.ulimit"),
            (!self.cgroup_parent.is_empty(), "exec.meta.cgroup.parent"),
            (!self.secret_env.is_empty(), "exec.secretenv"),
        ] {
            if needed {
                caps.add(cap);
            }
        }
        for mount in &self.mounts {
            mount.caps().iter().for_each(|cap| caps.add(cap));
        }
        caps
    }

    /// Seals it for one platform.
    pub fn build(mut self, platform: &Platform, meta: Meta) -> Executed {
        let caps = self.caps();
        // Sorted as BuildKit's client does it: the order is part of the identity.
        self.mounts.sort_by(|a, b| a.dest.cmp(&b.dest));
        let mut inputs = Inputs::default();
        let mut outputs = BTreeMap::new();
        let mounts =
            self.mounts.iter().map(|mount| mount.marshal(&mut inputs, &mut outputs)).collect();
        let op = pb::op::Op::Exec(pb::ExecOp {
            meta: Some(pb::Meta {
                args: self.args,
                env: self.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
                cwd: self.cwd,
                user: self.user,
                proxy_env: self.proxy.map(Into::into),
                extra_hosts: self.extra_hosts.into_iter().map(Into::into).collect(),
                hostname: self.hostname,
                ulimit: self.ulimits.into_iter().map(Into::into).collect(),
                cgroup_parent: self.cgroup_parent,
                remove_mount_stubs_recursive: true,
                valid_exit_codes: Vec::new(),
            }),
            mounts,
            network: match self.network {
                Network::Sandbox => pb::NetMode::Unset,
                Network::Host => pb::NetMode::Host,
                Network::None => pb::NetMode::None,
            }
            .into(),
            security: pb::SecurityMode::Sandbox.into(),
            secretenv: self.secret_env,
            cdi_devices: Vec::new(),
        });
        Executed { vertex: seal(op, Some(platform), inputs, caps, meta), outputs }
    }
}

impl Executed {
    /// What the command left at `dest`, which is `/` or an output mount's; scratch if it keeps
    /// nothing there.
    pub fn output(&self, dest: &str) -> State {
        State(
            self.outputs.get(dest).map(|&index| Output { vertex: Arc::clone(&self.vertex), index }),
        )
    }

    /// The root as the command left it.
    pub fn root(&self) -> State {
        self.output("/")
    }
}

impl Mount {
    fn new(dest: impl Into<String>, input: State, kind: Kind) -> Self {
        Self { dest: dest.into(), input, selector: String::new(), kind }
    }

    /// `state`, to read. BuildKit may match it by content.
    pub fn read_only(dest: impl Into<String>, state: State) -> Self {
        Self::new(dest, state, Kind::ReadOnly)
    }

    /// `state`, to write: what it becomes is an output.
    pub fn output(dest: impl Into<String>, state: State) -> Self {
        Self::new(dest, state, Kind::Output)
    }

    /// `state`, to write: what it becomes is forgotten.
    pub fn discarded(dest: impl Into<String>, state: State) -> Self {
        Self::new(dest, state, Kind::Discarded)
    }

    /// A folder that lasts from build to build under `id`. Its id must not be empty.
    pub fn cache(dest: impl Into<String>, id: impl Into<String>, sharing: CacheSharing) -> Self {
        let sharing = match sharing {
            CacheSharing::Shared => pb::CacheSharingOpt::Shared,
            CacheSharing::Private => pb::CacheSharingOpt::Private,
            CacheSharing::Locked => pb::CacheSharingOpt::Locked,
        };
        let cache = pb::CacheOpt { id: id.into(), sharing: sharing.into() };
        Self::new(dest, State::scratch(), Kind::Cache(cache))
    }

    /// A folder in memory of at most `size` bytes; 0 for no limit.
    pub fn tmpfs(dest: impl Into<String>, size: i64) -> Self {
        Self::new(dest, State::scratch(), Kind::Tmpfs(size))
    }

    /// The build secret `id` as a file that only root may read.
    pub fn secret(dest: impl Into<String>, id: impl Into<String>, optional: bool) -> Self {
        let secret = pb::SecretOpt { id: id.into(), uid: 0, gid: 0, mode: 0o400, optional };
        Self::new(dest, State::scratch(), Kind::Secret(secret))
    }

    /// The client's SSH agent `id` as a socket. `SSH_AUTH_SOCK` is the caller's to set.
    pub fn ssh(dest: impl Into<String>, id: impl Into<String>, optional: bool) -> Self {
        let ssh = pb::SshOpt { id: id.into(), uid: 0, gid: 0, mode: 0o600, optional };
        Self::new(dest, State::scratch(), Kind::Ssh(ssh))
    }

    /// Mounts only what the state has at `path`.
    #[must_use]
    pub fn select(mut self, path: impl Into<String>) -> Self {
        self.selector = path.into();
        self
    }

    fn caps(&self) -> Vec<&'static str> {
        let mut caps = match self.kind {
            Kind::ReadOnly | Kind::Output => vec!["exec.mount.bind"],
            Kind::Discarded => vec!["exec.mount.bind", "exec.mount.bind.readwrite-nooutput"],
            Kind::Cache(_) => vec!["exec.mount.cache", "exec.mount.cache.sharing"],
            Kind::Tmpfs(0) => vec!["exec.mount.tmpfs"],
            Kind::Tmpfs(_) => vec!["exec.mount.tmpfs", "exec.mount.tmpfs.size"],
            Kind::Secret(_) => vec!["exec.mount.secret"],
            Kind::Ssh(_) => vec!["exec.mount.ssh"],
        };
        if !self.selector.is_empty() {
            caps.push("exec.mount.selector");
        }
        caps
    }

    fn marshal(&self, inputs: &mut Inputs, outputs: &mut BTreeMap<String, u32>) -> pb::Mount {
        let mut mount = pb::Mount {
            input: inputs.index(&self.input),
            selector: self.selector.clone(),
            dest: self.dest.clone(),
            output: -1,
            ..pb::Mount::default()
        };
        match &self.kind {
            Kind::ReadOnly => mount.readonly = true,
            Kind::Output => {
                let index = u32::try_from(outputs.len()).unwrap_or(u32::MAX);
                outputs.insert(self.dest.clone(), index);
                mount.output = i64::from(index);
            }
            Kind::Discarded => {}
            Kind::Cache(cache) => {
                mount.mount_type = pb::MountType::Cache.into();
                mount.cache_opt = Some(cache.clone());
            }
            Kind::Tmpfs(size) => {
                mount.mount_type = pb::MountType::Tmpfs.into();
                mount.tmpfs_opt = Some(pb::TmpfsOpt { size: *size });
            }
            Kind::Secret(secret) => {
                mount.mount_type = pb::MountType::Secret.into();
                mount.secret_opt = Some(secret.clone());
            }
            Kind::Ssh(ssh) => {
                mount.mount_type = pb::MountType::Ssh.into();
                mount.ssh_opt = Some(ssh.clone());
            }
        }
        mount
    }
}

impl From<ProxyEnv> for pb::ProxyEnv {
    fn from(proxy: ProxyEnv) -> Self {
        let ProxyEnv { http_proxy, https_proxy, ftp_proxy, no_proxy, all_proxy } = proxy;
        Self { http_proxy, https_proxy, ftp_proxy, no_proxy, all_proxy }
    }
}

impl From<HostIp> for pb::HostIp {
    fn from(HostIp { host, ip }: HostIp) -> Self {
        Self { host, ip }
    }
}

impl From<Ulimit> for pb::Ulimit {
    fn from(Ulimit { name, soft, hard }: Ulimit) -> Self {
        Self { name, soft, hard }
    }
}
