-- how PostgreSQL's types are read (docs/FORMAT.md, "PostgreSQL types"); the golden vectors are in vectors.sql
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
RESET client_min_messages;
\set SHOW_CONTEXT never
CREATE SCHEMA types;
SET search_path = types, parity; -- parity: its operators

SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';

-- every fast path agrees with the text that the type prints, read under the same kind
CREATE TABLE number AS
    SELECT (CASE WHEN i % 2 = 0 THEN -1 ELSE 1 END * (i * 7919 % 100003)::numeric * power(10::numeric, i % 61 - 30))::numeric AS n FROM generate_series(1, 3000) i
    UNION ALL SELECT power(10::numeric, i) FROM generate_series(-60, 60) i
    UNION ALL SELECT -power(2::numeric, i) FROM generate_series(0, 200) i
    UNION ALL SELECT power(2::numeric, i) - 1 FROM generate_series(0, 200) i
    UNION ALL SELECT ('0.' || repeat('0', i) || '1234567890123456789012345678901234567890')::numeric FROM generate_series(0, 40) i
    UNION ALL SELECT (repeat('9', i) || '.5000')::numeric FROM generate_series(1, 80) i
    UNION ALL SELECT unnest('{NaN,0,0.000,-0.0,1.00,100000,10000,9999,10001,99999999,100000000,0.0001,0.1,0.00010001,9223372036854775807,9223372036854775808,-9223372036854775808,-9223372036854775809,18440000000000000000,18446744073709551616,1e1000,1e-1000,1e20000,1e-10000}'::numeric[]);
SELECT count(*) > 3600 AS enough, digest_agg(n) = digest_agg_as('decimal', n::text) AS numeric FROM number;
SELECT count(*) AS differ FROM number WHERE row_hash(n) <> row_hash(trim_scale(n));
SELECT digest_agg(x) = digest_agg_as('int', x::text) AS int2, digest_agg(x) = digest_agg(x::int) AND digest_agg(x) = digest_agg(x::bigint) AND digest_agg(x) = digest_agg(x::numeric) AS same
FROM unnest('{-32768,-1,0,1,32767}'::smallint[]) x;
SELECT digest_agg(x) = digest_agg_as('int', x::text) AS int8 FROM unnest('{-9223372036854775808,-2147483649,-1,0,9223372036854775807}'::bigint[]) x;
SELECT digest_agg(x) = digest_agg_as('int', x::text) AS oid, digest_agg(x) = digest_agg(x::bigint) AS unsigned FROM unnest('{0,1,4294967295}'::oid[]) x;
SELECT digest_agg(x) = digest_agg_as('int', x::text) AS xid8 FROM unnest('{0,9223372036854775807,9223372036854775808,18446744073709551615}'::xid8[]) x;
SELECT digest_agg(x) = digest_agg_as('float8', x::text) AS float8
FROM (SELECT sqrt(i) * power(10::float8, i % 600 - 300) FROM generate_series(1, 1500) i
      UNION ALL SELECT unnest('{0,-0,5e-324,1.7976931348623157e308,NaN,Infinity,-Infinity,1e22,1e23,9007199254740993}'::float8[])) f(x);
SELECT digest_agg(x) = digest_agg_as('float4', x::text::float8) AS float4, digest_agg(x) = digest_agg(x::text::float8) AS shortest,
    digest_agg(x) FILTER (WHERE abs(x) < 1e15) = digest_agg_as('float4', x::text) FILTER (WHERE abs(x) < 1e15) AS text
FROM (SELECT (sqrt(i) * power(10::float8, i % 70 - 35))::real FROM generate_series(1, 1500) i
      UNION ALL SELECT unnest('{0,-0,1e-45,3.4028235e38,NaN,Infinity,-Infinity,64057792,0.1}'::real[])) f(x);
