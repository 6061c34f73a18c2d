"""« Adhésion salarié »: the six steps, the last look, the sending, and the list of them."""

import datetime
import io
import re
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from portal import clock, enrolments
from portal.formats import of_name
from portal.models import (
    AuditEvent,
    Beneficiary,
    BeneficiaryRole,
    Document,
    DocumentRequest,
    Enrolment,
    EnrolmentState,
    GroupContract,
    GuestLink,
    Movement,
    OutboxMessage,
    UserSession,
    Waiver,
    WaiverState,
)
from portal.rules import proofs as rules
from tests import enrolling, factories
from tests.enrolling import begin, children, fill, page_of, passes, said, send, told, years_ago
from tests.test_printing import faults


@pytest.fixture
def draft(signed_in, hr):
    return begin(signed_in, hr)


def whole_household():
    return {
        "conjoint": enrolling.SPOUSE,
        "enfants": children(years_ago(3), years_ago(22)) | {"enfants-1-situation": "Étudiant"},
    }


def test_a_whole_household_is_typed_looked_at_and_sent(signed_in, hr, draft):
    fill(signed_in, draft, **whole_household())
    look = signed_in.get(f"/adhesion/{draft.public_id}/verification")
    page = look.get_data(as_text=True)
    for words in ("Inès COURBET", "Paul", "Roux", "Léoa ROUX", "Léob ROUX", "Copie du PACS", "Certificat de scolarité"):
        assert words in page, words
    sent = signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(page))
    assert sent.status_code == 303, said(sent)
    answer = signed_in.get(sent.headers["Location"]).get_data(as_text=True)
    number = Enrolment.get().number
    assert number in answer
    people = {person.first_name: person for person in Beneficiary.select().where(Beneficiary.provisional)}
    assert set(people) == {"Inès", "Paul", "Léoa", "Léob"}
    assert people["Paul"].role == BeneficiaryRole.SPOUSE
    assert len({person.household_number for person in people.values()}) == 1
    assert people["Inès"].unseal("nir") == "294063947803145"
    assert people["Inès"].unseal("reimbursement_iban") == "FR7630006000011234567890189"
    assert people["Inès"].employee_number == ""
    moved = {row.beneficiary_id: row for row in Movement.select()}
    assert moved[people["Léob"].id].after["child_status"] == "STUDENT"
    assert moved[people["Léoa"].id].cause_id == moved[people["Inès"].id].id
    assert moved[people["Inès"].id].after["base_scheme"] == "MSA"
    assert AuditEvent.select().where(AuditEvent.action == "enrolment.submit").count() == 1


def test_the_longest_names_are_sent_and_printed(signed_in, hr, draft):
    long = ("Constitutionnellement-" * 4)[:80]
    names = {"nom": long, "nomdusage": long, "prenom": long}
    born = [years_ago(3)] * 7
    home = whole_household() | {"salarie": enrolling.EMPLOYEE | names, "enfants": children(*born)}
    sending(signed_in, fill(signed_in, draft, **home))
    assert Beneficiary.select().where(Beneficiary.provisional).count() == 9
    assert faults(signed_in.post(f"/document/{Document.get().public_id}/telechargement").data) == []


def test_a_name_that_is_refused_is_shown_again_as_text(signed_in, hr, draft):
    answer = told(signed_in, send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"nom": '"><b>x</b>'}))
    assert any("n’a pas de signe" in one for one in said(answer))
    assert 'value="&#34;&gt;&lt;b&gt;x&lt;/b&gt;"' in answer.get_data(as_text=True)


def test_an_enrolment_that_is_sent_has_its_bulletin_to_download_and_to_check(signed_in, hr, draft):
    fill(signed_in, draft, **whole_household())
    look = signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True)
    sent = signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(look))
    document = Document.get()
    path = f"/document/{document.public_id}/telechargement"
    answer = signed_in.get(sent.headers["Location"]).get_data(as_text=True)
    assert path in answer and "Faites-le signer au salarié" in answer
    data = signed_in.post(path).data
    assert faults(data) == []
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    for words in ("Courbet", "Inès", "Paul", "Léob ROUX", "Copie du PACS", Enrolment.get().number):
        assert words in text, words
    assert re.search(r"FR76\s•••• .* 189, BIC", text.replace("\xa0", " "))
    assert not re.search(r"478\W*031|3000\W*6000", text)
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", text)[0]
    assert "Document reconnu" in signed_in.post("/verification", {"code": code}).get_data(as_text=True)


