"""A storm over whole lives of shadows, of the length of PARITY_SHADOW_SECONDS (25), with PARITY_SHADOW_KILLS (4) kills."""

import os
import random

import shadow_storm

SECONDS = float(os.environ.get('PARITY_SHADOW_SECONDS', 25))
KILLS = int(os.environ.get('PARITY_SHADOW_KILLS', 4))
SEED = os.environ.get('PARITY_SHADOW_SEED') or str(random.SystemRandom().randrange(10 ** 6))


SORTS = ('backfills', 'comparisons', 'verified: match', 'cutover of tasks', 'cutover of items', 'rollback of tasks', 'rollback of items',
         'finished', 'refused after a cutover', 'single statements', 'rows from pair to pair', 'error in a savepoint',
         'serialization failure', 'unique violation')


def test_storm(capsys):
    """Nothing that was acknowledged is lost or doubled, both tables are equal, and no writer sees an error that a shadow caused."""
    over = shadow_storm.run(SECONDS, SEED, kills=KILLS, until=SORTS)
    with capsys.disabled():
        print('\nstorm of shadows: ' + over.words())
    # It was one: of every sort something came through.
    assert over.commits > 10 * SECONDS and over.counted['rows audited'] > 20 * SECONDS
    assert over.counted['servers killed'] + over.counted['processes killed'] == KILLS
    for what in SORTS:
        assert over.counted[what], 'none: %s' % what
