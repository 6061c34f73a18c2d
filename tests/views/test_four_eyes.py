"""Two people agree to a company's bank account, to the role that gives roles, to the end of a lost second factor."""

import dataclasses
import datetime

import pytest

from portal import clock, users
from portal.models import (
    AuditEvent,
    BankDetails,
    OneTimeLink,
    OutboxMessage,
    SecondFactor,
    Sending,
    SendingState,
    User,
    UserRole,
    UserSession,
)
from portal.rules import Refused, staff_roles
from portal.rules.staff_roles import Duty
from tests import factories
from tests.views.test_sendings import decide, rib, take
from tests.views.test_terminations import plain

USERS = "/gestion/utilisateurs"


@pytest.fixture
def chosen_settings(chosen_settings):
    return dataclasses.replace(chosen_settings, people_to_confirm=2)


@pytest.fixture
def colleagues(app, database):
    """Two browsers of administrators."""
    found = []
    for name in ("Tissot", "Perrin"):
        browser = app.test_client()
        browser.own = factories.user(UserRole.ADMIN, last_name=name)
        browser.sign_in(browser.own)
        found.append(browser)
    return found


@pytest.fixture
def asked(signed_in, hr, colleagues):
    """A RIB that was read."""
    rib(signed_in, hr.companies().first())
    take(colleagues[0], Sending.get())
    return Sending.get()


def in_force():
    return BankDetails.select().where(BankDetails.in_force()).count()


def test_the_first_agrees_and_the_second_puts_it_in_force(asked, colleagues):
    first, second = colleagues
    assert decide(first, asked, "acceptation").status_code == 303
    assert (in_force(), Sending.get().state) == (0, SendingState.RECEIVED)
    assert "Tissot" in second.get(f"/gestion/documents/{asked.public_id}").get_data(as_text=True)
    decide(second, asked, "acceptation")
    assert (in_force(), Sending.get().state) == (1, SendingState.ACCEPTED)
    actions = [event.action for event in AuditEvent.select().order_by(AuditEvent.number)]
    assert actions.index("bank_details.approve") < actions.index("sending.accept")


def test_the_same_person_is_not_two(asked, colleagues):
    first, _ = colleagues
    for _ in range(3):
        decide(first, asked, "acceptation")
    assert in_force() == 0
    page = first.post(
        f"/gestion/documents/{asked.public_id}/acceptation",
        {"version": str(Sending.get().version)},
        follow_redirects=True,
    ).get_data(as_text=True)
    assert "une autre personne doit confirmer" in page


def test_an_agreement_of_long_ago_is_looked_at_again(asked, colleagues):
    first, second = colleagues
    decide(first, asked, "acceptation")
    BankDetails.update(approved_at=clock.now() - datetime.timedelta(days=8)).execute()
    decide(second, asked, "acceptation")
    assert in_force() == 0
    decide(first, asked, "acceptation")
    assert in_force() == 1


def test_who_saw_another_state_decides_nothing(asked, colleagues):
    first, second = colleagues
    seen = str(Sending.get().version)
    decide(first, asked, "acceptation")
    second.post(f"/gestion/documents/{asked.public_id}/acceptation", {"version": seen})
    assert in_force() == 0


def test_the_second_may_refuse(asked, colleagues):
    first, second = colleagues
    decide(first, asked, "acceptation")
    decide(second, asked, "refus", motif="OTHER", precision="Le titulaire n’est pas l’entreprise.")
    assert (in_force(), Sending.get().state) == (0, SendingState.REFUSED)


def test_without_the_role_of_money_a_bank_account_is_not_agreed_to(app, asked):
    browser = app.test_client()
    browser.sign_in(factories.user(UserRole.STAFF, duties=int(Duty.MEMBERS)))
    assert decide(browser, asked, "acceptation").status_code == 403
    assert BankDetails.get().approved_by_id is None


