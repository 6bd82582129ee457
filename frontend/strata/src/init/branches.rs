//! Commands of a shell that run only sometimes, or several times: in `if`, `for`, `while`, `case`.

use super::shell::Command;

/// What a script does, one after the other.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A command.
    Command(Command),
    /// Commands of which nobody knows whether they run: their words, without those of the shell.
    Branches(Vec<String>),
}

const OPENING: [&str; 6] = ["if", "for", "while", "until", "case", "select"];
const CLOSING: [&str; 3] = ["fi", "done", "esac"];
const WITHIN: [&str; 6] = ["then", "else", "elif", "do", "!", "{"];
/// Programs that change nothing.
const TESTS: [&str; 7] = ["[", "[[", "test", "echo", "true", "exit", "set"];

/// The commands in their order, those between `if` and `fi` and their like together.
pub fn steps(commands: Vec<Command>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut depth = 0_usize;
    let mut branches = Vec::new();
    for command in commands {
        let mut words = &command.words[..];
        while let Some((word, rest)) = words.split_first()
            && depth > 0
            && WITHIN.contains(&word.as_str())
        {
            words = rest;
        }
        let first = words.first().map_or("", String::as_str);
        if OPENING.contains(&first) {
            depth += 1;
        } else if depth == 0 {
            steps.push(Step::Command(command));
        } else if CLOSING.contains(&first) {
            depth -= 1;
            if depth == 0 {
                steps.push(Step::Branches(std::mem::take(&mut branches)));
            }
        } else if words.len() > 1 && !TESTS.contains(&first) {
            // A pattern of `case` is a single word.
            branches.push(words.join(" "));
        }
    }
    if depth > 0 {
        steps.push(Step::Branches(branches));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::shell;

    #[test]
    fn what_runs_sometimes() {
        let script = "a b; if [ x = y ]; then c d && e; elif f g; then\n  for h in i j; do k $h; done\nelse \
                      l m; fi && n o\ncase $p in\n x86_64) q r ;;\n *) echo s;;\nesac\nif t u; then v w";
        let shown: Vec<_> = steps(shell::commands(script, &|_| None))
            .into_iter()
            .map(|step| match step {
                Step::Command(command) => command.words.join(" "),
                Step::Branches(words) => format!("({})", words.join(", ")),
            })
            .collect();
        assert_eq!(shown, ["a b", "(c d, f g, k $h, l m)", "n o", "(q r)", "(v w)"]);
    }
}
