"""Rejects of direct debits: a pain.002 or a CSV, all or nothing and once; what the company is told; the mandate."""

import datetime
import io
import re

import pytest

from portal import arrears, clock, collecting, contributions, invariants, rejecting
from portal.exchange import management_system, rejects
from portal.models import (
    AuditEvent,
    ContributionStatement,
    DebitBatch,
    DirectDebit,
    MandateState,
    OutboxMessage,
    Payment,
    SepaMandate,
    UserRole,
)
from portal.rules import Refused
from portal.rules.collections import banking_day
from portal.rules.rejects import REASONS
from tests import factories
from tests.views.test_debits import announced

PATH = "/gestion/prelevements"
REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>
<GrpHdr><MsgId>B1</MsgId><CreDtTm>{day}T08:30:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>M</OrgnlMsgId><OrgnlMsgNmId>pain.008</OrgnlMsgNmId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>P</OrgnlPmtInfId>{transactions}</OrgnlPmtInfAndSts>
</CstmrPmtStsRpt></Document>"""
TRANSACTION = """<TxInfAndSts><OrgnlEndToEndId>{name}</OrgnlEndToEndId><TxSts>{status}</TxSts>
<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf></TxInfAndSts>"""


@pytest.fixture
def contract(hr):
    found = hr.contracts().first()
    factories.mandate(found.category.company, hr)
    return found


@pytest.fixture
def debits(contract, app):
    """Two, of one mandate: a first and a recurrent one."""
    statements = [announced(contract, days=days) for days in (20, 50)]
    for one in statements:
        assert collecting.prepare(banking_day(one.due_on), "CORE", app.settings, None, clock.now())
    return list(DirectDebit.select().order_by(DirectDebit.id))


@pytest.fixture
def staff(client):
    client.sign_in(factories.user(UserRole.STAFF))
    return client


def report(*rows, version="03", day=None):
    told = "".join(TRANSACTION.format(name=name, status=status, code=code) for name, status, code in rows)
    return REPORT.format(version=version, day=day or clock.today(), transactions=told).encode()


def table(*rows):
    return ("reference;date;motif\n" + "".join(";".join(row) + "\n" for row in rows)).encode()


def french(day):
    return f"{day:%d/%m/%Y}"


def send(client, content, name="rejets.xml"):
    return client.post(f"{PATH}/rejets", {"fichier": (io.BytesIO(content), name)})


def test_a_whole_batch_that_is_refused_is_never_taken_for_no_reject():
    whole = report().replace(b"</OrgnlPmtInfId>", b"</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>")
    with pytest.raises(Refused, match="lot entier"):
        rejects.read(whole, clock.today())


@pytest.mark.parametrize(("amount", "is_taken"), [("1000.00", True), ("1000.00000", True), ("10.00", False)])
def test_a_reject_of_another_amount_is_refused(debits, amount, is_taken):
    told = f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>'.encode()
    content = report((debits[0].end_to_end, "RJCT", "AM04")).replace(b"</TxInfAndSts>", told)
    assert debits[0].amount == 100_000
    found = rejects.read(content, clock.today())
    if is_taken:
        assert rejecting.take(found, clock.now()).marked == 1
    else:
        with pytest.raises(Refused, match="montant"):
            rejecting.take(found, clock.now())


@pytest.mark.parametrize("version", ["03", "09", "10"])
def test_a_report_of_any_version_is_read(version):
    found = rejects.read(report(("A", "RJCT", "AM04"), ("B", "ACCP", "AM04"), version=version), clock.today())
    assert [(one.end_to_end, one.code, one.on) for one in found] == [("A", "AM04", clock.today())]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"<Document/>",
        b"<a",
        b"a;b;c\n1;2;3\n",
        b'<!DOCTYPE a [<!ENTITY x "y">]><Document>&x;</Document>',
        report(day="demain"),
        REPORT.format(version="03", day="2026-11-26", transactions="")
        .replace("</OrgnlMsgNmId>", "</OrgnlMsgNmId><GrpSts>RJCT</GrpSts>")
        .encode(),
    ],
)
def test_what_is_no_file_of_rejects_is_refused_whole(content):
    with pytest.raises(Refused):
        rejects.read(content, clock.today())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_heading_with_its_accents_is_the_same(encoding):
    content = "Référence;Date;Motif\r\nA;2026-11-20;am04\r\n".encode(encoding)
    (one,) = rejects.read(content, clock.today())
    assert (one.line, one.end_to_end, one.code) == (2, "A", "AM04")


def test_each_wrong_line_is_said():
    with pytest.raises(Refused) as refused:
        rejects.read(
            table(("A", "31/02/2026", "AM04"), ("", "01/12/2026", "AM04"), ("B", "01/12/2026", "X")), clock.today()
        )
    assert [line.partition(" :")[0] for line in str(refused.value).replace("\u00a0", " ").split("\n")] == [
        "Ligne 2",
        "Ligne 3",
        "Ligne 4",
    ]


def test_a_reject_is_marked_once_and_the_company_told(staff, hr, debits):
    content = report((debits[1].end_to_end, "RJCT", "AM04"))
    before = OutboxMessage.select().count()
    assert send(staff, content).status_code == 303
    debit = DirectDebit.get_by_id(debits[1].id)
    assert (debit.rejected_on, debit.reason) == (clock.today(), "AM04")
    assert OutboxMessage.select().count() == before + 1
    assert "déjà connu" in send_and_follow(staff, content)
    assert OutboxMessage.select().count() == before + 1
    assert AuditEvent.select().where(AuditEvent.action == "debit.reject").count() == 1
    assert SepaMandate.get_by_id(debit.mandate_id).state == MandateState.SIGNED
    assert "dont 1 rejeté" in staff.get(PATH).get_data(as_text=True).replace("\u00a0", " ")


def send_and_follow(client, content, name="rejets.xml"):
    answer = send(client, content, name)
    return client.get(answer.location).get_data(as_text=True)


def test_two_lines_that_say_otherwise_of_the_same_debit_are_refused_and_the_same_twice_is_not(staff, debits):
    day, name = french(clock.today()), debits[0].end_to_end
    answer = send(staff, table((name, day, "AM04"), (name, day, "MD01")), "rejets.csv")
    assert answer.status_code == 422
    said = answer.get_data(as_text=True).replace("\u00a0", " ")
    assert "Ligne 3 : ce prélèvement est déjà à la ligne 2, et y est autre." in said
    assert not DirectDebit.select().where(DirectDebit.rejected_on.is_null(False)).exists()
    assert send(staff, table((name, day, "AM04"), (name, day, "AM04")), "rejets.csv").status_code == 303
    assert DirectDebit.get_by_id(debits[0].id).reason == "AM04"


def test_the_company_reads_why_and_what_to_do(client, staff, hr, debits):
    send(staff, table((debits[0].end_to_end, french(clock.today()), "am04")), "rejets.csv")
    client.sign_in(hr)
    statement = debits[0].statement
    own = f"/echeancier/{statement.public_id}"
    for path in ("/cotisations", own):
        page = client.get(path, follow_redirects=True).get_data(as_text=True)
        assert "provision du compte était insuffisante" in page and "par virement" in page
        assert page.count(f'href="{own}') == (path != own)  # no page leads to itself
    assert f"<strong>{statement.number}</strong>" in page and "Pour régler par virement" in page


def test_a_company_reads_no_reject_of_another(client, staff, debits):
    send(staff, report((debits[0].end_to_end, "RJCT", "AM04")))
    client.sign_in(factories.hr_user())
    assert "rejeté" not in client.get("/cotisations", follow_redirects=True).get_data(as_text=True)


def test_after_a_first_debit_was_rejected_the_next_is_first_again(staff, debits, contract, app):
    for debit in debits:
        send(staff, report((debit.end_to_end, "RJCT", "AM04")))
    assert SepaMandate.get().last_used_on is None
    waiting = collecting.waiting(debits[0].statement.select(), clock.today())
    assert {one.statement.id for one in waiting} == {debit.statement_id for debit in debits}
    day = waiting[0].day
    collecting.prepare(day, "CORE", app.settings, None, clock.now())
    again = DirectDebit.select().order_by(DirectDebit.id.desc()).get()
    assert again.sequence == "FRST"


def test_a_mandate_that_the_bank_does_not_know_serves_no_more(staff, debits):
    page = send_and_follow(staff, report((debits[0].end_to_end, "RJCT", "MD01")))
    assert "mandat terminé" in page
    mandate = SepaMandate.get()
    assert mandate.state == MandateState.REVOKED and mandate.revoked_at
    assert "nouveau" in OutboxMessage.select().order_by(OutboxMessage.id.desc()).get().unseal()["text"]


def test_one_wrong_line_and_nothing_is_done(staff, debits):
    content = table((debits[0].end_to_end, french(clock.today()), "AM04"), ("INCONNU", french(clock.today()), "AM04"))
    answer = send(staff, content, "rejets.csv")
    assert answer.status_code == 422
    page = answer.get_data(as_text=True).replace("\u00a0", " ")
    assert "Ligne 3 : cette référence n’est d’aucun prélèvement" in page and "Rien n’a été enregistré" in page
    assert not DirectDebit.select().where(DirectDebit.rejected_on.is_null(False)).exists()


@pytest.mark.parametrize("days", [1, -30])
def test_a_day_that_cannot_be_is_refused(debits, days):
    day = clock.today() + datetime.timedelta(days=days)
    with pytest.raises(Refused):
        rejecting.take([rejects.Reject(1, debits[0].end_to_end, day, "AM04")], clock.now())


def test_no_file_is_a_sentence(staff):
    answer = staff.post(f"{PATH}/rejets", {})
    assert answer.status_code == 422 and "Choisissez le fichier" in answer.get_data(as_text=True)


def test_the_command_takes_a_file_once(app, debits, tmp_path):
    path = tmp_path / "pain002.xml"
    path.write_bytes(report((debits[0].end_to_end, "RJCT", "AC04")))
    runner = app.test_cli_runner()
    assert "1 rejet enregistré, 1 mandat terminé" in runner.invoke(args=["rejects", str(path)]).output.replace(
        "\u00a0", " "
    )
    assert "1 déjà connu" in runner.invoke(args=["rejects", str(path)]).output.replace("\u00a0", " ")
    path.write_bytes(b"rien")
    assert runner.invoke(args=["rejects", str(path)]).exit_code == 1


def test_every_reason_says_what_to_do():
    for code, known in REASONS.items():
        assert re.fullmatch(r"[A-Z]{2}\d{2}|[A-Z]{4}", code)
        assert known.what.endswith(".") and known.why[0].islower() or known.why[0] == "l"


def test_a_company_sends_no_rejects(client, hr):
    client.sign_in(hr)
    assert send(client, b"x").status_code == 403


# ── What the debit had paid ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def collected(debits):
    """The first debit: collected today, and told as paid by a file of the management system."""
    debit = debits[0]
    DebitBatch.update(collected_on=clock.today()).where(DebitBatch.id == debit.batch_id).execute()
    paid(debit)
    return debit


def paid(debit, amount=None, reference="PRL1"):
    contract, cents = debit.statement.contract, amount or debit.amount
    return factories.payment(contract, cents, reference=reference, payment_method="Prélèvement")


def settled(debit):
    return ContributionStatement.get_by_id(debit.statement_id).settled


def reject(debit):
    rejecting.take([rejects.Reject(1, debit.end_to_end, clock.today(), "AM04")], clock.now())


def test_what_a_rejected_debit_had_paid_is_not_paid_any_more(client, staff, hr, collected):
    assert settled(collected) == collected.amount
    assert send(staff, report((collected.end_to_end, "RJCT", "AM04"))).status_code == 303
    assert settled(collected) == 0
    row = Payment.get(Payment.undoes.is_null(False))
    assert (row.amount, row.paid_on) == (-collected.amount, clock.today())
    event = AuditEvent.get(AuditEvent.action == "payment.undo")
    assert event.after["statement"] == collected.statement.number and event.account_id
    assert not list(invariants.payment_faults()) and not list(invariants.settled_faults())
    client.sign_in(hr)
    page = client.get("/cotisations", follow_redirects=True).get_data(as_text=True)
    assert f"REJET-{collected.end_to_end}" in page and "provision du compte était insuffisante" in page
    assert "Rien n’est dû" not in page
    send(staff, report((collected.end_to_end, "RJCT", "AM04")))  # again: nothing more
    assert Payment.select().where(Payment.amount < 0).count() == 1


def test_a_payment_that_is_loaded_after_its_reject_settles_nothing(debits, staff):
    DebitBatch.update(collected_on=clock.today()).execute()
    reject(debits[0])
    assert not Payment.select().exists()  # no file had told it as paid
    paid(debits[0])
    assert settled(debits[0]) == 0 and Payment.select().where(Payment.undoes.is_null(False)).count() == 1


def test_the_reject_of_a_file_takes_the_place_of_the_portals(collected, staff):
    reject(collected)
    paid(collected, -collected.amount, "PRL1-REJ")
    assert settled(collected) == 0
    assert [row.reference for row in Payment.select().where(Payment.amount < 0)] == ["PRL1-REJ"]
    assert AuditEvent.select().where(AuditEvent.action == "payment.undone_by_file").count() == 1
    assert sum(row.amount for row in Payment.select()) == 0


@pytest.mark.parametrize("place", [0, 1])
def test_a_payment_that_a_file_moves_elsewhere_takes_what_takes_it_back_away(collected, staff, hr, tmp_path, place):
    """Before or after in the order of contracts; again, it changes nothing; and back, it is taken back again."""
    reject(collected)
    here = collected.statement.contract
    others = list(hr.contracts().where(hr.contracts().model.id != here.id))
    other = factories.contract(here.category, plan=here.plan_id, number="KZ") if place else others[0]
    for contract, taken_back in ((other, 0), (other, 0), (here, 1)):
        path = tmp_path / "payments.csv"
        paid_on = clock.today().isoformat()
        path.write_text(
            "payment_reference;contract_number;paid_on;payment_method;amount\n"
            f"PRL1;{contract.number};{paid_on};Prélèvement;{collected.amount / 100:.2f}\n",
            encoding="utf-8",
        )
        assert not management_system.load("payments", path).errors
        assert Payment.get(Payment.reference == "PRL1").contract_id == contract.id
        backs = Payment.select().where(Payment.undoes.is_null(False))
        assert [row.contract_id for row in backs] == [here.id] * taken_back
        assert settled(collected) == 0
        assert not list(invariants.payment_faults()) and not list(invariants.settled_faults())


def test_two_rejects_whose_payments_a_file_exchanges_are_each_taken_back_once(collected, debits, staff, hr):
    """The payment goes where another reject of that amount waits: one takes it back, whichever contract comes first."""
    reject(collected)
    here, row = collected.statement.contract, Payment.get(Payment.reference == "PRL1")
    other = factories.contract(here.category, plan=here.plan_id, number="KZ")
    ContributionStatement.update(contract=other).where(ContributionStatement.id == debits[1].statement_id).execute()
    DebitBatch.update(collected_on=clock.today()).execute()
    rejecting.take([rejects.Reject(1, debits[1].end_to_end, clock.today(), "AM04")], clock.now())
    Payment.update(contract=other).where(Payment.id == row.id).execute()
    DirectDebit.update(amount=row.amount).execute()
    contributions.settle_contracts([here.id, other.id])
    assert [back.contract_id for back in Payment.select().where(Payment.undoes == row.id)] == [other.id]
    Payment.update(contract=here).where(Payment.id == row.id).execute()
    contributions.settle_contracts([here.id, other.id])
    assert [back.contract_id for back in Payment.select().where(Payment.undoes == row.id)] == [here.id]


def test_a_transfer_after_the_reject_settles_the_statement(collected, staff):
    reject(collected)
    factories.payment(collected.statement.contract, collected.amount, reference="VIR1", payment_method="Virement")
    assert settled(collected) == collected.amount
    assert sum(row.amount for row in Payment.select()) == collected.amount


def test_a_statement_that_is_late_again_is_in_arrears(collected, staff):
    today = clock.today()
    late = {"due_on": today - datetime.timedelta(days=3), "issued_on": today - datetime.timedelta(days=20)}
    ContributionStatement.update(late).where(ContributionStatement.id == collected.statement_id).execute()
    contract = collected.statement.contract
    assert arrears.of_contract(contract, ContributionStatement.select(), today) is None
    reject(collected)
    assert arrears.of_contract(contract, ContributionStatement.select(), today).amount == collected.amount
