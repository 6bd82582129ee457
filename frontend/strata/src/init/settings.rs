//! What an image says of itself: its user, its command, its ports, its labels.

use parse_dockerfile::{
    Command as Form, HealthcheckArguments, HealthcheckInstruction, Instruction, JsonOrStringArray,
    Span, VolumeInstruction,
};

use super::{
    Note, bases,
    dockerfile::Dockerfile,
    draft::{Draft, Words, add, fits, set},
};
use crate::{manifest::values, secret::is_secret};

impl<'a> Dockerfile<'a> {
    /// An instruction of the last stage, or of one that it stands on.
    pub fn setting(&mut self, instruction: &Instruction<'a>) {
        match instruction {
            Instruction::Expose(it) => {
                let ports = it.arguments.iter().flat_map(|port| self.words(&port.span));
                for port in ports.collect::<Vec<_>>() {
                    self.checked(&it.expose.span, port, values::ports, |draft| &mut draft.ports);
                }
            }
            Instruction::Volume(it) => self.volumes(it),
            Instruction::User(it) => {
                let user = self.words(&it.arguments.span).concat();
                self.user(self.line(&it.user.span), &user);
            }
            Instruction::Label(it) => {
                let line = self.line(&it.label.span);
                for (name, value) in self.pairs(&it.arguments.span) {
                    self.unknown(line, &name, &value.unknown);
                    self.label(line, &name, value.text);
                }
            }
            Instruction::Maintainer(it) => {
                let name = "org.opencontainers.image.authors";
                set(&mut self.draft.labels, name, it.name.value.trim().to_owned());
            }
            Instruction::Cmd(it) => {
                self.stage.has_cmd = true;
                self.draft.cmd = Some(self.form(self.line(&it.cmd.span), &it.arguments));
            }
            Instruction::Entrypoint(it) => {
                let line = self.line(&it.entrypoint.span);
                self.draft.entrypoint = Some(self.form(line, &it.arguments));
                // As Docker has it: what another stage says for its entrypoint is not this one's.
                if !self.stage.has_cmd {
                    self.draft.cmd = None;
                }
            }
            Instruction::Healthcheck(it) => self.healthcheck(it),
            Instruction::Stopsignal(it) => {
                let signal = self.words(&it.arguments.span).concat();
                if fits(&signal, values::signal) {
                    self.draft.stop_signal = Some(signal)
                } else {
                    let line = self.line(&it.stopsignal.span);
                    self.note(line, format!("`{signal}` is no signal that is known"));
                }
            }
            Instruction::Shell(it) => {
                let line = self.line(&it.shell.span);
                self.note(
                    line,
                    "`SHELL`: what needs another shell than sh names it: `[bash, -c, …]`",
                );
            }
            Instruction::Onbuild(it) => {
                let line = self.line(&it.onbuild.span);
                self.note(
                    line,
                    "`ONBUILD` is not carried over: an image on this one has a manifest",
                );
            }
            _ => {}
        }
    }

    fn volumes(&mut self, volume: &VolumeInstruction<'a>) {
        let paths = match &volume.arguments {
            JsonOrStringArray::Json(paths) => &paths.value,
            JsonOrStringArray::String(paths) => paths,
        };
        let span = &volume.volume.span;
        for path in paths {
            let (path, is_known) = self.filled(self.line(span), &path.value);
            if is_known {
                let path = self.path(&path);
                self.checked(span, path.clone(), values::volume, |draft| &mut draft.volumes);
                self.checked(span, path, values::destination, |draft| &mut draft.dirs);
            }
        }
    }

    fn label(&mut self, line: usize, name: &str, value: String) {
        if values::key_name(name).is_ok() && !is_secret(name, &value) {
            set(&mut self.draft.labels, name, value);
        } else {
            self.note(line, format!("the label `{name}` is not carried over"));
        }
    }

