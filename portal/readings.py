"""Which pages the mutual's staff opened: a row a day for each, written once the answer has left.

Who reads waits for nothing and loses nothing by it: what cannot be written now is written with a later page.
"""

import datetime
import logging
from dataclasses import dataclass
from threading import Lock

from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded

from portal import clock, database, reach
from portal.faults import place_of
from portal.models import Company, ManagedAccount, Reading, db

log = logging.getLogger(__name__)

LOCKED = 250  # milliseconds that the write waits at most for another writer
MOST = 500  # that wait in a process
BY_ITSELF = "progress"  # the view that a page asks for each second

PERSON, CONTRACT, THREAD, ENROLMENT = "beneficiary", "group_contract", "message_thread", "enrolment"
# Which rows the ids of a blueprint name, as the audit trail does.
SHOWN = {
    **dict.fromkeys(("employees", "changes", "colleges", "dependents", "terminations", "certificates"), PERSON),
    **dict.fromkeys(("contracts", "guarantees"), CONTRACT),
    **dict.fromkeys(("threads", "answering", "staff_threads", "staff_answering"), THREAD),
    **dict.fromkeys(("enrolments", "enrolment_steps", "entrusting"), ENROLMENT),
    **dict.fromkeys(("waivers", "waiver_records"), "waiver"),
    **dict.fromkeys(("deposits", "staff_proofs"), "document_request"),
    **dict.fromkeys(("deposited", "staff_sendings"), "sending"),
    **dict.fromkeys(("selections", "certificate_batches"), "selection"),
    "document_files": "document",
    "granting": "permission_grant",
    "imports": "affiliation_import",
    "mandates": "sepa_mandate",
    "reminding": "reminder_batch",
    "staff_dossiers": PERSON,
    "staff_registrations": "registration",
    "staff_users": "user",
    "statements": "contribution_statement",
}
# Pages that are addressed by a code, which is not how the trail names their row.
BY_CODE = {"staff_dossiers.account": ManagedAccount, "staff_dossiers.company": Company}
# Pages with an id that tell of nobody.
OF_NOBODY = {
    **dict.fromkeys(("staff_campaigns", "prepared_answers", "configuration", "wording"), "settings of the mutual"),
    **dict.fromkeys(("library", "staff_publication", "staff_notices"), "what the mutual publishes"),
    "staff_loads": "a file of the management system, whose page shows counts",
    "staff_trail": "the trail itself",
    "factors": "one's own",
}


@dataclass(frozen=True)
class Opened:
    """A page that somebody opened; `name`: what its address says of the row, "" for a list."""

    user: int
    endpoint: str
    kind: str
    name: str
    address: str
    at: datetime.datetime


def of_page(user, endpoint, values, beside, address, now):
    """What is written down of this page, or None. `values`: of its address; `beside`: the person shown by a list."""
    blueprint, _, view = endpoint.partition(".")
    name = str(values.get("id", beside))
    if blueprint not in SHOWN or view == BY_ITSELF:
        return None
    by_code = BY_CODE.get(endpoint)
    kind = by_code._meta.table_name if by_code else SHOWN[blueprint] if name else ""
    return Opened(user.id, endpoint, kind, name, address, now)


class Readings:
    """Those of a process that are not written yet."""

    def __init__(self):
        self.lock, self.waiting = Lock(), []

    def note(self, opened):
        """Write it, with those that wait; never raises: the page is already with who asked for it."""
        with self.lock:
            taken, self.waiting = [*self.waiting, opened], []
        try:
            write(taken)
        except (OperationalError, MaxConnectionsExceeded):
            with self.lock:
                self.waiting = [*taken, *self.waiting][-MOST:]
        except Exception as fault:
            log.error("readings: %s not written, %s", len(taken), place_of(fault))


def write(some):
    """Each in its row of the day, in one transaction; outside any request, on a connection of its own."""
    opened_here = db.connect(reuse_if_open=True)
    try:
        with reach.own(db, reach.STAFF), database.without_waiting(db, LOCKED), db.atomic():
            for one in some:
                count(one)
    finally:
        if opened_here:
            db.close()


def count(one):
    name = str(number_of(one)) if one.endpoint in BY_CODE else one.name
    Reading.count(one.user, clock.day_of(one.at), one.endpoint, (one.kind, name), one.address, one.at)


def number_of(one):
    table = BY_CODE[one.endpoint]
    return table.select(table.id).where(table.code == one.name).scalar()
