# The tests, each callable alone. `make test` runs all of them (scripts/test.sh).
#
#   make meta-check   META.json: valid, and of the control file's version
#   make core-check   core/ by gcc and clang, and that it includes no engine
#   make clang-check  pg_ext/ and sqlite_ext/ by clang
#   make test-core    tests/core/test_*.c (cmocka) under ASan and UBSan
#   make fuzz         tests/fuzz/fuzz_*.c (libFuzzer), FUZZ_SECONDS each
#   make test-sqlite  tests that need no server
#   make test-pg      pg_regress in a throw-away server
#   make test-isolation  tests/isolation: sessions side by side, in a throw-away server
#   make test-cross   tests of both engines in a throw-away server
#
#   TESTS=…           for test-sqlite and test-cross: other pytest arguments
#   ISOLATION_TESTER=…  for test-isolation: the folder of pg_isolation_regress
#   SPECS="track …" for test-isolation: only these of tests/isolation/specs
#   FUZZ=name         for fuzz: only tests/fuzz/fuzz_name.c

FUZZ_SECONDS ?= 60
FUZZ         ?= *
PYTEST       ?= PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider
TEST_GCC     ?= gcc
TEST_CLANG   ?= clang
TEST_WARN    := -std=c11 -Wall -Wextra -Werror
CORE_DEFS    := -Icore -DPARITY_RELEASE='"$(PARITY_RELEASE)"'
SANITIZE     := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# $(call require,FILES,WHAT): an empty folder is a failure, not a pass.
require = @test -n '$(strip $(1))' || { echo 'parity: $(2)' >&2; exit 1; }

test: deps-test
	PG_CONFIG='$(PG_CONFIG)' FUZZ_SECONDS='$(FUZZ_SECONDS)' scripts/test.sh $(SUITE)

meta-check:
	/usr/bin/python3 tests/meta_check.py META.json '$(PARITY_RELEASE)'

# ---- compilers ---------------------------------------------------------------

# Compiled, then what the compiler opened is looked through.
core-check:
	$(call require,$(CORE_SRC),core/ holds no *.c)
	@mkdir -p build/core-check
	@for cc in '$(TEST_GCC)' '$(TEST_CLANG)'; do for file in $(CORE_SRC); do \
	  $$cc $(TEST_WARN) -Wpedantic -O2 $(CORE_DEFS) -MD -MF build/core-check/deps -c -o build/core-check/object.o $$file || exit 1; \
	  if grep -niE '[^ ]*(sqlite|postgres|fmgr|pg_config)[^ ]*\.h' build/core-check/deps; then \
	    echo "parity: $$file includes an engine's header" >&2; exit 1; fi; \
	done; done
	@rm -rf build/core-check
	@echo 'core-check: $(words $(CORE_SRC)) files, $(TEST_GCC) and $(TEST_CLANG), no engine included'

PG_CHECK = -O2 -fno-strict-aliasing -fwrapv -isystem $(shell $(PG_CONFIG) --includedir-server) \
           $(shell $(PG_CONFIG) --cppflags)
clang-check:
	$(call require,$(PG_SRC),pg_ext/ holds no *.c)
	$(call require,$(SQLITE_SRC),sqlite_ext/ holds no *.c)
	@mkdir -p build
	@for file in $(PG_SRC); do \
	  $(TEST_CLANG) $(TEST_WARN:-std=c11=-std=gnu11) $(CORE_DEFS) $(PG_CHECK) -c -o build/clang-check.o $$file || exit 1; done
	@for file in $(SQLITE_SRC); do \
	  $(TEST_CLANG) $(TEST_WARN) -O2 $(CORE_DEFS) $(SQLITE_CFLAGS) -fPIC -c -o build/clang-check.o $$file || exit 1; done
	@rm -f build/clang-check.o
	@echo 'clang-check: $(words $(PG_SRC) $(SQLITE_SRC)) files'

# ---- core, under sanitizers --------------------------------------------------

