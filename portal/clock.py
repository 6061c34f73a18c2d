"""What time it is: instants in UTC, the day as it is in France; a test sets it by replacing `now`."""

import datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def now():
    """This instant, UTC, without a zone: as the database keeps it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def today():
    """The day in Paris."""
    return day_of(now())


def instant(day, at):
    """The instant, as the database keeps it, of a day and a time in Paris."""
    local = datetime.datetime.combine(day, at, PARIS)
    return local.astimezone(datetime.UTC).replace(tzinfo=None)


def day_of(instant):
    """The day in Paris of an instant of the database."""
    return instant.replace(tzinfo=datetime.UTC).astimezone(PARIS).date()
