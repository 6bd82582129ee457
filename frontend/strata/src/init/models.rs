//! Models that a build downloads, by the commands and the calls that do it.

use super::{
    dockerfile::Dockerfile,
    draft::{Model, add, fits},
    environment::OF_CACHES,
    run::{Run, Secret, shortened},
    shell::Command,
};
use crate::{in_image::HF_HOME, manifest::values};

/// Calls that download a repository of the hub, with the organisation of those that leave it out.
const CALLS: [(&str, &str); 6] = [
    ("snapshot_download", ""),
    ("hf_hub_download", ""),
    ("SentenceTransformer", "sentence-transformers/"),
    ("CrossEncoder", ""),
    ("from_pretrained", ""),
    ("pipeline", ""),
];

/// Variables with the hub's token.
pub const TOKENS: [&str; 3] = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"];

/// Calls that download what only a command can have again, with the package that does it.
const COMMANDS: [(&str, &str); 5] = [
    ("nltk.download", "nltk"),
    ("whisper.load_model", "openai-whisper"),
    ("torch.hub.load", "torch"),
    ("easyocr.Reader", "easyocr"),
    ("tiktoken.get_encoding", "tiktoken"),
];

/// The hub that is asked if nothing is said.
const HUB: &str = "https://huggingface.co";

/// What to know where a Dockerfile has a folder of its own for a cache.
pub fn of_cache() -> String {
    format!("models are in the Hugging Face cache, {HF_HOME} or what `env` sets `HF_HOME` to")
}

/// Finds models in a program of Python, and says whether there are any.
pub fn in_python(reader: &mut Dockerfile<'_>, line: usize, code: &str) -> bool {
    let mut found = false;
    for (call, organisation) in CALLS {
        for arguments in calls(code, call) {
            let of = |key: &str| {
                arguments.iter().find(|(own, _)| own == key).map(|(_, text)| text.clone())
            };
            let mut plain =
                arguments.iter().filter(|(key, _)| key.is_empty()).map(|(_, text)| text.clone());
            let name = match call {
                "pipeline" => of("model"),
                _ => of("repo_id").or_else(|| of("model_name_or_path")).or_else(|| plain.next()),
            };
            let Some(name) = name else { continue };
            let is_dataset = of("repo_type").is_some_and(|kind| kind == "dataset");
            let name = match (is_dataset, name.contains('/')) {
                (true, _) => format!("datasets/{name}"),
                (false, true) => name,
                (false, false) => format!("{organisation}{name}"),
            };
            let file = (call == "hf_hub_download").then(|| of("filename").or_else(|| plain.next()));
            let files = file.flatten().into_iter().collect();
            let patterns = ["allow_patterns", "ignore_patterns"];
            if patterns.iter().any(|key| code.contains(key)) {
                reader.note(line, format!("`{name}`: which of its files are wanted is `files`"));
            }
            if let Some(key) = ["cache_dir", "cache_folder"].iter().find(|key| code.contains(*key))
            {
                cache(reader, line, key);
            }
            repository(reader, line, name, of("revision"), files, of("local_dir"));
            found = true;
        }
    }
    for arguments in calls(code, "spacy.cli.download") {
        if let Some((_, name)) = arguments.first() {
            spacy(reader, line, name);
            found = true;
        }
    }
    for (call, package) in COMMANDS {
        if !calls(code, call).is_empty() {
            reader.note(line, by_command(package, &shortened(code)));
            found = true;
        }
    }
    reader.stage.has_models |= found;
    found
}

/// Tells of a command that downloads models.
pub fn command(run: &mut Run<'_, '_>, package: &str, words: &str) {
    run.reader.stage.has_models = true;
    run.note(by_command(package, &shortened(words)));
}

/// Tells of a folder for a cache that a program names.
fn cache(reader: &mut Dockerfile<'_>, line: usize, key: &str) {
    reader.note(
        line,
        format!(
            "`{key}`: take it out of the program, or give the model a folder with `to`; {}",
            of_cache()
        ),
    );
}

fn by_command(package: &str, words: &str) -> String {
    format!(
        "`{words}` downloads: `models: [{{run: …, needs: {package}, keep: …}}]`, with the folder that it downloads into"
    )
}

/// `huggingface-cli`, after its name.
pub fn hub(run: &mut Run<'_, '_>, words: &[String]) {
    let Some((verb, words)) = words.split_first() else { return };
    if verb != "download" {
        if verb == "login" || words.first().is_some_and(|word| word == "login") {
            run.note("a token for models: `token: secret:hf_token`, and `--secret id=hf_token,env=HF_TOKEN`");
        }
        return;
    }
    let (mut plain, mut files, mut revision, mut to, mut kind) =
        (Vec::new(), Vec::new(), None, None, None);
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (flag, attached) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        let mut value = || attached.clone().or_else(|| words.next().cloned());
        match flag {
            "--include" => {
                files.extend(attached.clone());
                while let Some(pattern) = words.next_if(|word| !word.starts_with('-')) {
                    files.push(pattern.clone());
                }
            }
            "--revision" => revision = value(),
            "--local-dir" => to = value(),
            "--repo-type" => kind = value(),
            "--cache-dir" => {
                value();
                cache(run.reader, run.line, "--cache-dir");
            }
            "--token" | "--local-dir-use-symlinks" | "--max-workers" => drop(value()),
            "--exclude" => {
                value();
                run.note("`--exclude`: `files` names what is wanted");
            }
            _ if flag.starts_with('-') => {}
            _ => plain.push(word.clone()),
        }
    }
    let Some(name) = plain.first() else { return };
    let name = match kind.as_deref() {
        Some("dataset") => format!("datasets/{name}"),
        _ => name.clone(),
    };
    files.extend(plain.into_iter().skip(1));
    let to = to.map(|to| run.path(&to));
    repository(run.reader, run.line, name, revision, files, to);
}