# ── The role that gives roles ────────────────────────────────────────────────────────────────────────────────────


def set_roles(browser, user, *duties, **how):
    return browser.post(f"{USERS}/{user.public_id}/roles", {"roles": [str(int(duty)) for duty in duties]}, **how)


def answer(browser, user, word, seen=None):
    """`seen`: what was asked when the page was opened; by default, now."""
    asked = seen or User.get_by_id(user.id).asked_duties
    words = {"accord": word, "roles": str(asked)}
    return browser.post(f"{USERS}/{user.public_id}/roles/decision", words, follow_redirects=True)


def test_the_role_that_gives_roles_takes_a_second_person_and_the_others_do_not(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    page = set_roles(first, member, Duty.AUDIT, Duty.USERS, follow_redirects=True).get_data(as_text=True)
    assert "Une partie de ces rôles attend" in page
    assert "Les autres changements valent" in page
    assert User.get_by_id(member.id).duties == int(Duty.AUDIT)
    assert "une autre personne doit la confirmer" in answer(first, member, "oui").get_data(as_text=True)
    assert "Tissot" in second.get(f"{USERS}/{member.public_id}").get_data(as_text=True)
    assert User.get_by_id(member.id).duties == int(Duty.AUDIT)
    answer(second, member, "oui")
    row = User.get_by_id(member.id)
    assert (row.duties, row.asked_duties) == (int(Duty.AUDIT | Duty.USERS), None)
    assert "déjà fait" in answer(second, member, "oui").get_data(as_text=True)


def test_who_proposes_is_offered_to_put_it_aside_and_not_to_confirm(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    page = set_roles(first, member, Duty.USERS, follow_redirects=True).get_data(as_text=True)
    assert "Ces rôles attendent l’accord d’une seconde personne" in page
    assert ("déjà fait" in page, "valent dès" in page) == (False, False)
    where = f"{USERS}/{member.public_id}"
    offered = {
        word: [f'value="{word}"' in one.get(where).get_data(as_text=True) for one in colleagues]
        for word in ("oui", "non")
    }
    assert offered == {"oui": [False, True], "non": [True, True]}


def test_a_proposal_can_be_put_aside(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, *Duty)
    answer(second, member, "non")
    row = User.get_by_id(member.id)
    assert (row.duties, row.asked_duties) == (staff_roles.ALL & ~int(Duty.USERS | Duty.MONEY), None)
    assert AuditEvent.select().where(AuditEvent.action == "user.duties_refused").count() == 1


def test_roles_that_are_sent_again_withdraw_what_waits_and_say_so(colleagues):
    first, _ = colleagues
    member = factories.user(UserRole.STAFF, duties=int(Duty.AUDIT))
    set_roles(first, member, Duty.AUDIT, Duty.USERS)
    page = set_roles(first, member, Duty.AUDIT, follow_redirects=True).get_data(as_text=True)
    assert "Ceux qui attendaient une seconde personne ne sont plus demandés" in page
    assert User.get_by_id(member.id).asked_duties is None
    event = AuditEvent.select().where(AuditEvent.action == "user.duties").order_by(AuditEvent.number.desc()).first()
    assert (event.before["asked"], event.after["asked"]) == (int(Duty.AUDIT | Duty.USERS), None)
    assert "déjà fait" in set_roles(first, member, Duty.AUDIT, follow_redirects=True).get_data(as_text=True)
    assert AuditEvent.select().where(AuditEvent.action == "user.duties").count() == 2


def test_a_proposal_of_long_ago_lapses_says_so_and_is_purged(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, Duty.USERS)
    page = second.get(f"{USERS}/{member.public_id}").get_data(as_text=True)
    assert f"{clock.today() + datetime.timedelta(days=7):%d/%m/%Y}" in page and "cette proposition tombe" in page
    User.update(duties_asked_at=clock.now() - datetime.timedelta(days=7)).where(User.id == member.id).execute()
    assert "À confirmer par une seconde" not in second.get(f"{USERS}/{member.public_id}").get_data(as_text=True)
    answer(second, member, "oui")
    assert User.get_by_id(member.id).duties == 0
    assert users.forget_proposals(clock.now()) == 1
    row = User.get_by_id(member.id)
    assert (row.asked_duties, row.duties_asked_by, row.duties_asked_at) == (None, None, None)
    set_roles(first, member, Duty.USERS)
    assert users.forget_proposals(clock.now() + datetime.timedelta(days=6)) == 0
    answer(second, member, "oui")
    assert User.get_by_id(member.id).duties == int(Duty.USERS)


def test_what_lapsed_says_so_to_both_and_who_asked_is_told(colleagues, lost):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, Duty.USERS)
    propose(first, lost)
    long_ago = clock.now() - datetime.timedelta(days=7)
    User.update(duties_asked_at=long_ago).where(User.id == member.id).execute()
    User.update(factor_asked_at=long_ago).where(User.id == lost.id).execute()
    for one in colleagues:
        for about, words in ((member, "Utilisateurs"), (lost, "remettre à zéro la double")):
            page = plain(one.get(f"{USERS}/{about.public_id}"))
            assert "Proposition tombée. " in page and f"Tissot proposait : {words}" in page
            assert 'name="accord"' not in one.get(f"{USERS}/{about.public_id}").get_data(as_text=True)
    for word in ("oui", "non"):
        assert "Cette proposition est tombée" in answer(second, member, word).get_data(as_text=True)
    assert users.forget_proposals(clock.now()) == 2
    assert letters(first.own) == ["Votre proposition est tombée, faute d’accord"] * 2
    told = AuditEvent.select().where(AuditEvent.action.endswith("_lapsed")).order_by(AuditEvent.number)
    assert [(one.action, one.user_role) for one in told] == [
        ("user.duties_lapsed", "worker"),
        ("factor.reset_lapsed", "worker"),
    ]
    assert "Proposition tombée" not in plain(first.get(f"{USERS}/{lost.public_id}"))
    assert users.forget_proposals(clock.now()) == 0


@pytest.mark.parametrize("what", ["closed", "no role"])
def test_who_lost_their_own_power_while_they_waited_decides_nothing(colleagues, lost, app, what):
    """Their request was let in a moment before another one took their access, or their role."""
    first, late = colleagues[0].own, manager(app).own
    factors_owner = User.get_by_id(lost.id)
    assert users.reset_factor(factors_owner, first, clock.now(), 2)
    gone = {"disabled_at": clock.now()} if what == "closed" else {"duties": 0}
    User.update(gone).where(User.id == late.id).execute()
    for act in (
        lambda: users.decide_factor(lost, True, late, clock.now(), asked_of(lost)),
        lambda: users.reset_factor(lost, late, clock.now(), 1),
        lambda: users.close(lost, late, clock.now()),
    ):
        with pytest.raises(Refused, match="ne gérez plus"):
            act()
    assert has_factor(lost) and User.get_by_id(lost.id).is_active


def test_an_invitation_gives_it_no_sooner(colleagues):
    first, second = colleagues
    given = {"prenom": "Zoé", "nom": "Lamy", "courriel": "zoe@example.com", "roles": [str(int(Duty.USERS))]}
    first.post(f"{USERS}/nouveau", given)
    made = User.get(User.last_name == "Lamy")
    assert made.duties == 0
    answer(second, made, "oui")
    assert User.get_by_id(made.id).duties == int(Duty.USERS)


def test_whom_it_is_about_does_not_agree_to_it(app, colleagues):
    first, _ = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, Duty.USERS)
    theirs = app.test_client()
    theirs.sign_in(member)
    assert answer(theirs, member, "oui").status_code == 403
    assert User.get_by_id(member.id).duties == 0


