"""« Habilitations »: given, changed, taken back, confirmed each year; never more than one has, never nobody left."""

import datetime
import re

import pytest

from portal import clock, credentials, grants
from portal.models import (
    AuditEvent,
    BankDetails,
    Company,
    MessageKind,
    OneTimeLink,
    OutboxMessage,
    PermissionGrant,
    User,
    UserRole,
)
from portal.rules.rights import ALL, Action
from tests import factories
from tests.views.test_terminations import plain

HOME = "/habilitations"
YEAR = datetime.timedelta(days=366)
DAY = datetime.timedelta(days=1)


def typed(**boxes):
    given = {"courriel": "Comptable@Example.com", "prenom": "Aude", "nom": "Sirugue", "profil": "company"}
    given |= {"lieu": "tout", "droits": ["8", "16"], "du": f"{clock.today():%d/%m/%Y}", "au": ""}
    return given | boxes


def give(client, **boxes):
    return client.post(f"{HOME}/nouvelle", typed(**boxes))


def own(user):
    return PermissionGrant.get(PermissionGrant.user == user)


def test_somebody_new_is_invited_and_sees_what_was_given_alone(client, hr, signed_in):
    assert give(signed_in).status_code == 303
    invited = User.get(User.identifier == "comptable@example.com")
    assert (invited.full_name, invited.role, invited.has_password) == ("Aude Sirugue", UserRole.COMPANY, False)
    letter = OutboxMessage.get(OutboxMessage.user == invited)
    assert (letter.kind, letter.subject.startswith("Vous êtes invité")) == (MessageKind.SECURITY, True)
    assert OneTimeLink.get(OneTimeLink.user == invited).expires_at > clock.now() + 6 * DAY
    assert "Invitation envoyée" in plain(signed_in.get(HOME))
    page = plain(client.get(re.search(r"/mot-de-passe/\S+", letter.unseal()["text"])[0]))
    assert "Bienvenue. Il ouvrira votre accès, avec votre identifiant : comptable@example.com" in page
    assert "sessions ouvertes" not in page
    assert AuditEvent.get(AuditEvent.action == "grant.give").after["actions"] == 1 | 8 | 16

    invited.change_password(credentials.hash_password(factories.PASSWORD), clock.now())
    client.sign_in(invited)
    assert client.get("/salaries").status_code == client.get("/cotisations").status_code == 200
    assert client.get("/demandes").status_code == client.get(HOME).status_code == 403
    assert "Radier" not in plain(client.get(f"/salaries/{hr.beneficiaries().first().public_id}"))


def test_what_is_sent_names_the_company_and_not_who_gave_it(signed_in, hr):
    account = hr.accounts().first()
    company = Company.get(Company.account == account)
    known = factories.user(identifier="connue@example.com")
    give(signed_in)
    give(signed_in, courriel=known.identifier, lieu=company.code)
    invited = User.get(User.identifier == "comptable@example.com")
    for user, name, others in ((invited, account.name, company.label), (known, company.label, account.name)):
        said = OutboxMessage.get(OutboxMessage.user == user).unseal()["text"]
        assert name in said and others not in said and hr.last_name not in said


def test_somebody_known_is_told_and_keeps_their_profile_and_name(signed_in, hr):
    known = factories.user(role=UserRole.BROKER, identifier="comptable@example.com", first_name="Vrai", last_name="Nom")
    give(signed_in)
    assert User.get_by_id(known.id).role == UserRole.BROKER
    assert own(known).actions == 1 | 8 | 16
    assert OutboxMessage.get(OutboxMessage.user == known).subject == "Une habilitation vous est donnée"
    page = plain(signed_in.get(HOME))
    assert "Aude Sirugue" in page and "Vrai" not in page  # an address typed at random tells nobody's name


def test_the_answer_is_the_same_whether_or_not_the_address_is_known(signed_in, hr):
    factories.user(identifier="connu@example.com")
    said = [plain(give_and_follow(signed_in, courriel=one)) for one in ("connu@example.com", "inconnu@example.com")]
    assert all("L’habilitation d’Aude Sirugue est enregistrée" in page for page in said)


def give_and_follow(client, **boxes):
    return client.post(f"{HOME}/nouvelle", typed(**boxes), follow_redirects=True)


def test_sent_twice_it_is_given_once(signed_in, hr):
    key = {"form_key": "5b1d1f0c-8a5e-4a6c-9d6b-0a4f1f5d7e11"}
    for _ in range(2):
        assert give(signed_in, **key).status_code == 303
    assert PermissionGrant.select().count() == 2
    assert OutboxMessage.select().count() == 1


