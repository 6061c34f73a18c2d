"""« Courriels et SMS » of the configuration: the words of each message, seen before they are kept."""

import json
from types import SimpleNamespace

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for

from portal import clock, configuration, wording
from portal.access import audit, requires
from portal.forms.wording import WordingForm
from portal.models import Outdated, db
from portal.rendering import render
from portal.rules import Refused
from portal.views.recording import by

blueprint = Blueprint("wording", __name__, url_prefix="/gestion/configuration/messages")

BRAND = [f"brand.{name}" for name in sorted(wording.BRAND)]
NAMES = configuration.SECTIONS["messages"]
MEANWHILE = "Un collègue a changé les messages entre-temps : relisez votre texte, puis enregistrez-le de nouveau."


@blueprint.get("")
@requires("staff_configure")
def index():
    own = current_app.configuration.look().own_texts
    rows = [
        SimpleNamespace(name=name, title=title_of(name, own), is_text=wording.is_text(name), own=name in own)
        for name in wording.names()
    ]
    return render("wordings", rows=rows)


def title_of(name, own):
    """What a message is called: its subject, or the beginning of a text."""
    seen = wording.shown(name, own.get(name) or wording.source_of(name))
    return seen.subject or " ".join(seen.paragraphs[0].split()[:9]) + "…"


def known(name):
    return name if name in wording.names() else abort(404)


@blueprint.get("/<name>")
@requires("staff_configure")
def edit(name):
    current_app.configuration.look_again()
    return page(known(name), form_of(name, None))


def form_of(name, typed):
    watched = current_app.configuration
    words = wording.split(watched.settings.own_texts.get(name) or wording.source_of(name))
    return WordingForm(typed, wording.is_text(name), words, configuration.version_of(watched.values, NAMES))


def words_of(name):
    """What this message may name."""
    return [*sorted(wording.told(name) - {"link", *wording.OF_EVERYONE}), *BRAND]


def page(name, form, status=200):
    """The form, with the message as it would look; as it is now while what is typed cannot be."""
    own = current_app.settings.own_texts
    source = form.source or own.get(name) or wording.source_of(name)
    return render(
        "wording",
        status,
        message=name,
        form=form,
        seen=wording.shown(name, source),
        told=[(f"{{{{ {word} }}}}", wording.MEANINGS[word]) for word in words_of(name)],
        a_date="{{ due_on|date_fr }}",
        a_choice="{% if late %}…{% endif %}",
        title=title_of(name, {}),
        is_own=name in own,
    )


@blueprint.post("/<name>")
@requires("staff_configure")
def update(name):
    form = form_of(known(name), request.form)
    step = request.form.get("etape")
    if step == "origine":
        return keep(name, form, None)
    try:
        if form.validate():
            form.source = wording.checked(name, form.words)
    except Refused as refused:
        form.texte.errors = [str(refused)]
    if not form.source:
        return page(name, form, 422)
    if step == "apercu":
        return page(name, form)
    return keep(name, form, None if form.source == first_of(name) else form.source)


def first_of(name):
    return wording.joined(wording.split(wording.source_of(name)))


def keep(name, form, source):
    watched = current_app.configuration
    texts = wording.changed(watched.look().own_texts, name, source)
    text = json.dumps(texts, ensure_ascii=False, sort_keys=True) if texts else None
    try:
        with db.atomic():
            configuration.change(watched, NAMES, {"texts": text}, form.seen.data, by(), clock.now())
            audit("configuration.message", after={"name": name, "text": source})
    except Outdated:
        watched.look_again()
        form.seen.data = configuration.version_of(watched.values, NAMES)
        form.texte.errors = [MEANWHILE]
        return page(name, form, 409)
    watched.look_again()
    flash("Ce message reprend les mots d’origine." if source is None else "Les prochains messages diront cela.", "ok")
    return redirect(url_for("wording.edit", name=name), 303)
