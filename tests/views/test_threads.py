"""Requests and complaints from one side to the other: opened, answered, read, rated; once, by whom it may, in time."""

import datetime
import html
import io
import re

import openpyxl
import pytest

from portal import clock, storage, threads
from portal.models import (
    AnswerDraft,
    AuditEvent,
    Beneficiary,
    Company,
    EmployeeCategory,
    MessageThread,
    OutboxMessage,
    PermissionGrant,
    PreparedAnswer,
    ThreadFollower,
    ThreadMessage,
    ThreadRound,
    User,
    UserRole,
    UserSession,
)
from portal.rules import threads as rules
from portal.rules.rights import Action
from tests import factories, files

FORM = {
    "nature": "CARD",
    "detail": "Carte non reçue",
    "message": "Bonjour,\n\nla carte n’est pas arrivée.",
    "lieu": "tout",
    "suivi": "EMAIL",
    "form_key": "11111111-1111-4111-8111-111111111111",
}
REPLY = {"reponse": "La carte est repartie.", "ensuite": "TREATED"}


@pytest.fixture
def staff(database):
    return factories.user(role=UserRole.STAFF)


@pytest.fixture
def desk(app, staff):
    """The mutual's own browser, beside the company's."""
    browser = app.test_client()
    browser.sign_in(staff)
    return browser


def seen(thread):
    return {"version": str(MessageThread.get_by_id(thread.id).last_message)}


def a_file():
    return storage.file_away(io.BytesIO(files.pdf()), "fiche.pdf", "application/pdf", account=None)


def grant(user, **place):
    PermissionGrant.create(user=user, valid_from=clock.today(), **place)


def text_of(answer):
    return answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")


def test_a_request_is_sent_once_and_promises_a_day(signed_in, hr):
    for _ in range(2):
        answer = signed_in.post("/demandes/nouvelle", FORM, follow_redirects=True)
    thread = MessageThread.get()
    assert MessageThread.select().count() == ThreadMessage.select().count() == 1
    assert thread.due_on > clock.today()
    assert "n’a été fait deux fois" in text_of(answer)
    assert "la carte n’est pas arrivée" in text_of(answer)
    assert AuditEvent.select().where(AuditEvent.action == "thread.begin").count() == 1


