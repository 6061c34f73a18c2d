"""« Espace documentaire »: who finds what, by folder, by words, new or not; seen safely, taken away one or many."""

import datetime
import importlib
import io
import re
import zipfile

import pytest

from portal import clock, documents, full_text, library, printing, publishing, storage
from portal.formats import sort_key
from portal.models import (
    AuditEvent,
    Document,
    EmployeeCategory,
    LibraryVisit,
    PermissionGrant,
    Publication,
    db,
    document_words,
)
from tests import factories, files
from tests.models.test_documents import SPACE

DAY = datetime.timedelta(days=1)
HOME = "/espace-documentaire"


def shown(client, **arguments):
    return client.get(HOME, query_string=arguments).get_data(as_text=True).replace(SPACE, " ")


def titles(client, **arguments):
    return re.findall(r'aria-label="Cocher ([^"]+)"', shown(client, **arguments))


def certificate(person, title="Attestation d’affiliation, Zoé BARBAUD"):
    about = {"document_type": "AFFILIATION_CERTIFICATE", "account": person.account_id, "beneficiary": person}
    words = {"letters": []}
    return documents.ask("letters", words, clock.now(), title=title, contract=person.contract, **about)


# The door


def test_each_audience_sees_its_own_and_no_other(client, database):
    mine, other = factories.hr_user(), factories.hr_user()
    account = mine.accounts().get()
    college = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id).first()
    to = {
        "à tous": {},
        "au compte": {"audience": "ACCOUNT", "account": account},
        "à l’entreprise": {"audience": "COMPANY", "account": account, "company": college.company_id},
        "au collège": {"audience": "CATEGORY", "account": account, "category": college},
        "à la garantie": {"audience": "PLAN", "plan": college.contracts.first().plan_id},
    }
    for title, values in to.items():
        factories.publication(title, **values)
    client.sign_in(mine)
    assert sorted(titles(client)) == sorted(to)
    client.sign_in(other)
    assert titles(client) == ["à tous"]
    for row in Publication.select().where(Publication.audience != "EVERYONE"):
        for method, path in (("GET", ""), ("GET", "/apercu"), ("POST", "/telechargement")):
            answer = (
                client.open(f"{HOME}/{row.public_id}{path}", method=method)
                if method == "GET"
                else client.post(f"{HOME}/{row.public_id}{path}")
            )
            assert answer.status_code == 404, (row.title, path)
    marks = [f"P{row.public_id}" for row in Publication.select()]
    taken = zipfile.ZipFile(io.BytesIO(client.post(f"{HOME}/telechargement", {"qui": marks}).data))
    assert len(taken.namelist()) == 1


@pytest.mark.parametrize(
    ("level", "seen"), [("category", {"au collège", "à tous"}), ("company", {"au collège", "à tous", "à l’entreprise"})]
)
def test_part_of_an_account_does_not_open_what_is_for_all_of_it(client, database, level, seen):
    whole = factories.hr_user()
    account = whole.accounts().get()
    college = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id).first()
    factories.publication("à tous")
    factories.publication("au compte", audience="ACCOUNT", account=account)
    factories.publication("à l’entreprise", audience="COMPANY", account=account, company=college.company_id)
    factories.publication("au collège", audience="CATEGORY", account=account, category=college)
    narrow = factories.user()
    which = {"category": college} if level == "category" else {"company": college.company_id}
    PermissionGrant.create(user=narrow, account=account, valid_from="2020-01-01", **which)
    client.sign_in(narrow)
    assert set(titles(client)) == seen


def test_what_is_to_come_or_withdrawn_is_not_seen(signed_in):
    today = clock.today()
    factories.publication("demain", published_on=today + DAY)
    gone = factories.publication("retiré")
    leaving = factories.publication("bientôt retiré")
    Publication.update(withdrawn_on=today).where(Publication.id == gone.id).execute()
    Publication.update(withdrawn_on=today + DAY).where(Publication.id == leaving.id).execute()
    assert titles(signed_in) == ["bientôt retiré"]
    assert f"Sera retiré le {today + DAY:%d/%m/%Y}" in shown(signed_in)
    assert signed_in.get(f"{HOME}/{gone.public_id}").status_code == 404
    assert "sera retiré le" in signed_in.get(f"{HOME}/{leaving.public_id}").get_data(as_text=True)


