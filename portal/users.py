"""Who signs in, as the mutual's administrators see to it: invited, given duties, closed, opened again."""

import datetime

from portal import factors, outbox
from portal.formats import search_key
from portal.models import (
    AuditEvent,
    MessageKind,
    OneTimeLink,
    SecondFactor,
    User,
    UserRole,
    UserSession,
    database,
    db,
    hash_of,
)
from portal.rules import Refused, staff_roles

INVITED_FOR = datetime.timedelta(days=7)
OWN = "Personne ne change son propre accès\u00a0: demandez à un autre administrateur."
OF_ADMINISTRATORS = "Seul un administrateur de la mutuelle change l’accès d’un administrateur."
LACKING = "Vous ne donnez que les rôles que vous avez vous-même."
CHANGED = "Cette proposition a changé, ou n’est plus là\u00a0: relisez ce qui est demandé."
OWN_PROPOSAL = "C’est votre proposition\u00a0: une autre personne doit la confirmer."
LAPSED = "Cette proposition est tombée\u00a0: personne n’y a donné son accord à temps. Refaites-la s’il le faut."
NO_MORE = "Vous ne gérez plus les accès\u00a0: rien n’a été fait."
ASKED = "C’est déjà demandé\u00a0: une seconde personne doit le confirmer."
LAST = "Ce serait le dernier accès qui gère les utilisateurs de la mutuelle. Donnez-le d’abord à quelqu’un d’autre."
MOST_FOUND = 2_000  # by words: beyond, more of them are asked


def matching(users, words):
    """Those of `users` whose name, firm or address hold every word (keys)."""
    told = users.select(User.id, User.first_name, User.last_name, User.organisation, User.identifier).tuples()
    found = [id for id, *texts in told.iterator() if all(word in search_key(" ".join(texts)) for word in words)]
    return users.where(User.id.in_(found[:MOST_FOUND]))


def manages(user):
    """They may change the accesses of the mutual's staff."""
    return user.is_active and user.is_staff and user.opens("staff_users")


def invite(identifier, first_name, last_name, duties, by, now, people=1):
    """A member of the staff, with a link to choose a password; raises Refused when the address is taken."""
    with db.atomic():
        try:
            user = User.invite(identifier, first_name, last_name, UserRole.STAFF)
        except ValueError as taken:
            raise Refused(str(taken)) from None
        user.duties = 0
        user.save(only=["duties"])
        _, user = set_duties(user, duties, by, now, people)
        send_link(user, "staff_invited", now, INVITED_FOR)
    return user


def send_link(user, template, now, lasts=OneTimeLink.LASTS):
    link, kind = f"/mot-de-passe/{OneTimeLink.draw(user, now, lasts)}", MessageKind.SECURITY
    outbox.email(user.identifier, template, now, user, kind=kind, link=link, not_after=now + lasts)


def held(user, by):
    """The user as they are now, in a queue of those who change accesses; Refused about oneself.

    Who waited in the queue may have been closed, or have lost the role, by the one who was before them.
    """
    if user.id == by.id:
        raise Refused(OWN)
    in_turn()
    if not manages(User.get_by_id(by.id)):
        raise Refused(NO_MORE)
    row = User.get_by_id(user.id)
    guard(row, by)
    return row


def in_turn():
    database.serialise(db, hash_of("accesses of the staff"))


def guard(user, by):
    """An administrator's access is theirs, or another administrator's to change."""
    if user.role == UserRole.ADMIN and by.role != UserRole.ADMIN:
        raise Refused(OF_ADMINISTRATORS)


def set_duties(user, duties, by, now, people=1):
    """What a member of the staff may do from their next page on: ((what they could, what was asked) before, and now).

    `people`: how many agree to what `by` has not, and to BY_TWO; with two, that is asked, and the rest given at once.
    """
    with db.atomic():
        row = held(user, by)
        if row.role != UserRole.STAFF:
            raise Refused("Seul un gestionnaire de la mutuelle a des rôles\u00a0: un administrateur les a tous.")
        before = row.duties, row.asked_duties
        if before != (duties, None):
            give(row, row.duties, duties, by, now, people)
            withdraw_unless_manages(row)
            keep_one()
    return before, row


def give(row, before, duties, by, now, people):
    """At once what one person may give beside `before`; the rest is asked of a second one."""
    lacking = duties & ~before & ~all_duties(by)
    if lacking and people == 1:
        raise Refused(LACKING)
    withheld = lacking | (duties & ~before & staff_roles.BY_TWO) if people > 1 else 0
    row.duties = duties & ~withheld
    ask(row, *((duties, by, now) if withheld else (None, None, None)))


