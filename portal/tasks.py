"""What the worker does, apart from any request. The tables are its queue: what is due survives a kill."""

import datetime
import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from portal import (
    ageing,
    alarms,
    audit_heads,
    calling,
    clock,
    configuration,
    database,
    documents,
    entrusting,
    grants,
    loads,
    outbox,
    proofs,
    publishing,
    reach,
    retention,
    storage,
    waivers,
)
from portal.exchange import confirming, staging
from portal.faults import place_of
from portal.folder import Unavailable
from portal.models import (
    AffiliationImport,
    ImportState,
    MessageKind,
    Movement,
    db,
)

EVERY = 1.0  # seconds between two looks
REST = datetime.timedelta(minutes=1)  # before a store that did not answer is asked again
log = logging.getLogger(__name__)


def work(settings, stop=None):
    """Look for work until told to stop (SIGINT, SIGTERM), finishing what is under way.

    Messages go from a thread of their own: a code does not wait for a file of affiliations, nor a file for a server. So
    are long documents made, each by a process that takes a minute, while the thread waits.
    """
    stop = stop or stop_on_signals()
    loads.sweep(settings)
    watched = configuration.Watched(settings)
    with ThreadPoolExecutor(2) as pool:
        posting = pool.submit(repeat, stop, lambda: post(watched.settings, stop))
        printing = pool.submit(repeat, stop, lambda: documents.make_long(clock.now(), stop.is_set))
        repeat(stop, looking(watched))
        posting.result()
        printing.result()


def repeat(stop, look):
    """Look again and again, at once as long as there was something; the database may be away for a while."""
    try:
        while not stop.is_set():
            try:
                db.connect(reuse_if_open=True)
                reach.as_the_mutual(db, reach.WORKER)
                done = look()
            except database.AWAY:  # look again later
                done = 0
            finally:
                if not db.is_closed():
                    db.close()
            if not done:
                stop.wait(EVERY)
    finally:
        stop.set()  # one that fails does not leave the other alone


def post(settings, stop):
    return outbox.write_digests(settings, clock.now()) + outbox.send_due(settings, clock.now(), stopped=stop.is_set)


def looking(watched):
    """What is done beside messages: a function to call again and again. `watched`: the settings in force."""
    purged_on, store_from, disks_from = None, clock.now(), clock.now()

    def look():
        nonlocal purged_on, store_from, disks_from
        settings = watched.look()
        if clock.now().date() != purged_on:
            waivers.each_day(clock.now())
            ageing.each_day(clock.now())
            proofs.each_day(settings, clock.now())
            entrusting.tell_expired(clock.now())
            grants.ask_again(clock.now())
            calling.call_due(settings, clock.now())
            note_head(settings, clock.now())
        purged_on = purge(clock.now(), purged_on)
        done = Movement.apply_due(clock.now()) + documents.make_due(clock.now()) + publishing.read_due()
        proofs.announce(settings, clock.now())
        done += import_next() + loads.load_next(settings, clock.now())
        if clock.now() >= disks_from:
            disks_from = clock.now() + alarms.HOUR
            alarms.watch_disks(settings, clock.now())
        if clock.now() >= store_from:
            taken = tidy(storage.take_away)
            store_from = clock.now() if taken is not None else clock.now() + REST
        return done

    return look


# ── Files of affiliations ────────────────────────────────────────────────────────────────────────────────────────

GIVEN_UP = {
    ImportState.WAITING: (ImportState.FAILED, "La lecture de ce fichier a échoué. Envoyez-le de nouveau."),
    ImportState.CONFIRMING: (
        ImportState.CHECKED,
        "La confirmation s’est arrêtée avant la fin. Ce qui est fait est gardé : confirmez de nouveau le reste.",
    ),
}
TOLD = {
    ImportState.CHECKED: "Votre fichier d’affiliations est vérifié",
    ImportState.DONE: "Vos affiliations sont enregistrées",
    ImportState.FAILED: "Votre fichier d’affiliations n’a pas pu être lu",
}


def import_next():
    """Read or confirm the next file of affiliations; 1 when there was one. A fault is tried again, then told."""
    source = AffiliationImport.take(clock.now())
    if source is None:
        return 0
    begun = ImportState(source.state)
    try:
        if source.attempts > source.MOST_ATTEMPTS:
            state, fault = GIVEN_UP[begun]
            source.move(state, fault=fault, content=None)
        else:
            {ImportState.WAITING: staging.read, ImportState.CONFIRMING: confirming.confirm}[begun](source)
        tell(source, confirmed=begun == ImportState.CONFIRMING)
    except database.AWAY:
        raise
    except Exception as error:
        log.error("import %s: %s", source.public_id, place_of(error))
        source.move(begun, attempts=source.attempts)
    return 1


def tell(source, confirmed):
    """An e-mail to who asked, without a name nor a number of anybody."""
    user = source.asked_by or source.author
    told = TOLD[ImportState.DONE if confirmed and source.state == ImportState.CHECKED else source.state]
    words = {"told": told, "link": f"/affiliations/fichiers/{source.public_id}"}
    outbox.email(user.identifier, "import", clock.now(), user, kind=MessageKind.IMPORT, about=source, **words)


def note_head(settings, now):
    """The head of the audit trail, outside the database; a disk that is away stops nothing else."""
    try:
        audit_heads.note(settings, now)
    except OSError as error:
        log.error("AUDIT_HEADS_DIR: %s", error.strerror)


def purge(now, last):
    """Once a day, and at each start, forget what is of no more use; the day it was done."""
    if now.date() != last:
        retention.purge(now)
        tidy(storage.sweep, now)
    return now.date()


def tidy(act, *given):
    """What it gives; None when the store of files does not answer: what should leave it stays a little longer."""
    try:
        return act(*given)
    except Unavailable as fault:
        log.warning("storage: %s", fault)
        return None


def stop_on_signals():
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
