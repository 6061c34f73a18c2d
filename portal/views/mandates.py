"""« Mandats de prélèvement »: of each company of the scope; one is prepared, signed, downloaded, revoked."""

from types import SimpleNamespace

from flask import Blueprint, abort, current_app, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, mandates, signing
from portal.access import audit, refuse_while, requires
from portal.formats import email_masked, plural
from portal.forms.guests import CodeForm
from portal.forms.mandates import MandateForm, SignatureForm
from portal.models import BankDetails, Company, ManagedAccount, MandateState, SepaMandate, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.rules import mandates as rules
from portal.signing import Tried
from portal.views.document_files import given
from portal.views.guest_signature import SAID
from portal.views.recording import TWICE, by, unless_overtaken
from portal.views.scope import current_scope

blueprint = Blueprint("mandates", __name__, url_prefix="/cotisations/mandats")

MEANWHILE = "Quelqu’un a signé ou révoqué ce mandat entre-temps. Voici où il en est."
REPLACED = "La mutuelle a confirmé un autre compte depuis\u00a0: préparez un nouveau mandat, puis abandonnez celui-ci."
# State → what is written, tone, icon.
STATES = {
    MandateState.TO_SIGN: ("À signer", "warn", "writing"),
    MandateState.SIGNED: ("Signé", "ok", "circle-check"),
    MandateState.REVOKED: ("Révoqué", "", "ban"),
    MandateState.EXPIRED: ("Expiré", "danger", "alert-triangle"),
}


@blueprint.get("")
@requires("money")
def index():
    companies = in_scope().order_by(ManagedAccount.name_key, Company.label, Company.id)
    return render("mandates", page=Page(companies, page_size(current_user.rows_per_page), rows=tell))


def in_scope():
    """The companies of the scope that the user sees whole: a mandate binds all of one."""
    companies = current_user.companies().select(Company, ManagedAccount).join(ManagedAccount)
    return in_chosen(companies.where(Company.id.in_(current_user.whole_company_ids())), Company.id)


def in_chosen(found, company):
    """Those of the companies that are chosen on screen."""
    scope = current_scope()
    return found.where(company.in_([row.company_id for row in scope.chosen])) if scope.account else found


def tell(companies):
    """Each company with its account on file and its last mandates, the latest first."""
    companies = list(companies)
    found: dict[int, list] = {}
    kept = SepaMandate.whole(current_user.mandates().where(SepaMandate.company.in_([one.id for one in companies])))
    for row in kept.order_by(SepaMandate.id.desc()):
        found.setdefault(row.company_id, []).append(told(row))
    accounts = on_file(companies)
    return [
        SimpleNamespace(company=one, bank=accounts.get(one.id), mandates=found.get(one.id, [])) for one in companies
    ]


def on_file(companies):
    """Company → its bank details in force."""
    ids = [company.id for company in companies]
    details = current_user.bank_details().where(BankDetails.company.in_(ids), BankDetails.in_force())
    return {one.company_id: one for one in details}


def told(row):
    state = row.state_on(clock.today())
    words, tone, icon = STATES[state]
    if state == MandateState.REVOKED and row.signed_at is None:
        words = "Abandonné"
    until = row.signed_at and rules.lapses_on(row.last_used_on or clock.day_of(row.signed_at))
    return SimpleNamespace(
        row=row, state=state, words=words, tone=tone, icon=icon, until=until, scheme=rules.SCHEMES[row.scheme][0]
    )


# ── Prepared ─────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.get("/nouveau")
@requires("mandate")
def new():
    form, _ = asked(None, entreprise=request.args.get("entreprise"))
    if len(form.entreprise.choices) == 0 or form.entreprise.choices[-1].value == "":
        flash("Aucun compte bancaire confirmé : envoyez d’abord un RIB, dans « Documents ».", "warn")
        return redirect(url_for(".index"), 303)
    return render("mandate_new", form=form)


def asked(typed, **given):
    """(the form, company code → bank details in force)"""
    companies = list(in_scope().order_by(Company.label, Company.id))
    accounts = on_file(companies)
    ready = {one.code: (one.label, accounts[one.id]) for one in companies if one.id in accounts}
    form = MandateForm(typed, [(code, f"{label} ({code})") for code, (label, _) in ready.items()], **given)
    return form, {code: details for code, (_, details) in ready.items()}


