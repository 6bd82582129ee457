//! The vocabulary of the manifest, as one table. The check of a manifest, its short forms, how it
//! is laid over and the reference page's list of keys all come from it.

use super::values::{
    Read, Written, absolute, argument, boolean, context, destination, duration, extra, file_url,
    files_destination, git, health_test, host, hub, image, in_context, in_image, index, installed,
    installer, kept, key_name, lock, module, number, page, pattern, pipeline, pipeline_name, ports,
    project, project_name, pyproject, reference, relative, repository, requirement, requirements,
    revision, script, secret, sha256, signal, socket, source, system_package, system_sources, text,
    torch, user, variable_text, variant, volume, volume_of_models, words,
};

/// A key of an object.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// What it is for, in a sentence.
    pub doc: &'static str,
}

/// What may stand at a key.
#[derive(Debug)]
pub enum Shape {
    /// One value.
    One(Value),
    /// Any number of values; a single one needs no brackets. An overlay adds to it.
    List(&'static Self),
    /// A command; an overlay replaces it.
    Command(Command),
    /// Names that the manifest makes up, and a value for each; if that is a text, a list of
    /// `NAME=value` is as good. An overlay merges it name by name.
    Map {
        /// What a name may be.
        name: fn(&str) -> Read<()>,
        /// What stands at each name.
        of: &'static Self,
        /// Whether everyone who gets the image can read it, so that it must be no secret.
        public: bool,
        /// Whether `${NAME}` at that name stands for what it is in the base.
        inherits: bool,
    },
    /// Keys that are known. An overlay merges it key by key.
    Object(&'static Object),
    /// May be left without a value.
    Optional(&'static Self),
}

/// What one text may be.
#[derive(Debug)]
pub struct Value {
    /// In words, to follow "expected".
    pub expected: &'static str,
    /// What is wrong with a text, if something is.
    pub check: fn(&str) -> Read<()>,
}

/// What a command may be.
#[derive(Debug)]
pub struct Command {
    /// In words, to follow "expected".
    pub expected: &'static str,
    /// Its words, as the image's config has them.
    pub read: fn(Written) -> Read<Vec<String>>,
}

/// Keys that belong together.
#[derive(Debug)]
pub struct Object {
    /// The keys, in groups so that objects can share some.
    pub keys: &'static [&'static [Key]],
    /// The key that a text or a list in place of the object is the value of.
    pub short: Option<&'static str>,
    /// Keys of which one excludes the others, each with those that make sense with it alone. An
    /// overlay that has one drops the others and what belongs to them.
    pub either: &'static [(&'static str, &'static [&'static str])],
    /// Whether one of those must be there, and nothing that belongs to the others: where overlays
    /// replace the object and do not complete it.
    pub complete: bool,
    /// In a list: the first of these that an item has says which item of an overlay replaces it.
    pub identity: &'static [Identity],
}

/// A key that tells an item of a list from the others.
#[derive(Debug)]
pub struct Identity {
    /// Its name.
    pub key: &'static str,
    /// What of its text does.
    pub of: fn(&str) -> &str,
}

impl Object {
    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().copied().flatten()
    }

    /// The key named `name`.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Shape {
    /// What may stand there, to follow "expected".
    pub fn expected(&self) -> String {
        match self {
            Self::One(Value { expected, .. }) | Self::Command(Command { expected, .. }) => {
                (*expected).into()
            }
            Self::List(Self::Object(_)) => "a list".into(),
            Self::List(of) => format!("{}, or a list of these", of.expected()),
            Self::Map { .. } => "names and values".into(),
            Self::Object(object) => {
                let names = object.keys().map(|key| format!("`{}`", key.name));
                format!("keys ({})", names.collect::<Vec<_>>().join(", "))
            }
            Self::Optional(shape) => shape.expected(),
        }
    }

    /// What an overlay does to it, in one word.
    pub const fn overlay(&self) -> &'static str {
        match self {
            Self::One(_) | Self::Command(_) => "replaces",
            Self::List(_) => "adds",
            Self::Map { .. } | Self::Object(_) | Self::Optional(_) => "merges",
        }
    }
}

