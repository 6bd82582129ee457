//! Where the code is, and the commit it is at.

use gateway::{Error, Files, Reference};
use llb::State;

use super::Build;
use crate::{
    plan::CodeFacts,
    recipe::{Code, CodeSource},
    sources,
};

impl Build<'_> {
    pub(super) async fn checkout(&self, code: &Code) -> Result<Reference, Error> {
        let keep_git_dir = self.asked_commit(code).await?.is_none();
        let facts = sources::code(code, &self.recipe.file, &State::scratch(), keep_git_dir);
        self.gateway.solve(&facts.source.definition()).await
    }

    /// The commit that the remote says the ref is at; `None` where the engine cannot ask it,
    /// and the checkout keeps its `.git` to show it.
    ///
    /// The checkout is of that very commit, whatever is pushed meanwhile: engines that answer
    /// look a remote's ref up once a build (`ResolverCache` in `solver/jobs.go`).
    async fn asked_commit(&self, code: &Code) -> Result<&Option<String>, Error> {
        let ask = async || match &code.source {
            CodeSource::Git(git) => self.gateway.resolve_git(&sources::git(git)).await,
            CodeSource::Context(_) => Ok(None),
        };
        self.commit.get_or_try_init(ask).await
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
        let keep_git_dir = self.asked_commit(code).await?.is_none();
        let context = self.code_context(code).await?;
        Ok((Some(sources::code(code, &self.recipe.file, &context, keep_git_dir)), revision))
    }

    async fn commit(&self, code: &Code) -> Result<String, Error> {
        if let Some(commit) = self.asked_commit(code).await? {
            return Ok(commit.clone());
        }
        let head = self.gateway.read_file(&self.checkout(code).await?, "/.git/HEAD").await?;
        Ok(String::from_utf8_lossy(&head).trim().to_owned())
    }

    async fn code_context(&self, code: &Code) -> Result<State, Error> {
        let CodeSource::Context(folder) = &code.source else {
            return Ok(State::scratch());
        };
        let excludes = self.context.excludes(self.manifest).await?;
        let folder = sources::join(folder, &code.subdir);
        let files = if folder.is_empty() { Files::All } else { Files::Matching(vec![folder]) };
        Ok(self.context.files(&files, &excludes))
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
