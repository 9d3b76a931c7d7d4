-- the golden vectors of tests/vectors, through PostgreSQL's types
\set VERBOSITY terse
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS parity;
CREATE SCHEMA vectors;
SET search_path = vectors, public;
-- types of extensions, where the server has them
DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS hstore; EXCEPTION WHEN OTHERS THEN NULL; END $$;
DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS citext; EXCEPTION WHEN OTHERS THEN NULL; END $$;
DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS vector; EXCEPTION WHEN OTHERS THEN NULL; END $$;
\set ECHO none
\i tests/vectors/postgres.sql
\set ECHO all
SET client_min_messages = warning;

CREATE TABLE line (no serial, text text);
CREATE FUNCTION load() RETURNS void LANGUAGE sql AS $$ DELETE FROM line WHERE text LIKE '#%' $$;

-- the digest of a single row of this hash
CREATE FUNCTION digest_of(hash text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n numeric := 0; p numeric := 170141183460469231731687303715884105727; hex text := '';
BEGIN
    FOR i IN 1..32 LOOP n := n * 16 + strpos('0123456789abcdef', substr(hash, i, 1)) - 1; END LOOP;
    n := mod(n, p);
    FOR i IN 1..32 LOOP hex := substr('0123456789abcdef', mod(n, 16)::int + 1, 1) || hex; n := div(n, 16); END LOOP;
    RETURN 'p1-1-' || hex;
END $$;

-- postgres.tsv: each expression, computed and stored, under settings that change what PostgreSQL prints
\copy line(text) FROM 'tests/vectors/postgres.tsv' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SELECT load();
CREATE TABLE expression AS
    SELECT no, split_part(text, E'\t', 1) AS needs, split_part(text, E'\t', 2) AS expr, split_part(text, E'\t', 3) AS kind,
        split_part(text, E'\t', 5) AS hash FROM line;
DELETE FROM expression WHERE needs ~ '^\d+$' AND needs::int * 10000 > current_setting('server_version_num')::int;
DELETE FROM expression WHERE needs ~ '^\D{2,}$' AND needs NOT IN (SELECT extname FROM pg_extension);
CREATE FUNCTION check_expressions() RETURNS TABLE (how text, expr text, kind text) LANGUAGE plpgsql AS $$
DECLARE e record; want text; got text[];
BEGIN
    FOR e IN SELECT * FROM expression x ORDER BY no LOOP
        want := digest_of(e.hash);
        EXECUTE format('CREATE TEMP TABLE stored AS SELECT %s AS v, 1 AS one', e.expr);
        EXECUTE format('SELECT ARRAY[parity.digest_agg_as(%L, %s)::text, (SELECT parity.digest_agg_as(%1$L, v)::text FROM stored)]',
                       e.kind, e.expr) INTO got;
        DROP TABLE stored;
        IF got[1] IS DISTINCT FROM want THEN how := 'computed'; expr := e.expr; kind := e.kind; RETURN NEXT; END IF;
        IF got[2] IS DISTINCT FROM want THEN how := 'stored'; expr := e.expr; kind := e.kind; RETURN NEXT; END IF;
        CONTINUE WHEN e.expr ~ '^ROW|pair$'; -- as an argument a composite stands for its fields
        EXECUTE format('SELECT ARRAY[encode(parity.row_hash(%s), ''hex''), parity.digest_agg(%1$s)::text]', e.expr) INTO got;
        IF got[1] IS DISTINCT FROM e.hash THEN how := 'row_hash'; expr := e.expr; kind := e.kind; RETURN NEXT; END IF;
        IF got[2] IS DISTINCT FROM want THEN how := 'digest_agg'; expr := e.expr; kind := e.kind; RETURN NEXT; END IF;
    END LOOP;
END $$;
SELECT count(*) >= 370 AS enough FROM expression;
SELECT * FROM check_expressions();
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
SET quote_all_identifiers = on;
SELECT * FROM check_expressions();
SET TimeZone = 'America/St_Johns';
SET DateStyle = 'SQL, MDY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = 3;
SELECT * FROM check_expressions();
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
RESET quote_all_identifiers;

-- row.tsv and table.tsv: bigint, double precision, text and bytea are read as SQLite's classes are
CREATE FUNCTION double(hex text) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN b.e = 2047 THEN CASE WHEN b.m > 0 THEN 'NaN' WHEN b.s = 0 THEN 'Infinity' ELSE '-Infinity' END::float8
           ELSE CASE WHEN b.s = 0 THEN 1 ELSE -1 END * (CASE WHEN b.e = 0 THEN b.m ELSE b.m + 4503599627370496 END)::float8
               * power(2::float8, greatest(b.e, 1) - 1075 + 60) * power(2::float8, -60) END
    FROM (SELECT ('x' || hex)::bit(64)::bigint AS i) x,
        LATERAL (SELECT x.i >> 63 & 1 AS s, (x.i >> 52 & 2047)::int AS e, x.i & 4503599627370495 AS m) b $$;
-- a value of the vectors as an SQL expression; NULL when PostgreSQL has no such value
CREATE FUNCTION expression_of(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE class text := split_part(value, ':', 1); payload text := replace(split_part(value, ':', 2), '-', '');
BEGIN
    CASE class
        WHEN 'null' THEN RETURN 'NULL::text';
        WHEN 'int' THEN RETURN format('%L::bigint', split_part(value, ':', 2));
        WHEN 'real' THEN RETURN format('vectors.double(%L)', payload);
        WHEN 'blob' THEN RETURN format('decode(%L, ''hex'')', payload);
        WHEN 'text' THEN RETURN format('%L::text', convert_from(decode(payload, 'hex'), 'UTF8'));
    END CASE;
EXCEPTION WHEN character_not_in_repertoire THEN
    RETURN NULL;
END $$;
-- the arguments that a row of the vectors makes
CREATE FUNCTION arguments_of(row_values text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN bool_or(e IS NULL) THEN NULL WHEN count(*) > 90 THEN format('ROW(%s)', string_agg(e, ', ' ORDER BY o))
           ELSE string_agg(e, ', ' ORDER BY o) END
    FROM (SELECT vectors.expression_of(v) AS e, o FROM unnest(string_to_array(row_values, ' ')) WITH ORDINALITY AS u(v, o)) x $$;
TRUNCATE line;
\copy line(text) FROM 'tests/vectors/row.tsv' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SELECT load();
CREATE TABLE one_row AS
    SELECT no, replace(split_part(text, E'\t', 1), ';', E'\n') AS kinds, arguments_of(split_part(text, E'\t', 2)) AS arguments,
        split_part(text, E'\t', 4) AS hash FROM line;
SELECT count(*) >= 80 AS enough FROM one_row WHERE arguments IS NOT NULL;
DO $$
DECLARE r record; got text;
BEGIN
    FOR r IN SELECT * FROM one_row WHERE arguments IS NOT NULL ORDER BY no LOOP
        EXECUTE format('SELECT parity.digest_agg_as(%L, %s)', r.kinds, r.arguments) INTO got;
        IF got IS DISTINCT FROM vectors.digest_of(r.hash) THEN
            RAISE WARNING 'row %: %', replace(r.kinds, E'\n', ';'), r.arguments;
        END IF;
    END LOOP;
END $$;

-- table.tsv: row by row, since a column holds several classes, then added up; all digests of a tally
CREATE FUNCTION word(state bytea, at int) RETURNS text LANGUAGE sql AS $$
    -- 64 bits of a tally, as hex, most significant first, whatever this machine's order
    SELECT string_agg(substr(encode(substring(state FROM at + 1 FOR 8), 'hex'), i, 2), ''
                      ORDER BY CASE WHEN get_byte(state, 4) <> 0 THEN -i ELSE i END) FROM generate_series(1, 15, 2) i $$;
CREATE FUNCTION digest_at(state bytea, at int) RETURNS parity.digest LANGUAGE sql AS $$
    SELECT ('p1-' || ('x' || vectors.word(state, at))::bit(64)::bigint || '-' || vectors.word(state, at + 16) ||
            vectors.word(state, at + 8))::parity.digest $$;
TRUNCATE line;
\copy line(text) FROM 'tests/vectors/table.tsv' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SELECT load();
CREATE TABLE part (no int, what text, name text, a text, b text);
INSERT INTO part SELECT no, split_part(text, E'\t', 1), split_part(text, E'\t', 2), split_part(text, E'\t', 3), split_part(text, E'\t', 4) FROM line;
CREATE TABLE got (name text, what text, i text, digest parity.digest);
DO $$
DECLARE t record; r record; keys text; kinds text; n int; state bytea; arguments text;
BEGIN
    FOR t IN SELECT * FROM part p WHERE what = 'table' AND NOT EXISTS
        (SELECT FROM part q WHERE q.name = p.name AND q.what = 'row' AND arguments_of(q.a) IS NULL) LOOP
        kinds := replace(t.a, ';', E'\n');
        n := cardinality(string_to_array(t.a, ';'));
        SELECT string_agg(CASE WHEN i::text = ANY (string_to_array(t.b, ',')) THEN '1' ELSE '0' END, '' ORDER BY i) INTO keys
            FROM generate_series(0, n - 1) i;
        INSERT INTO got SELECT t.name, w, '', parity.digest_agg(1) FILTER (WHERE false) FROM unnest('{digest,key}'::text[]) w GROUP BY w;
        INSERT INTO got SELECT t.name, 'column', i::text, parity.digest_agg(1) FILTER (WHERE false) FROM generate_series(0, n - 1) i GROUP BY i;
        FOR r IN SELECT * FROM part WHERE what = 'row' AND name = t.name LOOP
            arguments := arguments_of(r.a);
            EXECUTE format('SELECT parity.tally_agg(%L, %L, 0, %s)', kinds, keys, arguments) INTO state;
            INSERT INTO got VALUES (t.name, 'digest', '', digest_at(state, 12)), (t.name, 'key', '', digest_at(state, 60));
            INSERT INTO got SELECT t.name, 'column', i::text, digest_at(state, 108 + 160 * i) FROM generate_series(0, n - 1) i;
        END LOOP;
    END LOOP;
END $$;
SELECT count(DISTINCT name) >= 16 AS enough FROM got;
SELECT p.what, p.name, p.a, p.b, g.digest
FROM (SELECT what, name, CASE what WHEN 'column' THEN a ELSE '' END AS i, a, b, CASE what WHEN 'column' THEN b ELSE a END AS digest FROM part) p
JOIN (SELECT name, what, i, parity.sum(digest) AS digest FROM got GROUP BY name, what, i) g USING (name, what, i)
WHERE p.digest <> g.digest::text;
SELECT count(*) = count(g.digest) AS all_seen FROM (SELECT what, name, CASE what WHEN 'column' THEN a ELSE '' END AS i FROM part
    WHERE what IN ('digest', 'key', 'column')) p
LEFT JOIN (SELECT DISTINCT ON (name, what, i) * FROM got) g USING (name, what, i) WHERE name IN (SELECT name FROM got);

-- digest.tsv: texts, sums and differences
TRUNCATE line;
\copy line(text) FROM 'tests/vectors/digest.tsv' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
SELECT load();
DO $$
DECLARE l record; f text[]; got text; n int := 0;
BEGIN
    FOR l IN SELECT * FROM line ORDER BY no LOOP
        f := string_to_array(l.text, E'\t');
        CONTINUE WHEN f[1] = 'residue';
        n := n + 1;
        BEGIN
            CASE f[1]
                WHEN 'parse' THEN got := f[2]::parity.digest;
                WHEN 'add' THEN got := f[2]::parity.digest OPERATOR(parity.+) f[3]::parity.digest;
                WHEN 'sub' THEN got := f[2]::parity.digest OPERATOR(parity.-) f[3]::parity.digest;
                WHEN 'sum' THEN SELECT parity.sum(d::parity.digest) INTO got FROM unnest(string_to_array(f[2], ',')) d;
            END CASE;
        EXCEPTION WHEN invalid_text_representation OR feature_not_supported OR numeric_value_out_of_range THEN
            got := 'error';
        END;
        IF got IS DISTINCT FROM f[cardinality(f)] THEN
            RAISE WARNING '%: %', l.text, got;
        END IF;
    END LOOP;
    IF n < 50 THEN RAISE WARNING 'only % lines', n; END IF;
END $$;
RESET search_path;
DROP SCHEMA vectors, parity_vectors CASCADE;
