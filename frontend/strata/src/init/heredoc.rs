//! Texts that the commands of a `RUN` read: `python - <<EOF`. The parser knows only one, and only
//! where it is the first word of all.

use std::collections::BTreeMap;

use super::shell::{joined, words};

/// What ends a text, and whether tabs before it are left out.
type End = (String, bool);

/// The Dockerfile for the parser, in which these texts are comments of as many bytes and nothing
/// asks for them; and the lines of the texts, with those that end them, by the lines of their
/// instructions. A text that never ends is none, as `BuildKit` has it (`parser.go`).
pub fn taken_out(text: &str) -> (String, BTreeMap<usize, String>) {
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let mut rest = String::with_capacity(text.len());
    let mut texts = BTreeMap::new();
    let mut at = 0;
    while at < lines.len() {
        let begins = at;
        let mut continues = !is_skipped(lines[at]) && is_continued(lines[at]);
        at += 1;
        while continues && at < lines.len() {
            continues = is_skipped(lines[at]) || is_continued(lines[at]);
            at += 1;
        }
        let instruction = lines[begins..at].concat();
        let name = name(&instruction);
        let may_have = ["RUN", "COPY", "ADD"].contains(&name.as_str());
        let ends = if may_have { ends(&joined(&instruction)) } else { Vec::new() };
        let read = &lines[at..at + length(&lines[at..], &ends).unwrap_or_default()];
        if read.is_empty() || name != "RUN" {
            rest.push_str(&instruction);
            read.iter().for_each(|line| rest.push_str(line));
        } else {
            rest.push_str(&instruction.replace("<<", ">>"));
            read.iter().for_each(|line| rest.push_str(&as_comment(line)));
            texts.insert(begins + 1, read.concat());
        }
        at += read.len();
    }
    (rest, texts)
}

/// Whether Docker skips a line, also within an instruction.
fn is_skipped(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn is_continued(line: &str) -> bool {
    line.trim_end().strip_suffix('\\').is_some_and(|rest| !rest.ends_with('\\'))
}

/// What an instruction is, in capitals.
fn name(instruction: &str) -> String {
    let mut words = instruction.split_whitespace().map(str::to_uppercase);
    words.find(|word| word != "ONBUILD").unwrap_or_default()
}

/// The ends of the texts that an instruction reads: its words `<<NAME`, without quotes around all
/// of one.
fn ends(instruction: &str) -> Vec<End> {
    let end = |word: String| {
        let sign = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let name = sign.strip_prefix("<<")?;
        let (name, tabs) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let name = words(name, &|_| None).concat();
        (!name.is_empty() && !name.contains('<')).then_some((name, tabs))
    };
    in_quotes(instruction).into_iter().filter_map(end).collect()
}

/// Words as they are written, with their quotes.
fn in_quotes(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quote, mut escaped) = (None, false);
    for c in text.chars() {
        if quote.is_none() && !escaped && c.is_whitespace() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        word.push(c);
        if !escaped && quote == Some(c) {
            quote = None;
        } else if !escaped && quote.is_none() && "\"'".contains(c) {
            quote = Some(c);
        }
        escaped = !escaped && c == '\\' && quote != Some('\'');
    }
    words.push(word);
    words
}

/// How many lines the texts with these ends have.
fn length(lines: &[&str], ends: &[End]) -> Option<usize> {
    let mut length = 0;
    for (end, tabs) in ends {
        let is_end = |line: &&str| {
            let line = line.trim_end_matches(['\r', '\n']);
            let line = if *tabs { line.trim_start_matches('\t') } else { line };
            line == end
        };
        length += 1 + lines[length..].iter().position(is_end)?;
    }
    Some(length)
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
        let text = "FROM a\nRUN x && \\\n python - <<'EOF' && y <<B \\\n# c\n z\nfrom é import a\nEOF\nB\n\
                    RUN --a \\\n <<-EOF\nz\n\tEOF\nCOPY <<RUN /b\nRUN cat <<C\nRUN\nCMD b\n";
        let (rest, texts) = taken_out(text);
        assert_eq!(rest.len(), text.len());
        let expected = "FROM a\nRUN x && \\\n python - >>'EOF' && y >>B \\\n# c\n z\n\
                        ################\n###\n#\n\
                        RUN --a \\\n >>-EOF\n#\n####\nCOPY <<RUN /b\nRUN cat <<C\nRUN\nCMD b\n";
        assert_eq!(rest, expected);
        let read = [(2, "from é import a\nEOF\nB\n".to_owned()), (9, "z\n\tEOF\n".to_owned())];
        assert_eq!(texts, BTreeMap::from(read));
    }

    #[test]
    fn what_is_no_text() {
        for text in [
            "RUN sed -i 's/<<VERSION>>/1/' f\nVERSION\n",
            "RUN sed 's/ <<A /1/'\nA\n",
            "RUN x <<EOF\ny\n",
            "RUN x $((1<<2))\n2\n",
            "RUN cat <<< A\nA\n",
            "ENV A=\"x <<B\"\nB\n",
            "# RUN x <<A\nA\n",
        ] {
            assert_eq!(taken_out(text), (text.to_owned(), BTreeMap::new()));
        }
    }
}
