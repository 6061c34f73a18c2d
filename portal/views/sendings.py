"""« Documents »: what a company sends to the mutual, and what it sent, with its state."""

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import clock, sendings
from portal.access import audit, requires
from portal.forms.sendings import SendingFilter, SendingForm
from portal.models import BankDetails, EmployeeCategory, Sending, db
from portal.prepared import written_once
from portal.rendering import Page, page_size, posted, render
from portal.rules import sendings as rules
from portal.views import files, presence, sent
from portal.views.recording import TWICE, by
from portal.views.scope import current_scope

blueprint = Blueprint("sendings", __name__, url_prefix="/documents")

LATEST_FIRST = Sending.sent_at.desc(), Sending.id.desc()


@blueprint.get("")
@requires("documents")
def index():
    return page(form_for(None))


def form_for(typed):
    """Of the chosen account; None when none is chosen. The company of the scope is chosen already."""
    scope = current_scope()
    if not scope.account:
        return None
    account = scope.account.account_id
    companies = current_user.companies_of(account, EmployeeCategory.MOST_OFFERED)
    whole = current_user.sees_whole(account)
    checks = {"pays_from": pays_from} | presence.asked()
    form = SendingForm(typed, companies, clock.today(), current_app.settings.kbis_months, whole, **checks)
    if typed is None and not scope.is_whole_account:
        form.entreprise.data = scope.chosen[0].company_code
    return form


def pays_from(company, iban):
    """The mutual has this very account for a company that the user sees whole."""
    details = current_user.bank_details().where(BankDetails.company == company, BankDetails.in_force()).first()
    return details is not None and details.unseal() == iban


def page(form, status=200):
    narrowing = SendingFilter(request.args)
    ids = narrowing.narrow(in_scope(), **narrowing.asked()).select(Sending.id).order_by(*LATEST_FIRST)
    listed = Page(ids, page_size(current_user.rows_per_page), rows=read)
    return render("sendings", status, form=form, narrowing=narrowing, page=listed)


def read(cut):
    """Rows of a page, from the query of its ids."""
    return sent.tell(whole(cut))


@written_once(db)
def whole(ids):
    return Sending.listed(ids).order_by(*LATEST_FIRST)


def in_scope():
    scope, found = current_scope(), current_user.sendings()
    if not scope.account:
        return found
    found = found.where(Sending.account == scope.account.account_id)
    chosen = {row.company_id for row in scope.chosen}
    return found if scope.is_whole_account else found.where(Sending.company.in_(chosen))


@blueprint.post("")
@requires("documents")
@files.takes_files
def create():
    form = form_for(posted())
    if form is None:
        flash("Choisissez d’abord le compte : un document est celui d’une entreprise.", "warn")
        return redirect(url_for("sendings.index"), 303)
    account = current_scope().account.account_id
    files.take_in(form.fichiers, account=account)
    if not form.validate():
        return page(form, 422)
    try:
        made = keep(form, account)
    except IntegrityError:  # the same form, sent twice
        made = []
    say(made, form)
    return redirect(url_for("sendings.index"), 303)


def keep(form, account):
    """In one transaction: what was sent, what it asks for, and who is told of it."""
    now = clock.now()
    with db.atomic():
        made = sendings.send(form.draft(account), form.fichiers.files, by(), now, form.key)
        for row in made:
            about = {"type": row.document_type, "company": form.company and form.company.code}
            audit("sending.send", on=row, account=account, after=about)
        if made and form.of(rules.BANK_DETAILS):
            sendings.propose(made[0], form.titulaire.data, form.iban.data, form.bic.data, now)
    return made


def say(made, form):
    if not made:
        flash(TWICE, "info")
    elif form.of(rules.BANK_DETAILS):
        flash("C’est reçu. L’ancien compte reste en vigueur jusqu’à ce que la mutuelle confirme le nouveau.", "ok")
    else:
        flash("C’est reçu. L’avis de la mutuelle s’affichera ici, et un courriel vous le dira.", "ok")