SELECT digest_agg(b) = digest_agg_as('bool', b::text) AS bool, digest_agg(b) = digest_agg(b::int) AS int FROM unnest('{t,f,NULL}'::bool[]) b;
SELECT digest_agg(m) = digest_agg(m::numeric) AS money FROM unnest(ARRAY[0, 1, -0.01, 12.5, 92233720368547758.07, -92233720368547758.08]::numeric[]::money[]) m;
CREATE TABLE moment AS
    SELECT '2000-01-01'::timestamptz + i * interval '1 day 7 hours 13.000001 s' * (i % 97) AS at FROM generate_series(-1500, 1500) i
    UNION ALL SELECT unnest('{infinity,-infinity,4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59.999999+00,0001-01-01 00:00:00+00,0001-12-31 00:00:00+00 BC}'::timestamptz[]);
SELECT digest_agg(at) = digest_agg_as('timestamptz', at::text) AS timestamptz,
    digest_agg(at AT TIME ZONE 'UTC') = digest_agg_as('timestamp', (at AT TIME ZONE 'UTC')::text) AS timestamp,
    digest_agg(at) = digest_agg(at AT TIME ZONE 'UTC') AS instant FROM moment;
SELECT digest_agg(at::timestamp::date) = digest_agg_as('date', at::timestamp::date::text) AS date,
    digest_agg(at::timestamp::time) = digest_agg_as('time', at::timestamp::time::text) AS time FROM moment;
SELECT digest_agg(d) = digest_agg_as('date', d::text) AS date FROM unnest('{4714-11-24 BC,5874897-12-31,infinity,-infinity}'::date[]) d;
SELECT digest_agg(t) = digest_agg_as('time', t::text) AS time FROM unnest('{00:00,24:00,23:59:59.999999}'::time[]) t;
SELECT digest_agg(t) = digest_agg_as('timetz', t::text) AS timetz, digest_agg(t) <> digest_agg(t AT TIME ZONE 'UTC') AS own_clock
FROM unnest('{00:00+00,24:00-15:59,12:34:56.789+05:30,12:00+01:02:03}'::timetz[]) t;
SELECT digest_agg(i) = digest_agg_as('interval', i::text) AS interval, count(DISTINCT row_hash(i)) = count(*) AS fields
FROM unnest('{0,1 year 2 mons -3 days 04:05:06.000007,-178000000 years,24:00,1 day,-00:00:01,30 days,1 mon,2000000000:00:00.000001}'::interval[]) i;
SELECT digest_agg(u) = digest_agg_as('uuid', u::text) AND digest_agg(u) = digest_agg_as('uuid', uuid_send(u)) AS uuid
FROM (SELECT md5(i::text)::uuid FROM generate_series(1, 50) i) x(u);
SELECT digest_agg(b) = digest_agg_as('bytes text=hex', encode(b, 'hex')) AS bytea FROM unnest(ARRAY['', '\x00', '\xff00', repeat('abc', 5000)::bytea]) b;
SELECT digest_agg(j) = digest_agg(j::json) AND digest_agg(j) = digest_agg_as('json', j::text) AND digest_agg(j) = digest_agg_as('json', jsonb_pretty(j)) AS jsonb
FROM (SELECT jsonb_build_object('aa', i / 8.0, 'b', ARRAY[i, NULL], 'ä"\', repeat('ü' || chr(10), i % 5), '', '{}'::jsonb) FROM generate_series(1, 100) i
      UNION ALL SELECT unnest('{1,"null","\"x\"","[]","{}",1.50,1e400,"[[[[[1]]]]]"}'::jsonb[])) x(j);
SELECT row_hash('{"b":1,"a":2,"a":3}'::json) = row_hash('{"a":3,"b":1.0}'::jsonb) AS last_wins;
SELECT digest_agg(a) = digest_agg(to_json(a)) AND digest_agg(a) = digest_agg_as('json', array_to_json(a)::text) AS arrays
FROM (SELECT ARRAY[i, NULL, -i] FROM generate_series(1, 20) i UNION ALL SELECT '{}' UNION ALL SELECT '{{1,2},{3,4}}') x(a);
SELECT row_hash('[0:1]={1,2}'::int[]) = row_hash('{"[0:1]":[1,2]}'::json) AS bounds, row_hash('[1:2][-1:0]={{1,2},{3,4}}'::int[]) = row_hash('{"[1:2][-1:0]":[[1,2],[3,4]]}'::json) AS bounds2,
    row_hash('[0:1]={1,2}'::int[]) <> row_hash('{1,2}'::int[]) AS matter, row_hash('[1:2]={1,2}'::int[]) = row_hash('{1,2}'::int[]) AS default;
SELECT row_hash('1 2'::int2vector) = row_hash('{"[0:1]":[1,2]}'::json) AS int2vector;

-- text: also as name, "char", enum, domain, char(n), and what else prints itself
SELECT digest_agg(t) = digest_agg(t::varchar) AND digest_agg(t) = digest_agg_as('text', t::bytea::text::bytea::text) IS NOT NULL AS text,
    digest_agg(t::char(9)) = digest_agg(rtrim(t, ' ')) AS char, digest_agg(t::name) = digest_agg(t) AS name
FROM unnest('{"",a,"b  ","  c",ä日本}'::text[]) t;
SELECT row_hash('a'::"char") = row_hash('a'::text) AS ascii, row_hash(''::"char") = row_hash(''::text) AS zero, row_hash((-1)::int::"char") = row_hash('\377'::text) AS high;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'ä ö');
CREATE TABLE felt AS SELECT i, enum_range(NULL::mood) AS moods, (enum_range(NULL::mood))[1 + i % 3] AS mood FROM generate_series(1, 100) i;
SELECT digest_agg(mood) = digest_agg(mood::text) AS enum, digest_agg(moods) = digest_agg('{sad,ok,ä ö}'::text[]) AS array FROM felt;
SELECT digest_agg(mood) AS before FROM felt \gset
ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
ALTER TYPE mood ADD VALUE 'new' BEFORE 'sad';
SELECT digest_agg(mood)::text <> :'before' AS label_counts, digest_agg(mood) = digest_agg(mood::text) AS enum FROM felt;
CREATE DOMAIN price AS numeric(10, 2);
CREATE DOMAIN fair_price AS price CHECK (VALUE > 0);
CREATE DOMAIN names AS text[];
SELECT row_hash(1.5::fair_price) = row_hash(1.50) AS domain, row_hash('{a,b}'::names) = row_hash('["a","b"]'::json) AS array, row_hash(NULL::fair_price) = row_hash(NULL) AS null;
SELECT digest_agg_as('decimal(10,2)', 1.5::fair_price) = digest_agg(1.5) AS as;
CREATE TYPE inner_row AS (a int, "B" text, at timestamptz);
CREATE TYPE outer_row AS (n numeric, r inner_row, l inner_row[]);
SELECT digest_agg_as('json', ROW(1.50, ROW(1, 'x', '2024-01-01 00:00:00+02'), ARRAY[ROW(2, NULL, NULL)::inner_row])::outer_row)
     = digest_agg('{"n":1.5,"r":{"a":1,"B":"x","at":"2023-12-31T22:00:00+00:00"},"l":[{"a":2,"B":null,"at":null}]}'::json) AS composite;
