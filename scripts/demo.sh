#!/usr/bin/env bash
# The main job on real data: PROJ's database of coordinate systems, as Debian
# ships it for SQLite, is loaded into a throw-away PostgreSQL by pgloader, and
# parity compares the two in both directions: first as loaded, then with three
# cells changed, a row deleted and a row added. Then the differing rows are read
# out of the bundle, explained, and SQLite's are repaired to match again. The
# second act, demo-shadow.sh, changes the schema of a table under load. Every
# command is printed before it runs. Exits with 1 if any verdict is wrong; leaves nothing behind.
#
#   scripts/demo.sh        (make demo installs what it needs first)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
proj_db=${PROJ_DB:-/usr/share/proj/proj.db}

if [ "${1:-}" != --inside ]; then
    [ -r "$proj_db" ] || { echo "demo: no $proj_db (Debian, Ubuntu: the package proj-data)" >&2; exit 1; }
    make -s -C "$here" pg sqlite
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/parity-demo.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$here/scripts/with-postgres.sh" --builddir "$here" -- "$here/scripts/demo.sh" --inside "$scratch" "$proj_db"
    exit
fi

cd "$2"
proj_db=$3
wrong=0

title() { printf '\n# %s\n' "$*"; }
run() { # run 'command': print it, run it, keep its output in the file `out` too
    printf '$ %s\n' "$1"
    bash -c "set -eo pipefail; $1" | tee out
}
expect() { # expect WHAT: the file `out` must hold the lines that come on stdin
    sed '/^$/d' >expected
    if diff -u expected found >difference; then
        echo "=> as it must be: $1"
    else
        echo "=> WRONG: $1; expected (-) and found (+):"
        cat difference
        wrong=1
    fi
}
# The output of a verify, by position: table|remote|status|rows|rows|differing|columns|detail.
# status, name, columns and rows of those that do not match:
others() { awk -F'|' '$3 != "match" {gsub(/[][{}"]/, "", $7); print $1, $3, "columns=" $7, "rows=" $4 "/" $5, ($8 ~ /keys differ/ ? "keys differ" : "")}' out | sed 's/ *$//' | LC_ALL=C sort >found; }
matching() { awk -F'|' '$3 == "match" {tables++; left += $4; right += $5} END {print tables + 0, "tables match,", left + 0, "and", right + 0, "rows"}' out; }

title "PROJ's SQLite database, and the SQLite module as ./parity"
run "cp $proj_db proj.db"
run "chmod u+w proj.db"
run "ln -s $here/sqlite_ext/parity.so parity.so"

title "loaded into PostgreSQL by pgloader, all tables as they are; pgloader and psql find"
echo "# the server by PGHOST=$PGHOST PGPORT=$PGPORT PGUSER=$PGUSER PGDATABASE=$PGDATABASE"
cat >proj.load <<'LOAD'
LOAD DATABASE
     FROM sqlite://proj.db
     INTO {{TARGET}}
     CAST type integer_or_text to text;
LOAD
run 'cat proj.load'
target='export TARGET="postgresql://$PGUSER@unix:$PGHOST:$PGPORT/$PGDATABASE"'
printf '$ %s\n' "$target"
eval "$target"
echo "# (the one error: the table usage has NULLs in its primary key, which PostgreSQL refuses)"
run 'pgloader --root-dir log --logfile log.txt --summary summary.txt --client-min-messages error proj.load'
run "psql -Xqc 'CREATE EXTENSION parity'"
quiet="export PGOPTIONS='-c parity.progress=off'"
printf '$ %s\n' "$quiet"
eval "$quiet"
tables=$(sqlite3 proj.db "SELECT count(*) FROM sqlite_master WHERE type = 'table'")
rows=$(sqlite3 proj.db "SELECT group_concat('SELECT count(*) AS n FROM \"' || name || '\"', ' UNION ALL ') FROM sqlite_master WHERE type = 'table'" |
    sed 's/.*/SELECT sum(n) FROM (&)/' | sqlite3 proj.db)

