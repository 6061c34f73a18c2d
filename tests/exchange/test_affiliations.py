"""A file of affiliations from its reading to the people it makes: recognised, staged, mended, confirmed, once each."""

import csv
import datetime
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import uuid

import pytest

from portal import clock, tasks
from portal.exchange import affiliation_check, confirming, recognising, staging
from portal.exchange.affiliation_cells import COLUMNS
from portal.exchange.many import draw_uuid
from portal.models import (
    AffiliationImport,
    Beneficiary,
    BeneficiaryRole,
    DocumentRequest,
    ImportRow,
    ImportState,
    Movement,
    MovementState,
    OutboxMessage,
    PermissionGrant,
    db,
    vault,
)
from portal.rules.identifiers import nir_key
from tests import factories

TITLES = [getattr(column, "title", column) for column in COLUMNS]


def nir(number, birth="8001", sex=1):
    body = f"{sex}{birth}39478{number:03}"
    return body + nir_key(body)


def words(contract, number=1, **others):
    """The cells of an employee by title, right unless told otherwise."""
    category = contract.category
    return {
        "Type": "Salarié",
        "Matricule": f"M{number}",
        "Civilité": "M.",
        "Nom": f"Nouveau{number}",
        "Prénom": "Paul",
        "Date de naissance": "15/01/1980",
        "Sexe": "M",
        "N° S. Sociale": nir(number),
        "Code Entreprise": category.company.code,
        "Code collège": category.code,
        "Garantie": contract.plan.code,
        "Date d'effet": f"{clock.today():%d/%m/%Y}",
        "N°": "3",
        "Rue": "rue Pasteur",
        "Code Postal": "39100",
        "Ville": "Dole",
    } | others


def child(contract, number=1, name="Léa", **others):
    person = words(contract, number, Type="Enfant", Sexe="F", Civilité="Mme", Prénom=name, Situation="À charge")
    inherited = ("Code Entreprise", "Code collège", "Garantie", "Date d'effet", "N°", "Rue", "Code Postal", "Ville")
    for title in ("N° S. Sociale", *inherited):
        person[title] = ""
    return person | {"Date de naissance": "02/02/2015"} | others


def file_of(*rows):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(TITLES)
    writer.writerows([row.get(title, "") for title in TITLES] for row in rows)
    return text.getvalue().encode()


def sent(hr, *rows, data=None, account=None):
    data = data or file_of(*rows)
    account = account or hr.accounts().first()
    source = AffiliationImport(account=account, author=hr, file_name="f.csv", sha256="0" * 64, size=len(data))
    source.keep(data)
    source.save(force_insert=True)
    return source


def read(hr, *rows, **options):
    source = sent(hr, *rows, **options)
    staging.read(source)
    return source


def confirmed(source, by=None):
    source.move(ImportState.CONFIRMING, asked_by=by or source.author)
    confirming.confirm(source)
    return source


def verdicts(source):
    return [row.verdict for row in source.rows.order_by(ImportRow.line)]


def newcomers():
    return list(Beneficiary.select().where(Beneficiary.provisional).order_by(Beneficiary.id))


@pytest.fixture
def contract(hr):
    return hr.contracts().first()


def test_right_rows_become_a_household_with_a_movement_each(hr, contract):
    source = read(hr, words(contract), child(contract))
    assert (source.state, verdicts(source)) == (ImportState.CHECKED, ["CREATE", "CREATE"])
    assert not newcomers()
    assert confirmed(source).state == ImportState.DONE
    parent, daughter = newcomers()
    assert (parent.birth_name, parent.role, parent.contract_id) == ("Nouveau1", BeneficiaryRole.EMPLOYEE, contract.id)
    assert daughter.household_number == parent.household_number == parent.member_number
    assert (daughter.city, daughter.effective_on) == (parent.city, parent.effective_on)
    assert parent.unseal("nir") == nir(1)
    assert [row.id for row in hr.find_by_nir(nir(1))] == [parent.id]
    movement, hers = Movement.select().order_by(Movement.id)
    assert (movement.kind, movement.state, movement.unseal()) == ("AFFILIATION", "RECORDED", {"nir": nir(1)})
    assert hers.cause_id == movement.id


