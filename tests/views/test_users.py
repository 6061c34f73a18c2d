"""The roles of the staff, door by door; who signs in: found, invited, given roles, closed and opened again."""

import re

import pytest

from portal import clock, factors, users
from portal.models import AuditEvent, OneTimeLink, OutboxMessage, SecondFactor, User, UserRole, UserSession, db
from portal.rules import Refused, staff_roles
from portal.rules.staff_roles import Duty
from tests import factories
from tests.test_tenancy import WORDS

PATH = "/gestion/utilisateurs"
NOBODY = "00000000-0000-4000-8000-000000000000"

# Room of the desk, or one of its pages → the duty that opens it; none: all of the staff. Said apart from the code.
ROOMS = {
    "staff_viewing": None,
    **dict.fromkeys(("desk", "staff_search", "staff_dossiers", "staff_figures"), None),
    **dict.fromkeys(
        ("staff_threads", "staff_answering", "staff_handling", "register", "prepared_answers"), Duty.EXCHANGES
    ),
    "staff_messages": Duty.EXCHANGES,
    **dict.fromkeys(("staff_proofs", "staff_deciding", "staff_sendings", "staff_campaigns"), Duty.MEMBERS),
    "staff_settling": Duty.MEMBERS,
    **dict.fromkeys(("staff_debits", "staff_arrears"), Duty.MONEY),
    **dict.fromkeys(("staff_registrations", "staff_admitting"), Duty.REGISTRATIONS),
    **dict.fromkeys(("staff_publications", "staff_publication", "staff_notices"), Duty.PUBLISHING),
    **dict.fromkeys(("staff_loads", "staff_hand_overs"), Duty.LOADS),
    **dict.fromkeys(("configuration", "wording", "guarantees"), Duty.CONFIGURE),
    **dict.fromkeys(("staff_users", "staff_accesses", "staff_agreeing", "staff_viewing.start"), Duty.USERS),
    **dict.fromkeys(("staff_dossiers.reveal", "staff_dossiers.reveal_iban"), Duty.MEMBERS | Duty.MONEY),
    **dict.fromkeys(("staff_dossiers.ask_export", "staff_dossiers.export"), Duty.AUDIT),
    **dict.fromkeys(("staff_trail", "staff_seen"), Duty.AUDIT),
}


@pytest.fixture
def admin(client):
    made = factories.user(UserRole.ADMIN, last_name="Tissot")
    client.sign_in(made)
    client.own = made
    return client


def member(duties=int(Duty.EXCHANGES), **values):
    return factories.user(UserRole.STAFF, duties=duties, **values)


def addresses(app):
    """(endpoint, method, address) of the desk."""
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/gestion"):
            continue
        words = {name: found[0] for name, found in WORDS.items()} | {"id": NOBODY}
        with app.test_request_context():
            path = rule.build({name: words[name] for name in rule.arguments})[1]
        for method in sorted(rule.methods & {"GET", "POST"}):
            yield rule.endpoint, method, path


@pytest.mark.parametrize("held", [0, *Duty, staff_roles.ALL], ids=str)
def test_a_role_opens_its_rooms_and_no_other_by_any_method(app, client, held, figure):
    client.sign_in(member(int(held)))
    token, seen = client.token(), 0
    for endpoint, method, path in addresses(app):
        data = {"csrf_token": token} if method == "POST" else None
        with client.open(path, method=method, data=data) as answer:
            status = answer.status_code
        duty = ROOMS.get(endpoint, ROOMS.get(endpoint.partition(".")[0]))
        assert endpoint.partition(".")[0] in ROOMS, f"{endpoint}: which role opens it?"
        if duty is None or held & duty:
            assert status != 403, f"{method} {path}"
        else:
            assert status == 403, f"{method} {path}: {status}"
        seen += 1
    assert seen > 100
    figure("ACC-2", seen, "cells of role, route and method")


def test_a_page_that_is_not_of_their_role_says_which_one_it_takes(client):
    client.sign_in(member())
    page = client.get("/gestion/journal").get_data(as_text=True)
    assert "Contrôle" in page
    assert "administrateur de la mutuelle" in page


