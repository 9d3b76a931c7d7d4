-- parity.spec and parity.set_spec: how a table is read
\set SHOW_CONTEXT never
CREATE SCHEMA spec;
SET search_path = spec;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds (
    id bigint PRIMARY KEY, flag boolean, small smallint, amount numeric(10, 2), free numeric, cash money, dbl double precision,
    sgl real, t text, vc varchar(10), ch char(4), one "char", nm name, b bytea, tstz timestamptz, tstz3 timestamptz(3), ts timestamp,
    d date, tm time(2), tmtz timetz, iv interval, u uuid, j json, jb jsonb, arr int[], comp pair, pos positive, m mood,
    addr inet, r int4range, o oid);
SELECT c ->> 'name' AS name, c ->> 'kind' AS kind
    FROM jsonb_array_elements(parity.spec('kinds') -> 'columns') WITH ORDINALITY AS x(c, n) ORDER BY n;
SELECT parity.spec('kinds') - 'columns' AS rest;

-- the order is by name, whatever its case and underscores; the key is the primary key; generated columns are left out
CREATE TABLE mixed ("MediaTypeId" int, media_id int, gone int, "Zone" text, twice int GENERATED ALWAYS AS (media_id * 2) STORED,
    PRIMARY KEY (media_id, "MediaTypeId"));
ALTER TABLE mixed DROP COLUMN gone;
SELECT parity.spec('mixed');
CREATE TABLE keyless (a int UNIQUE NOT NULL);
SELECT parity.spec('keyless');
CREATE TABLE deferred (a int, PRIMARY KEY (a) DEFERRABLE);
SELECT parity.spec('deferred');
-- a generated column of the key is left out like others, and what is left of the key is not unique
CREATE TABLE generated_key (a int, g int GENERATED ALWAYS AS (a / 2) STORED, PRIMARY KEY (a, g));
SELECT parity.spec('generated_key');

-- everything that can be read as a table
CREATE VIEW a_view AS SELECT 1 AS x, NULL::numeric(5, 1) AS y;
CREATE MATERIALIZED VIEW a_matview AS SELECT 'a'::text AS x;
CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
SELECT parity.spec(r) FROM unnest('{a_view,a_matview,parted,parted_1}'::regclass[]) r;
CREATE SEQUENCE a_sequence;
SELECT parity.spec('a_sequence');
SELECT parity.spec('mixed_pkey');
SELECT parity.spec(NULL);
SELECT parity.spec(4294967295::oid);
SELECT parity.spec('no_such_table');
CREATE TABLE zero ();
SELECT parity.spec('zero');

-- overrides
CREATE TABLE tasks (id int PRIMARY KEY, title text, created_at bigint, price text, note text, shout text GENERATED ALWAYS AS (upper(title)) STORED);
SELECT parity.set_spec('tasks', '{"columns": {"created_at": "timestamptz epoch=ms", "price": "decimal(10,2) round"},
    "exclude": ["note"], "names": {"created_at": "CreatedAt"}, "as": "Task"}');
SELECT parity.spec('tasks');
SELECT * FROM parity.override;
SELECT parity.set_spec('tasks', '{"key": ["title", "id"], "columns": {"shout": "text"}}');
SELECT parity.spec('tasks');
SELECT parity.set_spec('tasks', '{"key": []}');
SELECT parity.spec('tasks') - 'columns' AS rest;
-- what is wrong is refused, and what is stored stays
SELECT parity.set_spec('tasks', '{"columns": {"nope": "int"}}');
SELECT parity.set_spec('tasks', '{"columns": {"id": "integer"}}');
SELECT parity.set_spec('tasks', '{"columns": {"id": "int epoch=ms"}}');
SELECT parity.set_spec('tasks', '{"columns": {"created_at": "timestamptz epoch=h"}}');
SELECT parity.set_spec('tasks', '{"columns": {"id": 5}}');
SELECT parity.set_spec('tasks', '{"columns": [{"name": "id", "kind": "int"}]}');
SELECT parity.set_spec('tasks', '{"key": ["nope"]}');
SELECT parity.set_spec('tasks', '{"exclude": ["id"]}');
SELECT parity.set_spec('tasks', '{"exclude": ["id", "title", "created_at", "price", "note"], "key": []}');
SELECT parity.set_spec('tasks', '{"names": {"id": "title"}}');
SELECT parity.set_spec('tasks', '{"kinds": {}}');
SELECT parity.set_spec('tasks', '[]');
SELECT parity.set_spec('tasks', '5');
SELECT parity.set_spec(NULL, '{}');
SELECT parity.set_spec('a_sequence', '{}');
SELECT * FROM parity.override;

-- overrides follow a rename; a change of the table that they do not fit is an error, not a guess
SELECT parity.set_spec('tasks', '{"exclude": ["note"]}');
ALTER TABLE tasks RENAME TO jobs;
SELECT parity.spec('jobs') - 'columns' AS rest;
ALTER TABLE jobs DROP COLUMN note;
SELECT parity.spec('jobs');
SELECT parity.checksum('jobs');
SELECT parity.set_spec('jobs', NULL);
SELECT count(*) FROM parity.override;
SELECT parity.spec('jobs') - 'columns' AS rest;

-- rows of dropped relations go with the next set_spec, and are not dumped
SELECT parity.set_spec('keyless', '{}');
DROP TABLE keyless;
SELECT count(*) FROM parity.override;
SELECT count(*) FROM parity.override WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = rel);
SELECT e.extcondition[i] FROM pg_extension e, generate_subscripts(e.extconfig, 1) i WHERE e.extname = 'parity' AND e.extconfig[i] = 'parity.override'::regclass;
SELECT parity.set_spec('jobs', '{"key": []}');
SELECT * FROM parity.override;
SELECT parity.set_spec('jobs', NULL);

-- in a read-only transaction
BEGIN READ ONLY;
SELECT parity.set_spec('jobs', '{}');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA spec CASCADE;
