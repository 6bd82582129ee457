//! A Dockerfile, instruction by instruction: those of the last stage and of all that it stands on
//! or copies from.

use std::collections::BTreeMap;

use parse_dockerfile::{
    Command as Form, Flag, HealthcheckArguments, HealthcheckInstruction, Instruction,
    JsonOrStringArray, RunInstruction, Span, Stage,
};

use super::{
    Note,
    copies::{Part, clean},
    draft::{Code, Draft, Words, add, fits, set},
    folder::Folder,
    models, packages,
    run::Run,
    shell::{self, filled, joined, words},
};
use crate::manifest::values;

/// Reads a Dockerfile.
pub struct Dockerfile<'a> {
    /// What was found.
    pub draft: Draft,
    /// What the build context has.
    pub project: &'a Folder,
    /// The stage that is being read.
    pub stage: State,
    /// What is done with the code, and where it comes from as soon as that is known.
    pub code: Code,
    /// The line that clones it, if one does.
    pub cloned: Option<usize>,
    /// Whether the base's package manager installs a Python.
    pub system_python: bool,
    /// Requirements and files of them, with the lines that install them.
    pub named: Vec<(usize, String)>,
    /// Locks that are copied, with their lines.
    pub locks: Vec<(usize, String)>,
    /// The names of the files that a tool writes what its lock says into.
    pub exported: Vec<String>,
    /// Variables that say where libraries look for models, with their lines.
    pub caches: Vec<(usize, String)>,
    /// The numbers of users that commands make, by name.
    pub numbers: BTreeMap<String, String>,
    has_user: bool,
    /// Whether the stage that is being read has a `CMD` of its own.
    has_cmd: bool,
    name: &'a str,
    text: &'a str,
    /// What commands read, by the lines of their instructions.
    texts: BTreeMap<usize, String>,
    /// What a person has to look at.
    pub notes: Vec<Note>,
    /// The values of the arguments before the first stage, which `FROM` may name.
    pub arguments: BTreeMap<String, String>,
    /// What of the build context is copied into the image.
    pub copied: Vec<Part>,
    /// Where the stages that were read have ended, by their numbers.
    pub states: BTreeMap<usize, State>,
}

/// Where a stage is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether its files are the image's.
    pub is_final: bool,
    /// The working directory.
    pub workdir: String,
    /// The values of `ARG` and `ENV`.
    pub variables: BTreeMap<String, String>,
    /// What of the build context lies where.
    pub copies: Vec<(String, String)>,
    /// Whether the code is there.
    pub has_code: bool,
    /// Whether it downloads models.
    pub has_models: bool,
    /// A repository that it clones, and where to; of a stage whose files are the image's, that is the
    /// code.
    pub clone: Option<Code>,
}

/// Variables that configure the tools of a Dockerfile's build, and nothing of the image.
const OF_TOOLS: [&str; 8] =
    ["DEBIAN_FRONTEND", "PIP_", "PIPENV_", "POETRY_", "PDM_", "UV_", "VIRTUAL_ENV", "FORCE_CMAKE"];

/// Variables that say where single libraries look for models, whatever `HF_HOME` says.
pub const OF_CACHES: [&str; 4] =
    ["TRANSFORMERS_CACHE", "SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"];

/// Folders of programs that are on the `PATH` of an image of Strata, or that its builds have no
/// need of, by parts of their names.
const PROGRAMS: [&str; 10] = [
    "/venv",
    "/.venv",
    "/.local/bin",
    "/root/",
    "poetry",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/cuda/bin",
];

/// Variables that builds from source read.
pub const OF_COMPILERS: [&str; 12] = [
    "CMAKE_ARGS",
    "CC",
    "CXX",
    "CFLAGS",
    "CPPFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "MAX_JOBS",
    "CUDACXX",
    "TORCH_CUDA_ARCH_LIST",
    "CMAKE_BUILD_PARALLEL_LEVEL",
];