def test_the_menu_and_the_desk_show_what_opens(client):
    client.sign_in(member(int(Duty.MONEY)))
    page = client.get("/gestion").get_data(as_text=True)
    assert 'href="/gestion/prelevements"' in page
    assert 'href="/gestion/demandes"' not in page
    assert 'href="/gestion/utilisateurs"' not in page


def test_what_companies_do_takes_a_role_too(client, hr):
    client.sign_in(member(int(Duty.AUDIT)))
    person = hr.beneficiaries().first()
    assert client.get(f"/salaries/{person.public_id}").status_code == 200
    assert client.get(f"/salaries/{person.public_id}/radiation").status_code == 403
    assert client.post(f"/salaries/{person.public_id}/afficher/nir").status_code in (403, 404)
    assert client.get("/cotisations").status_code == 403


def test_new_roles_hold_from_the_very_next_page(app, admin):
    other = member()
    theirs = app.test_client()
    theirs.sign_in(other)
    assert theirs.get("/gestion/demandes").status_code == 200
    assert theirs.get("/gestion/prelevements").status_code == 403
    admin.post(f"{PATH}/{other.public_id}/roles", {"roles": [str(int(Duty.MONEY))]})
    assert theirs.get("/gestion/demandes").status_code == 403
    assert theirs.get("/gestion/prelevements").status_code == 200
    event = AuditEvent.get(AuditEvent.action == "user.duties")
    assert (event.before, event.after) == (
        {"duties": int(Duty.EXCHANGES)},
        {"duties": int(Duty.MONEY), "asked": None},
    )


def test_unknown_roles_are_none(admin):
    other = member()
    admin.post(f"{PATH}/{other.public_id}/roles", {"roles": ["4096", "x", "-1"]})
    assert User.get_by_id(other.id).duties == 0


# ── Invited, closed, opened again ────────────────────────────────────────────────────────────────────────────────


def invited(client, **changes):
    given = {"prenom": "Zoé", "nom": "Perrin", "courriel": "Zoe.Perrin@example.com", "roles": [str(int(Duty.MEMBERS))]}
    return client.post(f"{PATH}/nouveau", given | changes)


def test_a_member_of_the_staff_is_invited_by_a_link_and_has_those_roles_alone(admin):
    assert invited(admin).status_code == 303
    made = User.get(User.identifier == "zoe.perrin@example.com")
    assert (made.role, made.duties, made.has_password) == (UserRole.STAFF, int(Duty.MEMBERS), False)
    assert OneTimeLink.select().where(OneTimeLink.user == made).count() == 1
    assert OutboxMessage.select().where(OutboxMessage.user == made).count() == 1
    assert "Invitation envoyée" in admin.get(f"{PATH}?etat=invites").get_data(as_text=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prenom": ""}, "Indiquez le prénom"),
        ({"courriel": "perrin"}, "courriel"),
        ({"courriel": ""}, "Indiquez le courriel"),
        ({"roles": []}, "au moins un rôle"),
    ],
)
def test_a_wrong_invitation_is_said_and_nothing_is_made(admin, changes, said):
    answer = invited(admin, **changes)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert not User.select().where(User.last_name == "Perrin").exists()


def test_an_address_that_is_taken_is_said(admin):
    factories.user(identifier="zoe.perrin@example.com")
    answer = invited(admin)
    assert answer.status_code == 422
    assert "déjà pris" in answer.get_data(as_text=True)


def test_a_closed_access_ends_at_once_and_can_be_opened_again(app, admin):
    other = member()
    theirs = app.test_client()
    theirs.sign_in(other)
    assert admin.post(f"{PATH}/{other.public_id}/fermeture").status_code == 303
    assert theirs.get("/gestion").status_code == 302 or theirs.get("/gestion").status_code == 303
    assert not UserSession.select().where(UserSession.user == other, UserSession.ended_at.is_null()).exists()
    assert "Fermé" in admin.get(f"{PATH}?etat=fermes").get_data(as_text=True)
    admin.post(f"{PATH}/{other.public_id}/reouverture")
    app.test_client().sign_in(other)


