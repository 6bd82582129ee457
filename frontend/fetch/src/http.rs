//! The network: certificates, proxies, tokens, and what failures mean.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::header::{HeaderMap, LINK, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode, Url};

use crate::patience::{Failure, retry_after};
use crate::request::{Kind, Origin};

/// How long a server may take to answer at all.
const CONNECT: Duration = Duration::from_secs(30);

/// Without a byte for so long, a connection is taken to be dead: 30 s, and fewer where nobody is meant
/// to wait, in tests.
const STALLED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 3 } else { 30 });

/// How often a server leads elsewhere before it leads nowhere.
const REDIRECTS: usize = 10;

/// The most that a JSON answer has, in MiB, as all of it is held in memory: the names of 50,000 files,
/// a hundred bytes each, are 5.
const ANSWER: usize = 32;

/// How requests are made.
#[derive(Debug)]
pub struct Http<'a> {
    client: Client,
    origin: &'a Origin,
    endpoint: Url,
    /// A token, or `user:password`.
    token: Option<String>,
}

/// A JSON answer.
#[derive(Debug)]
pub struct Page {
    /// What it says.
    pub json: serde_json::Value,
    /// Where it goes on, as the server says it: a URL.
    pub next: Option<String>,
}

impl<'a> Http<'a> {
    /// With the secrets in this folder: `token`, and `ca_bundle` with a company's certificates.
    pub fn new(origin: &'a Origin, secrets: &Path) -> Result<Self> {
        // It fails only where one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut roots: Vec<Certificate> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<_, _>>()?;
        if let Some(bundle) = secret(secrets, "ca_bundle")? {
            let own = Certificate::from_pem_bundle(bundle.as_bytes());
            roots.extend(own.context("the secret ca_bundle holds no PEM certificates")?);
        }
        let client = Client::builder()
            .user_agent(concat!("strata-fetch/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(STALLED)
            // They are followed here: reqwest's errors do not say where one led.
            .redirect(Policy::none())
            .tls_certs_only(roots)
            .build()?;
        let token = secret(secrets, "token")?.map(|token| token.trim().to_owned());
        let token = token.filter(|token| !token.is_empty());
        Ok(Self { client, origin, endpoint: parse(&origin.endpoint)?, token })
    }

    /// The answer, if it is a good one, or says that there is no such part as was asked for.
    pub async fn get(&self, url: &str, headers: HeaderMap) -> Result<Response, Failure> {
        let of_part = headers.contains_key(RANGE);
        let mut url = parse(url)?;
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(url.clone()).headers(headers.clone());
            if let Some(token) = self.token.as_ref().filter(|_| self.is_endpoint(&url)) {
                request = match token.split_once(':') {
                    Some((user, password)) => request.basic_auth(user, Some(password)),
                    None => request.bearer_auth(token),
                };
            }
            let response = request.send().await.map_err(|error| self.broken(&url, error))?;
            let status = response.status();
            if let Some(next) = led_to(&response) {
                url = next;
            } else if status.is_success() || of_part && status == StatusCode::RANGE_NOT_SATISFIABLE
            {
                return Ok(response);
            } else {
                return Err(self.refused(&response));
            }
        }
        Err(Failure::Lasting(anyhow!("{} leads on: too many redirects", server(&url))))
    }

    /// As [`Http::get`], for JSON.
    pub async fn json(&self, url: &str) -> Result<Page, Failure> {
        let mut response = self.get(url, HeaderMap::new()).await?;
        let next = next(response.headers());
        let last = response.url().clone();
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(&last, error))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > ANSWER << 20 {
                return Err(Failure::Lasting(anyhow!(
                    "{} answered more than {ANSWER} MiB to GET {}, which no hub does",
                    self.named(&last),
                    last.path()
                )));
            }
        }
        let json = serde_json::from_slice(&bytes).with_context(|| self.odd());
        Ok(Page { json: json?, next })
    }

    /// What to say of an answer that nobody expects.
    pub fn odd(&self) -> String {
        format!("{} does not answer as a hub does", self.origin.endpoint)
    }

    /// What a broken connection means that was to the server of this URL.
    pub fn broken(&self, url: &Url, error: reqwest::Error) -> Failure {
        // Not the URL itself: where a redirect led may be secret.
        let error = error.without_url();
        let mut causes = vec![error.to_string()];
        let mut cause: Option<&dyn Error> = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        causes.dedup();
        let told = format!("{} cannot be reached: {}", self.named(url), causes.join(": "));
        if causes.iter().any(|cause| cause.contains("certificate")) {
            return Failure::Lasting(anyhow!(
                "{told}; if your network signs TLS again, give its certificates to the build: \
                 --secret id=ca_bundle,src=FILE"
            ));
        }
        if error.is_builder() || error.is_redirect() {
            return Failure::Lasting(anyhow!("{told}"));
        }
        Failure::Passing(told, None)
    }

    fn refused(&self, response: &Response) -> Failure {
        let Origin { kind, name, endpoint, .. } = self.origin;
        let status = response.status().as_u16();
        let code = response.headers().get("x-error-code").and_then(|code| code.to_str().ok());
        let what = kind.noun();
        let about = if *kind == Kind::File { "it" } else { name };
        let refuses = || format!("{} refuses {about} ({status})", self.named(response.url()));
        let told = match (status, code) {
            // But 501: a server that cannot do something will not learn it. What stands in front of
            // a server has numbers of its own, such as 520.
            (408 | 429 | 500 | 502..=599, _) => {
                let said = told(response);
                return Failure::Passing(said, retry_after(response.headers()));
            }
            (_, Some("GatedRepo")) => format!(
                "{name} is gated: accept its terms at {endpoint}/{}, and {}",
                kind.page(name),
                self.advice()
            ),
            (_, Some("RepoNotFound")) => format!(
                "{endpoint} has no {what} {name}, or it is private: check the name, or {}",
                self.advice()
            ),
            (401 | 403, _) if self.is_endpoint(response.url()) => {
                format!("{}: {}", refuses(), self.advice())
            }
            // It is given no token.
            (401 | 403, _) => format!("{}: see whether your network lets builds there", refuses()),
            _ => told(response),
        };
        if status == 404 || code == Some("RepoNotFound") {
            Failure::Missing(anyhow!(told))
        } else {
            Failure::Lasting(anyhow!(told))
        }
    }

    /// Whether the token is for the server of this URL.
    fn is_endpoint(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    /// The server of a URL, and where it comes from if nobody has named it.
    fn named(&self, url: &Url) -> String {
        if self.is_endpoint(url) {
            return server(url);
        }
        format!("{}, to which {} leads,", server(url), server(&self.endpoint))
    }

    /// What to do about the token.
    fn advice(&self) -> String {
        match (&self.origin.token, &self.token) {
            (None, _) => "name the secret that holds a token, or `user:password`, in the model's \
                          `token`"
                .into(),
            (Some(secret), None) => {
                format!("give the build its token: --secret id={secret},env=HF_TOKEN")
            }
            (Some(secret), Some(token)) => {
                let what = if token.contains(':') { "`user:password`" } else { "the token" };
                format!("see that {what} in the secret {secret} is valid and has access")
            }
        }
    }
}

