//! Where the code is, and the commit it is at.

use gateway::{Error, Files, Reference, ResolvedGit, There};
use llb::State;

use super::Build;
use crate::{
    facts::{CodeFacts, ModelFacts},
    local_code::{self, Project},
    models,
    notice::Notice,
    paths::join,
    recipe::{Code, CodeSource},
    sources::{self, Checkout},
    unmeant,
};

/// What an engine has that can hold a checkout to a commit.
const PIN: &str = "source.git.checksum";

impl Build<'_> {
    pub(super) async fn checkout(&self, code: &Code) -> Result<Reference, Error> {
        let facts = self.code_in(code, &State::scratch()).await?;
        self.gateway.solve(&facts.source.definition()).await
    }

    /// Where the code is, and the commit it is at.
    pub(super) async fn code(&self) -> Result<(Option<CodeFacts>, Option<String>), Error> {
        let Some(code) = &self.recipe.code else {
            return Ok((None, None));
        };
        let revision = match &code.source {
            CodeSource::Context(_) => code.version.clone(),
            CodeSource::Git(_) => {
                Some(self.commit(code).await.map_err(|error| self.explain_code(code, error))?)
            }
        };
        let context = self.code_context(code).await?;
        let facts = self.code_in(code, &context).await?;
        for notice in self.unmeant_files(Some(&facts.source)).await? {
            self.warn(notice).await;
        }
        Ok((Some(facts), revision))
    }

    /// The code, in `context` or checked out.
    ///
    /// A checkout is of what the ref was found to be at, whatever is pushed meanwhile, and
    /// whatever an overlapping build had found: without the pin they would share one checkout.
    async fn code_in(&self, code: &Code, context: &State) -> Result<CodeFacts, Error> {
        let checkout = match self.found(code).await? {
            Some(found) => Checkout::Pinned(&found.checksum),
            None => Checkout::WithGitDir,
        };
        Ok(sources::code(code, self.recipe, context, checkout))
    }

    /// What the remote says that the ref is at; `None` where the engine cannot tell its commit,
    /// and the checkout shows it.
    async fn found(&self, code: &Code) -> Result<Option<&ResolvedGit>, Error> {
        let ask = async || match &code.source {
            CodeSource::Git(git) if self.gateway.capabilities().llb(PIN) => {
                self.gateway.resolve_git(&sources::git(git)).await
            }
            _ => Ok(None),
        };
        Ok(self.found.get_or_try_init(ask).await?.as_ref())
    }

    async fn commit(&self, code: &Code) -> Result<String, Error> {
        if let Some(found) = self.found(code).await? {
            return Ok(found.commit.clone());
        }
        let head = self.gateway.read_file(&self.checkout(code).await?, "/.git/HEAD").await?;
        Ok(String::from_utf8_lossy(&head).trim().to_owned())
    }

    async fn code_context(&self, code: &Code) -> Result<State, Error> {
        let CodeSource::Context(folder) = &code.source else {
            return Ok(State::scratch());
        };
        let folder = join(folder, &code.subdir);
        let models = sources::models(self.recipe).map(str::to_owned);
        let not_wanted = sources::REPOSITORIES.map(str::to_owned).into_iter().chain(models);
        let paths = Some(folder).filter(|folder| !folder.is_empty());
        self.of_context(paths.into_iter().collect(), not_wanted).await
    }

    /// What the build context has at `paths`; all of it if there are none. What it ignores is not
    /// sent, nor what is `not_wanted` of it.
    pub(super) async fn of_context(
        &self,
        paths: Vec<String>,
        not_wanted: impl IntoIterator<Item = String>,
    ) -> Result<State, Error> {
        let mut excludes = self.context.excludes(self.manifest).await?;
        // Last, where no `!` of the ignore file takes it back.
        excludes.extend(not_wanted);
        let files = if paths.is_empty() { Files::All } else { Files::Matching(paths) };
        Ok(self.context.files(&files, &excludes))
    }

    /// What the code, in `source` if that is loaded anyway, has that nobody means to be code. Of what
    /// is in git, or was packed, no ignore file leaves anything out.
    pub(super) async fn unmeant_files(&self, source: Option<&State>) -> Result<Vec<Notice>, Error> {
        let wanted = unmeant::wanted(self.recipe);
        if wanted.is_empty() || !self.context.is_local() {
            return Ok(Vec::new());
        }
        let source = match source {
            Some(source) => source.clone(),
            None => self.of_context(wanted.iter().cloned().collect(), []).await?,
        };
        let reference = self.gateway.solve(&source.definition()).await?;
        let there = self.gateway.find(&reference, "", wanted).await?;
        let is_file = |(path, there)| (there == There::File).then_some(path);
        let files = there.into_iter().filter_map(is_file).collect();
        let own = self.manifest.ignore.as_ref().map(|_| self.context.filename());
        Ok(unmeant::notices(self.recipe, &files, own))
    }

    /// Whether the code would take the place of what models have written. Only where there is reason
    /// to is it looked at before all is planned.
    pub(super) async fn check_models_in_code(
        &self,
        facts: &[ModelFacts],
        code: Option<&CodeFacts>,
    ) -> Result<(), Error> {
        let wanted = models::where_code_goes(self.recipe, facts);
        let (false, Some(code)) = (wanted.is_empty(), code) else { return Ok(()) };
        let reference = self.gateway.solve(&code.source.definition()).await?;
        let there = self.gateway.find(&reference, &code.folder, wanted).await?;
        let there = there.into_keys().collect();
        Ok(models::check_code(self.recipe, facts, &there)?)
    }

    /// The project, if it may have to be installed and is not.
    pub(super) async fn uninstalled_project(
        &self,
        code: Option<&CodeFacts>,
    ) -> Result<Option<Project>, Error> {
        let Some(code) = code else { return Ok(None) };
        let project = local_code::project(self.recipe, self.demand().await?);
        let Some(project @ Project { command: None, .. }) = project else { return Ok(project) };
        let reference = self.gateway.solve(&code.source.definition()).await?;
        let there = self.gateway.find(&reference, &code.folder, project.modules()).await?;
        let has_src = there.into_values().any(|there| there != There::Blocked);
        Ok(Some(Project { has_src, ..project }))
    }

    /// Says what of the code was asked for, and why that.
    pub(super) fn explain_code(&self, code: &Code, error: Error) -> Error {
        let CodeSource::Git(git) = &code.source else {
            return error;
        };
        let why = match (&code.version, &git.reference) {
            (Some(version), _) => format!(" (CODE_VERSION was `{version}`)"),
            (None, Some(_)) => " (the manifest's `ref`)".to_owned(),
            (None, None) => " (the remote's default branch)".to_owned(),
        };
        let help = git_help(error.message(), git.token.as_deref().unwrap_or("GIT_AUTH_TOKEN"));
        error
            .context(format!("cannot get the code, {}{why}", sources::name(git)))
            .help(help)
            .at([self.location(code.lines)])
    }
}

/// What to do when git was refused. It then asks for a user's name and a password, whatever
/// token it was given, and nobody is there to answer.
fn git_help(words: &str, secret: &str) -> Option<String> {
    words.contains("could not read Username").then(|| {
        format!(
            "it is private, or not there: check its name, and give the build a token that may \
             read it: `--secret id={secret},env=GIT_TOKEN`"
        )
    })
}
