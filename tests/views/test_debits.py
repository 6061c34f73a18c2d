"""« Prélèvements »: the file of a day, right by its schema, each statement once; the command; the door."""

import datetime
from importlib.resources import files
from xml.etree import ElementTree

import pytest
import xmlschema

from portal import clock, collecting
from portal.exchange import sepa
from portal.models import AuditEvent, BankDetails, ContributionStatement, DebitBatch, DirectDebit, SepaMandate, UserRole
from portal.rules.collections import banking_day
from tests import factories
from tests.views.test_terminations import plain

IBAN = "FR7630006000011234567890189"
SPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
PATH = "/gestion/prelevements"


@pytest.fixture
def contract(hr):
    """Of a company that signed a mandate."""
    found = hr.contracts().first()
    factories.mandate(found.category.company, hr)
    return found


@pytest.fixture
def statement(contract):
    return announced(contract)


def announced(contract, days=20, **values):
    """Issued today, debited in so many days."""
    today = clock.today()
    values = {"issued_on": today, "due_on": today + datetime.timedelta(days=days)} | values
    return factories.statement(contract, **values)


@pytest.fixture
def staff(client):
    client.sign_in(factories.user(UserRole.STAFF))
    return client


def prepare(client, statement, scheme="CORE"):
    return client.post(PATH, {"jour": banking_day(statement.due_on).isoformat(), "schema": scheme})


def read(client):
    batch = DebitBatch.select().order_by(DebitBatch.id.desc()).get()
    answer = client.post(f"{PATH}/{batch.public_id}/fichier")
    assert answer.mimetype == "application/xml"
    text = answer.get_data(as_text=True)
    schema = files("sepaxml") / "schemas" / "pain.008.001.08.xsd"
    xmlschema.XMLSchema(str(schema)).validate(text)
    return ElementTree.fromstring(text)


def values(tree, name):
    return [one.text for one in tree.iterfind(f".//p:{name}", SPACE)]


def test_the_file_of_a_day_says_who_pays_what_by_which_mandate(staff, statement):
    assert "1 bordereau" in plain(staff.get(PATH))
    assert prepare(staff, statement).status_code == 303
    tree, mandate = read(staff), SepaMandate.get()
    assert values(tree, "InstdAmt") == [f"{statement.total / 100:.2f}"]
    assert values(tree, "MndtId") == [mandate.reference]
    assert values(tree, "SeqTp") == ["FRST"]
    assert values(tree, "ReqdColltnDt") == [banking_day(statement.due_on).isoformat()]
    assert IBAN in values(tree, "IBAN")
    assert values(tree, "Ustrd") == [f"Cotisations {statement.number}"]
    assert mandate.last_used_on == banking_day(statement.due_on)


def test_names_are_written_in_the_signs_that_every_bank_takes(app, staff, statement):
    SepaMandate.update(holder="Émaux & Fils <SARL> « œ » // n*1 @ " + "…" * 30).execute()
    prepare(staff, statement)
    (name,) = [one.findtext("p:Nm", namespaces=SPACE) for one in read(staff).iterfind(".//p:Dbtr", SPACE)]
    assert name == ("Emaux + Fils SARL oe / n 1 " + "..." * 30)[:70]


@pytest.mark.parametrize(
    ("text", "said"), [("  ", "NOTPROVIDED"), ("/Fils//Cie/", "Fils/Cie"), ("a" * 69 + " /b", "a" * 69)]
)
def test_a_name_is_never_empty_nor_ends_with_a_slash(text, said):
    assert sepa.plain(text, 70) == said


def test_a_statement_is_collected_once_whatever_is_sent_again(staff, statement):
    for _ in range(2):
        prepare(staff, statement)
    assert (DebitBatch.select().count(), DirectDebit.select().count()) == (1, 1)
    assert "Rien à prélever" in plain(staff.get(PATH))
    assert sum(one.action == "debit.prepare" for one in AuditEvent.select()) == 1


def test_the_next_debit_of_a_mandate_is_recurrent(staff, contract, statement):
    prepare(staff, statement)
    later = announced(contract, 50)
    prepare(staff, later)
    assert values(read(staff), "SeqTp") == ["RCUR"]


def test_two_statements_of_a_day_have_one_first_debit(staff, contract, statement):
    announced(contract, 20)
    prepare(staff, statement)
    assert sorted(values(read(staff), "SeqTp")) == ["FRST", "RCUR"]
    assert values(read(staff), "NbOfTxs")[0] == "2"


