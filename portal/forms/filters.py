"""What the filters above lists have in common."""

import datetime

from wtforms import Form

from portal import clock
from portal.forms.checks import is_secret


class Filter(Form):
    """Narrows a list by what the address says."""

    def secrets(self):
        """The boxes that hold a NIR or an IBAN: it must not stay in an address."""
        return [box.name for box in self if isinstance(box.data, str) and is_secret(box.data)]


def start_of(day):
    """The first instant of a day in Paris, as the database keeps it."""
    return clock.instant(day, datetime.time())
