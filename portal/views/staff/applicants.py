"""The list of « Inscriptions »: those that are looked for, the oldest first, and how the desk reads each of them."""

from functools import partial
from types import SimpleNamespace

from flask import request
from flask_login import current_user

from portal import clock, registrations
from portal.forms.registrations import RegistrationFilter, TickedMore, TickedRefusal
from portal.models import Registration, RegistrationState, User, db, fn
from portal.prepared import written_once
from portal.rendering import Sought, page_size, render, telling_total
from portal.views.staff import together

MORE = "plus-"  # the boxes of what is missing stand beside those of a refusal
STATES = {
    RegistrationState.CONFIRMED: ("En cours de saisie", "", "pencil"),
    RegistrationState.RECEIVED: ("À décider", "info", "clock"),
    RegistrationState.INCOMPLETE: ("À compléter", "warn", "hourglass"),
    RegistrationState.ACCEPTED: ("Acceptée", "ok", "circle-check"),
    RegistrationState.REFUSED: ("Refusée", "danger", "circle-x"),
}


IN_ORDER = Registration.sent_at, Registration.id


def listing(status=200, **more):
    """The list that the address filters; in `more`, `refusing` or `asking`: the reason for those that are ticked."""
    form = RegistrationFilter(request.args)
    asked = form.asked(registrations.ROLES)
    known = partial(listed, role=current_user.role, **asked)
    find = telling_total(known, lambda: form.narrow(current_user.registrations(), **asked).count())
    page = Sought(find, page_size(current_user.rows_per_page), read)
    more = {"refusing": TickedRefusal(), "asking": TickedMore(prefix=MORE)} | more
    more |= together.of_list("staff_registrations.index")
    return render("staff_registrations", status, form=form, page=page, **more)


def read(rows):
    today = clock.today()
    return [told(row, today) for row in rows]


@written_once(db)
def listed(size, before, *, role, state, of_role):
    """What the list tells of each: not what they typed besides, nor their password's hash."""
    one, found = Registration, RegistrationFilter.narrow(User(role=role).registrations(), state, of_role)
    who = one.public_id, one.role, one.number_kind, one.first_name, one.last_name, one.email, one.organisation
    ids, total = found.select(one.id).order_by(*IN_ORDER), found.select(fn.COUNT(one.id)).alias("total")
    rows = one.among(ids.limit(size).offset(before)).select(*who, one.state, one.version, one.sent_at, one.remark)
    return rows.select_extend(total).order_by(*IN_ORDER)


def told(row, today):
    """How the desk reads one in the list; `age`: days since it was sent, while it is to be decided."""
    waits = row.state == RegistrationState.RECEIVED
    return SimpleNamespace(
        id=row.public_id,
        version=row.version,
        waits=waits,
        name=row.full_name,
        email=row.email,
        organisation=row.organisation,
        profession=registrations.profession(row).label,
        sent_at=row.sent_at,
        age=(today - clock.day_of(row.sent_at)).days if waits else None,
        state=STATES[row.state],
        remark=row.remark,
    )