/// Words that other tools have for our keys.
pub static ELSEWHERE: [(&str, &str); 22] = [
    ("image", "base"),
    ("from", "base"),
    ("environment", "env"),
    ("command", "cmd"),
    ("working_dir", "workdir"),
    ("expose", "ports"),
    ("build_args", "args"),
    ("apt", "system"),
    ("apt_packages", "system"),
    ("system_packages", "system"),
    ("repositories", "sources"),
    ("pip", "python"),
    ("dependencies", "python"),
    ("repo", "git"),
    ("repository", "git"),
    ("branch", "ref"),
    ("tag", "ref"),
    ("commit", "ref"),
    ("path", "context"),
    ("dest", "to"),
    ("copy", "files"),
    ("directories", "dirs"),
];

/// A manifest.
pub static MANIFEST: Object = object(&[ARGS, DEPENDENCIES, MODELS, REST, DEV, VARIANTS]);

/// What is left of a manifest once it is decided which overlays apply.
pub static DECIDED: Shape = Shape::Object(&object(&[DEPENDENCIES, MODELS, REST]));

const ARGS: &[Key] = &[key(
    "args",
    Shape::Map {
        name: argument,
        of: &Shape::Optional(&Shape::One(TEXT)),
        public: true,
        inherits: false,
    },
    "Build arguments and their defaults; one without a default must be given.",
)];

const DEPENDENCIES: &[Key] = &[
    key("base", Shape::One(IMAGE), "The image that everything stands on."),
    key("system", Shape::Object(&SYSTEM), "Packages of the base's own package manager."),
    key(
        "python",
        Shape::Object(&PYTHON),
        "The Python environment; the short form is its `requirements`.",
    ),
];

const MODELS: &[Key] = &[key(
    "models",
    Shape::List(&Shape::Object(&MODEL)),
    "Models that the image carries; the short form of one is its `hf`.",
)];

const REST: &[Key] = &[
    key("code", Shape::Object(&CODE), "The application's code; the short form is its `source`."),
    key(
        "files",
        Shape::List(&Shape::Object(&FILES)),
        "Files of the build context and of other images that are neither code nor models.",
    ),
    key("env", ENV, "Environment of the image."),
    key(
        "user",
        Shape::One(USER),
        "Who runs it; `app` if not given. A name the base lacks is made.",
    ),
    key("workdir", Shape::One(PATH), "Working directory; where the code is if not given."),
    key("entrypoint", Shape::Command(WORDS), "Entrypoint; the base's if not given."),
    key(
        "cmd",
        Shape::Command(WORDS),
        "Command; the base's if neither it nor `entrypoint` is given.",
    ),
    key("ports", Shape::List(&Shape::One(PORT)), "Ports that it listens on."),
    key("volumes", Shape::List(&Shape::One(VOLUME)), "Folders that are volumes."),
    key(
        "dirs",
        Shape::List(&Shape::One(DESTINATION)),
        "Folders that are made, and owned by the user.",
    ),
    key("labels", LABELS, "Labels of the image."),
    key("healthcheck", Shape::Object(&HEALTHCHECK), "How Docker finds out whether it works."),
    key("stop_signal", Shape::One(SIGNAL), "The signal that stops it; the base's if not given."),
];

const DEV: &[Key] = &[key(
    "dev",
    Shape::Optional(&Shape::Object(&DEVELOPMENT)),
    "Laid over the rest for `--target dev`.",
)];

const VARIANTS: &[Key] = &[key(
    "variants",
    Shape::Map {
        name: variant,
        of: &Shape::Optional(&Shape::Object(&VARIANT)),
        public: false,
        inherits: false,
    },
    "Laid over the rest by `--build-arg VARIANT=name`.",
)];

