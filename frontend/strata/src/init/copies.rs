//! What a Dockerfile copies: the code, where all of it comes from and goes to, and what is no code.

use parse_dockerfile::{CopyInstruction, Source, Stage};

use super::{dockerfile::Dockerfile, draft::fits, models, packages};
use crate::manifest::values;

/// What of the build context is part of the code.
pub struct Part {
    /// The line that copies it.
    line: usize,
    /// Where it is in the build context.
    source: String,
    /// Where it goes.
    to: String,
}

impl<'a> Dockerfile<'a> {
    /// Files that are copied, of the build context or of another stage.
    pub fn copy(&mut self, copy: &CopyInstruction<'a>, all: &[Stage<'_, '_>], index: usize) {
        let line = self.line(&copy.copy.span);
        let Some(flag) = copy.options.iter().find(|flag| flag.name.value == "from") else {
            self.sources(line, &copy.src, &copy.dest.value);
            return;
        };
        let of_stage =
            self.from(flag, all, index).and_then(|source| self.states.get(&source).cloned());
        let sources = copy.src.iter().filter_map(|source| match source {
            Source::Path(path) => Some(path.value.to_string()),
            _ => None,
        });
        let sources: Vec<_> = sources.collect();
        let image = flag.value.as_ref().map_or("", |value| &value.value);
        match of_stage {
            None if image.contains("astral-sh/uv") => self.draft.python.uv = true,
            None => self.note(line, format!("`COPY --from={image}`: a manifest has the files of one base, of packages and of models")),
            Some(stage) => {
                let packages = ["venv", "site-packages", ".local", "/usr/local/bin", "/usr/local/lib", "wheels", "/root/.cache", "/install"];
                let (dest, _) = self.filled(line, &copy.dest.value);
                let to = self.path(&dest);
                for source in sources {
                    let name = source.rsplit('/').next().unwrap_or(&source);
                    let is_export = self.exported.iter().any(|exported| exported == name);
                    if is_export || packages.iter().any(|part| source.contains(part)) {
                        continue;
                    }
                    let inside = stage.copies.iter().rev().find(|(_, at)| {
                        let source = source.trim_end_matches('/');
                        source == at || source.starts_with(&format!("{at}/"))
                    });
                    match inside.filter(|_| stage.has_code) {
                        Some((from, at)) => {
                            let below = source.trim_end_matches('/').strip_prefix(at.as_str());
                            let from = clean(&format!("{from}{}", below.unwrap_or_default()));
                            self.stage.copies.push((from.clone(), to.clone()));
                            self.part(line, from, to.clone());
                        }
                        None if stage.has_models => {
                            if !models::copied(self, &source, &to, dest.ends_with('/')) {
                                self.note(line, format!("`COPY --from` of `{source}`: what is of `models` comes without it; {}", models::of_cache()));
                            }
                        }
                        None => self.note(line, format!("`COPY --from` of `{source}`: what a command makes of the code is `code.build`'s")),
                    }
                }
            }
        }
    }

    /// Files of the build context that are copied.
    pub fn sources(&mut self, line: usize, sources: &[Source<'_>], dest: &str) {
        let (dest, _) = self.filled(line, dest);
        let to = self.path(&dest);
        let into =
            dest.ends_with('/') || dest == "." || sources.len() > 1 || to == self.stage.workdir;
        for source in sources {
            let path = match source {
                Source::Path(path) => path.value.as_ref(),
                _ => {
                    self.note(
                        line,
                        "a file that the Dockerfile itself holds: make it one of the project",
                    );
                    continue;
                }
            };
            let (path, is_known) = self.filled(line, path);
            if !is_known {
                continue;
            }
            if path.contains("://") {
                self.note(line, format!("`ADD {path}`: a model is `models: [{{url: …, sha256: …, to: {to}}}]`, code is `code: {{git: …}}`"));
                continue;
            }
            if !fits(&path, values::context) && !path.starts_with('/') {
                self.note(line, format!("`{path}` is outside of the build context"));
                continue;
            }
            let path = clean(&path);
            let is_folder = path.is_empty() || self.project.is_folder(&path);
            let at = match into && !is_folder {
                true => format!(
                    "{}/{}",
                    to.trim_end_matches('/'),
                    path.rsplit('/').next().unwrap_or(&path)
                ),
                false => to.clone(),
            };
            self.stage.copies.push((path.clone(), at.clone()));
            self.part(line, path, at);
        }
    }

    fn part(&mut self, line: usize, source: String, to: String) {
        let name = source.rsplit('/').next().unwrap_or(&source);
        let of_packages = packages::is_input(name);
        if !of_packages {
            self.stage.has_code = true;
        }
        if self.stage.is_final && !of_packages {
            self.copied.push(Part { line, source, to });
        }
    }

    /// The one folder that all copied parts of the build context come from.
    pub fn place_code(&mut self) {
        let parts = std::mem::take(&mut self.copied);
        if parts.is_empty() || !self.code.source.is_empty() {
            for part in parts {
                self.note(
                    part.line,
                    format!("`{}` of the build context: the code is from git", part.source),
                );
            }
            return;
        }
        let known = |to: &str| fits(to, values::destination);
        let whole = parts.iter().find(|part| part.source.is_empty() && known(&part.to));
        let root = |part: &Part| match part.to.strip_suffix(&format!("/{}", part.source)) {
            Some(root) if !part.source.is_empty() => Some(root.to_owned()),
            _ => None,
        };
        let first_root = parts.iter().find_map(root).filter(|root| known(root));
        let single =
            parts.iter().find(|part| self.project.is_folder(&part.source) && known(&part.to));
        let (source, to) = match (whole, first_root, single) {
            (Some(part), _, _) => (".".to_owned(), part.to.clone()),
            (None, Some(root), _) => (".".to_owned(), root),
            (None, None, Some(part)) => (part.source.clone(), part.to.clone()),
            (None, None, None) => (".".to_owned(), "/app".to_owned()),
        };
        let takes_all = source == "." && whole.is_none();
        for part in &parts {
            let lies = match source.as_str() {
                "." if part.source.is_empty() => part.to == to,
                "." => part.to == format!("{to}/{}", part.source),
                _ => part.source == source && part.to == to,
            };
            if !lies {
                self.note(
                    part.line,
                    format!(
                        "`{}` does not come to `{}`: all of the code goes to `{to}`",
                        part.source, part.to
                    ),
                );
            }
        }
        if takes_all {
            let names: Vec<_> = parts.iter().map(|part| part.source.as_str()).collect();
            self.note(parts[0].line, format!("the code is all of the folder, and not only {}: name the others in .dockerignore", names.join(", ")));
        }
        (self.code.source, self.code.to) = (source, to);
    }
}

/// A path of the build context, relative and without a slash at its end.
pub fn clean(path: &str) -> String {
    let path = path.trim_start_matches('/');
    values::relative(path).unwrap_or_else(|_| path.trim_end_matches('/').to_owned())
}