def test_no_number_of_anybody_stands_in_clear(hr, contract, database):
    iban = "FR7630006000011234567890189"
    source = read(hr, words(contract, **{"IBAN prestation": iban}))
    confirmed(source)
    for table in ("affiliation_import", "import_row", "movement", "beneficiary", "audit_event"):
        for row in database.execute_sql(f"SELECT * FROM {table}"):
            held = " ".join(str(bytes(cell) if isinstance(cell, memoryview) else cell) for cell in row)
            assert nir(1) not in held and iban not in held
    assert source.content is None


def test_the_same_file_twice_creates_nothing_twice(hr, contract):
    rows = words(contract), child(contract), words(contract, 2)
    first, second = read(hr, *rows), read(hr, *rows)  # both checked before either is confirmed
    confirmed(first)
    confirmed(second)
    assert len(newcomers()) == 3
    third = read(hr, *rows)
    assert verdicts(third) == ["UNCHANGED"] * 3
    confirmed(third)
    assert (len(newcomers()), Movement.select().count()) == (3, 3)


def test_right_rows_go_while_the_others_wait_to_be_mended(hr, contract):
    wrong = words(contract, 2, **{"N° S. Sociale": nir(2)[:-1]})
    source = confirmed(read(hr, words(contract), wrong, child(contract, 2)))
    assert source.state == ImportState.CHECKED
    assert verdicts(source) == ["CREATE", "ERROR", "ERROR"]
    assert [person.birth_name for person in newcomers()] == ["Nouveau1"]
    row = staging.mend(source, 3, affiliations_cells(wrong | {"N° S. Sociale": nir(2)}), hr)
    assert (row.verdict, row.notes.get("errors")) == ("CREATE", None)
    assert verdicts(source) == ["CREATE"] * 3  # the child waited for that row
    assert confirmed(source).state == ImportState.DONE
    assert len(newcomers()) == 3
    assert Movement.select().count() == 3


def affiliations_cells(person):
    return [person.get(title, "") for title in TITLES]


def test_who_is_covered_already_is_not_affiliated_again(hr, contract):
    number = nir(7)
    there = factories.beneficiary(contract, "Nouveau7", "Paul", nir=number, birth_date="1980-01-15")
    source = read(hr, words(contract, 7))
    row = source.rows.get()
    assert (row.verdict, row.action, row.beneficiary_id) == ("UPDATE", "UPDATE", there.id)
    assert "Déjà affilié" in " ".join(row.notes["warnings"].values())
    confirmed(source)
    assert not newcomers()
    assert Beneficiary.get_by_id(there.id).city == "Dole"
    assert [movement.kind for movement in Movement.select()] == ["ADDRESS"]


def test_who_has_left_comes_back_on_the_same_page(hr, contract):
    gone = factories.beneficiary(
        contract, "Nouveau7", "Paul", nir=nir(7), birth_date="1980-01-15", terminated_on="2020-01-31"
    )
    source = confirmed(read(hr, words(contract, 7)))
    back = Beneficiary.get_by_id(gone.id)
    assert (back.terminated_on, back.effective_on) == (None, clock.today())
    assert Movement.get().kind == "REHIRE"
    assert source.rows.get().movement_id == Movement.get().id


def test_another_contract_or_another_person_with_that_number_is_an_error(hr, contract):
    other = hr.contracts().offset(1).first()
    factories.beneficiary(other, "Nouveau7", "Paul", nir=nir(7), birth_date="1980-01-15")
    factories.beneficiary(contract, "Autre", "Anne", nir=nir(8), birth_date="1970-01-15")
    source = read(hr, words(contract, 7), words(contract, 8))
    assert verdicts(source) == ["ERROR", "ERROR"]
    elsewhere, number = (row.notes["errors"] for row in source.rows.order_by(ImportRow.line))
    assert "autre contrat" in elsewhere["Garantie"]
    assert "autre personne" in number["N° S. Sociale"]


