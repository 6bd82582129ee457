"""What a step needs before it uses the network: whom to trust, and who to be. And what is to be
said when that did not do."""

import base64
import functools
import netrc
import os
import re
import socket
import ssl
import sys
import time
import urllib.parse

CA_SECRET = "/run/secrets/ca_bundle"
NETRC_SECRET = "/run/secrets/netrc"
# Hosts that the manifest has a secret for, and the files of the secrets.
CREDENTIALS = "/strata/credentials.txt"
# Indexes that refuse what they do not have, as the manifest says.
REFUSALS = "/strata/refusals.txt"

PYPI = "https://pypi.org/simple"
# Answers 403 for what it does not have.
PYTORCH = "download.pytorch.org"
# A project that no index has.
NOBODYS = "strata-has-no-such-project"
# What an index answers with (PEP 503, PEP 691); pip takes nothing else for one.
PAGES = ("text/html", "application/vnd.pypi.simple.")
# What an index answers for what it does not have; of 403 see `_is_store`. A page may be empty.
ABSENT = (403, 404, 410, 416)
# By which it, or a proxy, lets nobody in. uv passes over them, and over 403.
REFUSED = (401, 407, 511)
NOT_PASSED_OVER = (
    "It is not passed over, for another index's package of that name would take the place of its own."
)
# How long a server may think, in seconds, before it is said not to answer.
PATIENCE = 20
# How long to wait, in seconds, before a server that has a bad moment is asked again.
PAUSES = (1, 2)
# So many pages are asked for at a time.
AT_ONCE = 16

# Debian and Alpine, Red Hat, Alpine without ca-certificates.
TRUST_STORES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
]
# pip, Python and OpenSSL, requests, curl, git.
TRUST_VARIABLES = [
    "PIP_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
]


def prepare():
    """Makes the home and sets the environment; processes started from here inherit it."""
    home = os.environ["HOME"]
    os.makedirs(home, exist_ok=True)
    bundle = _trusted()
    if bundle:
        os.environ.update({name: bundle for name in TRUST_VARIABLES})
    # Many steps run at the same time: uv's ten seconds are short on a machine with much to do.
    os.environ["UV_HTTP_CONNECT_TIMEOUT"] = "30"
    # A name server that is out for half a minute is no reason to build anew.
    os.environ["UV_HTTP_RETRIES"] = "6"
    # A download that stands still this long is begun anew, which uv does not do for a large one.
    os.environ["UV_HTTP_TIMEOUT"] = "120"
    os.environ["PIP_RETRIES"] = "7"
    os.environ["PIP_RESUME_RETRIES"] = "7"
    logins = os.path.join(home, ".netrc")
    with open(os.open(logins, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as out:
        out.writelines(_logins())
    os.environ["NETRC"] = logins


def trust_plain_http(options):
    """Has pip take indexes on plain HTTP, of which a file of its options has the URLs: somebody
    wrote `http://`, and uv takes it as well. And has what is asked here trust whom the options say
    that pip is to trust."""
    with open(options, encoding="utf-8") as file:
        hosts = re.findall(
            r"^--(?:trusted-host |\S+ http://)([^/?#\s]+)", file.read(), re.MULTILINE
        )
    if hosts:
        os.environ["PIP_TRUSTED_HOST"] = " ".join(sorted(set(hosts)))


def indexes(options):
    """The indexes that a file of pip's options names, and PyPI if it is among them."""
    with open(options, encoding="utf-8") as file:
        text = file.read()
    if re.search(r"^--no-index$", text, re.MULTILINE):
        return []
    found = re.findall(r"^--((?:extra-)?index-url) (\S+)", text, re.MULTILINE)
    own = [] if any(option == "index-url" for option, _ in found) else [PYPI]
    return own + [url for _, url in found]


def links(options):
    """The pages with links that a file of pip's options names."""
    with open(options, encoding="utf-8") as file:
        return re.findall(r"^--find-links (\S+)", file.read(), re.MULTILINE)


def refusal(indexes, projects, others):
    """What to say if an index refuses the page of one of the projects to who asks as this step does.
    The tools would do without it, take what another index has, and be done: for good, as a step that
    succeeds is kept. The others are what it may have, too; none, if nobody knows of any."""
    for index in indexes:
        if index == PYPI or _refuses_what_it_lacks(index):
            continue
        pages = [page(index, project) for project in projects]
        answers = dict(zip(pages, _at_once(_ask, pages)))
        silent = [asked for asked, (status, *_) in answers.items() if status is None]
        for asked in silent[:1]:
            # The tools ask again and again, for a quarter of an hour: who waits may know why.
            print(f"{asked} does not answer: {answers[asked][1]}", file=sys.stderr, flush=True)
        refused = [asked for asked, (status, *_) in answers.items() if status in REFUSED]
        forbidden = [asked for asked, (status, *_) in answers.items() if status == 403]
        if forbidden and not _is_store(index, answers.values(), others):
            refused += forbidden
        for asked in refused[:1]:
            return (
                f"{_wrong(asked, answers[asked])}\n{NOT_PASSED_OVER} If it answers so for what it "
                "does not have, say that under `python`: "
                f"`ignore_refusals: {index.rstrip('/')}`."
            )
    return None


def require(pages, others):
    """Ends the step unless these pages of indexes, and the other ones, are there to be asked. pip
    passes over one that is not, takes what another has, and is done."""
    words = trouble_of(pages, others)
    if words:
        sys.exit(words)


def trouble_of(pages, others):
    """What to say if one of these pages of indexes, or of the other ones, has trouble."""
    wrong = next(filter(None, [*_at_once(_required, pages), *map(explanation, others)]), None)
    return wrong and f"{wrong}\n{NOT_PASSED_OVER}"


def _required(url):
    """What is wrong with a page of an index, which may be absent."""
    answer = _ask(url)
    absent = ABSENT + (REFUSED if _refuses_what_it_lacks(url) else ())
    return None if answer[0] in absent else _wrong(url, answer) or _no_page(url, answer)


def _refuses_what_it_lacks(url):
    """Whether the manifest says so of an index, or of the one that has this page."""
    if not os.path.exists(REFUSALS):
        return False
    with open(REFUSALS, encoding="utf-8") as known:
        return any(f"{url}/".startswith(f"{line.strip()}/") for line in known)


def _no_page(url, answer):
    """What is wrong with what a server shows in place of an index's page."""
    kind = answer[2]
    if kind.startswith(PAGES):
        return None
    return f"{url} answers with {kind}, and an index does with HTML or JSON (PEP 503, PEP 691)"


def _is_store(index, answers, others):
    """Whether an index that answers 403 is a store of files (S3), which says so of what it does not
    have: it does of what nobody has, and shows something else."""
    if is_pytorch(index):
        return True
    status, *_, is_amazons = _ask(page(index, NOBODYS))
    if status != 403:
        return False
    if others is None and is_amazons:
        return True
    pages = [f"{index.rstrip('/')}/"] + [page(index, project) for project in others or []]
    return any(map(_shows, answers)) or any(map(_shows, map(_ask, pages)))


def _shows(answer):
    return answer[0] is not None and answer[0] < 400


def _at_once(function, urls):
    # Here, because few need it.
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, urls))