CREATE TYPE stamps AS RANGE (subtype = timestamptz);
CREATE TYPE floats AS RANGE (subtype = float8);
SELECT row_hash('[1,5)'::int4range) = row_hash('[1,5)'::text) AS int4range, row_hash('[2024-01-01 00:00+02,)'::stamps) = row_hash('["2023-12-31 22:00:00+00",)'::text) AS stamps,
    row_hash('[0.1,0.30000000000000004]'::floats) = row_hash('[0.1,0.30000000000000004]'::text) AS floats, row_hash('empty'::numrange) = row_hash('empty'::text) AS empty;
SELECT row_hash('10.0.0.1'::inet) = row_hash('10.0.0.1'::text) AS inet, row_hash('10.0.0.0/8'::cidr) = row_hash('10.0.0.0/8'::text) AS cidr, row_hash('(0.1,-0)'::point) = row_hash('(0.1,-0)'::text) AS point,
    row_hash(B'0101') = row_hash('0101'::text) AS bit, row_hash('a:1 b'::tsvector) = row_hash('''a'':1 ''b'''::text) AS tsvector, row_hash('<a>ü</a>'::xml) = row_hash('<a>ü</a>'::text) AS xml,
    row_hash('16/B374D848'::pg_lsn) = row_hash('16/B374D848'::text) AS pg_lsn, row_hash('(1,2)'::tid) = row_hash('(1,2)'::text) AS tid, row_hash('x'::refcursor) = row_hash('x'::text) AS refcursor;