def test_who_is_affiliated_has_no_waiver_any_more(signed_in, hr, draft):
    names = {"last_name": "Lacroix", "used_name": "Courbet", "first_name": "Inès"}
    waiver = factories.waiver(draft.category, birth_date=datetime.date(1994, 6, 30), **names)
    look = signed_in.get(f"/adhesion/{fill(signed_in, draft).public_id}/verification").get_data(as_text=True)
    assert signed_in.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(look)).status_code == 303
    assert Waiver.get_by_id(waiver.id).state == WaiverState.ENDED


def test_opening_the_page_makes_no_draft(signed_in, hr):
    assert signed_in.get("/adhesion/nouvelle").status_code == 200
    assert signed_in.get("/adhesion").status_code == 200
    assert Enrolment.select().count() == 0


def test_a_wrong_first_step_makes_no_draft(signed_in, hr):
    told(signed_in, signed_in.post("/adhesion/nouvelle", enrolling.contract_words(hr, datedeffet="31/06/2026")))
    assert Enrolment.select().count() == 0


def test_what_was_refused_of_the_first_step_is_there_for_its_own_page_alone_until_it_passes(signed_in, hr):
    wrong = signed_in.post("/adhesion/nouvelle", enrolling.contract_words(hr, datedeffet="31/06/2026"))
    other = signed_in.post("/adhesion/nouvelle", enrolling.contract_words(hr, datedeffet="32/01/2026"))
    page, beside = (told(signed_in, answer).get_data(as_text=True) for answer in (wrong, other))
    assert 'value="31/06/2026"' in page and 'value="32/01/2026"' in beside
    assert "s’était terminée" not in page
    assert 'value="31/06/2026"' not in signed_in.get("/adhesion/nouvelle").get_data(as_text=True)
    begin(signed_in, hr, form_key=enrolling.hidden(page)["form_key"])
    gone, kept = (signed_in.get(answer.headers["Location"]).get_data(as_text=True) for answer in (wrong, other))
    assert 'value="31/06/2026"' not in gone and 'value="32/01/2026"' in kept
    for strange in ("oui", "%00", "11111111-1111-4111-8111-111111111111"):
        assert "Erreur" not in signed_in.get(f"/adhesion/nouvelle?revoir={strange}").get_data(as_text=True)


def test_a_first_step_that_outlived_its_session_is_shown_rather_than_what_was_refused_before(signed_in, hr):
    refused = signed_in.post("/adhesion/nouvelle", enrolling.contract_words(hr, datedeffet="31/06/2026"))
    UserSession.end_all(hr, clock.now())
    late, here = enrolling.contract_words(hr, datedeffet="32/01/2026"), {"Sec-Fetch-Site": "same-origin"}
    signed_in.post("/adhesion/nouvelle", late, headers=here)
    signed_in.sign_in(hr)
    page = signed_in.get(refused.headers["Location"]).get_data(as_text=True)
    assert 'value="32/01/2026"' in page and "s’était terminée" in page


def test_a_doubt_of_the_first_step_is_told_once_and_stops_nobody(signed_in, hr):
    early = enrolling.typed(clock.today() - datetime.timedelta(days=200))
    words = enrolling.contract_words(hr, datedeffet=early)
    page = told(signed_in, signed_in.post("/adhesion/nouvelle", words)).get_data(as_text=True)
    assert "À vérifier avant de continuer" in page and f'value="{early}"' in page
    seen = {name: text for name, text in enrolling.hidden(page).items() if name in ("form_key", "averti")}
    assert passes(signed_in.post("/adhesion/nouvelle", words | seen))


def test_what_is_wrong_is_told_again_when_one_comes_back_and_no_form_is_sent_twice(signed_in, hr, draft, queries):
    wrong = send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"datedenaissance": "31/06/1994"})
    first, again = told(signed_in, wrong), told(signed_in, wrong)
    queries.clear()
    signed_in.get(wrong.headers["Location"])
    assert len(queries) <= 8, "\n".join(queries)
    for page in (first, again):
        assert "1 erreur à corriger" in page.get_data(as_text=True)
        assert 'value="31/06/1994"' in page.get_data(as_text=True)
    right = send(signed_in, draft, "salarie", enrolling.EMPLOYEE)
    assert passes(right)
    assert not [one for one in said(told(signed_in, wrong)) if "erreur" in one]


def test_a_doubt_is_told_by_the_name_of_its_box(signed_in, hr, draft):
    words = enrolling.EMPLOYEE | {"sexe": "M"}
    page = told(signed_in, send(signed_in, draft, "salarie", words))
    assert any("À vérifier avant de continuer État civil" in one for one in said(page)), said(page)
    assert "Civilité" not in page.get_data(as_text=True)


def test_the_same_first_step_twice_makes_one_draft(signed_in, hr):
    key = {"form_key": "11111111-1111-4111-8111-111111111111"}
    assert begin(signed_in, hr, **key).id == begin(signed_in, hr, **key).id
    assert Enrolment.select().count() == 1