def ask(row, duties, by, now):
    """What a second person is to agree to; None: nothing."""
    row.asked_duties, row.duties_asked_by, row.duties_asked_at = duties, by, now
    row.save(only=["duties", "asked_duties", "duties_asked_by", "duties_asked_at"])


def decide_duties(user, agreed, by, now, seen):
    """A second person agrees to the roles that were asked, or does not: which; None when nothing is asked any more.

    `seen`: what was on the screen. What was asked long ago, or by somebody who manages no accesses any more, cannot be
    agreed to.
    """
    with db.atomic():
        row = held(user, by)
        asked, first = row.proposed_duties(now), row.duties_asked_by
        if asked is None:
            refuse_lapsed(row, "duties")
            return None
        if agreed:
            be_second(first, by, asked == seen)
            row.duties = asked
        ask(row, None, None, None)
        withdraw_unless_manages(row)
    return asked


def be_second(first, by, is_seen):
    """`by` may agree to what `first` proposed; otherwise Refused. `is_seen`: it is what was on their screen."""
    if first is not None and first.id == by.id:
        raise Refused(OWN_PROPOSAL)
    if not is_seen or first is None or not manages(first):
        raise Refused(CHANGED)


def refuse_lapsed(row, what):
    """Somebody proposed it, and that is over: it is not what was done already."""
    if getattr(row, f"{what}_asked_at"):
        raise Refused(LAPSED)


def forget_proposals(now):
    """Put aside what was asked of a second person, and that nobody agreed to; tell who asked: how many."""
    gone = 0
    with db.atomic():
        if not any(User.lapsed(what, now).exists() for what in User.PROPOSED):
            return gone
        in_turn()
        for what, action in (("duties", "user.duties_lapsed"), ("factor", "factor.reset_lapsed")):
            for row in list(User.lapsed(what, now)):
                first = getattr(row, f"{what}_asked_by")
                AuditEvent.write(action, on=row, now=now, role="worker")
                if first is not None and manages(first):
                    link = f"/gestion/utilisateurs/{row.public_id}"
                    outbox.email(first.identifier, "proposal_lapsed", now, first, kind=MessageKind.SECURITY, link=link)
                gone += User.drop_proposals(what, User.id == row.id)
    return gone


def withdraw_unless_manages(user):
    """Nobody agrees to what was proposed by somebody who manages no accesses any more."""
    if not manages(user):
        User.drop_proposals("duties", User.duties_asked_by == user.id)
        User.drop_proposals("factor", User.factor_asked_by == user.id)


def reset_factor(user, by, now, people=1):
    """Take away the second factor that somebody lost, or ask it of a second person; False when they have none.

    Who is asked for a password alone is whoever reads their e-mails: one person must not be able to bring that about.
    """
    with db.atomic():
        row = held(user, by)
        if not SecondFactor.of(row).exists():
            return False
        if row.is_proposed("factor", now):
            raise Refused(ASKED)
        if people == 1:
            factors.reset(row, now)
        else:
            User.update(factor_asked_by=by, factor_asked_at=now).where(User.id == row.id).execute()
            factors.tell(row, "factor_reset_asked", now)
    return True


def decide_factor(user, agreed, by, now, seen):
    """A second person agrees that the second factor goes, or does not; False when that is asked no more.

    `seen`: the instant of the proposal that was on the screen.
    """
    with db.atomic():
        row = held(user, by)
        if not row.is_proposed("factor", now):
            refuse_lapsed(row, "factor")
            return False
        if agreed:
            be_second(row.factor_asked_by, by, row.factor_asked_at == seen)
            factors.reset(row, now)
        else:
            User.drop_proposals("factor", User.id == row.id)
    return True


def close(user, by, now):
    """Nobody signs in with it any more, and the sessions that are open end; False when it was closed already."""
    with db.atomic():
        row = held(user, by)
        if row.disabled_at:
            return False
        row.disabled_at = now
        row.save(only=["disabled_at"])
        UserSession.end_all(row, now)
        for what in User.PROPOSED:
            User.drop_proposals(what, User.id == row.id)
        withdraw_unless_manages(row)
        keep_one()
    return True


def reopen(user, by, now, people=1):
    """With the roles that one person may give; the others are asked again. False when it was open."""
    with db.atomic():
        row = held(user, by)
        if row.disabled_at is None:
            return False
        User.update(disabled_at=None).where(User.id == row.id).execute()
        if row.role == UserRole.STAFF:
            give(row, 0, row.duties, by, now, people)
    return True


def keep_one():
    """Somebody is left who manages the accesses of the staff; in the caller's transaction."""
    staff = User.select().where(User.role.in_((UserRole.STAFF, UserRole.ADMIN)), User.disabled_at.is_null())
    if not any(manages(one) for one in staff):
        raise Refused(LAST)


def all_duties(user):
    return staff_roles.ALL if user.role == UserRole.ADMIN else user.duties
