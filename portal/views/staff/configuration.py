"""« Configuration »: how the mutual presents itself, its contacts, delays, natures and types of documents."""

from types import SimpleNamespace

from flask import Blueprint, current_app, flash, redirect, request, url_for

from portal import clock, configuration
from portal.access import audit, requires
from portal.forms.configuration import SECTIONS, Identity
from portal.models import Outdated, db
from portal.rendering import render
from portal.rules import colours
from portal.settings import WrongSetting
from portal.views.recording import by

blueprint = Blueprint("configuration", __name__, url_prefix="/gestion/configuration")

TITLES = {
    "identite": ("Identité", "Noms, adresse, couleur et logo.", "building-community"),
    "contacts": ("Contacts", "Qui répond, où et quand ; le médiateur ; le tiers payant.", "phone"),
    "delais": ("Justificatifs et délais", "Relances, rappels, expiration, campagne scolaire, Kbis.", "hourglass"),
    "natures": ("Natures et délais promis", "De quoi parlent les demandes et les réclamations.", "messages"),
    "documents": ("Types de documents", "Ce que les entreprises peuvent envoyer, et sous quel format.", "file-upload"),
}
HINTS = {
    "mediateur": "Nom, adresse et site : une réponse qui refuse une réclamation les donne.",
    "espace": "Où les salariés lisent leurs remboursements.",
    "rappels": "Exemple : 15 3, pour quinze puis trois jours avant.",
    "scolaire": "Exemple : 01/09 31/10.",
}
MEANWHILE = (
    "Quelqu’un a changé cette page entre-temps. Voici ce qui est enregistré maintenant : refaites vos changements."
)


@blueprint.get("")
@requires("staff_configure")
def index():
    watched = current_app.configuration
    rows = [
        SimpleNamespace(key=key, title=title, about=about, icon=icon, own=own(watched.values, key))
        for key, (title, about, icon) in TITLES.items()
    ]
    return render("configuration", rows=rows, own_texts=len(watched.settings.own_texts))


def own(values, key):
    """How many settings of a section the mutual has set."""
    return sum(name in values for name in configuration.SECTIONS[key])


@blueprint.get("/<any(identite, contacts, delais, natures, documents):key>")
@requires("staff_configure")
def edit(key):
    current_app.configuration.look_again()
    return page(key, form_of(key, None))


def form_of(key, typed):
    watched, names = current_app.configuration, configuration.SECTIONS[key]
    seen = configuration.version_of(watched.values, names)
    more = {"sent": request.files.get("logo")} if key == "identite" else {}
    return SECTIONS[key](typed, watched.base, watched.settings, seen, **more)


def page(key, form, status=200):
    chosen = current_app.settings
    shades = colours.tokens(chosen.colour or colours.OURS)
    contrasts = [
        ("Texte blanc sur le menu", colours.contrast("#ffffff", shades["brand-900"])),
        ("Texte blanc sur un bouton", colours.contrast("#ffffff", shades["brand-700"])),
        ("Lien sur fond blanc", colours.contrast(shades["brand-700"], "#ffffff")),
    ]
    title, about, _ = TITLES[key]
    about = {"title": title, "about": about, "contrasts": contrasts, "hints": HINTS}
    return render("configuration_section", status, key=key, form=form, **about)


@blueprint.post("/<any(identite, contacts, delais, natures, documents):key>")
@requires("staff_configure")
def update(key):
    form = form_of(key, request.form)
    if not form.validate():
        return page(key, form, 422)
    picture, values = None, form.values()
    if isinstance(form, Identity) and form.picture:
        values[configuration.LOGO], picture = configuration.drawn(form.picture)
    elif isinstance(form, Identity) and form.sans_logo.data:
        values[configuration.LOGO] = None
    watched, names = current_app.configuration, configuration.SECTIONS[key]
    try:
        with db.atomic():
            changed = configuration.change(watched, names, values, form.seen.data, by(), clock.now(), picture)
            for name, text in changed.items():
                audit("configuration.change", after={"name": name, "text": text})
    except WrongSetting as wrong:
        form.blame(wrong)
        return page(key, form, 422)
    except Outdated:
        watched.look_again()
        form = form_of(key, None)
        form.form_errors.append(MEANWHILE)
        return page(key, form, 409)
    watched.look_again()
    flash(
        "C’est enregistré, et en place sur tout le portail d’ici quelques secondes." if changed else "Rien n’a changé.",
        "ok",
    )
    return redirect(url_for("configuration.edit", key=key), 303)
