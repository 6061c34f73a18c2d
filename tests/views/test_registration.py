"""« Inscription »: the same for every stranger; once; opened by the contract's contact, or decided by the mutual."""

import datetime
import io
import re
import threading

import pytest
from werkzeug.datastructures import FileStorage

from portal import clock, registrations
from portal.formats import datetime_fr
from portal.models import (
    AuditEvent,
    Beneficiary,
    OutboxMessage,
    Outdated,
    PermissionGrant,
    Registration,
    RegistrationFile,
    StoredFile,
    User,
    UserRole,
    db,
)
from portal.rules import registrations as rules
from portal.rules.rights import ALL, Action
from tests import factories, files
from tests.views.batches import plain

PASSWORD = "cheval correct pile agrafe montagne"
EMAIL = "nora.vidal@example.com"
SIRET = "44306184100047"
COMMON = {"prenom": "Nora", "nom": "Vidal", "organisation": "Scierie du Lac", "telephone": "01 99 00 10 20"}
COMMON |= {"mot_de_passe": PASSWORD, "confirmation": PASSWORD}
DETAILS = {
    "entreprise": {"siret": SIRET, "contrat": "HJ-404"},
    "courtier": {"numero": "07 001 234", "comptes": "Scierie du Lac"},
    "professionnel-de-sante": {"genre": "RPPS", "numero": "10003456786"},
    "multi-compte": {"siret": SIRET, "comptes": "Scierie du Lac, HJ-404"},
}


@pytest.fixture
def contract(database):
    company = factories.company(factories.account(email="Paie@example.com"), siret=SIRET)
    return factories.contract(factories.category(company), number="HJ-404")


def ask(client, email=EMAIL, profession="entreprise"):
    answer = client.post(f"/inscription/{profession}", {"courriel": email})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inscription/envoye")


def last_mail():
    return OutboxMessage.select().order_by(OutboxMessage.id.desc()).get()


def link_of(mail=None):
    return re.search(r"http://localhost(/inscription/lien/\S+)", (mail or last_mail()).unseal()["text"])[1]


def begin(client, email=EMAIL, profession="entreprise"):
    ask(client, email, profession)
    assert client.post(link_of()).headers["Location"] == "/inscription/dossier"


def proof(name="kbis.pdf"):
    return FileStorage(io.BytesIO(files.pdf()), name)


def send(client, profession="entreprise", pieces=True, **typed):
    data = COMMON | DETAILS[profession] | typed
    if pieces:
        data["pieces"] = proof() if pieces is True else pieces
    return client.post("/inscription/dossier", data)


def registered(client, email=EMAIL, profession="entreprise"):
    begin(client, email, profession)
    assert send(client, profession).headers["Location"] == "/inscription/suite"
    return Registration.get(Registration.email == email)


# ── What a stranger reads ────────────────────────────────────────────────────────────────────────────────────────


def test_a_profession_then_an_address(client, database):
    page = client.get("/inscription").get_data(as_text=True)
    for label in ("Espace professionnel de santé", "Espace Courtier", "Espace Entreprise", "Multi Compte"):
        assert label in page
    assert "Sélectionnez" in client.post("/inscription", {}).get_data(as_text=True)
    assert client.post("/inscription", {"profession": "courtier"}).headers["Location"] == "/inscription/courtier"
    assert client.post("/inscription/courtier", {"courriel": "x"}).status_code == 422
    assert client.get("/inscription/plombier").status_code == client.post("/inscription/plombier").status_code == 404


def test_known_waiting_and_unknown_addresses_are_told_apart_by_their_mail_alone(client, hr):
    factories.registration(email="attend@example.com")
    bodies, counted = set(), []
    for email in (hr.identifier, "attend@example.com", "inconnue@example.com"):
        before = (OutboxMessage.select().count(), AuditEvent.select().count())
        ask(client, email)
        counted.append((OutboxMessage.select().count() - before[0], AuditEvent.select().count() - before[1]))
        bodies.add(client.get("/inscription/envoye").get_data(as_text=True))
    assert counted == [(1, 1)] * 3
    assert len(bodies) == 1
    mails = [mail.subject for mail in OutboxMessage.select().order_by(OutboxMessage.id)]
    assert mails == ["Vous avez déjà un accès", "Votre inscription est à l’étude", "Confirmez votre adresse"]
    assert Registration.select().where(Registration.email == hr.identifier).count() == 0


