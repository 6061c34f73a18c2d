"""Whether somebody is still at their screen: they signed in a moment ago, or show again what they sign in with."""

import datetime

from flask import current_app
from flask_login import current_user

from portal import clock, credentials, factors
from portal.access import audit, hash_of_identifier, refuse_while, too_many_tries
from portal.forms.factor import NO_ANSWER, NO_SCRIPT
from portal.models import Passkey, SecondFactor, Throttle
from portal.views.factor import by

FRESH = datetime.timedelta(minutes=10)
WRONG = "Ce n’est pas votre mot de passe. Vérifiez-le, puis réessayez."


def is_fresh():
    """All of it was shown a moment ago: nobody else can have sat down there since."""
    shown = current_user.session.proved_at or current_user.session.started_at
    return clock.now() - shown <= FRESH


def has_code():
    return SecondFactor.of(by()).exists()


def has_key():
    return Passkey.of(by()).exists()


def knows_password(typed):
    """The present password, tried no faster here than at the sign-in page."""
    now, key = clock.now(), f"password:{current_user.id}"
    refuse_while(Throttle.wait((key,), now))
    Throttle.count(key, now, free=5)
    if credentials.verify(current_user._get_current_object(), typed):
        Throttle.forgive(key)
        return True
    return False


def asked():
    """What a form asks for by itself, since it has files: who looks at each of these; None: not asked."""
    if is_fresh():
        return dict.fromkeys(("password", "code", "key"))
    return {
        "password": knows_password,
        "code": shows_code if has_code() else None,
        "key": shows_key if has_key() else None,
    }


def counted_as():
    """Codes of open sessions are counted by themselves: who guesses at the sign-in page uses up none of these."""
    return f"code-open:{hash_of_identifier(current_user.identifier)}"


def keys():
    """What few ask for takes half a second to import: not at each start, nor for each command."""
    from portal import passkeys  # noqa: PLC0415

    return passkeys


def shows_key(form, answer):
    """Whether a passkey answered this session, which checks the holder too; otherwise the form says what not."""
    now, name = clock.now(), counted_as()
    if wait := factors.wait(name, now):
        form.form_errors.append(too_many_tries(wait))
    elif keys().is_right(by(), current_user.session, current_app.settings, answer, now):
        factors.take_back(name, now)
    else:
        audit("factor.refused", on=by())
        form.form_errors.append(NO_ANSWER if answer else NO_SCRIPT)
    return not form.form_errors


def shows_code(typed):
    """A code, or one of recovery, of those that are taken at the sign-in and tried no faster."""
    now, name = clock.now(), counted_as()
    refuse_while(factors.wait(name, now))
    shown = factors.show(by(), typed, now)
    if shown == factors.Shown.WRONG:
        audit("factor.refused", on=by())
        return False
    factors.take_back(name, now)
    if shown == factors.Shown.RECOVERY:
        audit("factor.recover", on=by())
    return True


def proves(form):
    """Whether this form (forms.factor.ProofForm) shows all that its user signs in with; otherwise it says what not."""
    now, key = clock.now(), f"password:{current_user.id}"
    wait = Throttle.wait((key,), now)
    if wait:
        form.form_errors.append(too_many_tries(wait))
    elif not knows_password(form.preuve_mot_de_passe.data):
        form.preuve_mot_de_passe.errors = [WRONG]
    elif "preuve_code" in form:
        return proves_code(form, now)
    return not form.errors


def proves_code(form, now):
    wait = factors.is_full(counted_as(), now)
    if wait:
        form.form_errors.append(too_many_tries(wait))
    elif not shows_code(form.preuve_code.data):
        form.preuve_code.errors = [form.WRONG_CODE]
    return not form.errors
