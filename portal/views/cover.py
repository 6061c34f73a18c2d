"""« Vérifier une couverture »: for health professionals, whether one person is covered on one day; never a list."""

import datetime

from flask import Blueprint, current_app, render_template, request
from flask_login import current_user

from portal import clock
from portal.access import audit, requires
from portal.formats import plural
from portal.forms.cover import CoverForm
from portal.models import Throttle, db, vault

blueprint = Blueprint("cover", __name__, url_prefix="/couverture")

HOUR = datetime.timedelta(hours=1)
AN_HOUR, MISSES_AN_HOUR = 60, 15  # checks by one person; those that find nobody


@blueprint.get("")
@requires("check_cover")
def show():
    return page(CoverForm(None, clock.today()))


@blueprint.post("")
@requires("check_cover")
def check():
    """The answer to this very click: what was asked stands in no address."""
    form, now = CoverForm(request.form, clock.today()), clock.now()
    if not form.validate():
        return page(form, 422)
    if wait := count(now):
        form.form_errors.append(too_many(wait))
        return *page(form, 429), {"Retry-After": str(wait)}
    with db.atomic():
        found = current_user.covered(form.care_on, **form.identifiers)
        note(form, found)
        if found:
            Throttle.take_back(missed(), now)
    return page(form, checked=True, found=found)


def page(form, status=200, checked=False, found=None):
    return render_template("pages/cover.html", form=form, checked=checked, found=found), status


def missed():
    return f"cover-missed:{current_user.id}"


def count(now):
    """Seconds to wait, whichever process answers; each check counts before it is made, as one that finds nobody too."""
    limits = ((f"cover:{current_user.id}", AN_HOUR), (missed(), MISSES_AN_HOUR))
    return next((wait for key, most in limits if (wait := Throttle.allow(key, now, most, HOUR))), 0)


def too_many(seconds):
    return (
        f"{AN_HOUR} vérifications par heure au plus, dont {MISSES_AN_HOUR} sans résultat\u00a0: vous y êtes. "
        f"Réessayez dans {plural(-(-seconds // 60), 'minute')}, ou appelez le {current_app.settings.support_phone}."
    )


def note(form, found):
    """Who asked about whom; what was typed is told by its blind index, so that the same shows as the same."""
    asked = form.identifiers
    kind = "nir" if asked["nir"] else "member_number"
    index = vault.index(asked[kind], f"cover.{kind}", "")
    detail = {"by": kind, "index": index, "care_on": str(form.care_on), "found": found is not None}
    audit("cover.check", on=found, account=found.account_id if found else None, after=detail)
