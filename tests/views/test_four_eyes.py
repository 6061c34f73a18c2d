"""Two people agree to a company's bank account, and to the role that gives roles: neither of them alone, nor twice."""

import dataclasses
import datetime

import pytest

from portal import clock
from portal.models import (
    AuditEvent,
    BankDetails,
    OneTimeLink,
    SecondFactor,
    Sending,
    SendingState,
    User,
    UserRole,
    UserSession,
)
from portal.rules import staff_roles
from portal.rules.staff_roles import Duty
from tests import factories
from tests.views.test_sendings import decide, rib, take

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
    assert "une autre personne doit les confirmer" in answer(first, member, "oui").get_data(as_text=True)
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
    assert User.forget_proposals(clock.now()) == 1
    row = User.get_by_id(member.id)
    assert (row.asked_duties, row.duties_asked_by, row.duties_asked_at) == (None, None, None)
    set_roles(first, member, Duty.USERS)
    assert User.forget_proposals(clock.now() + datetime.timedelta(days=6)) == 0
    answer(second, member, "oui")
    assert User.get_by_id(member.id).duties == int(Duty.USERS)


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
