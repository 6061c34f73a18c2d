"""« Actualités »: to whom the mutual speaks, from when to when, what is read; written, changed and withdrawn."""

import datetime

import pytest

from portal import clock
from portal.models import AuditEvent, Notice, NoticeReading, PermissionGrant, UserRole
from tests import enrolling, factories
from tests.views.test_terminations import plain

DAY = datetime.timedelta(days=1)


@pytest.fixture
def mutual(database):
    return factories.user(role=UserRole.STAFF)


@pytest.fixture
def desk(client, mutual):
    client.sign_in(mutual)
    return client


def titles(user):
    return {one.title for one in user.notices()}


def test_each_sees_what_is_said_to_everyone_to_their_accounts_and_to_their_colleges(hr, mutual):
    other = factories.hr_user()
    mine, theirs = hr.categories().first(), other.categories().first()
    factories.notice(mutual, title="À tous")
    factories.notice(mutual, title="Compte", account=mine.account)
    factories.notice(mutual, title="Collège", account=mine.account, category=mine)
    factories.notice(mutual, title="Ailleurs", account=theirs.account)
    assert titles(hr) == {"À tous", "Compte", "Collège"}
    assert titles(other) == {"À tous", "Ailleurs"}
    elsewhere = factories.category(mine.company, code="009")
    PermissionGrant.update(category=elsewhere, company=mine.company).where(PermissionGrant.user == hr).execute()
    assert titles(hr) == {"À tous", "Compte"}


def test_it_is_shown_from_the_first_day_to_the_last(hr, mutual):
    today = clock.today()
    for title, first, last in (
        ("Hier", today - 2 * DAY, today - DAY),
        ("Aujourd’hui", today, today),
        ("Toujours", today, None),
        ("Demain", today + DAY, None),
    ):
        factories.notice(mutual, title=title, starts_on=first, ends_on=last)
    factories.notice(mutual, title="Retirée", withdrawn_at=clock.now())
    assert titles(hr) == {"Aujourd’hui", "Toujours"}


def test_home_shows_what_is_unread_and_a_click_marks_it(signed_in, hr, mutual):
    told = factories.notice(
        mutual, title="Nouvelle carte", body="Elle arrive.\n\nGardez l’ancienne.", is_important=True
    )
    home = signed_in.get("/").get_data(as_text=True)
    assert "Actualités de la mutuelle" in home
    assert '<p class="mb-2">Gardez l’ancienne.</p>' in home
    for _ in range(2):
        answer = signed_in.post(f"/actualites/{told.public_id}/lue", {"vers": "/"})
        assert (answer.status_code, answer.location) == (303, "/")
    assert NoticeReading.select().count() == 1
    assert "Actualités de la mutuelle" not in signed_in.get("/").get_data(as_text=True)
    assert "Nouvelle carte" in plain(signed_in.get("/actualites"))
    signed_in.post(f"/actualites/{told.public_id}/non-lue")
    assert "Actualités de la mutuelle" in signed_in.get("/").get_data(as_text=True)


def test_what_is_unread_then_important_comes_first(signed_in, hr, mutual):
    for title, important in (("Une", False), ("Deux", True), ("Trois", False)):
        factories.notice(mutual, title=title, is_important=important)
    signed_in.post(f"/actualites/{Notice.get(Notice.title == 'Deux').public_id}/lue")
    text = plain(signed_in.get("/actualites"))
    assert text.index("Trois") < text.index("Une") < text.index("Deux")


def test_an_address_of_another_site_is_not_gone_back_to(signed_in, hr, mutual):
    told = factories.notice(mutual)
    answer = signed_in.post(f"/actualites/{told.public_id}/lue", {"vers": "https://example.com/"})
    assert answer.location == "/"


def words(client, address="/gestion/actualites/nouvelle", **typed):
    page = enrolling.hidden(client.get(address).get_data(as_text=True))
    given = {"titre": "Fermeture", "texte": "Nous fermons.\r\n\r\nÀ lundi.", "pour": "tous", "du": "1/1/2026"}
    return page | given | {"etape": "publier"} | typed


