#!/usr/bin/env bash
# Runs a command inside a throw-away PostgreSQL that has parity installed.
#
#   scripts/with-postgres.sh [--pg-config PATH] [--builddir DIR] -- command [argument…]
#
# The command finds the server by PGHOST (a folder with a unix socket), PGPORT,
# PGUSER and PGDATABASE, and its installation by PG_CONFIG; PGDATA is the
# cluster, PARITY_PG_LOG the server's log. It runs in the caller's folder and
# as the caller. The exit status is the command's, or 1 if the command
# succeeded but a server process crashed meanwhile.
#
# Nothing is written into the system: PostgreSQL finds its folders relative to
# its own binary, so a copy of four binaries, with links to everything else in
# the same relative places, is an installation of its own. What `make` has
# built is installed into that, and all of it goes when the command ends,
# however it ends. (pg_virtualenv would need parity in the system's folders:
# root, and files to put back, up to PostgreSQL 17.) As root, the server runs as
# the user postgres or nobody, since PostgreSQL refuses to run as root. It
# listens on the socket only, in a folder that no other user can enter.
set -euo pipefail

say() { printf '%s\n' "with-postgres: $*" >&2; }
die() { say "$*"; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pg_config=${PG_CONFIG:-pg_config}
builddir=$here
while [ $# -gt 0 ]; do
    case $1 in
        --pg-config) pg_config=${2:?--pg-config needs a path}; shift 2 ;;
        --builddir) builddir=${2:?--builddir needs a folder}; shift 2 ;;
        --) shift; break ;;
        -*) die "unknown option $1" ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || die "usage: with-postgres.sh [--pg-config PATH] [--builddir DIR] -- command [argument…]"
builddir=$(cd "$builddir" && pwd)

real_config=$(command -v "$pg_config") && bindir=$("$real_config" --bindir) ||
    die "$pg_config does not run: is PostgreSQL installed?"
libdir=$("$real_config" --pkglibdir)
sharedir=$("$real_config" --sharedir)
[ -x "$bindir/postgres" ] && [ -x "$bindir/initdb" ] ||
    die "$bindir holds no PostgreSQL server (Debian, Ubuntu: the package postgresql-$(
        "$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'))"

# Who runs the server, and where. A unix socket's path may have 107 bytes.
as=()
owner=
if [ "$(id -u)" = 0 ]; then
    for user in postgres nobody; do
        if id "$user" >/dev/null 2>&1; then owner=$user; break; fi
    done
    [ -n "$owner" ] || die "no user postgres or nobody to run the server as"
    as=(setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups)
fi
tmp=${TMPDIR:-/tmp}
if [ ${#tmp} -gt 60 ] || ! ${as[@]+"${as[@]}"} test -x "$tmp"; then tmp=/tmp; fi

root=
child=
log=
stop() {
    local status=$?
    set +e
    trap '' INT TERM HUP
    trap - EXIT
    if [ -n "$child" ]; then
        kill -TERM "$child" 2>/dev/null && wait "$child" 2>/dev/null
    fi
    if [ -n "$root" ]; then
        if [ -f "$root/data/postmaster.pid" ]; then
            ${as[@]+"${as[@]}"} "$root$bindir/pg_ctl" -D "$root/data" -m immediate -w stop >/dev/null ||
                say "the server in $root/data did not stop"
        fi
        if crashes=$(grep -E 'terminated by signal ([^9]|[1-9][0-9])|PANIC:|TRAP:' "$log" 2>/dev/null); then
            say "the server crashed:"
            printf '%s\n' "$crashes" >&2
            [ "$status" != 0 ] || status=1
        fi
        rm -rf "$root"
    fi
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
root=$(mktemp -d "$tmp/parity-pg.XXXXXX")
log=$root/log

# The private installation. Binaries that look for files beside themselves are
# copies, the rest are links. pg_config is the real one but for those folders
# (by itself it would not move: Debian's of PostgreSQL 13 does not).
private() { # private FOLDER: the same folder under $root, filled with links
    local entry
    mkdir -p "$root$1"
    for entry in "$1"/*; do
        [ -e "$root$1/${entry##*/}" ] || ln -s "$entry" "$root$1/"
    done
}
mkdir -p "$root$bindir"
for program in postgres initdb pg_ctl; do
    cp -L "$bindir/$program" "$root$bindir/" || die "no $bindir/$program"
done
export PG_CONFIG=$root$bindir/pg_config
cat >"$PG_CONFIG" <<CONFIG
#!/bin/sh
out=\$('$real_config' "\$@") || exit
printf '%s\n' "\$out" | sed -e 's|^\(BINDIR = \)*$bindir\$|\1$root$bindir|' \\
    -e 's|^\(PKGLIBDIR = \)*$libdir\$|\1$root$libdir|' -e 's|^\(SHAREDIR = \)*$sharedir\$|\1$root$sharedir|'
CONFIG
chmod +x "$PG_CONFIG"
private "$bindir"
for folder in "$libdir/bitcode" "$libdir" "$sharedir/extension" "$sharedir"; do
    [ ! -d "$folder" ] || private "$folder"
done
rm -f "$root$libdir/parity.so" "$root$sharedir/extension/parity".control \
    "$root$sharedir/extension"/parity--*.sql "$root$libdir/bitcode/parity.index.bc" "$root$libdir/bitcode/parity"

if [ -e "$builddir/parity.so" ]; then
    # -o: what is built is installed, nothing is built here.
    MAKEFLAGS='' make -s -C "$builddir" -o all -o parity.so SQLITE=no PG_CONFIG="$PG_CONFIG" DESTDIR= install \
        >"$root/install.log" 2>&1 || { cat "$root/install.log" >&2; die "could not install parity from $builddir"; }
else
    say "no parity.so in $builddir, so this server comes without parity (run make first)"
fi

for name in $(compgen -e PG); do
    [ "$name" = PG_CONFIG ] || unset "$name"
done
export PGDATA=$root/data PGHOST=$root/socket PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
export PARITY_PG_LOG=$log
mkdir -m 700 "$PGDATA" "$PGHOST"
: >"$log"
[ -z "$owner" ] || chown "$owner" "$root" "$PGDATA" "$PGHOST" "$log"

start() {
    cd "$root" # a folder that the server's user can read
    ${as[@]+"${as[@]}"} "$root$bindir/initdb" -D "$PGDATA" -U "$PGUSER" --auth=trust --locale=C --encoding=UTF8 \
        --no-sync >>"$log" 2>&1 || return 1
    cat >>"$PGDATA/postgresql.conf" <<CONF
listen_addresses = ''
port = $PGPORT
unix_socket_directories = '$PGHOST'
unix_socket_permissions = 0700
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 256MB
max_wal_size = 4GB
max_worker_processes = 16
max_parallel_workers = 8
max_prepared_transactions = 8
max_locks_per_transaction = 256
log_line_prefix = '%m [%p] %a '
CONF
    ${as[@]+"${as[@]}"} "$root$bindir/pg_ctl" -D "$PGDATA" -l "$log" -s -w -t 60 start >>"$log" 2>&1
}
(start) || { cat "$log" >&2; die "PostgreSQL did not start"; }

# In the background, so that a signal is seen at once; bash would then have it
# ignore Ctrl-C and read nothing, which is undone here.
env --default-signal=INT,QUIT "$@" <&0 &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
