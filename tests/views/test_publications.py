"""« Publications » at the mutual: publish to whom it is for, replace, withdraw with the notice of the law."""

import datetime
import io
import zipfile

import pytest

from portal import clock, publishing, storage
from portal.models import (
    AuditEvent,
    EmployeeCategory,
    GroupContract,
    LibraryFolder,
    MessageKind,
    OutboxMessage,
    PermissionGrant,
    Publication,
    StoredFile,
    User,
    UserRole,
)
from tests import factories, files
from tests.models.test_documents import SPACE
from tests.views.test_library import titles

HOME = "/gestion/publications"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def staff(client, database):
    user = factories.user(role=UserRole.STAFF)
    client.sign_in(user)
    return user


def sent(content=None, name="notice.pdf", **boxes):
    """What the form sends: a notice for everyone, in a new folder."""
    boxes = {"titre": "Notice", "nature": "GUIDE", "nouveau": "GUIDES", "pour": "tous", "publie": ""} | boxes
    boxes["publie"] = boxes["publie"] or f"{clock.today():%d/%m/%Y}"
    return boxes | {"fichier": (io.BytesIO(files.pdf() if content is None else content), name)}


def text_of(answer):
    return answer.get_data(as_text=True).replace(SPACE, " ").replace("\u202f", " ")


# Publish


def test_a_document_is_published_read_by_the_worker_and_found(client, staff):
    answer = client.post(f"{HOME}/nouvelle", sent(boite="salarie"))
    assert answer.status_code == 303
    row = Publication.get()
    assert (row.title, row.folder.name, row.toolbox, row.author) == ("Notice", "GUIDES", "salarie", staff)
    assert row.file.attached_at and row.audience == "EVERYONE"
    assert AuditEvent.get(AuditEvent.action == "publication.publish").object_id == str(row.public_id)
    page = text_of(client.get(answer.location))
    assert "Publiée" in page and "Toutes les entreprises" in page
    client.sign_in(factories.hr_user())
    assert titles(client, q="guides notice") == ["Notice"]


def places(account):
    """What to say for each audience: name → boxes."""
    college = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id).first()
    plan = GroupContract.get(GroupContract.category == college).plan
    of_account = {"pour": "compte", "compte": account.code}
    return college, {
        "compte": of_account | {"lieu": "tout"},
        "entreprise": of_account | {"lieu": college.company.code},
        "collège": of_account | {"lieu": college.key},
        "garantie": {"pour": "garantie", "garantie": plan.code},
        "tous": {"pour": "tous"},
    }


def test_each_audience_reads_its_own_and_is_counted(client, staff):
    whole, stranger, narrow = factories.hr_user(), factories.hr_user(), factories.user()
    account = whole.accounts().get()
    college, boxes = places(account)
    PermissionGrant.create(user=narrow, account=account, category=college, valid_from="2020-01-01")
    for name, where in boxes.items():
        assert client.post(f"{HOME}/nouvelle", sent(titre=name, **where)).status_code == 303, name
    expected = {"compte": {whole}, "entreprise": {whole}, "collège": {whole, narrow}, "garantie": {whole, narrow}}
    expected["tous"] = {whole, stranger, narrow}
    for reader in (whole, stranger, narrow):
        client.sign_in(reader)
        seen = set(titles(client))
        assert seen == {name for name, readers in expected.items() if reader in readers}
        marks = [f"P{row.public_id}" for row in Publication.select()]
        taken = zipfile.ZipFile(io.BytesIO(client.post("/espace-documentaire/telechargement", {"qui": marks}).data))
        assert len(taken.namelist()) == len(seen)
    for row in Publication.select():
        assert {user.id for user in User.of_audience(row)} == {user.id for user in expected[row.title]}, row.title


def test_the_same_form_sent_twice_publishes_once(client, staff):
    key = "3b0e8f52-7f2b-4c6e-9c1d-0a1b2c3d4e5f"
    first, second = (client.post(f"{HOME}/nouvelle", sent(form_key=key)) for _ in range(2))
    assert first.location == second.location
    assert (
        Publication.select().count()
        == 1
        == AuditEvent.select().where(AuditEvent.action == "publication.publish").count()
    )


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ({"titre": ""}, "Donnez un titre"),
        ({"titre": "Dossier de 2 94 06 39 478 031 45"}, "N’écrivez ni n°"),
        ({"nature": "AUTRE"}, "Choisissez la nature"),
        ({"nouveau": ""}, "nommez-en un nouveau"),
        ({"nouveau": "../x"}, "Un nom de dossier ne contient"),
        ({"nouveau": "attestations"}, "range déjà ce qu’il établit"),
        ({"pour": "personne"}, "Dites à qui"),
        ({"pour": "compte"}, "Indiquez le code ou le nom du compte"),
        ({"pour": "compte", "compte": "C999999"}, "Aucun compte ne correspond"),
        ({"pour": "garantie", "garantie": "x"}, "Choisissez la garantie"),
        ({"publie": "31/02/2026"}, "31"),
        ({"publie": "01/01/2199"}, "Au plus un an"),
        ({"name": "notice.exe"}, "notice.exe"),
        ({"content": b"MZ not a pdf"}, "notice.pdf"),
    ],
)
def test_a_form_in_error_says_so_and_publishes_nothing(client, staff, boxes, said):
    factories.hr_user()
    answer = client.post(f"{HOME}/nouvelle", sent(**boxes))
    assert answer.status_code == 422 and said in text_of(answer)
    assert not Publication.select().exists() and not LibraryFolder.select().exists()


