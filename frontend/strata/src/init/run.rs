//! The commands of a `RUN`, each for what it means to an image.

use super::{
    branches::{self, Step},
    clones,
    copies::is_root,
    dockerfile::Dockerfile,
    draft::{add, fits},
    environment,
    lockers::{self, LOCKERS},
    models, packages, programs, repositories,
    runner::runner,
    shell::{self, Command, joined},
    system,
};
use crate::manifest::values;

/// Commands of which an image keeps nothing, or that Strata does itself.
const IDLE: [&str; 21] = [
    "true",
    ":",
    "echo",
    "set",
    "unset",
    "ls",
    "cat",
    "test",
    "[",
    "rm",
    "rmdir",
    "pwd",
    "date",
    "which",
    "command",
    "apt-mark",
    "groupadd",
    "addgroup",
    "source",
    ".",
    "virtualenv",
];

/// What to do in place of a program, or about what it leaves undone.
const TOLD: [(&str, &str); 4] = [
    ("update-ca-certificates", OF_AUTHORITIES),
    ("update-ca-trust", OF_AUTHORITIES),
    (
        "ldconfig",
        "libraries that packages of the system bring are known to the loader; the folder of others \
         is what `LD_LIBRARY_PATH` in `env` says",
    ),
    ("usermod", OF_USERS),
];

/// What to know about a user.
const OF_USERS: &str = "a user that is made has 10001 as its number, and no group but its own; \
     `user` takes numbers, `1000:1000`, and who runs the image adds groups (`--group-add`)";

/// What to do about a company's own authority.
const OF_AUTHORITIES: &str = "a build trusts a company's authority by `--secret \
     id=ca_bundle,src=ca.pem`; for the image, have a bundle by `files`, and its path as \
     `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE` in `env`";

/// A secret that a `RUN` mounts.
#[derive(Debug)]
pub struct Secret {
    /// What the build calls it.
    pub id: String,
    /// Its file.
    pub target: String,
    /// Its variable.
    pub variable: Option<String>,
    /// Whether the manifest names it.
    pub is_used: bool,
}

/// Reads the commands of one `RUN`.
pub struct Run<'d, 'a> {
    /// The whole Dockerfile.
    pub reader: &'d mut Dockerfile<'a>,
    /// The line of the instruction.
    pub line: usize,
    /// The variables that the command which is read has beside those of the stage.
    pub variables: Vec<(String, String)>,
    /// The secrets that are mounted.
    pub secrets: Vec<Secret>,
    folder: Option<String>,
}

impl<'d, 'a> Run<'d, 'a> {
    /// For the `RUN` on a line.
    pub fn new(reader: &'d mut Dockerfile<'a>, line: usize, secrets: Vec<Secret>) -> Self {
        Self { reader, line, variables: Vec::new(), secrets, folder: None }
    }

    /// Reads all of it.
    pub fn all(mut self, commands: Vec<Command>) {
        self.commands(commands);
        if self.secrets.iter().any(|secret| !secret.is_used) {
            self.note("a secret: `python.credentials` names one for an index, `token` one for code and models");
        }
    }

    /// A variable as the command sees it.
    pub fn variable(&self, name: &str) -> Option<String> {
        let mut own = self.variables.iter().rev();
        let own = own.find(|(own, _)| own == name).map(|(_, value)| value.clone());
        own.or_else(|| self.reader.stage.variables.get(name).cloned())
    }

    fn commands(&mut self, commands: Vec<Command>) {
        let mut steps = branches::steps(commands).into_iter().peekable();
        while let Some(step) = steps.next() {
            let command = match step {
                Step::Command(command) => command,
                Step::Branches(words) => {
                    let words = words.iter().map(|words| format!("`{words}`"));
                    let words: Vec<_> = words.collect();
                    if !words.is_empty() {
                        self.note(format!(
                            "only under a condition, and not carried over: {}",
                            words.join(", ")
                        ));
                    }
                    continue;
                }
            };
            let is_shell = |next: &Step| {
                matches!(next, Step::Command(next) if next.piped
                    && next.words.first().is_some_and(|word| word.ends_with("sh")))
            };
            match steps.next_if(is_shell) {
                Some(Step::Command(shell)) => {
                    let whole = format!("{} | {}", command.words.join(" "), shell.words.join(" "));
                    self.note(format!("`{}` is not carried over", shortened(&whole)));
                }
                _ => self.command(command),
            }
        }
    }

    /// Tells of something about this `RUN`.
    pub fn note(&mut self, text: impl Into<String>) {
        self.reader.note(self.line, text);
    }

    /// A path as the command means it.
    pub fn path(&self, path: &str) -> String {
        match &self.folder {
            Some(folder) if !path.starts_with('/') => self.reader.path(&format!("{folder}/{path}")),
            _ => self.reader.path(path),
        }
    }

