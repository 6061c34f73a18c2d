"""Documents: made once, whoever asks and whatever dies meanwhile; known again by their code; seen with their person."""

import datetime
import io
import re
import threading
import time

import pytest
from pypdf import PdfReader

from portal import bulletins, clock, documents, printing, storage, tasks
from portal.models import (
    Beneficiary,
    Change,
    Document,
    Enrolment,
    EnrolmentState,
    Movement,
    MovementKind,
    PermissionGrant,
    StoredFile,
    db,
)
from tests import factories
from tests.test_printing import faults

SPACE = "\xa0"
BLOCKS = [
    ("garantie", "Bulletin d’adhésion individuel", [("Garantie", "Essentielle")]),
    ("salarie", "Le salarié", [("Nom", "Barbaud"), ("N° S. Sociale", "2 94 06 39 478 031 45".replace(" ", SPACE))]),
    (
        "comptes",
        "Comptes",
        [("Remboursement", "FR76 3000 6000 0112 3456 7890 189, AGRIFRPP".replace(" 3", SPACE + "3"))],
    ),
    ("enfants", "Les enfants", []),
]


@pytest.fixture
def person(hr):
    return hr.beneficiaries().first()


def enrolment(hr, person, **values):
    row = Enrolment(account=person.account_id, category=person.category, contract=person.contract, author=hr)
    row.step, row.state, row.number = "verification", EnrolmentState.SUBMITTED, "A-2026-000123"
    row.seal({})
    for name, value in values.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    return row


def asked(hr, person, **values):
    return bulletins.ask(enrolment(hr, person, **values), person, BLOCKS, clock.now())


def text_of(file):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(storage.content(file))).pages)


def code_of(file):
    return re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", text_of(file))[0]


# The code


def test_a_code_has_eighty_bits_and_no_sign_that_is_taken_for_another():
    codes = {documents.draw_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code) for code in codes)
    assert len(documents.ALPHABET) ** documents.LENGTH == 2**80


@pytest.mark.parametrize(
    "typed", ["7KQM-2XVD-90RT-HC41", "7kqm 2xvd 9ort hc4l", " 7KQM2XVD9ORTHC4I ", "7KQM–2XVD.90RT-HC41"]
)
def test_a_code_is_read_as_people_type_it(typed):
    assert documents.read_code(typed) == "7KQM2XVD90RTHC41"


@pytest.mark.parametrize("typed", ["", "7KQM-2XVD-90RT-HC4", "7KQM-2XVD-90RT-HC411", "7KQM-2XVD-90RT-HC4U", "é" * 16])
def test_what_cannot_be_a_code_is_none(typed):
    assert documents.read_code(typed) is None


# Made once


def test_a_bulletin_is_made_once_and_known_by_its_code(hr, person):
    document = asked(hr, person)
    assert document.can_be_read and document.file_id is None
    file = documents.made(document)
    again = documents.made(Document.get_by_id(document.id))
    assert file.id == again.id
    assert StoredFile.select().count() == 1
    data = storage.content(file)
    assert faults(data) == []
    assert file.file_name == f"Bulletin d’adhésion individuel, {person.full_name}.pdf"
    row = Document.get_by_id(document.id)
    assert (row.context, row.leased_until, row.title) == (None, None, file.file_name.removesuffix(".pdf"))
    code = code_of(file)
    assert documents.find(code.lower()).id == row.id
    assert documents.find(documents.draw_code()) is None
    assert code.replace("-", "") not in str(Document.select().dicts().get())


def test_a_bulletin_says_what_was_answered_and_hides_what_the_vault_keeps(hr, person):
    text = text_of(documents.made(asked(hr, person, children_awaited=True)))
    flat = text.replace(SPACE, " ")
    assert "A-2026-000123" in text and person.full_name in text and "Essentielle" in text
    assert "2 94 06 ••" in flat and "FR76 ••••" in flat and "189, AGRIFRPP" in flat
    assert not re.search(r"\b(478|3000|6000|0112|7890)\b", flat)
    assert "un ou des enfants" in text
    assert "délégué à la protection des données" in text and "CNIL" in text and "employeur nous a transmis" in text
    assert "Fait à" in text and "Signé par" not in text
    assert "/verification" in text and re.search(r"page 1 / \d", text)


