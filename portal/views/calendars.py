"""Due dates in a calendar: a file, or a private address to subscribe to, for each account."""

from flask import Blueprint, Response, abort, current_app, flash, redirect, request, session, url_for
from flask_login import current_user

from portal import clock
from portal.access import RIGHTS, audit, public, refuse_while, requires
from portal.exchange import due_dates
from portal.models import CalendarFeed, ManagedAccount, Throttle, db
from portal.rendering import get_or_404, render
from portal.views import called
from portal.views.scope import current_scope

blueprint = Blueprint("calendars", __name__, url_prefix="/calendrier")

DRAWN = "calendrier"  # in the cookie, until the page has shown it: (account code, token)
FREE_READS, FREE_MISSES = 200, 20  # a day: of one calendar; of addresses that open nothing, from one place


@blueprint.get("")
@requires("money")
def index():
    code, token = session.pop(DRAWN, ("", ""))
    joined = current_user.calendar_feeds().select(CalendarFeed, ManagedAccount).join(ManagedAccount)
    feeds = list(joined.order_by(ManagedAccount.name_key, CalendarFeed.id))
    account = current_scope().account
    mine = next((feed for feed in feeds if account and feed.account_id == account.account_id), None)
    drawn = address_of(token) if token and account and code == account.account_code else None
    return render("calendar", account=account, mine=mine, feeds=feeds, drawn=drawn)


def address_of(token):
    return f"{current_app.settings.public_url}/calendrier/{token}.ics"


@blueprint.post("")
@requires("money")
def create():
    """A new address, which ends the one that there was: shown once, since only its hash is kept."""
    scope = current_scope()
    if not scope.account:
        flash("Choisissez d’abord un compte en haut de la page.", "warn")
        return redirect(url_for(".index"), 303)
    account = get_or_404(current_user.accounts(), ManagedAccount.id == scope.account.account_id)
    with db.atomic():
        feed, token = CalendarFeed.draw(current_user, account, clock.now())
        audit("calendar.open", on=feed, account=account.id)
    session[DRAWN] = (account.code, token)
    return redirect(url_for(".index"), 303)


@blueprint.post("/<uuid:id>/fin")
@requires("money")
def end(id):
    feed = get_or_404(current_user.calendar_feeds(), CalendarFeed.public_id == id)
    with db.atomic():
        audit("calendar.close", on=feed, account=feed.account_id)
        feed.delete_instance()
    flash("Cette adresse ne donne plus rien. Retirez-la de votre agenda.", "ok")
    return redirect(url_for(".index"), 303)


@blueprint.post("/fichier")
@requires("money")
def download():
    """The due dates of the scope, as they are today; written down."""
    scope = current_scope()
    audit("calendar.export", account=scope.account and scope.account.account_id)
    key = scope.address or str(current_user.public_id)
    return answer(called.statements(), f"Échéances de cotisations {scope.code}".strip(), key)


@blueprint.get("/<token>.ics")
@public
def feed(token):
    """What a calendar reads, without a sign-in: the same answer whether the address ended or never was."""
    found, now = CalendarFeed.of(token), clock.now()
    if found is None or "money" not in RIGHTS[found.user.role]:
        count(f"calendar:{request.remote_addr}", now, FREE_MISSES)
        abort(404)
    count(f"calendar:{found.id}", now, FREE_READS)
    return answer(found.statements, f"Échéances de cotisations {found.account.code}", found.account.code)


def count(key, now, free):
    refuse_while(Throttle.wait([key], now))
    Throttle.count(key, now, free)


def answer(statements, name, key):
    """The key has the user’s own site in it, so that two portals never have the same event."""
    site = current_app.settings.public_url
    text = due_dates.calendar(statements, name, f"{site}/{key}", f"{site}/echeancier", clock.now(), clock.today())
    named = {"Content-Disposition": 'attachment; filename="echeances.ics"'}
    return Response(text, content_type="text/calendar; charset=utf-8", headers=named)