@pytest.mark.parametrize(
    ("box", "typed", "said"),
    [
        ("nature", "", "Choisissez la nature"),
        ("detail", "", "de quoi il s’agit"),
        ("message", " ", "Écrivez votre message"),
        ("message", "Son n° : 2 94 06 39 478 031 45.", "n° de sécurité sociale"),
        ("message", "IBAN FR76 3000 6000 0112 3456 7890 189 merci", "IBAN"),
        ("lieu", "E999999", "Choisissez l’entreprise"),
        ("qui", "Personne", "Personne ne porte ce nom"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(signed_in, box, typed, said):
    answer = signed_in.post("/demandes/nouvelle", FORM | {box: typed})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not MessageThread.select().exists()


def test_a_person_is_searched_and_the_thread_is_of_their_college(signed_in, hr):
    person = hr.beneficiaries().first()
    asked = FORM | {"qui": person.birth_name, "etape": "chercher"}
    assert str(person.public_id) in signed_in.post("/demandes/nouvelle", asked).get_data(as_text=True)
    signed_in.post("/demandes/nouvelle", FORM | {"qui": person.birth_name, "personne": str(person.public_id)})
    thread = MessageThread.get()
    assert (thread.beneficiary_id, thread.category_id) == (person.id, person.category_id)


def test_a_foreign_person_or_company_is_never_named(signed_in):
    other = factories.hr_user()
    person = Beneficiary.select().where(Beneficiary.category.in_(other.category_ids())).first()
    assert signed_in.get(f"/demandes/nouvelle?personne={person.public_id}").status_code == 404
    company = Company.get(Company.account == person.account_id)
    assert signed_in.post("/demandes/nouvelle", FORM | {"lieu": company.code}).status_code == 422
    asked = FORM | {"qui": person.birth_name, "personne": str(person.public_id)}
    signed_in.post("/demandes/nouvelle", asked)
    assert not MessageThread.select().where(MessageThread.beneficiary == person).exists()


@pytest.mark.parametrize("level", ["account", "company", "category"])
def test_a_thread_is_seen_by_who_sees_its_place_whole(database, level):
    whole = factories.hr_user()
    account = whole.accounts().first()
    college = EmployeeCategory.select().where(EmployeeCategory.account == account).order_by(EmployeeCategory.id).first()
    places = {
        "account": threads.Place(account),
        "company": threads.Place(account, college.company),
        "category": threads.Place(account, college.company, college),
    }
    thread = factories.thread(whole, places[level])
    readers = {}
    for name, given in (
        ("account", {}),
        ("company", {"company": college.company}),
        ("category", {"category": college}),
    ):
        readers[name] = factories.user()
        PermissionGrant.create(user=readers[name], account=account, valid_from="2020-01-01", **given)
    opened = {name for name, user in readers.items() if user.threads().where(MessageThread.id == thread.id).exists()}
    expected = {"account": {"account"}, "company": {"account", "company"}, "category": set(readers)}
    assert opened == expected[level]
    assert not factories.hr_user().threads().exists()


def test_an_answer_of_the_mutual_is_told_unread_until_read_and_rated(signed_in, desk, hr):
    thread = factories.thread(hr)
    desk.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | seen(thread))
    assert OutboxMessage.select().count() == 1
    assert "1<span" in signed_in.get("/").get_data(as_text=True).split('id="badge-demandes"')[1][:60]
    assert "Carte non reçue" in signed_in.get("/demandes?lues=non").get_data(as_text=True)
    page = text_of(signed_in.get(f"/demandes/{thread.public_id}"))
    assert "La carte est repartie." in page
    assert not hr.unread_threads().exists()
    assert "Carte non reçue" not in signed_in.get("/demandes?lues=non").get_data(as_text=True)
    signed_in.post(f"/demandes/{thread.public_id}/evaluation", {"note": "4", "commentaire": "Vite fait"})
    assert MessageThread.get().rating == 4
    assert "4,0 sur 5" in text_of(desk.get("/gestion/demandes"))
    signed_in.post(f"/demandes/{thread.public_id}/non-lu")
    assert hr.unread_threads().count() == 1


def test_to_answer_opens_again_and_gives_a_new_day(signed_in, desk, hr):
    thread = factories.thread(hr)
    desk.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | seen(thread))
    assert MessageThread.get().due_on is None
    signed_in.post(f"/demandes/{thread.public_id}/reponse", {"reponse": "Toujours rien.", "etape": "envoyer"})
    row = MessageThread.get()
    assert (row.state, row.rating) == ("IN_PROGRESS", None)
    assert row.due_on > clock.today()
    assert "rouverte par" in text_of(signed_in.get(f"/demandes/{thread.public_id}"))


def test_what_a_reopening_ends_stays_in_the_averages_the_history_and_the_register(signed_in, desk, hr, staff):
    row = complain(signed_in)
    where, path = f"/reclamations/{row.public_id}", f"/gestion/reclamations/{row.public_id}"
    desk.post(f"{path}/reponse", REPLY | {"issue": rules.PARTLY, "cause": "DELAY"} | seen(row))
    signed_in.post(f"{where}/evaluation", {"note": "2", "commentaire": "Trop long"})
    first = MessageThread.get()
    signed_in.post(f"{where}/reponse", {"reponse": "Pas assez.", "etape": "envoyer"})
    assert MessageThread.get().rating is None
    assert "2,0 sur 5, 1 évaluation" in text_of(desk.get("/gestion/reclamations"))
    said = "évaluée 2 sur 5, « Trop long »"
    mine, theirs = text_of(signed_in.get(where)), text_of(desk.get(path))
    assert mine.count(said) == theirs.count(said) == 1
    assert "Délai non tenu" in theirs and "Délai non tenu" not in mine
    desk.post(f"{path}/reponse", REPLY | {"issue": rules.ACCEPTED, "cause": "ERROR"} | seen(MessageThread.get()))
    signed_in.post(f"{where}/evaluation", {"note": "5", "commentaire": ""})
    assert "3,5 sur 5, 2 évaluations" in text_of(desk.get("/gestion/reclamations"))
    register = desk.post("/gestion/reclamations/telechargement?etat=toutes")
    head, before, now = openpyxl.load_workbook(io.BytesIO(register.data)).active.values
    register.close()
    before, now = dict(zip(head, before, strict=True)), dict(zip(head, now, strict=True))
    assert before["N°"] == now["N°"] and before["Rouverte le"] and not now["Rouverte le"]
    assert (before["Satisfaction"], now["Satisfaction"]) == ("2 sur 5", "5 sur 5")
    assert (before["En cause"], now["En cause"]) == ("Délai non tenu", "Erreur de traitement")
    assert before["Réponse le"].date() == clock.day_of(first.answered_at)
    assert before["Réponse au plus tard le"].date() == first.answer_by


def test_a_request_that_nobody_rated_keeps_nothing_when_it_is_opened_again(signed_in, desk, hr):
    thread = factories.thread(hr)
    desk.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | seen(thread))
    signed_in.post(f"/demandes/{thread.public_id}/reouverture")
    assert ThreadRound.select().count() == 0