const VARIANT: Object = object(&[DEPENDENCIES, MODELS, REST, DEV]);

const DEVELOPMENT: Object = object(&[
    DEPENDENCIES,
    &[key(
        "models",
        Shape::One(VOLUME_OF_MODELS),
        "`volume`: the Hugging Face cache is a volume, which begins with the image's models.",
    )],
    REST,
]);

const SYSTEM: Object = object(&[&[
    key(
        "python",
        PACKAGES,
        "Under everything else, for a base without a Python: `[python3, python3-venv]`.",
    ),
    key("runtime", PACKAGES, "Stay in the image."),
    key(
        "build",
        PACKAGES,
        "Only where packages are built from source, or the code; never in the image.",
    ),
    key(
        "sources",
        Shape::List(&Shape::One(SYSTEM_SOURCES)),
        "Files of the build context that say where packages come from, beside the base's own or, by \
         their names, in their place.",
    ),
    key(
        "env",
        VARIABLES,
        "Variables for the package manager, such as `ACCEPT_EULA`; not in the image.",
    ),
]]);

const PYTHON: Object = Object {
    short: Some("requirements"),
    ..object(&[&[
        key(
            "requirements",
            Shape::List(&Shape::One(REQUIREMENTS)),
            "Requirements files, in the build context or (`code:requirements.txt`) in the code.",
        ),
        key("packages", Shape::List(&Shape::One(REQUIREMENT)), "Requirements written here."),
        key(
            "pyproject",
            Shape::One(PYPROJECT),
            "A `pyproject.toml` whose dependencies are installed; the project itself is not.",
        ),
        key(
            "extras",
            Shape::List(&Shape::One(EXTRA)),
            "Extras of `pyproject` or of `lock` that are installed, too.",
        ),
        key(
            "groups",
            Shape::List(&Shape::One(EXTRA)),
            "Dependency groups of `pyproject` or of `lock`, too.",
        ),
        key(
            "lock",
            Shape::One(LOCK),
            "A lock that another tool keeps: what it says is installed, and nothing is resolved.",
        ),
        key("installer", Shape::One(INSTALLER), "Who installs; `pip` if not given."),
        key("index_url", Shape::One(INDEX), "The index in place of PyPI."),
        key("extra_index_urls", Shape::List(&Shape::One(INDEX)), "Indexes beside it."),
        key("find_links", Shape::List(&Shape::One(PAGE)), "Pages with links to packages."),
        key(
            "ignore_refusals",
            Shape::List(&Shape::One(INDEX)),
            "Indexes that answer 401 or 403 for packages that they do not have.",
        ),
        key(
            "credentials",
            Shape::Map { name: host, of: &Shape::One(SECRET), public: false, inherits: false },
            "The build secret for each host that asks for a password: `user:password`, or a token.",
        ),
        key(
            "torch",
            Shape::One(TORCH),
            "The build of PyTorch and its family, from PyTorch's own index.",
        ),
        key(
            "heavy",
            Shape::List(&Shape::One(PROJECT)),
            "Packages that get a layer of their own, beside the known ones.",
        ),
        key(
            "build_constraints",
            Shape::List(&Shape::One(REQUIREMENT)),
            "What builds from source are held to in the choice of what builds them.",
        ),
        key("env", VARIABLES, "Variables for builds from source, such as `CMAKE_ARGS`."),
        key(
            "after",
            Shape::Map {
                name: project_name,
                of: &Shape::List(&Shape::One(PROJECT)),
                public: false,
                inherits: false,
            },
            "For packages whose build from source must see others: which ones.",
        ),
        key(
            "system_site_packages",
            Shape::One(BOOLEAN),
            "Whether packages of the base's own Python count as installed; `false` if not given.",
        ),
        key(
            "verify",
            Shape::List(&Shape::One(MODULE)),
            "Modules that must import, or the build fails.",
        ),
    ]])
};

