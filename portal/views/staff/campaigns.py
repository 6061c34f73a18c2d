"""« Campagnes »: documents that the mutual asks of many at once; what came of each, another last day, its end."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from peewee import IntegrityError

from portal import campaigns, clock
from portal.access import audit, requires
from portal.formats import plural
from portal.forms.campaigns import CampaignForm, ExtensionForm
from portal.models import DocumentCampaign, db
from portal.rendering import Page, get_or_404, page_size, render
from portal.rules import Refused
from portal.rules import proofs as rules
from portal.views.recording import TWICE, by
from portal.views.staff.publications import find

blueprint = Blueprint("staff_campaigns", __name__, url_prefix="/gestion/campagnes")

NOBODY = "Personne ne correspond\u00a0: élargissez les âges, ou choisissez d’autres personnes."
MANY = f"Plus de {campaigns.MOST} personnes correspondent. Ouvrez une campagne par compte, ou resserrez les âges."


@blueprint.get("")
@requires("staff_members")
def index():
    opened = current_user.campaigns().order_by(DocumentCampaign.id.desc())
    page = Page(opened, page_size(current_user.rows_per_page), rows=campaigns.counted)
    return render("staff_campaigns", page=page, documents=rules.PROOFS)


@blueprint.get("/nouvelle")
@requires("staff_members")
def new():
    return show(CampaignForm(None, clock.today(), find))


def show(form, status=200, count=None):
    """`count`: of how many people, once the form is right; then it can be opened."""
    return render("staff_campaign_new", status, form=form, count=count)


@blueprint.post("/nouvelle")
@requires("staff_members")
def create():
    """« Voir combien de personnes » tells and keeps nothing; « Ouvrir la campagne » asks them, once."""
    form, now = CampaignForm(request.form, clock.today(), find), clock.now()
    if current_user.campaigns().where(DocumentCampaign.form_key == form.key).exists() and form.key:
        return back(TWICE, "info")
    if not form.validate():
        return show(form, 422)
    count = campaigns.people(current_user.beneficiaries(), form.wanted, form.today).count()
    if not 0 < count <= campaigns.MOST:
        form.qui.errors = [MANY if count else NOBODY]
        return show(form, 422)
    if request.form.get("etape") != "ouvrir":
        return show(form, count=count)
    try:
        with db.atomic():
            opened = campaigns.open_campaign(
                form.nom.data, form.wanted, current_user.beneficiaries(), by(), now, form.key
            )
            account = form.account.id if form.account else None
            detail = {"document_type": opened.document_type, "asked": opened.asked}
            audit("campaign.open", on=opened, account=account, after=detail)
    except (Refused, IntegrityError):
        form.nom.errors = [campaigns.NAME_TAKEN]
        return show(form, 422)
    asked = plural(opened.asked, "justificatif demandé", "justificatifs demandés")
    return back(f"La campagne est ouverte\u00a0: {asked}. Ceux qui peuvent être joints sont prévenus.")


def back(said, tone="ok"):
    flash(said, tone)
    return redirect(url_for(".index"), 303)


def found(id):
    return get_or_404(current_user.campaigns(), DocumentCampaign.public_id == id)


@blueprint.get("/<uuid:id>")
@requires("staff_members")
def edit(id):
    campaign = found(id)
    return page_of(campaign, ExtensionForm(None, clock.today(), campaign.due_on))


def page_of(campaign, form, status=200):
    [counted] = campaigns.counted([campaign])
    return render("staff_campaign", status, campaign=counted, form=form, documents=rules.PROOFS)


@blueprint.post("/<uuid:id>/prolongation")
@requires("staff_members")
def extend(id):
    campaign = found(id)
    form = ExtensionForm(request.form, clock.today(), campaign.due_on)
    if not campaigns.counted([campaign])[0].can_be_extended:
        return back("Cette campagne est arrêtée ou terminée\u00a0: plus rien n’y est attendu.", "warn")
    if not form.validate():
        return page_of(campaign, form, 422)
    before = {"due_on": campaign.due_on.isoformat()}
    with db.atomic():
        count = campaigns.extend(campaign, form.due_on)
        audit("campaign.extend", on=campaign, before=before, after={"due_on": form.due_on.isoformat(), "rows": count})
    return back(f"La date limite est changée pour {plural(count, 'justificatif')}.")


@blueprint.post("/<uuid:id>/arret")
@requires("staff_members")
def stop(id):
    campaign = found(id)
    with db.atomic():
        count = campaigns.stop(campaign, clock.now())
        audit("campaign.stop", on=campaign, after={"rows": count})
    return back(f"La campagne est arrêtée\u00a0: {plural(count, 'justificatif')} ne sont plus attendus.")