    /// One of the commands.
    pub fn command(&mut self, mut command: Command) {
        self.take_prefixes(&mut command);
        if command.words.first().is_some_and(|program| program == "export") {
            command
                .variables
                .extend(command.words.iter().filter_map(|word| shell::assignment(word)));
        }
        environment::of_command(self, &command);
        let (variables, models) = (self.variables.len(), self.reader.draft.models.len());
        self.variables.extend(command.variables.iter().cloned());
        // What is set by itself holds for the commands after it.
        let holds = command.text.is_none()
            && command.words.first().is_none_or(|program| program == "export");
        if !holds {
            self.runs(&command);
            models::of_command(self, models, &command);
            self.variables.truncate(variables);
        }
    }

    /// Takes off what runs the program without being it.
    fn take_prefixes(&mut self, command: &mut Command) {
        let prefixes = ["sudo", "exec", "time", "nice", "env"];
        while let Some(first) = command.words.first() {
            match shell::assignment(first) {
                Some(pair) => command.variables.push(pair),
                None if prefixes.contains(&first.as_str()) => {}
                None => break,
            }
            command.words.remove(0);
        }
        let plain: Vec<_> = command.words.iter().map(String::as_str).collect();
        if let Some(runner) = runner(&plain) {
            runner.tell(self.reader, self.line);
            self.reader.draft.python.uv |= runner.tool == "uv";
            let program = runner.program.iter().chain(&plain[runner.length..]);
            command.words = program.map(|word| (*word).to_owned()).collect();
        }
    }