/// What a command's variables and secrets say of the models that it downloads: those from `first`
/// on.
pub fn of_command(run: &mut Run<'_, '_>, first: usize, command: &Command) {
    let is_of_hub = |model: &&mut Model| model.what.0 == "hf";
    if !run.reader.draft.models.iter_mut().skip(first).any(|model| is_of_hub(&model)) {
        return;
    }
    let endpoint = run.variable("HF_ENDPOINT").filter(|url| !url.is_empty());
    let is_url = |url: &String| fits(url, values::hub) && !url.contains('$');
    if endpoint.as_ref().is_some_and(|url| !is_url(url)) {
        run.note("`HF_ENDPOINT`: the hub is `models.endpoint`, or the build argument of that name");
    }
    let endpoint = endpoint.filter(is_url).filter(|url| url.trim_end_matches('/') != HUB);
    let token = token(run, command);
    for model in run.reader.draft.models.iter_mut().skip(first).filter(is_of_hub) {
        model.endpoint = model.endpoint.take().or_else(|| endpoint.clone());
        model.token = model.token.take().or_else(|| token.clone());
    }
}

/// The id of the build secret with a command's token: that of the file which it reads, or of the
/// secret which it mounts.
fn token(run: &mut Run<'_, '_>, command: &Command) -> Option<String> {
    let variables = run.variables.iter().map(|(name, value)| format!("{name}={value}"));
    let text = command.text.iter().cloned();
    let said = variables.chain(command.words.iter().cloned()).chain(text);
    let said = said.collect::<Vec<_>>().join("\n");
    let is_of_hub = |secret: &Secret| {
        let id = secret.id.to_lowercase();
        let names = secret.variable.iter().any(|name| TOKENS.contains(&name.as_str()));
        names || id.starts_with("hf") || id.contains("hugging") || secret.target.contains("hugging")
    };
    let mut secrets = run.secrets.iter_mut();
    let secret = secrets.find(|secret| said.contains(&secret.target) || is_of_hub(secret));
    let variables = &run.reader.stage.variables;
    let is_asked = TOKENS.iter().any(|name| said.contains(name) || variables.contains_key(*name))
        || said.contains("--token");
    let id = match secret {
        Some(secret) => {
            secret.is_used = true;
            Some(secret.id.clone())
        }
        None => is_asked.then(|| "hf_token".to_owned()),
    };
    id.map(|id| format!("secret:{id}")).filter(|secret| fits(secret, values::secret))
}

/// A repository of the hub, all of it or files, in the cache or in a folder.
pub fn repository(
    reader: &mut Dockerfile<'_>,
    line: usize,
    name: String,
    revision: Option<String>,
    files: Vec<String>,
    to: Option<String>,
) {
    reader.stage.has_models = true;
    if !fits(&name, values::repository) || !files.iter().all(|file| fits(file, values::pattern)) {
        let name = shortened(&name);
        reader.note(line, format!("`{name}` is no model's name: list it under `models`"));
        return;
    }
    // A single file goes below the folder, as it does there.
    let single = files.len() == 1 && !files[0].contains('*');
    let to = to
        .map(|to| if single { format!("{to}/{}", files[0]) } else { to })
        .map(|to| reader.path(&to));
    let to = to.filter(|to| fits(to, values::files_destination));
    let revision =
        revision.filter(|revision| fits(revision, values::revision) && revision != "main");
    let what = ("hf", name);
    let models = &mut reader.draft.models;
    match models.iter_mut().find(|model| model.what == what && model.to == to) {
        Some(model) if files.is_empty() => model.files.clear(),
        Some(model) if model.files.is_empty() => {}
        Some(model) => files.into_iter().for_each(|file| add(&mut model.files, file)),
        None => put(reader, line, Model { what, revision, files, to, ..Model::default() }),
    }
}

/// One of spaCy's pipelines; its version is settled when all packages are known.
pub fn spacy(reader: &mut Dockerfile<'_>, line: usize, name: &str) {
    reader.stage.has_models = true;
    let (name, version) = match name.split_once('-') {
        Some((name, version)) => (name, Some(version)),
        None => (name, None),
    };
    let named = format!("{name}=={}", version.unwrap_or("3.8.0"));
    if !fits(&named, values::pipeline) {
        reader.note(line, format!("`{}` is none of spaCy's pipelines", shortened(name)));
        return;
    }
    let what = if version.is_some() { named } else { name.to_owned() };
    if version.is_none() {
        reader.note(line, format!("which release of {name} fits your spaCy is to be looked up: https://github.com/explosion/spacy-models/releases"));
    }
    put(reader, line, Model { what: ("spacy", what), ..Model::default() });
}