const MODEL: Object = Object {
    short: Some("hf"),
    either: &[
        ("hf", &["revision", "files", "endpoint", "token", "to"]),
        ("url", &["sha256", "unpack", "token", "to"]),
        ("spacy", &["sha256", "endpoint"]),
        ("run", &["name", "needs", "keep", "env", "secrets", "token"]),
        ("context", &["to"]),
    ],
    complete: true,
    identity: &[
        whole("to"),
        whole("hf"),
        whole("url"),
        Identity { key: "spacy", of: pipeline_name },
        whole("name"),
        whole("run"),
        whole("context"),
    ],
    ..object(&[&[
        key(
            "hf",
            Shape::One(REPOSITORY),
            "A model on the Hugging Face hub, or `datasets/` and a dataset.",
        ),
        key("revision", Shape::One(REVISION), "Branch, tag or commit; `main` if not given."),
        key(
            "files",
            Shape::List(&Shape::One(PATTERN)),
            "Which of its files; if not given, all of them, but weights in one format only.",
        ),
        key("url", Shape::One(FILE_URL), "A file of any server."),
        key("sha256", Shape::One(SHA256), "What the file must be."),
        key("unpack", Shape::One(BOOLEAN), "Whether it is an archive whose content is wanted."),
        key("spacy", Shape::One(PIPELINE), "One of spaCy's pipelines, by its package's name."),
        key("run", Shape::Command(WORDS), "A command that downloads what no other way does."),
        key("context", Shape::One(IN_CONTEXT), "A file or a folder of the build context."),
        key("name", Shape::One(TEXT), "What the command is called; its first word if not given."),
        key(
            "needs",
            Shape::List(&Shape::One(PROJECT)),
            "The Python packages that the command runs on.",
        ),
        key(
            "keep",
            Shape::List(&Shape::One(KEPT)),
            "What of the command's files goes into the image; `~/…` is in the user's home.",
        ),
        key("env", VARIABLES, "Environment of the command."),
        key("secrets", SECRETS, "Variables of the command that are build secrets."),
        key(
            "to",
            Shape::One(FILES_DESTINATION),
            "Where the files go; if not given, the Hugging Face cache, where libraries find \
             models by name.",
        ),
        key(
            "token",
            Shape::One(SECRET),
            "The build secret with the token for it, or with `user:password`.",
        ),
        key(
            "endpoint",
            Shape::One(HUB),
            "The hub; the build argument `HF_ENDPOINT` or `https://huggingface.co` if not given. \
             Of a pipeline, what stands in for the releases on GitHub.",
        ),
    ]])
};

const CODE: Object = Object {
    short: Some("source"),
    either: &[("source", &[]), ("git", &["ref", "token", "ssh", "submodules"]), ("context", &[])],
    ..object(&[&[
        key(
            "source",
            Shape::One(SOURCE),
            "A git remote or a folder of the build context: which, its look tells.",
        ),
        key("git", Shape::One(REMOTE), "A git remote, whatever it looks like."),
        key("context", Shape::One(CONTEXT), "A folder of the build context; `.` for all of it."),
        key(
            "ref",
            Shape::One(REFERENCE),
            "Branch, tag or commit, unless `CODE_VERSION` says another; the remote's default \
             branch if not given.",
        ),
        key("subdir", Shape::One(RELATIVE), "The folder of it that is taken; all if not given."),
        key("to", Shape::One(DESTINATION), "Where it goes; `/app` if not given."),
        key(
            "token",
            Shape::One(SECRET),
            "The build secret with the token for it; BuildKit's `GIT_AUTH_TOKEN` if not given.",
        ),
        key("ssh", Shape::One(SOCKET), "The SSH agent socket for it; `default` if not given."),
        key("submodules", Shape::One(BOOLEAN), "Whether they come with it; `true` if not given."),
        key(
            "build",
            Shape::Command(SCRIPT),
            "A command in the folder of the code, with the packages at hand; what it leaves there \
             is the code.",
        ),
        key(
            "install",
            Shape::List(&Shape::One(INSTALLED)),
            "What of the code is installed into the environment, as `pip install --no-deps` does: \
             all of it, or packages in it, by their folders; `false` if not given.",
        ),
        key(
            "verify",
            Shape::List(&Shape::One(MODULE)),
            "Modules of the code that must import, or the build fails.",
        ),
        key("env", VARIABLES, "Environment of `build`, `install` and `verify`."),
        key("secrets", SECRETS, "Variables of `build` that are build secrets."),
    ]])
};

