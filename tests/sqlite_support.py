"""What the tests of the SQLite module share: connections with the module loaded, and the vectors."""

import os
import sqlite3
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
MODULE = os.path.join(os.path.dirname(HERE), 'sqlite_ext', 'parity')


def connect(path=':memory:', **options):
    """A connection with parity loaded. Statements commit by themselves."""
    options.setdefault('isolation_level', None)
    db = sqlite3.connect(path, **options)
    db.enable_load_extension(True)
    db.load_extension(MODULE)
    db.enable_load_extension(False)
    return db


def one(db, sql, *args):
    """The one value that a query gives."""
    rows = db.execute(sql, args).fetchall()
    assert len(rows) == 1 and len(rows[0]) == 1, rows
    return rows[0][0]


def checksum(db, *args):
    return one(db, 'SELECT parity_checksum(%s)' % ', '.join('?' * len(args)), *args)


def error(db, sql, *args):
    """The message of the error that a query ends in."""
    try:
        rows = db.execute(sql, args).fetchall()
    except sqlite3.Error as caught:
        return str(caught)
    raise AssertionError('no error but %r' % (rows,))


def vectors(name):
    """The lines of a vector file, each a list of fields."""
    with open(os.path.join(HERE, 'vectors', name), encoding='utf-8', newline='') as file:
        return [line.split('\t') for line in file.read().split('\n') if line and not line.startswith('#')]


def sql_value(cls, payload):
    """A vector's input as an SQL expression and its parameters."""
    if cls == 'null':
        return 'NULL', ()
    if cls == 'int':
        return '?', (int(payload),)
    if cls == 'real':
        return '?', (struct.unpack('>d', bytes.fromhex(payload))[0],)
    data = b'' if payload == '-' else bytes.fromhex(payload)
    return ('CAST(? AS TEXT)' if cls == 'text' else '?'), (data,)