def test_nobody_changes_their_own_access_and_the_last_one_stays(admin):
    for what in ("fermeture", "roles", "double-authentification"):
        page = admin.post(f"{PATH}/{admin.own.public_id}/{what}", follow_redirects=True).get_data(as_text=True)
        assert "propre accès" in page
    assert User.get_by_id(admin.own.id).is_active
    other = member(int(Duty.USERS))
    with pytest.raises(Refused, match="ne gérez plus"), db.atomic():  # the other was a moment before them
        User.update(disabled_at=clock.now()).where(User.id == admin.own.id).execute()
        users.close(other, admin.own, clock.now())
    assert User.get_by_id(other.id).is_active
    with pytest.raises(Refused, match="dernier"), db.atomic():
        User.update(disabled_at=clock.now()).execute()
        users.keep_one()
    assert User.get_by_id(other.id).is_active


def test_a_link_goes_to_the_address_of_the_access_and_not_to_a_closed_one(admin):
    other = member()
    admin.post(f"{PATH}/{other.public_id}/lien")
    assert OneTimeLink.select().where(OneTimeLink.user == other).count() == 1
    users.close(other, admin.own, clock.now())
    page = admin.post(f"{PATH}/{other.public_id}/lien", follow_redirects=True).get_data(as_text=True)
    assert "rouvrez-le" in page
    assert OneTimeLink.select().where(OneTimeLink.user == other).count() == 1


def test_sessions_are_ended_and_a_lost_factor_is_reset(app, admin):
    other = member()
    app.test_client().sign_in(other)
    admin.post(f"{PATH}/{other.public_id}/sessions")
    assert not UserSession.select().where(UserSession.user == other, UserSession.ended_at.is_null()).exists()
    factories.second_factor(other)
    assert "Remettre à zéro" in admin.get(f"{PATH}/{other.public_id}").get_data(as_text=True)
    admin.post(f"{PATH}/{other.public_id}/double-authentification")
    assert not SecondFactor.of(other).exists()
    assert factors.is_mandatory("always")


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["remond", "Rémond", "élodie rem", "elodie@exemple.fr"])
def test_somebody_is_found_without_accents_by_name_or_address(admin, typed):
    factories.user(first_name="Élodie", last_name="Rémond", identifier="elodie@exemple.fr")
    page = admin.get(PATH, query_string={"q": typed}).get_data(as_text=True)
    assert "Élodie Rémond" in page
    assert "Tissot" not in re.sub(r"<header.*?</header>|ui-print-only.*?</p>", "", page, flags=re.DOTALL)


def test_profiles_and_states_narrow_the_list(admin):
    factories.user(last_name="Company", role=UserRole.COMPANY)
    factories.user(last_name="Brokerfirm", role=UserRole.BROKER)
    page = admin.get(f"{PATH}?profil=broker").get_data(as_text=True)
    assert "Brokerfirm" in page
    assert "Company" not in page
    assert admin.get(f"{PATH}?profil=nonsense&etat=nonsense").status_code == 200


def test_a_nir_does_not_stay_in_the_address(admin):
    assert admin.get(f"{PATH}?q=294063947803145").location == PATH


def test_the_list_asks_no_more_for_many(admin, queries):
    def asked():
        queries.clear()
        assert admin.get(PATH).status_code == 200
        return len(queries)

    few = asked()
    for _ in range(20):
        member()
    assert asked() == few


def test_a_company_user_shows_what_they_were_given(admin, hr):
    page = admin.get(f"{PATH}/{hr.public_id}").get_data(as_text=True)
    assert "Ses habilitations" in page
    assert "Ses rôles" not in page
    assert admin.post(f"{PATH}/{hr.public_id}/roles", {"roles": ["1"]}).status_code == 303
    assert User.get_by_id(hr.id).duties == 0
