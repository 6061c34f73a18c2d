"""« Habilitations »: what a company lets a colleague, an accountant or a broker do; given, changed, taken back."""

import datetime
from functools import reduce
from operator import or_

from portal import clock, outbox, reach
from portal.models import (
    ManagedAccount,
    MessageKind,
    OneTimeLink,
    Outdated,
    PermissionGrant,
    User,
    UserRole,
    db,
)
from portal.readers import in_the_morning
from portal.rules.rights import ALL, Action

INVITED_FOR = datetime.timedelta(days=7)  # the link of somebody who had no account
ASKED_AGAIN = datetime.timedelta(days=30)  # while nobody says whether rights are still right


class LastAdministrator(Exception):
    """Nobody would be left to give rights on this account."""


def give(giver, person, place, values, now, form_key):
    """To somebody who has an account here, or is invited to make one.

    `person`: (identifier, first name, last name, role); `place`: threads.Place; `values`: actions and days, by column.
    """
    identifier, first_name, last_name, role = person
    with db.atomic():
        user = User.known(identifier) or User.invite(identifier, first_name, last_name, role)
        grant = PermissionGrant.create(
            user=user,
            account=place.account,
            company=place.company,
            category=place.category,
            author=giver,
            created_at=now,
            confirmed_at=now,
            form_key=form_key,
            **PermissionGrant.named(user, f"{first_name} {last_name}"),
            **values,
        )
        tell(grant, now)
    return grant


def tell(grant, now):
    """Whoever has no password yet is invited to choose one; the others are told that they may do more.

    The company is named as the mutual knows it: an invitation from nobody is what a fraud looks like.
    """
    user = grant.user
    if not user.is_active:
        return
    place = grant.company.label if grant.company_id else grant.account.name
    options = {"kind": MessageKind.SECURITY, "company": place}
    if user.has_password:
        outbox.email(user.identifier, "grant_given", now, user, link="/", **options)
        return
    link = f"/mot-de-passe/{OneTimeLink.draw(user, now, INVITED_FOR)}"
    options |= {"not_after": now + INVITED_FOR}
    outbox.email(user.identifier, "grant_invited", now, user, link=link, **options)


def held(grant, version=None):
    """The grant as it is now, in a queue of those who change the rights of its account; raises Outdated."""
    ManagedAccount.hold(grant.account_id)
    row = PermissionGrant.get_or_none(PermissionGrant.id == grant.id)
    if row is None or (version is not None and row.version != version):
        raise Outdated(row)
    return row


def change(grant, values, now, version, free=False):
    """Other actions, other days; raises Outdated, LastAdministrator. `free`: the mutual may leave nobody."""
    with db.atomic():
        row = held(grant, version)
        if row.is_over(clock.day_of(now)):  # what ended is given again, not stretched
            raise Outdated(row)
        was_administrator = row.is_administrators
        for name, value in values.items():
            setattr(row, name, value)
        row.version, row.confirmed_at = row.version + 1, now
        row.save()
        if was_administrator and not free:
            keep_one(row.account_id, clock.day_of(now))


def end(grant, now, free=False):
    """From now on it opens nothing; False when it was so already. Raises LastAdministrator."""
    today = clock.day_of(now)
    with db.atomic():
        row = held(grant)
        if row.is_over(today):
            return False
        row.valid_to, row.version = today - datetime.timedelta(days=1), row.version + 1
        row.save()
        if row.is_administrators and not free:
            keep_one(row.account_id, today)
    return True


def keep_one(account, today):
    """Somebody must manage the rights of an account, now and without an end."""
    lasting = PermissionGrant.administrators(account, today).where(PermissionGrant.valid_to.is_null())
    with reach.own(db, "who is left there, once who acts may have left"):
        if not lasting.exists():
            raise LastAdministrator


def confirm(grants, now):
    """« Encore habilités »: how many were said to be right."""
    ids = [grant.id for grant in grants]
    return PermissionGrant.update(confirmed_at=now).where(PermissionGrant.id.in_(ids)).execute()


def ask_again(now):
    """Once a year, one e-mail to each administrator whose accounts have rights to be said right again."""
    waited = PermissionGrant.asked_at.is_null() | (PermissionGrant.asked_at <= now - ASKED_AGAIN)
    stale = PermissionGrant.select(PermissionGrant.id, PermissionGrant.account)
    rows = list(stale.where(PermissionGrant.to_confirm(now), waited).limit(5_000))
    today = clock.day_of(now)
    with db.atomic():
        told = {}
        for account in {row.account_id for row in rows}:
            for grant in PermissionGrant.administrators(account, today):
                told.setdefault(grant.user_id, grant.user)
        options = {
            "kind": MessageKind.NOTICE,
            "not_before": in_the_morning(now),
            "link": "/habilitations?etat=confirmer",
        }
        outbox.write_many(
            [outbox.letter(user.identifier, "grants_review", now, user, **options) for user in told.values()]
        )
        PermissionGrant.update(asked_at=now).where(PermissionGrant.id.in_([row.id for row in rows])).execute()
    return len(told)


def is_no_companys(identifier):
    """Whether an address is that of somebody to whom a company gives nothing: the mutual's staff, a doctor."""
    user = User.known(identifier)
    return user is not None and (user.is_staff or user.role == UserRole.HEALTH_PROFESSIONAL)


def may_give(giver):
    """A function of a place (threads.Place) and of a last day (None: without an end): the actions that may be given.

    Those that the giver has there themselves until then; none once they do not manage the rights of the place any more.
    """
    own = [] if giver.is_staff else list(giver.own_grants())

    def allowed(place, until):
        held = [grant.actions for grant in own if holds(grant, place) and lasts(grant, until)]
        actions = ALL if giver.is_staff else reduce(or_, held, 0)
        return actions if actions & Action.MANAGE else 0

    return allowed


def lasts(grant, until):
    return grant.valid_to is None or (until is not None and until <= grant.valid_to)


def holds(grant, place):
    """Whether a grant opens the whole of a place."""
    company, category = getattr(place.company, "id", None), getattr(place.category, "id", None)
    here = grant.account_id == place.account and grant.company_id in (None, company)
    return here and grant.category_id in (None, category)