def test_the_desk_publishes_once_to_a_college(desk, hr):
    college = hr.categories().first()
    typed = words(desk, pour="compte", compte=college.account.code, college=str(college.id), important="y")
    for _ in range(2):
        assert desk.post("/gestion/actualites/nouvelle", typed).status_code == 303
    told = Notice.get()
    assert (told.account, told.category, told.is_important) == (college.account, college, True)
    assert (told.body, told.starts_on) == ("Nous fermons.\n\nÀ lundi.", datetime.date(2026, 1, 1))
    assert AuditEvent.select().where(AuditEvent.action == "notice.publish").count() == 1
    assert titles(hr) == {"Fermeture"}


def test_looking_for_the_account_offers_its_colleges_and_publishes_nothing(desk, hr):
    college = hr.categories().first()
    answer = desk.post(
        "/gestion/actualites/nouvelle", words(desk, pour="compte", compte=college.account.name, etape="chercher")
    )
    assert answer.status_code == 200
    assert f'<option value="{college.id}">' in answer.get_data(as_text=True)
    assert not Notice.select().exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"titre": ""}, "Donnez un titre"),
        ({"texte": ""}, "Écrivez le texte"),
        ({"texte": "Le n° 2 94 06 39 478 031 45 est attendu."}, "ni n° de sécurité sociale"),
        ({"pour": "x"}, "Dites à qui"),
        ({"pour": "compte"}, "Indiquez le code ou le nom du compte"),
        ({"pour": "compte", "compte": "introuvable"}, "Aucun compte ne correspond"),
        ({"du": ""}, "à partir de quel jour"),
        ({"du": "32/13/2026"}, "n’existe pas"),
        ({"au": "31/12/2025"}, "avant le premier"),
        ({"du": "1/1/2020", "au": "2/1/2020"}, "personne ne la verrait"),
    ],
)
def test_what_is_wrong_is_said_at_its_box_and_nothing_is_lost(desk, typed, said):
    answer = desk.post("/gestion/actualites/nouvelle", words(desk, **typed))
    assert answer.status_code == 422
    assert said in plain(answer)
    assert not Notice.select().exists()


def test_two_accounts_of_a_name_are_told_apart_by_their_code(desk, hr):
    for _ in range(2):
        factories.account(name="Scierie du Haut")
    answer = desk.post("/gestion/actualites/nouvelle", words(desk, pour="compte", compte="scierie du haut"))
    assert "Plusieurs comptes correspondent" in plain(answer)


def test_a_change_may_be_shown_anew_and_never_covers_a_colleagues(desk, hr, mutual):
    told = factories.notice(mutual)
    NoticeReading.create(notice=told, user=hr, read_at=clock.now())
    address = f"/gestion/actualites/{told.public_id}"
    assert "Lue par 1 personne" in plain(desk.get(address))
    first, second = (words(desk, address, titre=title) for title in ("Un", "Deux"))
    assert desk.post(address, first).status_code == 303
    assert NoticeReading.select().count() == 1
    answer = desk.post(address, second)
    assert answer.status_code == 409
    assert "entre-temps" in plain(answer)
    assert 'value="Deux"' in answer.get_data(as_text=True)
    assert Notice.get().title == "Un"
    assert desk.post(address, words(desk, address, titre="Deux", anew="y")).status_code == 303
    assert (Notice.get().title, NoticeReading.select().count()) == ("Deux", 0)


def test_what_is_withdrawn_is_seen_by_nobody_and_stays_in_the_list(desk, hr, mutual):
    told = factories.notice(mutual)
    for _ in range(2):
        assert desk.post(f"/gestion/actualites/{told.public_id}/retrait").status_code == 303
    assert titles(hr) == set()
    assert "Retirée" in plain(desk.get("/gestion/actualites"))
    assert AuditEvent.select().where(AuditEvent.action == "notice.withdraw").count() == 1


def test_the_list_of_the_desk_asks_as_many_statements_for_one_as_for_many(desk, mutual, queries):
    factories.notice(mutual)
    desk.get("/gestion/actualites")
    queries.clear()
    desk.get("/gestion/actualites")
    few = len(queries)
    for _ in range(10):
        factories.notice(mutual)
    queries.clear()
    desk.get("/gestion/actualites")
    assert len(queries) == few


def test_the_companies_do_not_write_them(signed_in):
    assert signed_in.get("/gestion/actualites").status_code == 403