def test_a_step_beyond_the_first_unanswered_leads_back_to_it(signed_in, hr, draft):
    for step in ("coordonnees", "enfants"):
        answer = signed_in.get(f"/adhesion/{draft.public_id}/{step}")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/salarie")
    assert signed_in.get(f"/adhesion/{draft.public_id}/verification").headers["Location"].endswith("/salarie")


def test_what_is_wrong_is_said_with_links_and_kept(signed_in, hr, draft):
    wrong = enrolling.EMPLOYEE | {
        "datedenaissance": "31/06/1994",
        "nssociale": "2 94 06 39 478 031 54",
        "typedassure": "",
    }
    answer = told(signed_in, send(signed_in, draft, "salarie", wrong))
    page = answer.get_data(as_text=True)
    assert "3 erreurs à corriger" in page
    for words in (
        'href="#datedenaissance"',
        'href="#nssociale"',
        'href="#typedassure-0"',
        "Choisissez le type d’assuré.",
    ):
        assert words in page
    again = signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)
    assert "31/06/1994" in again
    assert "erreurs à corriger" not in again


def test_previous_keeps_what_is_wrong_without_stopping(signed_in, hr, draft):
    answer = send(signed_in, draft, "salarie", {"nom": "Lacr", "nssociale": "12"}, "precedent")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/garantie")
    assert 'value="Lacr"' in signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)


def test_a_draft_says_on_which_day_it_was_saved(signed_in, hr, draft):
    saved = clock.now() - datetime.timedelta(days=3)
    Enrolment.update(updated_at=saved).execute()
    html = signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)
    assert f"Brouillon enregistré le {clock.day_of(saved):%d/%m/%Y}" in html


def test_a_draft_is_left_and_resumed_at_its_step(signed_in, hr, draft):
    fill(signed_in, draft, until="comptes")
    answer = send(signed_in, draft, "comptes", {"ibanprestation": "FR76"}, "quitter")
    assert answer.headers["Location"].startswith("/adhesion")
    page = signed_in.get("/adhesion").get_data(as_text=True)
    assert "Inès COURBET" in page
    assert "Étape 4 sur 7" in page
    assert signed_in.get(f"/adhesion/{draft.public_id}").headers["Location"].endswith("/comptes")


def test_sent_twice_an_enrolment_affiliates_once(signed_in, hr, draft):
    fill(signed_in, draft)
    page = enrolling.hidden(signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True))
    for _ in range(2):
        assert signed_in.post(f"/adhesion/{draft.public_id}/verification", page).status_code == 303
    assert Movement.select().count() == 1
    assert Enrolment.get().state == EnrolmentState.SUBMITTED


# The employee's copy


def sending(client, draft):
    look = client.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True)
    sent = client.post(f"/adhesion/{draft.public_id}/verification", enrolling.hidden(look))
    assert sent.status_code == 303, said(sent)
    return Enrolment.get_by_id(draft.id)


@pytest.mark.parametrize(
    ("reached", "channel"), [({"email": "ines@example.com"}, "EMAIL"), ({}, "SMS"), ({"portable": ""}, None)]
)
def test_the_employee_is_told_and_has_a_copy_without_a_word_of_what_it_says(signed_in, hr, draft, reached, channel):
    sending(signed_in, fill(signed_in, draft, coordonnees=enrolling.ADDRESS | reached))
    found = [(one.channel, one.unseal()["text"], one.unseal()["to"]) for one in OutboxMessage.select()]
    assert [one[0] for one in found] == [channel] * bool(channel)
    for _, text, to in found:
        assert to in ("ines@example.com", "+33612345678")
        assert "/salarie/" in text and "Inès" in text
        assert not re.search(r"courbet|lacroix|1994|39 478|combe", text, re.I)
    assert [link.purpose for link in GuestLink.select()] == ["COPY"] * bool(channel)
    told = {
        "EMAIL": "Un courriel part vers le salarié",
        "SMS": "Un SMS part vers le salarié",
        None: "n’est pas prévenu",
    }
    assert told[channel] in signed_in.get(f"/adhesion/{draft.public_id}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("WAITING", "Un courriel part vers le salarié"),
        ("SENT", "Un courriel est parti vers le salarié le "),
        ("FAILED", "Le courriel n’a pas pu être remis au salarié"),
    ],
)
def test_the_copy_of_the_employee_is_told_as_the_outbox_knows_it(signed_in, hr, draft, state, said):
    sending(signed_in, fill(signed_in, draft, coordonnees=enrolling.ADDRESS | {"email": "ines@example.com"}))
    settled_at = None if state == "WAITING" else clock.now()
    OutboxMessage.update(state=state, settled_at=settled_at).execute()
    page = signed_in.get(f"/adhesion/{draft.public_id}").get_data(as_text=True)
    assert said in page and "a reçu" not in page