def test_what_was_signed_online_is_said_with_its_date_and_its_way(hr, person):
    signed = {"signed_name": "Zoé Barbaud", "signed_at": datetime.datetime(2026, 11, 25, 9, 30), "signed_by": "SMS"}
    text = text_of(documents.made(asked(hr, person, **signed))).replace(SPACE, " ")
    assert "Zoé Barbaud" in text and "25/11/2026 à 10:30" in text and "code envoyé par SMS" in text
    assert "Fait à" not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("294063947803145", "2 94 06 •• ••• ••• ••"),
        ("1 85 03 2A 004 001 12", "1 85 03 •• ••• ••• ••"),
        ("FR7630006000011234567890189", "FR76 •••• •••• •••• •••• •••• 189"),
        ("MC58 1122 2000 0101 2345 6789 030", "MC58 •••• •••• •••• •••• •••• 030"),
        ("DE89 3704 0044 0532 0130 00", "DE89 •••• •••• •••• •••0 00"),
        ("BE71 0961 2345 6769", "BE71 •••• •••• •769"),
        ("27/03/1985", "27/03/1985"),
        ("06 39 98 01 02", "06 39 98 01 02"),
        ("HJ204117, collège 001", "HJ204117, collège 001"),
    ],
)
def test_a_nir_or_an_iban_is_hidden_wherever_it_stands(value, shown):
    assert bulletins.masked(f"{value}, x").replace(SPACE, " ") == f"{shown}, x"


def test_many_who_ask_at_the_same_time_get_the_same_file(hr, person, monkeypatch):
    document, drawn, found = asked(hr, person), [], []
    pdf = printing.pdf
    monkeypatch.setattr(printing, "pdf", lambda *args, **words: drawn.append(1) or pdf(*args, **words))

    def ask():
        with db.connection_context():
            found.append(documents.made(Document.get_by_id(document.id)).id)

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert (len(found), len(set(found)), drawn) == (4, 1, [1])


def test_the_worker_makes_what_waits(hr, person):
    for number in range(2):
        asked(hr, person, number=f"A-2026-00000{number}")
    assert documents.make_due(clock.now()) == 2
    assert documents.make_due(clock.now()) == 0
    assert Document.select().where(Document.file.is_null()).count() == 0


def test_who_dies_while_making_it_is_followed_by_another_after_a_minute(hr, person, at):
    document = asked(hr, person)
    assert document.lease(clock.now())
    assert documents.make_due(clock.now()) == 0
    at(seconds=61)
    assert documents.make_due(clock.now()) == 1


def test_who_was_too_slow_does_not_write_over_the_other(hr, person, at):
    document = asked(hr, person)
    slow = Document.get_by_id(document.id)
    assert slow.lease(clock.now())
    at(seconds=61)
    made = documents.made(document)
    documents.make(slow)
    assert Document.get_by_id(document.id).file_id == made.id
    assert StoredFile.select().where(StoredFile.dropped_at.is_null(False)).count() == 1


def test_one_that_cannot_be_made_is_told_as_a_place_and_tried_again(hr, person, monkeypatch, caplog):
    document = asked(hr, person)

    def fail(*args, **words):
        raise RuntimeError("Barbaud")

    with monkeypatch.context() as broken:
        broken.setattr(printing, "pdf", fail)
        for _ in range(Document.MOST_ATTEMPTS + 2):
            assert documents.make_due(clock.now()) == 0
        with pytest.raises(documents.NotMade):
            documents.made(document)
    assert "Barbaud" not in caplog.text and "RuntimeError" in caplog.text
    assert Document.get_by_id(document.id).attempts == Document.MOST_ATTEMPTS + 1
    assert documents.made(document).attached_at


