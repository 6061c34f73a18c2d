"""Supporting documents: reminded of, deposited by HR or by the employee, decided by the mutual; each is told."""

import datetime
import html
import io
import re
import threading

import pytest
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from portal import clock, guests, outbox, proofs, reminders, storage
from portal.exchange import uploads
from portal.models import (
    AuditEvent,
    Beneficiary,
    DocumentCampaign,
    DocumentRequest,
    GuestLink,
    GuestPurpose,
    OutboxMessage,
    PermissionGrant,
    Reminder,
    ReminderBatch,
    RequestState,
    SupportingDocument,
    Waiver,
    db,
)
from portal.rules import proofs as rules
from portal.rules import waivers as waiver_rules
from tests import enrolling, factories, files
from tests.views.test_supporting_documents import await_of, text

BORN = "12/04/1968"


@pytest.fixture
def household(hr):
    """(employee with a mobile, their grown-up child)."""
    contract = hr.contracts().first()
    born = clock.today() - datetime.timedelta(days=21 * 366)
    together = {"household_number": "F900"}
    means = {"mobile": "+33639980102", "email": "aurelie@example.com"}
    employee = factories.beneficiary(contract, "Lamy", "Aurélie", title="Mme", **means, **together)
    return employee, factories.beneficiary(contract, "Lamy", "Corentin", role=2, birth_date=born, **together)


@pytest.fixture
def certificate(household):
    return await_of(household[1], due=3)


@pytest.fixture
def staff(app, hr):
    desk = app.test_client()
    desk.sign_in(factories.user(role="staff"))
    return desk