def test_a_child_joins_an_employee_who_is_there_by_member_number(hr, contract):
    there = factories.beneficiary(contract)
    today = f"{clock.today():%d/%m/%Y}"
    confirmed(read(hr, child(contract, Matricule=there.member_number, **{"Date d'effet": today})))
    (joined,) = newcomers()
    assert joined.household_number == there.household_number


def test_a_number_that_two_employees_have_names_nobody(hr, contract):
    """Each company of an account numbers its own: a child would join one of the two families at random."""

    def day(ahead):
        return clock.today() + datetime.timedelta(days=ahead)

    first = factories.beneficiary(contract, "Dole", employee_number="M77", effective_on=day(-900))
    assert recognising.employees(hr, first.account_id, ["M77"]) == {"M77": first}
    other = factories.beneficiary(contract, "Jura", employee_number="M77", effective_on=day(-800))
    find = recognising.context(hr, first.account_id).find_employees
    assert recognising.employees(hr, first.account_id, ["M77"]) == {} and find({"M77"})["M77"].several
    Beneficiary.update(terminated_on=day(-1)).where(Beneficiary.id == other.id).execute()
    assert recognising.employees(hr, first.account_id, ["M77"]) == {"M77": first}
    assert not find({"M77"})["M77"].several


def test_a_child_joins_an_employee_who_is_there_under_a_matricule_that_the_file_alone_knows(hr, contract):
    there = factories.beneficiary(contract, "Nouveau7", "Paul", nir=nir(7), birth_date="1980-01-15")
    here = {"Rue": there.street, "N°": there.street_number, "Code Postal": there.postal_code, "Ville": there.city}
    source = read(hr, words(contract, 7, **here), child(contract, 7))
    assert verdicts(source) == ["UNCHANGED", "CREATE"]
    confirmed(source)
    (joined,) = newcomers()
    assert joined.household_number == there.household_number
    assert joined.city == there.city


def test_nobody_joins_an_employee_whose_row_is_wrong_or_was_taken_back(hr, contract):
    other = hr.contracts().offset(1).first()
    factories.beneficiary(other, "Nouveau7", "Paul", nir=nir(7), birth_date="1980-01-15")
    source = read(hr, words(contract, 7), child(contract, 7))
    assert verdicts(source) == ["ERROR", "ERROR"]
    assert (
        "Corrigez d’abord la ligne 2"
        in source.rows.order_by(ImportRow.line.desc()).first().notes["errors"]["Matricule"]
    )
    wrong = child(contract, **{"Date de naissance": "32/01/2015"})
    source = confirmed(read(hr, words(contract), wrong))
    staging.mend(source, 3, affiliations_cells(wrong | {"Date de naissance": "02/02/2015"}), hr)
    Movement.get().take_back(clock.now())
    confirmed(source)
    assert not newcomers()
    assert verdicts(source) == ["CREATE", "ERROR"]


def test_a_proof_is_awaited_of_those_whose_link_or_age_calls_for_it(hr, contract):
    born = clock.today().replace(year=clock.today().year - 22, day=1)
    student = child(contract, name="Ana", Situation="Étudiant", **{"Date de naissance": f"{born:%d/%m/%Y}"})
    partner = child(
        contract, name="Eva", Type="Conjoint", Situation="", Lien="PACS", **{"Date de naissance": "02/02/1982"}
    )
    source = confirmed(read(hr, words(contract), child(contract), student, partner))
    assert source.state == ImportState.DONE
    awaited = {row.beneficiary.first_name: row.document_type for row in DocumentRequest.select()}
    assert awaited == {"Ana": "SCHOOL_CERTIFICATE", "Eva": "CIVIL_PARTNERSHIP"}
    assert {movement.after["proof"] for movement in Movement.select()} == {"", *awaited.values()}
    Movement.get(Movement.cause.is_null()).take_back(clock.now())
    assert not DocumentRequest.select().exists()


