#!/usr/bin/env bash
# Runs the tests on several Debian releases, each with its own PostgreSQL,
# SQLite and compilers, in debootstrap folders. Needs root, debootstrap and
# about 2 GB a release while it runs; what it made is removed at the end.
#
#   scripts/matrix.sh [RELEASE…]     default: bullseye bookworm trixie sid
#                                    (PostgreSQL 13, 15, 17, 18)
#   MATRIX_DIR=build/matrix          where the folders go
#   MATRIX_KEEP=1                    keep them, which makes the next run quick
#   MATRIX_MIRROR=http://deb.debian.org/debian
#   SUITES="core sqlite …"            which suites of scripts/test.sh (default: all but fuzz)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

releases=("$@")
[ ${#releases[@]} -gt 0 ] || releases=(bullseye bookworm trixie sid)
mirror=${MATRIX_MIRROR:-http://deb.debian.org/debian}
suites=${SUITES:-meta-check core-check clang-check core sqlite pg isolation cross}
dir=${MATRIX_DIR:-build/matrix}

[ "$(id -u)" = 0 ] || { echo "matrix: debootstrap and chroot need root" >&2; exit 1; }
if ! command -v debootstrap >/dev/null 2>&1; then
    command -v apt-get >/dev/null 2>&1 || { echo "matrix: debootstrap is missing" >&2; exit 1; }
    echo "matrix: installing debootstrap"
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends debootstrap </dev/null ||
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends debootstrap </dev/null; }
fi
mkdir -p "$dir/logs"
dir=$(cd "$dir" && pwd)

chroot_dir=
release_folder() { # unmount and, unless it is kept, remove the folder in use
    [ -n "$chroot_dir" ] || return 0
    local folder=$chroot_dir
    chroot_dir=
    ! mountpoint -q "$folder/dev/shm" || umount "$folder/dev/shm"
    ! mountpoint -q "$folder/proc" || umount "$folder/proc"
    if [ -n "${MATRIX_KEEP:-}" ]; then return 0; fi
    if mountpoint -q "$folder/proc" || mountpoint -q "$folder/dev/shm"; then
        echo "matrix: $folder is still mounted, not removed" >&2
        return 1
    fi
    rm -rf --one-file-system "$folder"
}
trap release_folder EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

inside() { # inside command…: run it in the folder, with a clean environment
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        chroot "$chroot_dir" "$@" </dev/null
}

lacks() { [[ $(inside apt-cache show "$1" 2>/dev/null) != Package:* ]]; }

test_release() { # test_release RELEASE: prints everything, leaves $dir/logs/RELEASE.summary
    local release=$1 run="$suites" skip=() note=
    if [ ! -e "$chroot_dir/.complete" ]; then
        rm -rf --one-file-system "$chroot_dir"
        debootstrap --variant=minbase "$release" "$chroot_dir" "$mirror"
        touch "$chroot_dir/.complete"
    fi
    # sid's lists may be older than apt likes.
    echo 'Acquire::Check-Valid-Until "false";' >"$chroot_dir/etc/apt/apt.conf.d/90matrix"
    cp -L /etc/resolv.conf "$chroot_dir/etc/resolv.conf"
    mountpoint -q "$chroot_dir/proc" || mount -t proc proc "$chroot_dir/proc"
    mkdir -p "$chroot_dir/dev/shm"
    mountpoint -q "$chroot_dir/dev/shm" || mount -t tmpfs -o mode=1777 tmpfs "$chroot_dir/dev/shm"

    rm -rf "$chroot_dir/src"
    mkdir "$chroot_dir/src"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
        [ ! -e "$file" ] || printf '%s\0' "$file"
    done | tar -c --null -T - | tar -x -C "$chroot_dir/src" --no-same-owner

    inside apt-get update -q
    # What an old release has no package for, and so cannot run.
    if lacks python3-psycopg; then
        note+="    no python3-psycopg (psycopg 3) in $release: the suite cross is skipped"$'\n'
        skip+=(--without python3-psycopg)
        run=$(printf '%s\n' $run | grep -vx cross | tr '\n' ' ')
    fi
    if lacks python3-xxhash; then
        note+="    no python3-xxhash in $release: tests of the independent implementation are skipped"$'\n'
        skip+=(--without python3-xxhash)
    fi
    printf %s "$note"
    inside /src/scripts/deps.sh test ${skip[@]+"${skip[@]}"}
    if ! inside sh -c 'test -x "$(dirname "$(pg_config --pgxs)")/../test/isolation/isolationtester"'; then
        note+="    no isolationtester in $release: the suite isolation is skipped"$'\n'
        run=$(printf '%s\n' $run | grep -vx isolation | tr '\n' ' ')
    fi
    {
        inside sh -c 'pg_config --version; echo "SQLite $(sqlite3 --version | cut -d" " -f1)"; gcc --version | head -n 1; clang --version | head -n 1' |
            sed 's/^/    /'
        printf %s "$note"
    } >"$dir/logs/$release.versions"
    # shellcheck disable=SC2086
    inside /src/scripts/test.sh $run
}

for release in "${releases[@]}"; do
    log=$dir/logs/$release.log
    rm -f "$dir/logs/$release".*
    echo "matrix: $release, log in $log"
    start=$SECONDS
    chroot_dir=$dir/$release
    # A subshell: set -e holds in it as it would not after `if` or `||`.
    set +e
    (set -e; test_release "$release") >"$log" 2>&1
    status=$?
    set -e
    {
        if [ $status -eq 0 ]; then echo "$release: passed, $((SECONDS - start)) s"; else echo "$release: FAILED ($status), $((SECONDS - start)) s"; fi
        cat "$dir/logs/$release.versions" 2>/dev/null || true
        sed -n '/^==== summaries$/,$p' "$log" | sed '1d; s/^/    /'
        [ $status -eq 0 ] || grep -q '^==== summaries$' "$log" || tail -n 20 "$log" | sed 's/^/    /'
    } >"$dir/logs/$release.result"
    cat "$dir/logs/$release.result"
    release_folder
done

echo
echo "==== matrix"
failed=0
for release in "${releases[@]}"; do
    head -n 1 "$dir/logs/$release.result"
    grep -q ': passed' <(head -n 1 "$dir/logs/$release.result") || failed=1
done
exit $failed
