#!/usr/bin/env bash
# Random queries and writes by sqlsmith against a database with shadows and
# tracked tables: no crash, no internal error of parity's, and since sqlsmith
# rolls back all that it does, the tables are equal in the end.
#
#   scripts/with-postgres.sh -- scripts/sqlsmith.sh [QUERIES] [SEED]
#
# Two sqlsmith at once, as a role that owns the tables and may do nothing else
# (a superuser's random calls could write files). statement_timeout ends what
# takes long, also within a shadow's write. Prints what went wrong, and how
# often each kind of error was seen.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
queries=${1:-50000}
seed=${2:-$RANDOM}
command -v sqlsmith >/dev/null || { echo "sqlsmith: not installed (Debian, Ubuntu: apt install sqlsmith)" >&2; exit 1; }
psql() { command psql -X -q -v ON_ERROR_STOP=1 "$@"; }

psql <<'SQL'
CREATE ROLE smith LOGIN;
CREATE DATABASE smith OWNER smith;
ALTER SYSTEM SET log_error_verbosity = verbose;
ALTER SYSTEM SET log_min_error_statement = error;
SELECT pg_reload_conf();
SQL
psql -d smith -c 'CREATE EXTENSION parity' -c 'GRANT ALL ON SCHEMA public TO smith'
psql -d smith -U smith >/dev/null <<'SQL'
CREATE TABLE tasks (id int PRIMARY KEY, title text, status text NOT NULL DEFAULT 'open', price_cents int, due timestamptz);
CREATE TABLE tasks_v2 (id bigint PRIMARY KEY, title varchar(200), is_done bool, price numeric(12,2), due timestamptz);
CREATE TABLE notes (a int, b text COLLATE "C", body text, at date DEFAULT current_date, n float8, PRIMARY KEY (a, b));
CREATE TABLE events (id int NOT NULL, kind text NOT NULL, v numeric, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a');
CREATE TABLE events_b PARTITION OF events DEFAULT;
CREATE TABLE events_v2 (id int NOT NULL, kind text NOT NULL, v numeric, PRIMARY KEY (id, kind));
CREATE TABLE comments (id serial PRIMARY KEY, task int REFERENCES tasks ON DELETE CASCADE ON UPDATE CASCADE, body text);
INSERT INTO tasks SELECT i, 'task ' || i, CASE WHEN i % 3 = 0 THEN 'done' ELSE 'open' END, i * 7, timestamptz '2026-01-01' + i * interval '1 hour' FROM generate_series(1, 50) i;
INSERT INTO notes SELECT i, 'b' || i, 'body', date '2026-01-01', i / 7.0 FROM generate_series(1, 50) i;
INSERT INTO events SELECT i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'x' END, i FROM generate_series(1, 50) i;
INSERT INTO comments (task, body) SELECT i, 'comment' FROM generate_series(1, 50) i;
SELECT parity.shadow_create('tasks', 'tasks', 'tasks_v2',
    columns => '{"title": "title", "is_done": "status = ''done''", "price": "price_cents / 100.0", "due": "due"}',
    reverse => '{"title": "title", "status": "CASE WHEN is_done THEN ''done'' ELSE ''open'' END", "price_cents": "(price * 100)::int"}');
SELECT parity.shadow_create('notes', 'notes', 'notes_v2');
SELECT parity.shadow_create('events', 'events', 'events_v2');
SELECT parity.shadow_create('comments', 'comments', 'comments_v2', on_error => 'abort', filter => 'id % 2 = 0');
SELECT parity.shadow_create('some tasks', 'tasks', 'tasks_part', percent => 40);
SELECT parity.shadow_start(name) FROM parity.shadow;
CALL parity.shadow_backfill('tasks');
CALL parity.shadow_backfill('notes');
CALL parity.shadow_backfill('events');
CALL parity.shadow_backfill('comments');
CALL parity.shadow_backfill('some tasks');
SELECT parity.track(t) FROM unnest(ARRAY['tasks', 'notes', 'notes_v2', 'events']::regclass[]) t;
SELECT parity.live_checksum(t) FROM unnest(ARRAY['tasks', 'notes', 'notes_v2', 'events']::regclass[]) t;
SELECT * FROM parity.shadow, parity.shadow_verify(name);
SELECT parity.shadow_cutover('notes');
SQL
psql -d smith -c "ALTER ROLE smith SET statement_timeout = '1s'"
from=$(wc -c <"$PARITY_PG_LOG")

status=0
pids=()
for n in 1 2; do
    sqlsmith --target="host=$PGHOST port=$PGPORT user=smith dbname=smith" --seed=$((seed + n)) \
        --max-queries=$((queries / 2)) >/dev/null 2>&1 &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || { echo "sqlsmith: ended with status $?" >&2; status=1; }; done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
tail -c +$((from + 1)) "$PARITY_PG_LOG" >"$log"
echo "sqlsmith: $queries queries, seeds $((seed + 1)) and $((seed + 2)); errors by SQLSTATE:"
grep -oE 'ERROR:  [0-9A-Z]{5}' "$log" | sort | uniq -c | sort -rn | awk '{ printf "  %s %s\n", $3, $1 }'
ours=$(cd pg_ext && ls ./*.c ../core/*.c | sed 's|.*/||' | paste -sd '|' | sed 's/\./\\./g')
# an internal error whose place, or whose context, is parity's
if awk -v ours="($ours):[0-9]" '
        /^[0-9-]+ [0-9:.]+ / { line = $0; sub(/^[^\]]*\] [^ ]* /, "", line) } !/^[0-9-]+ [0-9:.]+ / { line = "" }
        line ~ /^ERROR:  XX/ { if (bad) print entry; entry = $0; bad = 0; internal = 1; next }
        line ~ /^ERROR:/ { if (bad) print entry; internal = 0; bad = 0; next }
        internal { entry = entry "\n" $0; if ((line ~ /^LOCATION:/ && line ~ ours) || (line ~ /^CONTEXT:/ && line ~ /parity/)) bad = 1 }
        END { if (bad) print entry }' "$log" | tee "$log.ours" | grep -q .; then
    echo "sqlsmith: internal errors of parity's:" >&2
    head -c 20000 "$log.ours" >&2
    status=1
fi
rm -f "$log.ours"
if grep -E 'terminated by signal|PANIC:|TRAP:' "$log" >&2; then status=1; fi
# five shadows and four tracked tables, each of which has to match
verdicts=$(psql -d smith -U smith -At 2>&1 <<'SQL'
SELECT v.* FROM parity.shadow s, parity.shadow_verify(s.name) v ORDER BY 1;
SELECT rel, CASE WHEN v.match THEN 'match' ELSE 'differ' END, '' FROM parity.live_status, parity.live_verify(rel) v ORDER BY 1;
SQL
) || status=1
printf '%s\n' "$verdicts"
[ "$(grep -c '|match|' <<<"$verdicts")" = 9 ] && [ "$(wc -l <<<"$verdicts")" = 9 ] || status=1
[ "$status" = 0 ] && echo "sqlsmith: passed" || echo "sqlsmith: FAILED" >&2
exit "$status"