def test_known_and_unknown_addresses_cost_as_many_statements(client, hr, queries):
    ask(client, "premiere@example.com")
    counted = []
    for email in (hr.identifier, "inconnue@example.com"):
        page = client.get("/inscription/entreprise").get_data(as_text=True)
        data = {"courriel": email, "csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1]}
        queries.clear()
        client.post("/inscription/entreprise", data)
        counted.append([query for query in queries if "SAVEPOINT" not in query])
    assert len(counted[0]) == len(counted[1])


def test_asked_too_often_an_address_gets_no_more_mail_and_the_page_stays_the_same(client, database):
    for _ in range(8):
        ask(client)
    assert OutboxMessage.select().count() == 5
    assert Registration.select().count() == 1


def test_one_place_asks_for_so_many_addresses_a_day(client, database):
    for number in range(33):
        ask(client, f"a{number}@example.com")
    assert OutboxMessage.select().count() == Registration.select().count() == 30


def test_asking_twice_makes_one_registration_and_the_last_link_alone_works(client, database):
    ask(client)
    first = link_of()
    ask(client, EMAIL.upper(), "courtier")
    assert Registration.select().count() == 1
    assert Registration.get().role == UserRole.BROKER
    assert client.get(first).status_code == 410
    assert client.get(link_of()).status_code == 200


def test_reading_the_link_uses_nothing_and_using_it_works_once_for_a_day(client, app, database, at):
    ask(client)
    link = link_of()
    for _ in range(3):
        assert client.get(link).status_code == 200
    at(hours=25)
    assert client.get(link).status_code == client.post(link).status_code == 410
    at(hours=23)
    assert client.post(link).status_code == 303
    assert client.post(link).status_code == client.get(link).status_code == 410
    assert app.test_client().get("/inscription/dossier").headers["Location"] == "/inscription"


def test_a_link_used_at_the_same_time_by_many_works_for_one(client, database):
    ask(client)
    row, keys = Registration.get(), []

    def use():
        with db.connection_context():
            keys.append(row.use_link(clock.now(), registrations.TYPES_FOR))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([key for key in keys if key]) == 1


def test_neither_link_nor_key_nor_password_stand_in_the_base(client, database):
    begin(client)
    row = Registration.get()
    with client.session_transaction() as browser:
        assert browser["inscription"] not in str(row.__data__)
    registered_page = send(client)
    assert registered_page.status_code == 303
    assert PASSWORD not in str(Registration.get().__data__)


# ── The details ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("profession", DETAILS)
def test_each_profession_gives_its_details_and_waits_for_the_mutual(client, contract, profession):
    row = registered(client, profession=profession)
    assert (row.state, row.role) == ("RECEIVED", registrations.ROLES[profession])
    assert (row.first_name, row.phone, len(row.kept)) == ("Nora", "+33199001020", 1)
    assert "Aucun accès n’est encore ouvert" in client.get("/inscription/suite").get_data(as_text=True)
    assert User.known(EMAIL) is None
    assert client.post("/connexion", {"identifiant": EMAIL, "mot_de_passe": PASSWORD}).status_code == 422
    assert last_mail().subject == "Votre inscription est reçue"


@pytest.mark.parametrize(
    ("profession", "typed", "said"),
    [
        ("entreprise", {"siret": "44306184100048"}, "La clé"),
        ("entreprise", {"contrat": ""}, "Indiquez le numéro"),
        ("entreprise", {"contrat": "<script>"}, "lettres et des chiffres"),
        ("entreprise", {"telephone": "12"}, "téléphone"),
        ("entreprise", {"prenom": "   "}, "Indiquez votre prénom"),
        ("entreprise", {"nom": "\u202e\u200b"}, "Indiquez votre nom"),
        ("entreprise", {"mot_de_passe": "court", "confirmation": "court"}, "15 caractères"),
        ("entreprise", {"mot_de_passe": "scierie du lac encore une fois"}, "contient votre nom"),
        ("entreprise", {"confirmation": "autre"}, "ne sont pas les mêmes"),
        ("courtier", {"numero": "7001234"}, "il en faut 8"),
        ("courtier", {"numero": "01001234"}, "depuis 07"),
        ("courtier", {"comptes": ""}, "Indiquez les entreprises"),
        ("courtier", {"comptes": "1850339478031 16 de ma salariée"}, "sécurité sociale"),
        ("professionnel-de-sante", {"numero": "10003456787"}, "La clé"),
        ("professionnel-de-sante", {"genre": ""}, "Choisissez le numéro"),
        ("professionnel-de-sante", {"genre": "SIRET"}, "Choisissez une des réponses"),
        ("multi-compte", {"siret": "²"}, "chiffres"),
    ],
)
def test_what_is_wrong_is_explained_and_nothing_is_kept(client, contract, profession, typed, said):
    begin(client, profession=profession)
    answer = send(client, profession, **typed)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert Registration.get().state == "CONFIRMED"


def test_what_hides_or_turns_the_letters_of_a_name_is_left_out(client, contract):
    begin(client)
    send(client, prenom="Ire\u0301ne\x01", nom="\u202eladiV\u200b  Roy", organisation="Scierie\u2066 du Lac")
    row = Registration.get()
    assert (row.first_name, row.last_name, row.organisation) == ("Iréne", "ladiV Roy", "Scierie du Lac")


def test_a_proof_is_asked_for_passes_the_gate_and_stays_when_the_form_comes_back(client, contract):
    begin(client)
    assert "Joignez le justificatif" in send(client, pieces=False).get_data(as_text=True)
    refused = send(client, pieces=FileStorage(io.BytesIO(b"MZ"), "kbis.exe"))
    assert "format" in refused.get_data(as_text=True)
    assert send(client, siret="1").status_code == 422
    kept = StoredFile.get()
    assert send(client, pieces=False, **{"pieces-gardes": str(kept.public_id)}).status_code == 303
    assert RegistrationFile.get().file_id == kept.id


def test_the_columns_of_a_registration_are_not_taken_from_the_form(client, contract):
    begin(client)
    send(client, role="admin", state="ACCEPTED", email="x@example.com", user="1", decided_by="1", version="9")
    row = Registration.get()
    assert (row.role, row.state, row.email, row.user_id, row.version) == (UserRole.COMPANY, "RECEIVED", EMAIL, None, 2)


def test_the_form_is_gone_after_two_hours_and_another_link_brings_it_back(client, contract, at):
    begin(client)
    at(minutes=121)
    assert client.get("/inscription/dossier").headers["Location"] == "/inscription"
    ask(client)
    client.post(link_of())
    assert client.get("/inscription/dossier").status_code == 200


# ── Opened by the contact ────────────────────────────────────────────────────────────────────────────────────────


def test_the_contact_of_the_contract_has_the_access_without_the_mutual(client, contract):
    begin(client, "paie@example.com")
    assert send(client).status_code == 303
    assert "Votre accès est ouvert" in client.get("/inscription/suite").get_data(as_text=True)
    user = User.known("paie@example.com")
    assert [account.id for account in user.accounts()] == [contract.category.account_id]
    row = Registration.get()
    assert (row.state, row.decided_by_id, row.user_id, row.password_hash) == ("ACCEPTED", None, user.id, "")
    opened = AuditEvent.get(AuditEvent.action == "registration.open")
    assert opened.after == {"accounts": [contract.category.account.code]}
    assert last_mail().subject == "Votre accès est ouvert"
    assert client.post("/connexion", {"identifiant": "paie@example.com", "mot_de_passe": PASSWORD}).status_code == 303
    assert client.get("/salaries").status_code == 200


@pytest.mark.parametrize("typed", [{"contrat": "HJ-405"}, {"siret": "73282932000074"}])
def test_the_contact_with_another_contract_or_siret_waits_like_everybody(client, contract, typed):
    begin(client, "paie@example.com")
    send(client, **typed)
    assert Registration.get().state == "RECEIVED"
    assert User.known("paie@example.com") is None


def test_a_right_contract_and_a_wrong_one_read_the_same_to_somebody_else(client, app, contract):
    pages = set()
    for number, email in (("HJ-404", "un@example.com"), ("HJ-999", "deux@example.com")):
        browser = app.test_client()
        begin(browser, email)
        send(browser, contrat=number)
        pages.add(browser.get("/inscription/suite").get_data(as_text=True))
    assert len(pages) == 1


# ── At the mutual ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def desk(client, database):
    user = factories.user(role=UserRole.STAFF)
    client.sign_in(user)
    return client


@pytest.fixture
def waiting(app, contract):
    return registered(app.test_client())


def decide(client, row, what, follow=True, **typed):
    data = {"version": row.version} | typed
    return client.post(f"/gestion/inscriptions/{row.public_id}/{what}", data, follow_redirects=follow)


def test_the_desk_lists_those_that_wait_with_their_age_and_counts_them(desk, waiting):
    Registration.update(sent_at=clock.now() - datetime.timedelta(days=3)).execute()
    factories.registration("ASKED", email="pas-encore@example.com", sent_at=None)
    page = desk.get("/gestion/inscriptions").get_data(as_text=True)
    assert "Nora Vidal" in page
    assert "depuis 3\u202fjours" in page or "depuis 3\u00a0jours" in page
    assert "pas-encore" not in page
    assert '<span class="ui-count">1<' in page
    assert "Nora" not in desk.get("/gestion/inscriptions?etat=refusees").get_data(as_text=True)
    assert "Nora" not in desk.get("/gestion/inscriptions?profession=courtier").get_data(as_text=True)


def test_one_is_shown_with_its_checks_and_proofs(desk, waiting, contract):
    page = desk.get(f"/gestion/inscriptions/{waiting.public_id}").get_data(as_text=True)
    assert f"ceux du compte {contract.category.account.name}" in page
    assert "pas celle du contact" in page
    assert contract.category.account.code in page
    piece = waiting.kept[0].public_id
    path = f"/gestion/inscriptions/{waiting.public_id}/piece/{piece}"
    assert desk.get(path).mimetype == "application/pdf"
    assert desk.post(path).headers["Content-Disposition"].startswith("attachment")
    assert AuditEvent.select().where(AuditEvent.action == "registration.download").count() == 1


def test_accepted_the_person_signs_in_with_the_password_they_chose_and_has_these_accounts(app, desk, waiting, contract):
    other = factories.account("Autre")
    codes = f"{contract.category.account.code}\n{other.code.lower()}"
    assert "L’accès est ouvert" in decide(desk, waiting, "acceptation", comptes=codes).get_data(as_text=True)
    user = User.known(EMAIL)
    assert {account.id for account in user.accounts()} == {contract.category.account_id, other.id}
    assert last_mail().subject == "Votre accès est ouvert"
    browser = app.test_client()
    assert browser.post("/connexion", {"identifiant": EMAIL, "mot_de_passe": PASSWORD}).status_code == 303
    event = AuditEvent.get(AuditEvent.action == "registration.accept")
    assert event.object_id == str(waiting.public_id)
    assert event.after == {"accounts": [contract.category.account.code, other.code]}


def test_the_trail_tells_only_what_an_acceptance_opened(desk, waiting, contract):
    there, other = contract.category.account, factories.account("Autre")
    factories.user(identifier=EMAIL, accounts=[there])
    decide(desk, waiting, "acceptation", comptes=f"{there.code}\n{other.code}")
    event = AuditEvent.get(AuditEvent.action == "registration.accept")
    assert event.after == {"accounts": [other.code]}


@pytest.mark.parametrize(("codes", "said"), [("", "au moins un compte"), ("C999999", "Compte inconnu : C999999")])
def test_accounts_must_be_said_and_exist(desk, waiting, codes, said):
    answer = decide(desk, waiting, "acceptation", comptes=codes)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True).replace("\u00a0", " ")
    assert User.known(EMAIL) is None


