"""« Charger un fichier »: which kind of table of the management system, and the file."""

from itertools import starmap

from wtforms import FileField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from portal.exchange import uploads
from portal.formats import SPACE
from portal.forms.changes import SentOnce
from portal.rules import Refused
from portal.storage import MOST_OF_TABLE, TABLES

NO_FILE = "Choisissez le fichier à charger."


class LoadForm(SentOnce):
    """`kinds`: {kind: what it is called}. The file itself is handled by the view."""

    nature = SelectField("Nature du fichier", validate_choice=False)
    fichier = FileField("Fichier")
    promise = (
        f"{uploads.formats_of(TABLES)}, avec les colonnes du système de gestion. "
        f"{MOST_OF_TABLE // 1024**2}{SPACE}Mo au plus."
    )

    def __init__(self, typed=None, *, kinds):
        super().__init__(typed)
        self.nature.choices = [SelectChoice("", "Choisissez"), *starmap(SelectChoice, kinds.items())]
        self.kinds = kinds

    def validate_nature(self, box):
        if box.data not in self.kinds:
            raise ValidationError("Choisissez la nature du fichier.")

    def keep(self, sent, act):
        """What `act(kind, stream, name)` makes of the file; None when something is wrong, said at its field."""
        right = self.validate()
        if not sent or not sent.filename:
            self.fichier.errors = [NO_FILE]
            return None
        if not right:
            return None
        try:
            return act(self.nature.data, sent.stream, sent.filename)
        except Refused as refused:
            self.fichier.errors = [str(refused)]
            return None