def test_the_documents_to_give_are_told_without_a_gender(signed_in, hr, draft):
    """« Copie du PACS : demandé » was wrong, and « demandée » would be of « Certificat »."""
    partner = enrolling.SPOUSE | {"lien": "PACS"}
    fill(signed_in, draft, conjoint=partner)
    look = signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True)
    said = re.compile(r"À fournir pour \w+ [^:]+\u00a0: Copie du PACS\.")
    assert said.search(look)
    sending(signed_in, draft)
    assert said.search(signed_in.get(f"/adhesion/{draft.public_id}").get_data(as_text=True))


def test_sent_twice_the_employee_has_one_copy(signed_in, hr, draft):
    fill(signed_in, draft)
    page = enrolling.hidden(signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True))
    for _ in range(2):
        signed_in.post(f"/adhesion/{draft.public_id}/verification", page)
    assert (OutboxMessage.select().count(), GuestLink.select().count(), Document.select().count()) == (1, 1, 1)


def test_the_copy_of_what_is_taken_back_cannot_be_opened(signed_in, hr, draft):
    sent = sending(signed_in, fill(signed_in, draft))
    assert GuestLink.select().where(GuestLink.live(clock.now())).count() == 1
    sent.movement.take_back(clock.now())
    assert GuestLink.select().where(GuestLink.live(clock.now())).count() == 0
    assert Enrolment.get_by_id(draft.id).state == EnrolmentState.DRAFT


# One transaction


@pytest.mark.parametrize("broken", ["portal.bulletins.ask", "portal.guests.draw", "portal.views.enrolment_steps.audit"])
def test_a_sending_that_breaks_leaves_nothing_half_done(signed_in, hr, draft, monkeypatch, broken):
    fill(signed_in, draft, **whole_household())
    page = enrolling.hidden(signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True))
    people, events = Beneficiary.select().count(), AuditEvent.select().count()

    def fail(*_, **__):
        raise RuntimeError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(broken, fail)
        with pytest.raises(RuntimeError):
            signed_in.post(f"/adhesion/{draft.public_id}/verification", page)
    kept = Enrolment.get_by_id(draft.id)
    assert (kept.state, kept.number) == (EnrolmentState.DRAFT, None)
    tables = (Movement, DocumentRequest, Document, GuestLink, OutboxMessage)
    assert [table.select().count() for table in tables] == [0] * len(tables)
    assert (Beneficiary.select().count(), AuditEvent.select().count()) == (people, events)
    assert signed_in.post(f"/adhesion/{draft.public_id}/verification", page).status_code == 303
    assert Beneficiary.select().count() == people + 4


def test_what_the_household_calls_for_is_awaited_once(signed_in, hr, draft):
    spouse = enrolling.SPOUSE | {"lien": "Concubin"}
    sending(signed_in, fill(signed_in, draft, **whole_household() | {"conjoint": spouse}))
    asked = {(one.beneficiary.first_name, one.document_type, one.origin) for one in DocumentRequest.select()}
    assert asked == {("Paul", "COHABITATION", "ENROLMENT"), ("Léob", "SCHOOL_CERTIFICATE", "ENROLMENT")}
    assert DocumentRequest.select().count() == 2


DISABLED = rules.PROOFS["DISABILITY"].label


def disabled_child():
    return {"enfants": children(years_ago(30)) | {"enfants-0-situation": "Handicap"}}


def test_the_name_of_a_proof_of_disability_is_nowhere_for_hr(signed_in, hr, draft):
    fill(signed_in, draft, **disabled_child())
    address = f"/adhesion/{draft.public_id}"
    step, look = (signed_in.get(f"{address}/{page}").get_data(as_text=True) for page in ("enfants", "verification"))
    signed_in.post(f"{address}/verification", enrolling.hidden(look))
    assert DocumentRequest.get().restricted
    answer = signed_in.get(address).get_data(as_text=True)
    for page in (step, look, answer):
        assert rules.CONFIDENTIAL in page
        assert DISABLED not in page
    printed = Document.get(Document.document_type == "ENROLMENT_FORM").unseal()
    assert "mobilité inclusion" not in str(printed) and "handicap" not in str(printed)


def test_what_else_a_child_does_is_said_in_the_bulletin(signed_in, hr, draft):
    sending(signed_in, fill(signed_in, draft, **whole_household()))
    assert "étudiant" in str(Document.get(Document.document_type == "ENROLMENT_FORM").unseal())