const FILES: Object = Object {
    either: &[("context", &[]), ("from", &["path"])],
    complete: true,
    identity: &[whole("to"), whole("context"), whole("path")],
    ..object(&[&[
        key("context", Shape::One(IN_CONTEXT), "A file or a folder of the build context."),
        key("from", Shape::One(IMAGE), "Another image, or the name of a `--build-context`."),
        key("path", Shape::One(IN_IMAGE), "A file or a folder of that."),
        key("to", Shape::One(FILES_DESTINATION), "Where it goes."),
    ]])
};

const HEALTHCHECK: Object = object(&[&[
    key("test", Shape::Command(HEALTH_TEST), "The check; the base's if not given."),
    key("interval", Shape::One(DURATION), "From one check to the next; 30 s if not given."),
    key("timeout", Shape::One(DURATION), "How long one may take; 30 s if not given."),
    key("start_period", Shape::One(DURATION), "How long failures do not count; 0 s if not given."),
    key(
        "start_interval",
        Shape::One(DURATION),
        "From one check to the next within `start_period`; 5 s if not given.",
    ),
    key("retries", Shape::One(NUMBER), "Failures in a row that make it unhealthy; 3 if not given."),
    key("disable", Shape::One(BOOLEAN), "Takes the base's check away."),
]]);

const PACKAGES: Shape = Shape::List(&Shape::One(SYSTEM_PACKAGE));

const VARIABLES: Shape =
    Shape::Map { name: key_name, of: &Shape::One(VARIABLE), public: true, inherits: false };
const SECRETS: Shape =
    Shape::Map { name: argument, of: &Shape::One(SECRET), public: false, inherits: false };
const ENV: Shape =
    Shape::Map { name: key_name, of: &Shape::One(VARIABLE), public: true, inherits: true };
const LABELS: Shape =
    Shape::Map { name: key_name, of: &Shape::One(TEXT), public: true, inherits: false };

const SCRIPT: Command =
    Command { expected: "a command: a string for a shell, or a list of words", read: script };
const WORDS: Command = Command {
    expected: "a command: a list of words, or a string to split into words",
    read: words,
};

const HEALTH_TEST: Command = Command {
    expected: "a command: a string, or a list such as `[CMD, curl, …]`",
    read: health_test,
};

const TEXT: Value = value("text", |it| text(it).map(drop));
const VARIABLE: Value = value("text", |it| variable_text(it).map(drop));
const IMAGE: Value = value("an image such as `python:3.12-slim`", |it| image(it).map(drop));
const SYSTEM_PACKAGE: Value = value("a package such as `curl`", |it| system_package(it).map(drop));
const SYSTEM_SOURCES: Value =
    value("a file such as `deploy/debian.sources`", |it| system_sources(it).map(drop));
const REQUIREMENTS: Value =
    value("a file such as `requirements.txt`", |it| requirements(it).map(drop));
const REQUIREMENT: Value =
    value("a requirement such as `torch==2.9.1`", |it| requirement(it).map(drop));
const INDEX: Value = value("a URL such as `https://pypi.org/simple`", |it| index(it).map(drop));
const PAGE: Value =
    value("a URL such as `https://example.org/wheels.html`", |it| page(it).map(drop));