def send_files(client, address, *pieces, field="pieces", **words):
    page = enrolling.hidden(client.get(address).get_data(as_text=True))
    data = page | words | {"csrf_token": client.token()}
    data[field] = [FileStorage(io.BytesIO(content), name) for name, content in pieces]
    boundary, body = encode_multipart(MultiDict(data))
    return client.open(address, method="POST", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def remind(client, *rows):
    asked = client.post("/justificatifs/relances", {"qui": [str(row.public_id) for row in rows]})
    return asked.headers["Location"]


def fresh(row):
    return DocumentRequest.get_by_id(row.id)


# ── Reminding ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_goes_before_it_was_looked_at(signed_in, certificate):
    where = remind(signed_in, certificate)
    page = text(signed_in, where)
    assert "Rien n’est encore parti" in page
    assert "06 39 98 01 02" in page.replace("\u00a0", " ").replace("\u202f", " ")
    assert OutboxMessage.select().count() == Reminder.select().count() == 0


def test_the_words_that_are_shown_are_those_that_go(signed_in, household, certificate):
    Beneficiary.update(mobile="").where(Beneficiary.id == household[0].id).execute()
    where = remind(signed_in, certificate)
    page = html.unescape(text(signed_in, where))
    shown = [" ".join(part.split()) for part in re.findall("<p>(.*?)</p>", page.partition("<blockquote>")[2], re.S)]
    assert GuestLink.select().count() == 0
    signed_in.post(f"{where}/envoi")
    sent = re.sub(r"/salarie/[\w-]{43}", f"/salarie/{reminders.PERSONAL}", OutboxMessage.get().unseal()["text"])
    said = [" ".join(part.split()) for part in sent.split("\n\n")]
    assert shown[1 : len(said) + 1] == said  # the subject stands first


def test_the_text_of_a_reminder_holds_its_words_apart(signed_in, certificate):
    signed_in.post(f"{remind(signed_in, certificate)}/envoi")
    words = OutboxMessage.get().unseal()["text"]
    assert f"au plus tard le {certificate.due_on:%d/%m/%Y} pour votre contrat santé." in words


def test_each_way_of_writing_is_shown_once(signed_in, household, certificate, hr):
    other = {"household_number": "F901", "mobile": "", "email": "zoe@example.com"}
    rows = [certificate, await_of(factories.beneficiary(hr.contracts().first(), "Roux", "Zoé", **other))]
    other |= {"household_number": "F902", "email": "paul@example.com"}
    rows.append(await_of(factories.beneficiary(hr.contracts().first(), "Roux", "Paul", **other)))
    page = text(signed_in, remind(signed_in, *rows))
    assert (page.count("Par SMS<"), page.count("Par courriel<"), page.count("<blockquote>")) == (1, 1, 2)
    assert "1\u00a0justificatif attendu" in page or "1 justificatif attendu" in page


def test_each_line_is_reminded_of_alone_or_leads_to_a_contact(signed_in, household, certificate):
    page = text(signed_in, "/justificatifs")
    assert f'form="one" name="qui" value="{certificate.public_id}"' in page
    Beneficiary.update(mobile="", email="").execute()
    page = text(signed_in, "/justificatifs")
    assert 'form="one" name="qui"' not in page
    assert f'href="/salaries/{household[0].public_id}/contact' in page


def test_a_reminder_leaves_after_five_minutes_once(signed_in, app, certificate, at):
    where = remind(signed_in, certificate)
    for _ in range(2):
        assert signed_in.post(f"{where}/envoi").status_code == 303
    assert (OutboxMessage.select().count(), Reminder.select().count()) == (1, 1)
    assert outbox.send_due(app.settings, clock.now()) == 0
    assert outbox.send_due(app.settings, at(minutes=6)) == 1
    page = text(signed_in, f"/justificatifs/{certificate.public_id}")
    assert "envoyé" in page
    assert "SMS" in page


def test_a_reminder_is_taken_back(signed_in, app, certificate, at):
    where = remind(signed_in, certificate)
    signed_in.post(f"{where}/envoi")
    assert "Annuler la relance" in text(signed_in, where)
    signed_in.post(f"{where}/annulation")
    assert outbox.send_due(app.settings, at(minutes=6)) == 0
    assert "reprise avant l’envoi" in text(signed_in, f"/justificatifs/{certificate.public_id}")
    assert fresh(certificate).reminded_at is None


def test_nobody_is_reminded_twice_within_the_delay(signed_in, certificate):
    signed_in.post(f"{remind(signed_in, certificate)}/envoi")
    page = text(signed_in, remind(signed_in, certificate))
    assert "Personne n’est relancé deux fois" in page
    assert "Envoyer" not in page.partition("<main")[2]


def test_who_has_no_contact_is_named_with_a_letter(signed_in, household, certificate):
    Beneficiary.update(mobile="", email="").execute()
    where = remind(signed_in, certificate)
    page = text(signed_in, where)
    assert "Sans mobile ni courriel" in page
    assert "LAMY Aurélie" in page
    printed = signed_in.post(f"{where}/lettres")
    assert (printed.mimetype, printed.data[:5]) == ("application/pdf", b"%PDF-")
    again = signed_in.post(f"{where}/lettres")
    assert again.data == printed.data
    assert GuestLink.select().where(GuestLink.channel == "LETTER").count() == 1


def test_everything_that_is_filtered_is_reminded_of(signed_in, household, certificate):
    await_of(household[0], proof=rules.BANK_DETAILS, campaign="RIB")
    asked = signed_in.post("/justificatifs/relances?campagne=RIB", {"tous": "1"})
    batch = ReminderBatch.get()
    assert asked.status_code == 303
    assert len(batch.requests) == 1


def test_nothing_ticked_is_said(signed_in, certificate):
    answer = signed_in.post("/justificatifs/relances", {}, follow_redirects=True)
    assert "Cochez d’abord" in answer.get_data(as_text=True)


def test_a_foreign_document_is_not_in_the_batch(signed_in, certificate):
    other = factories.hr_user()
    theirs = await_of(factories.beneficiary(other.contracts().first(), mobile="+33639980199"))
    where = remind(signed_in, certificate, theirs)
    assert ReminderBatch.get().requests == [certificate.id]
    signed_in.post(f"{where}/envoi")
    assert fresh(theirs).reminded_at is None


def test_a_thousand_reminders_are_one_request_of_few_statements(signed_in, hr, queries):
    contract = hr.contracts().first()
    rows = []
    for number in range(1_000):
        means = {"household_number": f"M{number}", "mobile": f"+3363998{number:04}"}
        rows.append(factories.beneficiary(contract, "Lamy", f"Zoé{number}", **means))
    proofs.ask_many([(person, rules.BANK_DETAILS) for person in rows], "RIB", proofs.INSURER, clock.now())
    batch = ReminderBatch.create(user=hr, requests=[row.id for row in DocumentRequest.select(DocumentRequest.id)])
    token = signed_in.token()
    queries.clear()
    sent = signed_in.post(f"/justificatifs/relances/{batch.public_id}/envoi", {"csrf_token": token})
    assert sent.status_code == 303
    assert len(queries) <= 40
    assert OutboxMessage.select().count() == 1_000


# ── Deposited ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hr_deposits_and_sees_what_came(signed_in, hr, certificate):
    address = f"/justificatifs/{certificate.public_id}"
    assert send_files(signed_in, address, ("certificat.pdf", files.pdf())).status_code == 303
    page = text(signed_in, address)
    assert "Reçu, à l’examen" in page
    assert "certificat.pdf" in page
    assert "Déposer le document" not in page
    document = SupportingDocument.get()
    saved = signed_in.post(f"{address}/piece/{document.public_id}")
    assert saved.data.startswith(b"%PDF")
    assert AuditEvent.select().where(AuditEvent.action.in_(["proof.deposit", "proof.download"])).count() == 2


@pytest.mark.parametrize("pieces", [(), (("certificat.pdf", b"MZ" * 600),)])
def test_without_a_right_file_nothing_is_kept(signed_in, certificate, pieces):
    answer = send_files(signed_in, f"/justificatifs/{certificate.public_id}", *pieces)
    assert answer.status_code == 422
    assert fresh(certificate).state == RequestState.AWAITED


def test_the_same_form_twice_keeps_one_file(signed_in, certificate):
    address, key = f"/justificatifs/{certificate.public_id}", "11111111-1111-4111-8111-111111111111"
    for _ in range(2):
        assert send_files(signed_in, address, ("a.pdf", files.pdf()), form_key=key).status_code == 303
    assert SupportingDocument.select().count() == 1


def test_hr_never_opens_what_tells_of_health(signed_in, household):
    row = await_of(household[1], proof=next(proof for proof in rules.PROOFS.values() if proof.restricted))
    address = f"/justificatifs/{row.public_id}"
    send_files(signed_in, address, ("cmi-invalidite.pdf", files.pdf()))
    page = text(signed_in, address)
    assert "Confidentiel" in page
    assert "cmi-invalidite" not in page
    assert signed_in.post(f"{address}/piece/{SupportingDocument.get().public_id}").status_code == 404


def opened(app, employee):
    """(telephone, address of the documents) of an employee who opened a link."""
    link, token = guests.draw(GuestPurpose.DEPOSIT, clock.now(), guests.Wanted("LETTER", beneficiary=employee))
    phone = app.test_client()
    answer = phone.post(f"/salarie/{token}", {"naissance": BORN})
    assert answer.headers["Location"].endswith("/pieces")
    return phone, f"/salarie/{link.public_id}/pieces"


def test_the_employee_deposits_from_the_link_and_hr_is_told(app, hr, household, certificate):
    phone, address = opened(app, household[0])
    assert "Certificat de scolarité" in text(phone, address)
    sent = send_files(phone, f"{address}/{certificate.public_id}", ("photo.png", files.image()))
    assert sent.status_code == 303
    assert "Vous n’avez plus rien à envoyer" in text(phone, address)
    assert fresh(certificate).state == RequestState.RECEIVED
    told = next(row for row in OutboxMessage.select() if row.user_id == hr.id).unseal()["text"]
    assert "Lamy" not in told
    assert "LAMY" not in told


def test_the_employee_sees_their_own_household_alone(app, hr, household, certificate):
    contract = hr.contracts().first()
    stranger = await_of(factories.beneficiary(contract, "Autre", "Foyer", household_number="F901"))
    phone, address = opened(app, household[0])
    assert phone.get(f"{address}/{stranger.public_id}").status_code == 404
    assert send_files(phone, f"{address}/{certificate.public_id}").status_code == 422
    assert phone.get(address.replace("pieces", "adhesion")).status_code == 404


def test_what_the_employee_reads_writes_nothing(app, household, certificate, queries):
    phone, address = opened(app, household[0])
    for path in (address, f"{address}/{certificate.public_id}"):
        queries.clear()
        assert phone.get(path).status_code == 200
        assert not [sql for sql in queries if sql.split()[0] in ("INSERT", "UPDATE", "DELETE")]
        assert len(queries) <= 8


# ── Decided ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def received(signed_in, certificate):
    send_files(signed_in, f"/justificatifs/{certificate.public_id}", ("certificat.pdf", files.pdf()))
    OutboxMessage.delete().execute()
    return fresh(certificate)


def decide(staff, row, word, **words):
    address = f"/gestion/justificatifs/{row.public_id}"
    page = enrolling.hidden(staff.get(address).get_data(as_text=True))
    return staff.post(f"{address}/{word}", {"version": str(fresh(row).version), **page, **words})


def test_the_mutual_looks_and_accepts_and_the_employee_is_told(staff, received):
    assert "Certificat de scolarité" in text(staff, "/gestion/justificatifs")
    document = SupportingDocument.get()
    shown = staff.get(f"/gestion/justificatifs/{received.public_id}/piece/{document.public_id}")
    assert (shown.status_code, "sandbox" in shown.headers["Content-Security-Policy"]) == (200, True)
    assert decide(staff, received, "acceptation").status_code == 303
    assert (fresh(received).state, SupportingDocument.get().outcome) == (RequestState.ACCEPTED, "ACCEPTED")
    assert "est accepté" in OutboxMessage.get().unseal()["text"]
    assert AuditEvent.select().where(AuditEvent.action == "proof.accept").count() == 1


def test_a_refusal_says_why_to_the_employee_by_a_link_and_to_hr(staff, signed_in, hr, received):
    assert decide(staff, received, "refus", motif="").status_code == 422
    assert decide(staff, received, "refus", motif="OTHER").status_code == 422
    assert decide(staff, received, "refus", motif="ILLEGIBLE").status_code == 303
    row = fresh(received)
    assert (row.state, row.is_open, "pas lisible" in row.remark) == (RequestState.REFUSED, True, True)
    messages = list(OutboxMessage.select())
    assert {message.user_id for message in messages} == {None, hr.id}
    assert any("/salarie/" in message.unseal()["text"] for message in messages)
    assert "pas lisible" in text(signed_in, f"/justificatifs/{row.public_id}")


def test_two_who_decide_at_once_decide_once(staff, received):
    seen = str(received.version)
    assert decide(staff, received, "acceptation").status_code == 303
    late = staff.post(f"/gestion/justificatifs/{received.public_id}/refus", {"version": seen, "motif": "ILLEGIBLE"})
    assert late.status_code == 303
    assert fresh(received).state == RequestState.ACCEPTED
    assert "déjà traité" in text(staff, "/gestion/justificatifs")


def test_the_queue_is_the_staff_s_alone(signed_in, received):
    for path in ("", f"/{received.public_id}"):
        assert signed_in.get(f"/gestion/justificatifs{path}").status_code == 403


# ── As days pass ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_long_overdue_expires_once_and_hr_is_told(app, hr, household):
    late = await_of(household[1], due=-31)
    kept = await_of(household[0], due=-30, proof=rules.BANK_DETAILS)
    assert proofs.expire(clock.now(), 30) == 1
    assert proofs.expire(clock.now(), 30) == 0
    assert (fresh(late).state, fresh(kept).state) == (RequestState.EXPIRED, RequestState.AWAITED)
    assert OutboxMessage.get().user_id == hr.id


def test_what_expires_of_who_has_left_is_no_news_to_hr(app, hr, household):
    await_of(household[1], due=-31)
    await_of(household[0], due=-31)
    Beneficiary.update(terminated_on=clock.today() - datetime.timedelta(days=2)).execute()
    DocumentRequest.update(sent_on=clock.today() - datetime.timedelta(days=60)).execute()
    assert proofs.expire(clock.now(), 30) == 2
    assert OutboxMessage.select().count() == 0


def test_the_school_campaign_opens_once_in_its_days_and_writes_to_the_households(app, hr, household, monkeypatch):
    now = datetime.datetime(clock.today().year, 9, 2, 10)
    monkeypatch.setattr(clock, "now", lambda: now)
    Beneficiary.update(birth_date=datetime.date(now.year - 21, 3, 1)).where(Beneficiary.id == household[1].id).execute()
    for _ in range(2):
        proofs.each_day(app.settings, now)
    campaign = DocumentCampaign.get()
    assert (campaign.label, campaign.asked) == (f"Certificats de scolarité {now.year}-{now.year + 1}", 1)
    assert campaign.announced_at
    assert DocumentRequest.get().due_on == datetime.date(now.year, 10, 31)
    assert OutboxMessage.select().count() == 1


def test_no_campaign_opens_after_its_deadline(app, hr, household, monkeypatch):
    proofs.open_school_campaign(app.settings, datetime.datetime(clock.today().year, 11, 2, 10))
    assert DocumentCampaign.select().count() == 0


# ── What HR may not know, and what was forgotten ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"motif": "OUTDATED", "precision": "La carte mobilité a expiré."}, rules.REFUSALS["OUTDATED"]),
        ({"motif": "OTHER", "precision": "La carte mobilité a expiré."}, rules.TOLD_TO_EMPLOYEE),
    ],
)
def test_why_a_proof_of_disability_is_refused_is_the_employee_s_to_read(signed_in, app, staff, household, words, told):
    row = await_of(household[1], proof=rules.PROOFS["DISABILITY"])
    send_files(signed_in, f"/justificatifs/{row.public_id}", ("carte.pdf", files.pdf()))
    assert decide(staff, row, "refus", **words).status_code == 303
    pages = [text(signed_in, path) for path in (f"/justificatifs/{row.public_id}", "/justificatifs?etat=refuses")]
    pages.append(signed_in.post("/justificatifs/telechargement", {"format": "csv"}).get_data(as_text=True))
    assert not [page for page in pages if "mobilité" in page]
    assert told in pages[0]
    phone, address = opened(app, household[0])
    assert "La carte mobilité a expiré." in text(phone, address)


