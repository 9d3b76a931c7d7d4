"""Every allocation of every function of the SQLite module fails once: tests/sqlite/oom.c, under AddressSanitizer."""

import glob
import os
import re
import subprocess

from sqlite_support import HERE

ROOT = os.path.dirname(HERE)


def test_out_of_memory(tmp_path):
    with open(os.path.join(ROOT, 'parity.control')) as control:
        release = re.search(r"default_version *= *'(.*)'", control.read()).group(1)
    sources = sorted(glob.glob(ROOT + '/core/*.c') + glob.glob(ROOT + '/sqlite_ext/*.c'))
    program = str(tmp_path / 'oom')
    # SQLITE_CORE: the module calls the SQLite that it is linked with
    subprocess.run([os.environ.get('CC', 'cc'), '-std=c11', '-g', '-O1', '-fsanitize=address,undefined',
                    '-fno-sanitize-recover=all', '-DSQLITE_CORE', '-DPARITY_RELEASE="%s"' % release,
                    '-I' + ROOT + '/core', '-o', program, HERE + '/sqlite/oom.c', *sources, '-lsqlite3', '-lm'],
                   check=True)
    done = subprocess.run([program], capture_output=True, text=True,
                          env=dict(os.environ, ASAN_OPTIONS='detect_leaks=1', UBSAN_OPTIONS='print_stacktrace=1'))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    statements, runs, problems = map(int, re.search(r'(\d+) statements, (\d+) runs, (\d+) problems', done.stdout).groups())
    assert problems == 0 and statements > 30 and runs > 10 * statements