def test_a_smaller_right_that_was_there_leaves_the_whole_to_be_given(desk, waiting, contract):
    college = contract.category
    there = factories.user(identifier=EMAIL)
    PermissionGrant.create(user=there, account=college.account, category=college, actions=1, valid_from="2020-01-01")
    decide(desk, waiting, "acceptation", comptes=college.account.code)
    assert there.whole_account_ids().count() == 1
    assert PermissionGrant.select().where(PermissionGrant.user == there).count() == 2


def test_what_is_whole_already_is_not_given_twice(desk, waiting, contract):
    there = factories.user(identifier=EMAIL, accounts=[contract.category.account])
    decide(desk, waiting, "acceptation", comptes=contract.category.account.code)
    assert PermissionGrant.select().where(PermissionGrant.user == there).count() == 1


def test_a_wrong_profession_is_put_right_as_long_as_nothing_was_sent(client, database):
    begin(client, EMAIL, "courtier")
    ask(client, EMAIL, "entreprise")
    assert Registration.get().role == UserRole.COMPANY


def test_a_broker_is_not_given_the_rights_to_give(app, desk, contract):
    row = registered(app.test_client(), profession="courtier")
    decide(desk, row, "acceptation", comptes=contract.category.account.code)
    given = PermissionGrant.get(PermissionGrant.user == User.known(EMAIL))
    assert given.actions == ALL & ~Action.MANAGE


