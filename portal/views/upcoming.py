"""« Inscription »: not open yet; the page says so, and how to do without."""

from flask import Blueprint, render_template

from portal.access import public

blueprint = Blueprint("upcoming", __name__)


@blueprint.get("/inscription")
@public
def sign_up():
    return render_template("pages/sign_up.html")
