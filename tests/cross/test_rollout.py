"""The same rollout on both engines."""

import uuid

from sqlite_support import sql_value, vectors

PG_TYPE = {'int': 'bigint', 'real': 'double precision', 'text': 'text'}


def test_the_same_keys(pg, sqlite):
    rows = [(i, 'user %d' % i if i % 10 else None, str(uuid.uuid5(uuid.NAMESPACE_OID, str(i)))) for i in range(20000)]
    pg.run('CREATE TABLE t (i bigint, t text, u uuid)')
    sqlite.run('CREATE TABLE t (i, t, u)')
    pg.insert('t', rows)
    sqlite.insert('t', rows)
    for percent in ('0', '0.001', '12.5', '33.3', '33.333333333333333333333333', '99.99', '100'):
        for key, kinds in (('i', 'int'), ('t', 'text'), ('u', 'uuid'), ('i, t, u', 'int, text, uuid')):
            there = pg.run('SELECT i FROM t WHERE parity.in_rollout(%s, %s) ORDER BY i' % (percent, key))
            for share in (percent, float(percent)) if len(percent) < 10 else (percent,):
                assert sqlite.run('SELECT i FROM t WHERE parity_in_rollout(?, ?, %s) ORDER BY i' % key,
                                  share, kinds) == there, (percent, key)


def test_vectors_in_postgres(pg):
    """Those keys that are typed values as they are."""
    types = {'int': 'bigint', 'text': 'text', 'uuid': 'uuid'}
    checked = 0
    for what, percent, *fields in vectors('rollout.tsv'):
        if what != 'in':
            continue
        kinds, values = fields[0].split(';'), fields[1].split(' ')
        if not set(kinds) <= set(types):
            continue
        casts, args = [], []
        for kind, word in zip(kinds, values):
            cls, payload = word.split(':', 1)
            if cls == 'blob' or (kind == 'int' and payload == '78'):
                break
            value = sql_value(cls, payload)[1]
            casts.append('%s::text::' + types[kind])
            args.append(None if cls == 'null' else value[0].decode() if cls == 'text' else str(value[0]))
        else:
            cls, payload = percent.split(':', 1)
            value = sql_value(cls, payload)[1][0]
            share = value.decode() if cls == 'text' else repr(value)
            assert pg.one('SELECT parity.in_rollout(%%s::text::numeric, %s)' % ', '.join(casts),
                          share, *args) == (fields[2] == '1'), (percent, fields)
            checked += 1
    assert checked > 200


def test_the_same_words(pg, sqlite):
    for percent in (None, '-1', '-0.5', '100.5', '1e3', 'NaN'):
        code, words, _ = pg.error('SELECT parity.in_rollout(%s::text::numeric, 1)', percent)
        assert code == '22023'
        assert sqlite.error("SELECT parity_in_rollout(?, 'int', 1)", percent) == words