def test_the_register_of_waivers_says_that_an_accepted_proof_came(signed_in, staff, hr):
    waiver = factories.waiver(hr.contracts().first().category, proved_on=None)
    row = proofs.ask_for_waiver(waiver, waiver_rules.CASES[waiver.reason].proof, clock.now())
    send_files(signed_in, f"/justificatifs/{row.public_id}", ("attestation.pdf", files.pdf()))
    assert Waiver.get().proved_on is None
    assert decide(staff, row, "acceptation").status_code == 303
    assert (fresh(row).state, Waiver.get().proved_on) == (RequestState.ACCEPTED, clock.today())


def test_taking_back_twice_or_what_was_never_sent_says_so_and_is_not_written_down(signed_in, certificate):
    where = remind(signed_in, certificate)
    signed_in.post(f"{where}/annulation")
    assert ReminderBatch.get().taken_back_at is None
    assert "Rien n’est encore parti" in text(signed_in, where)
    signed_in.post(f"{where}/envoi")
    for _ in range(2):
        signed_in.post(f"{where}/annulation")
    assert AuditEvent.select().where(AuditEvent.action == "reminders.take_back").count() == 1
    assert "Relance reprise" in text(signed_in, where)


def test_what_has_left_is_not_said_to_be_taken_back(signed_in, app, certificate, at):
    where = remind(signed_in, certificate)
    signed_in.post(f"{where}/envoi")
    assert "Relance enregistrée" in text(signed_in, where) and "Relance envoyée" not in text(signed_in, where)
    outbox.send_due(app.settings, at(minutes=6))
    signed_in.post(f"{where}/annulation")
    assert "Relance envoyée" in text(signed_in, where)


