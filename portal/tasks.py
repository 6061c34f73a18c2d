"""What the worker does, apart from any request. The tables are its queue: what is due survives a kill."""

import signal
import threading

from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded

from portal import clock, outbox
from portal.models import OneTimeLink, Throttle, UserSession, db

EVERY = 1.0  # seconds between two looks


def work(settings, stop=None):
    """Look for work until told to stop (SIGINT, SIGTERM), finishing what is under way."""
    stop = stop or stop_on_signals()
    purged_on = None
    while not stop.is_set():
        try:
            db.connect(reuse_if_open=True)
            purged_on = purge(clock.now(), purged_on)
            done = outbox.send_due(settings, clock.now())
        except (OperationalError, InterfaceError, MaxConnectionsExceeded):  # away or busy: look again later
            done = 0
        finally:
            if not db.is_closed():
                db.close()
        if not done:
            stop.wait(EVERY)


def purge(now, last):
    """Once a day, and at each start, forget what is of no more use to signing in; the day it was done."""
    if now.date() != last:
        for table in (Throttle, UserSession, OneTimeLink):
            table.purge(now)
    return now.date()


def stop_on_signals():
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