    /// What a command runs, without what it is run by.
    fn runs(&mut self, command: &Command) {
        let Some((program, words)) = command.words.split_first() else {
            if let Some(text) = &command.text {
                self.script(text, command);
            }
            return;
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        if let Some(script) = of_shell(program, words, command.text.as_ref()) {
            self.script(script, command);
            return;
        }
        let is_python = program == "python" || program.starts_with("python3");
        let (reader, line) = (&mut *self.reader, self.line);
        let text = command.text.as_ref().filter(|_| !is_python);
        let downloads = text.is_some_and(|text| models::in_python(reader, line, text));
        let installs = program.starts_with("pip") && words.iter().any(|word| word == "install");
        let is_known = program == "set"
            || program.starts_with("apt")
            || LOCKERS.contains(&program)
            || installs
            || (is_python && command.text.is_some());
        if !command.files.is_empty() && !is_known {
            self.writes(command);
        } else if downloads {
        } else if is_python {
            programs::python(self, words, command);
        } else {
            self.tool(program, words, command);
        }
    }

    /// Tells of a command for the sake of the files that it writes.
    fn writes(&mut self, command: &Command) {
        let whole = shortened(&command.words.join(" "));
        let told = command.files.iter().find_map(|file| {
            let name = file.rsplit('/').next().unwrap_or(file);
            let told = repositories::told(name, &self.path(file))?;
            Some(format!("`{file}` is not carried over: have it in the build context, and {told}"))
        });
        self.note(
            told.unwrap_or_else(|| format!("`{whole}` writes a file: it belongs to the code")),
        );
    }

    fn tool(&mut self, program: &str, words: &[String], command: &Command) {
        let whole = || shortened(&command.words.join(" "));
        match program {
            _ if system::MANAGERS.contains(&program) => system::install(self, words),
            "pip" | "pip3" => packages::pip(self, words),
            _ if program.starts_with("pip3.") => packages::pip(self, words),
            _ if LOCKERS.contains(&program) => lockers::tool(self, program, words, &command.files),
            "git" => clones::git(self, words),
            "huggingface-cli" | "hf" => models::hub(self, words),
            "spacy" => programs::module(self, "spacy", words, command),
            "mkdir" => self.make(words),
            "useradd" | "adduser" => self.user(words),
            "cd" => self.folder = words.first().map(|folder| self.path(folder)),
            "chmod" => {
                if words.first().is_some_and(|mode| mode.contains('x')) {
                    self.note("`chmod +x`: files keep the mode that they have in the project");
                }
            }
            "chown" => self.owner(words),
            "curl" | "wget" => self.note(format!(
                "`{}`: a model is `models: [{{url: …, sha256: …, to: …}}]`",
                whole()
            )),
            "conda" | "mamba" | "micromamba" => {
                self.note(format!("`{}`: packages come from Python's indexes", whole()));
            }
            "add-apt-repository" => self.note(format!(
                "`{}`: a repository is a file of the build context that `system.sources` names",
                whole()
            )),
            _ if IDLE.contains(&program) => {}
            _ if command.otherwise => {}
            _ => match TOLD.iter().find(|(name, _)| *name == program) {
                Some((name, told)) => self.note(format!("`{name}` is not carried over: {told}")),
                None => self.unknown(command),
            },
        }
    }

    /// What is done with the code when it is there, and what else nobody knows.
    pub fn unknown(&mut self, command: &Command) {
        let whole = command.words.join(" ");
        let stage = &self.reader.stage;
        let builds = |word: &String| {
            word.starts_with("./")
                || word.starts_with("python")
                || ["make", "protoc", "sh", "bash"].contains(&word.as_str())
        };
        if builds_nothing(&whole) {
            self.note(format!(
                "`{}` downloads: what it fetches goes under `models`",
                shortened(&whole)
            ));
            return;
        }
        match command.words.first() {
            Some(first)
                if stage.is_final
                    && stage.has_code
                    && !command.piped
                    && command.text.is_none()
                    && builds(first) =>
            {
                self.reader.code.build.push(line_of(&command.words));
                environment::of_build(self);
                self.note(format!(
                    "`{}` is `code.build`: what it leaves outside of the code is not kept",
                    shortened(&whole)
                ));
            }
            _ => self.note(format!("`{}` is not carried over", shortened(&whole))),
        }
    }

    /// A text that a shell reads, or what its first line says.
    fn script(&mut self, text: &str, command: &Command) {
        match text.lines().next().and_then(|line| line.strip_prefix("#!")) {
            Some(reader) if reader.contains("python") => programs::program(self, text, command),
            Some(reader) if !reader.contains("sh") => {
                self.note(format!(
                    "a program for `{}` is not carried over",
                    shortened(reader.trim())
                ));
            }
            _ => {
                let variables = self.reader.stage.variables.clone();
                let lookup = |name: &str| variables.get(name).cloned();
                self.commands(shell::commands(&joined(text), &lookup));
            }
        }
    }

    /// Remembers the number of a user that is made.
    fn user(&mut self, words: &[String]) {
        if words.iter().any(|word| word == "-G" || word.starts_with("--groups")) {
            self.note(format!("the groups of a user are not carried over: {OF_USERS}"));
        }
        let at = words.iter().position(|word| ["-u", "--uid"].contains(&word.as_str()));
        let attached = words.iter().find_map(|word| word.strip_prefix("--uid="));
        let number = at.and_then(|at| words.get(at + 1)).map(String::as_str).or(attached);
        let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(number) = number.filter(is_number) {
            // Which word is the name, only the program knows.
            let names = words.iter().filter(|word| !word.starts_with('-') && *word != number);
            let numbers = &mut self.reader.numbers;
            numbers.extend(names.map(|name| (name.clone(), number.to_owned())));
        }
    }

    /// Whom files belong to.
    fn owner(&mut self, words: &[String]) {
        let mut words = words.iter().filter(|word| !word.starts_with('-'));
        let is_root = words.next().is_none_or(|owner| is_root(owner));
        let paths: Vec<_> = words.map(|path| self.path(path)).collect();
        let is_made = |path: &String| self.reader.draft.dirs.contains(path);
        if !is_root && !paths.iter().all(is_made) {
            self.reader.owned(self.line, "chown");
        }
    }

    fn make(&mut self, words: &[String]) {
        for path in words.iter().filter(|word| !word.starts_with('-')) {
            let path = self.path(path);
            let of_build = ["/root", "/tmp", "/etc", "/usr", "/var/lib", "/opt/venv", "/build"];
            if self.reader.stage.is_final
                && fits(&path, values::destination)
                && !of_build.iter().any(|other| path.starts_with(other))
                && path != self.reader.stage.workdir
            {
                add(&mut self.reader.draft.dirs, path);
            }
        }
    }
}

/// The script that a shell is given.
fn of_shell<'c>(
    program: &str,
    words: &'c [String],
    text: Option<&'c String>,
) -> Option<&'c String> {
    if !["sh", "bash", "dash", "ash", "zsh"].contains(&program) {
        return None;
    }
    let is_flag = |word: &&String| word.starts_with('-');
    let flags: Vec<_> = words.iter().take_while(is_flag).collect();
    if flags.iter().any(|flag| !flag.starts_with("--") && flag.contains('c')) {
        words.get(flags.len())
    } else {
        text.filter(|_| flags.len() == words.len())
    }
}

/// Whether a command is there for what it downloads, by its name.
fn builds_nothing(command: &str) -> bool {
    let command = command.to_lowercase();
    let mut names = command.split(' ').filter(|word| !word.contains("://"));
    let is_download = |word: &str| {
        ["download", "prefetch", "warmup", "warm_up"].iter().any(|known| word.contains(known))
    };
    names.any(is_download)
}

/// Words as a line for a shell. Of patterns nobody knows whether they were in quotes: they are
/// left to the shell.
fn line_of(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@%+,~*?[]".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A command as far as it helps to know which one it is.
pub fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let start: String = line.chars().take(60).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}