def test_a_draft_survives_and_goes_with_the_answer(signed_in, hr):
    thread = factories.thread(hr)
    path = f"/demandes/{thread.public_id}"
    key = "22222222-2222-4222-8222-222222222222"
    saved = signed_in.post(f"{path}/reponse", {"reponse": "Je voul", "form_key": key}, headers={"HX-Request": "true"})
    assert "Brouillon enregistré" in saved.get_data(as_text=True)
    assert b"Je voul" not in bytes(AnswerDraft.get().body)
    assert "Je voul</textarea>" in signed_in.get(path).get_data(as_text=True)
    signed_in.post(f"{path}/reponse", {"reponse": "Je voulais", "form_key": key, "etape": "envoyer"})
    signed_in.post(f"{path}/reponse", {"reponse": "Je voulais", "form_key": key}, headers={"HX-Request": "true"})
    assert not AnswerDraft.select().exists()
    assert ThreadMessage.select().count() == 2


def test_what_is_new_comes_alone_and_keeps_no_session_alive(signed_in, desk, hr, queries):
    thread = factories.thread(hr)
    path = f"/demandes/{thread.public_id}/nouveautes?apres={MessageThread.get().last_said}"
    queries.clear()
    assert signed_in.fragment(path).status_code == 204
    assert not [sql for sql in queries if sql.startswith("UPDATE")]
    desk.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | seen(thread))
    answer = signed_in.fragment(path)
    assert "La carte est repartie." in answer.get_data(as_text=True)
    assert "<textarea" not in answer.get_data(as_text=True)
    assert hr.unread_threads().count() == 1


def test_a_state_that_changes_under_the_eyes_is_told_with_the_news_alone(signed_in, desk, hr):
    thread = factories.thread(hr)
    page = signed_in.get(f"/demandes/{thread.public_id}")
    path = html.unescape(re.search(r'id="refresh-thread" href="([^"]*)"', page.get_data(as_text=True))[1])
    assert "L’état a changé" not in text_of(page)
    desk.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | seen(thread))
    news = signed_in.fragment(path)
    assert "L’état a changé" in text_of(news) and "pour évaluer ou rouvrir" in text_of(news)
    again = html.unescape(re.search(r'id="refresh-thread" href="([^"]*)"', news.get_data(as_text=True))[1])
    assert signed_in.fragment(again).status_code == 204
    assert "L’état a changé" not in text_of(signed_in.get(f"/demandes/{thread.public_id}"))


