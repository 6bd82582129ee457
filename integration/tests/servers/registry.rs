//! The registry, spoken to as the OCI distribution specification has it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use integration::registry::{Blob, Registry, Traffic};

use crate::python::python;

/// The digest of the text that [`PUSH`] pushes.
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// The first half of a client: requests against the registry in `sys.argv[1]`.
const CLIENT: &str = "
import sys, urllib.request
host, digest = sys.argv[1:]
def ask(method, path, data=None, **headers):
    url = path if path.startswith('http') else f'http://{host}/v2/{path}'
    headers = {'Content-Type': 'application/octet-stream', **headers}
    return urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method))
";
const PUSH: &str = "
upload = ask('POST', 'app/blobs/uploads/').headers['Location']
ask('PUT', f'{upload}&digest={digest}', b'hello')
";
const MOUNT: &str = "ask('POST', f'other/blobs/uploads/?mount={digest}&from=app')";
const HEAD: &str = "ask('HEAD', f'app/blobs/{digest}')";
const PULL: &str = "assert ask('GET', f'app/blobs/{digest}').read() == b'hello'";
const PULL_PART: &str =
    "assert ask('GET', f'app/blobs/{digest}', Range='bytes=2-').read() == b'llo'";

#[test]
fn what_went_through_is_told_once_by_blob_and_size() {
    let registry = Registry::serve(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
    let hello = |bytes| vec![Blob { digest: HELLO.into(), bytes }];
    for (request, downloads, uploads) in [
        (PUSH, vec![], hello(5)),
        (MOUNT, vec![], vec![]),
        (HEAD, vec![], vec![]),
        (PULL, hello(5), vec![]),
        (PULL_PART, hello(3), vec![]),
        ("", vec![], vec![]),
    ] {
        let client = ["-c", &[CLIENT, request].concat(), &registry.host(), HELLO];
        assert!(python(Path::new("/")).args(client).status().unwrap().success(), "{request}");
        assert_eq!(registry.take_traffic().unwrap(), Traffic { downloads, uploads }, "{request}");
    }
}
