//! A shell's words, and the commands of a script, as far as they can be told without running it.

use std::iter::Peekable;
use std::str::Chars;

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
    /// Whether it writes to a file, or reads one.
    pub redirected: bool,
}

/// The words of an instruction.
pub fn words(text: &str, lookup: Lookup<'_>) -> Vec<String> {
    let mut lexer = Lexer { characters: text.chars().peekable(), lookup, script: false };
    let mut words = Vec::new();
    while let Some(token) = lexer.next() {
        if let Token::Word(word) = token {
            words.push(word);
        }
    }
    words
}

/// The commands of a script.
pub fn commands(script: &str, lookup: Lookup<'_>) -> Vec<Command> {
    let mut lexer = Lexer { characters: script.chars().peekable(), lookup, script: true };
    let mut commands = vec![Command::default()];
    let mut skips = false;
    while let Some(token) = lexer.next() {
        let Some(command) = commands.last_mut() else { break };
        match token {
            Token::Word(_) if skips => skips = false,
            Token::Word(word) => match assignment(&word) {
                Some(pair) if command.words.is_empty() => command.variables.push(pair),
                _ => command.words.push(word),
            },
            Token::Redirection => {
                command.redirected = true;
                skips = true;
            }
            Token::End { otherwise, piped } => {
                skips = false;
                commands.push(Command { otherwise, piped, ..Command::default() });
            }
        }
    }
    commands.retain(|command| !command.words.is_empty() || !command.variables.is_empty());
    commands
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
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let valid = !name.is_empty()
        && name.chars().all(of_name)
        && !name.starts_with(|c: char| c.is_ascii_digit());
    valid.then(|| (name.to_owned(), value.to_owned()))
}

enum Token {
    Word(String),
    /// A sign whose next word is a file.
    Redirection,
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
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<Token> {
        loop {
            let c = *self.characters.peek()?;
            if self.script {
                match c {
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
        while self.characters.next_if(|c| "<>&".contains(*c)).is_some() {}
        Token::Redirection
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

    /// A variable's value, or its name as it is written where nobody knows the value.
    fn variable(&mut self, word: &mut String) {
        let mut inside = String::new();
        match self.characters.peek() {
            Some('{') => {
                self.characters.next();
                while let Some(c) = self.characters.next_if(|c| *c != '}') {
                    inside.push(c);
                }
                self.characters.next();
                let end = inside.find([':', '-', '+', '?']).unwrap_or(inside.len());
                let (name, rest) = inside.split_at(end);
                let otherwise = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'));
                let value = (self.lookup)(name).filter(|value| !value.is_empty());
                match value.or_else(|| otherwise.map(str::to_owned)) {
                    Some(value) => word.push_str(&value),
                    None if (self.lookup)(name).is_some() => {}
                    None => word.extend(["${", &inside, "}"]),
                }
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
                let of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                while let Some(c) = self.characters.next_if(of_name) {
                    inside.push(c);
                }
                match (self.lookup)(&inside).filter(|_| !inside.is_empty()) {
                    Some(value) => word.push_str(&value),
                    None => word.extend(["$", &inside]),
                }
            }
        }
    }
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
