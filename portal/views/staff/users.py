"""« Utilisateurs »: who signs in, what each may do; the mutual's staff invited, given roles, accesses closed."""

from types import SimpleNamespace

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, users
from portal.access import audit, fresh, requires
from portal.forms.users import DutiesForm, InvitationForm, UserFilter
from portal.models import AuditEvent, SecondFactor, User, UserRole, db
from portal.rendering import Page, address, get_or_404, page_size, redirect_whole, render
from portal.rules import Refused, staff_roles
from portal.rules.retention import TERMS
from portal.views import granted
from portal.views.recording import by

blueprint = Blueprint("staff_users", __name__, url_prefix="/gestion/utilisateurs")

GRANTS = 20  # shown of one user
ASKED = "Une partie de ces rôles attend l’accord d’une seconde personne."


@blueprint.get("")
@requires("staff_users")
def index():
    form = UserFilter(request.args)
    if form.secrets():
        flash("Un n° de sécurité sociale ou un IBAN ne s’écrit pas ici.", "warn")
        return redirect_whole(address(**dict.fromkeys(form.secrets())))
    found = form.narrow(current_user.users()).order_by(User.last_name, User.first_name, User.id)
    return render("staff_users", form=form, page=Page(found, page_size(current_user.rows_per_page), rows=tell))


def tell(rows):
    rows = list(rows)
    seen = AuditEvent.last_of([row.id for row in rows])
    return [told(row, seen.get(row.id)) for row in rows]


def told(row, seen):
    state = ("Actif", "ok", "circle-check") if row.has_password else ("Invitation envoyée", "info", "mail")
    return SimpleNamespace(
        id=row.public_id,
        name=row.full_name,
        identifier=row.identifier,
        organisation=row.organisation,
        profile=row.role_label,
        is_own=row.id == current_user.id,
        is_staff=row.is_staff,
        is_open=row.is_active,
        has_password=row.has_password,
        roles=staff_roles.labels(users.all_duties(row)) if row.is_staff else [],
        takes_roles=row.role == UserRole.STAFF,
        state=state if row.is_active else ("Fermé", "", "ban"),
        seen_at=seen,
        created_at=row.created_at,
    )


ASKED_FOR = TERMS["proposal"].time
RESET = "remettre à zéro la double authentification"


def found(id):
    return get_or_404(current_user.users(), User.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_users")
def show(id):
    row = found(id)
    return page(row, DutiesForm(duties=row.duties))


def page(row, form, status=200):
    [one] = tell([row])
    asked = {what: proposal(row, what) for what in User.PROPOSED if getattr(row, f"{what}_asked_at")}
    rights = granted.tell(row.grants_with_places().limit(GRANTS + 1))
    return render(
        "staff_user",
        status,
        one=one,
        form=form,
        has_factor=SecondFactor.of(row).exists(),
        asked=asked,
        pending={what for what in asked if not asked[what].lapsed},
        rights=rights[:GRANTS],
        more=len(rights) > GRANTS,
    )


def proposal(row, what):
    """What a second person may agree to: who proposed it, until when, in which words; `seen`: what tells it apart."""
    first, at = getattr(row, f"{what}_asked_by"), getattr(row, f"{what}_asked_at")
    of_roles = what == "duties"
    return SimpleNamespace(
        by=first,
        until=at + ASKED_FOR,
        lapsed=not row.is_proposed(what, clock.now()),
        words=", ".join(staff_roles.labels(row.asked_duties)) if of_roles else RESET,
        seen=row.asked_duties if of_roles else at.isoformat(),
    )


@blueprint.get("/nouveau")
@requires("staff_users")
def new():
    return render("staff_user_new", form=InvitationForm(duties=staff_roles.USUAL))


@blueprint.post("/nouveau")
@requires("staff_users")
@fresh()
def create():
    form = InvitationForm(request.form)
    if form.validate():
        names = form.courriel.data.lower(), form.prenom.data, form.nom.data
        try:
            with db.atomic():
                made = users.invite(*names, form.duties, by(), clock.now(), people())
                audit(
                    "user.invite",
                    on=made,
                    after={"role": made.role.value, "duties": made.duties, "asked": made.asked_duties},
                )
            flash("L’invitation est partie\u00a0: le lien est valable sept jours." + said_of(made), "ok")
            return redirect(url_for(".show", id=made.public_id), 303)
        except Refused as refused:
            form.courriel.errors = [str(refused)]
    return render("staff_user_new", 422, form=form)


def people():
    return current_app.settings.people_to_confirm


def said_of(made):
    return f" {ASKED}" if made.asked_duties is not None else ""
