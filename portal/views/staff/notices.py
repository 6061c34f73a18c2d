"""« Actualités » at the mutual: what is shown, to whom, until when, read by how many; write, change, withdraw."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, notices
from portal.access import audit, requires
from portal.forms.notices import NoticeForm
from portal.models import Notice, Outdated, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.views.recording import TWICE, by
from portal.views.staff.publications import colleges, find

blueprint = Blueprint("staff_notices", __name__, url_prefix="/gestion/actualites")

MEANWHILE = "Quelqu’un a changé ou retiré cette actualité entre-temps. Voici ce qui est enregistré maintenant."


@blueprint.get("")
@requires("staff_publish")
def index():
    found = Notice.whole(current_user.all_notices()).order_by(Notice.starts_on.desc(), Notice.id.desc())
    return render("staff_notices", page=Page(found, page_size(current_user.rows_per_page), rows=tell))


def tell(rows):
    today = clock.today()
    return [
        SimpleNamespace(
            id=row.public_id,
            title=row.title,
            is_important=row.is_important,
            audience=row.account.name if row.account_id else "Toutes les entreprises",
            college=f"{row.category.company.label} · {row.category.label}" if row.category_id else "",
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            state=state(row, today),
            readers=row.readers,
        )
        for row in rows
    ]


def state(notice, today):
    """Words, tone and icon."""
    if notice.withdrawn_at:
        return "Retirée", "", "ban"
    if notice.starts_on > today:
        return "À venir", "info", "clock"
    if notice.ends_on and notice.ends_on < today:
        return "Terminée", "", "circle-check"
    return "Affichée", "ok", "eye"


def form_of(notice=None):
    """The form as it is sent, or as the page opens."""
    typed = request.form if request.method == "POST" else None
    return NoticeForm(typed, clock.today(), find, colleges, notice)


@blueprint.get("/nouvelle")
@requires("staff_publish")
def new():
    return render("staff_notice", form=form_of(), notice=None)


@blueprint.post("/nouvelle")
@requires("staff_publish")
def create():
    form = form_of()
    if Notice.sent(form.key):
        return done(TWICE)
    if is_a_search() or not form.validate():
        return render("staff_notice", 200 if is_a_search() else 422, form=form, notice=None)
    try:
        with db.atomic():
            notice = notices.publish(form.columns(), by(), clock.now(), form.key)
            audit("notice.publish", on=notice, account=notice.account_id)
    except IntegrityError:  # the other click was a little faster
        return done(TWICE)
    now = notice.starts_on <= clock.today()
    return done("Actualité publiée." if now else "Actualité prête : elle s’affichera le jour venu.")


def is_a_search():
    """« Chercher » the account: the colleges follow, nothing is published."""
    return request.form.get("etape") == "chercher"


def done(sentence):
    flash(sentence, "ok")
    return redirect(url_for("staff_notices.index"), 303)


def found(id):
    return get_or_404(Notice.whole(current_user.all_notices()), Notice.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_publish")
def edit(id):
    notice = found(id)
    return render("staff_notice", form=form_of(notice), notice=notice)


@blueprint.post("/<uuid:id>")
@requires("staff_publish")
def update(id):
    notice = found(id)
    form = form_of(notice)
    if is_a_search() or not form.validate():
        return render("staff_notice", 200 if is_a_search() else 422, form=form, notice=notice)
    try:
        with db.atomic():
            notices.change(notice, form.columns(), form.seen, form.anew.data)
            audit("notice.change", on=notice, account=notice.account_id, after={"anew": form.anew.data})
    except Outdated:
        form.version.data = str(found(id).version)
        form.form_errors.append(MEANWHILE)
        return render("staff_notice", 409, form=form, notice=found(id))
    return done("Actualité changée.")


@blueprint.post("/<uuid:id>/retrait")
@requires("staff_publish")
def withdraw(id):
    notice = found(id)
    with db.atomic():
        if notices.withdraw(notice, clock.now()):
            audit("notice.withdraw", on=notice, account=notice.account_id)
    return done("Actualité retirée : plus personne ne la voit.")
