-- whole databases

CREATE FUNCTION parity.bundle(tables pg_catalog.regclass[] DEFAULT NULL, cells pg_catalog.int4 DEFAULT NULL, schema pg_catalog.text DEFAULT 'public')
    RETURNS pg_catalog.text
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_bundle'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.bundle(pg_catalog.regclass[], pg_catalog.int4, pg_catalog.text) IS
    'one text that says all about the tables of a schema, or about those named, for the other side''s verify and diff; cells: of each table''s sketch, 16 to 1048576, rounded up to a power of two (NULL: 1024; 0: no sketches): about 1.4 times as many as rows may differ, and 64';

CREATE FUNCTION parity.verify(bundle pg_catalog.text, mapping pg_catalog.jsonb DEFAULT NULL)
    RETURNS TABLE (table_name pg_catalog.text, remote_name pg_catalog.text, status pg_catalog.text,
                   local_rows pg_catalog.int8, remote_rows pg_catalog.int8, differing pg_catalog.int8,
                   columns pg_catalog.text[], detail pg_catalog.text)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_verify'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.verify(pg_catalog.text, pg_catalog.jsonb) IS
    'compare this database with a bundle of another: a row a table; mapping: {"remote": "local", "remote.column": "local_column", "schema": "local schema", "exclude": ["table.column"], "accept": "rounded"}';

CREATE FUNCTION parity.assert_match(bundle pg_catalog.text, mapping pg_catalog.jsonb DEFAULT NULL) RETURNS pg_catalog.void
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_assert_match'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.assert_match(pg_catalog.text, pg_catalog.jsonb) IS
    'as parity.verify, but raises an error that names the tables that do not match';

CREATE FUNCTION parity.adopt(bundle pg_catalog.text, mapping pg_catalog.jsonb DEFAULT NULL)
    RETURNS TABLE (table_name pg_catalog.text, overrides pg_catalog.jsonb)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_adopt'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.adopt(pg_catalog.text, pg_catalog.jsonb) IS
    'store the kinds, options, keys and names of the bundle as overrides of the tables here, which the caller has to own';