impl Kind {
    /// What people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::File => "file",
        }
    }

    /// Where a hub's page of `name` is.
    pub fn page(self, name: &str) -> String {
        match self {
            Self::Dataset => format!("datasets/{name}"),
            Self::Model | Self::File => name.to_owned(),
        }
    }
}

/// `hub.example answered 404 to GET /org/name`
fn told(response: &Response) -> String {
    let url = response.url();
    let status = response.status().as_u16();
    format!("{} answered {status} to GET {}", server(url), url.path())
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).with_context(|| format!("{url} is no URL"))
}

/// The host, and the port if it has one.
fn server(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where a redirect leads.
fn led_to(response: &Response) -> Option<Url> {
    let leads = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| leads)?;
    response.url().join(location.to_str().ok()?).ok()
}

/// The next page (RFC 8288): `Link: <https://hub.example/…?cursor=…>; rel="next"`.
fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|links| links.to_str().ok());
    let mut links =
        links.flat_map(|links| links.split('<')).filter_map(|link| link.split_once('>'));
    let (url, _) = links.find(|(_, of_link)| of_link.contains("rel=\"next\""))?;
    Some(url.to_owned())
}

fn secret(folder: &Path, name: &str) -> Result<Option<String>> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(&path).map(Some).with_context(|| format!("the secret {name} is no text"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_host_may_be_called_certificates() {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let url = format!("http://{port}/x");
        let (kind, name) = (Kind::Model, "org/model".into());
        let origin =
            Origin { kind, name, endpoint: "http://certificates.corp".into(), token: None };
        let http = Http::new(&origin, Path::new("/nowhere")).expect("a client");
        let error = http.client.get(url).send().await.expect_err("nobody listens");
        let failure = http.broken(&http.endpoint, error);
        assert!(matches!(failure, Failure::Passing(..)), "{failure:?}");
    }

    #[test]
    fn where_a_page_goes_on() {
        let next = |link: &'static str| {
            next(&HeaderMap::from_iter([(LINK, link.parse().expect("a value"))]))
        };
        let links = "<https://hub/t?a=1,2>; rel=\"prev\", <https://hub/t?a=3,4>; rel=\"next\"";
        assert_eq!(next(links).as_deref(), Some("https://hub/t?a=3,4"));
        assert_eq!(next("<https://hub/t>; rel=\"prev\""), None);
    }
}
