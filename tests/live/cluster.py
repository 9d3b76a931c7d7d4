"""Private clusters: servers with settings of their own, which a test may kill and start again.

They run inside scripts/with-postgres.sh: its folder holds their files (and goes when it ends), its
installation has parity, and its server's user runs theirs as well.
"""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psycopg

LIMIT = 120     # seconds in which a server has to start, recover or stop
SETTINGS = {
    'listen_addresses': '', 'unix_socket_permissions': '0700', 'max_connections': 100,
    'max_prepared_transactions': 60, 'max_locks_per_transaction': 256, 'max_wal_size': '1GB',
    'deadlock_timeout': '50ms', 'autovacuum_naptime': '1s', 'log_line_prefix': '%m [%p] %a ',
}
# What a server says of itself when it is at fault. Signal 9 is ours, and so is signal 3, which the postmaster sends on.
FAULTS = re.compile(r'terminated by signal (?![39]\b)|PANIC:|TRAP:')
numbers = itertools.count(1)


def wait_for(condition, what, limit=LIMIT):
    """Asks until it holds; gives what it gave."""
    deadline = time.monotonic() + limit
    while True:
        got = condition()
        if got:
            return got
        assert time.monotonic() < deadline, 'no %s in %d s' % (what, limit)
        time.sleep(0.01)    # between two askings


def bindir():
    return subprocess.run([os.environ['PG_CONFIG'], '--bindir'], check=True, capture_output=True, text=True).stdout.strip()


def parents():
    """The parent of every process that has not ended."""
    found = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            with contextlib.suppress(OSError), open('/proc/%s/stat' % entry, encoding='utf-8', errors='replace') as file:
                state, parent = file.read().rpartition(')')[2].split()[:2]
                if state != 'Z':
                    found[int(entry)] = int(parent)
    return found


class Cluster:
    """A server. `with Cluster(...)` makes and starts it, and ends it whatever happens."""

    def __init__(self, settings=None, standby_of=None):
        base = os.path.dirname(os.environ['PGDATA'])
        owner = os.stat(os.environ['PGDATA'])
        self.as_owner = ['setpriv']
        if owner.st_uid != os.getuid():
            self.as_owner += ['--reuid', str(owner.st_uid), '--regid', str(owner.st_gid), '--clear-groups']
        self.folder = os.path.join(base, 'c%d-%d' % (os.getpid(), next(numbers)))
        self.data, self.log = self.folder + '/data', self.folder + '/log'
        self.settings = dict(SETTINGS, unix_socket_directories=self.folder, **settings or {})
        self.server = None
        os.mkdir(self.folder, 0o700)
        os.chown(self.folder, owner.st_uid, owner.st_gid)
        if standby_of is None:
            self.tool('initdb', '-D', self.data, '-U', 'postgres', '--auth=trust', '--locale=C', '--encoding=UTF8', '--no-sync')
        else:
            self.tool('pg_basebackup', '-D', self.data, '-h', standby_of.folder, '-U', 'postgres', '-X', 'stream', '-R',
                      '-c', 'fast', '--no-sync')

    def tool(self, program, *args):
        """Runs one of PostgreSQL's own programs as the server's user."""
        run = subprocess.run(self.as_owner + [os.path.join(bindir(), program), *args], cwd='/', capture_output=True, text=True)
        assert run.returncode == 0, '%s: %s%s' % (program, run.stdout, run.stderr)
        return run.stdout

    def start(self):
        """Starts it and waits until it lets clients in (a crashed one: after its recovery)."""
        options = [part for name, value in self.settings.items() for part in ('-c', '%s=%s' % (name, value))]
        with open(self.log, 'ab') as log:
            # it ends with us, should we be killed
            self.server = subprocess.Popen(
                self.as_owner + ['--pdeathsig', 'QUIT', os.path.join(bindir(), 'postgres'), '-D', self.data, *options],
                cwd='/', stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.wait_ready()

    def wait_ready(self):
        def ready():
            assert self.server.poll() is None, 'the server ended:\n' + self.tail()
            with contextlib.suppress(psycopg.OperationalError), self.connect('postgres'):
                return True
        try:
            wait_for(ready, 'server')
        except AssertionError as error:
            raise AssertionError('%s\n%s' % (error, self.tail())) from None

    def connect(self, database='parity', **options):
        options.setdefault('autocommit', True)
        connection = psycopg.connect(host=self.folder, user='postgres', dbname=database, **options)
        connection.add_notice_handler(lambda notice: None)
        return connection

    def kill(self):
        """Ends the postmaster and every process of it by signal 9, all at one moment."""
        os.kill(self.server.pid, signal.SIGSTOP)    # so that it starts no more of them
        family = parents()
        children = [pid for pid, parent in family.items() if parent == self.server.pid]
        # by one program, since our own threads would slow a loop here
        subprocess.run(['kill', '-KILL', *map(str, children), str(self.server.pid)], stderr=subprocess.DEVNULL)
        self.server.wait(LIMIT)
        self.server = None
        wait_for(lambda: not set(children) & set(parents()), 'end of the killed processes')

    def kill_backend(self, pid):
        """Ends one process of it by signal 9, if it is there; the postmaster then starts all of them again."""
        if parents().get(pid) != self.server.pid:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    def stop(self):
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError('the server does not stop:\n' + self.tail()) from None
            self.server = None

    def tail(self, lines=40):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return ''.join(file.readlines()[-lines:])

    def faults(self):
        """The lines of its log that no test may bring about."""
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return [line for line in file if FAULTS.search(line)]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        faults = []
        try:
            if kind is None:
                self.stop()
                faults = self.faults()
            else:       # what it says of it goes with the failure
                print('\nthe log of %s ends:\n%s' % (self.folder, self.tail(80)), ''.join(self.faults()[:20]), sep='\n',
                      file=sys.stderr)
        finally:
            if self.server is not None:
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
        assert not faults, 'the server says:\n' + ''.join(faults[:20])
