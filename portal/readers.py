"""Who of HR is told of an enrolment or a waiver, and how: one e-mail each, without a name of anybody."""

import datetime

from portal import clock, outbox
from portal.models import EmployeeCategory, MessageKind, Sending, User

MORNING = datetime.time(8)  # in Paris: nobody is written to at night


def readers_of(row):
    """Who recorded it, as long as they see the college; otherwise all who do, the mutual's staff apart."""
    if row.author_id and can_read(row.author, row.category_id):
        return [row.author]
    return User.of_category(row.category)


def can_read(user, category_id):
    seen = user.categories().where(EmployeeCategory.id == category_id)
    return user.is_active and not user.is_staff and seen.exists()


def can_see(user, sending):
    """Somebody of a company, who still sees what they sent for it."""
    return user.is_active and not user.is_staff and user.sendings().where(Sending.id == sending.id).exists()


def tell_readers(rows, template, link, now, link_of=None, **words):
    """One e-mail to each reader, however many rows there are; `link_of(row)`: where a row stands that is alone."""
    known: dict[tuple, list] = {}
    told: dict[User, list] = {}
    for row in rows:
        place = (row.author_id, row.category_id)
        known[place] = known.get(place) or readers_of(row)
        for user in known[place]:
            told.setdefault(user, []).append(row)
    letters = []
    for user, some in told.items():
        path = link_of(some[0]) if link_of and len(some) == 1 else link
        letters.append(letter(user, template, now, link=path, count=len(some), **words))
    outbox.write_many(letters)


def letter(user, template, now, about=None, kind=MessageKind.ENROLMENT, **words):
    """`link`, among the words: a path of the portal."""
    options = {"kind": kind, "about": about, "not_before": in_the_morning(now)}
    return outbox.letter(user.identifier, template, now, user, **options, **words)


def in_the_morning(now):
    """Now, or eight o'clock of the day where it is earlier."""
    morning = datetime.datetime.combine(clock.day_of(now), MORNING, clock.PARIS).astimezone(datetime.UTC)
    return max(now, morning.replace(tzinfo=None))
