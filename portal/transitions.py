"""How a row with a version goes from one state to another: held, and only from what was on the screen."""

from portal.models import Outdated


def change(row, state, **values):
    """Put a held row in a state."""
    row.state, row.version = state, row.version + 1
    for name, value in values.items():
        setattr(row, name, value)
    row.save(only=["state", "version", *values])


def held(row, version, state):
    """The row as it is now, until the end of the transaction; raises Outdated when somebody decided meanwhile."""
    now = row.hold()
    if now.state != state or now.version != version:
        raise Outdated(now)
    return now
