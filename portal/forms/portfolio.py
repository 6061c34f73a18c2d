"""What « Portefeuille » may be narrowed to, and its orders."""

from itertools import starmap

from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal.forms.filters import Filter, SharedSelect

SHOWN = {"": "Tous", "attente": "Quelque chose à faire", "retard": "Un retard"}


class PortfolioFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Compte ou entreprise")
    voir = SelectField(
        "Montrer", choices=list(starmap(SelectChoice, SHOWN.items())), validate_choice=False, widget=SharedSelect()
    )

    def narrow(self, lines):
        if self.voir.data == "attente":
            return [line for line in lines if line.awaited]
        if self.voir.data == "retard":
            return [line for line in lines if line.late]
        return lines

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        typed = (self.q.data or "").strip()[:60]
        words = {
            "q": f"«\u202f{typed}\u202f»" if typed else "",
            "voir": self.voir.data and SHOWN.get(self.voir.data, ""),
        }
        return [(name, written) for name, written in words.items() if written]
