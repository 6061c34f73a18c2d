"""« Réponses préparées »: the texts that the mutual’s staff answer with; listed, added, changed, removed."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock
from portal.access import audit, requires
from portal.forms.staff_threads import PreparedForm
from portal.models import Outdated, PreparedAnswer, db
from portal.rendering import get_or_404, render
from portal.views.recording import TWICE
from portal.views.staff.threads import prepared

blueprint = Blueprint("prepared_answers", __name__, url_prefix="/gestion/reponses-preparees")

TAKEN = "Une autre réponse porte déjà ce titre : changez-la, ou choisissez un autre titre."
MEANWHILE = "Un collègue a changé cette réponse entre-temps : relisez son texte ci-dessous, puis enregistrez le vôtre."


@blueprint.get("")
@requires("staff_exchanges")
def index():
    return page()


def page(form=None, status=200):
    return render("prepared_answers", status, form=form or PreparedForm(), rows=prepared())


def found(id):
    return get_or_404(current_user.prepared_answers(), PreparedAnswer.public_id == id)


@blueprint.post("")
@requires("staff_exchanges")
def create():
    form = PreparedForm(request.form)
    if not form.validate():
        return page(form, 422)
    title, body = form.titre.data, form.texte.data
    try:
        with db.atomic():
            row = PreparedAnswer.add(title, body, clock.now())
            audit("prepared_answer.add", on=row, after={"title": title})
    except IntegrityError:
        there = current_user.prepared_answers().where(PreparedAnswer.title == title, PreparedAnswer.body == body)
        if not there.exists():
            form.titre.errors = [TAKEN]
            return page(form, 422)
        flash(TWICE, "info")
    else:
        flash("La réponse est ajoutée : elle se choisit au moment de répondre.", "ok")
    return redirect(url_for("prepared_answers.index"), 303)


@blueprint.get("/<uuid:id>")
@requires("staff_exchanges")
def edit(id):
    row = found(id)
    return one(row, PreparedForm(None, titre=row.title, texte=row.body, version=str(row.version)))


def one(row, form, status=200, meanwhile=""):
    """`meanwhile`: the text that a colleague wrote since."""
    return render("prepared_answer", status, row=row, form=form, meanwhile=meanwhile)


@blueprint.post("/<uuid:id>")
@requires("staff_exchanges")
def update(id):
    row, form = found(id), PreparedForm(request.form)
    seen = form.seen
    if not form.validate():
        return one(row, form, 422)
    try:
        with db.atomic():
            row.change(form.titre.data, form.texte.data, seen, clock.now())
            audit("prepared_answer.change", on=row, before={"title": row.title}, after={"title": form.titre.data})
    except IntegrityError:
        form.titre.errors = [TAKEN]
        return one(row, form, 422)
    except Outdated:
        flash(MEANWHILE, "warn")
        form.version.data = str(row.version)
        return one(row, form, 409, row.body)
    flash("La réponse est enregistrée.", "ok")
    return redirect(url_for("prepared_answers.index"), 303)


@blueprint.post("/<uuid:id>/suppression")
@requires("staff_exchanges")
def remove(id):
    row = found(id)
    with db.atomic():
        row.remove()
        audit("prepared_answer.remove", on=row, before={"title": row.title})
    flash(f"«\u202f{row.title}\u202f» est supprimée. Les réponses déjà envoyées ne changent pas.", "ok")
    return redirect(url_for("prepared_answers.index"), 303)