impl<'a> Dockerfile<'a> {
    /// A reader of `text`, which people call `name`.
    pub fn new(
        name: &'a str,
        text: &'a str,
        texts: BTreeMap<usize, String>,
        project: &'a Folder,
    ) -> Self {
        Self {
            draft: Draft::default(),
            project,
            stage: State::default(),
            code: Code::default(),
            cloned: None,
            system_python: false,
            named: Vec::new(),
            locks: Vec::new(),
            exported: Vec::new(),
            caches: Vec::new(),
            numbers: BTreeMap::new(),
            has_user: false,
            has_cmd: false,
            name,
            text,
            texts,
            notes: Vec::new(),
            arguments: BTreeMap::new(),
            copied: Vec::new(),
            states: BTreeMap::new(),
        }
    }

    /// Reads all of it.
    pub fn read(&mut self, parsed: &parse_dockerfile::Dockerfile<'a>) {
        for argument in parsed.global_args() {
            let line = self.line(&argument.arg.span);
            let text = self.raw(&argument.arguments.span);
            self.argument(line, &text);
        }
        self.arguments = std::mem::take(&mut self.stage.variables);
        let stages: Vec<_> = parsed.stages().collect();
        let (below, used) = self.used(&stages);
        for (index, stage) in stages.iter().enumerate() {
            if below.contains(&index) || used.contains(&index) {
                self.stage(index, stage, &stages, below.contains(&index));
            } else {
                let name =
                    stage.from.as_.as_ref().map(|(_, name)| format!("the stage `{}`", name.value));
                let name = name.unwrap_or_else(|| "this stage".to_owned());
                self.note(
                    self.line(&stage.from.from.span),
                    format!(
                        "{name} is not what the last one is made of; what it has for \
                         development goes under `dev`, or is a variant"
                    ),
                );
            }
        }
    }

    /// What was found, and what a person has to look at.
    pub fn finish(mut self) -> (Draft, Vec<Note>) {
        self.place_code();
        if !self.draft.python.installs() {
            self.project.python(&mut self.draft.python);
        }
        packages::settle(&mut self);
        models::settle(&mut self);
        self.look_into_scripts();
        let workdir = self.stage.workdir.clone();
        self.settle_user(&workdir);
        self.draft.code = Some(self.code).filter(|code| !code.source.is_empty());
        let of_code = self.draft.code.as_ref().map_or("/", |code| &code.to);
        if workdir != of_code && workdir != "/" {
            self.draft.workdir = Some(workdir);
        }
        if self.draft.code.as_ref().is_some_and(|code| !code.is_remote()) {
            self.notes.extend(self.project.without_ignore_file());
        }
        (self.draft, self.notes)
    }

    /// Who the image runs as, where that is not what the Dockerfile says.
    fn settle_user(&mut self, workdir: &str) {
        let number = self.draft.user.as_ref().and_then(|user| self.numbers.get(user));
        let told = match (&self.draft.user, number) {
            (Some(user), Some(number)) if number != "10001" => Some(format!(
                "`{user}` had the number {number}, and one that is made has 10001: `user: {number}` \
                 keeps it, for volumes and `runAsUser`"
            )),
            (None, _) if !self.has_user => {
                let of_root =
                    [workdir, &self.code.to].into_iter().any(|path| path.starts_with("/root"));
                self.draft.user = of_root.then(|| "root".to_owned());
                Some(
                    if of_root {
                        "`user: root`, because the code is in its home, which nobody else may \
                             enter: better have it in `/app`, and leave `user` out"
                    } else {
                        "the image ran as root, and runs as the user `app` now; `user: root` if \
                              it must"
                    }
                    .to_owned(),
                )
            }
            _ => None,
        };
        self.notes.extend(told.map(|text| Note { place: None, text }));
    }

    /// Tells of something on a line.
    pub fn note(&mut self, line: usize, text: impl Into<String>) {
        let place = Some((self.name.to_owned(), line));
        self.notes.push(Note { place, text: text.into() });
    }

