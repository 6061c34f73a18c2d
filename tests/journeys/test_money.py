"""What accounting does: read a statement's changes, dispute a line, put due dates in a calendar, simulate a hire."""

import pytest
from playwright.sync_api import expect

from portal import clock, documents
from portal.models import ContributionStatement, Document
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, path, same_after_reload, settled, sign_in


@pytest.fixture
def reader(page):
    """Somebody left, somebody came, and the price is known."""
    user = scenery.roster()
    contract = user.contracts().first()
    factories.tariff(contract)
    came, stays, left = [factories.beneficiary(contract, name) for name in ("Arbez", "Mermet", "Zimmer")]
    factories.lines(factories.statement(contract, months_ago=2), [stays, left])
    factories.lines(factories.statement(contract, months_ago=1), [stays, came])
    sign_in(page, user)
    return page


def test_a_statement_tells_what_changed_and_a_line_is_disputed(reader):
    last = ContributionStatement.select().order_by(ContributionStatement.id.desc()).get()
    reader.goto("/echeancier")
    reader.get_by_role("link", name=last.number).click()
    expect(reader.get_by_role("heading", level=1)).to_have_text(f"Bordereau {last.number}")
    main = reader.get_by_role("main")
    expect(main).to_contain_text("entrée le")
    expect(main).to_contain_text("sortie le")
    axe(reader)
    same_after_reload(reader)
    reader.get_by_role("group").filter(has_text="Exporter").last.locator("summary").click()
    with reader.expect_download() as download:
        reader.get_by_role("button", name="Texte (.csv)").last.click()
    assert last.number in download.value.suggested_filename
    reader.reload()  # the menu is closed
    reader.get_by_role("link", name="Contester la ligne de Philippe ARBEZ").click()
    expect(reader.get_by_role("heading", level=1)).to_contain_text("demande")
    expect(reader.get_by_role("main")).to_contain_text("ARBEZ")


@pytest.fixture
def waiting(reader, monkeypatch):
    """The PDF of the last statement is asked for, and long: the page tells that it is being made."""
    monkeypatch.setattr(Document, "LONG", 100)
    last = ContributionStatement.select().order_by(ContributionStatement.id.desc()).get()
    reader.goto(f"/echeancier/{last.public_id}")
    reader.get_by_role("button", name="Bordereau (PDF)").click()
    expect(reader.get_by_role("heading", name="Le bordereau se prépare")).to_be_visible()
    return reader


def look_again(page):
    """With JavaScript the region asks by itself."""
    if not page.js:
        page.get_by_role("link", name="Actualiser").click()


def test_a_long_pdf_tells_how_far_it_is_and_can_be_taken_when_it_is_there(waiting):
    region = waiting.get_by_role("region", name="Le bordereau se prépare")
    expect(region).to_contain_text("La mise en page commence")
    axe(waiting)
    Document.update(pages_drawn=1).execute()
    look_again(waiting)
    expect(region).to_contain_text("1 page composée sur 2 environ")
    expect(region.get_by_role("progressbar")).to_have_attribute("value", "1")
    same_after_reload(waiting)
    assert documents.make_long(clock.now(), lambda: False) == 1
    look_again(waiting)
    with waiting.expect_download() as download:
        waiting.get_by_role("button", name="Bordereau (PDF)").click()
    assert download.value.suggested_filename.endswith(".pdf")
    expect(region).to_have_count(0)


def test_a_long_pdf_that_could_not_be_made_is_said_and_asked_again(waiting):
    Document.update(attempts=Document.MOST_ATTEMPTS).execute()
    look_again(waiting)
    expect(waiting.get_by_role("main")).to_contain_text("Le PDF n’a pas pu être préparé.")
    axe(waiting)
    same_after_reload(waiting)
    waiting.get_by_role("button", name="Bordereau (PDF)").click()
    expect(waiting.get_by_role("heading", name="Le bordereau se prépare")).to_be_visible()


def test_a_calendar_gets_an_address_that_is_shown_once_and_stopped(reader):
    factories.statement(reader_contract(), issued_on=clock.today())
    reader.goto("/echeancier")
    reader.get_by_role("link", name="Agenda").click()
    with reader.expect_download() as download:
        reader.get_by_role("button", name="Fichier d’agenda (.ics)").click()
    assert download.value.suggested_filename == "echeances.ics"
    reader.get_by_role("button", name="Créer l’adresse de ce compte").click()
    address = reader.get_by_label("Adresse à coller").input_value()
    axe(reader)
    answer = reader.request.get("/" + address.partition("://")[2].partition("/")[2])
    assert answer.text().startswith("BEGIN:VCALENDAR")
    reader.reload()
    expect(reader.get_by_label("Adresse à coller")).to_have_count(0)
    same_after_reload(reader)
    reader.get_by_role("button", name="Arrêter").click()
    expect(reader.get_by_text("Cette adresse ne donne plus rien")).to_be_visible()
    assert reader.request.get("/" + address.partition("://")[2].partition("/")[2]).status == 404


def reader_contract():
    return ContributionStatement.select().order_by(ContributionStatement.id).first().contract


def test_a_hire_is_simulated_with_a_family(reader):
    number = reader_contract().number
    reader.goto("/cotisations")
    reader.get_by_role("link", name="Et si j’embauche").click()
    reader.get_by_label("Contrat et collège").select_option(number)
    reader.get_by_label("Enfants à couvrir").select_option("2")
    reader.get_by_role("button", name="Calculer").click()
    expect(reader.get_by_role("region", name="Le coût de cette embauche")).to_contain_text("Part du salarié, par mois")
    settled(reader)
    assert "enfants=2" in path(reader)
    axe(reader)
    same_after_reload(reader)
