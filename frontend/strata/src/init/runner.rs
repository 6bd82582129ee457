//! `uv run` and its like, before the program that they run.

use super::{
    Note,
    dockerfile::Dockerfile,
    draft::Words,
    lockers::LOCKERS,
    shell::{assignment, words},
};

/// Their flags that say only what is installed before, or how much is told.
const IDLE_FLAGS: [&str; 12] = [
    "--frozen",
    "--locked",
    "--no-sync",
    "--no-dev",
    "--no-cache",
    "--no-progress",
    "--offline",
    "--active",
    "--no-interaction",
    "--quiet",
    "-q",
    "-n",
];

/// Their flags whose value is the next word.
const VALUED_FLAGS: [&str; 21] = [
    "--with",
    "--with-editable",
    "--with-requirements",
    "--extra",
    "--group",
    "--only-group",
    "--no-group",
    "--no-extra",
    "--package",
    "--python",
    "-p",
    "--env-file",
    "--project",
    "--directory",
    "-C",
    "--config-file",
    "--cache-dir",
    "--index",
    "--default-index",
    "--index-url",
    "--extra-index-url",
];

/// The words before a program that is run in a project's environment: `uv run`.
pub struct Runner<'w> {
    /// How many there are.
    pub length: usize,
    /// What comes in their place.
    pub program: &'static [&'static str],
    /// What runs it.
    pub tool: &'w str,
    flags: Vec<&'w str>,
}

/// The runner that a command begins with.
pub fn runner<'w>(words: &[&'w str]) -> Option<Runner<'w>> {
    let tool = words.first()?.rsplit('/').next().filter(|tool| LOCKERS.contains(tool))?;
    let is_uv = tool == "uv";
    let mut found = Runner { length: 1, program: &[], tool, flags: Vec::new() };
    let mut runs = false;
    while let Some(word) = words.get(found.length).copied() {
        found.length += 1;
        match word {
            "run" if !runs => runs = true,
            "--" if runs => break,
            "-m" | "--module" if runs && is_uv => {
                found.program = &["python", "-m"];
                break;
            }
            _ if word.starts_with('-') => {
                found.flags.push(word);
                if VALUED_FLAGS.contains(&word) {
                    found.length = words.len().min(found.length + 1);
                }
            }
            _ if !runs => return None,
            _ => {
                found.length -= 1;
                break;
            }
        }
    }
    let is_script = |word: &&str| word.ends_with(".py");
    if is_uv && found.program.is_empty() && words.get(found.length).is_some_and(is_script) {
        found.program = &["python"];
    }
    runs.then_some(found)
}

/// A program by its name alone, where it is one of an environment, whose programs are on the image's
/// `PATH`.
fn on_path(program: &str) -> &str {
    let name = program.rsplit_once("venv/bin/").map_or(program, |(_, name)| name);
    if name.contains('/') { program } else { name }
}

/// A line for a shell with such programs by their names.
fn with_programs_on_path(line: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "'\"();&|".contains(c);
    let mut parts = line.split("venv/bin/");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let start = whole.rfind(ends).map_or(0, |at| at + 1);
        let is_program = !part.split(ends).next().unwrap_or_default().contains('/');
        if is_program && !whole[start..].contains('=') {
            whole.truncate(start)
        } else {
            whole.push_str("venv/bin/")
        }
        whole.push_str(part);
    }
    whole
}

impl Runner<'_> {
    /// Tells of flags that mean something to the program.
    pub fn tell(&self, reader: &mut Dockerfile<'_>, line: usize) {
        let plain = |flag: &&str| !IDLE_FLAGS.contains(flag);
        let flags: Vec<_> = self.flags.iter().copied().filter(plain).collect();
        if !flags.is_empty() {
            let (tool, flags) = (self.tool, flags.join(" "));
            reader.note(line, format!("`{tool} run {flags}`: the program runs without {tool}, and without what these flags ask for"));
        }
    }
}

impl Dockerfile<'_> {
    /// Tells of scripts of the project that start programs as they are started where it was
    /// installed.
    pub fn look_into_scripts(&mut self) {
        const STARTS: [&str; 6] =
            ["venv/bin/", "uv run", "poetry run", "pdm run", "pipenv run", "conda activate"];
        let commands = self.draft.entrypoint.iter().chain(&self.draft.cmd);
        let named = commands.flat_map(|command| match command {
            Words::Line(line) => words(line, &|_| None),
            Words::List(list) => list.iter().flat_map(|word| words(word, &|_| None)).collect(),
        });
        let scripts: Vec<_> = named.filter(|word| word.ends_with(".sh")).collect();
        for script in scripts {
            let plain = || script.rsplit('/').next().unwrap_or(&script).to_owned();
            let name = self.in_context(&script).unwrap_or_else(plain);
            let text = self.project.read(&name).unwrap_or_default();
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().starts_with('#'));
            for (index, start) in lines.filter_map(|(index, line)| {
                Some((index, STARTS.into_iter().find(|start| line.contains(start))?))
            }) {
                let text = format!(
                    "`{start}`: programs are on the image's `PATH`, and are started by their names"
                );
                self.notes.push(Note { place: Some((name.clone(), index + 1)), text });
            }
        }
    }

    /// A command of the image, whose programs are on its `PATH`, without `uv run` and its like.
    pub fn without_runner(&mut self, line: usize, mut words: Vec<String>) -> Vec<String> {
        if let [shell, flag, script, ..] = &mut words[..]
            && shell.ends_with("sh")
            && flag.starts_with('-')
            && flag.ends_with('c')
        {
            *script = self.line_without_runners(line, script);
        }
        if let Some(program) = words.first_mut() {
            *program = on_path(program).to_owned();
        }
        let plain: Vec<_> = words.iter().map(String::as_str).collect();
        let Some(runner) = runner(&plain) else { return words };
        runner.tell(self, line);
        let program = runner.program.iter().chain(&plain[runner.length..]);
        program.map(|word| (*word).to_owned()).collect()
    }

    /// A line for a shell, each of whose commands may have one.
    pub fn line_without_runners(&mut self, line: usize, text: &str) -> String {
        let text = with_programs_on_path(text);
        let mut whole = String::new();
        for part in text.split_inclusive(['&', '|', ';', '(', '\n']) {
            let mut command = part.trim_start();
            whole.push_str(&part[..part.len() - command.len()]);
            while let Some((word, rest)) = command.split_once(' ')
                && (word == "exec" || (assignment(word).is_some() && !word.contains(['"', '\''])))
            {
                whole.extend([word, " "]);
                command = rest.trim_start();
            }
            let plain: Vec<_> = command.split_whitespace().collect();
            let Some(runner) = runner(&plain) else {
                whole.push_str(command);
                continue;
            };
            runner.tell(self, line);
            runner.program.iter().for_each(|word| whole.extend([word, " "]));
            let program = (0..runner.length).fold(command, |rest, _| {
                let rest = rest.trim_start();
                &rest[rest.find(char::is_whitespace).unwrap_or(rest.len())..]
            });
            whole.push_str(program.trim_start());
        }
        whole
    }
}
