-- from differences to repair

CREATE FUNCTION parity.diff(rel pg_catalog.regclass, bundle pg_catalog.text)
    RETURNS TABLE (key pg_catalog.jsonb, change pg_catalog.text, key_hash pg_catalog.text, complete pg_catalog.bool,
                   rows pg_catalog.int8, detail pg_catalog.text)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_diff'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.diff(pg_catalog.regclass, pg_catalog.text) IS
    'the rows in which a table differs from its counterpart in a bundle of the other side: changed, only local or only remote; key is NULL where only the other side can name it, by key_hash; complete is false when there are more differences than the bundle''s sketch holds, and detail says how many cells to ask for';

CREATE FUNCTION parity.rows(rel pg_catalog.regclass, keys pg_catalog.jsonb) RETURNS pg_catalog.text
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'parity_sql_rows'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.rows(pg_catalog.regclass, pg_catalog.jsonb) IS
    'the values of the rows that keys names, as one text for the other side''s explain, recheck and repair; keys: an array of what the other side''s diff printed, of keys, of {"key_hash": "16 hex digits"} or of {"bucket": 5, "bits": 8}';

CREATE FUNCTION parity.explain(rel pg_catalog.regclass, rows_bundle pg_catalog.text)
    RETURNS TABLE (key pg_catalog.jsonb, column_name pg_catalog.text, local_value pg_catalog.text,
                   remote_value pg_catalog.text, reason pg_catalog.text)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_explain'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.explain(pg_catalog.regclass, pg_catalog.text) IS
    'each cell in which a table differs from the rows that the other side''s parity.rows gave, with both values and why';

CREATE FUNCTION parity.recheck(rel pg_catalog.regclass, rows_bundle pg_catalog.text)
    RETURNS TABLE (key pg_catalog.jsonb, change pg_catalog.text, key_hash pg_catalog.text)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_recheck'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.recheck(pg_catalog.regclass, pg_catalog.text) IS
    'of the rows that the other side''s parity.rows gave, those in which a table still differs: for tables under write';

CREATE FUNCTION parity.repair(rel pg_catalog.regclass, rows_bundle pg_catalog.text)
    RETURNS TABLE (statement pg_catalog.text)
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'parity_sql_repair'
    SET search_path = pg_catalog, pg_temp SET row_security = off SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = postgres SET extra_float_digits = 1 SET bytea_output = hex;
COMMENT ON FUNCTION parity.repair(pg_catalog.regclass, pg_catalog.text) IS
    'the statements, in order, that make a table equal to the rows that the other side''s parity.rows gave, each guarded by the row that was seen; runs nothing; rel NULL: all tables that rows_bundle, a JSON array of such texts, names';