def explain(urls):
    """Says which of these have trouble, and what to do; returns whether any has."""
    explanations = list(filter(None, map(explanation, urls)))
    for words in explanations:
        print(words, file=sys.stderr)
    return bool(explanations)


def explanation(url):
    """What is wrong with a URL, if anything is."""
    return _wrong(url, _ask(url))


def trouble(url):
    """What is wrong with a page of an index, if anything is."""
    answer = _ask(url)
    return _wrong(url, answer) or _no_page(url, answer)


def _wrong(url, answer):
    """What is wrong with a URL that is answered so."""
    status, reason, *_ = answer
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"{url} does not answer: who signed its certificate is not known here; if these are "
            "your company's authorities, give them to the build: `--secret id=ca_bundle,src=ca.pem`"
        )
    if status is None:
        return f"{url} does not answer: {reason}"
    if status < 400:
        return None
    words = f"{url} answers {status} {reason}"
    if status in (401, 403):
        return f"{words}: {_advice(urllib.parse.urlsplit(url).hostname)}"
    if status >= 500:
        return f"{words}: the server has trouble of its own, try again when that is over"
    return words


def lacks(url):
    """Whether a server says that it has nothing there."""
    return _ask(url)[0] in (404, 410)


def is_pytorch(index):
    """Whether an index is one of PyTorch's own."""
    return urllib.parse.urlsplit(index).hostname == PYTORCH


def page(index, project):
    """Where an index has the files of a project (PEP 503)."""
    return f"{index.rstrip('/')}/{re.sub(r'[-_.]+', '-', project).lower()}/"


def _ask(url):
    """The status of the answer, its name, the media type, and whether it is that of a store with
    Amazon's interface; no status, and why, if there is no answer."""
    for pause in PAUSES:
        answer = _ask_once(url)
        if not _will_pass(answer):
            return answer
        time.sleep(pause)
    return _ask_once(url)


def _will_pass(answer):
    """Whether it may be another one in a moment. Who was silent was waited for."""
    status, reason, *_ = answer
    if status is None:
        return not isinstance(reason, (TimeoutError, socket.timeout, ssl.SSLError, ValueError))
    return status == 429 or status >= 500


def _ask_once(url):
    # Here, because it takes longer to load than many a step needs, and few ask.
    import http.client
    import urllib.error

    def told(status, answer):
        headers = answer.headers
        is_amazons = "x-amz-request-id" in headers
        return status, answer.reason, headers.get_content_type(), is_amazons

    try:
        with _open(url, {"Range": "bytes=0-0"}) as answer:
            return told(answer.status, answer)
    except urllib.error.HTTPError as error:
        return told(error.code, error)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return None, getattr(error, "reason", error), None, False