def test_the_scope_narrows_what_is_shown(client, database):
    accounts = [factories.account(name) for name in ("Bois", "Émail")]
    for account in accounts:
        factories.contract(factories.category(factories.company(account)))
        factories.publication(f"pour {account.name}", audience="ACCOUNT", account=account)
    factories.publication("à tous")
    client.sign_in(factories.user(accounts=accounts))
    assert len(titles(client, perimetre="tous")) == 3
    assert sorted(titles(client, perimetre=accounts[0].code)) == ["pour Bois", "à tous"]


# Folders, words, what is new


def test_the_tree_counts_what_is_in_it_and_what_the_portal_prints_stands_there_by_itself(signed_in, hr):
    factories.publication("Bordereau 1", folder="bordereaux_appel/2026")
    factories.publication("Bordereau 2", folder="bordereaux_appel/2025")
    factories.publication("Tableau", folder="GARANTIES")
    certificate(hr.beneficiaries().first())
    text = shown(signed_in)
    tree = re.findall(r'id="folder-([^"]+)".*?</svg>\s*([^<]+)<small>(\d+)', text, flags=re.S)
    assert [(name, count) for _, name, count in tree] == [
        ("racine (tous les dossiers)", "4"),
        ("Attestations", "1"),
        ("bordereaux_appel", "2"),
        ("2025", "1"),
        ("2026", "1"),
        ("GARANTIES", "1"),
    ]
    keys = {name: key for key, name, _ in tree}
    assert sorted(titles(signed_in, dossier=keys["bordereaux_appel"])) == ["Bordereau 1", "Bordereau 2"]
    assert titles(signed_in, dossier=keys["2026"]) == ["Bordereau 1"]
    assert titles(signed_in, dossier="attestations") == ["Attestation d’affiliation, Zoé BARBAUD"]
    assert len(titles(signed_in, dossier="perdu")) == 4


def test_words_are_found_in_names_folders_and_the_text_of_pdfs(signed_in, hr):
    told = printing.letters([letter("Le forfait optique est relevé en janvier.")], "Lettre")
    factories.publication("Nouveautés", content=told)
    factories.publication("Tableau des garanties", folder="GARANTIES")
    certificate(hr.beneficiaries().first())
    assert titles(signed_in, q="forfait") == []
    assert publishing.read_due() == 2
    assert publishing.read_due() == 0
    assert titles(signed_in, q="FORFAIT optiq") == ["Nouveautés"]
    assert titles(signed_in, q="garanties") == ["Tableau des garanties"]
    assert titles(signed_in, q="l’attestation zoe") == ["Attestation d’affiliation, Zoé BARBAUD"]
    assert titles(signed_in, q=hr.contracts().first().number) == ["Attestation d’affiliation, Zoé BARBAUD"]
    assert "Aucun document ne correspond" in shown(signed_in, q="introuvable")


def letter(words):
    return printing.Letter(recipient=["x"], subject="x", paragraphs=[words], on=clock.today())


def test_a_toolbox_narrows_the_tree(signed_in, hr):
    factories.publication("Notice", toolbox="salarie")
    factories.publication("Tableau", toolbox="garantie")
    certificate(hr.beneficiaries().first())
    assert sorted(titles(signed_in, boite="salarie")) == ["Attestation d’affiliation, Zoé BARBAUD", "Notice"]
    assert titles(signed_in, boite="garantie") == ["Tableau"]
    assert len(titles(signed_in, boite="autre")) == 3


def test_what_came_since_the_last_visit_is_new(signed_in, hr, at):
    factories.publication("ancien", now=clock.now() - 40 * DAY)
    factories.publication("récent")
    assert shown(signed_in).count("Nouveau<") == 1
    at(minutes=20)
    assert shown(signed_in).count("Nouveau<") == 1  # the same visit
    at(days=1)
    signed_in.sign_in(hr)
    factories.publication("du lendemain")
    for _ in range(2):
        assert titles(signed_in, nouveau="y") == ["du lendemain"]
    at(days=2)
    signed_in.sign_in(hr)
    assert titles(signed_in, nouveau="y") == []
    assert LibraryVisit.select().count() == 1