# Two tabs, two people


def test_two_tabs_on_two_drafts_do_not_mix(signed_in, hr, draft):
    other = begin(signed_in, hr)
    send(signed_in, draft, "salarie", enrolling.EMPLOYEE)
    send(signed_in, other, "salarie", enrolling.EMPLOYEE | {"nom": "Perrier", "nomdusage": "", "prenom": "Zoé"})
    labels = {Enrolment.get_by_id(one.id).label for one in (draft, other)}
    assert labels == {"Inès COURBET", "Zoé PERRIER"}


def test_two_tabs_on_one_draft_show_what_differs_and_lose_nothing(signed_in, hr, draft):
    mine, theirs = page_of(signed_in, draft, "salarie"), page_of(signed_in, draft, "salarie")
    send(signed_in, draft, "salarie", enrolling.EMPLOYEE, **theirs)
    late = send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"prenom": "Agnès"}, **mine)
    text = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "enregistré «\u202fInès\u202f», ici «\u202fAgnès\u202f»" in text
    assert Enrolment.get_by_id(draft.id).label == "Inès COURBET"
    page = {name: value for name, value in enrolling.hidden(text).items() if name in mine}
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"prenom": "Agnès"}, **page))
    assert Enrolment.get_by_id(draft.id).label == "Agnès COURBET"


def test_what_the_rules_repaired_is_no_difference_between_two_tabs(signed_in, hr, draft):
    """« Pays : enregistré « rien », ici « France » » was said of the country that the page itself had written."""
    fill(signed_in, draft, until="comptes")
    mine, theirs = page_of(signed_in, draft, "coordonnees"), page_of(signed_in, draft, "coordonnees")
    send(signed_in, draft, "coordonnees", enrolling.ADDRESS | {"rue": "rue Haute"}, **theirs)
    typed = enrolling.ADDRESS | {"rue": "rue Basse", "pays": "France"}
    page = send(signed_in, draft, "coordonnees", typed, **mine).get_data(as_text=True)
    assert re.findall(r"<li>([^<:]+)\u00a0: enregistré", page) == ["Rue"]
    mine, theirs = page_of(signed_in, draft, "salarie"), page_of(signed_in, draft, "salarie")
    send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"nssociale": enrolling.NIR.replace(" ", "")}, **theirs)
    typed = enrolling.EMPLOYEE | {"prenom": "Agnès"}
    page = send(signed_in, draft, "salarie", typed, **mine).get_data(as_text=True)
    assert re.findall(r"<li>([^<:]+)\u00a0: enregistré", page) == ["Prénom"]


def test_what_was_written_while_a_form_was_on_its_way_is_kept(hr, draft):
    early, late, latest = (draft.read_whole() for _ in range(3))
    save(early, "conjoint", enrolling.SPOUSE, hr)
    save(late, "enfants", enrolling.NO_CHILD, hr)
    answers = draft.read_whole().unseal()
    assert answers["conjoint"]["prenom"] == ["Paul"] and answers["enfants"] == {"presence": ["aucun"]}
    told = save(latest, "conjoint", enrolling.NO_SPOUSE, hr)
    assert told.theirs and told.words["prenom"] == ["Paul"]
    assert draft.read_whole().unseal() == answers


@pytest.mark.parametrize("end", [lambda draft: enrolments.discard(draft, clock.now()), Enrolment.delete_instance])
def test_nothing_is_saved_of_a_draft_that_ended_while_a_form_was_on_its_way(hr, draft, end):
    late = draft.read_whole()
    end(draft)
    with pytest.raises(enrolments.Closed):
        save(late, "conjoint", enrolling.SPOUSE, hr)


def save(read, step, words, by):
    """What a form of a step does with a draft that was read before."""
    form = SimpleNamespace(key=f"{step}{len(words)}", seen=1)
    kept = {name: [text] for name, text in words.items()}
    return enrolments.save(read, step, kept, form, enrolments.NEXT, by, clock.now())


def test_what_changed_since_the_last_look_is_shown_again_before_it_is_sent(signed_in, hr, draft):
    fill(signed_in, draft)
    page = enrolling.hidden(signed_in.get(f"/adhesion/{draft.public_id}/verification").get_data(as_text=True))
    send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"prenom": "Agnès"})
    answer = signed_in.post(f"/adhesion/{draft.public_id}/verification", page)
    assert answer.status_code == 409
    assert "Agnès COURBET" in answer.get_data(as_text=True)
    assert Movement.select().count() == 0


