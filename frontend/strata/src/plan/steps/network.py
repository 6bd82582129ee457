"""What a step needs before it uses the network: whom to trust, and who to be."""

import os

CA_SECRET = "/run/secrets/ca_bundle"
NETRC_SECRET = "/run/secrets/netrc"

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
    if os.path.exists(NETRC_SECRET):
        os.environ["NETRC"] = NETRC_SECRET
        os.symlink(NETRC_SECRET, os.path.join(home, ".netrc"))


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
