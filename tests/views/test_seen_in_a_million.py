"""After a theft, « whose data did this account see » is answered in time: among a million events."""

import datetime
import time

from portal import clock, database
from portal.models import AuditEvent, Beneficiary, UserRole, db
from tests import factories

EVENTS, DAYS, WITHIN = 1_000_000, 365, 60  # seconds: the 72 hours of a notification begin with this answer
# One event in ten is of the account that was stolen, one in ten of those on a person who is here.
MADE = """INSERT INTO audit_event (number, at, user_id, user_role, address, request_id, action, object_type, object_id,
    account_id, previous_hash, hash)
WITH RECURSIVE line(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM line WHERE n < {events})
SELECT {base} + n, {at}, CASE WHEN n % 10 = 0 THEN {user} ELSE {other} END, 'company', '192.0.2.7', 'r',
    CASE WHEN n % 3 = 0 THEN 'nir.reveal' ELSE 'employee.change' END, 'beneficiary',
    CASE WHEN n % 100 = 0 THEN '{person}' ELSE 'personne-' || (n % 5000) END, 1, 'x', 'x' || n FROM line"""
AT = {
    True: "strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || (n % {days}) || ' days') || '.000000'",
    False: "now() AT TIME ZONE 'UTC' - (n % {days}) * INTERVAL '1 day'",
}


def test_whose_data_an_account_saw_is_told_within_a_minute(client, hr):
    person = Beneficiary.select().order_by(Beneficiary.id).first()
    desk = factories.user(role=UserRole.STAFF, last_name="Perrin")
    client.sign_in(desk)
    base = AuditEvent.select().count()
    at = AT[database.is_sqlite(db)].format(days=DAYS)
    given = {"base": base, "user": hr.id, "other": desk.id, "person": person.public_id}
    db.connection().execute(MADE.format(events=EVENTS, at=at, **given))
    database.refresh_statistics(db)
    since = clock.today() - datetime.timedelta(days=30)
    begun = time.monotonic()
    answer = client.get(f"/gestion/journal/donnees-consultees?qui={hr.identifier}&du={since:%d/%m/%Y}")
    took = time.monotonic() - begun
    print(f"{EVENTS} events, one account over a month: {took:.2f} s")
    assert person.member_number in answer.get_data(as_text=True)
    assert took < WITHIN