def manager(app, duties=int(Duty.USERS)):
    """A member of the staff who manages accesses, and is no administrator."""
    browser = app.test_client()
    browser.own = factories.user(UserRole.STAFF, duties=duties)
    browser.sign_in(browser.own)
    return browser


def test_one_person_does_not_make_the_two_who_agree_to_a_bank_account(app, database):
    """Who gives roles gives at once neither that of money, nor any that they have not."""
    alone = manager(app)
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(alone, member, Duty.MEMBERS, Duty.MONEY, Duty.AUDIT)
    assert User.get_by_id(member.id).duties == 0
    given = {"prenom": "Zoé", "nom": "Lamy", "courriel": "zoe@example.com", "roles": [str(int(Duty.MONEY))]}
    alone.post(f"{USERS}/nouveau", given)
    assert User.get(User.last_name == "Lamy").duties == 0


@pytest.mark.parametrize("what", ["fermeture", "reouverture", "lien", "sessions", "double-authentification"])
def test_an_administrator_s_access_is_another_administrator_s_to_change(app, colleagues, what):
    admin = colleagues[0].own
    factories.second_factor(admin)
    before = AuditEvent.select().count()
    alone = manager(app)
    page = alone.post(f"{USERS}/{admin.public_id}/{what}", follow_redirects=True).get_data(as_text=True)
    assert "Seul un administrateur" in page
    assert User.get_by_id(admin.id).is_active
    assert SecondFactor.of(admin).exists()
    assert UserSession.select().where(UserSession.user == admin, UserSession.ended_at.is_null()).exists()
    assert not OneTimeLink.select().exists()
    acts = AuditEvent.select().where(AuditEvent.number > before, AuditEvent.action.startswith("user."))
    assert not acts.exists()


