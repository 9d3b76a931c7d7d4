#!/usr/bin/env bash
# Installs what a task needs, and only what is missing. Debian and Ubuntu;
# elsewhere it prints what is missing and exits with 1.
#
#   scripts/deps.sh build|demo|test|bench [--without PACKAGE]…
#
# Runs apt-get as root or through sudo, without questions. A PostgreSQL server
# that this installs comes without the cluster "main" that Debian would create
# and start; clusters that exist are not touched. PG_CONFIG, if it names a
# PostgreSQL with a server and its headers, is used as it is.
set -euo pipefail

say() { printf '%s\n' "deps: $*"; }
die() { printf '%s\n' "deps: $*" >&2; exit 1; }

task=${1:-}
case $task in build | demo | test | bench) shift ;; *) die "usage: deps.sh build|demo|test|bench [--without PACKAGE]…" ;; esac
without=' '
while [ $# -gt 0 ]; do
    case $1 in
        --without) without+="${2:?--without needs a package} "; shift 2 ;;
        *) die "unknown argument $1" ;;
    esac
done

# ---- what is needed: need PACKAGE "why" probe…; the probe tells that it is
# there, whichever way it was installed -------------------------------------

missing=()
reasons=()
need() {
    local package=$1 why=$2
    shift 2
    case $without in *" $package "*) say "going without $package ($why), as asked"; return ;; esac
    if installed "$package" || "$@" >/dev/null 2>&1; then return; fi
    missing+=("$package")
    reasons+=("$why")
}
if command -v dpkg-query >/dev/null 2>&1; then
    installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
else
    installed() { false; }
fi
header() { "${CC:-cc}" -E -include "$1" -x c /dev/null; }
python() { /usr/bin/python3 -c "import $1"; }

pg_config=${PG_CONFIG:-pg_config}
has_headers() { [ -f "$("$pg_config" --pgxs)" ] && [ -f "$("$pg_config" --includedir-server)/postgres.h" ]; }
has_server() {
    local bin
    bin=$("$pg_config" --bindir) && [ -x "$bin/postgres" ] && [ -x "$bin/initdb" ] && [ -x "$bin/psql" ]
}

# The major version to install for: that of the headers that are there, else of
# the newest server, else the distribution's own.
major() {
    local found
    if has_headers 2>/dev/null; then
        "$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'
        return
    fi
    found=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'postgresql-[0-9]*' 2>/dev/null |
        sed -n 's/^installed postgresql-\([0-9]*\)$/\1/p' | sort -n | tail -n 1) || true
    if [ -z "$found" ]; then
        found=$(apt-cache depends --important postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | sort -n | tail -n 1) || true
    fi
    printf '%s\n' "$found"
}

# (No `| grep -q`: it would end apt-cache by SIGPIPE, which pipefail calls a failure.)
known() { [[ $(apt-cache show --no-all-versions "$1" 2>/dev/null) == Package:* ]]; }

list() {
    missing=()
    reasons=()
    need gcc "C compiler" command -v "${CC:-gcc}"
    need libc6-dev "C library's headers" header stdlib.h
    need make "make" command -v make
    need libxxhash-dev "xxHash's headers" header xxhash.h
    need libsqlite3-dev "SQLite's headers" header sqlite3ext.h
    need "postgresql-server-dev-$1" "PostgreSQL's headers and PGXS" has_headers
    [ "$task" != build ] || return 0
    need "postgresql-$1" "PostgreSQL server" has_server
    need sqlite3 "SQLite's shell" command -v sqlite3
    if [ "$task" = demo ]; then
        need pgloader "loads proj.db into PostgreSQL" command -v pgloader
        need proj-data "the demo's data, /usr/share/proj/proj.db" test -f /usr/share/proj/proj.db
        return 0
    fi
    if [ "$task" = bench ]; then
        need python3 "runs the benchmark" test -x /usr/bin/python3
        need python3-psycopg "PostgreSQL's Python client" python psycopg
        # The benchmark leaves pg_comparator out where there is no package of it.
        ! known postgresql-comparator || need postgresql-comparator "pg_comparator, to compare with" false
        return 0
    fi
    need python3 "runs the tests" test -x /usr/bin/python3
    need python3-pytest "runs the tests" python pytest
    need python3-psycopg "PostgreSQL's Python client" python psycopg
    need python3-xxhash "hashes of the independent implementation" python xxhash
    need libcmocka-dev "unit tests of core/" header cmocka.h
    need clang "second compiler, fuzzing" command -v clang
    need libclang-rt-dev "clang's sanitizers and libFuzzer" clang_runs_fuzzers
}
clang_runs_fuzzers() {
    local out status
    out=$(mktemp)
    echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n); int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 99; }' |
        clang -fsanitize=fuzzer,address,undefined -x c - -o "$out" && status=0 || status=1
    rm -f "$out"
    return $status
}