def test_nobody_of_another_account_is_recognised_nor_offered(hr, contract):
    other = factories.hr_user()
    theirs = other.contracts().first()
    factories.beneficiary(theirs, "Nouveau7", "Paul", nir=nir(7), birth_date="1980-01-15")
    source = read(hr, words(contract, 7), words(theirs, 8))
    assert verdicts(source) == ["CREATE", "ERROR"]
    assert theirs.category.company.label not in json.dumps(source.rows.offset(1).get().notes, ensure_ascii=False)


def test_a_right_that_ended_before_the_confirmation_affiliates_nobody(hr, contract):
    source = read(hr, words(contract))
    PermissionGrant.update(valid_to="2021-01-01").execute()
    confirmed(source)
    assert not newcomers()
    assert verdicts(source) == ["ERROR"]


def test_an_affiliation_is_taken_back_with_the_household(hr, contract):
    confirmed(read(hr, words(contract), child(contract)))
    Movement.select().order_by(Movement.id).first().take_back(clock.now())
    assert not newcomers()
    assert {row.state for row in Movement.select()} == {MovementState.TAKEN_BACK}


def test_a_file_that_is_none_fails_with_its_sentence(app, hr, contract):
    sent(hr, data=b"\x89PNG\r\n\x1a\n" + bytes(64))
    assert tasks.import_next() == 1
    source = AffiliationImport.get()
    assert (source.state, bool(source.fault), source.content) == (ImportState.FAILED, True, None)
    sent(hr, data=b"a;b;c\n1;2;3\n")
    tasks.import_next()
    assert AffiliationImport.select().where(AffiliationImport.wrong_template).count() == 1


def test_the_worker_reads_confirms_and_says_so(app, hr, contract):
    source = sent(hr, words(contract))
    assert tasks.import_next() == 1
    assert tasks.import_next() == 0
    source = AffiliationImport.get_by_id(source.id)
    source.move(ImportState.CONFIRMING, asked_by=hr)
    assert tasks.import_next() == 1
    subjects = [message.subject for message in OutboxMessage.select().order_by(OutboxMessage.id)]
    assert subjects == ["Votre fichier d’affiliations est vérifié", "Vos affiliations sont enregistrées"]
    assert "Nouveau" not in OutboxMessage.get().unseal()["text"]


def test_a_fault_is_tried_again_then_told(app, hr, contract, monkeypatch):
    source = sent(hr, words(contract))
    monkeypatch.setattr(staging, "read", lambda source: 1 / 0)
    for _ in range(AffiliationImport.MOST_ATTEMPTS + 1):
        tasks.import_next()
    assert AffiliationImport.get_by_id(source.id).state == ImportState.FAILED


def test_two_workers_never_take_the_same_file(hr, contract):
    sent(hr, words(contract))
    assert AffiliationImport.take(clock.now()) is not None
    assert AffiliationImport.take(clock.now()) is None
    assert AffiliationImport.take(clock.now() + 2 * AffiliationImport.LEASE) is not None


KILLED = """
    import time
    from app import create_app
    from portal import tasks
    from portal.exchange import confirming, newcomers, staging
    from portal.models import db

    app = create_app()
    db.connect(reuse_if_open=True)
    staging.CHUNK = confirming.AT_ONCE = 4
    for room, name in ((staging, "insert"), (newcomers, "insert"), (confirming, "update_each")):
        def slow(*arguments, work=getattr(room, name)):
            work(*arguments)
            print("wrote", flush=True)
            time.sleep(0.05)
        setattr(room, name, slow)
    tasks.import_next()
"""


@pytest.mark.parametrize("state", [ImportState.WAITING, ImportState.CONFIRMING])
@pytest.mark.parametrize("writes", [1, 4, 6])
def test_a_worker_that_is_killed_leaves_nothing_half_done(app, hr, contract, at, state, writes):
    people = [words(contract, number) for number in range(1, 21)]
    source = sent(hr, *people)
    if state == ImportState.CONFIRMING:
        staging.read(source)
        source.move(state, asked_by=hr)
    kill_after(app, writes)
    at(minutes=3)
    while tasks.import_next():
        pass
    source = AffiliationImport.get_by_id(source.id)
    if state == ImportState.WAITING:
        assert (source.state, source.rows.count()) == (ImportState.CHECKED, 20)
        confirmed(source)
    assert source.rows.where(ImportRow.movement.is_null()).count() == 0
    assert sorted(person.birth_name for person in newcomers()) == sorted(person["Nom"] for person in people)
    assert Movement.select().count() == 20