def test_what_is_agreed_to_is_what_was_on_the_screen(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, Duty.USERS)
    set_roles(first, member, *Duty)
    page = answer(second, member, "oui", seen=int(Duty.USERS)).get_data(as_text=True)
    assert "a changé" in page
    assert not User.get_by_id(member.id).duties & staff_roles.BY_TWO


def test_what_somebody_asked_who_manages_no_more_is_not_agreed_to(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=0)
    set_roles(first, member, Duty.USERS)
    User.update(disabled_at=clock.now()).where(User.id == first.own.id).execute()
    assert "a changé" in answer(second, member, "oui").get_data(as_text=True)
    assert User.get_by_id(member.id).duties == 0


def test_an_access_that_is_opened_again_has_not_its_powers_at_once(colleagues):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, duties=staff_roles.ALL)
    first.post(f"{USERS}/{member.public_id}/fermeture")
    first.post(f"{USERS}/{member.public_id}/reouverture")
    row = User.get_by_id(member.id)
    assert (row.duties, row.asked_duties) == (staff_roles.ALL & ~staff_roles.BY_TWO, staff_roles.ALL)
    answer(second, member, "oui")
    assert User.get_by_id(member.id).duties == staff_roles.ALL


# ── A second factor that was lost ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def lost(hr):
    """Whose telephone is gone, as they say."""
    hr.key = factories.second_factor(hr)[1]
    return hr


def propose(browser, user):
    where = f"{USERS}/{user.public_id}/double-authentification"
    return browser.post(where, follow_redirects=True).get_data(as_text=True)


def asked_of(user):
    return User.get_by_id(user.id).factor_asked_at


def agree(browser, user, word="oui", seen=None):
    at = seen or asked_of(user)
    words = {"accord": word, "demande": at.isoformat() if at else ""}
    where = f"{USERS}/{user.public_id}/double-authentification/decision"
    return browser.post(where, words, follow_redirects=True)


def offered(browser, user):
    page = browser.get(f"{USERS}/{user.public_id}").get_data(as_text=True)
    return ["Remettre à zéro" in page, 'value="oui"' in page, 'value="non"' in page]