@pytest.mark.parametrize(
    ("box", "value", "said"),
    [
        ("courriel", "pas une adresse", "adresse"),
        ("prenom", "", "Indiquez le prénom"),
        ("lieu", "ailleurs", "Choisissez le compte"),
        ("du", "31/02/2026", "31 février"),
        ("au", "01/01/2020", "Ce jour"),
    ],
)
def test_what_is_wrong_is_said_at_its_box_and_nothing_is_given(signed_in, hr, box, value, said):
    answer = give(signed_in, **{box: value})
    assert answer.status_code == 422
    assert said in plain(answer)
    assert PermissionGrant.select().count() == 1 and not OutboxMessage.select().exists()


def test_nobody_gives_more_than_they_have_nor_beyond_where_they_manage(client, hr):
    account = hr.accounts().first()
    company = Company.get(Company.account == account)
    narrow = factories.user()
    given = {"account": account, "company": company, "valid_from": "2020-01-01"}
    PermissionGrant.create(user=narrow, actions=Action.SEE | Action.MONEY | Action.MANAGE, **given)
    client.sign_in(narrow)
    assert "Tout le compte" not in plain(client.get(f"{HOME}/nouvelle"))
    assert give(client).status_code == 422
    more = give(client, lieu=company.code, droits=["8", "2"])
    assert more.status_code == 422
    assert "que vous avez vous-même" in plain(more)
    assert give(client, lieu=company.code, droits=["8", "64"]).status_code == 303
    page = plain(client.get(HOME))
    assert "Aude Sirugue" in page and hr.identifier not in page  # who holds the whole account is above
    assert client.get(f"{HOME}/{own(hr).public_id}").status_code == 404
    assert client.post(f"{HOME}/{own(hr).public_id}/retrait").status_code == 404


def test_a_change_keeps_what_its_giver_could_not_give(client, hr):
    account = hr.accounts().first()
    colleague, other = factories.user(accounts=[account]), factories.user()
    PermissionGrant.create(
        user=other, account=account, valid_from="2020-01-01", actions=Action.SEE | Action.MOVE | Action.MANAGE
    )
    client.sign_in(other)
    there = own(colleague)
    boxes = {"droits": ["2"], "du": "01/01/2020", "au": "", "version": there.version}
    assert client.post(f"{HOME}/{there.public_id}", boxes).status_code == 303
    kept = own(colleague).actions
    assert kept & Action.MONEY and kept & Action.MOVE and not kept & Action.MANAGE
    change = AuditEvent.get(AuditEvent.action == "grant.change")
    assert (change.before["actions"], change.after["actions"]) == (ALL, kept)


def test_one_s_own_grant_is_not_changed_and_the_last_administrator_stays(signed_in, hr):
    mine = own(hr)
    boxes = {"droits": ["2"], "du": "01/01/2020", "au": "", "version": mine.version}
    assert "votre propre habilitation" in plain(
        signed_in.post(f"{HOME}/{mine.public_id}", boxes, follow_redirects=True)
    )
    assert own(hr).actions == ALL
    assert "la dernière à gérer" in plain(signed_in.post(f"{HOME}/{mine.public_id}/retrait", follow_redirects=True))
    assert own(hr).valid_to is None
    factories.user(role=UserRole.BROKER, accounts=[mine.account])  # a broker does not count
    signed_in.post(f"{HOME}/{mine.public_id}/retrait")
    assert own(hr).valid_to is None


def test_an_administrator_may_go_when_another_stays(signed_in, hr):
    other = factories.user(accounts=[own(hr).account])
    signed_in.post(f"{HOME}/{own(other).public_id}/retrait")
    assert own(other).valid_to == clock.today() - DAY
    assert other.accounts().count() == 0
    assert "la dernière à gérer" in plain(signed_in.post(f"{HOME}/{own(hr).public_id}/retrait", follow_redirects=True))


def test_the_last_administrator_cannot_be_given_an_end(client, hr):
    manager = factories.user()
    account = own(hr).account
    temporary = PermissionGrant.create(
        user=manager, account=account, valid_from="2020-01-01", valid_to=clock.today() + DAY
    )
    client.sign_in(manager)
    boxes = {"droits": ["64"], "du": "01/01/2020", "au": f"{clock.today() + DAY:%d/%m/%Y}", "version": own(hr).version}
    answer = client.post(f"{HOME}/{own(hr).public_id}", boxes)
    assert answer.status_code == 422
    assert "la dernière à gérer" in plain(answer)
    assert temporary.valid_to and own(hr).valid_to is None