def test_notes_are_never_shown_nor_found_by_the_company(signed_in, desk, hr):
    thread = factories.thread(hr)
    desk.post(f"/gestion/demandes/{thread.public_id}/note", {"note": "Zébulon insiste"})
    assert "Zébulon" in text_of(desk.get(f"/gestion/demandes/{thread.public_id}"))
    assert "Zébulon" not in text_of(signed_in.get(f"/demandes/{thread.public_id}"))
    assert "Aucune demande ne correspond" in text_of(signed_in.get("/demandes?q=zebulon"))
    assert not hr.unread_threads().exists()


def test_two_people_who_answer_at_once_are_warned_and_lose_nothing(desk, hr, app):
    thread = factories.thread(hr)
    before = seen(thread)
    other = app.test_client()
    other.sign_in(factories.user(role=UserRole.STAFF))
    other.post(f"/gestion/demandes/{thread.public_id}/reponse", REPLY | before)
    answer = desk.post(
        f"/gestion/demandes/{thread.public_id}/reponse",
        {**REPLY, "reponse": "Autre texte"} | before,
        follow_redirects=True,
    )
    page = text_of(answer)
    assert "rien n’est parti" in page
    assert "Autre texte</textarea>" in page
    assert ThreadMessage.select().where(ThreadMessage.body == "Autre texte").count() == 0


def test_the_queue_takes_passes_on_and_inserts_prepared_answers(desk, staff, hr):
    thread = factories.thread(hr)
    colleague = factories.user(role=UserRole.STAFF)
    ready = PreparedAnswer.create(title="Carte", body="La carte part demain.")
    path = f"/gestion/demandes/{thread.public_id}"
    assert "À prendre" in text_of(desk.get("/gestion/demandes?etat=prendre"))
    desk.post(f"{path}/prise-en-charge", seen(thread))
    assert MessageThread.get().assignee_id == staff.id
    inserted = desk.post(f"{path}/reponse", {"modele": str(ready.public_id), "etape": "inserer"} | seen(thread))
    assert "La carte part demain." in text_of(inserted)
    desk.post(f"{path}/transmission", {"a": str(colleague.public_id), "mot": "Je pars"} | seen(thread))
    assert MessageThread.get().assignee_id == colleague.id
    assert OutboxMessage.select().count() == 1
    assert f"C’est confié à {colleague.full_name}, qu’un courriel prévient." in text_of(desk.get(path))  # whoever it is


def complain(client):
    client.post("/reclamations/nouvelle", FORM | {"nature": "DELAY", "pour": "MEMBER"})
    return MessageThread.get()


def test_a_refused_complaint_that_is_opened_again_is_for_somebody_else(signed_in, desk, staff, hr):
    row = complain(signed_in)
    path = f"/gestion/reclamations/{row.public_id}"
    assert "Réexamen" not in text_of(desk.get(path))
    desk.post(f"{path}/reponse", REPLY | {"issue": rules.REFUSED, "cause": "UNFOUNDED"} | seen(row))
    assert MessageThread.get().assignee_id == staff.id
    signed_in.post(f"/reclamations/{row.public_id}/reponse", {"reponse": "Non.", "etape": "envoyer"})
    again = MessageThread.get()
    assert again.assignee_id is None and again.answered_at is None
    assert f"{staff.full_name} a donné la réponse contestée" in text_of(desk.get(path))
    assert row.subject in text_of(desk.get("/gestion/reclamations?etat=prendre"))
    desk.post(f"{path}/reponse", REPLY | {"issue": rules.ACCEPTED, "cause": "DELAY"} | seen(again))
    assert "Réexamen" not in text_of(desk.get(path))
    signed_in.post(f"/reclamations/{row.public_id}/reouverture")
    assert MessageThread.get().assignee_id == staff.id