def test_a_health_professional_is_given_no_account(app, desk, contract):
    row = registered(app.test_client(), profession="professionnel-de-sante")
    decide(desk, row, "acceptation", comptes=contract.category.account.code)
    user = User.known(EMAIL)
    assert user.role == UserRole.HEALTH_PROFESSIONAL
    assert not PermissionGrant.select().where(PermissionGrant.user == user).exists()


def test_refused_the_person_is_told_why_and_may_ask_again(client, app, desk, waiting):
    page = decide(desk, waiting, "refus", motif="NO_CONTRACT", precision="Vu avec le siège.").get_data(as_text=True)
    assert "refusée" in page
    text = last_mail().unseal()["text"]
    assert "n’a pas de contrat chez nous. Vu avec le siège." in text
    assert (Registration.get().password_hash, User.known(EMAIL)) == ("", None)
    ask(app.test_client())
    assert last_mail().subject == "Confirmez votre adresse"
    assert Registration.select().count() == 2
    assert decide(desk, waiting, "refus", motif="").status_code == 422


def test_asked_for_more_the_person_completes_by_a_new_link_and_waits_again(app, desk, waiting):
    decide(desk, waiting, "complement", **{"plus-version": waiting.version, "plus-motif": "UNREADABLE"})
    assert "n’est pas lisible" in last_mail().unseal()["text"]
    browser, link = app.test_client(), link_of()
    assert "n’est pas lisible" in browser.get(link).get_data(as_text=True)
    browser.post(link)
    page = browser.get("/inscription/dossier").get_data(as_text=True)
    assert "kbis.pdf" in page
    assert "mot_de_passe" not in page
    assert 'value="01 99 00 10 20"' in page.replace("\u00a0", " ")
    assert send(browser).status_code == 303
    row = Registration.get()
    assert (row.state, row.remark, len(row.kept)) == ("RECEIVED", rules.MORE["UNREADABLE"], 2)
    assert f"{row.decided_by.full_name} avait demandé" in plain(desk.get(f"/gestion/inscriptions/{row.public_id}"))
    assert f"Complétée. Demandé : {row.remark}" in plain(desk.get("/gestion/inscriptions"))
    decide(desk, row, "acceptation", comptes=registrations.account_of(row).code)
    assert Registration.get().remark == ""
    assert browser.post("/connexion", {"identifiant": EMAIL, "mot_de_passe": PASSWORD}).status_code == 303