/// Adds a model, in a place of its own.
fn put(reader: &mut Dockerfile<'_>, line: usize, model: Model) {
    let place = |model: &Model| {
        let name = values::pipeline_name(&model.what.1);
        model.to.as_ref().map_or(name, |to| to.trim_end_matches('/')).to_owned()
    };
    match reader.draft.models.iter().find(|other| place(other) == place(&model)) {
        Some(same) if *same == model => {}
        Some(_) => reader.note(line, format!("two models in one place: `{}`", place(&model))),
        None => reader.draft.models.push(model),
    }
}

/// Whether a folder of a stage that is copied holds models that go to folders of their own, which
/// are in the copy then.
pub fn copied(reader: &mut Dockerfile<'_>, source: &str, to: &str, into: bool) -> bool {
    let source = format!("/{}", source.trim_matches('/'));
    let root = to.trim_end_matches('/');
    let mut found = false;
    for model in &mut reader.draft.models {
        let Some(at) = &model.to else { continue };
        let Some(rest) = at.strip_prefix(&source) else { continue };
        let is_file = matches!(&model.files[..], [file] if !file.contains('*'));
        let new = match rest {
            "" if is_file && into => format!("{root}/{}", at.rsplit('/').next().unwrap_or(at)),
            "" => to.to_owned(),
            _ => format!("{root}{rest}"),
        };
        if (rest.is_empty() || rest.starts_with('/')) && fits(&new, values::files_destination) {
            model.to = Some(new);
            found = true;
        }
    }
    found
}

/// Leaves out where single libraries look for models that are in the cache, and gives pipelines the
/// version that goes with the spaCy that is asked for.
pub fn settle(reader: &mut Dockerfile<'_>) {
    let in_cache = |model: &Model| model.what.0 == "hf" && model.to.is_none();
    if reader.draft.models.iter().any(in_cache) {
        reader.draft.env.retain(|(name, _)| !OF_CACHES.contains(&name.as_str()));
        for (line, name) in std::mem::take(&mut reader.caches) {
            reader.note(line, format!("`{name}` is not carried over: {}", of_cache()));
        }
    }
    let python = &reader.draft.python;
    let files = python.requirements.iter().filter_map(|name| reader.project.read(name));
    let lines = files.collect::<Vec<_>>().join("\n") + "\n" + &python.packages.join("\n");
    let pin = lines.lines().find_map(|line| line.trim().strip_prefix("spacy=="));
    let series = pin.and_then(|version| {
        let mut parts = version.split('.');
        Some(format!(
            "{}.{}",
            parts.next()?,
            parts.next()?.trim_end_matches(|c: char| !c.is_ascii_digit())
        ))
    });
    let series = series.unwrap_or_else(|| "3.8".to_owned());
    // The English ones of 3.7 were released once more.
    let release = if series == "3.7" { "3.7.1".to_owned() } else { format!("{series}.0") };
    let has_pipeline = reader.draft.models.iter().any(|model| model.what.0 == "spacy");
    if has_pipeline && !reader.draft.python.installs() {
        reader.draft.python.packages.push("spacy".to_owned());
    }
    for model in &mut reader.draft.models {
        if model.what.0 == "spacy" && !model.what.1.contains("==") {
            model.what.1 = format!("{}=={release}", model.what.1);
        }
    }
}

/// The texts that a function is called with, each with its name or none, for every call of it.
fn calls(code: &str, function: &str) -> Vec<Vec<(String, String)>> {
    let mut calls = Vec::new();
    for (start, _) in code.match_indices(function) {
        let before = code[..start].chars().next_back();
        let rest = &code[start + function.len()..];
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            && let Some(inside) = rest.strip_prefix('(')
        {
            calls.push(arguments(inside));
        }
    }
    calls
}

/// The texts among the arguments of a call, up to its closing bracket.
fn arguments(inside: &str) -> Vec<(String, String)> {
    let mut arguments = Vec::new();
    let mut key = String::new();
    let mut depth = 0_usize;
    let mut characters = inside.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' | '\'' => {
                let text: String = characters.by_ref().take_while(|end| *end != c).collect();
                if depth == 0 {
                    let name = key.strip_suffix('=').unwrap_or_default();
                    arguments.push((name.trim().to_owned(), text));
                }
                key.clear();
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' => key.clear(),
            _ if c.is_whitespace() => {}
            _ => key.push(c),
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_is_called_with() {
        let code =
            "x.snapshot_download(repo_id = 'a/b', files=['x'], to=\"c\"); snapshot_download('d')";
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            calls(code, "snapshot_download"),
            [vec![pair("repo_id", "a/b"), pair("to", "c")], vec![pair("", "d")]]
        );
        assert!(calls("my_pipeline('x')", "pipeline").is_empty());
    }
}
