"""The texts that tests/vectors/postgres.tsv was made from are what PostgreSQL prints.

The reference reads a PostgreSQL value by its text; here the server is asked for
that text, without the help of parity.
"""

import decimal
import json
import os
import subprocess
import sys

import pytest

pytest.importorskip('xxhash', reason='python3-xxhash is not installed')

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'reference'))

import parity_reference as reference  # noqa: E402
from cases_postgres import POSTGRES, SETUP  # noqa: E402

SETTINGS = """SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = pg_catalog;
"""


def psql(script):
    done = subprocess.run(['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1'], input=script, capture_output=True, text=True,
                          encoding='utf-8', check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def usable(needs, version, extensions):
    return needs == '-' or (int(needs) <= version if needs.isdigit() else needs in extensions)


def question(n, declared, sql):
    """A statement that stores what the value prints, and its to_json where its frame is JSON."""
    as_json = 'NULL'
    if reference.postgres_kind(declared) == 'json' and declared not in ('json', 'jsonb'):
        as_json = 'pg_catalog.to_json(v)'
    printed = "format('%s', v)"                         # calls the output function
    if declared == 'money':
        printed = "format('%s', v::numeric * 100)"
    # a NULL array or composite is not the same as one of NULLs
    printed = 'CASE WHEN v IS NOT DISTINCT FROM NULL THEN NULL ELSE %s END' % printed
    return 'INSERT INTO said SELECT %d, %s, %s FROM (SELECT %s AS v) q;\n' % (n, printed, as_json, sql)


def test_postgres_prints_what_the_vectors_were_made_from():
    version = int(psql('SHOW server_version_num')) // 10000
    found = psql("SELECT name FROM pg_available_extensions WHERE name IN ('citext', 'hstore')").split()
    cases = [case for case in POSTGRES if usable(case[0], version, found)]
    script = 'BEGIN;\n' + SETUP + 'CREATE TEMP TABLE said (n int, printed text, as_json text);\n'
    script += ''.join('CREATE EXTENSION IF NOT EXISTS %s SCHEMA pg_catalog;\n' % name for name in found)
    script += SETTINGS + ''.join(question(n, case[1], case[2]) for n, case in enumerate(cases))
    script += 'SELECT json_agg(json_build_array(printed, as_json) ORDER BY n) FROM said;\nROLLBACK;\n'
    answers = json.loads(psql(script))
    assert len(answers) == len(cases) > 300
    for (_, declared, sql, text), (printed, as_json) in zip(cases, answers):
        if text is None:
            assert printed is None and as_json is None, sql
        elif as_json is not None:
            if text.startswith('{"['):                  # a lower bound other than 1, which to_json leaves out
                text = json.dumps(next(iter(json.loads(text).values())))
            assert reference.put_value('json', as_json) == reference.put_value('json', text), sql
        elif declared == 'money':
            assert decimal.Decimal(printed) == int(text), sql
        else:
            # a number may be written in another way here and there
            assert reference.postgres_frame(declared, printed) == reference.postgres_frame(declared, text), sql
