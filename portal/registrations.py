"""Registrations: asked for, confirmed, sent, then opened by the contract's contact, or decided by the mutual."""

import datetime

from peewee import IntegrityError

from portal import clock, outbox
from portal.models import (
    Company,
    EmployeeCategory,
    GroupContract,
    ManagedAccount,
    MessageKind,
    Outdated,
    PermissionGrant,
    Registration,
    RegistrationFile,
    RegistrationState,
    User,
    UserRole,
    db,
)
from portal.rules.registrations import PROFESSIONS
from portal.rules.rights import ALL, Action
from portal.transitions import change, held

CONFIRMS_FOR = datetime.timedelta(hours=24)  # the link of an address that is to be confirmed
MORE_FOR = datetime.timedelta(days=14)  # that of somebody of whom more is asked
TYPES_FOR = datetime.timedelta(hours=2)  # in the browser that used a link

ROLES = {
    "professionnel-de-sante": UserRole.HEALTH_PROFESSIONAL,
    "courtier": UserRole.BROKER,
    "entreprise": UserRole.COMPANY,
    "multi-compte": UserRole.MULTI_ACCOUNT_MANAGER,
}
WORDS = {role: word for word, role in ROLES.items()}


def profession(row):
    return PROFESSIONS[WORDS[row.role]]


# ── By who asks ──────────────────────────────────────────────────────────────────────────────────────────────────


def ask(email, role, now, refused=False):
    """One e-mail to the address, whatever is known of it: a link, or what there is already.

    As much work for an address that has an access, for one that is waiting, and for one that nobody knows. `refused`:
    asked too often: nothing of it is kept.
    """
    try:
        with db.atomic() as kept:
            user, row = User.known(email), Registration.pending(email)
            row = row or Registration(email=email, role=role, created_at=now)
            if row.state in (RegistrationState.ASKED, RegistrationState.CONFIRMED):  # nothing was sent yet
                row.role = role
            lasts = MORE_FOR if row.state == RegistrationState.INCOMPLETE else CONFIRMS_FOR
            sent = row.state == RegistrationState.RECEIVED
            with db.atomic() as drawn:
                link = f"/inscription/lien/{row.draw(lasts, now)}"
                row.save(only=None if row.id is None else ["role", "token_hash", "token_until", "touched_at"])
                if user or sent:
                    drawn.rollback()
            name = "registration_known" if user else "registration_waiting" if sent else "registration_confirm"
            words = {"link": "/connexion" if user or sent else link, "kind": MessageKind.SECURITY}
            outbox.email(email, name, now, not_after=None if user or sent else now + lasts, **words)
            if refused:
                kept.rollback()
    except IntegrityError:  # the same address, asked for at the same moment: one link is enough
        return


def send(row, values, files, now):
    """Keep what was said, and give it to the mutual, or open the access when the contract's own contact asks for it.

    The account that is open now, or None. `values`: by column. Raises Outdated when it was sent already.
    """
    with db.atomic():
        there = row.hold()
        if there.state not in Registration.BEING_WRITTEN:
            raise Outdated(there)
        for file in files:
            file.attach(now)
            RegistrationFile.create(registration=there, file=file)
        change(there, RegistrationState.RECEIVED, sent_at=now, touched_at=now, token_hash=None, **values)
        account = account_of_contact(there)
        if account:
            accept(there, [account], None, now, there.version)
        else:
            tell(there, "registration_received", now, link="/")
    return account


def account_of(row):
    """The account of the contract and the SIRET that a company gives, when they go together."""
    found = ManagedAccount.select().join(Company).join(EmployeeCategory).join(GroupContract)
    return found.where(GroupContract.number == row.contract_number, Company.siret == row.siret).first()


def named_by(words, accounts):
    """Those of `accounts` whose code, or the number of one of whose contracts, is among these words."""
    found = ManagedAccount.select(ManagedAccount.id).join(Company).join(EmployeeCategory).join(GroupContract)
    of_contracts = found.where(GroupContract.number.in_(words))
    return accounts.where(ManagedAccount.code.in_(words) | ManagedAccount.id.in_(of_contracts))


def account_of_contact(row):
    """The same, when the address that was confirmed is the one that the mutual has for this account."""
    if row.role != UserRole.COMPANY or User.known(row.email):
        return None
    account = account_of(row)
    return account if account and account.email.strip().lower() == row.email else None


# ── At the mutual ────────────────────────────────────────────────────────────────────────────────────────────────


def accept(registration, accounts, by, now, version):
    """Open the access, on these accounts; those that were not open already, or not wholly. Raises Outdated.

    `by`: None when the contract's contact did.
    """
    with db.atomic():
        row = held(registration, version, RegistrationState.RECEIVED)
        user = User.known(row.email) or User.invite(row.email, row.first_name, row.last_name, row.role)
        if not user.has_password:
            user.password_hash, user.organisation, user.phone = row.password_hash, row.organisation, row.phone
            user.save(only=[User.password_hash, User.organisation, User.phone])
        actions = actions_of(row.role)
        given = {"actions": actions, "author": by, "created_at": now, "confirmed_at": now}
        opened = [account for account in accounts if not holds_all(user, account, actions, clock.day_of(now))]
        for account in opened:
            PermissionGrant.create(user=user, account=account, **given, **PermissionGrant.named(user))
        opens = {"settled_at": now, "decided_by": by, "user": user, "remark": ""}
        change(row, RegistrationState.ACCEPTED, password_hash="", **opens)  # nosec B106
        tell(row, "registration_accepted", now, link="/connexion")
    return opened


def holds_all(user, account, actions, today):
    """Whether a grant without an end opens all of this on the whole account: a smaller one leaves it to be given."""
    there = PermissionGrant.in_force(user.id, today).where(
        PermissionGrant.holds(account.id, None, None),
        PermissionGrant.valid_to.is_null(),
        PermissionGrant.actions.bin_and(actions) == actions,
    )
    return there.exists()


def actions_of(role):
    """What an accepted registration opens: a broker does not give the rights of a company to others."""
    return ALL & ~Action.MANAGE if role == UserRole.BROKER else ALL


def refuse(registration, why, by, now, version):
    """No access; its author is told why. Raises Outdated."""
    with db.atomic():
        row = held(registration, version, RegistrationState.RECEIVED)
        change(row, RegistrationState.REFUSED, settled_at=now, decided_by=by, remark=why, password_hash="")  # nosec B106
        tell(row, "registration_refused", now, link="/", why=why)


def ask_more(registration, why, by, now, version):
    """Its author is told what is missing, with a link to complete it; raises Outdated."""
    with db.atomic():
        row = held(registration, version, RegistrationState.RECEIVED)
        token = row.draw(MORE_FOR, now)
        drawn = {"token_hash": row.token_hash, "token_until": row.token_until, "touched_at": now}
        change(row, RegistrationState.INCOMPLETE, decided_by=by, remark=why, **drawn)
        options = {"link": f"/inscription/lien/{token}", "not_after": now + MORE_FOR}
        tell(row, "registration_more", now, why=why, **options)


def tell(row, template, now, **words):
    outbox.email(row.email, template, now, kind=MessageKind.SECURITY, about=row, first_name=row.first_name, **words)