def test_a_store_that_is_away_loses_nothing(hr, person, monkeypatch):
    document = asked(hr, person)
    with monkeypatch.context() as away:
        away.setattr(storage.store.place, "put", lambda *_: (_ for _ in ()).throw(storage.Unavailable("away")))
        with pytest.raises(documents.NotMade):
            documents.made(document)
    assert documents.made(document)


def test_a_pdf_made_elsewhere_is_filed_with_the_code_that_is_on_it(hr, person):
    code = documents.draw_code()
    words = {"title": "Attestation", "document_type": "CERTIFICATE", "account": person.account_id}
    filed = documents.file(b"%PDF-1.7", clock.now(), code, beneficiary=person, **words)
    assert documents.find(code).id == filed.id
    assert documents.made(filed).attached_at
    assert filed.initials == "P. B."


def test_the_keys_of_the_vault_can_change_before_it_is_made(hr, person, chosen_settings):
    from portal.models import vault

    document = asked(hr, person)
    new = (b"\x01\x02\x03\x04\x05\x06\x07\x08" * 4, *chosen_settings.vault_keys)
    vault.use(new)
    assert Document.reseal(0) == (document.id, 1)
    vault.use(new[:1])
    assert Document.get_by_id(document.id).unseal()["number"] == "A-2026-000123"
    vault.use(chosen_settings.vault_keys)


# Who sees it


def test_a_document_of_a_person_is_seen_with_that_person_alone(hr, person):
    document = asked(hr, person)
    narrow = factories.user()
    other = hr.categories().where(Beneficiary._meta.fields["category"].rel_model.id != person.category_id).first()
    PermissionGrant.create(user=narrow, account=person.account_id, category=other, valid_from="2020-01-01")
    assert list(hr.documents()) == [document]
    assert list(narrow.documents()) == list(factories.hr_user().documents()) == []
    moved = Beneficiary.update(category=other, contract=other.contracts.first())
    moved.where(Beneficiary.id == person.id).execute()
    assert list(narrow.documents()) == [document]  # who changes college is followed


def test_what_is_undone_is_withdrawn(hr, person):
    asked(hr, person)
    row = Document.get()
    documents.made(row)
    movement = Movement.record([Change(person, MovementKind.AFFILIATION, {}, clock.today())], hr, clock.now())[0]
    code = code_of(Document.get().file)
    movement.take_back(clock.now())
    assert list(hr.documents()) == []
    assert documents.find(code).withdrawn_at
    assert Document.get().beneficiary_id is None


def test_the_bulletin_of_an_enrolment_is_found_through_its_affiliation(hr, person):
    document = asked(hr, person)
    movement = Movement.record([Change(person, MovementKind.AFFILIATION, {}, clock.today())], hr, clock.now())[0]
    sent = Enrolment.get()
    assert bulletins.of(sent) is None
    sent.movement = movement
    assert bulletins.of(sent).id == document.id


def test_a_long_document_keeps_its_lease_while_it_is_made(hr, person, monkeypatch):
    """It takes longer than the lease: nobody else makes it meanwhile, and what was made is kept."""
    monkeypatch.setattr(Document, "LEASE", datetime.timedelta(seconds=0.6))
    printed, free = documents.printing.pdf, []

    def slowly(*arguments, **words):
        for _ in range(5):
            time.sleep(0.3)
            free.append(Document.to_make(clock.now()).exists())
        return printed(*arguments, **words)

    monkeypatch.setattr(documents.printing, "pdf", slowly)
    row = asked(hr, person)
    assert documents.make_due(clock.now()) == 1
    assert free == [False] * 5
    row = Document.get_by_id(row.id)
    assert row.file_id is not None
    assert row.attempts == 1


# Long ones, each drawn by a process of its own


@pytest.fixture
def long_one(hr, person, monkeypatch):
    monkeypatch.setattr(Document, "LONG", 100)
    return asked(hr, person)


def go_on():
    return False


