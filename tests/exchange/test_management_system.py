"""Files of the management system: all or nothing, twice the same, one sentence for each thing that is wrong."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import RFC_4122, UUID

import pytest

from portal import clock, models
from portal.database import PRAGMAS, differences
from portal.exchange import loading, management_system, many
from portal.models import (
    AuditEvent,
    Beneficiary,
    Company,
    ContributionStatement,
    DocumentRequest,
    EmployeeCategory,
    GroupContract,
    IndividualProduct,
    ManagedAccount,
    Payment,
    PaymentAllocation,
    Plan,
    db,
    vault,
)
from portal.rules import identifiers
from tests.conftest import KEYS

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "load"
ORDER = (
    *("accounts", "companies", "products", "contracts", "beneficiaries"),
    *("statements", "payments", "document-requests"),
)
TABLES = (
    *(ManagedAccount, Company, EmployeeCategory, Plan, GroupContract, Beneficiary, IndividualProduct),
    *(ContributionStatement, Payment, PaymentAllocation),
)
needs_examples = pytest.mark.skipif(not DATA.exists(), reason="the examples are not beside the project")


def load(kind, path):
    return management_system.load(kind, path)


def snapshot():
    return [list(map(str, table.select().order_by(table.id).dicts())) for table in (*TABLES, DocumentRequest)]


@pytest.fixture
def write(tmp_path):
    """Write a file of a kind: rows as dicts, missing columns empty."""

    def file(kind, *rows, encoding="utf-8", end="\n"):
        columns = [column.name for column in COLUMNS[kind]] if kind in COLUMNS else []
        lines = [";".join(columns), *(";".join(row.get(name, "") for name in columns) for row in rows)]
        path = tmp_path / f"{kind}.csv"
        path.write_bytes((end.join(lines) + end).encode(encoding))
        return path

    return file


class Named:
    def __init__(self, name):
        self.name = name


COLUMNS = {
    kind: [Named(name) for name in names.split(";")]
    for kind, names in {
        "accounts": "account_code;name;first_name;description;contact;phone;email",
        "companies": "company_code;account_code;label;siret;category_code;category_label;call_recipient_title;"
        "call_recipient_label;contribution_payer",
        "products": "plan_code;label;contract_nature;contribution_structure;valid_from;valid_to",
        "contracts": "contract_number;company_code;category_code;plan_code;payer;payment_method;billing_frequency;"
        "subscribed_on;employer_share_percent;coverage_end_rule;child_max_age;child_student_max_age",
        "beneficiaries": "member_number;household_number;role;title;birth_name;used_name;first_name;birth_date;sex;nir;"
        "contract_number;effective_on;terminated_on;termination_reason;street_number;street;complement;postal_code;city;"
        "country;phone;mobile;email;individual_products",
        "statements": "statement_number;contract_number;product;period_start;period_end;payer;issued_on;due_on;total",
        "statement-lines": "statement_number;member_number;correction;starts_on;ends_on;employee_name;structure;price;"
        "employer_part;employee_part;portion",
        "tariffs": "contract_number;valid_from;amount_type;single;duo;family;adult;child;paying_children;pro_rata;term;"
        "called_by_portal",
        "payments": "payment_reference;contract_number;paid_on;payment_method;amount",
        "document-requests": "campaign;member_number;document_type;sent_on;due_on;insurer_reminded_on",
    }.items()
}
ACCOUNT = {"account_code": "C1", "name": "Émaux d’Art", "phone": "01 99 00 10 01", "email": "rh@example.com"}
COMPANY = {
    "company_code": "E1",
    "account_code": "C1",
    "label": "ÉMAUX D’ART",
    "siret": "73282932000074",
    "category_code": "ENS",
    "category_label": "Ensemble du personnel",
    "contribution_payer": "Entreprise",
}
PRODUCT = {
    "plan_code": "P1",
    "label": "Essentielle",
    "contract_nature": "Santé",
    "contribution_structure": "UNIFORM_FAMILY",
    "valid_from": "2017-01-01",
}
CONTRACT = {
    "contract_number": "K1",
    "company_code": "E1",
    "category_code": "ENS",
    "plan_code": "P1",
    "payer": "ÉMAUX",
    "payment_method": "Virement",
    "billing_frequency": "Mensuelle",
    "subscribed_on": "2018-01-01",
    "employer_share_percent": "62.5",
    "coverage_end_rule": "END_OF_MONTH",
    "child_max_age": "20",
    "child_student_max_age": "25",
}
PERSON = {
    "member_number": "1001",
    "household_number": "F1",
    "role": "Assuré",
    "title": "Mme",
    "birth_name": "O’Neill",
    "first_name": "Zoé",
    "birth_date": "1994-06-12",
    "sex": "F",
    "nir": "294063947803145",
    "contract_number": "K1",
    "effective_on": "2020-01-01",
}
REQUEST = {
    "campaign": "Mise à jour des dossiers 2026",
    "member_number": "1001",
    "document_type": "RIB",
    "sent_on": "2026-10-05",
    "due_on": "2026-12-04",
}
STATEMENT = {
    "statement_number": "B2601",
    "contract_number": "K1",
    "product": "P1",
    "period_start": "2026-01-01",
    "period_end": "2026-01-31",
    "payer": "ÉMAUX",
    "issued_on": "2026-01-15",
    "due_on": "2026-02-10",
    "total": "1234.5",
}
PAYMENT = {
    "payment_reference": "R1",
    "contract_number": "K1",
    "paid_on": "2026-02-09",
    "payment_method": "Virement",
    "amount": "1000.00",
}
ROWS = (ACCOUNT, COMPANY, PRODUCT, CONTRACT, PERSON, STATEMENT, PAYMENT, REQUEST)


@pytest.fixture
def loaded(database, write):
    """One row of each kind."""
    for kind, row in zip(ORDER, ROWS, strict=True):
        outcome = load(kind, write(kind, row))
        assert not outcome.errors, outcome.errors
    return write


@needs_examples
def test_the_examples_load_and_load_again_unchanged(database):
    expected = json.loads((DATA / "attendu-load.json").read_text())["rows"]
    for kind in ORDER:
        assert load(kind, DATA / f"{kind}.csv").created == expected[f"{kind}.csv"], kind
    before = snapshot()
    for kind in ORDER:
        again = load(kind, DATA / f"{kind}.csv")
        assert (again.created, again.updated) == (0, 0), kind
        assert "Rien n’a changé" in again.summary or "rien n’a changé" in again.summary
    assert load("beneficiaries", DATA / "beneficiaries.xlsx").unchanged == 400
    assert snapshot() == before
    assert list(AuditEvent.faults()) == []


@needs_examples
@pytest.mark.parametrize("kind", ORDER)
def test_each_broken_example_is_named_and_changes_nothing(database, kind):
    said = json.loads((DATA / "attendu-load.json").read_text())["broken"][f"broken/{kind}.csv"]
    for earlier in ORDER[: ORDER.index(kind)]:
        load(earlier, DATA / f"{earlier}.csv")
    before = snapshot()
    outcome = load(kind, DATA / "broken" / f"{kind}.csv")
    (error,) = outcome.errors
    error = error.replace("\u00a0", " ").replace("\u202f", " ")
    assert f"igne {said['line']}" in error
    assert said["column"] in error
    assert said["reason"] in error.lower()
    assert snapshot() == before


@needs_examples
def test_the_command_exits_with_the_sentences(app, database):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["load", "accounts", str(DATA / "accounts.csv")]).exit_code == 0
    refused = runner.invoke(args=["load", "accounts", str(DATA / "broken" / "accounts.csv")])
    assert refused.exit_code == 1
    assert "obligatoire" in refused.output


def test_values_are_kept_in_their_canonical_form(loaded):
    person, contract = Beneficiary.get(), GroupContract.get()
    assert contract.employer_share == 6_250
    assert (person.name_key, person.search_key.split()) == ("o neill", ["oneill", "zoe", "1001"]) or (
        person.name_key,
        person.search_key.split(),
    ) == ("oneill", ["oneill", "zoe", "1001"])
    assert person.unseal("nir") == PERSON["nir"]
    assert ManagedAccount.get().phone == "+33199001001"
    assert person.account_id == ManagedAccount.get().id
    assert person.category_id == contract.category_id


@pytest.mark.parametrize("chunk", [1, 2, 1_000])
def test_a_line_whose_number_came_before_is_told_wherever_it_is_in_the_file(loaded, monkeypatch, chunk):
    monkeypatch.setattr(loading, "CHUNK", chunk)
    numbers = ("7", "8", "7", "8", "9")
    rows = [{**PERSON, "member_number": number, "household_number": f"F{number}"} for number in numbers]
    told = [f"Ligne {line}, colonne « member_number » : la ligne {line - 2} porte déjà ce code." for line in (4, 5)]
    found = plain(load("beneficiaries", loaded("beneficiaries", *rows)))
    assert [error.removesuffix(" Gardez une seule des deux lignes.") for error in found] == told


def test_a_share_of_another_day_keeps_the_one_of_before(loaded, write):
    assert GroupContract.get().former_shares is None
    for _ in range(2):
        load("contracts", write("contracts", CONTRACT | {"employer_share_percent": "70"}))
        row, today = GroupContract.get(), clock.today()
        assert (row.employer_share, row.former_shares) == (7_000, [[today.isoformat(), 6_250]])
    assert row.share_of(today.replace(day=1) - timedelta(1)) == 6_250
    assert row.share_of(today) == 7_000


def test_a_public_id_is_a_random_uuid():
    drawn = [UUID(digits) for digits in many.draw_uuids(200)]
    assert len(set(drawn)) == 200
    assert {(one.version, one.variant) for one in drawn} == {(4, RFC_4122)}


@pytest.mark.parametrize("value", [None, True, False, 0, -3, "", "l’an", "d'un « \\ » %s ? l''autre", "é;--"])
def test_what_every_row_has_is_written_once_as_both_databases_read_it(database, value):
    cursor = db.cursor()
    cursor.execute(f"SELECT {many.literal(value)}")
    assert cursor.fetchone() == (value,)


def test_a_column_remembers_so_many_cells_and_no_more():
    asked = []
    column = loading.Column("name", lambda text: asked.append(text) or text.upper(), again=2)
    assert column.read_all(["a", " a", "a", clock.today(), "a"]) == ["A", "A", "A", clock.today().isoformat(), "A"]
    assert asked == ["a", "a", clock.today().isoformat(), "a"]
    assert len(column.known) <= 2
    asked.clear()
    secret = loading.Column("nir", lambda text: asked.append(text) or text, again=0)
    assert secret.read_all(["a", "a"]) == asked == ["a", "a"]


def test_what_differs_alone_is_written(loaded):
    sealed = bytes(Beneficiary.get().nir)
    outcome = load("beneficiaries", loaded("beneficiaries", {**PERSON, "city": "Dole"}))
    assert (outcome.created, outcome.updated) == (0, 1)
    person = Beneficiary.get()
    assert (person.city, person.version, bytes(person.nir)) == ("Dole", 2, sealed)
    assert load("beneficiaries", loaded("beneficiaries", {**PERSON, "nir": "", "city": "Dole"})).updated == 1
    assert (Beneficiary.get().nir, Beneficiary.get().nir_index) == (None, None)


def test_individual_products_come_and_go(loaded):
    assert load("beneficiaries", loaded("beneficiaries", {**PERSON, "individual_products": "P1"})).updated == 1
    assert IndividualProduct.select().count() == 1
    assert load("beneficiaries", loaded("beneficiaries", {**PERSON, "individual_products": "P1"})).updated == 0
    assert load("beneficiaries", loaded("beneficiaries", PERSON)).updated == 1
    assert IndividualProduct.select().count() == 0


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"nir": "294063947803146"}, "nir"),
        ({"nir": "²94063947803145"}, "nir"),
        ({"birth_date": "12/06/1994"}, "birth_date"),
        ({"birth_date": "2094-06-12", "effective_on": "2095-01-01"}, "birth_date"),
        ({"effective_on": ""}, "effective_on"),
        ({"terminated_on": "2019-01-01"}, "terminated_on"),
        ({"role": "Roi"}, "role"),
        ({"sex": "X"}, "sex"),
        ({"title": "Monsieur"}, "title"),
        ({"contract_number": "K2"}, "contract_number"),
        ({"individual_products": "P9"}, "individual_products"),
        ({"birth_name": "x" * 256}, "birth_name"),
        ({"birth_name": "#N/A"}, "birth_name"),
        ({"complement": "#VALEUR!"}, "complement"),
        ({"birth_name": "a\x00b"}, "birth_name"),
        ({"birth_name": "a\u202eb"}, "birth_name"),
        ({"phone": "12"}, "phone"),
        ({"email": "zoe@"}, "email"),
        ({"member_number": ""}, "member_number"),
        ({"role": "Enfant", "household_number": "F9"}, "household_number"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column_without_being_told(loaded, change, column):
    before = snapshot()
    good = {**PERSON, "member_number": "1002"}
    outcome = load("beneficiaries", loaded("beneficiaries", good, {**PERSON, "member_number": "1003", **change}))
    assert len(outcome.errors) == 1, outcome.errors
    error = outcome.errors[0].replace("\u00a0", " ")
    assert "igne 3" in error
    assert column in error
    assert PERSON["nir"][:10] not in error
    assert snapshot() == before


def test_every_wrong_line_is_told_up_to_a_hundred(loaded):
    rows = [{**PERSON, "member_number": str(2000 + number), "sex": "X"} for number in range(150)]
    outcome = load("beneficiaries", loaded("beneficiaries", *rows))
    assert 100 <= len(outcome.errors) <= 101
    assert "50" in outcome.errors[-1]


def test_the_same_key_twice_in_a_file_is_refused(loaded):
    outcome = load(
        "beneficiaries", loaded("beneficiaries", {**PERSON, "member_number": "7"}, {**PERSON, "member_number": "7"})
    )
    assert len(outcome.errors) == 1
    assert "2" in outcome.errors[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b"account_code;name\n", "first_name"),
        (b"account_code;name;first_name;description;contact;phone;email;roi\n", "roi"),
        (b"account_code;name;name;first_name;description;contact;phone;email\n", "name"),
        ("account_code;name;first_name;description;contact;phone;email\nC1;\u00c9;;;;;\n".encode("latin-1"), "UTF-8"),
        (b"PK\x03\x04 not a workbook", ""),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_whole(database, tmp_path, content, words):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    outcome = load("accounts", path)
    assert outcome.errors
    assert words in " ".join(outcome.errors)
    assert ManagedAccount.select().count() == 0


def test_a_mark_crlf_quotes_and_formulas_are_read_as_they_are(database, tmp_path):
    text = '\ufeffaccount_code;name;first_name;description;contact;phone;email\r\nC1;"Dupont; ""fils""";;"=1+1";;;\r\n'
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode())
    assert load("accounts", path).created == 1
    account = ManagedAccount.get()
    assert (account.name, account.description) == ('Dupont; "fils"', "=1+1")


