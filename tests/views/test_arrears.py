"""« Impayés »: who owes, since when, what the law allows on which day; a notice given once; a branch's scheme."""

import datetime

import pytest

from portal import arrears, clock, documents
from portal.models import (
    AuditEvent,
    ContributionStatement,
    Document,
    FormalNotice,
    GroupContract,
    PermissionGrant,
    UserRole,
)
from portal.rules.rights import ALL, Action
from tests import factories
from tests.models.test_documents import text_of
from tests.views.test_terminations import plain

HOME = "/gestion/impayes"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def contract(hr):
    found = hr.contracts().first()
    owing(found, 40, 120_000)
    owing(found, 9, 30_000)
    factories.statement(found, issued_on=clock.today() - DAY, due_on=clock.today() + 20 * DAY)  # not late
    return found


def owing(contract, days, total):
    day = clock.today() - days * DAY
    return factories.statement(contract, total, issued_on=day, due_on=day)


@pytest.fixture
def desk(client, database):
    client.sign_in(factories.user(role=UserRole.STAFF))
    return client


def give(client, contract):
    return plain(client.post(f"{HOME}/{contract.public_id}/mise-en-demeure", follow_redirects=True))


def test_who_owes_is_listed_with_the_sum_the_age_and_the_first_day_of_the_notice(desk, contract, queries):
    factories.hr_user()
    queries.clear()
    page = plain(desk.get(HOME))
    assert len(queries) <= 6, queries
    assert "1 500,00 €" in page and "2 bordereaux" in page and "40 jours" in page
    assert f"Mise en demeure possible depuis le {clock.today() - 29 * DAY:%d/%m/%Y}" in page


def test_a_notice_is_given_once_printed_and_filed_with_the_days_that_follow(desk, contract, app):
    assert "La mise en demeure est établie" in give(desk, contract)
    assert "Mettre en demeure" not in (page := plain(desk.get(HOME)))
    assert f"Suspension possible dès le {clock.today() + 30 * DAY:%d/%m/%Y}" in page
    assert f"résiliation dès le {clock.today() + 40 * DAY:%d/%m/%Y}" in page
    assert "était déjà établie" in give(desk, contract)
    notice = FormalNotice.get()
    letter = desk.post(f"/document/{notice.document.public_id}/telechargement")  # made at the first download
    assert (letter.status_code, letter.mimetype) == (200, "application/pdf")
    assert (FormalNotice.select().count(), notice.amount) == (1, 150_000)
    assert AuditEvent.select().where(AuditEvent.action == "arrears.notice").count() == 1
    documents.make_due(clock.now())
    said = text_of(Document.get_by_id(notice.document_id).file)
    said = "".join(said.split())
    assert "L221-8" in said and "1500,00" in said and f"{clock.today() + 30 * DAY:%d/%m/%Y}" in said


def test_a_scheme_that_a_branch_imposes_is_never_said_to_be_suspended(desk, contract):
    desk.post(f"{HOME}/{contract.public_id}/branche", {"branche": "oui"})
    assert GroupContract.get_by_id(contract.id).is_branch_mandated
    give(desk, contract)
    page = plain(desk.get(HOME))
    assert "Ni suspension, ni résiliation" in page and "Suspension possible" not in page
    documents.make_due(clock.now())
    said = text_of(Document.get_by_id(FormalNotice.get().document_id).file)
    assert "accord de branche" in said and "majorations" in said
    desk.post(f"{HOME}/{contract.public_id}/branche", {"branche": "non"})
    assert not GroupContract.get_by_id(contract.id).is_branch_mandated


def test_no_notice_before_its_day_nor_for_what_was_paid(desk, hr):
    contract = hr.contracts().first()
    owed = owing(contract, 10, 50_000)
    assert "n’est possible qu’à partir du" in give(desk, contract)
    ContributionStatement.update(settled=50_000).where(ContributionStatement.id == owed.id).execute()
    assert "ne doit plus rien" in give(desk, contract)
    assert not FormalNotice.select().exists()
    assert "Aucun impayé" in plain(desk.get(HOME))


def test_once_the_oldest_is_paid_another_notice_is_needed(desk, contract, hr):
    give(desk, contract)
    ContributionStatement.update(settled=ContributionStatement.total).where(
        ContributionStatement.due_on == clock.today() - 40 * DAY
    ).execute()
    found = arrears.of_contract(contract, hr.statements(), clock.today())
    assert (found.notice, found.amount) == (None, 30_000)


def test_the_letter_is_read_with_contributions_alone(desk, contract, hr):
    give(desk, contract)
    assert hr.documents().where(Document.document_type == "FORMAL_NOTICE").count() == 1
    PermissionGrant.update(actions=ALL & ~Action.MONEY).where(PermissionGrant.user == hr).execute()
    assert hr.documents().where(Document.document_type == "FORMAL_NOTICE").count() == 0


def test_a_company_reaches_none_of_it(signed_in, contract):
    assert signed_in.get(HOME).status_code == 403
    assert signed_in.post(f"{HOME}/{contract.public_id}/mise-en-demeure").status_code == 403
