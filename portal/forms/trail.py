"""The filters above the audit trail."""

import datetime

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.forms.checks import typed_day
from portal.forms.filters import Filter, SharedSelect, start_of


def what_of(families, keys):
    """« Quoi »: everything, a whole family, or one action of some two hundred."""
    whole = [SelectChoice(key, family, optgroup="Tout, de la famille") for key, family in keys.items()]
    one = [SelectChoice(*action, optgroup=family) for family, own in families.items() for action in own.items()]
    return [SelectChoice("", "Tout"), *whole, *one]


class TrailFilter(Filter):
    """What narrows the trail; a date that cannot be read says so at its box, an unknown action narrows nothing."""

    qui = StringField("Qui")
    quoi = SelectField("Quoi", widget=SharedSelect())
    objet = StringField("Sur quoi")
    du = StringField("Du")
    au = StringField("Au")
    reseau = StringField("Adresse du réseau")

    def __init__(self, arguments, families, keys, choices):
        """`families`: {family: {action: words}}; `keys`: {word of the address: family}; `choices`: what_of them."""
        super().__init__(arguments)
        self.quoi.choices, self.families, self.keys = choices, families, keys
        self.first, self.last = (typed_day(box, clock.today()) for box in (self.du, self.au))

    def typed(self, name):
        return (self[name].data or "").strip()[:100]

    @property
    def actions(self):
        """Those that are asked for; none is all of them."""
        asked = self.quoi.data
        if asked in self.keys:
            return tuple(self.families[self.keys[asked]])
        return (asked,) if any(asked in actions for actions in self.families.values()) else ()

    @property
    def since(self):
        return start_of(self.first) if self.first else None

    @property
    def until(self):
        """The first instant that is no more of the last day."""
        return start_of(self.last + datetime.timedelta(days=1)) if self.last else None

    def words(self):
        """What narrows the trail, box by box, for the trail itself."""
        return {box.name: self.typed(box.name) for box in self if self.typed(box.name) and not box.errors}
