"""« Vérification »: whether the mutual made the document that bears a code; of whom it is about, initials alone."""

from flask import Blueprint, render_template, request

from portal import clock, documents
from portal.access import note_link, public, refuse_while
from portal.forms.verification import CodeForm
from portal.models import Throttle

blueprint = Blueprint("verification", __name__, url_prefix="/verification")

FREE = 10  # codes in a row from one address, before each makes the next one wait


@blueprint.get("")
@public
def show():
    """The form; the code of a link is only written in it, and checked when it is sent."""
    return page(CodeForm(code=request.args.get("code", "")[:40]))


@blueprint.post("")
@public
def check():
    """The answer to this very click: it has no address, so that each code that is tried is counted."""
    form = CodeForm()
    if not form.validate():
        return page(form, 422)
    now, key = clock.now(), f"check:{request.remote_addr}"
    refuse_while(Throttle.wait([key], now))
    Throttle.count(key, now, FREE)
    found = documents.find(form.code.data)
    if found:
        Throttle.take_back(key, now)
    else:
        note_link()
    return page(form, found=found, kind=documents.TYPES.get(found.document_type, "Document") if found else "")


def page(form, status=200, **found):
    return render_template("pages/verification.html", form=form, checked=bool(found), **found), status
