//! Values that everyone who gets an image or its provenance can read.

use super::Read;
use crate::{
    mistake::{Mistake, quote},
    secret::{is_secret, is_signed},
    url::Url,
};

/// A value that everyone can read, under the name of its variable.
pub fn public(name: &str, value: &str) -> Read<()> {
    let what = if is_secret(name, value) {
        "looks like a secret"
    } else if Url::all(value).any(|url| is_signed(url.rest)) {
        "has a URL that lets in whoever knows it"
    } else {
        return Ok(());
    };
    let message = format!(
        "{} {what}, which everyone who gets the image or its provenance could read",
        quote(name)
    );
    let help = "leave it out and give it to the container: `docker run --env-file`, or Compose's \
                `env_file`; build steps get secrets by `token`, `credentials` and `secrets`; if \
                everyone may know it, write `!public` before the value";
    Err(Mistake::new(message).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_let_in_whoever_knows_them() {
        for (value, is_public) in [
            ("https://b.s3.amazonaws.com/w?X-Amz-Date=1&X-Amz-Signature=abc", false),
            ("--from https://e.org/w?sig=abc --to /w", false),
            ("https://e.org/w?version=2#token=a", true),
            ("https://e.org/token", true),
            ("token=abc", true),
        ] {
            assert_eq!(public("WEIGHTS", value).is_ok(), is_public, "{value}");
        }
    }
}
