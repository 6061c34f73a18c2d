"""« Chargements »: the files of the management system, given at the desk, loaded by the worker; what became of each."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, loads
from portal.access import audit, fresh, requires
from portal.forms.loads import LoadForm
from portal.models import FileLoad, LoadState, User, db
from portal.rendering import Page, get_or_404, page_size, redirect_whole, render, render_region, wants_fragment
from portal.storage import MOST_OF_TABLE
from portal.views import presence
from portal.views.recording import by

blueprint = Blueprint("staff_loads", __name__, url_prefix="/gestion/chargements")

# State → label, tone, icon.
STATES = {
    LoadState.TO_CONFIRM: ("À confirmer", "warn", "alert-triangle"),
    LoadState.WAITING: ("En cours", "info", "clock"),
    LoadState.DONE: ("Chargé", "ok", "circle-check"),
    LoadState.FAILED: ("Refusé", "danger", "circle-x"),
    LoadState.ABANDONED: ("Abandonné", "", "ban"),
}


@blueprint.get("")
@requires("staff_loads")
def index():
    return page(LoadForm(kinds=loads.labels()))


def page(form, status=200):
    given = Page(named().order_by(FileLoad.id.desc()), page_size(current_user.rows_per_page))
    return render("staff_loads", status, form=form, page=given, kinds=loads.labels(), states=STATES)


def named():
    return current_user.file_loads().select(FileLoad, User).join(User)


@blueprint.post("")
@requires("staff_loads")
def create():
    """Keep a file for the worker; sent twice by the same form, once.

    A page could not hold it while it asks for the password: it waits, and its own page asks.
    """
    form = LoadForm(request.form, kinds=loads.labels())

    def keep(*given):
        return loads.send(*given, by(), form.key, noted, presence.is_fresh())

    kept = form.keep(request.files.get("fichier"), keep)
    return redirect(url_for(".show", id=kept.public_id), 303) if kept else page(form, 422)


create.most_bytes = MOST_OF_TABLE + 1024 * 1024


def noted(load):
    audit("load.send", on=load, after={"kind": load.kind})


@blueprint.get("/<uuid:id>")
@requires("staff_loads")
def show(id):
    return render("staff_load", **told(id))


def told(id):
    found = get_or_404(named(), FileLoad.public_id == id)
    percent = loads.percent(found, current_app.settings) if found.is_at_work else 100
    return {"load": found, "percent": percent, "kinds": loads.labels(), "states": STATES}


@blueprint.post("/<uuid:id>/confirmation")
@requires("staff_loads")
@fresh()
def confirm(id):
    """The worker may have the file; said twice, once."""
    load = get_or_404(current_user.file_loads(), FileLoad.public_id == id)
    with db.atomic():
        if load.confirm():
            audit("load.confirm", on=load, after={"kind": load.kind})
        else:
            flash("Ce fichier n’attendait plus d’être confirmé.", "info")
    return redirect(url_for(".show", id=id), 303)


@blueprint.post("/<uuid:id>/abandon")
@requires("staff_loads")
def abandon(id):
    """Nothing of it is loaded; said twice, once."""
    load = get_or_404(current_user.file_loads(), FileLoad.public_id == id)
    with db.atomic():
        if load.abandon(clock.now()):
            audit("load.abandon", on=load, after={"kind": load.kind})
            flash("Ce fichier est abandonné\u00a0: il est effacé, et rien n’en a été chargé.", "ok")
        else:
            flash("Ce fichier n’attendait plus d’être confirmé.", "info")
    return redirect(url_for(".show", id=id), 303)


@blueprint.get("/<uuid:id>/avancement")
@requires("staff_loads")
def progress(id):
    """The one region that asks again every second; once it is over, the page."""
    found = told(id)
    if found["load"].is_at_work and wants_fragment():
        return render_region("staff_load", **found)
    return redirect_whole(url_for(".show", id=id))