def test_looking_again_within_minutes_writes_nothing(signed_in, queries):
    shown(signed_in)
    queries.clear()
    shown(signed_in)
    assert not [sql for sql in queries if sql.startswith(("INSERT", "UPDATE")) and "library_visit" in sql]


@pytest.mark.parametrize("sort", ["nom", "-nom", "date", "-date", "type", "-taille"])
def test_the_list_is_sorted_and_cut(signed_in, hr, sort):
    for number in range(12):
        factories.publication(f"Fiche {number:02}", published_on=clock.today() - number * DAY)
    certificate(hr.beneficiaries().first())
    first, second = titles(signed_in, tri=sort, lignes=10), titles(signed_in, tri=sort, lignes=10, page=2)
    assert (len(first), len(second), len({*first, *second})) == (10, 3, 13)
    if sort.endswith("nom"):
        assert sorted([*first, *second], reverse=sort[0] == "-") == [*first, *second]


def test_a_page_takes_few_statements_however_many_there_are(signed_in, queries):
    for number in range(15):
        factories.publication(f"Fiche {number}", folder=f"Dossier {number}")
    shown(signed_in)
    queries.clear()
    shown(signed_in, lignes=100)
    assert len(queries) <= 12


def test_a_rare_word_is_looked_for_once_and_a_common_one_is_found_whole(signed_in, hr, queries, monkeypatch):
    monkeypatch.setattr(full_text.few, "__defaults__", (3,))
    for number in range(5):
        factories.publication(f"Fiche {number}", folder="Fiches")
    factories.publication("Guide des fiches", folder="Guides")
    certificate(hr.beneficiaries().first(), "Fiche d’affiliation")
    shown(signed_in)
    queries.clear()
    assert titles(signed_in, q="guide") == ["Guide des fiches"]
    assert len([sql for sql in queries if "publication_words" in sql]) == 1
    assert len(titles(signed_in, q="fiche")) == 7
    assert titles(signed_in, q="introuvable") == []


@pytest.mark.parametrize("typed", ["2 94 06 39 478 031 45", "FR76 3000 6000 0112 3456 7890 189"])
def test_a_number_that_is_secret_leaves_the_address(signed_in, typed):
    answer = signed_in.get(HOME, query_string={"q": typed})
    assert answer.headers["Location"] == HOME


# Seen and taken away


def test_a_document_is_seen_where_nothing_runs_and_taken_away_written_down(signed_in, hr):
    row = factories.publication("Fiche")
    seen = signed_in.get(f"{HOME}/{row.public_id}/apercu")
    assert seen.mimetype == "application/pdf" and "sandbox" in seen.headers["Content-Security-Policy"]
    taken = signed_in.post(f"{HOME}/{row.public_id}/telechargement")
    assert taken.data == seen.data and taken.headers["Content-Disposition"].startswith("attachment")
    event = AuditEvent.get(AuditEvent.action == "publication.download")
    assert event.user_id == hr.id


def test_what_runs_is_not_shown_and_one_that_the_portal_printed_is_once_it_is_made(signed_in, hr):
    row = factories.publication("Tableau", content=files.CSV, name="tableau.csv")
    assert signed_in.get(f"{HOME}/{row.public_id}/apercu").status_code == 404
    printed = certificate(hr.beneficiaries().first())
    assert signed_in.get(f"/document/{printed.public_id}/apercu").status_code == 404
    signed_in.post(f"/document/{printed.public_id}/telechargement")
    assert signed_in.get(f"/document/{printed.public_id}/apercu").mimetype == "application/pdf"
    assert f"/document/{printed.public_id}/apercu" in shown(signed_in)


