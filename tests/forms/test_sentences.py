"""What a form says is French, whichever of its fields refuses, and even when WTForms says it by itself."""

import importlib
import pkgutil

import pytest
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Form, IntegerField, RadioField, SelectField
from wtforms.fields.core import UnboundField
from wtforms.validators import DataRequired, Length, NumberRange

from portal import forms

ENGLISH = {key if isinstance(key, str) else key[0] for key in forms.French.catalogue._catalog} - {""}
TYPED = ("", " ", "n’importe quoi", "x" * 5_000, "-1", "0", "31/02/2026")


def classes():
    """Every form of the portal."""
    for module in pkgutil.iter_modules(forms.__path__):
        members = vars(importlib.import_module(f"portal.forms.{module.name}"))
        yield from (
            found
            for found in members.values()
            if isinstance(found, type) and issubclass(found, Form) and found.__module__ == f"portal.forms.{module.name}"
        )


def fields():
    for form in classes():
        for name in dir(form):
            if isinstance(getattr(form, name), UnboundField):
                yield pytest.param(form, name, id=f"{form.__name__}.{name}")


def said(base, field, typed):
    """The sentences of one field for what was typed in it; None when it was not sent at all."""
    probe = type("Probe", (base,), {"box": field})
    sent = MultiDict({"elsewhere": "x"} if typed is None else {"box": typed})
    form = probe(sent, meta={"csrf": False})
    if getattr(form.box, "choices", ()) is None:  # the view gives them
        form.box.choices = [("oui", "Oui")]
    form.validate()
    return [str(sentence) for sentence in form.box.errors]


@pytest.mark.parametrize(("form", "name"), list(fields()))
@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_no_field_of_any_form_speaks_english(app, form, name):
    base = FlaskForm if issubclass(form, FlaskForm) else Form
    with app.test_request_context(method="POST"):
        for typed in (None, *TYPED):
            sentences = said(base, getattr(form, name), typed)
            assert not ENGLISH & set(sentences), sentences
            assert not any(word in sentence for sentence in sentences for word in ("'", "Field", " must "))


@pytest.mark.parametrize("base", [Form, FlaskForm])
@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (SelectField(choices=["oui"]), "peut-être", forms.CHOOSE),
        (SelectField(choices=[1], coerce=int), "un", forms.CHOOSE),
        (RadioField(choices=["oui"]), None, forms.CHOOSE),
        (IntegerField(), "un", "Écrivez un nombre entier, en chiffres."),
        (SelectField(choices=["", "oui"], validators=[DataRequired()]), "", "Remplissez cette case."),
        (IntegerField(validators=[NumberRange(max=3)]), "4", "Le nombre doit être au maximum 3."),
        (SelectField(validators=[Length(max=1)], choices=["oui"]), "oui", "Le champ ne peut pas contenir plus de 1"),
    ],
)
@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
def test_what_wtforms_says_by_itself_is_french(app, base, field, typed, sentence):
    with app.test_request_context(method="POST"):
        assert said(base, field, typed)[0].startswith(sentence)


def test_every_sentence_of_wtforms_has_its_french():
    french = forms.French()
    untold = [text for text in ENGLISH if text == french.gettext(text) == french.ngettext(text, text, 1)]
    assert not untold
