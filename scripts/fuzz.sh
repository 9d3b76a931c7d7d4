#!/usr/bin/env bash
# Runs libFuzzer programs for some seconds each, two at a time.
#
#   scripts/fuzz.sh SECONDS PROGRAM…
#
# A program build/fuzz/…/fuzz_NAME starts from a copy of tests/fuzz/corpus/NAME,
# if there is one. What makes it fail is kept in build/fuzz/failed/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?usage: fuzz.sh SECONDS PROGRAM…}
shift
[ $# -gt 0 ] || { echo "fuzz: no programs" >&2; exit 1; }
mkdir -p build/fuzz/failed

fuzz_one() {
    local seconds=$1 program=$2 name corpus log
    name=${program##*/fuzz_}
    corpus=build/fuzz/corpus/$name
    log=build/fuzz/$name.log
    rm -rf "$corpus"
    mkdir -p "$corpus"
    [ ! -d "tests/fuzz/corpus/$name" ] || cp -r "tests/fuzz/corpus/$name/." "$corpus/"
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/failed/$name-" "$corpus" >"$log" 2>&1; then
        echo "fuzz_$name: $(grep '^Done ' "$log")"
    else
        tail -n 60 "$log"
        echo "fuzz_$name: FAILED, see $log and build/fuzz/failed/"
        return 1
    fi
}
export -f fuzz_one

printf '%s\0' "$@" | xargs -0 -n 1 -P 2 bash -c 'fuzz_one "$0" "$1"' "$seconds" ||
    { echo "fuzz: a program failed" >&2; exit 1; }
echo "fuzz: $# programs passed, ${seconds} s each"