@pytest.mark.parametrize(
    ("age", "asked"), [(22, "couvre un étudiant"), (26, "ne couvre plus qu’un enfant en situation")]
)
def test_a_child_of_that_age_is_asked_what_the_contract_still_covers(signed_in, hr, draft, age, asked):
    fill(signed_in, draft, until="enfants")
    answer = told(signed_in, send(signed_in, draft, "enfants", children(years_ago(age))))
    assert f"À cet âge, le contrat {asked}" in answer.get_data(as_text=True)


# A session that ends


def test_what_was_typed_when_the_session_ended_is_there_again(signed_in, hr, draft):
    page = page_of(signed_in, draft, "salarie")
    UserSession.end_all(hr, clock.now())
    words = {**page, "nom": "Lacroix", "prenom": "Inès", "action": "suivant"}
    late = signed_in.post(f"/adhesion/{draft.public_id}/salarie", words, headers={"Sec-Fetch-Site": "same-origin"})
    assert "/connexion" in late.headers["Location"]
    signed_in.sign_in(hr)
    again = signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)
    assert "Votre session s’était terminée" in again
    assert 'value="Lacroix"' in again and 'value="Inès"' in again
    assert Enrolment.get_by_id(draft.id).saved.keys() == {"garantie"}
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE))
    assert "s’était terminée" not in signed_in.get(f"/adhesion/{draft.public_id}/salarie").get_data(as_text=True)


def test_what_the_same_page_had_saved_by_itself_before_its_session_ended_is_nobody_elses(signed_in, hr, draft):
    page, where = page_of(signed_in, draft, "salarie"), f"/adhesion/{draft.public_id}/salarie"
    words = {**page, **enrolling.EMPLOYEE, "csrf_token": signed_in.token()}
    assert signed_in.fragment(where, "POST", data=words).status_code == 200
    UserSession.end_all(hr, clock.now())
    late = words | {"prenom": "Agnès", "action": "suivant"}
    signed_in.post(where, late, headers={"Sec-Fetch-Site": "same-origin"})
    signed_in.sign_in(hr)
    again = page_of(signed_in, draft, "salarie")
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"prenom": "Agnès"}, **again))
    assert Enrolment.get_by_id(draft.id).label == "Agnès COURBET"


def test_two_tabs_that_show_what_was_typed_before_the_session_ended_are_two_pages(signed_in, hr, draft):
    page = page_of(signed_in, draft, "salarie")
    UserSession.end_all(hr, clock.now())
    words = {**page, **enrolling.EMPLOYEE, "action": "suivant"}
    signed_in.post(f"/adhesion/{draft.public_id}/salarie", words, headers={"Sec-Fetch-Site": "same-origin"})
    signed_in.sign_in(hr)
    mine, theirs = page_of(signed_in, draft, "salarie"), page_of(signed_in, draft, "salarie")
    assert len({page["form_key"], mine["form_key"], theirs["form_key"]}) == 3
    send(signed_in, draft, "salarie", enrolling.EMPLOYEE, **theirs)
    late = send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"prenom": "Agnès"}, **mine)
    assert late.status_code == 409
    assert Enrolment.get_by_id(draft.id).label == "Inès COURBET"


# Somebody who is known


def test_who_has_a_draft_already_is_offered_it(signed_in, hr, draft):
    other = factories.enrolment(hr, {"salarie": enrolling.EMPLOYEE})
    answer = told(signed_in, send(signed_in, draft, "salarie", enrolling.EMPLOYEE))
    text = answer.get_data(as_text=True)
    assert "Inès COURBET a déjà une saisie en cours" in text and f"/adhesion/{other.public_id}" in text
    page = {name: value for name, value in enrolling.hidden(text).items() if name != "csrf_token"}
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE, **page))


def test_who_is_covered_already_is_offered_their_file(signed_in, hr, draft):
    sending(signed_in, fill(signed_in, draft))
    answer = told(signed_in, send(signed_in, begin(signed_in, hr), "salarie", enrolling.EMPLOYEE))
    text = answer.get_data(as_text=True)
    assert "Inès COURBET est déjà en cours d’affiliation" in text and "Ouvrir sa fiche" in text
    assert "Continuer cette adhésion" not in text  # the same NIR: it is surely the same person


@pytest.mark.parametrize("nir", ["294063947803145", None])
def test_who_is_covered_with_somebody_else_is_pointed_out_and_goes_on(signed_in, hr, draft, nir):
    born = datetime.date(1994, 6, 30)
    who = {"last_name": "Lacroix", "first_name": "Inès", "birth_date": born, "sex": "F"}
    spouse = factories.beneficiary(draft.contract, nir=nir, role=BeneficiaryRole.SPOUSE, **who)
    answer = told(signed_in, send(signed_in, draft, "salarie", enrolling.EMPLOYEE))
    text = answer.get_data(as_text=True)
    assert "Inès LACROIX est déjà couverte comme conjoint" in text and f"/salaries/{spouse.public_id}" in text
    page = {name: value for name, value in enrolling.hidden(text).items() if name != "csrf_token"}
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE, **page))