    fn user(&mut self, line: usize, user: &str) {
        let name = match user.split_once(':') {
            Some((name, _)) if !fits(user, values::user) => name,
            _ => user,
        };
        if fits(name, values::user) {
            self.draft.user = Some(name.to_owned()).filter(|name| name != "app")
        } else {
            self.note(line, format!("`{user}` is no user's name: it runs as `app`"))
        }
        self.has_user = true;
    }

    fn healthcheck(&mut self, check: &HealthcheckInstruction<'a>) {
        let line = self.line(&check.healthcheck.span);
        let mut keys = Vec::new();
        for flag in &check.options {
            let value = flag.value.as_ref().map_or("", |value| &value.value);
            let name = flag.name.value.replace('-', "_");
            let known = match name.as_str() {
                "retries" => fits(value, values::number),
                "interval" | "timeout" | "start_period" | "start_interval" => {
                    fits(value, values::duration)
                }
                _ => false,
            };
            if known {
                keys.push((name, value.to_owned()));
            } else {
                self.note(line, format!("`--{}` of the health check", flag.name.value));
            }
        }
        self.draft.healthcheck = match &check.arguments {
            HealthcheckArguments::Cmd { arguments: Form::Exec(words), .. } => {
                let words = words.value.iter().map(|word| word.value.to_string());
                let words = self.without_runner(line, words.collect());
                Some((Words::List(std::iter::once("CMD".to_owned()).chain(words).collect()), keys))
            }
            HealthcheckArguments::Cmd { arguments: Form::Shell(text), .. } => {
                let text = self.line_without_runners(line, &self.raw(&text.span));
                Some((Words::Line(text), keys))
            }
            _ => Some((Words::List(Vec::new()), vec![("disable".to_owned(), "true".to_owned())])),
        };
    }

    fn form(&mut self, line: usize, form: &Form<'a>) -> Words {
        match form {
            Form::Exec(words) => {
                let words = words.value.iter().map(|word| word.value.to_string());
                Words::List(self.without_runner(line, words.collect()))
            }
            Form::Shell(text) => {
                Words::of_shell(&self.line_without_runners(line, &self.raw(&text.span)))
            }
            _ => Words::List(Vec::new()),
        }
    }

    fn checked<T>(
        &mut self,
        span: &Span,
        text: String,
        read: fn(&str) -> values::Read<T>,
        list: fn(&mut Draft) -> &mut Vec<String>,
    ) {
        match read(&text) {
            Ok(_) => add(list(&mut self.draft), text),
            Err(mistake) => self.note(self.line(span), mistake.message),
        }
    }

    /// Who the image runs as, where that is not what the Dockerfile says.
    pub fn settle_user(&mut self, workdir: &str) {
        let number = self.draft.user.as_ref().and_then(|user| self.numbers.get(user));
        let told = match (&self.draft.user, number) {
            (Some(user), Some(number)) if number != "10001" => Some(format!(
                "`{user}` had the number {number}, and one that is made has 10001: `user: {number}` \
                 keeps it, for volumes and `runAsUser`"
            )),
            (None, _) if !self.has_user && bases::runs_as_nonroot(&self.stage.image) => {
                let number = bases::NONROOT;
                Some(format!(
                    "the image ran as `nonroot`, with the number {number}, and runs as `app` now, with \
                     10001: `user: {number}` keeps it, for volumes and `runAsUser`"
                ))
            }
            (None, _) if !self.has_user => {
                let of_root =
                    [workdir, &self.code.to].into_iter().any(|path| path.starts_with("/root"));
                self.draft.user = of_root.then(|| "root".to_owned());
                Some(
                    if of_root {
                        "`user: root`, because the code is in its home, which nobody else may \
                             enter: better have it in `/app`, and leave `user` out"
                    } else {
                        "the image ran as root, and runs as the user `app` now; `user: root` if \
                              it must"
                    }
                    .to_owned(),
                )
            }
            _ => None,
        };
        self.notes.extend(told.map(|text| Note { place: None, text }));
    }
}