@blueprint.post("/nouveau")
@requires("mandate")
def create():
    form, accounts = asked(request.form)
    if not form.validate():
        return render("mandate_new", 422, form=form)
    words = (form.schema.data, form.adresse.data, current_app.settings.creditor)
    try:
        with db.atomic():
            row = mandates.begin(accounts[form.entreprise.data], *words, by(), clock.now(), form.key)
            audit("mandate.begin", on=row, account=row.company.account_id, after={"scheme": row.scheme})
    except IntegrityError:  # the same form, sent twice
        flash(TWICE, "info")
        return redirect(url_for(".index"), 303)
    return redirect(url_for(".show", id=row.public_id), 303)


def found(id):
    return get_or_404(SepaMandate.whole(current_user.mandates()), SepaMandate.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("money")
def show(id):
    return page(found(id))


def page(row, status=200, signing_form=None, code_form=None):
    now = clock.now()
    waits = row.state == MandateState.TO_SIGN and row.signer_id == current_user.id and signing.is_waited_for(row, now)
    forms = {"form": signing_form or SignatureForm(None, current_user), "code_form": code_form or CodeForm(None)}
    sent_to = email_masked(current_user.identifier)
    return render("mandate", status, one=told(row), waits=waits, sent_to=sent_to, wait=signing.pause(row, now), **forms)


# ── Signed ───────────────────────────────────────────────────────────────────────────────────────────────────────


@blueprint.post("/<uuid:id>/code")
@requires("mandate")
def send(id):
    """The name and the place are right: a code goes to who is signed in."""
    row, form = to_sign(id), SignatureForm(request.form, current_user)
    if not mandates.is_on_file(row):
        flash(REPLACED, "warn")
        return redirect(url_for(".show", id=id), 303)
    if not form.validate():
        return page(row, 422, signing_form=form)
    wait = mandates.send_code(row, form.signature.data, form.lieu.data, by(), clock.now())
    if wait > signing.PAUSE.total_seconds():
        refuse_while(wait)
    if wait:
        flash(f"Un code est déjà parti. Pour un autre, patientez {plural(wait, 'seconde')}.", "info")
    else:
        audit("mandate.code", on=row, account=row.company.account_id)
    return redirect(url_for(".show", id=id), 303)


def to_sign(id):
    row = found(id)
    return row if row.state == MandateState.TO_SIGN else abort(404)


@blueprint.post("/<uuid:id>/signature")
@requires("mandate")
def sign(id):
    row, form, now = to_sign(id), CodeForm(request.form), clock.now()
    if not form.validate():
        return page(row, 422, code_form=form)
    tried = signing.try_code(row, form.code.data, now) if row.signer_id == current_user.id else Tried.OVER
    if tried != Tried.RIGHT:
        audit("mandate.code_refused", on=row, account=row.company.account_id, after={"code": tried})
        form.code.errors = [SAID[tried]]
        return page(row, 422, code_form=form)

    def act(now):
        mandates.sign(row, by(), now)
        return "Le mandat est signé. Il se prépare en PDF."

    meanwhile = MEANWHILE if mandates.is_on_file(row) else REPLACED
    return decide(row, "mandate.sign", act, meanwhile, after={"scheme": row.scheme})


def decide(row, action, act, meanwhile=MEANWHILE, after=None):
    unless_overtaken(act, action, row, row.company.account_id, meanwhile, after)
    return redirect(url_for(".show", id=row.public_id), 303)


@blueprint.post("/<uuid:id>/revocation")
@requires("mandate")
def revoke(id):
    row = found(id)
    seen = SignatureForm(request.form, current_user).seen

    def act(now):
        mandates.revoke(row, seen, now)
        return "Plus aucun prélèvement ne partira avec ce mandat."

    return decide(row, "mandate.revoke", act)


@blueprint.post("/<uuid:id>/pdf")
@requires("money")
def pdf(id):
    row = found(id)
    return given(row.document or abort(404), "mandate.download", url_for(".show", id=id))
