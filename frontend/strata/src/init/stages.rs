//! Which stages of a Dockerfile an image is made of.

use std::collections::BTreeSet;

use parse_dockerfile::{Flag, Instruction, Stage};

use super::{dockerfile::Dockerfile, shell::words};

/// What Docker itself sets for `FROM`, for the platform that images are for if nothing is said.
const PLATFORM: [(&str, &str); 4] = [
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETOS", "linux"),
    ("TARGETARCH", "amd64"),
    ("BUILDARCH", "amd64"),
];

impl<'a> Dockerfile<'a> {
    /// The stages whose files are the image's, and those that it copies from.
    pub fn used(&self, stages: &[Stage<'_, '_>]) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut below, mut used) = (BTreeSet::new(), BTreeSet::new());
        let mut next = stages.len().checked_sub(1);
        while let Some(index) = next {
            below.insert(index);
            next = self.base_stage(stages, index);
        }
        let mut open: Vec<_> = below.iter().copied().collect();
        while let Some(index) = open.pop() {
            let mut sources: Vec<_> = stages[index]
                .instructions
                .iter()
                .flat_map(flags)
                .filter_map(|flag| self.from(flag, stages, index))
                .collect();
            sources.extend(self.base_stage(stages, index));
            for source in sources {
                if !below.contains(&source) && used.insert(source) {
                    open.push(source);
                }
            }
        }
        (below, used)
    }

    /// Tells of the stages that an argument may have chosen in place of the one that it does.
    pub fn others(&mut self, stage: &Stage<'a, '_>, base: usize, before: &[Stage<'a, '_>]) {
        let written = &stage.from.image.value;
        let Some((start, _)) = written.split_once('$') else { return };
        let name =
            |stage: &Stage<'_, '_>| stage.from.as_.as_ref().map(|(_, name)| name.value.to_string());
        let unread =
            before.iter().enumerate().filter(|(index, _)| !self.states.contains_key(index));
        let others = unread.filter_map(|(_, stage)| name(stage));
        let others: Vec<_> = others.filter(|name| name.starts_with(start)).collect();
        let chosen = name(&before[base]).unwrap_or_default();
        if !others.is_empty() {
            self.note(
                self.line(&stage.from.from.span),
                format!(
                    "`{written}` is `{chosen}` here: what {} has otherwise goes under `variants`",
                    others.join(", ")
                ),
            );
        }
    }

    /// What `FROM` names, with what is known of its arguments.
    pub fn image(&self, written: &str) -> String {
        let known = |name: &str| {
            let own = self.arguments.get(name).filter(|value| !value.is_empty()).cloned();
            let given = PLATFORM.iter().find(|(known, _)| *known == name);
            own.or_else(|| given.map(|(_, value)| (*value).to_owned()))
        };
        words(written, &known).concat()
    }

    /// The stage that a stage stands on.
    pub fn base_stage(&self, stages: &[Stage<'_, '_>], index: usize) -> Option<usize> {
        named(stages, index, &self.image(&stages[index].from.image.value))
    }

    /// The stage that a flag takes files from.
    pub fn from(&self, flag: &Flag<'_>, stages: &[Stage<'_, '_>], index: usize) -> Option<usize> {
        let value = &flag.value.as_ref()?.value;
        let name = match flag.name.value.as_ref() {
            "from" => value.as_ref(),
            "mount" => value.split(',').find_map(|part| part.strip_prefix("from="))?,
            _ => return None,
        };
        let name = self.image(name);
        let by_number = name.parse().ok().filter(|number| *number < index);
        named(stages, index, &name).or(by_number)
    }
}

/// The stage before `index` of that name.
fn named(stages: &[Stage<'_, '_>], index: usize, name: &str) -> Option<usize> {
    stages[..index].iter().rposition(|stage| {
        stage.from.as_.as_ref().is_some_and(|(_, own)| own.value.eq_ignore_ascii_case(name))
    })
}

fn flags<'b>(instruction: &'b Instruction<'_>) -> &'b [Flag<'b>] {
    match instruction {
        Instruction::Copy(copy) => &copy.options,
        Instruction::Run(run) => &run.options,
        _ => &[],
    }
}