print_missing() {
    local i
    for i in "${!missing[@]}"; do printf '  %-26s %s\n' "${missing[$i]}" "${reasons[$i]}"; done
}

# ---- a system without apt-get: say what is missing -------------------------

if ! command -v apt-get >/dev/null 2>&1; then
    list NN
    if [ ${#missing[@]} -eq 0 ]; then say "nothing is missing"; exit 0; fi
    say "missing, under the names of Debian's packages; install what your system calls them:"
    print_missing
    exit 1
fi

# ---- Debian, Ubuntu ---------------------------------------------------------

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
updated=
update() {
    [ -z "$updated" ] || return 0
    updated=1
    say "apt-get update"
    root apt-get update -q
}
root() {
    if [ ${#as_root[@]} -gt 0 ] && ! command -v sudo >/dev/null 2>&1; then
        die "cannot run '$*': not root, and there is no sudo"
    fi
    ${as_root[@]+"${as_root[@]}"} "$@"
}
apt_install() {
    root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null
}

version=$(major)
if [ -z "$version" ]; then
    update
    version=$(major)
    [ -n "$version" ] || die "this system's packages name no PostgreSQL server"
fi
list "$version"
if [ ${#missing[@]} -eq 0 ]; then
    say "nothing to install for '$task'"
    exit 0
fi
if [ "$pg_config" != pg_config ]; then
    case " ${missing[*]} " in
        *" postgresql-"*) die "PG_CONFIG=$pg_config names no PostgreSQL with a server and its headers; set it to one, or leave it out" ;;
    esac
fi

say "to install for '$task':"
print_missing
for package in "${missing[@]}"; do known "$package" || { update; list "$version"; break; }; done
packages=()
for package in "${missing[@]}"; do
    if known "$package"; then
        packages+=("$package")
    elif [ "$package" = libclang-rt-dev ]; then
        say "no package libclang-rt-dev here: clang brings its runtime itself"
    else
        die "no package $package in this system's lists (/etc/apt/sources.list): add a release that has it, or --without $package"
    fi
done
[ ${#packages[@]} -gt 0 ] || die "nothing of this can be installed from this system's lists"

no_main=/etc/postgresql-common/createcluster.d/parity-no-main-cluster.conf
case " ${packages[*]} " in
    *" postgresql-$version "*)
        # postgresql-common first: it says whether a new server gets a cluster.
        say "postgresql-$version is installed without its default cluster"
        installed postgresql-common || apt_install postgresql-common || { update; apt_install postgresql-common; }
        trap 'root rm -f "$no_main"' EXIT
        root mkdir -p "${no_main%/*}"
        printf '%s\n' '# only while parity installs a server' 'create_main_cluster = false' | root tee "$no_main" >/dev/null
        ;;
esac
say "apt-get install ${packages[*]}"
if ! apt_install "${packages[@]}"; then
    [ -z "$updated" ] || die "apt-get could not install ${packages[*]}"
    update # the lists may be older than the archive
    apt_install "${packages[@]}" || die "apt-get could not install ${packages[*]}"
fi

list "$version"
if [ ${#missing[@]} -gt 0 ]; then
    print_missing
    die "still missing after the installation"
fi
say "done"
