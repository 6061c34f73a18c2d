"""Processes that do a piece of work and are killed in the middle of it, again and again, for `test_crashes`."""

import datetime
import os
import random
import signal
import sys
from pathlib import Path

from app import create_app
from portal import clock, commands, database, invariants, outbox, tasks
from portal.exchange import confirming, hand_over, staging
from portal.models import db, vault

SOONEST, LATEST = 3, 45  # the statement at which it is killed
OVER = "over"


def minutes(turn):
    """When a round begins: after whatever was leased in the one before."""
    return 60 * turn


def turned(keys, turn):
    """Each round has another first key."""
    first = turn % len(keys)
    return [*keys[first:], *keys[:first]]


def confirm(app, folder):
    staging.CHUNK = confirming.AT_ONCE = 4
    while tasks.import_next():
        pass


def deliver(app, folder):
    list(hand_over.hand_over(Path(folder), clock.now()))


def rotate(app, folder):
    for reseal in commands.RESEALED:
        last = 0
        while last is not None:
            last, _ = reseal(last)


def send(app, folder):
    while outbox.send_due(app.settings, clock.now()):
        pass


WORK = {work.__name__: work for work in (confirm, deliver, rotate, send)}


def main(work, folder):
    """For each line « round times »: says each time whether it was killed or came to its end, and each invariant that
    does not hold then; at last, that the round is over. The portal is started once for all of them.
    """
    app, real, span = create_app(), clock.now, 0.1
    for line in sys.stdin:
        turn, times = map(int, line.split())
        chance = random.Random(turn)
        vault.use(turned(app.settings.vault_keys, turn))
        for time in range(times):
            later = datetime.timedelta(minutes=minutes(turn) + 3 * time)
            clock.now = lambda later=later: real() + later
            die = at_an_instant(chance, span) if time % 2 else at_a_statement(chance.randrange(SOONEST, LATEST))
            end = forked(lambda die=die: doomed(die, app, WORK[work], folder))
            killed = os.WIFSIGNALED(end)
            span *= 1 if not time % 2 else 1.2 if killed else 0.7  # within the work, however long it takes here
            print("killed" if killed else f"done {end or ''}".strip(), flush=True)
            forked(lambda: tell(app))
        print(OVER, flush=True)


def forked(act):
    """How the process ended that did it."""
    child = os.fork()
    if not child:
        act()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def doomed(die, app, work, folder):
    db.connect()
    die()
    work(app, folder)


def at_a_statement(left):
    """When so many have begun, unless the work is done before."""

    def count(event):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: db.obj.query_hooks.append(count)


def at_an_instant(chance, span):
    """By a signal that nobody catches, in the middle of a write of the disk as well as between two."""
    after = chance.uniform(0.001, span)
    return lambda: signal.setitimer(signal.ITIMER_REAL, after)


def tell(app):
    database.differences = lambda *_: ()  # none of this changes a table: kills that do are those of test_upgrades
    db.connect()
    for name, faults in invariants.all_of(app.settings):
        for fault in faults:
            print(f"fault {name}: {fault}")


if __name__ == "__main__":
    main(*sys.argv[1:])