# sqlite_stat1 is SQLite's own and compared only where it is named.
bundle_postgres="psql -XAtc 'SELECT parity.bundle()' > pg.parity"
verify_in_sqlite="sqlite3 proj.db -cmd '.load ./parity' \"SELECT * FROM parity_verify(readfile('pg.parity'), '{\\\"sqlite_stat1\\\": \\\"sqlite_stat1\\\"}')\""
bundle_sqlite="sqlite3 proj.db -cmd '.load ./parity' \"SELECT parity_bundle((SELECT json_group_array(name) FROM sqlite_master WHERE type = 'table'))\" > sqlite.parity"
verify_in_postgres="psql -XAt <<'SQL'
\\set bundle \`cat sqlite.parity\`
SELECT * FROM parity.verify(:'bundle');
SQL"

title "the first direction: PostgreSQL says what it has, SQLite compares"
run "$bundle_postgres"
run "$verify_in_sqlite"
matching >found
expect "every table matches" <<<"$tables tables match, $rows and $rows rows"

title "the other direction"
run "$bundle_sqlite"
run "$verify_in_postgres"
matching >found
expect "every table matches" <<<"$tables tables match, $rows and $rows rows"

title "three cells changed, a row deleted and a row added, some here, some there"
sqlite_count() { sqlite3 proj.db "SELECT count(*) FROM $1"; }
run "sqlite3 proj.db \"UPDATE extent SET north_lat = north_lat + 1e-9 WHERE auth_name = 'EPSG' AND code = 1024\""
run "sqlite3 proj.db \"UPDATE prime_meridian SET name = 'Paris ' WHERE auth_name = 'EPSG' AND code = 8903\""
run "psql -Xc \"UPDATE unit_of_measure SET conv_factor = 0.3048 WHERE auth_name = 'EPSG' AND code = '9003'\""
run "sqlite3 proj.db 'DELETE FROM grid_alternatives WHERE original_grid_name = (SELECT min(original_grid_name) FROM grid_alternatives)'"
run "psql -Xc \"INSERT INTO metadata VALUES ('DEMO', 'a row that SQLite has not')\""

# the five tables with the rows that SQLite and PostgreSQL now have
damage() { # damage FIRST-SIDE: s or p
    local table status columns s p note
    while read -r table columns extra note; do
        s=$(sqlite_count "$table")
        p=$((s + extra))
        [ "$columns" != - ] || columns=
        if [ "$1" = s ]; then status="rows=$s/$p"; else status="rows=$p/$s"; fi
        printf '%s differ columns=%s %s%s\n' "$table" "$columns" "$status" "${note:+ $note}"
    done <<'TABLES'
extent north_lat 0
grid_alternatives - 1 keys differ
metadata - 1 keys differ
prime_meridian name 0
unit_of_measure conv_factor 0
TABLES
}

title "the first direction again: exactly these tables and columns are named"
run "$bundle_postgres"
run "$verify_in_sqlite"
others
expect "five tables differ, in the columns that were changed" < <(damage s)

title "and the other direction"
run "$bundle_sqlite"
run "$verify_in_postgres"
others
expect "five tables differ, in the columns that were changed" < <(damage p)

title "which rows: read out of PostgreSQL's bundle, in SQLite"
sqlite="sqlite3 proj.db -cmd '.load ./parity'"
damaged="extent grid_alternatives metadata prime_meridian unit_of_measure"
for table in $damaged; do
    run "$sqlite \"SELECT key, change, complete FROM parity_diff('$table', readfile('pg.parity'))\""
    sed "s/^/$table /" out >>rows_found
done
sed 's/|/ /g' rows_found >found
expect "the rows that were changed; the two that only PostgreSQL has have no key here" <<'ROWS'
extent {"auth_name":"EPSG","code":"1024"} changed 1
grid_alternatives  only remote 1
metadata  only remote 1
prime_meridian {"auth_name":"EPSG","code":"8903"} changed 1
unit_of_measure {"auth_name":"EPSG","code":"9003"} changed 1
ROWS

title "those rows as PostgreSQL has them (two small texts a table go across)"
for table in $damaged; do
    run "$sqlite \"SELECT json_group_array(json_object('key', json(key), 'key_hash', key_hash)) FROM parity_diff('$table', readfile('pg.parity'))\" > $table.keys"
    run "psql -XAt <<'SQL' > $table.rows
\\set keys \`cat $table.keys\`
SELECT parity.rows('$table', :'keys');
SQL"
done

title "why: a line a cell"
: >reasons
for table in $damaged; do
    run "$sqlite \"SELECT key, column_name, local_value, remote_value, reason FROM parity_explain('$table', readfile('$table.rows'))\""
    awk -F'|' -v table="$table" '{print table, $2, $5}' out >>reasons
done
LC_ALL=C sort reasons >found
expect "each changed cell, and why" <<'REASONS'
extent north_lat precision
grid_alternatives  only remote
metadata  only remote
prime_meridian name trailing blanks
unit_of_measure conv_factor precision
REASONS

title "the repair: one transaction for all five tables, each statement guarded by the row that was seen"
run "(printf '['; cat extent.rows; for t in grid_alternatives metadata prime_meridian unit_of_measure; do printf ','; cat \$t.rows; done; printf ']') > all.rows"
run "$sqlite \"SELECT statement FROM parity_repair(NULL, readfile('all.rows'))\" > repair.sql"
run "cut -c 1-150 repair.sql"
run "sqlite3 -bail -header proj.db -cmd '.load ./parity' < repair.sql"
tail -n 1 out >found
expect "five statements took effect" <<<'5|5|0|0'

title "and PostgreSQL's bundle again"
run "$verify_in_sqlite"
matching >found
rows=$((rows + 1)) # the row that was added to PostgreSQL
expect "every table matches" <<<"$tables tables match, $rows and $rows rows"

"$here/scripts/demo-shadow.sh" || wrong=1

if [ $wrong -ne 0 ]; then
    printf '\ndemo: a verdict is WRONG\n'
    exit 1
fi
printf '\ndemo: every verdict is right\n'
