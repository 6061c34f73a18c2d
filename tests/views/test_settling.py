"""« Documents reçus », several at once: what was read is accepted or refused; what has a doubt stays, and says why."""

import datetime
import uuid

import pytest

from portal import clock
from portal.models import BankDetails, Company, OutboxMessage, Sending, SendingState
from portal.rules import sendings as rules
from tests import factories
from tests.views.batches import desk, left, plain, send, states, ticked, written

PATH = "/gestion/documents"
RECEIVED, ACCEPTED, REFUSED = SendingState.RECEIVED, SendingState.ACCEPTED, SendingState.REFUSED


@pytest.fixture
def staff(app, hr):
    return desk(app)


@pytest.fixture
def company(hr):
    return hr.companies().order_by(Company.id).first()


def sent(hr, company, kind=rules.GROUP, read=True, **values):
    row = Sending.create(
        account=company.account_id,
        company=company,
        document_type=kind,
        author=hr,
        read_at=clock.now() if read else None,
        **values,
    )
    return Sending.get_by_id(row.id)


def kbis(hr, company, siret=None, **values):
    return sent(hr, company, rules.KBIS, siret=siret or company.siret, issued_on=clock.today(), **values)


def rib(hr, company):
    row = sent(hr, company, rules.BANK_DETAILS)
    details = BankDetails(company=company, sending=row, holder="x", bic="")
    details.seal("FR7630006000011234567890189")
    details.save(force_insert=True)
    return row


def decide(staff, word, rows, **words):
    return send(staff, f"{PATH}/{word}", rows, **words)


def test_those_that_are_ticked_are_accepted_and_their_author_is_told_once(staff, hr, company):
    rows = [sent(hr, company), kbis(hr, company), sent(hr, company)]
    assert decide(staff, "acceptation", rows[:2]).status_code == 303
    assert states(rows) == [ACCEPTED, ACCEPTED, RECEIVED]
    assert written("sending.accept") == 2
    (message,) = OutboxMessage.select()
    assert (message.user_id, message.subject) == (hr.id, "Vos documents sont acceptés")
    content = message.unseal()
    assert content["link"] == "/documents"
    assert "Dépôt document groupe, Kbis" in content["text"]
    assert Company.get_by_id(company.id).kbis_on == clock.today()
    assert "2 documents acceptés" in plain(staff.get(PATH))


def test_one_alone_is_told_as_ever(staff, hr, company):
    row = sent(hr, company)
    decide(staff, "acceptation", [row])
    (message,) = OutboxMessage.select()
    assert (message.subject, message.unseal()["link"]) == ("Votre document est accepté", f"/documents/{row.public_id}")
    assert message.object_id == str(row.public_id)


def test_each_author_is_told_of_their_own(staff, hr, company):
    colleague = factories.user(accounts=[company.account])
    rows = [sent(hr, company), sent(hr, company), sent(colleague, company)]
    assert decide(staff, "refus", rows, motif="ILLEGIBLE").status_code == 303
    assert states(rows) == [REFUSED] * 3
    assert all("pas lisible" in Sending.get_by_id(row.id).remark for row in rows)
    assert written("sending.refuse") == 3
    assert {one.user_id: one.subject for one in OutboxMessage.select()} == {
        hr.id: "Vos documents sont refusés",
        colleague.id: "Votre document est refusé",
    }


def test_what_has_a_doubt_stays_and_says_why(staff, hr, company):
    good, unread, bank = sent(hr, company), sent(hr, company, read=False), rib(hr, company)
    other, older = kbis(hr, company, siret="44306184100047"), kbis(hr, company)
    newer = kbis(hr, company)
    rows = [good, unread, bank, other, older, newer]
    answer = decide(staff, "acceptation", rows)
    assert answer.status_code == 409
    assert states(rows) == [ACCEPTED, RECEIVED, RECEIVED, RECEIVED, RECEIVED, ACCEPTED]
    assert written("sending.accept") == 2
    said = left(answer)
    assert set(said) == {str(row.public_id) for row in (unread, bank, other, older)}
    assert "ouvrez-le d’abord" in said[str(unread.public_id)]
    assert "se confirme seul" in said[str(bank.public_id)]
    assert "c’est une autre entreprise" in said[str(other.public_id)]
    assert "Un envoi plus récent attend aussi" in said[str(older.public_id)]
    page = plain(answer)
    assert "2 documents acceptés" in page
    assert "4 documents n’ont pas été acceptés" in page
    assert BankDetails.get().since is None


