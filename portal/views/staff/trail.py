"""« Journal », at the mutual: who did what, on what, when and from where; one event whole; the file of those found."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import trail
from portal.access import audit, requires
from portal.exchange.spreadsheets import Column
from portal.formats import in_paris
from portal.forms.trail import TrailFilter, what_of
from portal.models import ROLE_LABELS, AuditEvent, db
from portal.rendering import address, get_or_404, number_of, page_size, redirect_whole, render
from portal.views import actions, roster

blueprint = Blueprint("staff_trail", __name__, url_prefix="/gestion/journal")
to_staff = requires("staff_audit")

WHAT = what_of(actions.FAMILIES, actions.KEYS)
MOST_IN_XLSX = 100_000  # beyond, a workbook is too heavy to open: the CSV has no limit
ACTORS = {"command": "Commande d’exploitation", "worker": "Portail (tâche de fond)", "guest": "Salarié, par son lien"}
COLUMNS = (
    *(Column("N°", "number"), Column("Date et heure"), Column("Qui"), Column("Identifiant"), Column("Profil")),
    *(Column("Quoi"), Column("Sur quoi"), Column("Référence"), Column("Compte"), Column("Adresse du réseau")),
    *(Column("Avant"), Column("Après"), Column("Requête")),
)


@blueprint.get("")
@to_staff
def index():
    form = filters()
    if form.secrets():
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici : cherchez par le n° d’adhérent.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    asked, faults = read(form)
    size = page_size(current_user.rows_per_page)
    number = number_of("avant", 0) if request.args.get("avant") else 0
    found = [] if faults else trail.page_of(current_user, asked, number, size + 1)  # one more, when there are others
    return render(
        "staff_trail",
        rows=told(found[:size]),
        older=found[size - 1].number if len(found) > size else None,
        verified=trail.last_verified(current_user),
        form=form,
        faults=faults,
        users=asked.users or [],
        subject=asked.subject,
    )


def filters():
    return TrailFilter(request.args, actions.FAMILIES, actions.KEYS, WHAT)


def read(form):
    """What is asked, and the sentences of what could not be found: with one of them, nothing is."""
    who, what = form.typed("qui"), form.typed("objet")
    users = trail.users(who) if who else None
    subject = trail.subject(what) if what else None
    asked = trail.Asked(users, form.actions, subject, form.since, form.until, form.typed("reseau"))
    nobody = f"Personne ne s’appelle « {who} » : donnez un nom ou un identifiant." if who and not users else ""
    nothing = f"« {what} » n’est ni un n° d’adhérent, ni un code de compte, ni un code ou un SIRET d’entreprise."
    dates = [box.errors[0] for box in (form.du, form.au) if box.errors]
    return asked, [*filter(None, (nobody, nothing if what and not subject else "")), *dates]


def told(events):
    ids = [event.object_id for event in events if event.object_type == "beneficiary"]
    people = trail.people(current_user, ids) if ids else {}
    return [one(event, people) for event in events]


def one(event, people):
    person = people.get(event.object_id)
    return SimpleNamespace(
        number=event.number,
        at=event.at,
        by=who(event),
        identifier=event.identifier or "",
        words=actions.words(event.action),
        kind=actions.OBJECTS.get(event.object_type, event.object_type),
        person=person,
        account=event.account_name or "",
        account_code=event.account_code,
        address=event.address,
    )


def who(event):
    if event.last_name:
        return f"{event.first_name} {event.last_name.upper()}"
    return ACTORS.get(event.user_role, "Visiteur")


# ── One event ────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/<int:number>")
@to_staff
def show(number):
    found = get_or_404(trail.with_names(current_user.audit_events()), AuditEvent.number == number)
    return render(
        "staff_event",
        event=found,
        one=told([found])[0],
        role=ROLE_LABELS.get(found.user_role, ACTORS.get(found.user_role, "")),
        before=actions.values(found.before),
        after=actions.values(found.after),
    )


# ── The download ─────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/telechargement")
@to_staff
def download():
    """Exactly what the address filters, as a file; written down."""
    form = filters()
    asked, faults = read(form)
    file_format = "csv" if request.form.get("format") == "csv" else "xlsx"
    if faults or form.secrets():
        flash("Rien n’est téléchargé : corrigez les filtres.", "warn")
        return redirect(url_for("staff_trail.index"), 303)
    found = trail.events(current_user, asked)
    count = found.order_by().count()
    if file_format == "xlsx" and count > MOST_IN_XLSX:
        flash("C’est trop pour un classeur : choisissez CSV, ou resserrez les dates.", "warn")
        return redirect(address(url_for("staff_trail.index")), 303)
    write_down(form, count, file_format)
    return roster.send("journal", COLUMNS, map(cells, trail.with_names(found).iterator()), file_format, "Journal")


def write_down(form, rows, file_format):
    with db.atomic():
        audit("trail.export", after={"rows": rows, "format": file_format, "filter": form.words()})


def cells(event):
    role = ROLE_LABELS.get(event.user_role, "")
    by = (event.number, told_at(event.at), who(event), event.identifier or "", role)
    what = (actions.words(event.action), actions.OBJECTS.get(event.object_type, event.object_type), event.object_id)
    sides = [
        " ; ".join(f"{name} : {text}" for name, text in actions.values(side)) for side in (event.before, event.after)
    ]
    return [*by, *what, event.account_name or "", event.address, *sides, event.request_id]


def told_at(instant):
    return f"{in_paris(instant):%d/%m/%Y %H:%M:%S}"
