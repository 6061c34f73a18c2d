"""« Données consultées », at the mutual: whose data one user saw between two dates, as the audit trail tells it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import trail
from portal.access import requires
from portal.exchange.spreadsheets import Column
from portal.rendering import Listed, Page, address, page_size, render
from portal.views import actions, roster
from portal.views.staff.trail import filters, read, told_at, write_down

blueprint = Blueprint("staff_seen", __name__, url_prefix="/gestion/journal/donnees-consultees")
to_staff = requires("staff_audit")

COLUMNS = (Column("N° adhérent"), Column("Personne"), Column("Fois", "number"), Column("Dernière fois"))


@blueprint.get("")
@to_staff
def index():
    form = filters()
    asked, faults, one = asked_of_one(form)
    people, others = trail.seen(current_user, asked) if one else ([], {})
    page = Page(Listed(people), page_size(current_user.rows_per_page), total=len(people))
    told = sorted((actions.OBJECTS.get(kind, kind), count) for kind, count in others.items())
    return render("staff_seen", form=form, faults=faults, users=asked.users or [], one=one, page=page, others=told)


def asked_of_one(form):
    """What is asked, what is wrong with it, and the one user whom it names, or None."""
    asked, faults = read(form)
    users = asked.users or []
    return asked, faults, users[0] if len(users) == 1 and not faults and not form.secrets() else None


@blueprint.post("/telechargement")
@to_staff
def download():
    form = filters()
    asked, _, one = asked_of_one(form)
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    if not one:
        flash("Donnez d’abord l’identifiant d’une seule personne.", "warn")
        return redirect(address(url_for("staff_seen.index")), 303)
    people, _ = trail.seen(current_user, asked)
    write_down(form, len(people), file_format)
    rows = ([row.person.member_number, row.person.full_name, row.times, told_at(row.last)] for row in people)
    return roster.send("donnees-consultees", COLUMNS, rows, file_format, "Données consultées")
