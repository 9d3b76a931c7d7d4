"""Kinds as they are written, SQLite's declared types, and names of columns."""

KINDS = [
    # every name
    'bool', 'int', 'decimal', 'float8', 'float4', 'text', 'char', 'bytes', 'timestamptz', 'timestamp', 'date', 'time', 'timetz', 'interval', 'uuid', 'json', 'vector',
    # numbers in parentheses
    'decimal(10,2)', 'decimal(38,18)', 'decimal(1,0)', 'decimal(5,-2)', 'decimal(2,5)', 'timestamptz(0)', 'timestamptz(3)', 'timestamptz(6)', 'timestamp(0)', 'timestamp(6)', 'time(0)', 'time(3)', 'timetz(6)', 'interval(0)', 'interval(3)',
    # every option
    'bool nonzero', 'int uint64', 'int round', 'decimal digits=15', 'decimal(10,2) round', 'decimal(10,2) digits=15', 'float8 round', 'float4 round', 'text fold=ascii', 'char fold=ascii', 'bytes text=utf8', 'bytes text=hex', 'bytes text=base64',
    'bool blob=utf8', 'int blob=utf8', 'decimal blob=utf8', 'float8 blob=utf8', 'float4 blob=utf8', 'text blob=utf8', 'char blob=utf8', 'timestamptz blob=utf8', 'timestamp blob=utf8', 'date blob=utf8', 'time blob=utf8', 'timetz blob=utf8', 'interval blob=utf8', 'json blob=utf8',
    'json blob=jsonb', 'timestamptz epoch=s', 'timestamptz epoch=ms', 'timestamptz epoch=us', 'timestamp epoch=s', 'timestamp epoch=ms', 'timestamp epoch=us', 'date epoch=s', 'date epoch=ms', 'date epoch=us', 'time epoch=s', 'time epoch=ms', 'time epoch=us',
    'timestamptz julian', 'timestamp julian', 'date julian', 'timestamptz zone=+02:00', 'timestamptz zone=-05:30', 'timestamptz zone=+00:00', 'timestamptz zone=+15:59', 'timestamp zone=-15:59', 'timetz zone=+01:00', 'interval unit=us', 'interval unit=ms', 'interval unit=s',
    'uuid dotnet', 'timestamptz round', 'timestamptz(3) round', 'timestamp round', 'date round', 'time round', 'time(0) round', 'timetz round', 'interval round', 'interval(2) round',
    # several, in the order in which they are printed
    'bool nonzero blob=utf8', 'int uint64 blob=utf8 round', 'decimal(10,2) digits=15 blob=utf8 round', 'text fold=ascii blob=utf8', 'timestamptz(3) blob=utf8 epoch=ms julian zone=+02:00 round', 'date blob=utf8 epoch=s julian round', 'time(3) blob=utf8 epoch=us round',
    'timetz(2) blob=utf8 zone=-01:00 round', 'interval(0) blob=utf8 unit=ms round',
    # several, in another order
    'bool blob=utf8 nonzero', 'int round blob=utf8 uint64', 'decimal(10,2) round digits=15', 'char blob=utf8 fold=ascii', 'timestamptz(3) round zone=+02:00 julian epoch=ms blob=utf8', 'timestamp zone=-05:30 epoch=s', 'date round epoch=s', 'date julian epoch=us', 'time round epoch=ms',
    'interval round unit=us', 'timetz round zone=+02:00',
    # errors: names
    '', ' ', 'integer', 'boolean', 'numeric', 'varchar', 'blob', 'string', 'Int', 'INT', 'int4', 'float', 'double', 'timestamp with time zone', 'datetime', 'jsonb', 'int!', 'int,', 'bool(', 'decimal)', 'null', 'none', 'any', 'ïnt',
    # errors: numbers
    'int(4)', 'bool(1)', 'text(10)', 'char(5)', 'float8(3)', 'date(3)', 'uuid(16)', 'json(1)', 'vector(3)', 'bytes(1)', 'decimal(10)', 'decimal()', 'decimal(10,)', 'decimal(,2)', 'decimal(10,2,1)', 'decimal(10,2', 'decimal(10 ,2)', 'decimal(10, 2)', 'decimal (10,2)', 'decimal(a,b)', 'decimal(10,2)x',
    'decimal(10.0,2)', 'timestamptz(7)', 'timestamptz(-1)', 'timestamptz()', 'timestamptz(3,3)', 'timestamp(10)', 'time(7)', 'timetz(7)', 'interval(7)', 'interval(3', 'time(x)', 'timestamptz(99999999999999999999)',
    # errors: options
    'int frobnicate', 'int Round', 'int ROUND', 'int round=1', 'int round=', 'int round round', 'bool nonzero nonzero', 'int nonzero', 'bool uint64', 'bool round', 'text round', 'char round', 'bytes round', 'uuid round', 'json round', 'vector round', 'decimal round', 'decimal uint64', 'decimal digits', 'decimal digits=',
    'decimal digits=6', 'decimal digits=17', 'decimal digits=15 digits=15', 'float8 digits=15', 'text fold', 'text fold=unicode', 'text fold=ASCII', 'int fold=ascii', 'bytes fold=ascii', 'bytes text', 'bytes text=', 'bytes text=utf16', 'bytes text=hex text=base64', 'bytes text=hex text=hex', 'text text=utf8', 'bytes blob=utf8', 'uuid blob=utf8',
    'vector blob=utf8', 'text blob=jsonb', 'text blob', 'text blob=utf16', 'json blob=utf8 blob=jsonb', 'json blob=jsonb blob=jsonb', 'timestamptz epoch', 'timestamptz epoch=ns', 'timestamptz epoch=m', 'timestamptz epoch=', 'timestamptz epoch=s epoch=ms', 'timestamptz epoch=MS', 'timetz epoch=s', 'interval epoch=s', 'int epoch=s', 'timestamptz julian=1',
    'time julian', 'timetz julian', 'timestamptz zone', 'timestamptz zone=', 'timestamptz zone=02:00', 'timestamptz zone=+2:00', 'timestamptz zone=+0200', 'timestamptz zone=+02', 'timestamptz zone=+02:00:00', 'timestamptz zone=Z', 'timestamptz zone=UTC', 'timestamptz zone=Europe/Berlin', 'timestamptz zone=+16:00', 'timestamptz zone=+02:60',
    'timestamptz zone=+99:99', 'date zone=+02:00', 'time zone=+02:00', 'timestamptz zone=+02:00 zone=+03:00', 'interval unit', 'interval unit=ns', 'interval unit=days', 'interval unit=us unit=ms', 'int unit=s', 'uuid dotnet=1', 'uuid dotnet dotnet', 'bytes dotnet',
    # errors: blanks
    ' int', 'int ', 'int  round', 'int round ', 'int,round', 'int;round', 'timestamptz epoch =ms', 'timestamptz epoch= ms',
]

