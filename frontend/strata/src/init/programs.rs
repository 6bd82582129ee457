//! What a build has Python run: tools as modules, and programs that are written into the Dockerfile.

use super::{
    draft::{add, fits},
    lockers::LOCKERS,
    models, packages,
    run::Run,
    shell::Command,
};
use crate::manifest::values;

/// Modules that Python itself has.
const STANDARD: [&str; 16] = [
    "sys",
    "os",
    "re",
    "json",
    "time",
    "ssl",
    "logging",
    "pathlib",
    "subprocess",
    "shutil",
    "sqlite3",
    "platform",
    "sysconfig",
    "site",
    "importlib",
    "typing",
];

/// A program of Python, for the models that it downloads or the modules that it imports.
pub fn program(run: &mut Run<'_, '_>, code: &str, command: &Command) {
    if !models::in_python(run.reader, run.line, code) && !verify(run, code) {
        run.unknown(command);
    }
}

/// Python's own command line.
pub fn python(run: &mut Run<'_, '_>, words: &[String], command: &Command) {
    let at = words.iter().position(|word| !word.starts_with('-') || word == "-m" || word == "-c");
    let words = &words[at.unwrap_or(words.len())..];
    match words {
        [flag, name, rest @ ..] if flag == "-m" => module(run, name, rest, command),
        [flag, code, ..] if flag == "-c" => program(run, code, command),
        [] => {
            if let Some(text) = &command.text {
                program(run, text, command);
            }
        }
        _ => run.unknown(command),
    }
}

/// A program that is called as a module.
pub fn module(run: &mut Run<'_, '_>, name: &str, words: &[String], command: &Command) {
    match name {
        "pip" => packages::pip(run, words),
        _ if LOCKERS.contains(&name) => {
            let words = std::iter::once(name.to_owned()).chain(words.iter().cloned());
            run.command(Command { words: words.collect(), ..command.clone() });
        }
        "venv" | "virtualenv" | "ensurepip" | "compileall" => {}
        "spacy" => match words {
            [download, pipeline, ..] if download == "download" => {
                models::spacy(run.reader, run.line, pipeline);
            }
            _ => {}
        },
        "nltk.downloader" | "nltk" => models::command(run, "nltk", &command.words.join(" ")),
        _ => run.unknown(command),
    }
}

/// A program that only imports: what it imports must.
fn verify(run: &mut Run<'_, '_>, code: &str) -> bool {
    let mut modules = Vec::new();
    for statement in code.split([';', '\n']).map(str::trim) {
        let (first, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        match first {
            "import" => {
                let names = rest.split(',').filter_map(|name| name.split_whitespace().next());
                modules.extend(names.map(str::to_owned));
            }
            "from" => modules.extend(rest.split(' ').next().map(str::to_owned)),
            _ if statement.is_empty() || statement.starts_with("print") => {}
            _ => return false,
        }
    }
    let reader = &mut *run.reader;
    let of_code = reader.stage.is_final && reader.stage.has_code;
    for module in modules.into_iter().filter(|module| fits(module, values::module)) {
        let top = module.split('.').next().unwrap_or(&module);
        if !STANDARD.contains(&top) {
            let verify =
                if of_code { &mut reader.code.verify } else { &mut reader.draft.python.verify };
            add(verify, module);
        }
    }
    true
}
