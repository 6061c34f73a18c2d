"""A process that does a piece of work again and again and is killed each time in the middle, for `test_crashes`."""

import datetime
import os
import random
import signal
import sys
from pathlib import Path

from app import create_app
from portal import clock, commands, invariants, outbox, tasks
from portal.exchange import confirming, hand_over, staging
from portal.models import db

SOONEST, LATEST = 3, 45  # the statement at which it is killed


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


def main(work, folder, kills):
    """Prints, for each time, whether it was killed or came to its end, and each invariant that does not hold then."""
    app, real = create_app(), clock.now
    for time in range(int(kills)):
        clock.now = lambda time=time: real() + datetime.timedelta(minutes=3 * time)
        left = random.Random(time).randrange(SOONEST, LATEST)
        end = forked(lambda left=left: killed_after(left, app, WORK[work], folder))
        print("killed" if os.WIFSIGNALED(end) else "done", flush=True)
        forked(lambda: tell(app))


def forked(act):
    """How the process ended that did it."""
    child = os.fork()
    if not child:
        act()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def killed_after(left, app, work, folder):
    """Killed at that statement, unless the work is done before."""

    def count(event):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    db.connect()
    db.obj.query_hooks.append(count)
    work(app, folder)


def tell(app):
    db.connect()
    for name, faults in invariants.all_of(app.settings):
        for fault in faults:
            print(f"fault {name}: {fault}")


if __name__ == "__main__":
    main(*sys.argv[1:])
