"""How supporting documents are told in French to HR: whose they are, until when, how to reach, what became of them."""

from types import SimpleNamespace

from portal import clock
from portal.formats import phone_fr, plural
from portal.models import RequestState
from portal.rules import proofs

STATES = {
    RequestState.AWAITED: ("Attendu", "", ""),
    RequestState.RECEIVED: ("Reçu, à l’examen", "info", "clock"),
    RequestState.ACCEPTED: ("Accepté", "ok", "circle-check"),
    RequestState.REFUSED: ("Refusé, à renvoyer", "danger", "circle-x"),
    RequestState.EXPIRED: ("Expiré", "danger", "calendar-off"),
    RequestState.CANCELLED: ("Annulé", "", "x"),
}
CHANNELS = {"SMS": "SMS", "EMAIL": "Courriel", "LETTER": "Lettre"}


def tell(requests):
    """Whole requests as the pages show them."""
    today = clock.today()
    return [told(row, today) for row in requests]


def tell_many(requests):
    """The same for a file, one by one."""
    today = clock.today()
    return (told(row, today) for row in requests.iterator())


def told(row, today):
    person = row.beneficiary if row.beneficiary_id else row.waiver
    employee, reach = row.answering, row.reach(today)
    return SimpleNamespace(
        public_id=row.public_id,
        version=row.version,
        name=name_of(person),
        last_name=(person.used_name or person.birth_name).upper(),
        first_name=person.first_name,
        full_name=f"{person.first_name} {(person.used_name or person.birth_name).upper()}",
        born=person.birth_date,
        feminine=person.title == "Mme",
        person=row.beneficiary.public_id if row.beneficiary_id else None,
        member_number=row.beneficiary.member_number if row.beneficiary_id else "",
        campaign=row.campaign,
        document=proofs.shown_to_hr(row.document_type),
        restricted=row.restricted,
        sent_on=row.sent_on,
        due_on=row.due_on,
        late=row.is_open and bool(row.due_on) and row.due_on < today,
        due=deadline(row, today),
        insurer_reminded_on=row.insurer_reminded_on,
        reminded_on=row.reminded_at and clock.day_of(row.reminded_at),
        employee=employee.public_id if employee else None,
        employee_name=name_of(employee or person),
        reach=reach,
        contact=contact(reach),
        channel=CHANNELS[reach.channel] if reach else "",
        is_open=row.is_open,
        state=STATES[row.state],
        remark=proofs.reason_to_hr(row.document_type, row.remark),
        category=row.category.label,
        company=row.category.company.label,
        account=row.category.company.account.name,
    )


def name_of(person):
    """NOM Prénom, as in lists."""
    return f"{(person.used_name or person.birth_name).upper()} {person.first_name}"


def contact(reach):
    return (phone_fr(reach.recipient) if reach.channel == "SMS" else reach.recipient) if reach else ""


def deadline(row, today):
    """« dépassée de 8 jours », « dans 3 jours »; nothing once it does not matter any more."""
    if row.due_on is None or not row.is_open:
        return ""
    left = proofs.days_left(row.due_on, today)
    if left < 0:
        return f"dépassée de {plural(-left, 'jour')}"
    return {0: "aujourd’hui", 1: "demain"}.get(left) or f"dans {plural(left, 'jour')}"