def test_who_was_reminded_already_gets_nothing_and_it_is_said_so(signed_in, certificate):
    signed_in.post(f"{remind(signed_in, certificate)}/envoi")
    page = text(signed_in, remind(signed_in, certificate))
    assert "Aucun message à envoyer" in page and "Rien n’est encore parti" not in page


def test_what_expires_is_told_in_few_statements(hr, household, queries):
    for number in range(12):
        await_of(household[0], due=-40, campaign=f"Campagne {number}")
    queries.clear()
    assert proofs.expire(clock.now(), 30) == 12
    assert len(queries) <= 10


def test_an_expiry_that_breaks_in_the_middle_leaves_everything_as_it_was(hr, household, monkeypatch):
    row = await_of(household[0], due=-40)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "write_many", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            proofs.expire(clock.now(), 30)
    assert fresh(row).state == RequestState.AWAITED
    assert proofs.expire(clock.now(), 30) == 1


def test_a_deposit_that_breaks_in_the_middle_keeps_nothing_and_can_be_done_again(
    app, household, certificate, monkeypatch
):
    phone, address = opened(app, household[0])
    with monkeypatch.context() as patched:
        patched.setattr("portal.guest_session.audit", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send_files(phone, f"{address}/{certificate.public_id}", ("a.pdf", files.pdf()))
    assert (fresh(certificate).state, SupportingDocument.select().count()) == (RequestState.AWAITED, 0)
    assert OutboxMessage.select().count() == 0
    assert send_files(phone, f"{address}/{certificate.public_id}", ("a.pdf", files.pdf())).status_code == 303
    assert fresh(certificate).state == RequestState.RECEIVED


def test_a_page_that_was_gone_back_to_after_a_refusal_keeps_what_it_sends(app, staff, household, certificate):
    key = "22222222-2222-4222-8222-222222222222"
    phone, address = opened(app, household[0])
    page = f"{address}/{certificate.public_id}"
    send_files(phone, page, ("flou.png", files.image()), form_key=key)
    assert decide(staff, certificate, "refus", motif="ILLEGIBLE").status_code == 303
    assert send_files(phone, page, ("net.pdf", files.pdf()), form_key=key).status_code == 303
    assert (fresh(certificate).state, SupportingDocument.select().count()) == (RequestState.RECEIVED, 2)


def test_the_same_deposit_twice_at_once_keeps_one_file(hr, household, certificate):
    key, said = "33333333-3333-4333-8333-333333333333", []
    kept = [
        storage.receive(
            io.BytesIO(files.pdf()), "a.pdf", uploads.PROOFS, account=household[0].account_id, holder=hr.holder
        )
        for _ in range(2)
    ]

    def send(file):
        with db.connection_context():
            said.append(proofs.receive(certificate, [file], None, clock.now(), key))

    both = [threading.Thread(target=send, args=(file,)) for file in kept]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(said) == [False, True]
    assert SupportingDocument.select().count() == 1
    assert len(list(OutboxMessage.select().where(OutboxMessage.user == hr))) == 1


def test_letters_are_not_given_again_to_who_sees_the_college_no_more(signed_in, hr, household, certificate):
    Beneficiary.update(mobile="", email="").execute()
    where = remind(signed_in, certificate)
    assert signed_in.post(f"{where}/lettres").status_code == 200
    assert AuditEvent.select().where(AuditEvent.action == "reminders.letters_download").count() == 1
    PermissionGrant.delete().where(PermissionGrant.user == hr).execute()
    PermissionGrant.create(user=hr, account=factories.account(), valid_from=clock.today())
    assert signed_in.post(f"{where}/lettres").status_code in (403, 404)