def test_a_complaint_that_was_closed_unanswered_still_has_the_clock_of_its_sending(signed_in, desk, hr):
    row = complain(signed_in)
    signed_in.post(f"/reclamations/{row.public_id}/cloture")
    again = threads.reopen(row, hr, clock.now() + datetime.timedelta(days=20), {})
    assert (again.acknowledge_by, again.answer_by) == (row.acknowledge_by, row.answer_by)
    assert again.due_on == row.acknowledge_by
    desk.post(f"/gestion/reclamations/{row.public_id}/accuse", seen(again))
    signed_in.post(f"/reclamations/{row.public_id}/cloture")
    signed_in.post(f"/reclamations/{row.public_id}/reouverture")
    assert MessageThread.get().due_on == row.answer_by
    assert MessageThread.get().acknowledged_at


def test_a_complaint_keeps_its_clock_and_a_refusal_its_recourse(signed_in, desk, hr, app):
    asked = FORM | {"nature": "DELAY", "pour": "MEMBER"}
    page = text_of(signed_in.post("/reclamations/nouvelle", asked, follow_redirects=True))
    row = MessageThread.get()
    assert row.answer_by > row.acknowledge_by > clock.today()
    assert "Sa copie datée" in page
    path = f"/gestion/reclamations/{row.public_id}"
    copy = signed_in.post(f"/reclamations/{row.public_id}/copie")
    assert copy.data.startswith(b"%PDF")
    copy.close()
    desk.post(f"{path}/accuse", seen(row))
    assert MessageThread.get().acknowledged_at
    assert MessageThread.get().due_on == row.answer_by
    assert desk.post(f"{path}/reponse", REPLY | seen(row)).status_code == 422
    said = REPLY | {"issue": rules.REFUSED, "cause": "UNFOUNDED"}
    desk.post(f"{path}/reponse", said | seen(row))
    page = text_of(signed_in.get(f"/reclamations/{row.public_id}", follow_redirects=True))
    assert "255 rue de Vaugirard" in page
    assert "L’adhérent peut aussi saisir gratuitement" in page
    register = desk.post("/gestion/reclamations/telechargement?etat=toutes")
    assert register.data.startswith(b"PK")
    register.close()


def test_what_is_late_stands_out(signed_in, desk, hr):
    factories.thread(hr)
    late = clock.today() - datetime.timedelta(days=4)
    MessageThread.update(due_on=late).execute()
    assert "4 jours de retard" in text_of(signed_in.get("/demandes"))
    assert "4 jours de retard" in text_of(desk.get("/gestion/demandes?etat=retard"))


@pytest.mark.parametrize(
    ("typed", "is_found"), [("pharmacie", True), ("carte pharm", True), ("100001", True), ("boulanger", False)]
)
def test_the_words_of_messages_are_found(signed_in, hr, typed, is_found):
    factories.thread(hr, body="Refusée en pharmacie.")
    other = factories.hr_user()
    factories.thread(other, subject="ZZ CANARI", body="Refusée en pharmacie.")
    page = text_of(signed_in.get("/demandes", query_string={"q": typed}))
    assert ("1 demande" in page) == is_found
    assert "CANARI" not in page


def test_the_list_asks_the_same_number_of_questions_for_one_thread_and_for_many(signed_in, hr, queries):
    asked = []
    for number in (1, 12):
        for _ in range(number):
            factories.thread(hr)
        signed_in.get("/demandes")
        queries.clear()
        signed_in.get("/demandes")
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 3