def test_two_who_change_at_once_are_warned(signed_in, hr):
    other = factories.user(accounts=[own(hr).account])
    boxes = {"droits": ["2"], "du": "01/01/2020", "au": "", "version": own(other).version}
    assert signed_in.post(f"{HOME}/{own(other).public_id}", boxes).status_code == 303
    again = signed_in.post(f"{HOME}/{own(other).public_id}", boxes)
    assert again.status_code == 409
    assert "entre-temps" in plain(again)


def test_an_invitation_is_sent_again_to_who_did_not_come(signed_in, hr):
    give(signed_in)
    there = PermissionGrant.get(PermissionGrant.name == "Aude Sirugue")
    signed_in.post(f"{HOME}/{there.public_id}/invitation")
    assert OutboxMessage.select().where(OutboxMessage.user == there.user).count() == 2


def test_a_list_is_found_by_name_address_and_state(signed_in, hr):
    give(signed_in)
    ended = factories.user(accounts=[own(hr).account], last_name="Ancienne")
    PermissionGrant.update(valid_to=clock.today() - DAY, **PermissionGrant.named(ended)).where(
        PermissionGrant.user == ended
    ).execute()
    assert "Aude Sirugue" in plain(signed_in.get(f"{HOME}?q=sirugue"))
    assert "Aude Sirugue" in plain(signed_in.get(f"{HOME}?q=comptable%40example"))
    assert "Aude Sirugue" not in plain(signed_in.get(f"{HOME}?etat=terminees"))
    assert "Ancienne" in plain(signed_in.get(f"{HOME}?etat=terminees"))
    assert "Ancienne" not in plain(signed_in.get(HOME))


def test_once_a_year_administrators_are_asked_and_confirm(signed_in, hr):
    assert grants.ask_again(clock.now()) == 0
    other = factories.user(accounts=[own(hr).account])
    PermissionGrant.update(confirmed_at=clock.now() - YEAR).where(PermissionGrant.user == other).execute()
    assert grants.ask_again(clock.now()) == 2  # both manage the rights of this account
    assert grants.ask_again(clock.now()) == 0  # asked already
    letter = OutboxMessage.get(OutboxMessage.user == hr)
    assert letter.subject.startswith("Encore habilités")
    page = signed_in.get(f"{HOME}?etat=confirmer")
    assert "Toujours habilités" in plain(page)
    signed_in.post(f"{HOME}/confirmation", {"habilitation": ["x", str(own(other).public_id)]})
    assert own(other).confirmed_at > clock.now() - DAY
    assert "Rien à confirmer" in plain(signed_in.get(f"{HOME}?etat=confirmer"))
    assert AuditEvent.select().where(AuditEvent.action == "grant.confirm").count() == 1


def test_foreign_grants_are_not_confirmed(signed_in, hr):
    other = factories.hr_user()
    PermissionGrant.update(confirmed_at=clock.now() - YEAR).where(PermissionGrant.user == other).execute()
    signed_in.post(f"{HOME}/confirmation", {"habilitation": [str(own(other).public_id)]})
    assert own(other).confirmed_at < clock.now() - DAY


def test_a_broker_s_rights_are_taken_back_by_the_company(signed_in, client, hr):
    broker = factories.user(role=UserRole.BROKER, accounts=[own(hr).account])
    assert "Courtier" in plain(signed_in.get(HOME))
    signed_in.post(f"{HOME}/{own(broker).public_id}/retrait")
    client.sign_in(broker)
    assert "Aucune donnée disponible" in plain(client.get("/salaries"))


def test_the_list_takes_few_statements(signed_in, hr, queries):
    for _ in range(5):
        factories.user(accounts=[own(hr).account])
    queries.clear()
    signed_in.get(HOME)
    assert len(queries) <= 6, queries


# ── No more than one has, nor longer ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def until_tomorrow(client, hr):
    """Somebody who manages rights until tomorrow, and has no other; signed in."""
    manager = factories.user()
    tomorrow = clock.today() + DAY
    given = {"account": own(hr).account, "valid_from": "2020-01-01", "valid_to": tomorrow}
    PermissionGrant.create(user=manager, actions=Action.SEE | Action.MANAGE, **given)
    client.sign_in(manager)
    return manager


def dated(day):
    return f"{day:%d/%m/%Y}"


def test_nobody_gives_rights_to_themselves(signed_in, hr):
    answer = give(signed_in, courriel=hr.identifier.upper())
    assert answer.status_code == 422
    assert "seule une autre personne" in plain(answer)
    assert PermissionGrant.select().count() == 1