def test_looking_for_an_account_offers_what_is_within_and_keeps_the_file(client, staff):
    account = factories.hr_user().accounts().get()
    boxes = {"pour": "compte", "compte": account.name, "etape": "chercher"}
    answer = client.post(f"{HOME}/nouvelle", sent(**boxes))
    college = EmployeeCategory.select().where(EmployeeCategory.account == account).first()
    assert answer.status_code == 200
    assert college.key in text_of(answer) and "déjà reçu" in text_of(answer)
    assert not Publication.select().exists()
    kept = {"fichier-gardes": str(StoredFile.get().public_id)}
    again = sent(**boxes | {"etape": "publier", "lieu": college.company.code} | kept)
    del again["fichier"]
    assert client.post(f"{HOME}/nouvelle", again).status_code == 303
    assert Publication.get().company == college.company


def test_a_folder_is_made_within_the_one_that_is_chosen(client, staff):
    client.post(f"{HOME}/nouvelle", sent(titre="Un", nouveau="GARANTIES"))
    parent = LibraryFolder.get()
    for _ in range(2):
        client.post(f"{HOME}/nouvelle", sent(titre="Deux", dossier=str(parent.public_id), nouveau="2026"))
    assert sorted(LibraryFolder.paths().values()) == ["GARANTIES", "GARANTIES/2026"]
    assert client.post(f"{HOME}/nouvelle", sent(dossier=str(parent.public_id), nouveau="")).status_code == 303


def test_what_is_dated_ahead_is_seen_from_that_day_on(client, staff, at):
    client.post(f"{HOME}/nouvelle", sent(publie=f"{clock.today() + 2 * DAY:%d/%m/%Y}"))
    assert "À venir" in text_of(client.get(HOME))
    hr = factories.hr_user()
    client.sign_in(hr)
    assert titles(client) == []
    at(days=2)
    client.sign_in(hr)
    assert titles(client, nouveau="y") == ["Notice"]


# The list


def test_the_list_is_narrowed_by_words_and_state_in_few_statements(client, staff, queries):
    factories.publication("Notice santé")
    factories.publication("À venir", published_on=clock.today() + DAY)
    leaving = factories.publication("Sur le départ")
    publishing.withdraw(leaving, clock.today() + 70 * DAY, "x", clock.now())
    gone = factories.publication("Retirée")
    publishing.take_off(gone, "x", clock.now())

    def listed(**arguments):
        text = text_of(client.get(HOME, query_string=arguments))
        return {row.title for row in Publication.select() if f">{row.title}</a>" in text}

    assert len(listed()) == 4
    assert listed(q="sante") == {"Notice santé"}
    assert listed(etat="publiees") == {"Notice santé", "Sur le départ"}
    assert listed(etat="a-venir") == {"À venir"}
    assert listed(etat="retraits") == {"Sur le départ"}
    assert listed(etat="retirees") == {"Retirée"}
    queries.clear()
    client.get(HOME)
    assert len(queries) <= 10


@pytest.mark.parametrize("path", ["", "/nouvelle"])
def test_companies_publish_nothing(signed_in, path):
    assert signed_in.get(f"{HOME}{path}").status_code == 403
    assert signed_in.post(f"{HOME}/nouvelle", sent()).status_code == 403


# A new version, a withdrawal


def post(client, row, verb, **boxes):
    return client.post(f"{HOME}/{row.public_id}/{verb}", boxes)


def test_a_new_version_takes_the_place_and_the_old_ones_remain(client, staff):
    row = factories.publication("Tableau", folder="GARANTIES")
    file = {"fichier": (io.BytesIO(files.pdf(pages=2)), "tableau-2.pdf")}
    assert post(client, row, "version", note="Nouveaux forfaits", **file).status_code == 303
    fresh = Publication.get(Publication.number == 2)
    assert (fresh.title, fresh.folder, fresh.series) == (row.title, row.folder, row.series)
    assert titles(client) == ["Tableau"]
    assert "Une version plus récente" in text_of(client.get(f"{HOME}/{row.public_id}"))
    file = {"fichier": (io.BytesIO(files.pdf()), "tardif.pdf")}
    answer = post(client, row, "version", note="Trop tard", **file)
    assert "entre-temps" in text_of(client.get(answer.location))
    assert Publication.select().count() == 2
    assert client.get(f"/espace-documentaire/{row.public_id}/apercu").mimetype == "application/pdf"