def test_a_thread_about_somebody_takes_six_statements_with_its_messages_and_files(signed_in, hr, queries):
    person = hr.beneficiaries().first()
    category = person.category
    place = threads.Place(category.account_id, category.company, category, person)
    thread = factories.thread(hr, place, files=[a_file(), a_file()])
    address = f"/demandes/{thread.public_id}"
    for _ in range(2):
        queries.clear()
        page = signed_in.get(address).get_data(as_text=True)
    assert len(queries) <= 6
    assert f'href="/salaries/{person.public_id}' in page and page.count('class="ui-file"') == 2


def test_a_person_who_left_the_college_of_a_thread_is_linked_only_for_who_sees_them(signed_in, hr, client):
    person = hr.beneficiaries().first()
    category = person.category
    thread = factories.thread(hr, threads.Place(category.account_id, category.company, category, person))
    seen, link = f"/demandes/{thread.public_id}", f'href="/salaries/{person.public_id}'
    elsewhere = factories.hr_user().beneficiaries().first()
    Beneficiary.update(category=elsewhere.category_id).where(Beneficiary.id == person.id).execute()
    page = signed_in.get(seen).get_data(as_text=True)
    assert person.full_name in html.unescape(page) and link not in page


def test_what_one_may_not_write_in_is_not_counted_as_unread(signed_in, hr):
    other = factories.account()
    grant(hr, account=other, actions=int(Action.SEE | Action.MOVE))
    factories.thread(hr, unread=True)
    factories.thread(hr, threads.Place(other), unread=True)
    page = text_of(signed_in.get("/demandes?perimetre=tous"))
    assert "1 demande, dont 1 non lue" in re.sub(r"<[^>]*>", "", page)
    assert re.search(r"Demandes(?:<[^>]*>|\s)*1(?:<[^>]*>|\s)*à traiter", page)


def test_what_is_not_read_is_counted_where_one_looks(signed_in, hr):
    other = factories.account()
    grant(hr, account=other)
    factories.thread(hr, unread=True)
    factories.thread(hr, threads.Place(other), unread=True)
    assert "dont 2 non lues" in text_of(signed_in.get("/demandes?perimetre=tous"))
    assert "dont 1 non lue" in text_of(signed_in.get(f"/demandes?perimetre={other.code}"))


def test_grants_of_an_account_a_company_and_a_college_open_the_same_threads_as_their_places(hr, database):
    """The account that is seen whole is known at once, the grants of each thread for the others."""
    account = hr.accounts().get()
    college = hr.categories().first()
    whole, company, category = (
        threads.Place(account),
        threads.Place(account, college.company),
        threads.Place(account, college.company, college),
    )
    for place in (whole, company, category):
        factories.thread(hr, place)
    seen = {}
    for name, given in {
        "account": {"account": account},
        "company": {"account": account, "company": college.company},
        "category": {"account": account, "company": college.company, "category": college},
    }.items():
        user = factories.user()
        grant(user, **given)
        seen[name] = user.threads().count()
    assert seen == {"account": 3, "company": 2, "category": 1}


@pytest.mark.parametrize(("room", "who"), [("/demandes", "signed_in"), ("/gestion/demandes", "desk")])
def test_a_search_is_done_once_and_has_the_pages_of_the_list(request, hr, queries, room, who):
    browser = request.getfixturevalue(who)
    for number in range(23):
        factories.thread(hr, subject=f"Carte {number}", body="Refusée en pharmacie. Refusée.")

    def page(**asked):
        queries.clear()
        text = text_of(browser.get(room, query_string={"lignes": "10"} | asked))
        return re.findall(r"Carte \d+", text), re.search(r"(\d+) demandes?\b", text)[1]

    for number in ("1", "2", "3", "9"):  # there are three
        plain, found = page(page=number), page(page=number, q="refus pharmacie")
        assert found == plain and plain[1] == "23" and len(plain[0]) == (10 if number < "3" else 3)
        if number != "9":
            assert len([sql for sql in queries if "message_words" in sql]) == 1


