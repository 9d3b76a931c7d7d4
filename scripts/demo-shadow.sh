#!/usr/bin/env bash
# The demo's second act: the schema of a table is changed while two sessions write it, the change is rolled back and made
# again. The application knows both schemas, and takes the other one when it is told that a column is not there; it keeps
# account of every write that was acknowledged. At the end the table must hold exactly these. Every statement is printed
# before it runs. Exits with 1 if anything differs.
#
#   scripts/with-postgres.sh -- scripts/demo-shadow.sh      (part of make demo)
set -euo pipefail
export LC_ALL=C PGOPTIONS='-c parity.progress=off'

scratch=$(mktemp -d "${TMPDIR:-/tmp}/parity-demo.XXXXXX")
cd "$scratch"
writers=()
finish() {
    touch stop
    [ ${#writers[@]} -eq 0 ] || wait "${writers[@]}" || :
    cd / && rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

title() { printf '\n# %s\n' "$*"; }
run() { # the SQL on stdin: printed, then run
    sed 's/^/$ /' | tee statement
    sed 's/^\$ //' statement | psql -Xqv ON_ERROR_STOP=1 -P footer=off 2>&1 | sed '/^$/d; s/^/    /'
}
ask() { psql -XAtqv ON_ERROR_STOP=1 -c "$1"; }
must() { # must WHAT FOUND WANTED
    [ "$2" = "$3" ] || { printf '=> WRONG: %s: found %s, expected %s\n' "$1" "${2:-nothing}" "${3:-nothing}"; exit 1; }
    echo "=> as it must be: $1"
}

# A session of the application. Its rows are its own (even or odd keys), so that it knows what each must be.
writer() { # writer 0 or 1
    local n=$1 i=0 schema=1 switched=0 longest=0 id op work title status is_done cents sql state rows before waited
    coproc db { exec psql -XAtq 2>>errors; }
    RANDOM=$n
    while [ ! -e stop ]; do
        i=$((i + 1)) op=put title="write $i" cents=$((RANDOM * 7)) status=open is_done=false work=$((RANDOM % 5))
        [ $((RANDOM % 2)) = 0 ] || { status="done" is_done=true; }
        id=$((RANDOM % 25000 * 2 + 2 - n))                     # a row from before, if it is still there
        [ $work -gt 1 ] || id=$((1000000 + i * 2 + n))         # a new one
        while :; do
            case $work$schema in
                [012]1) sql="INSERT INTO tasks (id, title, status, price_cents) VALUES ($id, '$title', '$status', $cents)
                    ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title, status = EXCLUDED.status, price_cents = EXCLUDED.price_cents" ;;
                [012]2) sql="INSERT INTO tasks (id, title, is_done, price) VALUES ($id, '$title', $is_done, $cents / 100.0)
                    ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title, is_done = EXCLUDED.is_done, price = EXCLUDED.price" ;;
                31) sql="UPDATE tasks SET title = '$title', status = '$status', price_cents = $cents WHERE id = $id" ;;
                32) sql="UPDATE tasks SET title = '$title', is_done = $is_done, price = $cents / 100.0 WHERE id = $id" ;;
                *) op=delete sql="DELETE FROM tasks WHERE id = $id" ;;
            esac
            before=${EPOCHREALTIME/./}
            printf '%s;\n\\echo :SQLSTATE :ROW_COUNT\n' "$sql" >&"${db[1]}"
            read -r state rows <&"${db[0]}" || state=gone
            waited=$((${EPOCHREALTIME/./} - before))
            [ $waited -le $longest ] || longest=$waited
            [ "$state" = 42703 ] || break
            schema=$((3 - schema)) switched=$((switched + 1)) # no such column: the other schema
        done
        if [ "$state" != 00000 ]; then
            echo "$state: $sql" >>refused
            break
        fi
        [ "$rows" = 0 ] || echo "$op|$id|$title|$is_done|$cents" >>"acknowledged.$n"
    done
    echo "session $n: changed its schema $switched times, waited $((longest / 1000)) ms at most" >>sessions
}
work() { # lets the application work for a while
    local goal now tries=0
    goal=$(($(cat acknowledged.* | wc -l) + 1000)) now=0
    while [ "$now" -lt $goal ] && [ ! -e refused ] && [ $((tries += 1)) -lt 300 ]; do
        sleep 0.1
        now=$(cat acknowledged.* | wc -l)
    done
    must "no write was refused" "$(cat refused 2>/dev/null)" ""
    must "the application goes on, $now writes acknowledged so far" $((now >= goal)) 1
}

title "a table, and how it should be: a status that is a boolean, cents that are a price, a larger key"
run <<'SQL'
CREATE EXTENSION IF NOT EXISTS parity;
CREATE TABLE tasks (id int PRIMARY KEY, title text NOT NULL, status text NOT NULL, price_cents int NOT NULL);
INSERT INTO tasks SELECT i, 'task ' || i, CASE WHEN i % 3 = 0 THEN 'done' ELSE 'open' END, i FROM generate_series(1, 50000) i;
CREATE TABLE tasks_v2 (id bigint PRIMARY KEY, title text NOT NULL, is_done boolean NOT NULL, price numeric(12,2) NOT NULL);
SQL
ask 'CREATE TABLE tasks_before AS TABLE tasks'

