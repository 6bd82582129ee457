//! What is likely to be a secret: a variable by its name, a URL by its query.

/// Words that a secret's name has.
const SECRETS: [&str; 6] = ["APIKEY", "CREDENTIALS", "PASSPHRASE", "PASSWD", "PASSWORD", "SECRET"];

/// Words that a secret's name ends in; of others they say what they are about: a key to sort by,
/// the tokens that a model reads.
const LAST_WORDS: [&str; 3] = ["KEY", "KEYS", "TOKEN"];

/// Words at the end of a name that is not a secret's, but of what one is like or where it is.
const ABOUT: [&str; 33] = [
    "ALGORITHM",
    "ARN",
    "BYTES",
    "COUNT",
    "DAYS",
    "DIR",
    "ENABLED",
    "ENDPOINT",
    "EXPIRES",
    "EXPIRY",
    "FILE",
    "FOLDER",
    "HASHERS",
    "HEADER",
    "HOURS",
    "ISSUER",
    "LENGTH",
    "LIMIT",
    "MAX",
    "MIN",
    "MINUTES",
    "NAME",
    "PATH",
    "PROVIDER",
    "REF",
    "REQUIRED",
    "SECONDS",
    "SIZE",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "VERSION",
];

/// Words of the half of a pair of keys that is for everyone.
const FOR_EVERYONE: [&str; 2] = ["PUBLIC", "PUBLISHABLE"];

/// A number with so many digits may be a secret, whatever its name says.
const LONG: usize = 12;

/// Parts of a query that let who knows them download: of S3, Google's and Azure's storage, of
/// CloudFront, and of forges.
const SIGNATURES: [&str; 11] = [
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
    "Signature",
    "sig",
    "token",
    "access_token",
    "auth_token",
    "private_token",
    "api_key",
    "apikey",
];

/// Whether a variable of this name and value is likely to be a secret.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    let words = words(name);
    let is_one_of = |word: &String, all: &[&str]| all.contains(&&**word);
    let Some(last) = words.last().filter(|last| !is_one_of(last, &ABOUT)) else { return false };
    if is_harmless(value) || words.iter().any(|word| is_one_of(word, &FOR_EVERYONE)) {
        return false;
    }
    // PGPASSWORD, SECRETS.
    let is_secret = |word: &String| {
        SECRETS.iter().any(|secret| word.ends_with(secret) || word.trim_end_matches('S') == *secret)
    };
    let is_token = is_one_of(last, &LAST_WORDS) || last.ends_with("TOKEN");
    words.iter().any(is_secret) || (is_token && !is_about_tokens(value))
}

/// The words of `gemini_api_key`, `GEMINI-API-KEY` or `geminiApiKey`, in capitals; a number at the
/// end says only which one it is.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        let begins = !c.is_ascii_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
        if begins {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(c.to_ascii_uppercase());
        }
        before = c;
    }
    let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
    while words.last().is_some_and(is_number) {
        words.pop();
    }
    words
}

/// Whether a value tells nothing: none, yes or no, or where the secret is.
fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let answer = ["true", "false", "yes", "no", "none", "null"];
    value.is_empty()
        || value.starts_with(['/', '~'])
        || answer.contains(&value.to_ascii_lowercase().as_str())
}

/// Whether a value is a number, a place to ask for a token, or what a model writes for one.
fn is_about_tokens(value: &str) -> bool {
    let number = value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < LONG;
    let within = |open, close| value.starts_with(open) && value.ends_with(close);
    number || within('[', ']') || within('<', '>') || value.contains("://")
}

/// Whether a URL has in its query what only those may know who may download what is there.
pub(crate) fn is_signed(url: &str) -> bool {
    let query = url.split('#').next().unwrap_or(url).split_once('?');
    let names = query.into_iter().flat_map(|(_, query)| query.split('&'));
    let mut names = names.filter_map(|pair| pair.split('=').next());
    names.any(|name| SIGNATURES.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_by_their_names() {
        for (name, value) in [
            ("GEMINI_API_KEY", "YOUR_API_KEY_HERE"),
            ("READER_DB_PASSWORD", "postgres"),
            ("DB_PASSWORD", "1234"),
            ("HF_TOKEN", "hf_abc"),
            ("hf-token", "hf_abc"),
            ("PGPASSWORD", "x"),
            ("SECRET_KEY_BASE", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("clientSecret", "x"),
            ("apiKey", "x"),
            ("OPENAI_API_KEY_2", "x"),
            ("APP_SECRETS", "a,b"),
            ("TOKEN", "123456789012"),
            ("VAULT_SECRET_ID", "x"),
        ] {
            assert!(is_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn names_of_what_is_none() {
        for (name, value) in [
            ("GEMINI_EMBEDDING_INPUT_TOKEN_LIMIT", "2048"),
            ("GEMINI_INPUT_CONTEXT_WINDOW_TOKEN", "1048576"),
            ("TOKENIZERS_PARALLELISM", "false"),
            ("MAX_TOKENS", "512"),
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("SSL_KEY", "/certs/key.pem"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/secrets/gcp.json"),
            ("API_KEY", ""),
            ("REQUIRE_PASSWORD", "true"),
            ("STRIPE_PUBLISHABLE_KEY", "pk_live"),
            ("EOS_TOKEN", "</s>"),
            ("OAUTH_TOKEN", "https://login.example.org/token"),
            ("KEYBOARD", "us"),
            ("MONKEY", "x"),
            ("PATH", "/bin"),
            ("", "x"),
            ("_", "x"),
            ("42", "x"),
            ("SECRET_PROVIDER", "vault"),
            ("AWS_SECRETS_MANAGER_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:a"),
            ("JWT_SECRET_REF", "vault/jwt"),
            ("OIDC_CREDENTIALS_ISSUER", "https://sso.example.org"),
            ("PASSWORD_HASHERS", "argon2"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }
}
