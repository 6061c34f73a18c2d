"""The help pages, written in docs/guide."""

from functools import cache
from pathlib import Path

import markdown
from flask import Blueprint, abort, render_template
from flask_login import current_user
from markupsafe import Markup

from portal.access import public
from portal.models import UserRole

blueprint = Blueprint("help", __name__, url_prefix="/aide")

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
CHAPTERS = {
    "connexion": "Se connecter",
    "inscription": "S’inscrire",
    "premiers-pas": "Premiers pas : trouver quelqu’un",
    "adhesion": "Adhésion d’un salarié",
    "completer": "Laisser le salarié compléter",
    "justificatifs": "Pièces justificatives",
    "affiliations": "Affilier, radier, changer",
    "dispenses": "Dispenses d’affiliation",
    "cotisations": "Cotisations et échéancier",
    "attestations": "Attestations et fiche DSN",
    "documents": "Documents envoyés à la mutuelle",
    "espace-documentaire": "Espace documentaire",
    "demandes": "Demandes et réclamations",
    "habilitations": "Habilitations",
    "couverture": "Vérifier une couverture",
    "messages": "Courriels et SMS",
    "dossiers": "Dossiers, journal et chiffres, pour la mutuelle",
    "chargements": "Chargements et transmissions, pour la mutuelle",
    "utilisateurs": "Utilisateurs et rôles, pour la mutuelle",
    "configuration": "Configuration, pour la mutuelle",
}
OF_MUTUAL = ("connexion", "messages", "dossiers", "chargements", "utilisateurs", "configuration")
OF_CARE = ("connexion", "couverture")
OF_COMPANIES = tuple(
    key for key in CHAPTERS if key not in {*OF_MUTUAL, *OF_CARE, "inscription"} - {"connexion", "messages"}
)


@blueprint.get("")
@public
def index():
    own = own_chapters(current_user)
    return render_template(
        "pages/help.html", chapters=CHAPTERS, own=own, others=[key for key in CHAPTERS if key not in own]
    )


def own_chapters(user):
    """Those of the profession of who reads, which stand first; none of a visitor’s."""
    if not user.is_authenticated:
        return ()
    if user.is_staff:
        return OF_MUTUAL
    return OF_CARE if user.role == UserRole.HEALTH_PROFESSIONAL else OF_COMPANIES


@blueprint.get("/<chapter>")
@public
def show(chapter):
    if chapter not in CHAPTERS:
        abort(404)
    return render_template("pages/chapter.html", title=CHAPTERS[chapter], text=chapter_html(chapter), chapters=CHAPTERS)


@cache
def chapter_html(chapter):
    """Our own pages, from our own files: nothing that a user typed comes through here."""
    text = (GUIDE / f"{chapter}.md").read_text(encoding="utf-8")
    return Markup(markdown.markdown(text, extensions=["attr_list", "tables", "md_in_html"]))  # nosec B704
