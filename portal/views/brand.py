"""The mutual's colour and logo: public, kept for ever under an address that changes with them."""

from flask import Blueprint, Response, abort, current_app

from portal import configuration
from portal.access import public
from portal.rules import colours

blueprint = Blueprint("brand", __name__, url_prefix="/marque")

FOR_EVER = "public, max-age=31536000, immutable"
TONES = {"claire": False, "sombre": True}


@blueprint.get("/<any(claire, sombre):tone>-<colour>.css")
@public
def style(tone, colour):
    """The tokens of the colour in force; nobody else's are drawn here."""
    if f"#{colour}" != current_app.settings.colour:
        abort(404)
    return kept(colours.style_sheet(f"#{colour}", TONES[tone]), "text/css")


@blueprint.get("/logo-<mark>.png")
@public
def logo(mark):
    return kept(configuration.logo(mark) or abort(404), "image/png")


def kept(content, mimetype):
    return Response(content, mimetype=mimetype, headers={"Cache-Control": FOR_EVER})
