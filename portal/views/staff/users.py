"""« Utilisateurs »: who signs in, what each may do; the mutual's staff invited, given roles, accesses closed."""

from types import SimpleNamespace

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user

from portal import clock, factors, users
from portal.access import audit, fresh, requires
from portal.forms.users import DutiesForm, InvitationForm, UserFilter
from portal.models import AuditEvent, SecondFactor, User, UserRole, UserSession, db
from portal.rendering import Page, address, get_or_404, page_size, redirect_whole, render
from portal.rules import Refused, staff_roles
from portal.views import granted
from portal.views.recording import by

blueprint = Blueprint("staff_users", __name__, url_prefix="/gestion/utilisateurs")

GRANTS = 20  # shown of one user


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


def found(id):
    return get_or_404(current_user.users(), User.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_users")
def show(id):
    row = found(id)
    return page(row, DutiesForm(duties=row.duties))


def page(row, form, status=200):
    [one] = tell([row])
    rights = granted.tell(row.grants_with_places().limit(GRANTS + 1))
    has_factor = SecondFactor.of(row).exists()
    return render(
        "staff_user",
        status,
        one=one,
        form=form,
        has_factor=has_factor,
        rights=rights[:GRANTS],
        more=len(rights) > GRANTS,
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
                made = users.invite(*names, form.duties, clock.now())
                audit("user.invite", on=made, after={"role": made.role.value, "duties": form.duties})
            flash("L’invitation est partie\u00a0: le lien est valable sept jours.", "ok")
            return redirect(url_for(".show", id=made.public_id), 303)
        except Refused as refused:
            form.courriel.errors = [str(refused)]
    return render("staff_user_new", 422, form=form)


# ── One of them ──────────────────────────────────────────────────────────────────────────────────────────────────


def act(id, said, action, do):
    """`do(row, now)`: what is written down of it, None when there was nothing to do; Refused with a sentence."""
    row = found(id)
    try:
        with db.atomic():
            noted = do(row, clock.now())
            if noted is not None:
                audit(action, on=row, **noted)
        flash(said if noted is not None else "C’était déjà fait.", "ok" if noted is not None else "info")
    except Refused as refused:
        flash(str(refused), "warn")
    return redirect(url_for(".show", id=id), 303)


@blueprint.post("/<uuid:id>/roles")
@requires("staff_users")
@fresh()
def set_roles(id):
    form = DutiesForm(request.form)

    def do(row, now):
        before, after = users.set_duties(row, form.duties, by())
        return {"before": {"duties": before}, "after": {"duties": after}} if before != after else None

    return act(id, "Les rôles sont enregistrés\u00a0: ils valent dès sa prochaine page.", "user.duties", do)


@blueprint.post("/<uuid:id>/fermeture")
@requires("staff_users")
@fresh()
def close(id):
    return act(
        id,
        "L’accès est fermé, et ses sessions.",
        "user.close",
        lambda row, now: {} if users.close(row, by(), now) else None,
    )


@blueprint.post("/<uuid:id>/reouverture")
@requires("staff_users")
def reopen(id):
    return act(id, "L’accès est rouvert.", "user.reopen", lambda row, now: {} if users.reopen(row, by(), now) else None)


@blueprint.post("/<uuid:id>/lien")
@requires("staff_users")
def send_link(id):
    """A link to choose a password, to the address of the access and to no other."""

    def do(row, now):
        if not row.is_active:
            raise Refused("Cet accès est fermé\u00a0: rouvrez-le d’abord.")
        users.send_link(row, "password", now)
        return {}

    return act(id, "Le lien est parti\u00a0: il est valable 30 minutes.", "user.link", do)


@blueprint.post("/<uuid:id>/sessions")
@requires("staff_users")
def end_sessions(id):
    return act(
        id,
        "Ses sessions sont terminées.",
        "user.end_sessions",
        lambda row, now: {"after": {"sessions": ended}} if (ended := UserSession.end_all(row, now)) else None,
    )


@blueprint.post("/<uuid:id>/double-authentification")
@requires("staff_users")
@fresh()
def reset_factor(id):
    """A telephone that was lost: another application is added at the next sign-in."""

    def do(row, now):
        users.held(row, by())
        if not SecondFactor.of(row).exists():
            return None
        factors.reset(row, now)
        return {}

    return act(id, "La double authentification est remise à zéro.", "factor.reset", do)