const PYPROJECT: Value = value("a file such as `pyproject.toml`", |it| pyproject(it).map(drop));
const LOCK: Value = value("a lock such as `uv.lock`", |it| lock(it).map(drop));
const EXTRA: Value = value("a name such as `gpu`", |it| extra(it).map(drop));
const INSTALLED: Value =
    value("`true`, `false` or a folder of the code", |it| installed(it).map(drop));
const INSTALLER: Value = value("`pip` or `uv`", |it| installer(it).map(drop));
const TORCH: Value = value("`cpu`, or a build such as `cu126`", |it| torch(it).map(drop));
const PROJECT: Value = value("a package such as `torch`", |it| project(it).map(drop));
const MODULE: Value = value("a module such as `torch`", |it| module(it).map(drop));
const HUB: Value = value("a URL such as `https://huggingface.co`", |it| hub(it).map(drop));
const REPOSITORY: Value = value("a model such as `org/name`", |it| repository(it).map(drop));
const FILE_URL: Value = value("the URL of a file", |it| file_url(it).map(drop));
const SHA256: Value = value("64 hexadecimal digits", |it| sha256(it).map(drop));
const PIPELINE: Value = value("a pipeline and its version", |it| pipeline(it).map(drop));
const KEPT: Value = value("a path", |it| kept(it).map(drop));
const VOLUME_OF_MODELS: Value = value("`volume`", |it| volume_of_models(it).map(drop));
const PATTERN: Value =
    value("a file, or a pattern such as `*.safetensors`", |it| pattern(it).map(drop));
const REFERENCE: Value = value("a branch, tag or commit", |it| reference(it).map(drop));
const REVISION: Value = value("a branch, tag or commit", |it| revision(it).map(drop));
const REMOTE: Value =
    value("a remote such as `https://github.com/org/name.git`", |it| git(it).map(drop));
const SOURCE: Value =
    value("a git remote or a folder of the build context", |it| source(it).map(drop));
const CONTEXT: Value = value("a folder of the build context", |it| context(it).map(drop));
const IN_CONTEXT: Value =
    value("a file or a folder of the build context", |it| in_context(it).map(drop));
const IN_IMAGE: Value = value("an absolute path", |it| in_image(it).map(drop));
const RELATIVE: Value = value("a relative path", |it| relative(it).map(drop));
const PATH: Value = value("an absolute path", |it| absolute(it).map(drop));
const DESTINATION: Value = value("an absolute path", |it| destination(it).map(drop));
const FILES_DESTINATION: Value = value("an absolute path", |it| files_destination(it).map(drop));
const VOLUME: Value = value("an absolute path", |it| volume(it).map(drop));
const SECRET: Value = value("a build secret such as `secret:my_token`", |it| secret(it).map(drop));
const SOCKET: Value = value("the id of an SSH socket", |it| socket(it).map(drop));
const USER: Value = value("a user such as `app` or `1000:1000`", |it| user(it).map(drop));
const PORT: Value = value("a port such as `8000` or `8000/udp`", |it| ports(it).map(drop));
const SIGNAL: Value = value("a signal such as `SIGTERM`", |it| signal(it).map(drop));
const DURATION: Value = value("a duration such as `1m30s`", |it| duration(it).map(drop));
const NUMBER: Value = value("a whole number", |it| number(it).map(drop));
const BOOLEAN: Value = value("`true` or `false`", |it| boolean(it).map(drop));

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc }
}

const fn value(expected: &'static str, check: fn(&str) -> Read<()>) -> Value {
    Value { expected, check }
}

const fn whole(key: &'static str) -> Identity {
    Identity { key, of: |text| text }
}

const fn object(keys: &'static [&'static [Key]]) -> Object {
    Object { keys, short: None, either: &[], complete: false, identity: &[] }
}
