//! A shell's words, and the commands of a script, as far as they can be told without running it.

use std::{collections::VecDeque, iter::Peekable, str::Chars};

/// Finds the value of a variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A command, and what it has to do with the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its words, quotes and known variables taken out.
    pub words: Vec<String>,
    /// Variables set for it alone.
    pub variables: Vec<(String, String)>,
    /// Whether it runs only where the one before it failed (`||`).
    pub otherwise: bool,
    /// Whether it gets the output of the one before it (`|`).
    pub piped: bool,
    /// Files that it writes or reads by a sign (`>`).
    pub files: Vec<String>,
    /// The text below it that it reads (`<<EOF`).
    pub text: Option<String>,
}

/// A word of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its text, with nothing for variables whose values nobody knows.
    pub text: String,
    /// The names of these variables.
    pub unknown: Vec<String>,
}

/// The words of an instruction, with the names of variables that nobody knows.
pub fn words(text: &str, lookup: Lookup<'_>) -> Vec<String> {
    let mut lexer = Lexer::new(text, lookup);
    let mut words = Vec::new();
    while let Some(token) = lexer.next() {
        if let Token::Word(word) = token {
            words.push(word);
        }
    }
    words
}

/// The words of an instruction, as Docker has them where its variables are all there are.
pub fn filled(text: &str, lookup: Lookup<'_>) -> Vec<Word> {
    let mut lexer = Lexer { erases: true, ..Lexer::new(text, lookup) };
    let mut words = Vec::new();
    while let Some(token) = lexer.next() {
        if let Token::Word(text) = token {
            words.push(Word { text, unknown: std::mem::take(&mut lexer.unknown) });
        }
    }
    words
}

/// The commands of a script.
pub fn commands(script: &str, lookup: Lookup<'_>) -> Vec<Command> {
    let mut lexer = Lexer { script: true, ..Lexer::new(script, lookup) };
    let mut commands = vec![Command::default()];
    // Those whose texts come after the end of the line.
    let mut readers = VecDeque::new();
    let mut is_file = false;
    while let Some(token) = lexer.next() {
        let index = commands.len() - 1;
        let command = &mut commands[index];
        match token {
            Token::Word(file) if is_file => {
                is_file = false;
                command.files.extend(Some(file).filter(|file| !is_stream(file)));
            }
            Token::Word(word) => match assignment(&word) {
                Some(pair) if command.words.is_empty() => command.variables.push(pair),
                _ => command.words.push(word),
            },
            Token::Redirection => is_file = true,
            Token::Here => readers.push_back(index),
            Token::Text(text) => {
                if let Some(reader) = readers.pop_front()
                    && text.is_some()
                {
                    commands[reader].text = text;
                }
            }
            Token::End { otherwise, piped } => {
                is_file = false;
                commands.push(Command { otherwise, piped, ..Command::default() });
            }
        }
    }
    commands.retain(|command| {
        !command.words.is_empty() || !command.variables.is_empty() || command.text.is_some()
    });
    commands
}

/// Whether what comes after a sign is no file of its own: the 1 of `2>&1`, or `/dev/null`.
fn is_stream(file: &str) -> bool {
    ["-", "/dev/null", "/dev/stdout", "/dev/stderr"].contains(&file)
        || file.bytes().all(|byte| byte.is_ascii_digit())
}

/// Continued lines as one, without the comments between them, as Docker reads them.
pub fn joined(text: &str) -> String {
    let mut joined = String::new();
    let mut continues = false;
    for line in text.lines() {
        if continues && (line.trim_start().starts_with('#') || line.trim().is_empty()) {
            continue;
        }
        let trimmed = line.trim_end();
        match trimmed.strip_suffix('\\').filter(|rest| !rest.ends_with('\\')) {
            Some(rest) => {
                joined.push_str(rest);
                joined.push(' ');
                continues = true;
            }
            None => {
                joined.push_str(trimmed);
                joined.push('\n');
                continues = false;
            }
        }
    }
    joined.trim().to_owned()
}

/// `NAME=value` taken apart.
pub fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let valid = !name.is_empty()
        && name.chars().all(is_of_name)
        && !name.starts_with(|c: char| c.is_ascii_digit());
    valid.then(|| (name.to_owned(), value.to_owned()))
}

enum Token {
    Word(String),
    /// A sign whose next word is a file.
    Redirection,
    /// A sign for a text that comes after the end of the line.
    Here,
    /// The text for the first such sign that has none; none if nothing ends it.
    Text(Option<String>),
    /// The end of a command.
    End {
        otherwise: bool,
        piped: bool,
    },
}

