"""« À traiter » at the mutual: every queue with its number, its age and what is late, in few statements."""

import datetime

import pytest

from portal import clock, proofs
from portal.models import Beneficiary, DocumentRequest, MessageThread, Movement, Sending, UserRole
from portal.rules import proofs as rules
from tests import factories
from tests.views.test_terminations import plain

HOME = "/gestion"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def staff(client, database):
    user = factories.user(role=UserRole.STAFF)
    client.sign_in(user)
    return user


def test_nothing_waits_at_first(client, staff):
    assert plain(client.get(HOME)).count("Rien à faire") == 10


def test_each_queue_has_its_number_its_age_and_what_is_late(client, staff, queries):
    hr = factories.hr_user()
    person = Beneficiary.select().where(Beneficiary.category.in_(hr.category_ids())).first()
    late = factories.thread(hr)
    MessageThread.update(due_on=clock.today() - DAY).where(MessageThread.id == late.id).execute()
    factories.thread(hr)
    factories.thread(hr, state="AWAITING_ANSWER")  # the company's turn
    factories.thread(hr, kind="COMPLAINT", complainant="MEMBER", state="AWAITING_ANSWER")  # its clock never stops
    asked = proofs.ask(person, rules.BANK_DETAILS, "x", proofs.INSURER, clock.now())
    DocumentRequest.update(state="RECEIVED", received_at=clock.now() - 2 * DAY).where(
        DocumentRequest.id == asked.id
    ).execute()
    for kind in ("KBIS", "BANK_DETAILS", "GROUP"):
        Sending.create(account=person.account_id, document_type=kind, author=hr)
    Movement.create(category=person.category_id, beneficiary=person, kind="ADDRESS", before={}, after={})
    factories.registration()
    queries.clear()
    page = plain(client.get(HOME))
    assert len(queries) <= 6, queries
    assert "Demandes À répondre 2" in page and "1 en retard" in page
    for said in (
        "Réclamations À accuser ou à répondre 1",
        "Justificatifs À examiner 1",
        "Inscriptions À accepter, à compléter ou à refuser 1",
        "Coordonnées bancaires À comparer, puis à confirmer 1",
        "Documents d’entreprise Kbis et documents à examiner 2",
        "Mouvements À transmettre au logiciel de gestion 1",
    ):
        assert said in page, said
    assert page.index("Demandes À répondre") < page.index("Réclamations À accuser")  # what is late comes first


def test_its_menu_stands_above_that_of_the_companies(client, staff):
    menu = plain(client.get(HOME)).partition("</nav>")[0]
    assert menu.index("Accueil") < menu.index("Demandes reçues") < menu.index("Salariés / Bénéficiaires")


def test_it_is_the_mutuals_alone(client, database):
    client.sign_in(factories.hr_user())
    assert client.get(HOME).status_code == 403