def test_a_cover_that_has_ended_with_somebody_else_is_not_pointed_out(signed_in, hr, draft):
    ended = clock.today() - datetime.timedelta(days=1)
    who = {"last_name": "Lacroix", "first_name": "Inès", "birth_date": datetime.date(1994, 6, 30), "sex": "F"}
    factories.beneficiary(draft.contract, role=BeneficiaryRole.SPOUSE, terminated_on=ended, **who)
    assert passes(send(signed_in, draft, "salarie", enrolling.EMPLOYEE))


def test_an_address_abroad_has_a_postal_code_of_its_own_or_none(signed_in, draft):
    london = enrolling.ADDRESS | {"codepostal": "SW1A 1AA", "ville": "Londres", "pays": "Royaume-Uni"}
    dublin = london | {"codepostal": "", "ville": "Dublin", "pays": "Irlande"}
    fill(signed_in, draft, coordonnees=london)
    for words in (london, dublin):
        assert passes(send(signed_in, draft, "coordonnees", words)), words
    home_again = told(signed_in, send(signed_in, draft, "coordonnees", dublin | {"pays": "FRANCE"}))
    assert "Indiquez le code postal." in home_again.get_data(as_text=True)


def test_a_sex_that_the_nir_does_not_say_is_told_once_and_stops_nobody(signed_in, hr, draft):
    words = enrolling.EMPLOYEE | {"sexe": "M", "civilite": "M.", "nomdusage": ""}
    answer = told(signed_in, send(signed_in, draft, "salarie", words))
    text = answer.get_data(as_text=True)
    assert "À vérifier avant de continuer" in text
    page = {name: value for name, value in enrolling.hidden(text).items() if name != "csrf_token"}
    assert passes(send(signed_in, draft, "salarie", words, **page))


@pytest.mark.parametrize("rule", ["BIRTHDAY", "END_OF_MONTH", "END_OF_YEAR"])
def test_the_age_of_a_child_ends_the_cover_by_the_contract_s_rule(signed_in, hr, draft, rule):
    GroupContract.update(child_end_rule=rule).execute()
    first_day = enrolling.day(days=20)
    twenty = first_day - datetime.timedelta(days=1)
    later = {"END_OF_MONTH": twenty.month == first_day.month, "END_OF_YEAR": twenty.year == first_day.year}
    fill(signed_in, draft, until="enfants")
    answer = send(signed_in, draft, "enfants", children(twenty.replace(year=twenty.year - 20)))
    assert passes(answer) or not later.get(rule)
    assert later.get(rule) or any("a dépassé 20 ans" in one for one in said(told(signed_in, answer)))
    page = signed_in.get(f"/adhesion/{draft.public_id}/enfants").get_data(as_text=True)
    assert ("cet anniversaire" in page) is (rule != "BIRTHDAY")


def test_a_number_that_another_employee_has_is_told_once(signed_in, hr, draft):
    other = factories.beneficiary(draft.contract, "Prost", employee_number="M77")
    answer = told(signed_in, send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"matricule": "m77"}))
    assert any(f"C’est aussi celui {of_name(other.full_name)}" in one for one in said(answer))
    page = {
        name: text for name, text in enrolling.hidden(answer.get_data(as_text=True)).items() if name != "csrf_token"
    }
    again = send(signed_in, draft, "salarie", enrolling.EMPLOYEE | {"matricule": "m77"}, **page)
    assert passes(again)


def test_the_faults_of_each_child_say_whose_they_are(signed_in, hr, draft):
    fill(signed_in, draft, until="enfants")
    answer = told(signed_in, send(signed_in, draft, "enfants", children(years_ago(22), years_ago(23))))
    (faulty,) = [one for one in said(answer) if "2 erreurs" in one]
    assert "Enfant 1 : L’enfant" in faulty and "Enfant 2 : L’enfant" in faulty


HERSELF = {**enrolling.SPOUSE, "nom": "Lacroix", "prenom": "Inès", "datedenaissance": "30/06/1994", "sexe": "F"}
ONE_CHILD_TWICE = children(years_ago(3), years_ago(3)) | {"enfants-1-prenom": "Léoa"}


@pytest.mark.parametrize(
    ("step", "words", "whose"),
    [("conjoint", HERSELF, "du salarié"), ("enfants", ONE_CHILD_TWICE, "de l’enfant 1")],
)
def test_nobody_stands_twice_in_a_household(signed_in, hr, draft, step, words, whose):
    fill(signed_in, draft, until=step)
    answer = told(signed_in, send(signed_in, draft, step, words))
    assert any(f"figure déjà dans cette adhésion, à la place {whose}" in one for one in said(answer))


