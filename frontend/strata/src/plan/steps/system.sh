# Installs packages with the base's own package manager and leaves nothing behind but them.
# Its downloads are kept in /cache/system, apart for each distribution, version and machine.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive

distribution=$(. /etc/os-release && echo "${ID:-linux}-${VERSION_ID:-rolling}-$(uname -m)")
cache=/cache/system/$distribution
mkdir -p "$cache"
# A mount comes without the mode that package managers' own users need.
chmod 1777 /tmp
touch /tmp/start

# The base's trust store, with the company's certificates if they were given.
trust_company() {
    [ -s /run/secrets/ca_bundle ] || return 0
    for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$store" ]; then
            cat "$store"
            break
        fi
    done >/tmp/ca_bundle.pem
    cat /run/secrets/ca_bundle >>/tmp/ca_bundle.pem
    chmod 0644 /tmp/ca_bundle.pem
    export SSL_CERT_FILE=/tmp/ca_bundle.pem CURL_CA_BUNDLE=/tmp/ca_bundle.pem
}

# Lays the manifest's sources of these endings, $3 and on, over a copy of the base's own, which are in
# $2: $1 looks at the copy in their place, and nothing of it stays in the image.
lay_sources() {
    reader=$1
    own=$2
    shift 2
    laid=
    for ending in "$@"; do
        for file in /strata/*"$ending"; do
            [ ! -e "$file" ] || laid="$laid $file"
        done
    done
    if [ -n "$laid" ]; then
        mkdir /tmp/sources
        [ ! -d "$own" ] || cp -R "$own/." /tmp/sources
        cp $laid /tmp/sources
    elif ls /strata/*.* >/dev/null 2>&1; then
        echo "$reader reads none of the files in system.sources: apt-get reads .sources and .list, dnf and microdnf read .repo" >&2
        exit 1
    fi
}

install_with_apt() {
    lay_sources apt-get /etc/apt/sources.list.d .sources .list
    # The base may have a list of this name beside that folder.
    list=
    if [ -e /strata/sources.list ]; then
        list=/strata/sources.list
        rm /tmp/sources/sources.list
    fi
    netrc=/run/secrets/netrc
    [ -s "$netrc" ] || netrc=
    mkdir -p "$cache/archives/partial" "$cache/lists/partial"
    # Images clean apt's cache after every use, in a hook of this name: the other settings stay.
    cp -R /etc/apt/apt.conf.d /tmp/apt.conf.d
    rm -f /tmp/apt.conf.d/docker-clean
    # Not on the command line, because tools that apt starts must know where the cache is, too.
    cat >/tmp/apt.conf <<-END
		Dir::Etc::Parts "/tmp/apt.conf.d";
		Dir::Cache "$cache";
		Dir::Cache::Archives "archives";
		Dir::State::Lists "$cache/lists";
		APT::Keep-Downloaded-Packages "true";
		APT::Update::Error-Mode "any";
		Acquire::Languages "none";
		Acquire::Retries "3";
		${SSL_CERT_FILE:+Acquire::https::CaInfo "$SSL_CERT_FILE";}
		${laid:+Dir::Etc::SourceParts "/tmp/sources";}
		${list:+Dir::Etc::SourceList "$list";}
		${netrc:+Dir::Etc::netrc "$netrc";}
	END
    export APT_CONFIG=/tmp/apt.conf
    # A mirror that is out for a minute is no reason to build anew.
    apt-get update -qq -o Acquire::Retries=6
    apt-get install -y -q -o Acquire::Retries=6 --no-install-recommends -o Dpkg::Use-Pty=0 "$@"
}

install_with_dnf() {
    manager=$1
    shift
    lay_sources "$manager" /etc/yum.repos.d .repo
    # microdnf knows certificates as a setting of repositories only.
    "$manager" install -y --setopt=install_weak_deps=0 --setopt=keepcache=1 --setopt=cachedir="$cache" \
        ${SSL_CERT_FILE:+"--setopt=*.sslcacert=$SSL_CERT_FILE"} ${laid:+--setopt=reposdir=/tmp/sources} "$@"
}

# Logs and caches that managers write, and the times of all they touched.
forget() {
    rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/apk.log \
        /var/log/dnf*.log /var/log/hawkey.log /var/cache/ldconfig/aux-cache \
        /var/cache/debconf/*-old /var/lib/dpkg/*-old
    # Where there still is no Python, what comes next says so.
    if command -v python3 >/dev/null; then
        python3 -EsB /strata/scripts/restamp.py /tmp/start
    fi
    # Mounts touch these before this script starts.
    touch -d "@$SOURCE_DATE_EPOCH" / /etc /run
}

trust_company
if command -v apt-get >/dev/null; then
    install_with_apt "$@"
elif command -v apk >/dev/null; then
    lay_sources apk /etc/apk
    apk add --no-progress --update-cache --cache-dir "$cache" "$@"
elif command -v dnf >/dev/null; then
    # What is kept of its repositories may be days old.
    install_with_dnf dnf --refresh "$@"
elif command -v microdnf >/dev/null; then
    install_with_dnf microdnf "$@"
else
    echo "the base image has none of apt-get, apk, dnf and microdnf to install $* with: take system's packages out, or choose another base" >&2
    exit 1
fi
forget