def test_a_long_one_is_drawn_by_another_process_and_has_its_code(long_one):
    assert documents.make_due(clock.now()) == 0
    assert documents.make_long(clock.now(), go_on) == 1
    row = Document.get_by_id(long_one.id)
    assert documents.find(code_of(row.file)).id == row.id
    assert row.pages_drawn <= 2 and row.attempts == 1


def test_short_ones_do_not_wait_for_long_ones(hr, person):
    asked(hr, person)
    assert documents.make_long(clock.now(), go_on) == 0
    assert documents.make_due(clock.now()) == 1


def test_a_document_tells_how_many_pages_are_laid_out_while_it_is_made(long_one, monkeypatch):
    monkeypatch.setattr(documents, "TOLD", 0.05)
    told = []

    def slowly(template, laid_out, **words):
        for page in (1, 2, 3):
            laid_out(page)
            time.sleep(0.3)
            told.append(Document.get().pages_drawn)
        return printing.pdf(template, **words)

    monkeypatch.setattr(printing, "pdf_apart", slowly)
    assert documents.make_long(clock.now(), go_on) == 1
    assert told == [1, 2, 3]
    assert Document.get().file_id is not None


def test_one_whose_process_is_killed_is_tried_again_then_said_to_have_failed(long_one, monkeypatch, tmp_path, caplog):
    killed = tmp_path / "child.py"
    killed.write_text("import os\n\n\ndef main():\n    os.kill(os.getpid(), 9)\n")
    with monkeypatch.context() as broken:
        broken.setattr(printing, "CHILD", killed)
        for _ in range(Document.MOST_ATTEMPTS):
            assert not Document.get_by_id(long_one.id).has_failed(clock.now())
            assert documents.make_long(clock.now(), go_on) == 0
    assert Document.get_by_id(long_one.id).has_failed(clock.now())
    assert "CutShort" in caplog.text
    assert documents.make_long(clock.now(), go_on) == 0
    long_one.try_again()
    assert documents.make_long(clock.now(), go_on) == 1


def test_the_worker_does_the_rest_while_a_long_one_is_drawn(app, long_one, hr, person, monkeypatch):
    begun, over, stop = threading.Event(), threading.Event(), threading.Event()

    def slowly(template, laid_out, **words):
        begun.set()
        assert over.wait(20)
        return printing.pdf(template, **words)

    monkeypatch.setattr(printing, "pdf_apart", slowly)
    db.close()
    worker = threading.Thread(target=tasks.work, args=(app.settings, stop))
    worker.start()
    try:
        assert begun.wait(10)
        with db.connection_context():
            assert Document.get_by_id(long_one.id).file_id is None
            monkeypatch.setattr(Document, "LONG", 1_000_000)
            short = asked(hr, person, number="A-2026-000777")
            assert any(Document.get_by_id(short.id).file_id or stop.wait(0.1) for _ in range(100))
            assert Document.get_by_id(long_one.id).file_id is None
            over.set()
            assert any(Document.get_by_id(long_one.id).file_id or stop.wait(0.1) for _ in range(100))
    finally:
        over.set()
        stop.set()
        worker.join(10)
    assert not worker.is_alive()
    db.connect(reuse_if_open=True)


def test_a_worker_that_is_told_to_end_gives_back_what_it_draws(long_one):
    assert documents.make_long(clock.now(), lambda: True) == 0
    row = Document.get_by_id(long_one.id)
    assert (row.attempts, row.leased_until, row.file_id) == (0, None, None)
    assert documents.make_long(clock.now(), go_on) == 1


def test_a_kill_in_the_middle_begins_it_again(hr, person, at):
    """A process that dies leaves its lease and its page count; the next begins from nothing."""
    row = asked(hr, person)
    assert row.lease(clock.now())
    row.renew(clock.now(), 41)
    assert documents.make_due(clock.now()) == 0
    at(seconds=61)
    assert documents.make_due(clock.now()) == 1
    assert Document.get_by_id(row.id).pages_drawn < 41
