# parity: PostgreSQL extension and SQLite loadable module, built from one core.
#
#   make              both modules (one of them is left out, and said so, where
#                     its headers are missing)
#   make sqlite       sqlite_ext/parity.so alone; needs no PostgreSQL
#   make install      both, into PostgreSQL's own folders and $(sqlitedir)
#   make installcheck pg_regress against the running server that PGHOST etc. name
#   make demo         the main job on real data, and a change of schema under load, in a throw-away PostgreSQL
#   make test         every test, in a throw-away PostgreSQL (tests/tests.mk)
#   make bench        measures, and writes bench/RESULTS.md
#   make matrix       the tests on several Debian releases (scripts/matrix.sh)
#   make deps-build, deps-demo, deps-test   install what the above need (Debian, Ubuntu)
#
# What you may set:
#   PG_CONFIG         which PostgreSQL to build for (default: pg_config on PATH)
#   SQLITE=no         leave the SQLite module out of all, install and uninstall
#   sqlitedir         where the SQLite module goes (default: PostgreSQL's libdir
#                     + /sqlite3, or /usr/local/lib/sqlite3 without PostgreSQL);
#                     SQLite itself has no such folder: .load takes a path
#   SQLITE_CFLAGS     where sqlite3ext.h is, if not on the compiler's path
#   DESTDIR           staging folder for install and uninstall
#   WERROR=1          warnings are errors

EXTENSION  = parity
MODULE_big = parity
PARITY_RELEASE := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" parity.control)

PG_CONFIG ?= pg_config
SQLITE    ?= yes
WERROR    ?=

