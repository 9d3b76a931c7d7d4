-- databases of other encodings: text is hashed as UTF-8
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS parity;
SELECT current_database() AS here \gset
CREATE TYPE umlaut AS ENUM ('ä', 'plain');
CREATE TYPE umlauts AS ("ö" text, e umlaut);
-- one row of all that is text or holds text
CREATE FUNCTION encoded(OUT digest text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE $q$ SELECT parity.digest_agg(chr(228)::text, (chr(228) || '  ')::char(5), chr(228)::varchar, chr(252)::name, 'ä'::umlaut, to_json(chr(228)), jsonb_build_object(chr(228), 1), ARRAY[chr(228)])::text
        || parity.digest_agg(ARRAY['ä'::umlaut]) || parity.digest_agg_as('json', ROW(chr(246), 'ä')::umlauts)
        || parity.digest_agg_as('text fold=ascii', 'A' || chr(196)) || parity.digest_agg_as('text', jsonb_build_array(chr(228)))
        || parity.digest_agg('[0:0]={ä}'::text[]) || parity.digest_agg(repeat(chr(228), 3000)) $q$ INTO digest;
END $$;
SELECT encoded() AS utf8, getdatabaseencoding() \gset
SELECT parity.row_hash('ä'::text) AS hash \gset
CREATE DATABASE parity_latin1 ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE parity_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\c parity_latin1
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
CREATE EXTENSION parity;
CREATE TYPE umlaut AS ENUM ('ä', 'plain');
CREATE TYPE umlauts AS ("ö" text, e umlaut);
CREATE FUNCTION encoded(OUT digest text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE $q$ SELECT parity.digest_agg(chr(228)::text, (chr(228) || '  ')::char(5), chr(228)::varchar, chr(252)::name, 'ä'::umlaut, to_json(chr(228)), jsonb_build_object(chr(228), 1), ARRAY[chr(228)])::text
        || parity.digest_agg(ARRAY['ä'::umlaut]) || parity.digest_agg_as('json', ROW(chr(246), 'ä')::umlauts)
        || parity.digest_agg_as('text fold=ascii', 'A' || chr(196)) || parity.digest_agg_as('text', jsonb_build_array(chr(228)))
        || parity.digest_agg('[0:0]={ä}'::text[]) || parity.digest_agg(repeat(chr(228), 3000)) $q$ INTO digest;
END $$;
SELECT getdatabaseencoding(), length(chr(228)::bytea), encoded() = :'utf8' AS same, parity.row_hash('ä'::text) = :'hash' AS golden;
-- bytes of no encoding are taken as they are
\c parity_ascii
SET client_encoding = 'SQL_ASCII';
SET client_min_messages = warning;
CREATE EXTENSION parity;
SELECT getdatabaseencoding(), parity.row_hash('ä'::text) = :'hash' AS golden, parity.row_hash(convert_from('\xff', 'SQL_ASCII')) IS NOT NULL AS invalid;
\c :here
SET client_min_messages = warning;
DROP DATABASE parity_latin1;
DROP DATABASE parity_ascii;
DROP FUNCTION encoded();
DROP TYPE umlauts, umlaut;