struct Lexer<'a> {
    characters: Peekable<Chars<'a>>,
    lookup: Lookup<'a>,
    /// Whether signs and comments mean something.
    script: bool,
    /// Whether nothing stands for a variable that nobody knows, in place of its name.
    erases: bool,
    /// The names of those.
    unknown: Vec<String>,
    /// What ends the texts that come after this line, and whether tabs before it are left out.
    ends: VecDeque<(String, bool)>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, lookup: Lookup<'a>) -> Self {
        Self {
            characters: text.chars().peekable(),
            lookup,
            script: false,
            erases: false,
            unknown: Vec::new(),
            ends: VecDeque::new(),
        }
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            let c = *self.characters.peek()?;
            if self.script {
                match c {
                    '\n' if !self.ends.is_empty() => return Some(Token::Text(self.text())),
                    '\n' | ';' | '&' | '|' | '(' | ')' => return Some(self.sign()),
                    '<' | '>' => return Some(self.redirection()),
                    '#' => {
                        while self.characters.next_if(|c| *c != '\n').is_some() {}
                        continue;
                    }
                    _ => {}
                }
            }
            if c.is_whitespace() {
                self.characters.next();
                continue;
            }
            let word = self.word();
            // `2>file`: the number is no word of the command.
            let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            let redirects = self.characters.peek().is_some_and(|c| "<>".contains(*c));
            return Some(if self.script && digits && redirects {
                self.redirection()
            } else {
                Token::Word(word)
            });
        }
    }

    fn sign(&mut self) -> Token {
        let first = self.characters.next();
        let twice = first.is_some_and(|c| "&|;".contains(c))
            && self.characters.next_if(|c| Some(*c) == first).is_some();
        let bar = first == Some('|');
        Token::End { otherwise: bar && twice, piped: bar && !twice }
    }

    fn redirection(&mut self) -> Token {
        let mut sign = String::new();
        while let Some(c) = self.characters.next_if(|c| "<>&".contains(*c)) {
            sign.push(c);
        }
        if sign != "<<" {
            return Token::Redirection;
        }
        let tabs = self.characters.next_if_eq(&'-').is_some();
        while self.characters.next_if(|c| " \t".contains(*c)).is_some() {}
        let end = self.word();
        self.ends.push_back((end, tabs));
        Token::Here
    }

    /// The lines after this one up to the one that ends them.
    fn text(&mut self) -> Option<String> {
        let (end, tabs) = self.ends.pop_front()?;
        let mut rest = self.characters.clone();
        let mut text = String::new();
        while rest.next_if_eq(&'\n').is_some() {
            let mut line = String::new();
            while let Some(c) = rest.next_if(|c| *c != '\n') {
                line.push(c);
            }
            let line = line.trim_end_matches('\r');
            let line = if tabs { line.trim_start_matches('\t') } else { line };
            if line == end {
                self.characters = rest;
                return Some(text);
            }
            text.push_str(line);
            text.push('\n');
        }
        None
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = self.characters.peek().copied() {
            let ends = c.is_whitespace() || (self.script && ";&|()<>".contains(c));
            if quote.is_none() && ends {
                break;
            }
            self.characters.next();
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some('\''), _) => word.push(c),
                (None, '\'' | '"') => quote = Some(c),
                (_, '\\') => self.escaped(quote.is_some(), &mut word),
                (_, '$') => self.variable(&mut word),
                _ => word.push(c),
            }
        }
        word
    }

    fn escaped(&mut self, in_quotes: bool, word: &mut String) {
        match self.characters.next() {
            Some('\n') | None => {}
            Some(c) if in_quotes && !"\"\\$`".contains(c) => word.extend(['\\', c]),
            Some(c) => word.push(c),
        }
    }

    /// A variable's value.
    fn variable(&mut self, word: &mut String) {
        let mut inside = String::new();
        match self.characters.peek() {
            Some('{') => {
                self.characters.next();
                let mut depth = 0_usize;
                for c in self.characters.by_ref() {
                    match c {
                        '{' if inside.ends_with('$') => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    inside.push(c);
                }
                self.in_braces(&inside, word);
            }
            Some('(') => {
                word.push('$');
                let mut depth = 0_u32;
                for c in self.characters.by_ref() {
                    word.push(c);
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth - 1,
                        _ => depth,
                    };
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                while let Some(c) = self.characters.next_if(|c| is_of_name(*c)) {
                    inside.push(c);
                }
                match (self.lookup)(&inside) {
                    _ if inside.is_empty() => word.push('$'),
                    Some(value) => word.push_str(&value),
                    None => self.unknown(&inside, &format!("${inside}"), word),
                }
            }
        }
    }

    /// A variable's value, or what is to stand for it: `${NAME:-…}`, `${NAME:+…}`.
    fn in_braces(&mut self, inside: &str, word: &mut String) {
        let end = inside.find(|c| !is_of_name(c)).unwrap_or(inside.len());
        let (name, rest) = inside.split_at(end);
        let value = (self.lookup)(name);
        let (colon, rest) = rest.strip_prefix(':').map_or((false, rest), |rest| (true, rest));
        let is_set = value.as_ref().is_some_and(|value| !colon || !value.is_empty());
        let mut rest = rest.chars();
        match (value, rest.next()) {
            (Some(value), None) if !colon => word.push_str(&value),
            (Some(value), Some('-' | '?')) if is_set => word.push_str(&value),
            (_, Some('-')) => self.otherwise(rest.as_str(), word),
            (Some(_), Some('+')) if is_set => self.otherwise(rest.as_str(), word),
            (Some(_), Some('+' | '?')) => {}
            _ => self.unknown(name, &format!("${{{inside}}}"), word),
        }
    }

    /// What stands for a variable, which may have variables itself.
    fn otherwise(&mut self, text: &str, word: &mut String) {
        let mut inner = Lexer { erases: self.erases, ..Lexer::new(text, self.lookup) };
        while let Some(c) = inner.characters.peek().copied() {
            if c.is_whitespace() {
                inner.characters.next();
                word.push(c);
            } else {
                word.push_str(&inner.word());
            }
        }
        self.unknown.append(&mut inner.unknown);
    }

    fn unknown(&mut self, name: &str, written: &str, word: &mut String) {
        if self.erases { self.unknown.push(name.to_owned()) } else { word.push_str(written) }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<String> {
        (name == "A").then(|| "a".to_owned())
    }

    fn lines(script: &str) -> Vec<String> {
        commands(script, &known).into_iter().map(|command| command.words.join("|")).collect()
    }

    #[test]
    fn commands_of_a_script() {
        let script = "apt-get update && apt-get install -y curl \"x y\" ; rm -rf /x/* || true\n\
                      # a comment\npip install 'torch>=2' $A ${A:-b} ${B:-c} $B 2>&1 > /log # end";
        assert_eq!(
            lines(script),
            [
                "apt-get|update",
                "apt-get|install|-y|curl|x y",
                "rm|-rf|/x/*",
                "true",
                "pip|install|torch>=2|a|a|c|$B"
            ]
        );
        let piped = commands("curl -L x | sh && X=1 Y='2 3' make", &known);
        assert_eq!(piped[1].words, ["sh"]);
        assert!(piped[1].piped && !piped[0].piped);
        assert_eq!(piped[2].variables, [("X".into(), "1".into()), ("Y".into(), "2 3".into())]);
        assert_eq!(lines("echo $(date +%s) $"), ["echo|$(date +%s)|$"]);
        let files = |script| commands(script, &known)[0].files.clone();
        assert!(files("x > /dev/null 2>&1").is_empty());
        assert_eq!(files("x 2> log"), ["log"]);
    }

    #[test]
    fn texts_that_commands_read() {
        let script = "cat <<A <<-'B' && y - 3<< C > f\na\nA\n\tb $A\n\tB\nc\nC\nz << 2\nd";
        let read = commands(script, &known);
        let texts: Vec<_> =
            read.iter().map(|it| (it.words.join(" "), it.text.as_deref())).collect();
        let named = |words: &str, text| (words.to_owned(), text);
        assert_eq!(
            texts,
            [
                named("cat", Some("b $A\n")),
                named("y -", Some("c\n")),
                named("z", None),
                named("d", None)
            ]
        );
        assert_eq!(read[1].files, ["f"]);
    }

    #[test]
    fn variables_that_nobody_knows() {
        let words = filled("A:$B '$B' ${B:-$A} x${B:+:$B} ${A:+b${A}c} ${A%a} ${A:-x y}", &known);
        let words: Vec<_> = words.into_iter().map(|it| (it.text, it.unknown.concat())).collect();
        let expected =
            [("A:", "B"), ("$B", ""), ("a", ""), ("x", "B"), ("bac", ""), ("", "A"), ("a", "")];
        assert_eq!(words, expected.map(|(text, name)| (text.to_owned(), name.to_owned())));
    }

    #[test]
    fn words_of_an_instruction() {
        let text = "A=1 B=\"x y\" C=x\\ y D='$A' E=$A;b";
        assert_eq!(words(text, &known), ["A=1", "B=x y", "C=x y", "D=$A", "E=a;b"]);
    }

    #[test]
    fn continued_lines() {
        let text = "a \\\n  # a comment\n\n  && b \\\n  c\nd";
        assert_eq!(joined(text), "a    && b    c\nd");
    }
}
