"""The screens of the mutual's own staff, under /gestion: closed to everybody else by the right « staff »."""

from portal.views.staff import messages

MODULES = (messages,)

# Their group of the menu, below the others.
MENU = (("Gestion", (("mail-forward", "Courriels et SMS", "staff_messages.index", {}),)),)


def counts(user):
    """What waits for someone, by entry of the menu."""
    return {"staff_messages": messages.failures(user).count()}