def test_a_child_is_told_by_the_place_that_it_has_on_the_page(signed_in, hr, draft):
    fill(signed_in, draft, until="enfants")
    kept = {name.replace("-1-", "-4-").replace("-0-", "-2-"): text for name, text in ONE_CHILD_TWICE.items()}
    said_of_it = " ".join(said(told(signed_in, send(signed_in, draft, "enfants", kept))))
    assert "à la place de l’enfant 1" in said_of_it


# Awaited


def test_who_is_awaited_is_a_task_with_its_age_and_its_reminder(signed_in, hr, draft, at):
    sent = sending(signed_in, fill(signed_in, draft, conjoint={"presence": "attendu"}))
    at(days=4)
    signed_in.sign_in(hr)
    text = signed_in.get("/adhesion").get_data(as_text=True).replace("\u00a0", " ")
    assert "À compléter" in text and "envoyée il y a 4 jours" in text
    assert f"rappel le {sent.awaited_until:%d/%m/%Y}" in text
    wrong = signed_in.post(f"/adhesion/{draft.public_id}/rappel", {"rappel": "01/01/2020"})
    assert wrong.status_code == 422 and "Choisissez un jour à venir" in wrong.get_data(as_text=True)
    day = enrolling.typed(enrolling.day(days=40))
    assert signed_in.post(f"/adhesion/{draft.public_id}/rappel", {"rappel": day}).status_code == 303
    assert f"{Enrolment.get_by_id(draft.id).awaited_until:%d/%m/%Y}" == day
    assert signed_in.post(f"/adhesion/{draft.public_id}/complet").status_code == 303
    assert 'id="a-completer"' not in signed_in.get("/adhesion").get_data(as_text=True)


def test_adding_the_spouse_who_was_awaited_ends_the_task(signed_in, hr, draft):
    sent = sending(signed_in, fill(signed_in, draft, conjoint={"presence": "attendu"}))
    page = signed_in.get(f"/adhesion/{draft.public_id}").get_data(as_text=True)
    address = re.search(r'href="(/salaries/[^"]*/ayant-droit\?[^"]*)"', page)[1].replace("&amp;", "&")
    form = signed_in.get(address).get_data(as_text=True)
    assert re.search(r'value="Conjoint"[^>]* checked|checked[^>]* value="Conjoint"', form)
    told = {name: text for name, text in enrolling.SPOUSE.items() if name != "presence"}
    words = {"type": "Conjoint", "datedeffet": enrolling.typed(sent.movement.effective_on), **told}
    for _ in range(2):  # what deserves a look is told once
        answer = signed_in.post(address.partition("?")[0], {**enrolling.hidden(form), **words})
        form = answer.get_data(as_text=True)
    assert answer.status_code == 303, said(answer)
    assert not Enrolment.get_by_id(draft.id).spouse_awaited
    assert "À compléter" not in signed_in.get("/adhesion").get_data(as_text=True)


# What a page asks of the database

SHOWN, SAVED = 4, 3  # session, frame, draft, what a session did not outlive; session, draft, written
MORE = {"garantie": (1, 1), "salarie": (0, 4)}  # the contracts to choose; who the person may be already


@pytest.mark.parametrize("step", ["garantie", *enrolling.STEPS])
def test_a_step_is_shown_and_saved_in_few_statements(signed_in, hr, draft, queries, step):
    fill(signed_in, draft)
    words = {**enrolling.STEPS, "garantie": enrolling.contract_words(hr)}[step]
    page = page_of(signed_in, draft, step) | {"csrf_token": signed_in.token()}
    queries.clear()
    signed_in.get(f"/adhesion/{draft.public_id}/{step}")
    shown = len(queries)
    queries.clear()
    assert passes(send(signed_in, draft, step, words, **page))
    more = MORE.get(step, (0, 0))
    assert (shown, len(queries)) == (SHOWN + more[0], SAVED + more[1]), "\n".join(queries)


def test_the_list_asks_as_much_for_many_as_for_one(signed_in, hr, queries):
    factories.enrolment(hr)
    counts = []
    for _ in range(2):
        queries.clear()
        signed_in.get("/adhesion")
        counts.append(len(queries))
        for _ in range(4):
            factories.enrolment(hr)
            whole = factories.enrolment(hr, enrolling.STEPS | {"conjoint": {"presence": "attendu"}}).read_whole()
            enrolments.submit(whole, hr, clock.now())
    assert counts[0] == counts[1] <= 12