def test_bank_details_and_what_has_a_doubt_may_be_refused_together(staff, hr, company):
    rows = [rib(hr, company), kbis(hr, company, siret="44306184100047")]
    assert decide(staff, "refus", rows, motif="OTHER_IBAN").status_code == 303
    assert states(rows) == [REFUSED, REFUSED]


@pytest.mark.parametrize("words", [{"motif": ""}, {"motif": "OTHER", "precision": " "}])
def test_without_a_reason_nothing_is_refused_and_the_ticks_stay(staff, hr, company, words):
    rows = [sent(hr, company), sent(hr, company)]
    answer = decide(staff, "refus", rows[:1], **words)
    assert answer.status_code == 422
    assert ticked(answer) == [str(rows[0].public_id)]
    assert "chaque entreprise la lira" in plain(answer)
    assert states(rows) == [RECEIVED, RECEIVED]


def test_what_somebody_decided_or_took_back_meanwhile_stays(staff, hr, company):
    rows = [sent(hr, company), sent(hr, company), sent(hr, company)]
    decide(staff, "refus", rows[:1], motif="ILLEGIBLE")
    Sending.update(state=SendingState.WITHDRAWN, version=2).where(Sending.id == rows[1].id).execute()
    answer = decide(staff, "acceptation", rows)
    assert answer.status_code == 409
    assert states(rows) == [REFUSED, SendingState.WITHDRAWN, ACCEPTED]
    assert all("déjà traité" in why for why in left(answer).values())
    assert len(left(answer)) == 2


def test_an_accident_leaves_none_of_them_decided(staff, hr, company, monkeypatch):
    rows = [sent(hr, company), sent(hr, company)]

    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("portal.views.staff.settling.sendings.tell_authors", broken)
    with pytest.raises(RuntimeError):
        decide(staff, "acceptation", rows)
    assert states(rows) == [RECEIVED, RECEIVED]
    assert written("sending.accept") == 0


def test_nothing_is_decided_of_nothing(staff, hr, company):
    row = sent(hr, company)
    strange = [f"{uuid.uuid4()}.1", "", "x", f"{row.public_id}.²", str(row.public_id)]
    assert staff.post(f"{PATH}/acceptation", {"qui": strange}).status_code == 303
    assert "Cochez d’abord" in plain(staff.get(PATH))
    assert staff.post(f"{PATH}/acceptation", {"qui": ["x.1"]}).status_code == 404
    assert states([row]) == [RECEIVED]


def test_only_what_is_to_be_decided_has_a_box(staff, hr, company):
    sent(hr, company, read=False)
    assert 'name="qui"' not in plain(staff.get(PATH))
    assert "Accepter la sélection" not in plain(staff.get(PATH))
    sent(hr, company)
    sent(hr, company, state=ACCEPTED, settled_at=clock.now() - datetime.timedelta(days=1))
    assert plain(staff.get(f"{PATH}?etat=tous")).count('name="qui"') == 1
    assert 'name="qui"' not in plain(staff.get(f"{PATH}?etat=acceptes"))


def test_the_page_that_the_address_filters_is_the_one_that_comes_back(staff, hr, company):
    row = sent(hr, company)
    page = plain(staff.get(f"{PATH}?genre=groupe"))
    assert f'action="{PATH}/acceptation?genre=groupe"' in page
    answer = staff.post(f"{PATH}/acceptation?genre=groupe", {"qui": f"{row.public_id}.{row.version}"})
    assert answer.location == f"{PATH}?genre=groupe"
    again = plain(staff.post(f"{PATH}/acceptation?genre=groupe", {"qui": f"{row.public_id}.{row.version}"}))
    assert f'action="{PATH}" role="search"' in again


def test_companies_decide_nothing(signed_in, hr, company):
    row = sent(hr, company)
    assert decide(signed_in, "acceptation", [row]).status_code == 403
    assert decide(signed_in, "refus", [row], motif="ILLEGIBLE").status_code == 403
    assert states([row]) == [RECEIVED]