title "two sessions of an application insert, upsert, update and delete tasks, from here to the end"
: >acknowledged.0
: >acknowledged.1
for n in 0 1; do
    writer $n 2>>errors &
    writers+=($!)
done
work

title "each write goes to both tables, and then the rows from before"
run <<'SQL'
SELECT count(*) AS statements FROM parity.shadow_create('demo', 'tasks', 'tasks_v2',
    columns => '{"title": "title", "is_done": "status = ''done''", "price": "price_cents / 100.0"}',
    reverse => '{"status": "CASE WHEN is_done THEN ''done'' ELSE ''open'' END", "price_cents": "(price * 100)::int"}');
DO $$ BEGIN PERFORM parity.shadow_start('demo'); END $$;
CALL parity.shadow_backfill('demo', batch_rows => 5000);
SELECT rows, batches, failed, complete FROM parity.shadow_progress WHERE name = 'demo';
SQL
work

title "both tables in one snapshot, compared under the mapping"
run <<'SQL'
SELECT status, source_rows, target_rows, differing, detail FROM parity.shadow_verify('demo');
SQL
verdict="SELECT detail ->> 'status' FROM parity.event WHERE shadow = 'demo' AND what = 'verify' ORDER BY at DESC LIMIT 1"
must "they match" "$(ask "$verdict")" match

turn() { # turn WHAT: a cutover or a rollback is in the statement on stdin
    local phase
    run
    run <<SQL
SELECT s.phase, s.source AS "old table", s.target AS "new table", e.detail ->> 'source_rows' AS rows, e.detail ->> 'locked_ms' AS locked_ms
    FROM parity.shadow s, parity.event e WHERE s.name = 'demo' AND e.shadow = 'demo' AND e.what = '$1' ORDER BY e.at DESC LIMIT 1;
SQL
    phase=$(ask "SELECT phase FROM parity.shadow WHERE name = 'demo'")
    must "it is $2" "$phase" "$2"
    work
}
title "the cutover: the new table becomes tasks, the old one follows it"
turn cutover 'cut over' <<'SQL'
DO $$ BEGIN PERFORM parity.shadow_cutover('demo', swap_names => true); END $$;
SQL
title "something is wrong with the new release: the old table becomes tasks again, with all that was written since"
turn rollback shadowing <<'SQL'
DO $$ BEGIN PERFORM parity.shadow_rollback('demo'); END $$;
SQL
title "the next release"
turn cutover 'cut over' <<'SQL'
DO $$ BEGIN PERFORM parity.shadow_cutover('demo', swap_names => true); END $$;
SQL
run <<'SQL'
SELECT status, source_rows, target_rows, differing, detail FROM parity.shadow_verify('demo');
SQL
must "they match, in the other direction" "$(ask "$verdict")" match
run <<'SQL'
DO $$ BEGIN PERFORM parity.shadow_finish('demo'); END $$;
SQL
work

title "the application ends: the rows from before, changed by every write that was acknowledged, must be all there is"
touch stop
wait "${writers[@]}"
writers=()
sed 's/^/    /' sessions
must "each session followed the cutover, the rollback and the cutover" "$(grep -c 'changed its schema 3 times' sessions)" 2
must "no session was told of any other error" "$(grep ERROR errors | grep -v 'column "[a-z_]*" of relation "tasks" does not exist\|column "[a-z_]*" does not exist' || :)" ""
cat >proof.sql <<'SQL'
CREATE TEMP TABLE acknowledged (n bigserial, op text, id bigint, title text, is_done boolean, cents int);
\copy acknowledged (op, id, title, is_done, cents) FROM acknowledged.0 (DELIMITER '|')
\copy acknowledged (op, id, title, is_done, cents) FROM acknowledged.1 (DELIMITER '|')
CREATE TEMP VIEW last AS SELECT DISTINCT ON (id) * FROM acknowledged ORDER BY id, n DESC;
CREATE TEMP VIEW expected AS
    SELECT id, title, is_done, (cents / 100.0)::numeric(12,2) AS price FROM last WHERE op = 'put'
    UNION ALL
    SELECT id, title, status = 'done', (price_cents / 100.0)::numeric(12,2) FROM tasks_before b
    WHERE NOT EXISTS (SELECT FROM last l WHERE l.id = b.id);
SELECT (SELECT count(*) FROM acknowledged) AS writes, (SELECT count(*) FROM expected) AS expected, (SELECT count(*) FROM tasks) AS rows,
    (SELECT count(*) FROM (TABLE expected EXCEPT ALL SELECT id, title, is_done, price FROM tasks) x) AS lost,
    (SELECT count(*) FROM (SELECT id, title, is_done, price FROM tasks EXCEPT ALL TABLE expected) x) AS others;
SQL
psql -Xqv ON_ERROR_STOP=1 -P footer=off -f proof.sql | tee proof | sed '/^$/d; s/^/    /'
must "no write is lost, and no row is there that nobody wrote" "$(awk -F'|' 'NR == 3 {print ($2 + 0 == $3 + 0), $4 + 0, $5 + 0}' proof)" "1 0 0"
