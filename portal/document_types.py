"""The types of documents that companies send, as the mutual has them now: `use` says which."""

from portal.rules import sendings

in_force = sendings.arranged("")


def use(settings):
    global in_force
    in_force = settings.types_of_documents


def offered():
    """Those that may be sent, in the mutual's order."""
    return {code: one for code, one in in_force.items() if one.offered}


def label(code, known="Document"):
    """What a type is called; `known`: what to say of one that this process has not heard of yet."""
    return in_force[code].label if code in in_force else known
