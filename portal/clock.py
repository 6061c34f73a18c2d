"""What time it is: instants in UTC, the day as it is in France; a test sets it by replacing `now`."""

import datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def now():
    """This instant, UTC, without a zone: as the database keeps it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def today():
    """The day in Paris."""
    return now().replace(tzinfo=datetime.UTC).astimezone(PARIS).date()
