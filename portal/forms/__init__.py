"""What a person may type; which signs of it are kept, and the French that WTForms says by itself, whatever the form."""

import re
import unicodedata

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import FileField, PasswordField
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


# Nobody types them, and they change what others read: controls but tabs and ends of lines, overrides of the direction
# of a text (« exe.fdp » for « pdf.exe »), what is no character.
NOT_TYPED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


MOST_NAME = 100


def is_name(text):
    """Of a box of ours. WTForms numbers those of a list by what its names say: « ² », or 5,000 digits, is no number."""
    return text.isascii() and len(text) <= MOST_NAME


def is_plain(text):
    return isinstance(text, str) and text.isprintable() and unicodedata.is_normalized("NFC", text)


def cleaned(text):
    """The same words: composed accents (NFC), without the signs of NOT_TYPED. A file is left as it is."""
    return unicodedata.normalize("NFC", NOT_TYPED.sub("", text)) if isinstance(text, str) else text


class Typed(MultiDict):
    """What was typed, cleaned: forms within a form are given it too."""


def typed(form, data):
    """What a form reads of what came under names of boxes: texts cleaned, files where it asks for one and nowhere else.

    A password stays as it was typed, sign for sign.
    """
    if not data or isinstance(data, Typed):
        return data
    files = {field.name for field in form if isinstance(field, FileField)}
    came = [(name, text) for name, texts in data.lists() for text in texts]
    if not files and all(is_name(name) and is_plain(text) for name, text in came):
        return data
    secret = {field.name for field in form if isinstance(field, PasswordField)}
    return Typed(
        (name, text if name in secret else cleaned(text))
        for name, text in came
        if is_name(name) and isinstance(text, str) != (name in files)
    )


french = French()
# On the classes that every form comes from: a form cannot forget it.
for meta in (DefaultMeta, FlaskForm.Meta):
    meta.get_translations = lambda self, form: french
    meta.wrap_formdata = lambda self, form, data, wrap=meta.wrap_formdata: typed(form, wrap(self, form, data))