CORE_SRC   := $(sort $(wildcard core/*.c))
PG_SRC     := $(sort $(wildcard pg_ext/*.c))
SQLITE_SRC := $(sort $(wildcard sqlite_ext/*.c))
CORE_HDR   := $(wildcard core/*.h)

# The compiler and flags as the user gave them: PGXS replaces both below.
OUR_CC := $(CC)
ifeq ($(origin CFLAGS),undefined)
OUR_CFLAGS := -O3 -g
else
OUR_CFLAGS := $(CFLAGS)
endif
OUR_CPPFLAGS := $(CPPFLAGS)
OUR_LDFLAGS  := $(LDFLAGS)
WARN := -Wall -Wextra $(if $(filter-out 0 no,$(WERROR)),-Werror)

all:

# ---- the PostgreSQL extension ----------------------------------------------

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

OBJS       = $(CORE_SRC:.c=.o) $(PG_SRC:.c=.o)
PGFILEDESC = "parity - comparable digests of tables"
DATA_built = pg_ext/parity--$(PARITY_RELEASE).sql
DATA       = $(sort $(wildcard pg_ext/parity--*--*.sql))
REGRESS   := $(strip $(if $(wildcard sql/setup.sql),setup) \
               $(filter-out setup,$(sort $(basename $(notdir $(wildcard sql/*.sql))))))
EXTRA_CLEAN = build sqlite_ext/parity.so

ifneq ($(wildcard $(PGXS)),)

# -isystem: warnings are about this code, not about PostgreSQL's headers.
PG_CPPFLAGS = -I$(srcdir)/core -isystem $(shell $(PG_CONFIG) --includedir-server) \
              -DPARITY_RELEASE='"$(PARITY_RELEASE)"'
PG_CFLAGS   = $(WARN) -Wno-declaration-after-statement

include $(PGXS)

# The compiler, its flags and the server's version; changes only when they do,
# and then everything is built again.
build/pg-flags: FORCE
	@mkdir -p build
	@printf '%s\n' '$(shell $(PG_CONFIG) --version)' '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

$(OBJS) $(OBJS:.o=.bc): $(CORE_HDR) $(wildcard pg_ext/*.h) build/pg-flags parity.control

else

all install uninstall installcheck installdirs pg:
	@echo "parity: '$(PG_CONFIG) --pgxs' names no PostgreSQL to build for." >&2
	@echo "  Debian, Ubuntu: apt install postgresql-server-dev-all (or 'make deps-build')" >&2
	@echo "  Fedora, RHEL:   dnf install postgresql-server-devel" >&2
	@echo "  elsewhere: set PG_CONFIG to the server's pg_config, or build the SQLite module alone with 'make sqlite'." >&2
	@exit 1

clean:
	rm -rf $(EXTRA_CLEAN)
	rm -f parity.so $(OBJS) $(OBJS:.o=.bc) $(DATA_built)
	rm -rf results regression.diffs regression.out tmp_check tmp_check_iso log output_iso
distclean: clean

endif

pg: parity.so $(DATA_built) $(if $(filter yes,$(with_llvm)),$(OBJS:.o=.bc))

# The install script, from the parts in the order of their names.
SQL_PARTS := $(sort $(wildcard pg_ext/sql/*.sql))
pg_ext/parity--$(PARITY_RELEASE).sql: $(SQL_PARTS) parity.control Makefile
	@test -n '$(SQL_PARTS)' || { echo 'parity: pg_ext/sql holds no *.sql' >&2; exit 1; }
	{ printf '%s\n' '\echo Use "CREATE EXTENSION parity" to load this file. \quit'; \
	  for part in $(SQL_PARTS); do printf '\n-- %s\n\n' "$$part"; cat "$$part" || exit 1; done; \
	} > $@.new
	mv -f $@.new $@

# ---- the SQLite module -----------------------------------------------------

SQLITE_CFLAGS ?=
SQLITE_OBJS   := $(CORE_SRC:%.c=build/sqlite/%.o) $(SQLITE_SRC:%.c=build/sqlite/%.o)
SQLITE_FLAGS  := -std=c11 -fPIC -fvisibility=hidden $(WARN) -Icore -DPARITY_RELEASE='"$(PARITY_RELEASE)"'
ifndef sqlitedir
sqlitedir := $(if $(wildcard $(PGXS)),$(shell $(PG_CONFIG) --libdir),/usr/local/lib)/sqlite3
endif

sqlite: sqlite_ext/parity.so

sqlite_ext/parity.so: $(SQLITE_OBJS)
	@test -n '$(SQLITE_SRC)' || { echo 'parity: sqlite_ext holds no *.c' >&2; exit 1; }
	$(OUR_CC) $(OUR_CFLAGS) -shared -fPIC -Wl,-z,defs -o $@ $(SQLITE_OBJS) $(OUR_LDFLAGS) -lm

build/sqlite/%.o: %.c build/sqlite-flags
	@mkdir -p $(@D)
	$(OUR_CC) $(SQLITE_FLAGS) $(SQLITE_CFLAGS) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP -c -o $@ $<

build/sqlite-flags: FORCE
	@mkdir -p build
	@printf '%s\n' '$(subst ','\'',$(OUR_CC) $(SQLITE_FLAGS) $(SQLITE_CFLAGS) $(OUR_CPPFLAGS) $(OUR_CFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

-include $(SQLITE_OBJS:.o=.d)

ifneq ($(SQLITE),no)
ifeq ($(shell $(OUR_CC) $(SQLITE_CFLAGS) $(OUR_CPPFLAGS) -E -include sqlite3ext.h -x c /dev/null >/dev/null 2>&1 && echo found),found)
all: sqlite
install: install-sqlite
uninstall: uninstall-sqlite
else
all: sqlite-missing
endif
endif

sqlite-missing:
	@echo 'parity: sqlite3ext.h not found, so the SQLite module was left out (Debian, Ubuntu: libsqlite3-dev; Fedora: sqlite-devel).'

install-sqlite: sqlite_ext/parity.so
	mkdir -p '$(DESTDIR)$(sqlitedir)'
	install -m 644 sqlite_ext/parity.so '$(DESTDIR)$(sqlitedir)/parity.so'

uninstall-sqlite:
	rm -f '$(DESTDIR)$(sqlitedir)/parity.so'

# ---- what the packages are, the demo, the matrix ---------------------------

deps-build deps-demo deps-test deps-bench:
	PG_CONFIG='$(PG_CONFIG)' scripts/deps.sh $(@:deps-%=%)

demo: deps-demo
	PG_CONFIG='$(PG_CONFIG)' scripts/demo.sh

# ROWS=2000000 RUNS=7 DIFF_ROWS=10000000 DIFF_RUNS=1 LIVE_ROWS=1000000 LIVE_RUNS=7
# LIVE_TXNS=1000000 SHADOW_ROWS=200000 SHADOW_RUNS=7 SHADOW_TXNS=200000 SHADOW_FILL=1000000
# SHADOW_CUTOVER=10000000; writes bench/RESULTS.md
bench: deps-bench
	$(MAKE) --no-print-directory pg sqlite
	PG_CONFIG='$(PG_CONFIG)' scripts/with-postgres.sh -- /usr/bin/python3 bench/bench.py

matrix:
	scripts/matrix.sh $(SUITES)

# The version lives in parity.control; this writes it into META.json.
META.json: parity.control
	sed -i '/"meta-spec"/,/}/! s/\("version": "\)[0-9][^"]*/\1$(PARITY_RELEASE)/' $@

FORCE:
.PHONY: all pg sqlite sqlite-missing install-sqlite uninstall-sqlite deps-build deps-demo deps-test \
        deps-bench bench demo matrix FORCE

include tests/tests.mk
