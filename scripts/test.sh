#!/usr/bin/env bash
# All tests, one suite after the other; every suite runs even if one before it
# failed (none if the build did). Closes with the runners' own summaries. What each of them printed is
# in build/test/.
#
#   scripts/test.sh [SUITE…]     of: meta-check core-check clang-check core sqlite pg isolation cross fuzz
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export WERROR=1 # warnings are errors in every build of the tests
unset MAKEFLAGS MAKELEVEL MFLAGS
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(meta-check core-check clang-check core sqlite pg isolation cross fuzz)

rm -rf build/test
mkdir -p build/test
failed=()
run() { # run SUITE command…
    local suite=$1 log=build/test/$1.log start=$SECONDS
    shift
    printf '\n==== %s: %s\n' "$suite" "$*"
    if ! "$@" </dev/null 2>&1 | tee "$log"; then failed+=("$suite"); fi
    printf -- '---- %s: %d s\n' "$suite" $((SECONDS - start))
}

# The lines by which each runner says how it went.
summary() {
    case $1 in
        core) grep -E '^\[  (PASSED|FAILED)  \]|^build/asan/tests/core/|ERROR: AddressSanitizer|runtime error:' ;;
        pg | isolation) grep -E 'tests? (passed|failed)|^# .*tests? (passed|failed)' ;;
        sqlite | cross) grep -E '^(FAILED|ERROR) |[0-9]+ (passed|failed|errors?)|no tests ran' ;;
        fuzz) grep -E '^fuzz' ;;
        *) tail -n 1 ;;
    esac <"build/test/$1.log" || echo "(no summary)"
}

run build make all
if [ ${#failed[@]} -eq 0 ]; then
    for suite in "${suites[@]}"; do
        case $suite in
            meta-check | core-check | clang-check | fuzz) run "$suite" make --no-print-directory "$suite" ;;
            core | sqlite | pg | isolation | cross) run "$suite" make --no-print-directory "test-$suite" ;;
            *) echo "test.sh: unknown suite $suite" >&2; exit 2 ;;
        esac
    done
fi

printf '\n==== summaries\n'
for suite in "${suites[@]}"; do
    [ -e "build/test/$suite.log" ] || continue
    printf '%s\n' "-- $suite"
    summary "$suite"
done
rm -rf build/pytest
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    exit 1
fi
