"""Values of PostgreSQL: (needs, type, SQL expression, text).

needs: '-', the first server version that has it, or an extension. The text is
what the type's output function prints under the settings that FORMAT.md names;
for money the stored integer, for arrays, composites and hstore the JSON.
"""

# what the expressions use
SETUP = """\
CREATE SCHEMA parity_vectors;
CREATE TYPE parity_vectors.mood AS ENUM ('sad', 'ok', 'very happy', '');
CREATE DOMAIN parity_vectors.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN parity_vectors.price AS numeric(10,2);
CREATE DOMAIN parity_vectors.price2 AS parity_vectors.price;
CREATE DOMAIN parity_vectors.words AS text[];
CREATE TYPE parity_vectors.pair AS (a integer, "B b" text, t timestamptz);
CREATE TYPE parity_vectors.outer_pair AS (n numeric, p parity_vectors.pair, l integer[]);
CREATE TYPE parity_vectors.floatrange AS RANGE (subtype = float8);
"""

MOOD, POSITIVE, PRICE, PAIR = ('parity_vectors.' + name for name in ('mood', 'positive', 'price', 'pair'))
J = 'composite'


def same(declared, *texts, **options):
    """Literals that the type prints as they are written."""
    needs = options.get('needs', '-')
    cast = options.get('cast', declared)
    return [(needs, declared, "'%s'::%s" % (text.replace("'", "''"), cast), text) for text in texts]


NULLS = [('-', declared, 'NULL::' + declared, None) for declared in (
    'boolean', 'smallint', 'integer', 'bigint', 'oid', 'numeric', 'numeric(10,2)', 'money', 'double precision',
    'real', 'text', 'varchar(10)', 'char(5)', 'name', 'bytea', 'timestamptz', 'timestamp', 'date', 'time', 'timetz',
    'interval', 'uuid', 'json', 'jsonb', 'integer[]', 'int4range', 'inet')]
NULLS += [('-', 'enum', 'NULL::' + MOOD, None), ('-', J, 'NULL::' + PAIR, None), ('-', 'integer', 'NULL::' + POSITIVE,
    None)]