def test_a_load_is_written_in_the_audit_without_names(loaded):
    events = AuditEvent.select().where(AuditEvent.action == "load").order_by(AuditEvent.number)
    assert [event.after["kind"] for event in events] == list(ORDER)
    assert not any("O’Neill" in str(event.after) for event in events)


def test_a_fault_in_the_middle_leaves_nothing(loaded, monkeypatch):
    from portal.exchange import loading

    rows = [
        {**PERSON, "member_number": str(3000 + number), "household_number": f"F{number + 2}"} for number in range(2_500)
    ]
    path = loaded("beneficiaries", *rows)
    before = snapshot()
    insert, calls = loading.insert, []

    def fail_the_second_time(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise OSError("disk full")
        return insert(*arguments)

    monkeypatch.setattr(loading, "insert", fail_the_second_time)
    with pytest.raises(OSError, match="disk full"):
        load("beneficiaries", path)
    assert snapshot() == before


def plain(outcome):
    return [error.replace("\u00a0", " ").replace("\u202f", " ") for error in outcome.errors]


def test_dependents_may_come_before_their_employee_and_share_the_blame_of_none(loaded):
    child = {**PERSON, "member_number": "1", "household_number": "F7", "role": "Enfant", "nir": ""}
    employee = {**PERSON, "member_number": "2", "household_number": "F7"}
    assert load("beneficiaries", loaded("beneficiaries", child, employee)).created == 2
    other = {**child, "member_number": "3", "household_number": "F8"}
    wrong = {**employee, "member_number": "4", "household_number": "F8", "birth_date": "1985-02-30"}
    (error,) = plain(load("beneficiaries", loaded("beneficiaries", wrong, other)))
    assert error.startswith("Ligne 2, colonne « birth_date » : ")


def test_a_load_leaves_a_person_in_their_account(loaded):
    load("accounts", loaded("accounts", ACCOUNT, {**ACCOUNT, "account_code": "C2"}))
    load("companies", loaded("companies", COMPANY, {**COMPANY, "company_code": "E2", "account_code": "C2"}))
    load("contracts", loaded("contracts", CONTRACT, {**CONTRACT, "contract_number": "K2", "company_code": "E2"}))
    before = snapshot()
    (error,) = plain(load("beneficiaries", loaded("beneficiaries", {**PERSON, "contract_number": "K2"})))
    assert error.startswith("Ligne 2, colonne « contract_number » : Cette personne est dans un autre compte")
    assert snapshot() == before


SECOND = {**PERSON, "member_number": "1002", "first_name": "Ana", "nir": ""}


def test_a_household_may_have_two_employees(loaded):
    """Both parents, each with a contract of the company: the management system knows."""
    assert load("beneficiaries", loaded("beneficiaries", SECOND)).created == 1


@pytest.mark.parametrize("change", [{"role": "Conjoint"}, {"household_number": "F9"}])
def test_an_employee_leaves_no_dependent_alone(loaded, change):
    child = {**SECOND, "role": "Enfant"}
    load("beneficiaries", loaded("beneficiaries", child))
    (error, *_) = plain(load("beneficiaries", loaded("beneficiaries", {**PERSON, **change})))
    assert error.startswith("Ligne 2, colonne « household_number » : ")
    together = [{**PERSON, "household_number": "F9"}, {**child, "household_number": "F9"}]
    assert load("beneficiaries", loaded("beneficiaries", *together)).updated == 2
    swapped = [{**together[0], "role": "Conjoint"}, {**together[1], "role": "Assuré"}]
    assert load("beneficiaries", loaded("beneficiaries", *swapped)).updated == 2


def test_columns_come_in_any_order(database, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("name;account_code;email;phone;contact;description;first_name\nÉmaux;C1;;;;;Zoé\n", "utf-8")
    assert load("accounts", path).created == 1
    assert (ManagedAccount.get().code, ManagedAccount.get().first_name) == ("C1", "Zoé")


def test_blanks_at_the_end_of_lines_are_no_columns(database, tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(f"{HEADING.strip()};;\nC1;Émaux;;;;;;;\nC2;Grès;;;;;\n", "utf-8")
    assert load("accounts", path).created == 2
    path.write_text(f"{HEADING.strip()};;\nC1;Émaux;d’art;;;;;\n", "utf-8")
    (error,) = plain(load("accounts", path))
    assert error == "Ligne 2 : 8 champs, alors que la ligne 1 en a 7."
    path.write_text(f"{HEADING.strip()};;\nC1;Émaux;;;;;;;x\n", "utf-8")
    (error,) = plain(load("accounts", path))
    assert error == "Ligne 2 : 9 champs, alors que la ligne 1 en a 7."


def test_a_heading_alone_changes_nothing(loaded):
    outcome = load("beneficiaries", loaded("beneficiaries"))
    assert not outcome.errors
    assert outcome.summary.endswith("Rien n’a changé.")


def test_another_kind_or_another_separator_is_one_sentence(loaded, tmp_path):
    path = tmp_path / "accounts.csv"
    for heading in ("plan_code;label;valid_from", HEADING.strip().replace(";", ",")):
        path.write_text(f"{heading}\nA;B;C\n")
        (error,) = load("accounts", path).errors
        assert error.startswith("Ligne 1") and "account_code;name;first_name" in error


HEADING = "account_code;name;first_name;description;contact;phone;email\n"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('C1;"deux\nlignes";;;;;\nC2;;;;;;\n', "Ligne 2, colonne « name » : Ce texte contient un saut de ligne"),
        ('C1;"deux\nlignes";;;;;\nC2;;;;;;\n', "Ligne 4, colonne « name » : Cette valeur est obligatoire."),
        ("C1;É;;;;\n", "Ligne 2 : 6 champs, alors que la ligne 1 en a 7."),
        ("C1\n", "Ligne 2 : 1 champ, alors que la ligne 1 en a 7."),
        ("C1;É;;;;;;\n", "Ligne 2 : 8 champs, alors que la ligne 1 en a 7."),
        ('C1;É;;;;;\nC2;"É;;;;;\n', "Ligne 3 : des guillemets ne sont pas fermés"),
        (f"C1;{'x' * 140_000};;;;;\n", "Ligne 2 : des guillemets ne sont pas fermés, ou un champ dépasse"),
        ("\u0421\u0031;É;;;;;\n", "Ligne 2, colonne « account_code » : Un code a de 1 à 32 lettres sans accent"),
        ("C²;É;;;;;\n", "Ligne 2, colonne « account_code » : Un code a"),
        ("=C1;É;;;;;\n", "Ligne 2, colonne « account_code » : Un code a"),
        ("  ;É;;;;;\n", "Ligne 2, colonne « account_code » : Cette valeur est obligatoire."),
        ("C1;É\x00;;;;;\n", "Ligne 2, colonne « name » : Ce texte contient"),
        (f"C1;{'É' * 256};;;;;\n", "Ligne 2, colonne « name » : Ce texte a 256 caractères : il en faut 255 au plus."),
        ("C1;É;;;;;\n\n;;;;;;\nC1;È;;;;;\n", "Ligne 5, colonne « account_code » : la ligne 2 porte déjà ce code."),
    ],
)
def test_the_fault_of_an_odd_file_is_told_with_its_line(database, tmp_path, body, sentence):
    path = tmp_path / "file.csv"
    path.write_text(HEADING + body, "utf-8", newline="")
    assert any(error.startswith(sentence) for error in plain(load("accounts", path)))
    assert ManagedAccount.select().count() == 0


def test_the_byte_that_is_not_utf8_may_come_late(database, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(
        HEADING.encode() + b"".join(b"C%d;X;;;;;\n" % number for number in range(3_000)) + b"D;\xe9;;;;;\n"
    )
    assert "UTF-8" in load("accounts", path).errors[0]
    assert ManagedAccount.select().count() == 0


def test_a_company_is_told_alike_on_all_its_rows(loaded):
    second = {**COMPANY, "category_code": "CAD", "label": "AUTRE"}
    (error,) = plain(load("companies", loaded("companies", COMPANY, second)))
    assert error.startswith("Ligne 3, colonne « label » : La ligne 2 dit autre chose")
    assert load("companies", loaded("companies", {**COMPANY, "label": "AUTRE"})).updated == 1
    assert "autre" in Company.get().search_key


def test_a_load_moves_neither_company_nor_contract_to_another_account(loaded):
    load("accounts", loaded("accounts", ACCOUNT, {**ACCOUNT, "account_code": "C2"}))
    (error,) = plain(load("companies", loaded("companies", {**COMPANY, "account_code": "C2"})))
    assert error.startswith("Ligne 2, colonne « account_code » : Cette entreprise est dans un autre compte")
    load("companies", loaded("companies", COMPANY, {**COMPANY, "company_code": "E2", "account_code": "C2"}))
    (error,) = plain(load("contracts", loaded("contracts", {**CONTRACT, "company_code": "E2"})))
    assert error.startswith("Ligne 2, colonne « company_code » : Ce contrat est dans un autre compte")


def test_people_follow_the_college_of_their_contract(loaded):
    load("companies", loaded("companies", COMPANY, {**COMPANY, "category_code": "CAD"}))
    assert load("contracts", loaded("contracts", {**CONTRACT, "category_code": "CAD"})).updated == 1
    person = Beneficiary.get()
    assert (person.category.code, person.version) == ("CAD", 2)
    assert load("beneficiaries", loaded("beneficiaries", PERSON)).unchanged == 1


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"company_code": "E9"}, "company_code"),
        ({"category_code": "X"}, "category_code"),
        ({"plan_code": "P9"}, "plan_code"),
        ({"employer_share_percent": "100.01"}, "employer_share_percent"),
        ({"employer_share_percent": "62,5"}, "employer_share_percent"),
        ({"employer_share_percent": "-1"}, "employer_share_percent"),
        ({"child_max_age": "²0"}, "child_max_age"),
        ({"child_student_max_age": "18"}, "child_student_max_age"),
        ({"payment_method": "Espèces"}, "payment_method"),
        ({"subscribed_on": "9999-12-31"}, "subscribed_on"),
    ],
)
def test_a_wrong_contract_is_named(loaded, change, column):
    (error,) = plain(load("contracts", loaded("contracts", {**CONTRACT, **change})))
    assert error.startswith(f"Ligne 2, colonne « {column} » : ")


