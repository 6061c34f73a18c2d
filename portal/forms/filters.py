"""What the filters above lists have in common."""

import datetime

from wtforms import Form, StringField
from wtforms.widgets import Select

from portal import clock
from portal.forms.boxes import Sparing
from portal.forms.checks import is_secret


class Filter(Form):
    """Narrows a list by what the address says."""

    class Meta(Sparing):
        def spares(self, field):
            """Words, and lists that are the same for everybody: the choices of one user are not kept."""
            return isinstance(field, StringField) or isinstance(field.widget, SharedSelect)

    def secrets(self):
        """The boxes that hold a NIR or an IBAN: it must not stay in an address."""
        return [box.name for box in self if isinstance(box.data, str) and is_secret(box.data)]


class SharedSelect(Select):
    """A list whose choices tell nothing of who looks at it: a `Filter` writes it once for each that may be chosen."""


def start_of(day):
    """The first instant of a day in Paris, as the database keeps it."""
    return clock.instant(day, datetime.time())
