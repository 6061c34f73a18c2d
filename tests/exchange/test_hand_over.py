"""What goes to the management system, once and whole; and what its files tell afterwards of what was asked."""

import csv
import hashlib
import io
import json

import pytest

from portal import clock, proofs, sendings, storage
from portal.exchange import hand_over, management_system, uploads
from portal.exchange.newcomers import Newcomer, affiliate
from portal.exchange.recognising import offers
from portal.models import (
    AuditEvent,
    Beneficiary,
    Company,
    DocumentRequest,
    HandOver,
    Movement,
    MovementKind,
    MovementState,
    NotTakenBack,
    OutboxMessage,
    RequestState,
    Sending,
    StoredFile,
    SupportingDocument,
)
from portal.rules import proofs as rules
from portal.rules.identifiers import nir_key
from portal.vault import Tampered
from tests import factories, files

NIR = "180013947800" + "1"
NIR += nir_key(NIR)
COLUMNS = [column.name for column in management_system.Beneficiaries.columns]
ADDRESS = {
    "street_number": "3",
    "street": "rue Pasteur",
    "complement": "",
    "postal_code": "39100",
    "city": "Dole",
    "country": "France",
}


def deliver(folder):
    return list(hand_over.hand_over(folder, clock.now()))


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def newcomer(contract, hr, **others):
    values = {
        "role": 0,
        "matricule": "M1",
        "title": "M.",
        "birth_name": "Nouveau",
        "used_name": "",
        "first_name": "Paul",
        "birth_date": clock.today().replace(year=1980, day=15),
        "sex": "M",
        "nir": NIR,
        "base_scheme": "GENERAL",
        "offer": next(o for o in offers(hr, contract.category.account_id) if o.contract_id == contract.id),
        "effective_on": clock.today(),
        **ADDRESS,
        "phone": "",
        "mobile": "",
        "email": "",
        "reimbursement_iban": "FR7630006000011234567890189",
        "reimbursement_bic": "",
        "contribution_iban": "",
        "contribution_bic": "",
        "other_cover": False,
        "relationship": "",
        "child_status": "",
        "proof": "",
    }
    return Newcomer(values | others)


@pytest.fixture
def contract(hr):
    return hr.contracts().first()


@pytest.fixture
def person(contract):
    return factories.beneficiary(contract, email="salarie@exemple.fr", household_number="F1")


def loaded(tmp_path, *people, **values):
    """The management system's file of these people, with other values where told."""
    path = tmp_path / "beneficiaries.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";")
        writer.writeheader()
        for person in people:
            row = {name: getattr(person, name, "") for name in COLUMNS}
            row |= {"role": ("Assuré", "Conjoint", "Enfant")[person.role], "contract_number": person.contract.number}
            row |= {"nir": person.unseal("nir") if person.nir else "", "individual_products": ""}
            writer.writerow({name: "" if value is None else value for name, value in (row | values).items()})
    return management_system.load("beneficiaries", path)


def test_every_kind_has_its_file_with_what_the_manifest_says(hr, contract, person, tmp_path):
    affiliate([newcomer(contract, hr)], contract.category.account_id, hr, clock.now())
    person.modify(MovementKind.ADDRESS, ADDRESS, clock.today(), hr, clock.now(), 1)
    Beneficiary.terminate([(person, clock.today(), "RESIGNATION")], hr, clock.now())
    ((number, where, count),) = deliver(tmp_path)
    assert (number, where.name, count) == (1, "000001", 3)
    (joined,) = rows(where / "affiliations.csv")
    assert (joined["nir"], joined["reimbursement_iban"], joined["role"]) == (
        NIR,
        "FR7630006000011234567890189",
        "Assuré",
    )
    assert joined["contract_number"] == contract.number
    (left,) = rows(where / "terminations.csv")
    assert (left["member_number"], left["terminated_on"]) == (person.member_number, clock.today().isoformat())
    assert rows(where / "addresses.csv")[0]["city"] == "Dole"
    manifest = json.loads((where / "manifest.json").read_text())
    assert {*manifest["files"], "manifest.json"} == {path.name for path in where.iterdir()}
    assert len(manifest["files"]) == len(MovementKind) + 3
    for name, told in manifest["files"].items():
        data = (where / name).read_bytes()
        assert told == {"rows": len(rows(where / name)), "sha256": hashlib.sha256(data).hexdigest()}
    assert {row.state for row in Movement.select()} == {MovementState.HANDED_OVER}