def test_the_accounts_that_a_broker_names_are_told_to_the_desk(desk, contract):
    there, other = contract.category.account, factories.account("Autre")
    asked = f"Scierie Vidal (contrat {contract.number.lower()}), {other.code};\nJura Bois"
    row = factories.registration(role=UserRole.BROKER, number_kind="ORIAS", number="07001234", asked_for=asked)
    page = plain(desk.get(f"/gestion/inscriptions/{row.public_id}"))
    assert f"{there.code} : {there.name}." in page
    assert f"{other.code} : Autre." in page
    assert 'href="/gestion/dossiers"' in page


def test_words_that_name_no_account_are_said_to_name_none(desk, contract):
    row = factories.registration(role=UserRole.MULTI_ACCOUNT_MANAGER, asked_for="Scierie Vidal " * 200)
    assert "Rien de ce qui est demandé n’est un code" in plain(desk.get(f"/gestion/inscriptions/{row.public_id}"))


def test_of_many_accounts_that_are_named_the_first_are_written(desk, contract, queries):
    codes = [factories.account(f"Compte {number}").code for number in range(22)]
    row = factories.registration(
        role=UserRole.BROKER, number_kind="ORIAS", number="07001234", asked_for=" ".join(codes)
    )
    queries.clear()
    page = plain(desk.get(f"/gestion/inscriptions/{row.public_id}"))
    assert len(queries) < 20
    assert page.count(" : Compte ") == 20
    assert "Plus de 20 comptes sont reconnus" in page