def test_a_selection_a_folder_or_everything_comes_as_a_zip_with_its_folders(signed_in, hr):
    one = factories.publication("Un", folder="GARANTIES/2026", name="un.pdf")
    factories.publication("Deux", folder="GARANTIES", name="deux.pdf")
    printed = certificate(hr.beneficiaries().first())

    def names(data, **address):
        answer = signed_in.post(f"{HOME}/telechargement", data, query_string=address)
        return sorted(zipfile.ZipFile(io.BytesIO(answer.data)).namelist())

    theirs = f"Attestations/{printed.title}.pdf"
    assert names({"qui": [f"P{one.public_id}", f"D{printed.public_id}", "Pxx", ""]}) == [
        theirs,
        "GARANTIES/2026/un.pdf",
    ]
    assert names({"tous": "1"}) == [theirs, "GARANTIES/2026/un.pdf", "GARANTIES/deux.pdf"]
    assert names({"tous": "1"}, dossier="attestations") == [theirs]
    assert names({"tous": "1"}, q="deux") == ["GARANTIES/deux.pdf"]
    event = (
        AuditEvent.select().where(AuditEvent.action == "library.download").order_by(AuditEvent.number.desc()).first()
    )
    assert event.after["documents"] == 1


def test_a_date_in_a_title_makes_no_folder_in_a_zip_nor_in_a_name(signed_in, hr):
    row = certificate(hr.beneficiaries().first(), "Réclamation n° 638353 du 27/11/2026")
    taken = signed_in.post(f"{HOME}/telechargement", {"qui": [f"D{row.public_id}"]})
    [name] = zipfile.ZipFile(io.BytesIO(taken.data)).namelist()
    assert name == "Attestations/Réclamation n° 638353 du 27-11-2026.pdf"
    one = signed_in.post(f"/document/{row.public_id}/telechargement")
    assert "/" not in one.headers["Content-Disposition"]


def test_nothing_ticked_is_said(signed_in):
    factories.publication("Fiche")
    answer = signed_in.post(f"{HOME}/telechargement")
    assert answer.status_code == 303
    assert "Cochez d’abord" in signed_in.get(answer.location).get_data(as_text=True)


def test_too_many_for_one_zip_is_said(signed_in, monkeypatch):
    monkeypatch.setattr(library, "MOST_AT_ONCE", 1)
    for title in ("Un", "Deux"):
        factories.publication(title, folder=title)
    answer = signed_in.post(f"{HOME}/telechargement", {"tous": "1"})
    assert "2 documents, c’est trop" in signed_in.get(answer.location).get_data(as_text=True)


def test_an_earlier_version_remains(signed_in):
    row = factories.publication("Tableau", now=clock.now() - DAY)
    fresh = storage.file_away(io.BytesIO(files.pdf(pages=2)), "tableau-2.pdf", "application/pdf", account=None)
    new, _ = publishing.replace(row, fresh, "Nouveaux forfaits", None, clock.now())
    assert titles(signed_in) == ["Tableau"]
    text = signed_in.get(f"{HOME}/{new.public_id}").get_data(as_text=True)
    assert "Version 2" in text and "Version 1" in text and "Nouveaux forfaits" in text
    old, latest = (signed_in.post(f"{HOME}/{one.public_id}/telechargement").data for one in (row, new))
    assert old != latest and old.startswith(b"%PDF")


def test_home_counts_what_is_in_the_library(signed_in, hr):
    factories.publication("Fiche")
    certificate(hr.beneficiaries().first())
    text = signed_in.get("/").get_data(as_text=True)
    assert re.search(r"<span>Documents</span><strong>2</strong>", text)


def test_each_kind_that_the_portal_prints_has_its_folder_and_what_was_printed_before_is_found(signed_in, hr):
    assert documents.TYPES.keys() == documents.FILED.keys()
    row = certificate(hr.beneficiaries().first())
    document_words.drop(db, [row.id])
    Document.update(title_key="").execute()
    assert titles(signed_in, q="affiliation") == []
    importlib.import_module("portal.migrations.0018_library").enter_documents(db)
    assert titles(signed_in, q="affiliation barbaud") == [row.title]
    assert titles(signed_in, q=row.beneficiary.member_number) == [row.title]
    assert Document.get().title_key == sort_key(row.title)