DECLARED = [
    # none, ANY
    '', 'ANY', 'any', 'Any',
    # INT and text
    'INTEGER_OR_TEXT', 'integer or text', 'TEXT_OR_INT', 'CHARINT', 'INT CLOB', 'PRINTED CHAR', 'TINTEXT', 'POINT TEXT',
    'BOOL', 'BOOLEAN', 'boolean', 'Boolean', 'BOOLEAN_INT', 'TBOOLX', 'NULLABLE BOOL',
    'UUID', 'GUID', 'UNIQUEIDENTIFIER', 'uuid', 'UniqueIdentifier', 'UUIDS', 'UUID_TEXT', 'MYGUID',
    'JSON', 'JSONB', 'json', 'JSON_TEXT', 'JSON[]', 'GEOJSON', 'JSON_INT',
    'TIMESTAMPTZ', 'DATETIMEOFFSET', 'DATETIMEOFFSET(7)', 'TIMESTAMP WITH TIME ZONE', 'timestamp with time zone', 'TIMESTAMP(3) WITH TIME ZONE', 'timestamptz(3)', 'Timestamptz',
    'TIMESTAMP', 'TIMESTAMP(6)', 'DATETIME', 'datetime', 'DATETIME2', 'DATETIME2(7)', 'SMALLDATETIME', 'TIMESTAMP WITHOUT TIME ZONE', 'TIMESTAMP_NTZ', 'TIMESTAMPTZ_X', 'DateTime', 'DATETIME_INT', 'TIMESTAMP_MS',
    'DATE', 'date', 'Date', 'DATEONLY', 'DATES', 'DATE_TEXT', 'MYDATE',
    'TIMETZ', 'TIMETZ(3)', 'TIME WITH TIME ZONE', 'time(0) with time zone', 'TIME', 'TIME(6)', 'time', 'TIME WITHOUT TIME ZONE', 'TIME(3) WITHOUT TIME ZONE', 'TIMES', 'TIMEX',
    'INTERVAL', 'interval', 'INTERVAL(3)', 'INTERVALS', 'INTERVAL DAY',
    'VECTOR', 'VECTOR(384)', 'F32_BLOB', 'F32_BLOB(1536)', 'f32_blob(3)', 'vector', 'VECTOR32', 'F64_BLOB', 'F64_BLOB(3)',
    'DECIMAL', 'DECIMAL(10,2)', 'decimal(10, 2)', 'DEC', 'NUMERIC', 'NUMERIC(20)', 'numeric', 'NUMBER', 'NUMBER(10)', 'MONEY', 'SMALLMONEY', 'DECIMAL_TEXT', 'NUMTEXT', 'ENUM', 'DECINT',
    'REAL', 'FLOAT', 'FLOAT8', 'FLOAT4', 'FLOAT(24)', 'DOUBLE', 'DOUBLE PRECISION', 'double precision', 'FLOATING POINT', 'Real', 'DOUBLEINT', 'SURREAL', 'float64',
    'INT', 'INTEGER', 'integer', 'TINYINT', 'TINYINT(1)', 'SMALLINT', 'MEDIUMINT', 'BIGINT', 'BIGINT(20)', 'UNSIGNED BIG INT', 'INT UNSIGNED', 'INT2', 'INT8', 'int64', 'POINT', 'UINT', 'BIGINT UNSIGNED',
    'TEXT', 'text', 'VARCHAR', 'VARCHAR(255)', 'CHARACTER(20)', 'CHARACTER VARYING(255)', 'VARYING CHARACTER(255)', 'NCHAR(55)', 'NATIVE CHARACTER(70)', 'NVARCHAR(100)', 'CLOB', 'STRING', 'MEDIUMTEXT', 'LONGTEXT', 'TINYTEXT', 'CITEXT', 'CHAR', 'char(5)', 'String',
    'BLOB', 'blob', 'BINARY', 'BINARY(16)', 'VARBINARY(16)', 'VARBINARY', 'BYTEA', 'LONGBLOB', 'TINYBLOB', 'MEDIUMBLOB', 'TINYBLOB TEXT',
    'XML', 'GEOMETRY', 'YEAR', 'BIT', 'BIT(8)', 'LONG', 'INET', 'SERIAL', 'BIGSERIAL', 'FOO', 'ENUM(\'a\',\'b\')', 'SET', 'NULL', 'x', 'HSTORE', 'TSVECTOR', 'Ünique', 'größe',
]