CORE_TESTS   := $(sort $(wildcard tests/core/test_*.c))
CORE_HELPERS := $(sort $(filter-out $(CORE_TESTS),$(wildcard tests/core/*.c)))
ASAN_OBJS    := $(CORE_SRC:%.c=build/asan/%.o) $(CORE_HELPERS:%.c=build/asan/%.o)

test-core: $(CORE_TESTS:%.c=build/asan/%)
	$(call require,$(CORE_TESTS),tests/core holds no test_*.c)
	@for program in $(CORE_TESTS:%.c=build/asan/%); do \
	  echo "$$program"; ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 $$program || exit 1; done

$(CORE_TESTS:%.c=build/asan/%): %: %.o $(ASAN_OBJS)
	$(TEST_GCC) $(SANITIZE) -o $@ $^ -lcmocka -lm

# Tests may use POSIX (strdup, open_memstream); core/ keeps to C11.
build/asan/tests/%.o: CORE_DEFS += -D_POSIX_C_SOURCE=200809L

build/asan/%.o: %.c Makefile tests/tests.mk
	@mkdir -p $(@D)
	$(TEST_GCC) $(TEST_WARN) $(SANITIZE) $(CORE_DEFS) -Itests/core -MMD -MP -c -o $@ $<

# ---- fuzzing -----------------------------------------------------------------

FUZZ_SRC     := $(sort $(wildcard tests/fuzz/fuzz_$(FUZZ).c))
FUZZ_OBJS    := $(CORE_SRC:%.c=build/fuzz/%.o)
FUZZ_CFLAGS  := -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all

fuzz: $(FUZZ_SRC:%.c=build/fuzz/%)
	$(call require,$(FUZZ_SRC),tests/fuzz holds no fuzz_$(FUZZ).c)
	scripts/fuzz.sh $(FUZZ_SECONDS) $^

build/fuzz/tests/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_OBJS)
	$(TEST_CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ -lm

build/fuzz/%.o: %.c Makefile tests/tests.mk
	@mkdir -p $(@D)
	$(TEST_CLANG) $(TEST_WARN) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined $(CORE_DEFS) -MMD -MP -c -o $@ $<

-include $(wildcard $(ASAN_OBJS:.o=.d) $(CORE_TESTS:%.c=build/asan/%.d) \
                    $(FUZZ_OBJS:.o=.d) $(FUZZ_SRC:%.c=build/fuzz/%.d))
.SECONDARY: $(ASAN_OBJS) $(FUZZ_OBJS) $(CORE_TESTS:%.c=build/asan/%.o) $(FUZZ_SRC:%.c=build/fuzz/%.o)

# ---- both engines --------------------------------------------------------------

# Those of tests/ that a folder of its own keeps apart: they need a server.
SERVER_TESTS := tests/cross tests/live tests/shadow

test-sqlite: sqlite
	@mkdir -p build
	$(PYTEST) --basetemp=build/pytest $(or $(TESTS),$(addprefix --ignore=,$(SERVER_TESTS)) tests)

test-cross: pg sqlite
	@mkdir -p build
	PG_CONFIG='$(PG_CONFIG)' scripts/with-postgres.sh -- env $(PYTEST) --basetemp=build/pytest $(or $(TESTS),$(SERVER_TESTS))

test-pg: pg
	$(call require,$(REGRESS),sql/ holds no *.sql)
	PG_CONFIG='$(PG_CONFIG)' scripts/with-postgres.sh -- $(MAKE) --no-print-directory installcheck-verbose

# PG_CONFIG is in the environment here; a second line with the differences.
installcheck-verbose:
	@$(MAKE) --no-print-directory PG_CONFIG="$$PG_CONFIG" installcheck || { cat regression.diffs; exit 1; }

# pg_isolation_regress and isolationtester lie beside PGXS (Debian's packages of
# PostgreSQL 13 have none; those of a later version do for it as well). MERGE is
# there from PostgreSQL 15 on, DETACH … CONCURRENTLY from 14.
ISOLATION_TESTER ?= $(PGXS:%/src/makefiles/pgxs.mk=%/src/test/isolation)
ISOLATION_SPECS  := $(filter-out $(if $(filter 13 14,$(MAJORVERSION)),merge shadow_merge) $(if $(filter 13,$(MAJORVERSION)),detach_concurrently), \
                      $(sort $(basename $(notdir $(wildcard tests/isolation/specs/*.spec)))))

test-isolation: pg
	$(call require,$(ISOLATION_SPECS),tests/isolation/specs holds no *.spec)
	@for program in pg_isolation_regress isolationtester; do [ -x '$(ISOLATION_TESTER)/'$$program ] || { \
	  echo "parity: $(ISOLATION_TESTER) holds no $$program" >&2; \
	  echo '  Debian, Ubuntu: apt install postgresql-client-$(MAJORVERSION); Fedora, RHEL: dnf install postgresql-test' >&2; \
	  echo '  PostgreSQL 13 comes without: set ISOLATION_TESTER=/usr/lib/postgresql/N/lib/pgxs/src/test/isolation, of a later version N' >&2; \
	  exit 1; }; done
	@rm -rf build/isolation && mkdir -p build/isolation
	PG_CONFIG='$(PG_CONFIG)' scripts/with-postgres.sh -- $(MAKE) --no-print-directory isolation-check-verbose

isolation-check-verbose:
	@'$(ISOLATION_TESTER)/pg_isolation_regress' --bindir="$$("$$PG_CONFIG" --bindir)" --inputdir=tests/isolation --outputdir=build/isolation \
	  --dbname=isolation_regression_parity --load-extension=parity $(or $(SPECS),$(ISOLATION_SPECS)) \
	  || { cat build/isolation/regression.diffs; exit 1; }

.PHONY: test meta-check core-check clang-check test-core fuzz test-sqlite test-cross test-pg test-isolation installcheck-verbose isolation-check-verbose