def test_the_same_delivery_is_written_again_to_the_byte(hr, contract, person, tmp_path):
    affiliate([newcomer(contract, hr)], contract.category.account_id, hr, clock.now())
    person.modify(MovementKind.ADDRESS, ADDRESS, clock.today(), hr, clock.now(), 1)
    deliver(tmp_path / "first")
    person.modify(MovementKind.ADDRESS, ADDRESS | {"city": "Lons"}, clock.today(), hr, clock.now(), 2)
    Beneficiary.update(member_number="X1").where(Beneficiary.provisional).execute()
    hand_over.again(1, tmp_path / "second")
    first, second = (contents(tmp_path / name / "000001") for name in ("first", "second"))
    assert first == second
    assert hand_over.again(9, tmp_path) is None


def test_nothing_waits_twice_and_numbers_follow(hr, person, tmp_path):
    person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), hr, clock.now(), 1)
    assert [number for number, *_ in deliver(tmp_path)] == [1]
    assert deliver(tmp_path) == []
    person.modify(MovementKind.CONTACT, {"phone": "+33199001002"}, clock.today(), hr, clock.now(), 2)
    assert [number for number, *_ in deliver(tmp_path)] == [2]


def test_a_delivery_that_was_cut_short_is_finished_first(hr, person, tmp_path, monkeypatch):
    person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), hr, clock.now(), 1)
    with monkeypatch.context() as patched:
        patched.setattr(hand_over.Path, "rename", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            deliver(tmp_path)
    assert not (tmp_path / "000001").exists()
    assert HandOver.get().written_at is None
    assert [number for number, *_ in deliver(tmp_path)] == [1]
    assert not list(tmp_path.glob(".*"))


def test_who_leaves_is_written_to_once_it_is_told_for_good(hr, person, tmp_path):
    movements, _ = Beneficiary.terminate([(person, clock.today(), "RESIGNATION")], hr, clock.now())
    assert not OutboxMessage.select().exists()
    deliver(tmp_path)
    hand_over.again(1, tmp_path)
    assert [message.unseal()["to"] for message in OutboxMessage.select()] == ["salarie@exemple.fr"]
    with pytest.raises(NotTakenBack):
        movements[0].take_back(clock.now())


# ── Documents ────────────────────────────────────────────────────────────────────────────────────────────────────


def deposit(hr, person, *contents, proof=rules.BANK_DETAILS, accepted=True):
    """A request whose document came, and was accepted."""
    now = clock.now()
    row = proofs.ask(person, proof, None, proofs.INSURER, now)
    kept = [
        storage.receive(io.BytesIO(content), name, uploads.PROOFS, account=person.account_id, holder=hr.holder)
        for name, content in contents
    ]
    proofs.receive(row, kept, hr, now)
    return proofs.accept(row, now, 2) if accepted else row


def test_accepted_documents_go_with_their_files(hr, person, tmp_path):
    pdf, image = files.pdf(), files.image()
    deposit(hr, person, ("rib-dupont.pdf", pdf), ("verso.png", image))
    ((number, where, count),) = deliver(tmp_path)
    assert (number, count) == (1, 2)
    told = rows(where / "documents.csv")
    assert [row["document"] for row in told] == [str(one.public_id) for one in SupportingDocument.select()]
    assert {(row["member_number"], row["account_code"]) for row in told} == {
        (person.member_number, person.account.code)
    }
    assert rules.by_words(told[0]["document_type"]) == rules.BANK_DETAILS
    manifest = json.loads((where / "manifest.json").read_text())
    assert manifest["files"]["documents.csv"]["rows"] == 2
    assert set(manifest["documents"]) == {row["file"] for row in told}
    for name, said in manifest["documents"].items():
        data = (where / name).read_bytes()
        assert said == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert (where / told[0]["file"]).read_bytes().startswith(b"%PDF")
    assert (where / told[1]["file"]).suffix == ".png"
    assert not [path for path in where.rglob("*") if "dupont" in path.name]
    assert deliver(tmp_path) == []


def test_what_is_not_accepted_or_has_no_number_yet_waits(hr, contract, person, tmp_path):
    deposit(hr, person, ("a.pdf", files.pdf()), accepted=False)
    newcomer = factories.beneficiary(contract, provisional=True)
    deposit(hr, newcomer, ("b.pdf", files.pdf()))
    assert deliver(tmp_path) == []
    Beneficiary.update(provisional=False, member_number="77").where(Beneficiary.id == newcomer.id).execute()
    ((_, where, count),) = deliver(tmp_path)
    assert (count, rows(where / "documents.csv")[0]["member_number"]) == (1, "77")


def test_a_file_that_was_refused_does_not_go_with_the_one_that_was_accepted(hr, person, tmp_path):
    row = deposit(hr, person, ("flou.png", files.image()), accepted=False)
    proofs.refuse(row, "Illisible.", clock.now(), 2)
    proofs.receive(row, [received(hr, person)], hr, clock.now())
    proofs.accept(row, clock.now(), 4)
    ((_, where, count),) = deliver(tmp_path)
    assert count == 1
    assert [path.suffix for path in (where / "documents").iterdir()] == [".pdf"]


def received(hr, person):
    return storage.receive(
        io.BytesIO(files.pdf()), "net.pdf", uploads.PROOFS, account=person.account_id, holder=hr.holder
    )


def test_documents_are_written_again_to_the_byte_whatever_became_of_the_person(hr, person, tmp_path):
    deposit(hr, person, ("a.pdf", files.pdf()))
    deliver(tmp_path / "first")
    person.modify(MovementKind.NAME, {"used_name": "Autre"}, clock.today(), hr, clock.now(), 1)
    deposit(hr, person, ("b.pdf", files.pdf()), proof=rules.HOME_ADDRESS)
    hand_over.again(1, tmp_path / "second")
    first, second = (contents(tmp_path / name / "000001") for name in ("first", "second"))
    assert first == second


@pytest.mark.parametrize("fault", [storage.Unavailable, Tampered])
def test_a_file_that_does_not_read_leaves_nothing_half_written(app, hr, person, tmp_path, monkeypatch, fault):
    deposit(hr, person, ("a.pdf", files.pdf()), ("b.pdf", files.pdf()))
    last = StoredFile.select().order_by(StoredFile.id.desc()).first().id
    read = storage.pieces

    def broken(row):
        if row.id == last:
            raise fault
        return read(row)

    runner, folder = app.test_cli_runner(), tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(storage, "pieces", broken)
        told = runner.invoke(args=["hand-over", str(folder)])
    assert told.exit_code == 1
    assert "ne se lit pas" in told.output + (told.stderr or "")
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]
    assert "2\u00a0lignes" in runner.invoke(args=["hand-over", str(folder)]).output
    assert len(list((folder / "000001" / "documents").iterdir())) == 2
    assert SupportingDocument.select().where(SupportingDocument.hand_over == HandOver.get()).count() == 2
    assert DocumentRequest.get().state == RequestState.ACCEPTED


