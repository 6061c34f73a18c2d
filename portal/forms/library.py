"""« Espace documentaire »: what narrows its list."""

from itertools import starmap

from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from portal import library
from portal.formats import search_key
from portal.forms.filters import Filter, SharedSelect


class LibraryFilter(Filter):
    """Narrows the list; an unknown value narrows nothing."""

    q = StringField("Rechercher dans les noms et les textes")
    boite = SelectField(
        "Boîtes à outils",
        choices=list(starmap(SelectChoice, {"": "Toutes", **library.TOOLBOXES}.items())),
        widget=SharedSelect(),
    )
    nouveau = BooleanField("Nouveaux seulement")

    def in_force(self):
        """What narrows the list now, to be taken away one by one: (parameter, what to write)."""
        words = {
            "q": f"« {self.q.data} »" if search_key(self.q.data or "") else "",
            "boite": library.TOOLBOXES.get(self.boite.data, ""),
            "nouveau": "Nouveaux" if self.nouveau.data else "",
        }
        return [(name, written) for name, written in words.items() if written]
