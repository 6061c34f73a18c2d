"""Forgets, once a day, what is past its term: `rules.retention` says how long, each table how."""

from portal import ageing, clock, guests, storage, users
from portal.models import (
    AffiliationImport,
    AnswerDraft,
    CalendarFeed,
    FileLoad,
    OneTimeLink,
    OutboxMessage,
    Reading,
    Registration,
    ReminderBatch,
    SecondFactor,
    Selection,
    StoredFile,
    Throttle,
    TrustedDevice,
    UnsentWords,
    UserSession,
    db,
)
from portal.rules.retention import TERMS

# Name of the term under which it is counted → what forgets, given now: how many.
PURGES = {
    "throttle": Throttle.purge,
    "user_session": UserSession.purge,
    "one_time_link": OneTimeLink.purge,
    "second_factor": SecondFactor.purge,
    "proposal": users.forget_proposals,
    "trusted_device": TrustedDevice.purge,
    "outbox_words": OutboxMessage.purge_words,
    "outbox_message": OutboxMessage.purge,
    "unsent_words": UnsentWords.purge,
    "reminder_batch": ReminderBatch.purge,
    "answer_draft": AnswerDraft.purge,
    "calendar_feed": CalendarFeed.purge,
    "registration": Registration.purge,  # and those that nobody finished
    "guest_link": guests.purge,
    "selection": Selection.purge,
    "affiliation_import": AffiliationImport.purge,
    "file_load_unconfirmed": FileLoad.forget_unconfirmed,
    "file_load": FileLoad.purge,
    "enrolment": ageing.forget_all,
    "enrolment_answers": ageing.strip,
    "stored_file": StoredFile.drop_unattached,
    "reading": Reading.purge,
}


def purge(now):
    """{term: how many rows} of what went."""
    return {name: forget(now) for name, forget in PURGES.items()}


def foreseen(now):
    """What `purge` would do at that instant, and does not."""
    with db.atomic() as transaction:
        counts = purge(now)
        transaction.rollback()
    return counts


def sweep(now=None):
    """Take out of the store what is dropped, or in no row: how many files. Raises Unavailable."""
    files, _ = storage.sweep(now or clock.now())
    taken = files
    while some := storage.take_away():
        taken += some
    return taken


def told(counts):
    """A line for each term that had something."""
    return [f"{TERMS[name].what} : {count}." for name, count in counts.items() if count]
