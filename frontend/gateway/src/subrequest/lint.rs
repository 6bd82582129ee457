//! What is wrong with a build's definition, or likely to be.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use llb::{Location, SourceFile};
use serde_json::{Value, json};

use super::{STATUS, parts};
use crate::{BuildResult, Error, Warning};

/// The answer to [`super::Subrequest::Lint`]: warnings, or what a build would fail with.
///
/// # Errors
///
/// That failure, if it blames no line: clients look up the file of one that is part of an answer.
pub fn lint(found: Result<Vec<Warning>, Error>) -> Result<BuildResult, Error> {
    let mut sources = Vec::new();
    let (warnings, error) = match found {
        Ok(warnings) => (warnings, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let listed: Vec<Value> = warnings.iter().map(|it| listed(it, &mut sources)).collect();
    let mut report = json!({ "warnings": listed });
    let mut texts: Vec<String> = warnings.iter().map(text).collect();
    if let Some(error) = error {
        let Some(location) = place(error.locations(), &mut sources) else { return Err(error) };
        report["buildError"] = json!({ "message": error.message(), "location": location });
        texts.push(format!("ERROR: {}\n", error.message()));
    }
    report["sources"] = sources.iter().map(|file| source(file)).collect();
    let status = if texts.is_empty() { "0" } else { "1" };
    let mut parts = parts(&report, texts.join("\n"));
    parts.insert(STATUS.to_owned(), status.as_bytes().to_vec());
    Ok(BuildResult::Answer(parts))
}

fn listed(warning: &Warning, sources: &mut Vec<Arc<SourceFile>>) -> Value {
    // The printer looks at it in any case.
    let location = place(&warning.locations, sources).unwrap_or(json!({ "sourceIndex": -1 }));
    json!({
        "ruleName": warning.rule,
        "url": warning.url,
        "detail": detail(warning),
        "location": location,
    })
}

fn text(warning: &Warning) -> String {
    format!("WARNING: {}{}\n{}\n", warning.rule, warning.line(), detail(warning))
}

/// What the rule has to say.
fn detail(warning: &Warning) -> String {
    let lines = [&*warning.text].into_iter().chain(warning.detail.iter().map(String::as_str));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first file of some places, by its index in `sources`, and the lines there.
fn place(locations: &[Location], sources: &mut Vec<Arc<SourceFile>>) -> Option<Value> {
    let file = &locations.first()?.file;
    let known = sources.iter().position(|source| source == file);
    let index = known.unwrap_or_else(|| {
        sources.push(Arc::clone(file));
        sources.len() - 1
    });
    let lines = locations.iter().filter(|location| location.file == *file).map(|it| it.lines);
    let ranges: Vec<Value> = lines
        .map(|lines| json!({ "start": { "line": lines.start }, "end": { "line": lines.end } }))
        .collect();
    Some(json!({ "sourceIndex": index, "ranges": ranges }))
}

fn source(file: &SourceFile) -> Value {
    let data = BASE64_STANDARD.encode(&file.data);
    json!({ "filename": file.name, "language": file.language, "data": data })
}