def test_a_request_is_read_with_its_type_its_dates_and_the_college_of_the_person(loaded):
    row, person = DocumentRequest.get(), Beneficiary.get()
    assert (row.document_type, row.restricted, row.origin, row.state) == ("BANK_DETAILS", False, "INSURER", "AWAITED")
    assert (row.category_id, row.beneficiary_id) == (person.category_id, person.id)
    assert (row.sent_on.isoformat(), row.due_on.isoformat(), row.insurer_reminded_on) == (
        "2026-10-05",
        "2026-12-04",
        None,
    )


def test_a_load_brings_dates_to_a_request_and_leaves_what_became_of_it(loaded):
    DocumentRequest.update(state="ACCEPTED", origin="ENROLMENT").execute()
    reminded = {**REQUEST, "insurer_reminded_on": "2026-11-09", "due_on": ""}
    assert load("document-requests", loaded("document-requests", reminded)).updated == 1
    row = DocumentRequest.get()
    assert (row.state, row.origin, row.version) == ("ACCEPTED", "ENROLMENT", 2)
    assert (row.insurer_reminded_on.isoformat(), row.due_on) == ("2026-11-09", None)


def test_one_person_may_be_asked_for_two_documents_and_in_two_campaigns(loaded):
    others = {**REQUEST, "document_type": "Certificat de concubinage"}, {**REQUEST, "campaign": "2027"}
    outcome = load("document-requests", loaded("document-requests", REQUEST, *others))
    assert (outcome.created, outcome.unchanged) == (2, 1)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"member_number": "9"}, "member_number"),
        ({"document_type": "Carte de pêche"}, "document_type"),
        ({"due_on": "2026-10-04"}, "due_on"),
        ({"sent_on": ""}, "sent_on"),
        ({"insurer_reminded_on": "09/11/2026"}, "insurer_reminded_on"),
        ({"campaign": ""}, "campaign"),
    ],
)
def test_a_wrong_request_is_named(loaded, change, column):
    before = snapshot()
    (error,) = plain(load("document-requests", loaded("document-requests", {**REQUEST, **change})))
    assert error.startswith(f"Ligne 2, colonne « {column} » : ")
    assert snapshot() == before