POSTGRES = NULLS + [
    ('-', 'boolean', 'true', 't'), ('-', 'boolean', 'false', 'f'),
] + same('smallint', '0', '32767', '-32768') + same('integer', '0', '1', '-1', '2147483647',
    '-2147483648') + same('bigint', '0', '9223372036854775807', '-9223372036854775808', '9007199254740993') + \
    same('oid', '0', '4294967295', '2147483648') + same('xid', '3', '4294967295') + same('cid', '0',
        '4294967295') + same('xid8', '0', '9223372036854775807', '9223372036854775808', '18446744073709551615',
        '18446744073709551610') + \
    same('numeric', '0', '0.00', '-0', '1', '1.50', '1.5', '100', '1e10', '-12.345', '0.1', '0.00012', 'NaN',
        '12345678901234567890123456789.0123456789', '9223372036854775807', '9223372036854775808',
        '-9223372036854775808', '1e300', '1e-300', '1e1000', '1e-1000', '0.30000000000000004') + \
    same('numeric(10,2)', '12.50', '0.00', '-12.34', '99999999.99', '12.00', 'NaN') + same('numeric(5)', '12345',
        '0') + same('numeric(38,18)', '1.000000000000000001', '0.000000000000000000') + \
    same('numeric', 'Infinity', '-Infinity', needs='14') + [
    ('-', 'money', '12.34::numeric::money', '1234'), ('-', 'money', '(-12.34)::numeric::money', '-1234'), ('-',
        'money', '0::numeric::money', '0'), ('-', 'money', '100::numeric::money', '10000'), ('-', 'money',
        '0.10::numeric::money', '10'),
    ('-', 'money', '92233720368547758.07::numeric::money', '9223372036854775807'), ('-', 'money',
        '(-92233720368547758.08)::numeric::money', '-9223372036854775808'),
] + same('double precision', '0', '-0', '1', '-1', '0.1', '0.30000000000000004', '1e+300', '5e-324',
    '1.7976931348623157e+308', '2.2250738585072014e-308', 'NaN', 'Infinity', '-Infinity', '9007199254740993',
    '1.1529215046068470e+18', '123456.789', '40.070984') + \
    same('real', '0', '-0', '1', '0.1', '-0.1', '40.070984', '64057792', '64057790', '16777217', '3.4028235e+38',
        '1e-45', '1.1754944e-38', 'NaN', 'Infinity', '-Infinity', '0.33333334', '1e+10', '8.589973e+09', '33554432',
        '9.5e-10') + \
    same('text', '', 'a', ' a ', 'ä', '日本', '😀', "it's", '5', 'NULL', 'a\\b', '"') + [('-', 'text', "E'a\\tb\\nc'",
        'a\tb\nc'), ('-', 'text', "repeat('abc', 1000)", 'abc' * 1000)] + \
    same('varchar', 'abc', '') + same('varchar(10)', 'abc', 'abc  ') + same('name', 'pg_class', '') + same('"char"',
        'a', '') + \
    [('-', 'enum', "'%s'::%s" % (label, MOOD), label) for label in ('sad', 'ok', 'very happy', '')] + same('xml',
        '<a/>', '<a b="c">ä</a>') + \
    [('-', 'char(5)', "'ab'::char(5)", 'ab   '), ('-', 'char(5)', "''::char(5)", '     '), ('-', 'char(5)',
        "' a b '::char(5)", ' a b '), ('-', 'char(1)', "'x'::char", 'x'), ('-', 'char(3)', "'ä'::char(3)", 'ä  ')] + \
    same('bytea', '\\x', '\\x00', '\\xdeadbeef', '\\x5c78', '\\x' + bytes(range(256)).hex()) + [
    ('-', 'timestamptz', "'2024-02-29 12:34:56+02'::timestamptz", '2024-02-29 10:34:56+00'), ('-', 'timestamptz(3)',
        "'2024-02-29 12:34:56.7894+00'::timestamptz(3)", '2024-02-29 12:34:56.789+00'),
    ('-', 'timestamptz(0)', "'1999-12-31 23:59:58.5+00'::timestamptz(0)", '1999-12-31 23:59:58+00'), ('-',
        'timestamp(2)', "'2024-02-29 12:34:56.785'::timestamp(2)", '2024-02-29 12:34:56.79'),
    ('-', 'timestamptz', "'294276-12-31 23:59:59.999999+00'::timestamptz", '294276-12-31 23:59:59.999999+00'), ('-',
        'timestamptz', "'4714-11-24 00:00:00+00 BC'::timestamptz", '4714-11-24 00:00:00+00 BC'),
    ('-', 'timestamptz', "'0001-01-01 00:00:00+00 BC'::timestamptz", '0001-01-01 00:00:00+00 BC'),
] + same('timestamptz', '2000-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '2024-02-29 12:34:56.123456+00',
    '1969-12-31 23:59:59.999999+00', 'infinity', '-infinity') + \
    same('timestamp', '2000-01-01 00:00:00', '2024-02-29 12:34:56.123456', '1999-12-31 23:59:59.999999',
        '294276-12-31 23:59:59.999999', '4714-11-24 00:00:00 BC', '0044-03-15 12:00:00 BC', '10000-01-01 00:00:00',
        'infinity', '-infinity') + \
    same('date', '2000-01-01', '1970-01-01', '2024-02-29', '1999-12-31', '0001-01-01', '0001-12-31 BC',
        '4714-11-24 BC', '5874897-12-31', '9999-12-31', '10000-01-01', 'infinity', '-infinity') + \
    same('time', '00:00:00', '12:34:56.789', '23:59:59.999999', '24:00:00') + same('time(0)',
        '12:34:56') + same('time(3)', '12:34:56.789') + \
    same('timetz', '00:00:00+00', '12:34:56.789+02', '12:34:56-05:30', '24:00:00+00', '12:34:56+05:30:15',
        '23:59:59.999999-15:59:59', '12:34:56+15:59') + same('timetz(2)', '12:34:56.78+02') + \
    same('interval', '00:00:00', '1 day', '-1 days', '24:00:00', '1 mon', '30 days',
        '1 year 2 mons 3 days 04:05:06.789', '-1 years -2 mons +3 days -04:05:06.789', '00:00:00.000001',
        '-00:00:00.000001', '178956970 years 7 mons', '2147483647 days', '-178956970 years -8 mons',
        '1 day -00:00:01', '1 mon -1 days') + \
    same('interval', '2562047788:00:54.775807', needs='15') + \
    same('interval', 'infinity', '-infinity', needs='17') + \
    same('interval(2)', 'infinity', '-infinity', needs='17') + \
    same('interval(3)', '00:00:01.789') + same('interval(0)', '1 day 00:00:02') + \
    same('uuid', '00000000-0000-0000-0000-000000000000', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        'ffffffff-ffff-ffff-ffff-ffffffffffff') + \
    same('json', 'null', 'true', '5', '1.50', '"a"', '[]', '{}', '{"b":2,"a":1}', '{"a":1,"a":2}', ' [ 1 , 2.0 ] ',
        '{"b" : {"d":1,"c":[1,{"y":1,"x":2}]} }', '"\\u0041\\u00e9\\ud83d\\ude00"', '"\\u0000"', '"\\ud800"', '"\\/"',
        '1e2', '-0', '12345678901234567890.12345678901234567890', '1e2147483647', '1e2147483648',
        '[1e99999999999999999999]') + \
    same('jsonb', 'null', 'true', '5', '1.50', '"a"', '[]', '{}', '{"a": 1, "b": 2}', '{"b": 1, "aa": 2}',
        '[1, 2.0, "x", null, {"k": []}]', '"é"', '"a\\"b\\\\c\\nd"', '12345678901234567890.1234567890', '0.10',
        '"\\u0001"') + [
    ('-', 'jsonb', "'{\"aa\":1,\"b\":2,\"b\":3}'::jsonb", '{"b": 3, "aa": 1}'), ('-', 'jsonb', "'1e5'::jsonb",
        '100000'), ('-', 'jsonb', "'\"\\u0041\"'::jsonb", '"A"'),

    # arrays
    ('-', 'integer[]', "'{1,2,3}'::integer[]", '[1,2,3]'), ('-', 'integer[]', "'{}'::integer[]", '[]'), ('-',
        'integer[]', "'{NULL,1}'::integer[]", '[null,1]'), ('-', 'integer[]', "'{{1,2},{3,4}}'::integer[]",
        '[[1,2],[3,4]]'),
    ('-', 'integer[]', "'{{{1},{2}},{{3},{4}}}'::integer[]", '[[[1],[2]],[[3],[4]]]'), ('-', 'integer[]',
        "'[2:4]={1,2,3}'::integer[]", '{"[2:4]":[1,2,3]}'), ('-', 'integer[]',
        "'[0:1][3:4]={{1,2},{3,4}}'::integer[]", '{"[0:1][3:4]":[[1,2],[3,4]]}'),
    ('-', 'integer[]', "'[1:2][0:1]={{1,2},{3,4}}'::integer[]", '{"[1:2][0:1]":[[1,2],[3,4]]}'), ('-', 'integer[]',
        "'[-3:-2]={100,10}'::integer[]", '{"[-3:-2]":[100,10]}'), ('-', 'integer[]', "'[1:2]={1,2}'::integer[]",
        '[1,2]'),
    ('-', 'composite[]', "ARRAY[ROW(1.5,NULL,'[0:1]={1,2}')::parity_vectors.outer_pair]",
        '[{"n":1.5,"p":null,"l":[1,2]}]'),
    ('-', J, "ROW(1.5,NULL,'[0:1]={1,2}')::parity_vectors.outer_pair", '{"n":1.5,"p":null,"l":[1,2]}'),
    ('-', 'bigint[]', "'{9223372036854775807}'::bigint[]", '[9223372036854775807]'), ('-', 'text[]',
        "'{a,\"b c\",\"\",NULL,\"NULL\"}'::text[]", '["a","b c","",null,"NULL"]'), ('-', 'text[]',
        "ARRAY['a\"b', 'c\\d', 'ä']", '["a\\"b","c\\\\d","ä"]'),
    ('-', 'varchar[]', "'{a}'::varchar(5)[]", '["a"]'), ('-', 'char[]', "'{ab}'::char(4)[]", '["ab  "]'), ('-',
        'boolean[]', "'{t,f}'::boolean[]", '[true,false]'), ('-', 'numeric[]', "'{1.50,2,1e3,NaN}'::numeric[]",
        '[1.50,2,1000,"NaN"]'),
    ('-', 'numeric[]', "'{1.50,2.25}'::numeric(10,2)[]", '[1.50,2.25]'), ('-', 'double precision[]',
        "'{0.1,1e300,NaN,-Infinity,5e-324}'::float8[]", '[0.1,1e300,"NaN","-Infinity",5e-324]'), ('-', 'real[]',
        "'{0.1,64057792}'::real[]", '[0.1,64057792]'),
    ('-', 'bytea[]', "ARRAY['\\x00ff'::bytea, '\\x'::bytea]", '["\\\\x00ff","\\\\x"]'), ('-', 'uuid[]',
        "'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[]", '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]'),
    ('-', 'timestamptz[]', "ARRAY['2024-02-29 12:34:56.789+02'::timestamptz, 'infinity']",
        '["2024-02-29T10:34:56.789+00:00","infinity"]'), ('-', 'timestamp[]',
        "ARRAY['2024-02-29 12:34:56'::timestamp]", '["2024-02-29T12:34:56"]'),
    ('-', 'date[]', "ARRAY['2024-02-29'::date, '-infinity', '0044-03-15 BC']",
        '["2024-02-29","-infinity","0044-03-15 BC"]'), ('-', 'time[]', "ARRAY['12:34:56'::time]", '["12:34:56"]'),
        ('-', 'timetz[]', "ARRAY['12:34:56+02'::timetz]", '["12:34:56+02"]'),
    ('-', 'interval[]', "ARRAY['1 day 02:03:04'::interval]", '["1 day 02:03:04"]'), ('-', 'json[]',
        "ARRAY['{\"b\":1,\"a\":2}'::json, 'null'::json]", '[{"b":1,"a":2},null]'), ('-', 'jsonb[]',
        "ARRAY['[1.0]'::jsonb]", '[[1.0]]'),
    ('-', 'enum[]', "ARRAY['sad'::%s, 'very happy']" % MOOD, '["sad","very happy"]'), ('-', 'inet[]',
        "ARRAY['192.168.1.5'::inet]", '["192.168.1.5"]'), ('-', 'int4range[]', "ARRAY['[1,5)'::int4range]",
        '["[1,5)"]'),
    ('-', 'composite[]', "ARRAY[ROW(1,'x',NULL)::%s, NULL]" % PAIR, '[{"a":1,"B b":"x","t":null},null]'), ('-',
        'text[]', "'{a,b}'::parity_vectors.words", '["a","b"]'), ('-', 'integer[]', "ARRAY[1,2]::%s[]" % POSITIVE,
        '[1,2]'),

    # composites, as columns of a table
    ('-', J, "ROW(1,'x','2024-02-29 12:34:56+02')::" + PAIR, '{"a":1,"B b":"x","t":"2024-02-29T10:34:56+00:00"}'),
        ('-', J, 'ROW(NULL,NULL,NULL)::' + PAIR, '{"a":null,"B b":null,"t":null}'), ('-', J,
        "ROW(-1,'','infinity')::" + PAIR, '{"a":-1,"B b":"","t":"infinity"}'),
    ('-', J, "ROW(1.50,ROW(1,'x',NULL)::%s,'{1,2}')::parity_vectors.outer_pair" % PAIR,
        '{"n":1.50,"p":{"a":1,"B b":"x","t":null},"l":[1,2]}'),

    # domains
    ('-', 'integer', '5::' + POSITIVE, '5'), ('-', 'numeric(10,2)', '12.5::' + PRICE, '12.50'), ('-', 'numeric(10,2)',
        '12.5::parity_vectors.price2', '12.50'),
] + same('hstore', needs='hstore') + [
    ('hstore', 'hstore', "'b=>1, a=>NULL, \"c d\"=>\"x\"'::hstore", '{"b":"1","a":null,"c d":"x"}'), ('hstore',
        'hstore', "''::hstore", '{}'),
] + same('citext', 'AbC', '', needs='citext') + [
    # any other: text
] + same('int4range', '[1,5)', 'empty', '(,)', '[1,)') + same('int8range',
    '[1,9223372036854775807)') + same('numrange', '[1.5,2.50]', '(,1)') + [
    ('-', 'int4range', "'[1,5]'::int4range", '[1,6)'), ('-', 'daterange', "'[2024-01-01,2024-12-31]'::daterange",
        '[2024-01-01,2025-01-01)'), ('-', 'tsrange', "'[2024-01-01 00:00,2024-01-02 12:00)'::tsrange",
        '["2024-01-01 00:00:00","2024-01-02 12:00:00")'),
    ('-', 'tstzrange', "'[2024-01-01 00:00+02,infinity)'::tstzrange", '["2023-12-31 22:00:00+00",infinity)'), ('-',
        'floatrange', "'[0.1,1e20)'::parity_vectors.floatrange", '[0.1,1e+20)'),
    ('14', 'int4multirange', "'{[1,3),[5,8)}'::int4multirange", '{[1,3),[5,8)}'), ('14', 'nummultirange',
        "'{}'::nummultirange", '{}'),
] + same('inet', '192.168.1.5', '192.168.1.0/24', '::1', '2001:db8::/32', 'fe80::1/64') + same('cidr',
    '192.168.1.0/24', '10.0.0.1/32', '2001:db8::/32') + same('macaddr', '08:00:2b:01:02:03') + same('macaddr8',
    '08:00:2b:01:02:03:04:05') + \
    same('bit', '1') + same('bit(4)', '1010') + same('varbit', '', '101', '0000000000') + same('point', '(0.1,1e+20)',
        '(1,2)') + same('line', '{1,-1,0}') + same('lseg', '[(0,0),(1,1)]') + same('box',
        '(3,4),(1,2)') + same('path', '((0,0),(1,1))', '[(0,0),(1,1)]') + \
    same('polygon', '((0,0),(1,1),(2,0))') + same('circle', '<(1,2),3>') + same('tsvector', "'a':1 'b':2A",
        '') + same('tsquery', "'a' & !'b'") + same('tid', '(0,1)') + same('pg_lsn',
        '16/B374D848') + same('txid_snapshot', '10:20:10,14,15') + same('pg_snapshot', '10:20:10,14,15') + \
    same('jsonpath', '$."a"[*]?(@ > 1)') + same('refcursor', 'c') + same('regclass', 'pg_class') + same('regtype',
        'integer', 'parity_vectors.mood', 'timestamp with time zone[]') + same('regproc',
        'now') + same('regprocedure', 'abs(bigint)') + same('regoperator', '+(integer,integer)') + \
    same('regnamespace', 'pg_catalog', 'parity_vectors') + same('regconfig', 'simple',
        'english') + same('regdictionary', 'simple') + same('regcollation', '"C"')
