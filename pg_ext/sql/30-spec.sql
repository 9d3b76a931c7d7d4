GRANT USAGE ON SCHEMA parity TO PUBLIC;

CREATE TABLE parity.override (
    rel pg_catalog.regclass PRIMARY KEY,
    overrides pg_catalog.jsonb NOT NULL
);
COMMENT ON TABLE parity.override IS
    'what the owners of tables stored with parity.set_spec and parity.adopt: how parity.spec differs from what is inferred';
COMMENT ON COLUMN parity.override.rel IS 'the relation';
COMMENT ON COLUMN parity.override.overrides IS
    'kinds and options, key, excluded columns, names on the other side: see parity.set_spec';
REVOKE ALL ON TABLE parity.override FROM PUBLIC;
GRANT SELECT ON TABLE parity.override TO PUBLIC;
-- rows of relations that were dropped are not dumped: restored, they would be another relation's; nor are those of
-- temporary ones, which are not there when a dump is restored
SELECT pg_catalog.pg_extension_config_dump('parity.override',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) rel AND c.relpersistence OPERATOR(pg_catalog.<>) ''t'')');

CREATE FUNCTION parity.spec(rel pg_catalog.regclass) RETURNS pg_catalog.jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'parity_sql_spec'
    SET search_path = pg_catalog, pg_temp SET row_security = off;
COMMENT ON FUNCTION parity.spec(pg_catalog.regclass) IS
    'how a table is read: its columns in order with their kinds, its key, what is left out; inferred, with stored overrides applied';

CREATE FUNCTION parity.set_spec(rel pg_catalog.regclass, overrides pg_catalog.jsonb) RETURNS pg_catalog.void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_set_spec'
    SET search_path = pg_catalog, pg_temp SET row_security = off;
COMMENT ON FUNCTION parity.set_spec(pg_catalog.regclass, pg_catalog.jsonb) IS
    'store overrides of a table that the caller owns, such as {"columns": {"created_at": "timestamptz epoch=ms"}, "key": ["id"], "exclude": ["x"], "names": {"created_at": "CreatedAt"}, "as": "Tasks"}; NULL removes them';
