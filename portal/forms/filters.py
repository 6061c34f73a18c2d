"""What the filters above lists have in common."""

import datetime

from wtforms import Form, StringField
from wtforms.widgets import Select

from portal import clock
from portal.forms.checks import is_secret

EMPTY = {}  # what has been written of boxes that hold nothing


class Filter(Form):
    """Narrows a list by what the address says."""

    class Meta:
        def render_field(self, field, given):
            """An empty box is always written the same: WTForms takes long over each of its attributes."""
            if type(field) is not StringField or field.data or field.errors:
                return super().render_field(field, given)
            written = field.name, *vars(field.flags).items(), *sorted(given.items())
            if written not in EMPTY:
                EMPTY[written] = super().render_field(field, given)
            return EMPTY[written]

    def secrets(self):
        """The boxes that hold a NIR or an IBAN: it must not stay in an address."""
        return [box.name for box in self if isinstance(box.data, str) and is_secret(box.data)]


class SharedSelect(Select):
    """A list whose choices tell nothing of who looks at it: drawn once for each that may be chosen."""

    def __init__(self):
        super().__init__()
        self.drawn = {}

    def __call__(self, field, **attributes):
        chosen = field.data if any(choice.value == field.data for choice in field.choices) else None
        choices = tuple((choice.value, choice.label) for choice in field.choices)
        key = chosen, choices, *sorted(attributes.items())
        if key not in self.drawn:
            self.drawn[key] = super().__call__(field, **attributes)
        return self.drawn[key]


def start_of(day):
    """The first instant of a day in Paris, as the database keeps it."""
    return clock.instant(day, datetime.time())
