"""The natures of requests and complaints as the mutual has them now: `use` says which."""

from portal.rules import threads

in_force = threads.arranged("", {})


def use(settings):
    global in_force
    in_force = settings.natures_by_kind


def of(kind):
    """Code → `rules.threads.Nature`, those that are no longer offered too."""
    return in_force[kind]


def offered(kind):
    """Those that may be chosen for a new request or complaint."""
    return {code: nature for code, nature in in_force[kind].items() if nature.offered}


def label(code):
    """What a nature is called, "" for one that is not known."""
    return next((natures[code].label for natures in in_force.values() if code in natures), "")


def days(code):
    """« Jours ouvrés » in which an answer is promised."""
    return next(natures[code].days for natures in in_force.values() if code in natures)