def test_the_documents_are_read_in_few_statements(hr, person, tmp_path, queries):
    for proof in (rules.BANK_DETAILS, rules.HOME_ADDRESS, rules.HEALTH_RIGHTS, rules.CIVIL_STATUS):
        deposit(hr, person, ("a.pdf", files.pdf()), proof=proof)
    queries.clear()
    deliver(tmp_path)
    assert len(queries) <= 40


# ── What companies sent ──────────────────────────────────────────────────────────────────────────────────────────

IBAN, SIRET = "FR7630006000011234567890189", "44306184100047"


def send(hr, document_type, *contents, accepted=True, **says):
    """A sending of the first company, read, and accepted by the mutual."""
    now, company = clock.now(), hr.companies().order_by(Company.id).first()
    draft = Sending(account=company.account_id, company=company, document_type=document_type, **says)
    kept = [
        storage.receive(io.BytesIO(content), name, uploads.ALL, account=company.account_id, holder=hr.holder)
        for name, content in contents
    ]
    (row,) = sendings.send(draft, kept, hr, now)
    if document_type == "BANK_DETAILS":
        sendings.propose(row, "ATELIERS COMBE-NOIRE", IBAN, "", now)
    sendings.read(row, factories.user(role="staff"), now)
    if accepted:
        sendings.accept(row, now, 2, says.get("siret", ""), says.get("issued_on"))
    return row


def test_what_companies_sent_goes_with_its_files_once_it_is_accepted(hr, tmp_path):
    says = {"siret": SIRET, "issued_on": clock.today()}
    kbis = send(hr, "KBIS", ("combe-noire.png", files.image()), ("2.pdf", files.pdf()), **says)
    send(hr, "GROUP", ("liste.csv", b"a;b\n1;2\n"), accepted=False)
    ((_, where, count),) = deliver(tmp_path)
    told = rows(where / "company-documents.csv")
    assert count == len(told) == 2
    assert {row["document"] for row in told} == {str(kbis.public_id)}
    company = hr.companies().order_by(Company.id).first()
    first = told[0]
    assert (first["account_code"], first["company_code"]) == (company.account.code, company.code)
    assert (first["document_type"], first["siret"], first["issued_on"]) == ("Kbis", SIRET, f"{clock.today()}")
    assert [(where / row["file"]).suffix for row in told] == [".png", ".pdf"]
    assert (where / told[1]["file"]).read_bytes().startswith(b"%PDF")
    manifest = json.loads((where / "manifest.json").read_text())
    assert set(manifest["documents"]) == {row["file"] for row in told}
    assert not [path for path in where.rglob("*") if "combe" in path.name]
    assert deliver(tmp_path) == []