def test_nobody_gives_for_longer_than_they_have(client, until_tomorrow):
    for end in ("", dated(clock.today() + 2 * DAY)):
        answer = give(client, droits=["64"], au=end)
        assert answer.status_code == 422
        assert "pas plus longtemps que vous" in plain(answer)
    assert give(client, droits=["64"], au=dated(clock.today() + DAY)).status_code == 303


def test_what_ended_is_not_brought_back(client, hr, until_tomorrow):
    gone = factories.user(accounts=[own(hr).account])
    PermissionGrant.update(valid_to=clock.today() - 30 * DAY).where(PermissionGrant.user == gone).execute()
    there = own(gone)
    for end in ("", dated(clock.today() + DAY)):
        boxes = {"droits": [], "du": "01/01/2020", "au": end, "version": there.version}
        assert client.post(f"{HOME}/{there.public_id}", boxes).status_code in (409, 422)
    assert own(gone).valid_to == clock.today() - 30 * DAY
    assert gone.accounts().count() == 0


def test_who_has_everything_does_not_stretch_what_ended_either(signed_in, hr):
    gone = factories.user(accounts=[own(hr).account])
    PermissionGrant.update(valid_to=clock.today() - DAY).where(PermissionGrant.user == gone).execute()
    boxes = {"droits": ["2"], "du": "01/01/2020", "au": "", "version": own(gone).version}
    assert signed_in.post(f"{HOME}/{own(gone).public_id}", boxes).status_code == 409
    assert gone.accounts().count() == 0


def test_what_its_giver_does_not_have_is_shortened_and_never_stretched(client, hr):
    account, other, manager = own(hr).account, factories.user(), factories.user()
    last = clock.today() + 30 * DAY
    PermissionGrant.create(user=other, account=account, valid_from="2026-01-01", valid_to=last)
    PermissionGrant.create(user=manager, account=account, valid_from="2020-01-01", actions=Action.SEE | Action.MANAGE)
    client.sign_in(manager)
    where = f"{HOME}/{own(other).public_id}"
    boxes = {"droits": [], "du": "01/01/2026", "version": own(other).version}
    for days in ({"au": ""}, {"au": dated(last + DAY)}, {"au": dated(last), "du": "01/12/2025"}):
        answer = client.post(where, boxes | days)
        assert answer.status_code == 422, days
        assert "pas l’allonger" in plain(answer)
    assert client.post(where, boxes | {"au": dated(last - DAY)}).status_code == 303
    assert (own(other).valid_to, own(other).actions) == (last - DAY, ALL & ~Action.MANAGE)


def test_who_never_came_does_not_count_as_the_one_who_stays(signed_in, hr):
    give(signed_in, droits=["2", "4", "8", "16", "32", "64"])
    signed_in.post(f"{HOME}/{own(hr).public_id}/retrait")
    assert own(hr).valid_to is None
    invited = User.get(User.identifier == "comptable@example.com")
    invited.change_password(credentials.hash_password(factories.PASSWORD), clock.now())
    signed_in.post(f"{HOME}/{own(hr).public_id}/retrait")
    assert own(hr).valid_to == clock.today() - DAY


@pytest.mark.parametrize("role", [UserRole.STAFF, UserRole.ADMIN, UserRole.HEALTH_PROFESSIONAL])
def test_who_is_no_companys_is_given_nothing(signed_in, hr, role):
    somebody = factories.user(role=role)
    answer = give(signed_in, courriel=somebody.identifier)
    assert answer.status_code == 422
    assert "ne peut pas recevoir d’habilitation" in plain(answer)
    assert not PermissionGrant.select().where(PermissionGrant.user == somebody).exists()


def test_to_see_is_not_to_reveal_the_account_of_a_company_nor_to_take_its_registers(client, hr):
    category = hr.categories().first()
    factories.waiver(category)
    details = BankDetails(company=category.company_id, holder="x", since=clock.now())
    details.seal("FR7630006000011234567890189")
    details.save(force_insert=True)
    narrow = factories.user()
    PermissionGrant.create(user=narrow, account=own(hr).account, valid_from="2020-01-01", actions=Action.SEE)
    client.sign_in(narrow)
    assert client.post(f"/documents/entreprises/{details.public_id}/iban").status_code == 404
    for path in ("/dispenses", "/justificatifs"):
        file = client.post(f"{path}/telechargement", {"format": "csv"})
        assert len(file.get_data(as_text=True).splitlines()) <= 1, path
