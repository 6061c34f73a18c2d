"""Screens that users know and that are not open yet: each says so, and how to do without; an open room leaves here."""

from flask import Blueprint, render_template

from portal.access import public, requires

blueprint = Blueprint("upcoming", __name__)

ROOMS = {
    "cotisations": "Règlement des cotisations",
    "echeancier": "Échéancier",
}
names = ", ".join(f"'{room}'" for room in ROOMS)


@blueprint.get(f"/<any({names}):room>")
@requires("see")
def show(room):
    return render_template("pages/upcoming.html", title=ROOMS[room])


@blueprint.get("/inscription")
@public
def sign_up():
    return render_template("pages/sign_up.html")