COLUMNS = [
    ['a'], ['b', 'a'], ['a', 'B', 'c'], ['MediaTypeId', 'MediaType', 'media_type', 'Media'], ['media_type_id', 'name', 'track_id', 'album_id'], ['TrackId', 'Name', 'AlbumId', 'MediaTypeId'], ['id', 'user_id', 'userid', 'user', 'users'],
    ['a_b', 'ab', 'AB', 'A_B', 'aB'], ['ab', 'a_c', 'aa', 'a_a'], ['_id', 'id', '__id', 'ID', 'Id', 'i_d'], ['a1', 'a10', 'a2', 'a_1'], ['_', '__', 'a', '0'], ['z', 'é', 'É', 'e', 'Z'], ['Ä', 'ä', 'a', 'z'], ['日本', '本', 'a'],
    ['é', '😀', '\uff5e'], ['CreatedAt', 'created_at_utc', 'created', 'Created_By'], ['x-y', 'x.y', 'xy', 'x_y'], ['1', '10', '2', 'A'], ['foo', 'FOO', 'Foo', 'fOO'], ['[', '_a', 'Z', '`', '{'], ['abc', 'ab', 'a', 'abcd'], ['a_', 'a', '_a'], ['c2', 'C_1', 'c1', 'C1'],
]
