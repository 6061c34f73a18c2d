"""What the mutual holds on somebody, given to who answers for it: from the person's file to the archive."""

import io
import json
import zipfile

from playwright.sync_api import expect

from portal.models import AuditEvent, Beneficiary, Movement, Reading, UserRole
from tests import factories
from tests.journeys.browser import axe, same_after_reload, settled, sign_in


def heading(page, text):
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_everything_that_is_held_on_a_person_is_exported_once_it_is_sure_who_asks(page, hr, at):
    person = hr.beneficiaries().order_by(Beneficiary.id).first()
    Movement.create(category=person.category, beneficiary=person, kind="NAME", label=person.full_name, author_id=hr.id)
    admin = factories.user(UserRole.ADMIN, first_name="Odile", last_name="Perrin")
    page.complaints.expects(403, 422)
    sign_in(page, admin)
    page.goto(f"/gestion/dossiers?q={person.member_number}")
    page.get_by_role("main").locator(f'a[href*="/gestion/personnes/{person.public_id}"]').first.click()
    page.get_by_role("link", name="Exporter ses données").click()
    heading(page, f"Exporter les données de {person.full_name}")
    axe(page)
    same_after_reload(page)
    page.get_by_role("button", name="Exporter ses données").click()
    expect(page.get_by_role("alert")).to_contain_text("Choisissez pourquoi ces données sont exportées.")
    assert page.title().startswith("Erreur")
    at(minutes=11)
    page.get_by_text("La personne demande ses données (droit d’accès)").click()
    page.get_by_role("button", name="Exporter ses données").click()
    heading(page, "Confirmez que c’est bien vous")
    axe(page)
    page.get_by_label("Votre mot de passe").fill("pas le bon du tout")
    page.get_by_role("button", name="Confirmer").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce n’est pas votre mot de passe")
    assert not AuditEvent.select().where(AuditEvent.action == "person.export").exists()
    page.get_by_label("Votre mot de passe").fill(factories.PASSWORD)
    with page.expect_download() as given:
        page.get_by_role("button", name="Confirmer").click()
    assert given.value.suggested_filename.startswith(f"donnees-{person.member_number}-")
    looked_at(given.value.path(), person)
    event = AuditEvent.get(AuditEvent.action == "person.export")
    assert (event.user_id, event.object_id, event.after) == (admin.id, str(person.public_id), {"reason": "ACCESS"})
    history(page, person)


def looked_at(path, person):
    """The archive opens, and tells of the person in words and in tables."""
    with open(path, "rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        assert archive.testzip() is None
        assert person.full_name in archive.read("resume.html").decode()
        assert [one["kind"] for one in json.loads(archive.read("donnees/movement.json"))] == ["NAME"]
        assert json.loads(archive.read("donnees/beneficiary.json"))[0]["member_number"] == person.member_number


def history(page, person):
    """Who opened the file is told there, to who reads the trail."""
    page.goto(f"/gestion/personnes/{person.public_id}")
    page.get_by_label("Afficher", exact=True).select_option(label="Consultations par la mutuelle")
    if not page.js:
        page.get_by_role("button", name="Filtrer").click()
    expect(page.get_by_role("main")).to_contain_text("Page ouverte")
    expect(page.get_by_role("main")).to_contain_text("Odile PERRIN")
    settled(page)
    axe(page)
    assert {one.endpoint for one in Reading.select()} >= {"staff_dossiers.person", "staff_dossiers.ask_export"}