def text(url):
    """All that a server shows; nothing, if that breaks off."""
    import http.client

    try:
        with _open(url, {}) as answer:
            return answer.read().decode("utf-8", "replace")
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _open(url, headers):
    import urllib.request

    request = urllib.request.Request(url, headers={**headers, "User-Agent": "strata"})
    login = netrc.netrc(os.environ["NETRC"]).authenticators(urllib.parse.urlsplit(url).hostname)
    if login:
        login = base64.b64encode(f"{login[0]}:{login[2]}".encode()).decode()
        # Not for whom this one leads to.
        request.add_unredirected_header("Authorization", f"Basic {login}")
    parts = urllib.parse.urlsplit(url)
    trusted = os.environ.get("PIP_TRUSTED_HOST", "").split()
    is_trusted = any(host in trusted for host in ("*", parts.hostname, parts.netloc))
    return _opener(is_trusted).open(request, timeout=PATIENCE)


@functools.lru_cache(maxsize=None)
def _opener(is_trusted):
    """Opens URLs. To read all authorities for each takes longer than to ask."""
    import urllib.request

    class WithLogin(urllib.request.HTTPRedirectHandler):
        """Takes the login along where a server leads to itself, as pip and uv do."""

        def redirect_request(self, request, *arguments):
            led = super().redirect_request(request, *arguments)
            login = request.get_header("Authorization")
            if led and login and (led.type, led.host) == (request.type, request.host):
                led.add_unredirected_header("Authorization", login)
            return led

    context = ssl.create_default_context()
    # By which Python 3.13 and later refuse many a company's authority, which pip and uv take.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if is_trusted:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    https = urllib.request.HTTPSHandler(context=context)
    return urllib.request.build_opener(https, WithLogin)


def _advice(host):
    """What to do where a host refuses."""
    for known, path in _credentials():
        if known == host:
            secret = os.path.basename(path)
            return (
                f"see that the secret {secret} holds a valid `user:password`, or a token, with "
                f"access to {host}"
            )
    if netrc.netrc(os.environ["NETRC"]).authenticators(host):
        return f"see that the secret netrc has a valid user and password for {host}"
    return (
        "if it asks for a password, name the secret that holds it under `python`, "
        f"`credentials: {{{host}: secret:my_index}}`, and give that to the build: "
        "`--secret id=my_index,env=MY_INDEX`"
    )


def _logins():
    """The lines of netrc(5): the manifest's own credentials, then the person's netrc."""
    for host, path in _credentials():
        name = os.path.basename(path)
        if not os.path.exists(path):
            sys.exit(f"there is no secret {name}, which {host} asks for: give it to the build, "
                     f"`--secret id={name},env=…`")
        with open(path, encoding="utf-8") as secret:
            login, colon, password = secret.read().strip().partition(":")
        if not colon:
            # What PyPI and its kin call whoever has a token.
            login, password = "__token__", login
        # A netrc has no way to say these that all its readers know.
        if not all(re.fullmatch(r'[^\s"\\][^\s\\]*', word) for word in (login, password)):
            sys.exit(f"the secret {name}, which {host} asks for, is neither `user:password` nor a "
                     "token: there are spaces, quotes or backslashes in it, or a part is missing")
        yield _entry(f"machine {host}", login, password)
    if os.path.exists(NETRC_SECRET):
        yield from _persons_logins()


def _persons_logins():
    """The person's netrc, without the hosts that the manifest has a secret for: some of its readers
    take the first entry for a host, others the last."""
    logins = _read_netrc().hosts
    named = {host for host, _ in _credentials()}
    if named.isdisjoint(logins):
        with open(NETRC_SECRET, encoding="utf-8") as secret:
            yield secret.read()
        return
    for host, (login, _, password) in logins.items():
        if host not in named:
            yield _entry("default" if host == "default" else f"machine {host}", login, password)


def _entry(whom, login, password):
    return f"{whom} login {login} password {password}\n"


def _read_netrc():
    """The person's netrc. Ends the step if it is none: here, because Python's words for that have
    what was read in them, which may be a password."""
    try:
        return netrc.netrc(NETRC_SECRET)
    except (netrc.NetrcParseError, ValueError) as error:
        # Python counts no comments, and of what ends a line it has seen the next.
        line = getattr(error, "lineno", None)
        at = f", around line {line}" if line else ""
        sys.exit(f"the secret netrc is not a netrc file{at}: it is one of entries `machine HOST "
                 "login USER password PASSWORD`; a login for one host goes under `credentials`")


def _credentials():
    """Hosts, and where the secret for each is."""
    if os.path.exists(CREDENTIALS):
        with open(CREDENTIALS, encoding="utf-8") as hosts:
            for line in hosts:
                yield line.split()


def _trusted():
    """The base's own trust store, with the company's certificates if they were given.

    The base's is named even without them: the tools' built-in bundles know nothing of a
    certificate that someone added to the base.
    """
    known = [os.environ.get("SSL_CERT_FILE", "")] + TRUST_STORES
    stores = [path for path in known if os.path.exists(path)][:1]
    if not os.path.exists(CA_SECRET):
        return stores[0] if stores else None
    bundle = "/tmp/ca_bundle.pem"
    with open(bundle, "wb") as out:
        for path in stores + [CA_SECRET]:
            with open(path, "rb") as certificates:
                out.write(certificates.read() + b"\n")
    return bundle
