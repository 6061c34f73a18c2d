"""The words of one message, as the mutual writes them."""

from wtforms import Form, HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from portal import wording
from portal.forms.changes import text

LONG = "Au plus 4\u00a0000 caractères. Raccourcissez."


class WordingForm(Form):
    """The words of one message; `source`: the template that they make, once it was checked."""

    seen = HiddenField()
    objet = text("Objet", most=150)
    texte = TextAreaField("Texte", [InputRequired("Écrivez le texte."), Length(max=4_000, message=LONG)])
    bouton = text("Bouton", most=60)

    def __init__(self, typed, is_text, words, seen):
        super().__init__(typed, seen=seen, objet=words.subject, texte=words.body, bouton=words.action)
        self.is_text, self.source = is_text, ""
        self.texte.render_kw = {"rows": 4 if is_text else 12}

    def validate_objet(self, field):
        if not (self.is_text or field.data):
            raise ValidationError("Donnez un objet.")

    @property
    def words(self):
        body = (self.texte.data or "").replace("\r\n", "\n").strip()
        return wording.Words("", body, "") if self.is_text else wording.Words(self.objet.data, body, self.bouton.data)
