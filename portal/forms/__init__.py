"""What a person may type; and the French of the sentences that WTForms says by itself, whatever the form."""

from flask_wtf import FlaskForm
from wtforms.i18n import get_translations
from wtforms.meta import DefaultMeta

CHOOSE = "Choisissez une des réponses proposées."
# The sentences that our fields come to, written as ours are: what to do. The others are WTForms' own French.
SENTENCES = {
    "Not a valid choice.": CHOOSE,
    "'%(value)s' is not a valid choice for this field.": CHOOSE,
    "Invalid Choice: could not coerce.": CHOOSE,
    "Invalid choice(s): one or more data inputs could not be coerced.": CHOOSE,
    "This field is required.": "Remplissez cette case.",
    "Not a valid date value.": "Écrivez la date ainsi : 27/03/1985.",
    "Not a valid integer value.": "Écrivez un nombre entier, en chiffres.",
    "Not a valid decimal value.": "Écrivez un nombre, en chiffres.",
    "File does not have an approved extension: {extensions}": "Envoyez un fichier d’un de ces formats : {extensions}.",
    "File does not have an approved extension.": "Ce format de fichier n’est pas accepté. Envoyez-en un autre.",
}


class French:
    """Gives WTForms the French of its sentences; theirs come with straight apostrophes."""

    catalogue = get_translations(["fr"])

    def gettext(self, text):
        return SENTENCES.get(text) or self.catalogue.gettext(text).replace("'", "’")

    def ngettext(self, one, many, number):
        return SENTENCES.get(one) or self.catalogue.ngettext(one, many, number).replace("'", "’")


french = French()
# On the classes that every form comes from: a form cannot forget it.
for meta in (DefaultMeta, FlaskForm.Meta):
    meta.get_translations = lambda self, form: french