def test_the_links_of_a_chosen_account_open_what_they_name(signed_in, hr):
    thread = factories.thread(hr)
    listed = signed_in.get(f"/demandes?perimetre={hr.accounts().get().code}&nature=ENROLMENT&page=1").get_data(
        as_text=True
    )
    link = html.unescape(re.search(rf'href="([^"]*{thread.public_id}[^"]*)"', listed)[1])
    assert (link.count("?"), link.count("perimetre="), "nature=ENROLMENT" in link) == (1, 1, True)
    assert signed_in.get(link).status_code == 200


def test_who_left_is_not_told_and_the_others_are(database, hr):
    author = factories.user()
    grant = PermissionGrant.create(user=author, account=hr.accounts().first(), valid_from="2020-01-01")
    thread = factories.thread(author)
    grant.delete_instance()
    reply = threads.Reply(body="Voici.", then="TREATED")
    threads.reply(thread, factories.user(role=UserRole.STAFF), reply, clock.now(), thread.last_message, "", {})
    assert [message.user_id for message in OutboxMessage.select()] == [hr.id]
    assert hr.unread_threads().count() == 1
    assert ThreadFollower.get(ThreadFollower.user == author).unread


def test_the_mutual_closes_no_complaint_without_its_answer(desk, hr):
    thread = factories.thread(hr, kind="COMPLAINT")
    path = f"/gestion/reclamations/{thread.public_id}/cloture"
    assert "se clôt par sa réponse" in text_of(desk.post(path, seen(thread), follow_redirects=True))
    assert MessageThread.get().state == "RECEIVED"


@pytest.mark.parametrize("named", ["abc", "00000000-0000-4000-8000-000000000000"])
def test_a_person_who_is_nobody_is_not_found(signed_in, named):
    assert signed_in.get(f"/demandes/nouvelle?personne={named}").status_code == 404


def test_what_is_typed_when_the_session_ends_is_there_again(app, signed_in, desk, hr):
    thread = factories.thread(hr)
    for browser, user, start in ((signed_in, hr, ""), (desk, None, "/gestion")):
        path = f"{start}/demandes/{thread.public_id}"
        browser.sign_in(user or User.get(User.role == UserRole.STAFF))
        UserSession.update(ended_at=clock.now()).execute()
        browser.post(f"{path}/reponse", {"reponse": "Un long texte"}, headers={"Sec-Fetch-Site": "same-origin"})
        browser.sign_in(user or User.get(User.role == UserRole.STAFF))
        assert "Un long texte</textarea>" in browser.get(path, follow_redirects=True).get_data(as_text=True)
    assert ThreadMessage.select().count() == 1


# ── At the desk ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_desk_is_told_of_what_is_new_and_keeps_what_is_typed(signed_in, desk, hr, queries):
    thread = factories.thread(hr)
    path = f"/gestion/demandes/{thread.public_id}"
    news = html.unescape(re.search(r'id="refresh-thread" href="([^"]+)"', desk.get(path).get_data(as_text=True))[1])
    queries.clear()
    assert desk.fragment(news).status_code == 204
    assert not [sql for sql in queries if sql.startswith("UPDATE")]
    assert desk.get(news).status_code == 303
    signed_in.post(f"/demandes/{thread.public_id}/reponse", {"reponse": "Toujours rien.", "etape": "envoyer"})
    told = desk.fragment(news).get_data(as_text=True)
    assert "Toujours rien." in told
    assert "<textarea" not in told
    answered = desk.post(f"{path}/reponse", REPLY | {"version": re.search(r'name="version" value="(\d+)"', told)[1]})
    assert answered.status_code == 303
    assert MessageThread.get().state == "TREATED"


