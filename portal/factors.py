"""The second factor: who is asked for it, applications and their codes, codes of recovery, letters about it."""

import datetime
import re
import secrets
from enum import StrEnum

import segno
from markupsafe import Markup

from portal import credentials, outbox
from portal.models import MessageKind, RecoveryCode, SecondFactor, Throttle, TrustedDevice, User, UserSession, db
from portal.rules import totp

MANY = 10  # codes of recovery
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none looks like another
LENGTH = 12  # 59 bits, kept as passwords are
# (codes, within): of six digits, fifty tries a day find one of three that are right in 15 days of 100 000.
LIMITS = (
    (5, datetime.timedelta(minutes=5)),
    (20, datetime.timedelta(hours=1)),
    (50, datetime.timedelta(days=1)),
)


class Shown(StrEnum):
    """What was typed in the place of the second factor."""

    CODE = "code"
    RECOVERY = "recovery"
    PASSKEY = "passkey"
    WRONG = "wrong"


def is_due(user, asked, tokens, now):
    """Whether this browser is to show it, once the password was right. `asked`: see `Settings.factor_asked`."""
    if not SecondFactor.of(user).exists():
        return asked != "optional"
    return asked == "always" or not TrustedDevice.met(user, tokens, now)


def is_mandatory(asked):
    return asked != "optional"


# ── An application ───────────────────────────────────────────────────────────────────────────────────────────────


def begin(user, now):
    """An application that is still to be confirmed."""
    return SecondFactor.begin(user, totp.written(secrets.token_bytes(totp.SEED)), now)


def told(factor, user, issuer):
    """(drawing, key) of one that is being added: the QR code, and what is typed in its place."""
    key = factor.unseal()
    drawn = segno.make(totp.address(key, user.identifier, issuer), error="m", micro=False)
    title = "Code à lire avec votre application"
    # dark on light whatever the page looks like: no reader of codes knows of dark pages; segno escapes the title
    drawing = drawn.svg_inline(scale=4, border=4, dark="#000", light="#fff", title=title, omitsize=True)
    return Markup(drawing), totp.grouped(key)  # nosec B704


def step(factor, typed, now):
    """The step of the code that was typed; None when it is not one that this application shows now."""
    return totp.step_of(factor.unseal(), typed, second(now), factor.last_step)


def confirm(factor, user, name, shown, drawn, now):
    """Make it count from the step that it was shown by; `drawn`: of `draw_codes`, for the first. False: it did."""
    with db.atomic():
        if not factor.confirm(name or "Application", shown, now):
            return False
        if drawn:
            RecoveryCode.replace(user, drawn.values())
        is_not_lost(user)
        tell(user, "factor_added", now)
    return True


def second(now):
    """Since 1970, of an instant as the database keeps it."""
    return now.replace(tzinfo=datetime.UTC).timestamp()


def remove(factor, user, asked, now):
    """Take one away; False when it is the only one, and one is mandatory."""
    with db.atomic():
        removed = factor.remove(keep_one=is_mandatory(asked))
        if removed:
            tell(user, "factor_removed", now)
    return removed


def reset(user, now):
    """Somebody has lost theirs: they add another one when they sign in again."""
    with db.atomic():
        SecondFactor.forget(user)
        UserSession.end_all(user, now)
        tell(user, "factor_removed", now)


def is_not_lost(user):
    """Who shows theirs, or adds one, has no need that it be taken away: nobody agrees to that any more."""
    User.drop_proposals("factor", User.id == user.id)


# ── Codes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def wait(name, now):
    """Count one try of a code under this name; seconds to wait when there were too many, otherwise 0."""
    for most, within in LIMITS:  # the shortest first: what it refuses uses up nothing of the longer ones
        seconds = Throttle.allow(f"{name}:{most}", now, most, within)
        if seconds:
            return seconds
    return 0


def is_full(name, now):
    """Seconds to wait before the next try, which is not made yet; 0 when it may be."""
    return max(Throttle.left(f"{name}:{most}", now, most) for most, _ in LIMITS)


def take_back(name, now):
    """A right code is no try."""
    for most, _ in LIMITS:
        Throttle.take_back(f"{name}:{most}", now)


def show(user, typed, now):
    """What this code is worth; a right one is used up."""
    for factor in SecondFactor.of(user):
        shown = step(factor, typed, now)
        if shown is not None and factor.take(shown):
            return Shown.CODE
    return Shown.RECOVERY if recover(user, typed, now) else Shown.WRONG


def recover(user, typed, now):
    """Use a code of recovery: once."""
    signs = plain(typed)
    if len(signs) != LENGTH:
        return False
    found = next((kept for kept in RecoveryCode.left(user) if credentials.matches(kept.code_hash, signs)), None)
    with db.atomic():
        if found is None or not found.use(now):
            return False
        tell(user, "recovery_used", now, count=RecoveryCode.left(user).count())
    return True


def plain(typed):
    return re.sub(r"[^0-9A-Z]", "", typed.upper())


def draw_codes():
    """{code as it is told: its hash}: before a transaction, it takes as long as ten passwords."""
    codes = ["".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for _ in range(MANY)]
    told = ["-".join(signs[place : place + 4] for place in range(0, LENGTH, 4)) for signs in codes]
    return dict(zip(told, map(credentials.hash_password, codes), strict=True))


def tell(user, template, now, **words):
    """Write to whose account it is, at once: they may not be who does this."""
    outbox.email(user.identifier, template, now, user, kind=MessageKind.SECURITY, link="/compte", **words)