def kill_after(app, writes):
    chosen = app.settings
    environment = os.environ | {
        "INSTANCE": str(chosen.instance),
        "DATABASE_URL": chosen.database_url,
        "DEMO": "1",
        "SECRET_KEY": chosen.secret_key,
        "VAULT_KEYS": ",".join(key.hex() for key in chosen.vault_keys),
    }
    db.close()
    command = [sys.executable, "-c", textwrap.dedent(KILLED)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as worker:
        for _ in range(writes):
            if not worker.stdout.readline():
                break
        worker.send_signal(signal.SIGKILL)
    db.connect(reuse_if_open=True)


def test_the_words_of_a_row_open_in_their_place_alone(hr, contract):
    source = read(hr, words(contract), words(contract, 2))
    first, second = source.rows.order_by(ImportRow.line)
    second.content = first.content
    with pytest.raises(Exception, match="import_row"):
        staging.cells_of(source, second)
    assert vault.is_current(first.content)


def test_a_file_that_an_earlier_portal_checked_is_confirmed(hr, contract):
    """Its values had their names beside them."""
    source = read(hr, words(contract))
    (row,) = source.rows
    values = staging.values_of(source, row)
    named = "\n".join((json.dumps(staging.cells_of(source, row)), json.dumps(values, default=str)))
    row.content = vault.seal(named, "import_row", "content", staging.place(source, row.line))
    row.save()
    confirmed(source)
    (newcomer,) = newcomers()
    assert (newcomer.birth_name, newcomer.birth_date) == (values["birth_name"], values["birth_date"])


def test_what_a_right_row_asks_for_is_kept_whole(hr, contract):
    cells = [words(contract).get(title, "") for title in TITLES]
    (checked,) = affiliation_check.check_rows([(2, cells)], recognising.context(hr, contract.category.account_id))
    assert not checked.errors
    assert set(checked.values) == {*affiliation_check.VALUES, "offer"}


def test_a_uuid_drawn_here_is_one_of_version_4():
    drawn = {draw_uuid() for _ in range(100)}
    assert len(drawn) == 100
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in drawn} == {(4, uuid.RFC_4122)}


def test_rejected_rows_say_what_is_wrong(hr, contract):
    source = read(hr, words(contract), words(contract, 2, Nom=""))
    ((cells, errors),) = staging.rejected(source)
    assert cells[TITLES.index("Matricule")] == "M2"
    assert list(errors) == ["Nom"]


def test_a_matricule_that_somebody_has_in_the_company_is_pointed_out(hr, contract):
    there = factories.beneficiary(contract, "Ancien", employee_number="M1")
    warned = read(hr, words(contract)).rows.get()
    assert warned.verdict == "WARNING"
    assert there.member_number in warned.notes["warnings"]["Matricule"]
    Beneficiary.update(terminated_on=clock.today() - datetime.timedelta(days=1)).execute()
    assert verdicts(read(hr, words(contract))) == ["CREATE"]


def test_a_matricule_is_free_once_who_has_it_leaves(hr, contract):
    factories.beneficiary(contract, "Partant", employee_number="M1", terminated_on=clock.today())
    tomorrow = clock.today() + datetime.timedelta(days=1)
    assert verdicts(read(hr, words(contract, **{"Date d'effet": f"{tomorrow:%d/%m/%Y}"}))) == ["CREATE"]
    assert verdicts(read(hr, words(contract))) == ["WARNING"]


def test_what_is_left_aside_is_told_with_the_file(hr, contract):
    source = read(hr, words(contract), {"Type": "Total", "Matricule": "1"})
    assert (source.total, verdicts(source)) == (1, ["CREATE"])
    assert AffiliationImport.get_by_id(source.id).fault.startswith("La ligne 3 ne nomme personne")