def test_what_is_paid_otherwise_late_or_barely_announced_is_not_collected(staff, contract, hr):
    today, day = clock.today(), datetime.timedelta(days=1)
    announced(contract, -3, issued_on=today - 30 * day)
    announced(contract, 5)
    announced(contract, 20, settled=100_000)
    announced(contract, 20, issued_on=today + day)
    announced(contract, 20, total=-500)
    assert "Rien à prélever" in plain(staff.get(PATH))
    type(contract).update(payment_method="Virement").execute()
    announced(contract, 20)
    assert "Rien à prélever" in plain(staff.get(PATH))


@pytest.mark.parametrize("change", [{"state": "REVOKED"}, {"signed_at": datetime.datetime(2020, 1, 1)}])
def test_without_a_mandate_in_force_nothing_is_collected(staff, statement, change):
    SepaMandate.update(change).execute()
    prepare(staff, statement)
    assert not DebitBatch.select().exists()


def test_a_fault_half_way_writes_nothing(app, statement, monkeypatch):
    monkeypatch.setattr(collecting, "direct_debits", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        collecting.prepare(banking_day(statement.due_on), "CORE", app.settings, None, clock.now())
    assert not DebitBatch.select().exists() and not DirectDebit.select().exists()
    assert SepaMandate.get().last_used_on is None


@pytest.mark.parametrize("day", ["", "demain", "2026-13-01"])
def test_a_day_that_is_none_prepares_nothing(staff, statement, day):
    assert staff.post(PATH, {"jour": day, "schema": "CORE"}).status_code == 404
    assert not DebitBatch.select().exists()


def test_no_company_reaches_the_files(client, hr, statement, app):
    batch = collecting.prepare(banking_day(statement.due_on), "CORE", app.settings, None, clock.now())
    client.sign_in(hr)
    assert client.get(PATH).status_code == 403
    assert client.post(f"{PATH}/{batch.public_id}/fichier").status_code == 403
    assert not hr.debit_batches().exists()


def test_the_file_is_sealed_where_it_is_kept(app, statement):
    batch = collecting.prepare(banking_day(statement.due_on), "CORE", app.settings, None, clock.now())
    assert IBAN.encode() not in bytes(DebitBatch.get_by_id(batch.id).content)
    assert IBAN in batch.unseal()


def test_a_mandate_on_another_account_than_the_one_on_file_collects_nothing(app, contract, statement):
    """Of those signed before a new account ended them by itself."""
    BankDetails.update(until=clock.now()).execute()
    factories.bank_details(contract.category.company, "FR7699999000010000000000115")
    day = banking_day(statement.due_on)
    assert collecting.prepare(day, "CORE", app.settings, None, clock.now()) is None
    assert not DirectDebit.select().exists()


def test_the_page_asks_as_much_of_many_as_of_few(staff, contract, queries):
    counts = []
    for _ in range(2):
        for _ in range(3):
            announced(contract)
        queries.clear()
        staff.get(PATH)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9, queries


def test_the_command_makes_the_files_of_the_days_to_come(app, statement, tmp_path):
    runner = app.test_cli_runner()
    none = runner.invoke(args=["collect", str(tmp_path / "bank"), "--days", "3"])
    assert "Rien à prélever" in none.output
    done = runner.invoke(args=["collect", str(tmp_path / "bank"), "--days", "40"])
    (name,) = [path.name for path in (tmp_path / "bank").iterdir()]
    assert f"{name}" in done.output and name.endswith(".xml")
    assert IBAN in (tmp_path / "bank" / name).read_text()
    assert (tmp_path / "bank" / name).stat().st_mode & 0o077 == 0
    assert ContributionStatement.get().number not in done.output


def test_a_file_is_never_there_without_its_line_in_the_audit_trail(app, contract, hr, monkeypatch):
    for days in (20, 40):
        announced(contract, days)
    one_file, made = collecting.prepare, []

    def second_fails(*given):
        if made:
            raise OSError
        made.append(one_file(*given))
        return made[0]

    monkeypatch.setattr(collecting, "prepare", second_fails)
    with pytest.raises(OSError):
        collecting.collect(app.settings, clock.now(), clock.today() + datetime.timedelta(days=99))
    assert DebitBatch.select().count() == 1
    assert AuditEvent.get(AuditEvent.action == "debit.prepare").object_id == str(made[0].public_id)
