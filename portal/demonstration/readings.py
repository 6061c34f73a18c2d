"""What the mutual's staff opened lately in the demonstration: the list, and a few people of the guide's account."""

from portal import clock
from portal.demonstration.draw import days_ago
from portal.models import Beneficiary, Reading, User

ADDRESS = "192.0.2.20"
# Days ago, who, how many of its people, how many times each.
OPENED = ((1, "gestion@demo.example", 3, 1), (2, "admin@demo.example", 1, 2), (9, "gestion@demo.example", 2, 1))


def make_readings(account):
    people = Beneficiary.select().where(Beneficiary.account == account["id"]).order_by(Beneficiary.member_number)
    people = [str(person.public_id) for person in people.limit(max(many for _, _, many, _ in OPENED))]
    for days, who, many, times in OPENED:
        by, at = User.known(who).id, days_ago(days)
        pages = [("employees.index", ("", ""))]
        pages += [("staff_dossiers.person", ("beneficiary", name)) for name in people[:many]]
        for endpoint, row in pages * times:
            Reading.count(by, clock.day_of(at), endpoint, row, ADDRESS, at)