def test_the_same_request_twice_in_a_file_is_refused_whatever_the_words_of_its_type(loaded):
    again = {**REQUEST, "document_type": "Copie du PACS"}, {**REQUEST, "document_type": "PACS"}
    (error,) = plain(load("document-requests", loaded("document-requests", *again)))
    assert error.startswith("Ligne 3, colonne « document_type » : la ligne 2")


def test_a_nir_sealed_by_a_former_key_is_known_again(loaded):
    sealed, keys = bytes(Beneficiary.get().nir), [bytes.fromhex(key) for key in KEYS]
    vault.use([b"a key of 2027".ljust(32), *keys])
    try:
        assert load("beneficiaries", loaded("beneficiaries", PERSON)).unchanged == 1
        assert bytes(Beneficiary.get().nir) == sealed
    finally:
        vault.use(keys)


@pytest.mark.parametrize(
    "address",
    ["zoe.o-neill@example.com", "ZOE@Example.COM", "z@b.fr", "a..b@example.com", "a@b@c.fr", "zoé@example.com", "@x.fr"]
    + [f"{'a' * 64}@example.com", f"{'a' * 65}@example.com", "a@-x.fr", "a@x", "a b@example.com", "a@localhost"],
)
def test_the_quick_way_to_check_an_address_says_what_the_rule_says(address):
    def ask(check):
        try:
            return check(address)
        except ValueError as refused:
            return str(refused)

    assert ask(management_system.email) == ask(identifiers.email)


