//! Texts that a command of a `RUN` reads: `python3 - <<EOF`. The parser knows those that are the
//! whole `RUN`, and takes what others hold for instructions.

use std::collections::BTreeMap;

/// The Dockerfile without these texts, every byte of which is a comment's, and the texts by the
/// lines of their instructions.
pub fn taken_out(text: &str) -> (String, BTreeMap<usize, String>) {
    let mut rest = String::with_capacity(text.len());
    let mut texts = BTreeMap::new();
    let mut instruction = None;
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((index, line)) = lines.next() {
        rest.push_str(line);
        let begins = instruction.unwrap_or(index);
        let is_comment = line.trim_start().starts_with('#');
        let continues = line.trim_end().ends_with('\\') || (is_comment && instruction.is_some());
        if instruction.is_none() && !is_run(line) {
            continue;
        }
        let end = if is_comment { None } else { delimiter(line) };
        instruction = (continues && end.is_none()).then_some(begins);
        let Some(end) = end else { continue };
        let body: &mut String = texts.entry(begins + 1).or_default();
        for (_, line) in lines.by_ref() {
            rest.push_str(&as_comment(line));
            if line.trim() == end {
                break;
            }
            body.push_str(line);
        }
    }
    (rest, texts)
}

fn is_run(line: &str) -> bool {
    let word = line.trim_start().get(..4).unwrap_or_default();
    word.trim_end().eq_ignore_ascii_case("RUN")
}

/// What ends the text that a command on this line reads.
fn delimiter(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let (before, after) = line.split_once("<<")?;
    // A whole `RUN`, after its name and its flags, is the parser's.
    let mut words = before.split_whitespace().skip(1);
    let is_whole = is_run(line) && words.all(|word| word.starts_with("--"));
    let name = after.trim_start_matches('-').trim_start_matches(['"', '\'']);
    let length = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let name = &name[..length];
    (!is_whole && !name.is_empty()).then_some(name)
}

/// A comment of as many bytes.
fn as_comment(line: &str) -> String {
    let ending = &line[line.trim_end_matches(['\r', '\n']).len()..];
    "#".repeat(line.len() - ending.len()) + ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_commands() {
        let text = "FROM a\nRUN x && \\\n python - <<'EOF' && y\nfrom é import a\nEOF\nRUN <<EOF\nz\nEOF\nCMD b\n";
        let (rest, texts) = taken_out(text);
        assert_eq!(rest.len(), text.len());
        assert_eq!(rest.lines().nth(3), Some("################"));
        assert!(rest.ends_with("RUN <<EOF\nz\nEOF\nCMD b\n"));
        assert_eq!(texts, BTreeMap::from([(2, "from é import a\n".to_owned())]));
    }
}
