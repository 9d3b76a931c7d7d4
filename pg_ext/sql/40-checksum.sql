-- what a type's output function prints must not depend on the session: the settings are pinned

CREATE FUNCTION parity.checksum(rel pg_catalog.regclass, filter pg_catalog.text DEFAULT NULL, spec pg_catalog.jsonb DEFAULT NULL)
    RETURNS parity.digest
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_checksum'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.checksum(pg_catalog.regclass, pg_catalog.text, pg_catalog.jsonb) IS
    'digest of a table, or of the rows for which the SQL condition filter holds; spec: a whole spec, or overrides on top of the table''s own';

CREATE FUNCTION parity.column_checksums(rel pg_catalog.regclass, filter pg_catalog.text DEFAULT NULL, spec pg_catalog.jsonb DEFAULT NULL)
    RETURNS TABLE (column_name pg_catalog.text, kind pg_catalog.text, digest parity.digest)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 20 AS 'MODULE_PATHNAME', 'parity_sql_column_checksums'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.column_checksums(pg_catalog.regclass, pg_catalog.text, pg_catalog.jsonb) IS
    'digest of each column of a table, over key and value, all in one scan';

CREATE FUNCTION parity.buckets(rel pg_catalog.regclass, bits pg_catalog.int4, filter pg_catalog.text DEFAULT NULL, spec pg_catalog.jsonb DEFAULT NULL)
    RETURNS TABLE (bucket pg_catalog.int4, digest parity.digest)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 256 AS 'MODULE_PATHNAME', 'parity_sql_buckets'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.buckets(pg_catalog.regclass, pg_catalog.int4, pg_catalog.text, pg_catalog.jsonb) IS
    'digests of the parts into which the top bits of the key hash split a table, 2 to the power of bits; without empty parts';