def test_a_version_without_its_file_or_its_words_is_refused(client, staff):
    row = factories.publication()
    text = text_of(post(client, row, "version"))
    assert "Choisissez le fichier" in text and "ce qui change" in text


def test_a_withdrawal_is_announced_to_readers_and_told_until_its_day(client, staff, at):
    reader, stranger = factories.hr_user(), factories.hr_user()
    row = factories.publication("Fiche", audience="ACCOUNT", account=reader.accounts().get())
    early, day = clock.today() + 30 * DAY, clock.today() + 70 * DAY
    refused = post(client, row, "retrait", retrait=f"{early:%d/%m/%Y}", raison="Périmée")
    assert refused.status_code == 422 and "deux mois avant" in text_of(refused)
    assert not OutboxMessage.select().exists()
    assert post(client, row, "retrait", retrait=f"{day:%d/%m/%Y}", raison="Périmée").status_code == 303
    letter = OutboxMessage.get()
    assert letter.user_id == reader.id != stranger.id and letter.kind == MessageKind.NOTICE.value
    assert f"{day:%d/%m/%Y}" in letter.unseal()["text"] and "jamais" not in letter.unseal()["text"]
    event = AuditEvent.get(AuditEvent.action == "publication.withdraw")
    assert event.after == {"on": f"{day}", "told": 1}
    assert f"Retrait annoncé pour le {day:%d/%m/%Y}" in text_of(client.get(f"{HOME}/{row.public_id}"))
    client.sign_in(reader)
    assert titles(client) == ["Fiche"]
    at(days=70)
    client.sign_in(reader)
    assert titles(client) == []
    assert client.get(f"/espace-documentaire/{row.public_id}").status_code == 404


def test_a_contract_stays_five_years_after_the_membership(client, staff):
    row = factories.publication("Avenant", nature="CONTRACT")
    in_time = clock.today() + 70 * DAY
    ended = clock.today() - 400 * DAY
    boxes = {"retrait": f"{in_time:%d/%m/%Y}", "raison": "Résilié"}
    assert post(client, row, "retrait", **boxes).status_code == 422
    refused = post(client, row, "retrait", fin=f"{ended:%d/%m/%Y}", **boxes)
    assert refused.status_code == 422 and "cinq ans après l’adhésion" in text_of(refused)
    long_ago = clock.today() - 2_000 * DAY
    assert post(client, row, "retrait", fin=f"{long_ago:%d/%m/%Y}", **boxes).status_code == 303


def test_an_announcement_is_taken_back_before_its_day(client, staff):
    row = factories.publication()
    publishing.withdraw(row, clock.today() + 70 * DAY, "x", clock.now())
    assert post(client, row, "maintien").status_code == 303
    assert Publication.get().withdrawn_on is None
    answer = post(client, row, "maintien")
    assert "entre-temps" in text_of(client.get(answer.location))


def test_what_was_published_by_mistake_is_gone_at_once_and_the_version_before_is_back(client, staff):
    row = factories.publication("Tableau")
    factories.publication("Autre")
    stored = storage.file_away(io.BytesIO(files.pdf(pages=2)), "tableau-2.pdf", "application/pdf", account=None)
    fresh, _ = publishing.replace(row, stored, "x", None, clock.now())
    assert post(client, fresh, "erreur").status_code == 422
    assert post(client, fresh, "erreur", erreur="D’une autre entreprise").status_code == 303
    assert AuditEvent.get(AuditEvent.action == "publication.take_off").after == {"why": "D’une autre entreprise"}
    client.sign_in(factories.hr_user())
    assert sorted(titles(client)) == ["Autre", "Tableau"]
    assert client.get(f"/espace-documentaire/{fresh.public_id}/apercu").status_code == 404
    assert client.get(f"/espace-documentaire/{row.public_id}/apercu").status_code == 200


def test_a_version_after_a_mistake_has_a_number_of_its_own(client, staff):
    row = factories.publication("Tableau")

    def version():
        stored = storage.file_away(io.BytesIO(files.pdf(pages=2)), "tableau.pdf", "application/pdf", account=None)
        return publishing.replace(Publication.get_by_id(row.id), stored, "x", None, clock.now())[0]

    publishing.take_off(version(), "x", clock.now())
    assert version().number == 3


def test_the_mutual_still_reads_what_nobody_else_does(client, staff):
    row = factories.publication(published_on=clock.today() + DAY)
    assert client.get(f"/espace-documentaire/{row.public_id}").status_code == 404
    assert client.get(f"{HOME}/{row.public_id}/apercu").mimetype == "application/pdf"
    taken = post(client, row, "telechargement")
    assert taken.data.startswith(b"%PDF")
