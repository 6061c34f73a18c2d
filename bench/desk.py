"""The mutual's desk with 50,000 open items; what the door costs a user of 300 accounts beside a user of one."""

import datetime
import random
import re
import uuid

from bench import beside, data
from bench.browser import Browser
from bench.report import figure, table, verdict
from bench.servers import serve
from portal import clock, database, models
from portal.models import db

ACCOUNTS, PEOPLE, DOOR = 300, 20_000, 1.3
ALONE = "seul@bench.example"  # sees one account, in which as many people are as in the 300 together
ROUNDS = 4
CODE = re.compile(r"perimetre=(C\d+)")  # of an account, in an address
EACH = {"message_thread": 15_000, "document_request": 20_000, "sending": 10_000, "registration": 5_000}
EVENTS = 50_000  # of the trail: each item left one at least
ACTIONS = {"session.create": "session", "document_request.deposit": "document_request", "sending.create": "sending"}
PAGES = {
    "À traiter": "/gestion",
    "Demandes reçues": "/gestion/demandes",
    "Demandes reçues, page 400": "/gestion/demandes?page=400",
    "Justificatifs reçus": "/gestion/justificatifs",
    "Justificatifs reçus, page 400": "/gestion/justificatifs?page=400",
    "Documents reçus": "/gestion/documents",
    "Inscriptions": "/gestion/inscriptions",
    "Recherche": "/gestion/dossiers?q=bert",
    "Journal": "/gestion/journal",
    "Recherche au journal": "/gestion/journal?quoi=session.create",
    "Chiffres": "/gestion/chiffres",
}


def fill(place):
    models.db.initialize(database.connect(place.url))
    with db.connection_context(), db.atomic():
        colleges = list(models.EmployeeCategory.select())
        people = list(models.Beneficiary.select(models.Beneficiary.id, models.Beneficiary.category).tuples())
        user = models.User.get(models.User.identifier == data.EVERYONE)
        chance = random.Random(5)  # nosec B311
        for table_name, rows in (
            ("message_thread", threads(colleges, user, chance)),
            ("document_request", proofs(people, chance)),
            ("sending", sendings(colleges, user, chance)),
            ("registration", registrations()),
            ("audit_event", events(colleges, user, chance)),
            ("audit_head", [{"id": 1, "number": EVENTS, "hash": f"{EVENTS:064}"}]),
        ):
            data.insert(table_name, rows)
    with db.connection_context():
        database.refresh_statistics(db)
    db.close_all()


def events(colleges, user, chance):
    """What the trail tells of them; their hashes follow nothing, which no page looks at."""
    blank = data.blank(models.AuditEvent)
    for number in range(1, EVENTS + 1):
        action, kind = chance.choice(tuple(ACTIONS.items()))
        who = {"number": number, "at": ago(EVENTS - number), "user_id": user.id, "user_role": user.role.value}
        where = {"address": "192.0.2.7", "request_id": uuid.uuid4().hex[:16], "account_id": colleges[0].account_id}
        what = {"action": action, "object_type": kind, "object_id": str(uuid.uuid4())}
        yield blank | who | where | what | {"previous_hash": f"{number - 1:064}", "hash": f"{number:064}"}


def ago(number):
    return str(clock.now() - datetime.timedelta(minutes=number))


def new():
    return {"public_id": uuid.uuid4().hex}


def threads(colleges, user, chance):
    blank = data.blank(models.MessageThread)
    for number in range(1, EACH["message_thread"] + 1):
        college = chance.choice(colleges)
        place = {"account_id": college.account_id, "company_id": college.company_id, "category_id": college.id}
        said = {
            "number": number,
            "kind": "REQUEST" if number % 10 else "COMPLAINT",
            "nature": "OTHER",
            "subject": "Carte",
        }
        due = str(clock.today() + datetime.timedelta(days=number % 20 - 5))
        when = {"created_at": ago(number), "written_at": ago(number), "due_on": due, "author_id": user.id}
        yield blank | new() | place | said | when


def proofs(people, chance):
    blank, today = data.blank(models.DocumentRequest), str(clock.today())
    for number in range(EACH["document_request"]):
        person, category = people[number % len(people)]
        asked = {"beneficiary_id": person, "category_id": category, "campaign": f"Campagne {number // len(people)}"}
        came = {"state": "RECEIVED", "received_at": ago(number), "sent_on": today, "due_on": today}
        yield blank | new() | asked | came | {"document_type": "HEALTH_RIGHTS", "origin": "RENEWAL"}


def sendings(colleges, user, chance):
    blank = data.blank(models.Sending)
    for number in range(EACH["sending"]):
        whose = {"account_id": chance.choice(colleges).account_id, "author_id": user.id, "document_type": "GROUP"}
        yield blank | new() | whose | {"sent_at": ago(number)}


def registrations():
    blank = data.blank(models.Registration)
    for number in range(EACH["registration"]):
        who = {"email": f"inscription-{number}@bench.example", "role": "company", "state": "RECEIVED"}
        yield blank | new() | who | {"created_at": ago(number), "sent_at": ago(number)}


def fill_alone():
    """One account more, of as many people as the others have together, and who sees it alone."""
    with db.connection_context(), db.atomic():
        plan = models.Plan.select().order_by(models.Plan.id).first()
        signed = data.fill_account(ACCOUNTS + 1, plan, random.Random(6))  # nosec B311
        data.make_user(ALONE, models.UserRole.COMPANY, [signed[0][0]])
        data.insert("beneficiary", map(another, data.beneficiaries(PEOPLE, [signed, signed])))
    with db.connection_context():
        database.refresh_statistics(db)
    db.close_all()


def another(row):
    number = row["id"] + PEOPLE
    return row | new() | {"id": number, "member_number": f"{number:08}", "household_number": f"G{number:07}"}


def show_door(place, seconds):
    """The people of one account, for who sees it alone and for who sees 300: the same rows, so that the door alone
    differs. Then all that each may see, one account or 300 of as many people in all. CPU a request.
    """
    costs, everyone = {}, data.EVERYONE
    with serve("app:create_app", place.served, place.cluster) as portal:
        browsers = {who: Browser(portal).sign_in(who, data.PASSWORD) for who in (data.SMALL, ALONE, everyone)}
        account = CODE.search(browsers[data.SMALL].get("/salaries"))[1]
        pages = {
            "Un compte": (f"/salaries?perimetre={account}", data.SMALL),
            "Tous les siens": ("/salaries?perimetre=tous", ALONE),
        }
        for _ in range(ROUNDS):
            for page, (path, one) in pages.items():
                for who in (one, everyone):
                    browsers[who].get(path)  # keeps in its cookies where it was last
                    cost = portal.cost(path, browsers[who].headers, seconds)
                    costs[page, who] = min((costs.get((page, who), cost), cost), key=lambda cost: cost.cpu)
    rows = [[page, *(costs[page, who].cpu for who in (one, everyone))] for page, (_, one) in pages.items()]
    heads = ("", "CPU ms, qui en voit un", f"CPU ms, qui en voit {ACCOUNTS}", "× CPU")
    table(f"La porte, {place.name}", heads, [[*row, verdict(row[2] / row[1], DOOR)] for row in rows])


def show(place, seconds):
    fill(place)
    addresses = {name: (path, {}) for name, path in PAGES.items()}
    title = f"Gestion, {place.name}, {figure(sum(EACH.values()))} éléments à traiter"
    beside.show(title, place, seconds, addresses, data.DESK)
    fill_alone()
    show_door(place, seconds)
