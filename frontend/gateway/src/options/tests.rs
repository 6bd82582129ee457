use llb::{HostIp, Network, ProxyEnv, Ulimit};

use super::*;

fn parse(options: &[(&str, &str)]) -> Result<Options, InvalidOption> {
    Options::parse(options.iter().map(|&(option, value)| (option.to_owned(), value.to_owned())))
}

fn map<K: From<&'static str> + Ord, V: From<&'static str>, const N: usize>(
    pairs: [(&'static str, &'static str); N],
) -> BTreeMap<K, V> {
    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn platform(text: &str) -> Platform {
    Platform::parse(text).unwrap()
}

/// The build arguments among the options.
fn args(options: &[(&str, &str)]) -> BTreeMap<String, String> {
    let args = options.iter().filter_map(|(option, value)| {
        Some((option.strip_prefix("build-arg:")?.to_owned(), (*value).to_owned()))
    });
    args.collect()
}

/// Each row: what was given, and where alone it must be found, but for build arguments, which are
/// all kept.
macro_rules! found_at {
    ($($name:ident: $options:expr => $($field:ident).+ = $value:expr;)+) => {
        $(
            #[test]
            fn $name() {
                let build_args = args(&$options);
                let mut expected = Options { build_args, ..Options::default() };
                expected.$($field).+ = $value;
                assert_eq!(parse(&$options).unwrap(), expected);
            }
        )+
    };
}

found_at! {
    filename: [("filename", "app.yaml")] => filename = some("app.yaml");
    target: [("target", "dev")] => target = some("dev");
    build_arg: [("build-arg:A", "1=2"), ("build-arg:EMPTY", "")]
        => build_args = map([("A", "1=2"), ("EMPTY", "")]);
    label: [("label:org.x", "y")] => labels = map([("org.x", "y")]);
    one_platform: [("platform", "linux/arm64/v8")] => platforms = vec![platform("linux/arm64")];
    index_by_build_arg: [("multi-platform", "0"), ("build-arg:BUILDKIT_MULTI_PLATFORM", "true")]
        => multi_platform = true;
    no_cache: [("no-cache", "")] => no_cache = NoCache::Everything;
    no_cache_filter: [("no-cache", "a,B")]
        => no_cache = NoCache::Stages(vec!["a".to_owned(), "B".to_owned()]);
    cache_imports: [("cache-imports", r#"[{"Type":"gha","Attrs":{"scope":"x"}},{"Type":"local"}]"#)]
        => cache_imports = vec![
            CacheImport { kind: "gha".to_owned(), attrs: map([("scope", "x")]) },
            CacheImport { kind: "local".to_owned(), attrs: BTreeMap::new() },
        ];
    cache_from: [("cache-from", "r/a,r/b")]
        => cache_imports = ["r/a", "r/b"].map(|reference| CacheImport {
            kind: "registry".to_owned(),
            attrs: map([("ref", reference)]),
        }).into();
    cache_mount_namespace: [("build-arg:BUILDKIT_CACHE_MOUNT_NS", "ns")]
        => cache_mount_namespace = some("ns");
    resolve_mode: [("image-resolve-mode", "local")] => resolve_mode = ResolveMode::Local;
    pull: [("image-resolve-mode", "pull")] => resolve_mode = ResolveMode::Pull;
    resolve_as_ever: [("image-resolve-mode", "default")] => resolve_mode = ResolveMode::Default;
    add_hosts: [("add-hosts", r#"Db=10.0.0.1,"six=::1""#)]
        => sandbox.extra_hosts = vec![
            HostIp { host: "db".to_owned(), ip: "10.0.0.1".to_owned() },
            HostIp { host: "six".to_owned(), ip: "::1".to_owned() },
        ];
    ulimit: [("ulimit", "nofile=1024:2048,core=-1")]
        => sandbox.ulimits = vec![
            Ulimit { name: "nofile".to_owned(), soft: 1024, hard: 2048 },
            Ulimit { name: "core".to_owned(), soft: -1, hard: -1 },
        ];
    shm_size: [("shm-size", "134217728")] => sandbox.shm_size = Some(134_217_728);
    shm_size_of_nothing: [("shm-size", "0")] => sandbox.shm_size = None;
    no_network: [("force-network-mode", "none")] => sandbox.network = Network::None;
    host_network: [("force-network-mode", "host")] => sandbox.network = Network::Host;
    own_network: [("force-network-mode", "sandbox")] => sandbox.network = Network::Sandbox;
    cgroup_parent: [("cgroup-parent", "/ci")] => sandbox.cgroup_parent = some("/ci");
    hostname: [("hostname", "a")] => sandbox.hostname = some("a");
    hostname_by_build_arg: [("hostname", "a"), ("build-arg:BUILDKIT_SANDBOX_HOSTNAME", "b")]
        => sandbox.hostname = some("b");
    proxies: [
        ("build-arg:HTTP_PROXY", "upper"),
        ("build-arg:http_proxy", "lower"),
        ("build-arg:HTTPS_PROXY", "tls"),
        ("build-arg:ftp_proxy", "ftp"),
        ("build-arg:NO_PROXY", "localhost"),
        ("build-arg:ALL_PROXY", "socks"),
    ] => sandbox.proxy = Some(ProxyEnv {
        http_proxy: "lower".to_owned(),
        https_proxy: "tls".to_owned(),
        ftp_proxy: "ftp".to_owned(),
        no_proxy: "localhost".to_owned(),
        all_proxy: "socks".to_owned(),
    });
    context: [("context", "https://h.io/r.git")] => context.url = some("https://h.io/r.git");
    context_by_key: [("contextkey", "elsewhere"), ("elsewhere", "git@h.io:r.git")]
        => context.url = some("git@h.io:r.git");
    contextsubdir: [("contextsubdir", "sub")] => context.subdir = some("sub");
    dockerfilekey: [("dockerfilekey", "dockerfile")] => context.manifest_local = some("dockerfile");
    keep_git_dir: [("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", "1")]
        => context.keep_git_dir = true;
    named_contexts: [("context:python", "docker-image://x"), ("context:a::linux/arm64", "local:a")]
        => context.named = map([("python", "docker-image://x"), ("a::linux/arm64", "local:a")]);
    input_metadata: [("input-metadata:base", r#"{"containerimage.config":"e30="}"#)]
        => context.input_metadata = BTreeMap::from([
            ("base".to_owned(), map([("containerimage.config", "{}")])),
        ]);
    local_sessions: [("local-sessionid:context", "s2")]
        => context.local_sessions = map([("context", "s2")]);
    shared_keys: [("sharedkey:localdir:a", "key")] => context.shared_keys = map([("a", "key")]);
    subrequest: [("requestid", "frontend.lint")] => subrequest = some("frontend.lint");
    lint: [("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=A, B;error=true;experimental=all")]
        => lint = Some(LintOptions {
            skip: Rules::Named(vec!["A".to_owned(), "B".to_owned()]),
            error: true,
        });
    source: [("source", "example/frontend:1")] => source = some("example/frontend:1");
    cmdline: [("cmdline", "example/frontend:1 --fast")] => cmdline = some("example/frontend:1 --fast");
    source_date_epoch: [("build-arg:SOURCE_DATE_EPOCH", "0")] => source_date_epoch = some("0");
    unknown: [("build-arg:BUILDKIT_NEWS", "1"), ("devices", "gpu"), ("memory", "64")]
        => unknown =
            map([("build-arg:BUILDKIT_NEWS", "1"), ("devices", "gpu"), ("memory", "64")]);
    acted_on_by_others: [
        ("build-arg:BUILDKIT_SYNTAX", "x"),
        ("build-arg:BUILDKIT_INLINE_CACHE", "1"),
        ("build-arg:BUILDKIT_BUILD_NAME", "n"),
        ("build-arg:BUILDKIT_ATTEST_SBOM", ""),
        ("attest:provenance", "mode=min"),
        ("frontend.caps", "moby.buildkit.frontend.subrequests+forward"),
        ("input:context", "https://h.io/r.git"),
        ("vcs:localdir:context", "d"),
    ] => unknown = BTreeMap::new();
    empty_is_not_given: [("target", ""), ("platform", ""), ("shm-size", ""), ("context", "")]
        => unknown = BTreeMap::new();
}

#[test]
fn several_platforms_make_an_index() {
    let options = parse(&[("platform", "linux/amd64,linux/arm64")]).unwrap();
    assert!(options.multi_platform);
    assert_eq!(options.platforms, [platform("linux/amd64"), platform("linux/arm64")]);
}

#[test]
fn values_that_cannot_be_used() {
    for (option, value, problem) in [
        ("platform", "linux/", "`linux/` is not a platform such as linux/amd64 or linux/arm/v7"),
        ("multi-platform", "yes", "expected true or false"),
        ("image-resolve-mode", "never", "expected default, pull or local"),
        ("add-hosts", "db", "expected host=address"),
        ("add-hosts", "db=here", "`here` is not an IP address"),
        ("add-hosts", "\"", "a quote that is not closed"),
        ("ulimit", "nofile", "expected name=soft or name=soft:hard"),
        ("ulimit", "nofile=many", "`many` is not a number such as 1024 or -1"),
        ("ulimit", "nofile=2:1", "the soft limit of nofile is above the hard one"),
        ("ulimit", "nofile=-1:1", "the soft limit of nofile is above the hard one"),
        ("shm-size", "64m", "expected a number of bytes"),
        ("force-network-mode", "bridge", "expected sandbox, host or none"),
        ("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR", "perhaps", "expected true or false"),
        ("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip", "expected key=value"),
        (
            "build-arg:BUILDKIT_DOCKERFILE_CHECK",
            "a=b",
            "`a` is not one of skip, error, experimental",
        ),
    ] {
        let invalid = InvalidOption {
            option: option.to_owned(),
            value: some(value),
            problem: problem.to_owned(),
        };
        assert_eq!(parse(&[(option, value)]), Err(invalid));
    }
    let limits = parse(&[("ulimit", "files=1")]).unwrap_err().problem;
    assert!(limits.starts_with("`files` is not one of core, cpu, "), "{limits}");
    let refused = parse(&[("platform", "linux/amd64,linux/arm64"), ("multi-platform", "false")]);
    assert_eq!(refused.unwrap_err().option, "multi-platform");
}

#[test]
fn values_that_may_hold_secrets_are_not_told() {
    for (option, value, told) in [
        ("cache-imports", r#"["open-sesame"]"#, "not the JSON that it should be at line 1"),
        ("cache-imports", r#"{"token": "open-sesame""#, "not the JSON that it should be at line 1"),
        ("input-metadata:x", r#"{"open": ["sesame"]}"#, "not the JSON that it should be at line 1"),
        ("input-metadata:x", r#"{"k": "open-sesame"}"#, "Invalid symbol 45, offset 4."),
    ] {
        let message = parse(&[(option, value)]).unwrap_err().to_string();
        let start = format!("build option {option} cannot be read: {told}");
        assert!(message.starts_with(&start) && !message.contains("sesame"), "{message}");
    }
}

#[test]
fn each_platform_once() {
    let options = parse(&[("platform", "linux/arm64,linux/amd64,linux/aarch64,linux/arm64/v8")]);
    let options = options.unwrap();
    assert_eq!(options.platforms, [platform("linux/arm64"), platform("linux/amd64")]);
    let one = parse(&[("platform", "linux/amd64,linux/x86_64")]).unwrap();
    assert!(!one.multi_platform, "an index is for several, or asked for");
}

#[test]
fn an_index_for_one_platform_is_one_of_several_nodes_or_asked_for() {
    let (by_client, by_person) =
        (("multi-platform", "true"), ("build-arg:BUILDKIT_MULTI_PLATFORM", "1"));
    for (options, index, several_nodes) in [
        (&[][..], false, false),
        (&[by_client], true, true),
        (&[by_person], true, false),
        (&[by_client, by_person], true, false),
        (&[("multi-platform", "false")], false, false),
        (&[("platform", "linux/amd64,linux/arm64")], true, false),
    ] {
        let read = parse(options).unwrap();
        assert_eq!(
            (read.multi_platform, read.several_nodes),
            (index, several_nodes),
            "{options:?}"
        );
    }
}

#[test]
fn stages_without_cache_in_any_case() {
    let no_cache = NoCache::Stages(vec!["Models".to_owned()]);
    assert!(no_cache.covers("models"));
    assert!(!no_cache.covers("code"));
    assert!(!NoCache::Nothing.covers("models"));
}