def test_a_new_bank_account_goes_once_it_is_confirmed(hr, tmp_path):
    send(hr, "BANK_DETAILS", ("rib.pdf", files.pdf()), accepted=False)
    assert deliver(tmp_path) == []
    confirmed = send(hr, "BANK_DETAILS", ("rib.pdf", files.pdf()))
    ((_, where, count),) = deliver(tmp_path)
    (told,) = rows(where / "bank-details.csv")
    assert (told["iban"], told["bic"][:4], told["holder"]) == (IBAN, "AGRI", "ATELIERS COMBE-NOIRE")
    assert told["document"] == str(confirmed.public_id)
    assert count == 2
    assert AuditEvent.get(AuditEvent.action == "hand_over").after["bank_details"] == 1


def test_papers_are_written_again_to_the_byte_whatever_the_company_did_since(hr, tmp_path):
    send(hr, "BANK_DETAILS", ("rib.pdf", files.pdf()))
    send(hr, "KBIS", ("kbis.pdf", files.pdf()), siret=SIRET, issued_on=clock.today())
    deliver(tmp_path / "first")
    send(hr, "BANK_DETAILS", ("autre.pdf", files.pdf()))
    hand_over.again(1, tmp_path / "second")
    first, second = (contents(tmp_path / name / "000001") for name in ("first", "second"))
    assert first == second


def contents(where):
    return {path.name: path.read_bytes() for path in where.rglob("*") if path.is_file()}


# ── What comes back ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_load_that_knows_of_it_settles_a_termination(hr, person, tmp_path):
    Beneficiary.terminate([(person, clock.today(), "RESIGNATION")], hr, clock.now())
    deliver(tmp_path)
    loaded(tmp_path, person)  # the system does not know yet: what was asked here stays
    assert Beneficiary.get_by_id(person.id).terminated_on == clock.today()
    assert Movement.get().state == MovementState.HANDED_OVER
    outcome = loaded(tmp_path, person, terminated_on=clock.today(), termination_reason="RESIGNATION")
    assert not outcome.errors
    assert (Movement.get().state, Movement.get().remark) == (MovementState.PROCESSED, "")


def test_what_the_mutual_decided_otherwise_stands_and_says_so(hr, person, tmp_path):
    Beneficiary.terminate([(person, clock.today(), "RESIGNATION")], hr, clock.now())
    deliver(tmp_path)
    other = clock.today().replace(day=1)
    loaded(tmp_path, person, terminated_on=other, termination_reason="OTHER")
    assert Beneficiary.get_by_id(person.id).terminated_on == other
    assert Movement.get().state == MovementState.PROCESSED
    assert "autre chose" in Movement.get().remark


def test_two_moves_one_after_another_settle_each_in_its_time(hr, person, tmp_path):
    person.modify(MovementKind.ADDRESS, ADDRESS, clock.today(), hr, clock.now(), 1)
    deliver(tmp_path)
    person.modify(MovementKind.ADDRESS, ADDRESS | {"city": "Lons"}, clock.today(), hr, clock.now(), 2)
    loaded(tmp_path, person)
    assert Beneficiary.get_by_id(person.id).city == "Lons"
    loaded(tmp_path, person, **ADDRESS)
    assert Beneficiary.get_by_id(person.id).city == "Lons"
    assert [row.state for row in Movement.select().order_by(Movement.id)] == ["PROCESSED", "RECORDED"]


def test_a_newcomer_gets_the_number_of_the_mutual_and_keeps_the_page(hr, contract, tmp_path):
    affiliate([newcomer(contract, hr)], contract.category.account_id, hr, clock.now())
    before = Beneficiary.get(Beneficiary.provisional)
    deliver(tmp_path)
    people = Beneficiary.select().count()
    known = Beneficiary.get_by_id(before.id)
    known.member_number, known.household_number = "00999", "F999"
    outcome = loaded(tmp_path, known)
    assert (outcome.errors, outcome.created, outcome.updated) == ([], 0, 1)
    after = Beneficiary.get_by_id(before.id)
    assert (after.member_number, after.household_number, after.provisional) == ("00999", "F999", False)
    assert after.search_key.endswith("00999")
    assert after.unseal("reimbursement_iban") == "FR7630006000011234567890189"
    assert Beneficiary.select().count() == people
    assert Movement.get().state == MovementState.PROCESSED


def test_the_command_says_what_it_did(app, hr, person, tmp_path):
    person.modify(MovementKind.CONTACT, {"phone": "+33199001001"}, clock.today(), hr, clock.now(), 1)
    runner = app.test_cli_runner()
    assert "Transmission n° 1" in runner.invoke(args=["hand-over", str(tmp_path / "out")]).output
    assert "Rien à transmettre" in runner.invoke(args=["hand-over", str(tmp_path / "out")]).output
    again = runner.invoke(args=["hand-over", str(tmp_path / "again"), "--number", "1"])
    assert "Transmission n° 1" in again.output
    assert runner.invoke(args=["hand-over", str(tmp_path), "--number", "7"]).exit_code == 1