def test_once_one_is_decided_the_oldest_that_waits_is_a_click_away(desk, waiting):
    assert "Suivante à décider" not in plain(desk.get(f"/gestion/inscriptions/{waiting.public_id}"))
    hour = datetime.timedelta(hours=1)
    newer = factories.registration(email="b@example.com", last_name="Bazin", sent_at=waiting.sent_at + hour)
    older = factories.registration(email="a@example.com", last_name="Abel", sent_at=waiting.sent_at - hour)
    page = plain(decide(desk, waiting, "refus", motif="UNKNOWN"))
    assert f'href="/gestion/inscriptions/{older.public_id}">Suivante à décider : Nora Abel' in page
    assert str(newer.public_id) not in page
    for row in (older, newer):
        page = plain(decide(desk, Registration.get_by_id(row.id), "refus", motif="UNKNOWN"))
    assert "Suivante à décider" not in page


def test_two_of_the_staff_at_once_the_second_is_warned_and_nothing_is_done_twice(desk, waiting, contract):
    code = contract.category.account.code
    decide(desk, waiting, "acceptation", comptes=code)
    mails = OutboxMessage.select().count()
    for what, typed in (
        ("acceptation", {"comptes": code}),
        ("refus", {"motif": "UNKNOWN"}),
        ("complement", {"plus-version": waiting.version, "plus-motif": "OLD"}),
    ):
        assert "a déjà décidé" in decide(desk, waiting, what, **typed).get_data(as_text=True)
    assert OutboxMessage.select().count() == mails
    assert Registration.get().state == "ACCEPTED"
    with pytest.raises(Outdated):
        registrations.refuse(waiting, "x", None, clock.now(), waiting.version)


def test_somebody_invited_meanwhile_keeps_their_access_and_gets_the_accounts(desk, waiting, contract):
    user = factories.user(identifier=EMAIL)
    before = user.password_hash
    assert "a un accès depuis" in desk.get(f"/gestion/inscriptions/{waiting.public_id}").get_data(as_text=True)
    decide(desk, waiting, "acceptation", comptes=contract.category.account.code)
    assert User.known(EMAIL).password_hash == before
    assert user.accounts().count() == 1


def read(desk, row):
    answer = desk.get(f"/gestion/inscriptions/{row.public_id}")
    return answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")