CREATE TABLE weird AS SELECT NULL::pg_snapshot AS s;
SELECT row_hash(s) = row_hash(NULL) AS null FROM weird;

-- a kind that is not the type's own: booleans and integers are INTEGER, floats REAL, bytea BLOB, all else TEXT
SELECT digest_agg_as('text', true) = digest_agg('1'::text) AS bool, digest_agg_as('text', 5::oid) = digest_agg('5'::text) AS oid, digest_agg_as('text', 1e16::float8) = digest_agg('1.0e+16'::text) AS float8,
    digest_agg_as('text', 0.1::real) = digest_agg('0.1'::text) AS float4, digest_agg_as('text', 1.50) = digest_agg('1.50'::text) AS numeric, digest_agg_as('text', '18446744073709551615'::xid8) = digest_agg('18446744073709551615'::text) AS xid8;
SELECT digest_agg_as('text blob=utf8', 'ab'::bytea) = digest_agg('ab'::text) AS bytea, digest_agg_as('timestamptz epoch=ms', 1704067200000) = digest_agg('2024-01-01 00:00+00'::timestamptz) AS epoch,
    digest_agg_as('text', '2024-01-01 00:00+02'::timestamptz) = digest_agg('2023-12-31 22:00:00+00'::text) AS stamp, digest_agg_as('text', 'a  '::char(3)) = digest_agg('a'::text) AS char,
    digest_agg_as('text', '{1,2}'::int[]) = digest_agg('{1,2}'::text) AS array, digest_agg_as('text', '{"b": 1, "a": 2}'::jsonb) = digest_agg('{"a": 2, "b": 1}'::text) AS jsonb;
SELECT digest_agg_as('text', '-12.5'::numeric::money) = digest_agg('-12.50'::text) AS money, digest_agg_as('text', 'x'::"char") = digest_agg('x'::text) AS char, digest_agg_as('date', '2024-01-01'::timestamp) = digest_agg('2024-01-01'::date) AS day,
    digest_agg_as('text fold=ascii', 'ABÄ'::varchar) = digest_agg('abÄ'::text) AS fold, digest_agg_as('int uint64', (-1)::bigint) = digest_agg(18446744073709551615) AS uint64,
    digest_agg_as('timestamp zone=+02:00', '2024-01-01 02:00'::timestamp) = digest_agg('2024-01-01 00:00'::timestamp) AS zone, digest_agg_as('vector', '[1,2.50]'::text) = digest_agg('[1,2.5]'::json) AS vector;

-- coarser numbers: the exact value, and rounded as the type rounds
CREATE TABLE coarse (n numeric, at timestamptz, t time, tz timetz, iv interval, f float8);
INSERT INTO coarse SELECT i / 1000.0, '2024-01-01'::timestamptz + i * interval '0.000125 s', '00:00'::time + i * interval '0.000125 s', '00:00+01'::timetz + i * interval '0.000125 s', i * interval '0.000125 s', i / 8.0
    FROM generate_series(-400, 400) i UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL UNION ALL SELECT 'NaN', 'infinity', '24:00', NULL, NULL, 'NaN';
SELECT digest_agg_as('decimal(10,2)', n) = digest_agg(n) AS exact, digest_agg_as('decimal(10,2) round', n) = digest_agg(round(n, 2)) AS rounded, digest_agg_as('decimal(10,-1) round', n * 1000) = digest_agg(round(n * 1000, -1)) AS negative,
    digest_agg_as('decimal(20,5) round', n) = digest_agg(n) AS fine FROM coarse;
SELECT digest_agg_as('timestamptz(3)', at) = digest_agg(at) AS exact, digest_agg_as('timestamptz(3) round', at) = digest_agg(at::timestamptz(3)) AS rounded, digest_agg_as('timestamptz(6) round', at) = digest_agg(at) AS fine,
    digest_agg_as('timestamp(3) round', at::timestamp(6)) = digest_agg(at::timestamp(3)) AS timestamp FROM coarse;