def test_indexes_left_for_the_end_are_all_made_again(loaded, monkeypatch):
    monkeypatch.setattr(loading, "MANY_ROWS", 2)
    Beneficiary.delete().execute()
    rows = [{**PERSON, "member_number": str(number), "household_number": f"F{number + 2}"} for number in range(10)]
    assert load("beneficiaries", loaded("beneficiaries", *rows)).created == 10
    assert list(differences(db, models.TABLES)) == []
    Beneficiary.delete().execute()
    assert load("beneficiaries", loaded("beneficiaries", *rows, {**PERSON, "sex": "X"})).errors
    assert Beneficiary.select().count() == 0
    assert list(differences(db, models.TABLES)) == []


def test_what_the_database_refuses_is_told_without_its_values(loaded, monkeypatch):
    monkeypatch.setattr(management_system, "search_key", lambda text: None)
    monkeypatch.setattr(management_system, "sort_key", lambda text: None)
    (error,) = plain(load("beneficiaries", loaded("beneficiaries", {**PERSON, "member_number": "9"})))
    assert error.startswith("La base de données a refusé le fichier (")
    assert "Zoé" not in error
    assert Beneficiary.select().count() == 1


KILLED = """
import os, sys
from portal import database
from portal.exchange import management_system
from portal.models import db, vault

class Killer:
    def __init__(self, **_): self.chunks = 0
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def update(self, _):
        self.chunks += 1
        if self.chunks == 3: os._exit(9)

vault.use([b"k" * 32])
db.initialize(database.connect(sys.argv[1]))
db.connect()
management_system.load("beneficiaries", sys.argv[2], progress=Killer)
"""


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
@pytest.mark.parametrize("change", [{"city": "Uzès"}, {"birth_date": "hier"}])
def test_a_connection_keeps_as_many_pages_after_a_load_as_before(loaded, change):
    """Loaded or refused; SQLite alone is told how many."""
    load("beneficiaries", loaded("beneficiaries", {**PERSON, **change}))
    assert db.execute_sql("PRAGMA cache_size").fetchone() == (PRAGMAS["cache_size"],)


def test_a_load_that_is_killed_leaves_nothing(loaded, chosen_settings):
    rows = [
        {**PERSON, "member_number": str(3_000 + number), "household_number": f"F{number + 2}"}
        for number in range(3_500)
    ]
    path = loaded("beneficiaries", *rows)
    killed = subprocess.run([sys.executable, "-c", KILLED, chosen_settings.database_url, path], cwd=ROOT)
    assert killed.returncode == 9
    assert Beneficiary.select().count() == 1
    assert load("beneficiaries", path).created == 3_500


def test_progress_is_told_row_after_row(loaded):
    steps = []

    class Bar:
        def __init__(self, length, label):
            steps.append(length)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, count):
            steps.append(count)

    rows = [{**PERSON, "member_number": str(number), "household_number": f"F{number + 2}"} for number in range(2_500)]
    management_system.load("beneficiaries", loaded("beneficiaries", *rows), progress=Bar)
    assert steps == [2_501, 1_000, 1_000, 500]
