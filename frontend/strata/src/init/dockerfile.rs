//! A Dockerfile, instruction by instruction: those of the last stage and of all that it stands on
//! or copies from.

use std::collections::BTreeMap;

use parse_dockerfile::{Command as Form, Flag, Instruction, RunInstruction, Span, Stage};

use super::{
    Note, bases,
    copies::{self, Part, clean},
    draft::{Code, Draft, fits},
    folder::Folder,
    models,
    packages::{self, Said},
    repositories,
    run::{Run, Secret},
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
    /// What is said of packages.
    pub packages: Said,
    /// The stage that has installed the code as a package, with the line that copies that.
    pub installed: Option<(usize, State)>,
    /// Variables that say where libraries look for models, with their lines.
    pub caches: Vec<(usize, String)>,
    /// The numbers of users that commands make, by name.
    pub numbers: BTreeMap<String, String>,
    /// Whether a user is named.
    pub has_user: bool,
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
    /// The image that it stands on.
    pub image: String,
    /// The working directory.
    pub workdir: String,
    /// The values of `ARG` and `ENV`.
    pub variables: BTreeMap<String, String>,
    /// What of the build context lies where.
    pub copies: Vec<(String, String)>,
    /// Whether the code is there.
    pub has_code: bool,
    /// Whether it has a `CMD` of its own.
    pub has_cmd: bool,
    /// Whether the code is installed there, and not only linked.
    pub has_installed: bool,
    /// Whether it downloads models.
    pub has_models: bool,
    /// A repository that it clones, and where to; of a stage whose files are the image's, that is the
    /// code.
    pub clone: Option<Code>,
}

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
            packages: Said::default(),
            installed: None,
            caches: Vec::new(),
            numbers: BTreeMap::new(),
            has_user: false,
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
        bases::settle(&self.stage.image, &mut self.draft);
        self.look_into_scripts();
        let workdir = self.stage.workdir.clone();
        self.settle_user(&workdir);
        self.notes.extend(self.project.versioned_by_git(&self.code));
        self.draft.code = Some(self.code).filter(|code| !code.source.is_empty());
        self.notes.extend(copies::apart(&mut self.draft));
        let of_code = self.draft.code.as_ref().map_or("/", |code| &code.to);
        if workdir != of_code && workdir != "/" {
            self.draft.workdir = Some(workdir);
        }
        if self.draft.code.as_ref().is_some_and(|code| !code.is_remote()) {
            self.notes.extend(self.project.without_ignore_file());
        }
        (self.draft, self.notes)
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
            Some(base) => State { is_final, has_cmd: false, ..base.clone() },
            None => State { is_final, workdir: "/".to_owned(), ..State::default() },
        };
        match base {
            Some(base) => self.others(stage, base, &all[..index]),
            None => self.base(stage),
        }
        for instruction in stage.instructions {
            self.instruction(instruction, all, index);
        }
        self.states.insert(index, self.stage.clone());
    }

    fn instruction(&mut self, instruction: &Instruction<'a>, all: &[Stage<'_, '_>], index: usize) {
        match instruction {
            Instruction::Arg(it) => {
                let (line, text) = (self.line(&it.arg.span), self.raw(&it.arguments.span));
                for (name, text) in self.argument(line, &text) {
                    let value = shell::Word { text, unknown: Vec::new() };
                    self.build_variable(line, &name, &value);
                }
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
            _ if self.stage.is_final => self.setting(instruction),
            _ => {}
        }
    }

    fn run(&mut self, run: &RunInstruction<'a>) {
        let line = self.line(&run.run.span);
        let secrets = run.options.iter().filter_map(|flag| self.mount(line, flag)).collect();
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
        Run::new(self, line, secrets).all(commands);
    }

    /// A mount that shows a file of the build context, or a secret.
    fn mount(&mut self, line: usize, flag: &Flag<'_>) -> Option<Secret> {
        let value = flag.value.as_ref().filter(|_| flag.name.value == "mount")?;
        let part = |name: &str| {
            let mut parts = value.value.split(',').filter_map(|part| part.split_once('='));
            parts.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        let target = part("target").or_else(|| part("dst")).or_else(|| part("destination"));
        match part("type").as_deref() {
            Some("secret") => {
                let id = part("id").or_else(|| part("source")).or_else(|| part("src"));
                let id = id.unwrap_or_default();
                let target = target.unwrap_or_else(|| format!("/run/secrets/{id}"));
                return Some(Secret { id, target, variable: part("env"), is_used: false });
            }
            Some("bind") | None if part("from").is_none() => {
                let source = part("source").or_else(|| part("src")).unwrap_or_default();
                let (source, to) = (clean(&source), self.path(&target.unwrap_or_default()));
                if let Some(told) = repositories::told(&source, &to) {
                    self.note(line, format!("`{source}` is not carried over: {told}"));
                }
                self.stage.copies.push((source, to));
            }
            _ => {}
        }
        None
    }

    /// The words of an instruction.
    pub fn words(&self, span: &Span) -> Vec<String> {
        self.split(&self.raw(span))
    }

    /// The words of a text, with the values of variables.
    pub fn split(&self, text: &str) -> Vec<String> {
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
    pub fn unknown(&mut self, line: usize, of: &str, names: &[String]) {
        for name in names {
            self.note(
                line,
                format!("`{of}` is without `${name}`, which nothing here sets: write down what the base has for it"),
            );
        }
    }

    /// `NAME=value …`, or `NAME value` as it once was.
    pub fn pairs(&self, span: &Span) -> Vec<(String, shell::Word)> {
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

    /// What is written there, on one line.
    pub fn raw(&self, span: &Span) -> String {
        joined(self.text.get(span.clone()).unwrap_or_default())
    }

    /// The line of the Dockerfile that a span begins on.
    pub fn line(&self, span: &Span) -> usize {
        1 + self.text.get(..span.start).map_or(0, |before| before.matches('\n').count())
    }
}