SELECT digest_agg_as('time(3) round', t) = digest_agg(t::time(3)) AS time, digest_agg_as('timetz(3) round', tz) = digest_agg(tz::timetz(3)) AS timetz, digest_agg_as('interval(3) round', iv) = digest_agg(iv::interval(3)) AS interval FROM coarse;
-- so also in a bundle, which says what rounding would make of a column
SELECT parity.set_spec('coarse', '{"columns": {"n": "decimal(10,2)"}, "exclude": ["at", "t", "tz", "iv", "f"]}');
SELECT column_of ->> 'rounded' = (SELECT digest_agg(round(n, 2))::text FROM coarse) AS rounded,
    column_of ->> 'digest' = (SELECT digest_agg(n)::text FROM coarse) AS exact
    FROM (SELECT parity.bundle(ARRAY['coarse'::regclass], 0)::jsonb #> '{tables,0,columns,0}' AS column_of OFFSET 0) b;
SELECT parity.set_spec('coarse', NULL);

-- storage: short, compressed and out of line values; dropped, added and generated columns
CREATE TABLE stored (id int, a text, b text, c bytea, n numeric, j jsonb, l text[]);
ALTER TABLE stored ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTENDED, ALTER c SET STORAGE EXTERNAL, ALTER n SET STORAGE EXTERNAL;
INSERT INTO stored SELECT i, repeat('x', i * 1000), repeat('yz', i * 5000), convert_to(repeat('q', i * 3000), 'UTF8'), (repeat('7', i * 1500) || '.5')::numeric, jsonb_build_object('k', repeat('v', i * 4000)), array_fill('w'::text, ARRAY[i * 600])
    FROM generate_series(1, 8) i;
SELECT digest_agg(s) = (SELECT digest_agg(i, repeat('x', i * 1000), repeat('yz', i * 5000), convert_to(repeat('q', i * 3000), 'UTF8'), (repeat('7', i * 1500) || '.5')::numeric, json_build_object('k', repeat('v', i * 4000)), array_fill('w'::text, ARRAY[i * 600]))
    FROM generate_series(1, 8) i) AS toasted FROM stored s;
SELECT digest_agg(b, n, j, c) = digest_agg_as(E'text\ndecimal\njson\nbytes', b || '', n + 0, j || '{}', c || '') AS toasted FROM stored;
CREATE TABLE changed (id int, gone text, name text);
INSERT INTO changed SELECT i, 'g', 'n' || i FROM generate_series(1, 10) i;
ALTER TABLE changed DROP COLUMN gone;
ALTER TABLE changed ADD COLUMN fast timestamptz DEFAULT '2024-01-01 00:00:00+00', ADD COLUMN price numeric(10, 2) DEFAULT 1.5, ADD COLUMN nothing text;
INSERT INTO changed VALUES (11, 'n11', '2025-01-01 00:00:00+00', 2, 'x');
ALTER TABLE changed ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED;
SELECT digest_agg(c) = digest_agg(id, name, fast, price, nothing, twice) AS whole, digest_agg(id, name, fast, price, nothing, twice)
    = (SELECT digest_agg(i, 'n' || i, CASE WHEN i < 11 THEN '2024-01-01 00:00+00' ELSE '2025-01-01 00:00+00' END::timestamptz, CASE WHEN i < 11 THEN 1.5 ELSE 2 END, CASE WHEN i = 11 THEN 'x' END, i * 2) FROM generate_series(1, 11) i) AS values
FROM changed c;

-- nothing depends on the session
CREATE TABLE session (a timestamptz, b timestamp, c date, d interval, e float8, f real, g bytea, h timetz, i stamps, j timestamptz[], k inner_row, l point, m json, n money, o money[], p regclass, q regproc[], r regtype, s "char", t floats, u float8[], v interval[], w bytea[], x regrole, y regoperator);
CREATE TABLE "Quoted table" (x int);
CREATE FUNCTION shadow() RETURNS int LANGUAGE sql AS 'SELECT 1';
INSERT INTO session VALUES ('2024-02-29 12:34:56.789+02', '2024-02-29 12:34:56.789', '2024-02-29', '1 year -2 days 03:04:05.6', 0.1::float8 + 0.2, 0.1, '\x00ff5c', '12:00+02', '[2024-02-29 12:34:56+02,)', '{2024-02-29 12:34:56+02}', ROW(1, 'x', '2024-02-29 12:34:56+02'), '(0.30000000000000004,1e300)',
    '{"a": 1}', 1234.5::numeric::money, ARRAY[1234.5::numeric::money], 'types.session', '{pg_catalog.now,types.shadow}', 'types.mood', 'x', '[0.1,0.30000000000000004]', '{0.30000000000000004}', '{1 year -2 days 03:04:05.6}', '{"\\x00ff5c"}', 'pg_monitor', 'pg_catalog.+(int4,int4)');
INSERT INTO session (p) VALUES ('types."Quoted table"'), ('pg_catalog.pg_class');
-- under the kinds of the types, and all as text
CREATE FUNCTION of_session() RETURNS text LANGUAGE sql AS $$
    SELECT parity.digest_agg(whole)::text || ' ' || parity.digest_agg_as(rtrim(repeat(E'text\n', 25), E'\n'), whole)::text FROM types.session whole $$;
SELECT types.of_session() AS expected \gset
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SELECT types.of_session() = :'expected' AS same;
SET TimeZone = 'America/St_Johns';
SET DateStyle = 'Postgres, MDY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET quote_all_identifiers = on;
SET xmlbinary = 'hex';
SELECT types.of_session() = :'expected' AS same;
-- the settings themselves are untouched
SELECT current_setting('TimeZone') AS zone, current_setting('DateStyle') AS date, current_setting('IntervalStyle') AS interval, current_setting('extra_float_digits') AS digits, current_setting('bytea_output') AS bytea,
    current_setting('search_path') AS path, '2024-01-01 00:00+00'::timestamptz AS stamp, 0.1::float8 + 0.2 AS float, '\x00ff'::bytea AS bytes, 'types.session'::regclass AS class;
-- also after an error inside of an output function, caught or not
SET client_min_messages = warning;
CREATE TYPE unprintable;
CREATE FUNCTION unprintable_in(cstring) RETURNS unprintable LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION unprintable_out(unprintable) RETURNS cstring LANGUAGE internal STABLE STRICT AS 'anyelement_out';
CREATE TYPE unprintable (INPUT = unprintable_in, OUTPUT = unprintable_out);
SET client_min_messages = notice;
\set VERBOSITY terse
SELECT row_hash('x'::unprintable);
SELECT '2024-01-01 00:00+00'::timestamptz AS stamp, current_setting('search_path') AS path;
DO $$
BEGIN
    PERFORM parity.row_hash(ARRAY['x'::types.unprintable]);
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE '% %', '2024-01-01 00:00+00'::timestamptz, current_setting('search_path');
END $$;
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
RESET quote_all_identifiers;
RESET xmlbinary;
-- a hostile search_path: objects that hide those of pg_catalog, and temporary ones
CREATE SCHEMA hostile;
CREATE TABLE hostile.session (x int);
CREATE TABLE hostile.pg_class (x int);
CREATE FUNCTION hostile.now() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE hostile.mood AS ENUM ('x');
CREATE FUNCTION hostile.to_json(anyelement) RETURNS json LANGUAGE sql AS $$ SELECT '"hostile"'::json $$;
CREATE FUNCTION hostile.int4pl(int, int) RETURNS int LANGUAGE sql AS 'SELECT 0';
CREATE OPERATOR hostile.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.int4pl);
SET search_path = hostile, types, pg_catalog;
SELECT types.of_session() = :'expected' AS same;
CREATE TEMP TABLE session (x int);
CREATE TEMP TABLE pg_class (x int);
SET search_path = pg_temp, hostile, types, parity, pg_catalog;
SELECT types.of_session() = :'expected' AS same;
SET search_path = '';
SELECT types.of_session() = :'expected' AS same;
SELECT pg_catalog.current_setting('search_path') AS path;
DROP TABLE pg_temp.session, pg_temp.pg_class;
SET search_path = types, parity;
SELECT row_hash('types.session'::regclass) = row_hash('types.session'::text) AS qualified, row_hash('pg_class'::regclass) = row_hash('pg_class'::text) AS plain;

-- types that have no values
\set VERBOSITY default
SELECT parity.row_hash(pg_catalog.pg_sleep(0));
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA types, hostile CASCADE;
