"""Whether somebody is still at their screen: they signed in a moment ago, or say their password again."""

import datetime

from flask_login import current_user

from portal import clock, credentials
from portal.access import refuse_while
from portal.models import Throttle

FRESH = datetime.timedelta(minutes=10)


def is_fresh():
    """The session began a moment ago: nobody else can have sat down there since."""
    return clock.now() - current_user.session.started_at <= FRESH


def knows_password(typed):
    """The present password, tried no faster here than at the sign-in page."""
    now, key = clock.now(), f"password:{current_user.id}"
    refuse_while(Throttle.wait((key,), now))
    Throttle.count(key, now, free=5)
    if credentials.verify(current_user._get_current_object(), typed):
        Throttle.forgive(key)
        return True
    return False