def test_once_accepted_the_page_says_by_whom_when_and_what_was_opened(desk, waiting, contract):
    account, had = contract.category.account, factories.account("Compte déjà donné")
    there = factories.user(identifier=EMAIL, accounts=[had])
    assert "La décision" not in read(desk, waiting)
    decide(desk, waiting, "acceptation", comptes=f"{account.code} {had.code}")
    row, page = Registration.get(), read(desk, waiting)
    assert f"<dd>{row.decided_by.full_name}</dd>" in page
    assert f"<dd>{datetime_fr(row.settled_at)}</dd>".replace("\u00a0", " ").replace("\u202f", " ") in page
    opened = page.partition("Accès ouverts</h3>")[2].partition("</ul>")[0]
    assert account.name in opened and "tous les droits" in opened and "En vigueur" in opened
    assert had.name not in opened
    PermissionGrant.delete().where(PermissionGrant.user == there, PermissionGrant.account == account).execute()
    assert "ils ont été repris depuis" in read(desk, waiting)


def test_of_many_accounts_the_first_are_shown_and_the_others_counted(desk, waiting):
    codes = [factories.account(f"Compte {number}").code for number in range(23)]
    decide(desk, waiting, "acceptation", comptes=" ".join(codes))
    assert "Et 3 autres comptes" in read(desk, waiting)


def test_once_refused_the_page_says_by_whom_and_why(desk, waiting):
    decide(desk, waiting, "refus", motif="NO_CONTRACT", precision="Vu avec le siège.")
    row, page = Registration.get(), read(desk, waiting)
    assert f"<dd>{row.decided_by.full_name}</dd>" in page
    assert "n’a pas de contrat chez nous. Vu avec le siège.</dd>" in page
    assert "Accès ouverts" not in page
    Registration.update(decided_by=None).execute()
    assert "<dd>la mutuelle</dd>" in read(desk, waiting)


def test_asked_for_more_the_page_says_by_whom_and_what(desk, waiting):
    decide(desk, waiting, "complement", **{"plus-version": waiting.version, "plus-motif": "UNREADABLE"})
    page = read(desk, waiting)
    assert "Le complément demandé" in page
    assert "n’est pas lisible" in page


def test_what_the_contact_opened_says_so(client, app, contract):
    begin(client, "paie@example.com")
    send(client)
    desk = app.test_client()
    desk.sign_in(factories.user(role=UserRole.STAFF))
    page = read(desk, Registration.get())
    assert "<dd>le contact du contrat, par courriel</dd>" in page
    assert contract.category.account.name in page.partition("Accès ouverts</h3>")[2]


def test_nothing_is_seen_before_the_mutual_decides(client, app, contract):
    factories.beneficiary(contract)
    registered(app.test_client())
    assert User.select().where(User.identifier == EMAIL).count() == PermissionGrant.select().count() == 0
    assert Beneficiary.select().count() == 1


# ── Forgotten ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        *(("ASKED", 29, True), ("ASKED", 31, False), ("CONFIRMED", 31, False)),
        *(("INCOMPLETE", 89, True), ("INCOMPLETE", 91, False), ("RECEIVED", 400, True)),
        *(("REFUSED", 364, True), ("REFUSED", 366, False), ("ACCEPTED", 366, False)),
    ],
)
def test_what_nobody_finishes_and_what_is_old_is_forgotten_with_its_files(database, state, days, stays):
    now, then = clock.now(), clock.now() - datetime.timedelta(days=days)
    settled = then if state in ("REFUSED", "ACCEPTED") else None
    row = factories.registration(state, touched_at=then, settled_at=settled)
    file = StoredFile(holder=row.holder, size=1, mime_type="application/pdf", scan="OURS", digest="a" * 64)
    file.seal("name", "x.pdf")
    file.save(force_insert=True)
    file.attach()
    RegistrationFile.create(registration=row, file=file)
    assert Registration.purge(now) == (not stays)
    assert Registration.select().exists() == stays
    assert StoredFile.select().where(StoredFile.dropped_at.is_null()).exists() == stays