    /// The path that a stage means by a relative one.
    pub fn path(&self, path: &str) -> String {
        let whole = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.stage.workdir)
        };
        let mut parts = Vec::new();
        for part in whole.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    /// The file of the build context that lies at a path of the stage.
    pub fn in_context(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        let copies = self.stage.copies.iter().rev();
        let found = copies.filter_map(|(source, to)| {
            let name = path.strip_prefix(to.as_str())?;
            match name.strip_prefix('/') {
                None if name.is_empty() => Some(source.clone()),
                Some(name) if source.is_empty() => Some(name.to_owned()),
                Some(name) => Some(format!("{source}/{name}")),
                None => None,
            }
        });
        let found: Vec<_> = found.collect();
        found.into_iter().find(|name| self.project.may_have(name))
    }

    fn stage(
        &mut self,
        index: usize,
        stage: &Stage<'a, '_>,
        all: &[Stage<'a, '_>],
        is_final: bool,
    ) {
        let base = self.base_stage(all, index);
        self.stage = match base.and_then(|base| self.states.get(&base)) {
            Some(base) => State { is_final, ..base.clone() },
            None => State { is_final, workdir: "/".to_owned(), ..State::default() },
        };
        self.has_cmd = false;
        match base {
            Some(base) => self.others(stage, base, &all[..index]),
            None if is_final || self.draft.base.is_empty() => self.base(stage),
            None => {}
        }
        for instruction in stage.instructions {
            self.instruction(instruction, all, index);
        }
        self.states.insert(index, self.stage.clone());
    }

    fn base(&mut self, stage: &Stage<'a, '_>) {
        let line = self.line(&stage.from.from.span);
        let image = self.image(&stage.from.image.value);
        if !fits(&image, values::image) {
            self.note(line, format!("`{image}` is no base: name an image with a Python"));
            self.draft.base = "python:3.12-slim".to_owned();
            return;
        }
        let minor =
            image.strip_prefix("python:3.").map(|tag| tag.split(['.', '-']).next().unwrap_or(tag));
        if minor.and_then(|minor| minor.parse().ok()).is_some_and(|minor: u32| minor < 9) {
            self.note(line, format!("`{image}` is too old: a base needs Python 3.9 or newer"));
        }
        if image.starts_with("python:") && image.contains("alpine") {
            self.note(line, "few packages of machine learning have wheels for Alpine: `-slim` is the better base");
        }
        self.draft.base = image;
    }

    fn instruction(&mut self, instruction: &Instruction<'a>, all: &[Stage<'_, '_>], index: usize) {
        let is_final = self.stage.is_final;
        match instruction {
            Instruction::Arg(it) => {
                let text = self.raw(&it.arguments.span);
                self.argument(self.line(&it.arg.span), &text);
            }
            Instruction::Env(it) => {
                for (name, value) in self.pairs(&it.arguments.span) {
                    self.stage.variables.insert(name.clone(), value.text.clone());
                    self.variable(self.line(&it.env.span), &name, value);
                }
            }
            Instruction::Run(it) => self.run(it),
            Instruction::Copy(it) => self.copy(it, all, index),
            Instruction::Add(it) => {
                let line = self.line(&it.add.span);
                self.sources(line, &it.src, &it.dest.value);
            }
            Instruction::Workdir(it) => {
                let line = self.line(&it.workdir.span);
                let (path, _) = self.filled(line, &self.raw(&it.arguments.span));
                let path = self.path(&path);
                if fits(&path, values::absolute) {
                    self.stage.workdir = path
                } else {
                    self.note(line, "`WORKDIR` is no path")
                }
            }
            _ if !is_final => {}
            Instruction::Expose(it) => {
                for port in &it.arguments {
                    for port in self.words(&port.span) {
                        self.checked(&it.expose.span, port, values::ports, |draft| {
                            &mut draft.ports
                        });
                    }
                }
            }
            Instruction::Volume(it) => {
                let paths = match &it.arguments {
                    JsonOrStringArray::Json(paths) => &paths.value,
                    JsonOrStringArray::String(paths) => paths,
                };
                for path in paths {
                    let (path, is_known) = self.filled(self.line(&it.volume.span), &path.value);
                    if !is_known {
                        continue;
                    }
                    let path = self.path(&path);
                    self.checked(&it.volume.span, path.clone(), values::volume, |draft| {
                        &mut draft.volumes
                    });
                    self.checked(&it.volume.span, path, values::destination, |draft| {
                        &mut draft.dirs
                    });
                }
            }
            Instruction::User(it) => {
                let user = self.words(&it.arguments.span).concat();
                self.user(self.line(&it.user.span), &user);
            }
            Instruction::Label(it) => {
                let line = self.line(&it.label.span);
                for (name, value) in self.pairs(&it.arguments.span) {
                    self.unknown(line, &name, &value.unknown);
                    self.label(line, &name, value.text);
                }
            }
            Instruction::Maintainer(it) => {
                let name = "org.opencontainers.image.authors";
                set(&mut self.draft.labels, name, it.name.value.trim().to_owned());
            }
            Instruction::Cmd(it) => {
                self.has_cmd = true;
                self.draft.cmd = Some(self.form(self.line(&it.cmd.span), &it.arguments));
            }
            Instruction::Entrypoint(it) => {
                let line = self.line(&it.entrypoint.span);
                self.draft.entrypoint = Some(self.form(line, &it.arguments));
                // As Docker has it: what another stage says for its entrypoint is not this one's.
                if !self.has_cmd {
                    self.draft.cmd = None;
                }
            }
            Instruction::Healthcheck(it) => self.healthcheck(it),
            Instruction::Stopsignal(it) => {
                let signal = self.words(&it.arguments.span).concat();
                if fits(&signal, values::signal) {
                    self.draft.stop_signal = Some(signal)
                } else {
                    let line = self.line(&it.stopsignal.span);
                    self.note(line, format!("`{signal}` is no signal that is known"));
                }
            }
            Instruction::Shell(it) => {
                let line = self.line(&it.shell.span);
                self.note(
                    line,
                    "`SHELL`: what needs another shell than sh names it: `[bash, -c, …]`",
                );
            }
            Instruction::Onbuild(it) => {
                let line = self.line(&it.onbuild.span);
                self.note(
                    line,
                    "`ONBUILD` is not carried over: an image on this one has a manifest",
                );
            }
            _ => {}
        }
    }

    fn argument(&mut self, line: usize, text: &str) {
        for word in self.split(text) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word, None),
            };
            let default = default.or_else(|| self.arguments.get(&name).cloned());
            let given = ["CODE_VERSION", "TARGET", "BUILD", "HTTP", "FTP", "NO_PROXY", "ALL_PROXY"];
            if default.is_none()
                && !given.iter().any(|known| name.to_uppercase().starts_with(known))
            {
                self.note(
                    line,
                    format!("`{name}` has no default: declare it under `args`, and write `${{{name}}}` where it is used"),
                );
            }
            let value = default.unwrap_or_default();
            self.stage.variables.entry(name).or_insert(value);
        }
    }

    /// A variable of the environment.
    fn variable(&mut self, line: usize, name: &str, value: shell::Word) {
        let shell::Word { text: mut value, unknown } = value;
        if !unknown.is_empty() {
            // A list of folders without those that it was to be put before or after.
            value = value.replace("::", ":").trim_matches(':').to_owned();
        }
        if OF_COMPILERS.contains(&name) {
            self.unknown(line, name, &unknown);
            set(&mut self.draft.python.env, name, value);
            return;
        }
        let of_tool = OF_TOOLS
            .iter()
            .any(|tool| name == *tool || (tool.ends_with('_') && name.starts_with(tool)));
        if !self.stage.is_final || of_tool || name == "PATH" {
            let is_known = |folder: &str| {
                ["", "/bin", "/sbin"].contains(&folder)
                    || PROGRAMS.iter().any(|known| folder.contains(known))
            };
            if name == "PATH" && self.stage.is_final && !value.split(':').all(is_known) {
                self.note(line, "`PATH` is not carried over: the environment's programs are on it");
            }
            return;
        }
        self.unknown(line, name, &unknown);
        if value.is_empty() && !unknown.is_empty() {
            return;
        }
        if OF_CACHES.contains(&name) {
            self.caches.push((line, name.to_owned()));
        }
        let is_readable = !value.starts_with("/root") && fits(&value, values::destination);
        if name == "HF_HOME" && !is_readable {
            self.note(
                line,
                format!(
                    "`HF_HOME` is not carried over: models are in {} then, which all users read",
                    models::HOME
                ),
            );
        } else if values::is_secret(name, &value) {
            self.note(
                line,
                format!("`{name}` looks like a secret: give it to the container when it runs (`docker run --env-file`, Compose's `env_file`)"),
            );
        } else if values::key_name(name).is_err() || values::variable_text(&value).is_err() {
            self.note(
                line,
                format!("`{name}` is not carried over: give it to the container when it runs"),
            );
        } else {
            set(&mut self.draft.env, name, value);
        }
    }

    fn label(&mut self, line: usize, name: &str, value: String) {
        if values::key_name(name).is_ok() && !values::is_secret(name, &value) {
            set(&mut self.draft.labels, name, value);
        } else {
            self.note(line, format!("the label `{name}` is not carried over"));
        }
    }

    fn user(&mut self, line: usize, user: &str) {
        let name = match user.split_once(':') {
            Some((name, _)) if !fits(user, values::user) => name,
            _ => user,
        };
        if fits(name, values::user) {
            self.draft.user = Some(name.to_owned()).filter(|name| name != "app")
        } else {
            self.note(line, format!("`{user}` is no user's name: it runs as `app`"))
        }
        self.has_user = true;
    }

    fn run(&mut self, run: &RunInstruction<'a>) {
        let line = self.line(&run.run.span);
        for flag in &run.options {
            self.mount(line, flag);
        }
        let variables = self.stage.variables.clone();
        let lookup = |name: &str| variables.get(name).cloned();
        let commands = match &run.arguments {
            Form::Exec(words) => {
                let words = words.value.iter().map(|word| word.value.to_string()).collect();
                vec![shell::Command { words, ..shell::Command::default() }]
            }
            Form::Shell(text) => {
                let texts = self.texts.remove(&line).unwrap_or_default();
                shell::commands(&format!("{}\n{texts}", self.raw(&text.span)), &lookup)
            }
            _ => Vec::new(),
        };
        Run::new(self, line).commands(commands);
    }

    /// A mount that shows a file of the build context, or a secret.
    fn mount(&mut self, line: usize, flag: &Flag<'_>) {
        let Some(value) = flag.value.as_ref().filter(|_| flag.name.value == "mount") else {
            return;
        };
        let part = |name: &str| {
            let mut parts = value.value.split(',').filter_map(|part| part.split_once('='));
            parts.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let target = part("target").or_else(|| part("dst")).or_else(|| part("destination"));
        match part("type").as_deref() {
            Some("secret") => self.note(
                line,
                "a secret: `python.credentials` names one for an index, `token` one for code and models",
            ),
            Some("bind") | None if part("from").is_none() => {
                let source = part("source").or_else(|| part("src")).unwrap_or_default();
                let to = self.path(&target.unwrap_or_default());
                self.stage.copies.push((clean(&source), to));
            }
            _ => {}
        }
    }

    fn healthcheck(&mut self, check: &HealthcheckInstruction<'a>) {
        let line = self.line(&check.healthcheck.span);
        let mut keys = Vec::new();
        for flag in &check.options {
            let value = flag.value.as_ref().map_or("", |value| &value.value);
            let name = flag.name.value.replace('-', "_");
            let known = match name.as_str() {
                "retries" => fits(value, values::number),
                "interval" | "timeout" | "start_period" | "start_interval" => {
                    fits(value, values::duration)
                }
                _ => false,
            };
            if known {
                keys.push((name, value.to_owned()));
            } else {
                self.note(line, format!("`--{}` of the health check", flag.name.value));
            }
        }
        self.draft.healthcheck = match &check.arguments {
            HealthcheckArguments::Cmd { arguments: Form::Exec(words), .. } => {
                let words = words.value.iter().map(|word| word.value.to_string());
                let words = self.without_runner(line, words.collect());
                Some((Words::List(std::iter::once("CMD".to_owned()).chain(words).collect()), keys))
            }
            HealthcheckArguments::Cmd { arguments: Form::Shell(text), .. } => {
                let text = self.line_without_runners(line, &self.raw(&text.span));
                Some((Words::Line(text), keys))
            }
            _ => Some((Words::List(Vec::new()), vec![("disable".to_owned(), "true".to_owned())])),
        };
    }

    fn form(&mut self, line: usize, form: &Form<'a>) -> Words {
        match form {
            Form::Exec(words) => {
                let words = words.value.iter().map(|word| word.value.to_string());
                Words::List(self.without_runner(line, words.collect()))
            }
            Form::Shell(text) => {
                Words::of_shell(&self.line_without_runners(line, &self.raw(&text.span)))
            }
            _ => Words::List(Vec::new()),
        }
    }

    fn checked<T>(
        &mut self,
        span: &Span,
        text: String,
        read: fn(&str) -> values::Read<T>,
        list: fn(&mut Draft) -> &mut Vec<String>,
    ) {
        match read(&text) {
            Ok(_) => add(list(&mut self.draft), text),
            Err(mistake) => self.note(self.line(span), mistake.message),
        }
    }

    fn words(&self, span: &Span) -> Vec<String> {
        self.split(&self.raw(span))
    }

    fn split(&self, text: &str) -> Vec<String> {
        words(text, &|name| self.stage.variables.get(name).cloned())
    }

    /// A text with the values of its variables, and whether all of them are known; those that are
    /// not are told of.
    pub fn filled(&mut self, line: usize, text: &str) -> (String, bool) {
        let words = filled(text, &|name| self.stage.variables.get(name).cloned());
        let unknown: Vec<_> = words.iter().flat_map(|word| word.unknown.clone()).collect();
        self.unknown(line, text, &unknown);
        let texts: Vec<_> = words.into_iter().map(|word| word.text).collect();
        (texts.join(" "), unknown.is_empty())
    }

    /// Tells of variables without which something is written down.
    fn unknown(&mut self, line: usize, of: &str, names: &[String]) {
        for name in names {
            self.note(
                line,
                format!("`{of}` is without `${name}`, which nothing here sets: write down what the base has for it"),
            );
        }
    }

    /// `NAME=value …`, or `NAME value` as it once was.
    fn pairs(&self, span: &Span) -> Vec<(String, shell::Word)> {
        let words = filled(&self.raw(span), &|name| self.stage.variables.get(name).cloned());
        match words.split_first() {
            Some((name, rest)) if !name.text.contains('=') => {
                let texts: Vec<_> = rest.iter().map(|word| word.text.as_str()).collect();
                let unknown = rest.iter().flat_map(|word| word.unknown.clone()).collect();
                vec![(name.text.clone(), shell::Word { text: texts.join(" "), unknown })]
            }
            _ => words
                .into_iter()
                .filter_map(|word| {
                    let (name, text) = word.text.split_once('=')?;
                    Some((name.to_owned(), shell::Word { text: text.to_owned(), ..word.clone() }))
                })
                .collect(),
        }
    }

    fn raw(&self, span: &Span) -> String {
        joined(self.text.get(span.clone()).unwrap_or_default())
    }

    /// The line of the Dockerfile that a span begins on.
    pub fn line(&self, span: &Span) -> usize {
        1 + self.text.get(..span.start).map_or(0, |before| before.matches('\n').count())
    }
}