def test_a_colleague_who_writes_is_named_while_they_do(app, desk, hr):
    thread = factories.thread(hr)
    path = f"/gestion/demandes/{thread.public_id}"
    other = app.test_client()
    other.sign_in(factories.user(role=UserRole.STAFF, first_name="Nadia", last_name="Courbet"))
    news = html.unescape(re.search(r'id="refresh-thread" href="([^"]+)"', desk.get(path).get_data(as_text=True))[1])
    typed = {"reponse": "La carte", "form_key": FORM["form_key"]}
    saved = other.post(f"{path}/reponse", typed, headers={"HX-Request": "true"})
    assert "Brouillon enregistré" in saved.get_data(as_text=True)
    assert "en cours d’écriture : Nadia Courbet." in text_of(desk.fragment(news)).replace("</strong>", "")
    assert "La carte</textarea>" in other.get(path).get_data(as_text=True)
    assert "en cours d’écriture" not in text_of(other.get(path))
    kept = other.post(f"{path}/reponse", typed | {"reponse": "La carte part", "etape": "brouillon"})
    assert kept.status_code == 303
    assert AnswerDraft.get().text == "La carte part"
    AnswerDraft.update(saved_at=clock.now() - datetime.timedelta(hours=2)).execute()
    assert "en cours d’écriture" not in text_of(desk.get(path))
    assert ThreadMessage.select().count() == 1


def test_a_request_that_waited_for_the_company_has_its_days_again(desk, hr):
    thread = factories.thread(hr)
    path = f"/gestion/demandes/{thread.public_id}/reponse"
    desk.post(path, REPLY | {"ensuite": "AWAITING_ANSWER"} | seen(thread))
    assert MessageThread.get().due_on is None
    desk.post(path, REPLY | {"ensuite": "IN_PROGRESS"} | seen(thread))
    assert MessageThread.get().due_on > clock.today()


def test_a_complaint_that_waits_for_the_company_stays_in_the_queue(desk, hr):
    for kind in ("REQUEST", "COMPLAINT"):
        factories.thread(hr, kind=kind, state="AWAITING_ANSWER", subject=f"Attend {kind}")
    assert "Attend COMPLAINT" in text_of(desk.get("/gestion/reclamations"))
    assert "Attend REQUEST" not in text_of(desk.get("/gestion/demandes"))
    assert "Attend REQUEST" in text_of(desk.get("/gestion/demandes?etat=attente"))


def test_prepared_answers_are_added_once_changed_and_removed(desk, hr):
    path, text = "/gestion/reponses-preparees", {"titre": "Carte", "texte": "La carte part demain."}
    for _ in range(2):
        assert desk.post(path, text).status_code == 303
    row = PreparedAnswer.get()
    assert desk.post(path, text | {"texte": "Autre"}).status_code == 422
    assert desk.post(path, {"titre": "Vide", "texte": " "}).status_code == 422
    assert "La carte part demain." in text_of(desk.get(path))
    assert "Carte</option>" in text_of(desk.get(f"/gestion/demandes/{factories.thread(hr).public_id}"))
    desk.post(f"{path}/{row.public_id}", text | {"texte": "Elle part jeudi.", "version": "1"})
    assert PreparedAnswer.get().body == "Elle part jeudi."
    late = desk.post(f"{path}/{row.public_id}", text | {"texte": "Elle part lundi.", "version": "1"})
    assert late.status_code == 409
    assert "Elle part jeudi." in text_of(late) and "Elle part lundi.</textarea>" in text_of(late)
    desk.post(f"{path}/{row.public_id}/suppression")
    assert not PreparedAnswer.select().exists()
    written = [event.action for event in AuditEvent.select().where(AuditEvent.action.startswith("prepared_answer"))]
    assert written == ["prepared_answer.add", "prepared_answer.change", "prepared_answer.remove"]


def test_prepared_answers_are_the_mutual_s_alone(signed_in):
    row = PreparedAnswer.add("Carte", "La carte part demain.", clock.now())
    for path in ("", f"/{row.public_id}"):
        assert signed_in.get(f"/gestion/reponses-preparees{path}").status_code == 403
    assert signed_in.post(f"/gestion/reponses-preparees/{row.public_id}/suppression").status_code == 403