def has_factor(user):
    return SecondFactor.of(user).exists()


def letters(user):
    rows = OutboxMessage.select().where(OutboxMessage.user == user.id).order_by(OutboxMessage.id)
    return [row.subject for row in rows]


def test_a_second_factor_goes_once_a_second_person_agrees_and_its_owner_is_told_twice(app, colleagues, lost):
    first, second = colleagues
    theirs = app.test_client()
    theirs.sign_in(lost)
    assert offered(second, lost) == [True, False, False]
    assert "attend l’accord d’une seconde personne" in propose(first, lost)
    assert [offered(one, lost) for one in colleagues] == [[False, False, True], [False, True, True]]
    assert has_factor(lost)
    assert letters(lost) == ["Le retrait de votre double authentification est demandé"]
    assert UserSession.select().where(UserSession.user == lost, UserSession.ended_at.is_null()).exists()
    assert "Tissot" in second.get(f"{USERS}/{lost.public_id}").get_data(as_text=True)
    assert "remise à zéro" in agree(second, lost).get_data(as_text=True)
    assert (has_factor(lost), asked_of(lost)) == (False, None)
    assert not UserSession.select().where(UserSession.user == lost, UserSession.ended_at.is_null()).exists()
    assert letters(lost)[1:] == ["Une double authentification est retirée"]
    actions = AuditEvent.select().where(AuditEvent.action.startswith("factor.reset")).order_by(AuditEvent.number)
    assert [(one.action, one.user_id) for one in actions] == [
        ("factor.reset_asked", first.own.id),
        ("factor.reset", second.own.id),
    ]


def test_who_proposed_that_it_goes_agrees_to_nothing_however_often_they_ask(colleagues, lost):
    first, second = colleagues
    propose(first, lost)
    assert "une autre personne doit la confirmer" in agree(first, lost).get_data(as_text=True)
    at = asked_of(lost)
    assert "C’est déjà demandé" in propose(first, lost)
    assert "C’est déjà demandé" in propose(second, lost)
    assert (has_factor(lost), asked_of(lost)) == (True, at)


def test_it_stays_when_the_second_or_the_first_thinks_better_of_it(colleagues, lost):
    first, second = colleagues
    for one in (second, first):
        propose(first, lost)
        assert "La proposition est écartée" in agree(one, lost, "non").get_data(as_text=True)
        assert (has_factor(lost), asked_of(lost)) == (True, None)
        assert "déjà fait" in agree(second, lost).get_data(as_text=True)
    assert has_factor(lost)
    assert AuditEvent.select().where(AuditEvent.action == "factor.reset_refused").count() == 2


def test_neither_its_owner_nor_a_member_without_the_role_agrees(app, colleagues, lost):
    first, own = colleagues
    owner, other = app.test_client(), manager(app, int(Duty.MEMBERS))
    owner.sign_in(lost)
    owner.post("/connexion/code", {"code": factories.code_of(lost.key)})
    propose(first, lost)
    assert [agree(one, lost).status_code for one in (owner, other)] == [403, 403]
    admin = own.own
    factories.second_factor(admin)
    propose(first, admin)
    assert "Seul un administrateur" in agree(manager(app), admin).get_data(as_text=True)
    assert "propre accès" in agree(own, admin).get_data(as_text=True)
    assert has_factor(lost) and has_factor(admin)


@pytest.mark.parametrize("what", ["closed", "no role", "gone"])
def test_what_was_proposed_by_somebody_who_manages_no_more_falls(app, colleagues, lost, what):
    """Whether the desk says it, or a command, or a row that goes."""
    second, asker = colleagues[1], manager(app)
    member = factories.user(UserRole.STAFF, duties=0)
    propose(asker, lost)
    set_roles(asker, member, Duty.USERS)
    seen = asked_of(lost)
    assert seen and User.get_by_id(member.id).asked_duties
    if what == "gone":
        User.update(factor_asked_by=None, duties_asked_by=None).execute()
        assert "a changé" in agree(second, lost).get_data(as_text=True)
    else:
        post = set_roles if what == "no role" else lambda one, user: one.post(f"{USERS}/{user.public_id}/fermeture")
        post(second, asker.own)
        row = User.get_by_id(member.id)
        assert (asked_of(lost), row.asked_duties, row.duties_asked_by_id) == (None, None, None)
        agree(second, lost, seen=seen)
    assert has_factor(lost)


def test_what_was_proposed_about_an_access_falls_when_it_is_closed(colleagues, lost):
    first, second = colleagues
    propose(first, lost)
    seen = asked_of(lost)
    second.post(f"{USERS}/{lost.public_id}/fermeture")
    second.post(f"{USERS}/{lost.public_id}/reouverture")
    assert "déjà fait" in agree(second, lost, seen=seen).get_data(as_text=True)
    assert has_factor(lost)


def test_who_shows_theirs_has_not_lost_it(app, colleagues, lost):
    first, second = colleagues
    app.settings = dataclasses.replace(app.settings, second_factor="always")
    propose(first, lost)
    seen = asked_of(lost)
    owner = app.test_client()
    owner.sign_in(lost)
    assert asked_of(lost) == seen  # a password alone is half of a sign-in
    assert owner.post("/connexion/code", {"code": factories.code_of(lost.key)}).status_code == 303
    assert asked_of(lost) is None
    agree(second, lost, seen=seen)
    assert has_factor(lost)


def test_a_lapsed_or_another_proposal_is_not_agreed_to(colleagues, lost):
    first, second = colleagues
    propose(first, lost)
    of_long_ago = clock.now() - datetime.timedelta(days=7)
    User.update(factor_asked_at=of_long_ago).where(User.id == lost.id).execute()
    assert offered(second, lost) == [True, False, False]
    for word in ("oui", "non"):
        assert "Cette proposition est tombée" in agree(second, lost, word).get_data(as_text=True)
    assert "attend l’accord" in propose(first, lost)  # as if there had been none
    assert "a changé" in agree(second, lost, seen=of_long_ago).get_data(as_text=True)
    agree(second, lost, "non")
    propose(first, lost)
    User.update(factor_asked_at=of_long_ago).where(User.id == lost.id).execute()
    assert users.forget_proposals(clock.now()) == 1
    assert (asked_of(lost), User.get_by_id(lost.id).factor_asked_by_id) == (None, None)
    assert has_factor(lost)


@pytest.mark.parametrize("words", ["", "demain", "2026-13-45", "2026-11-28T10:00:00+00:00"])
def test_words_that_are_no_instant_agree_to_nothing(colleagues, lost, words):
    first, second = colleagues
    propose(first, lost)
    where = f"{USERS}/{lost.public_id}/double-authentification/decision"
    answer = second.post(where, {"accord": "oui", "demande": words}, follow_redirects=True)
    assert "a changé" in answer.get_data(as_text=True)
    assert has_factor(lost)


def test_the_desk_says_that_accesses_wait_and_the_list_shows_which(colleagues, lost):
    first, second = colleagues
    member = factories.user(UserRole.STAFF, last_name="Lamy", duties=0)
    propose(first, lost)
    set_roles(first, member, Duty.USERS)
    propose(first, factories.user(UserRole.STAFF, last_name="Sansfacteur"))
    assert "Accès à confirmer Proposés par une personne, à une seconde 2" in plain(second.get("/gestion"))
    page = plain(second.get(f"{USERS}?etat=a-confirmer"))
    assert lost.full_name in page and "Lamy" in page and "Sansfacteur" not in page
    old = clock.now() - datetime.timedelta(days=7)
    User.update(duties_asked_at=old).where(User.id == member.id).execute()
    assert "Lamy" not in plain(second.get(f"{USERS}?etat=a-confirmer"))
