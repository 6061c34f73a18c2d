"""The floors: bare Flask, and the portal's pages made by SQL written by hand and one compiled template each.

A request still finds its session by the hash of its token, counts the accounts, makes a CSRF token, and reads people
through the same permissions and in the same order; it does nothing else.
"""

import datetime
import hashlib
import os
import sqlite3
import uuid
from pathlib import Path

import psycopg
from flask import Flask, request, session
from itsdangerous import URLSafeTimedSerializer
from jinja2 import Environment

DOOR = """category_id IN (SELECT c.id FROM employee_category c WHERE EXISTS (
    SELECT 1 FROM permission_grant g WHERE g.user_id = :user AND g.valid_from <= :today
    AND (g.valid_to IS NULL OR g.valid_to >= :today) AND g.account_id = c.account_id
    AND (g.company_id IS NULL OR g.company_id = c.company_id)
    AND (g.category_id IS NULL OR g.category_id = c.id)))"""
ACTIVE = "(b.terminated_on IS NULL OR b.terminated_on >= :today)"
ORDER = "b.name_key, b.household_number, b.role, b.category_id, b.search_key"
SESSION = """SELECT u.id, u.first_name, u.last_name, s.started_at, s.seen_at, (
    SELECT count(DISTINCT g.account_id) FROM permission_grant g
    WHERE g.user_id = u.id AND g.valid_from <= :today AND (g.valid_to IS NULL OR g.valid_to >= :today))
    FROM user_session s JOIN "user" u ON u.id = s.user_id
    WHERE s.token_hash = :token AND s.ended_at IS NULL AND u.disabled_at IS NULL"""
FAVOURITES = """SELECT a.code, a.name, a.description FROM managed_account a JOIN favourite f ON f.account_id = a.id
    WHERE f.user_id = :user ORDER BY a.name_key"""
HERE = """EXISTS (SELECT 1 FROM permission_grant g WHERE g.user_id = :user AND g.valid_from <= :today
    AND (g.valid_to IS NULL OR g.valid_to >= :today) AND g.account_id = {0}.account_id
    AND (g.company_id IS NULL OR g.company_id = {0}.company_id)
    AND (g.category_id IS NULL OR g.category_id = {1}))"""
UNREAD = f"""SELECT count(*) FROM thread_follower f JOIN message_thread t ON t.id = f.thread_id
    WHERE f.user_id = :user AND f.unread > 0 AND {HERE.format("t", "t.category_id")}"""
WAITING = f"""SELECT (SELECT count(*) FROM (SELECT 1 FROM document_request r JOIN employee_category c
    ON c.id = r.category_id WHERE r.state IN ('AWAITED', 'REFUSED') AND {HERE.format("c", "c.id")} LIMIT 100) AS few),
    ({UNREAD} AND t.kind = 'REQUEST'), ({UNREAD} AND t.kind = 'COMPLAINT')"""
COLUMNS = """b.public_id, b.member_number, b.role, b.title, b.birth_name, b.used_name, b.first_name, b.birth_date,
    b.effective_on, b.terminated_on, k.number, a.name"""
JOINED = "JOIN group_contract k ON k.id = b.contract_id JOIN managed_account a ON a.id = b.account_id"
LIST = f"SELECT {COLUMNS} FROM beneficiary b {JOINED}"
FOUND = f"SELECT {COLUMNS}, total FROM found JOIN beneficiary b ON b.id = found_id {JOINED}"
PERSON = f"""SELECT {COLUMNS}, b.household_number, b.account_id, c.code, c.label, y.label, p.contract_nature, p.label,
    k.public_id, b.street_number, b.street, b.postal_code, b.city, b.nir, b.reimbursement_iban, b.id
    FROM beneficiary b JOIN group_contract k ON k.id = b.contract_id JOIN plan p ON p.id = k.plan_id
    JOIN employee_category c ON c.id = b.category_id JOIN company y ON y.id = c.company_id
    JOIN managed_account a ON a.id = b.account_id WHERE b.public_id = :person AND b.{DOOR}"""
HOUSEHOLD = """SELECT b.public_id, b.first_name, b.birth_name, b.used_name, b.role, b.birth_date, p.label
    FROM beneficiary b LEFT JOIN individual_product i ON i.beneficiary_id = b.id LEFT JOIN plan p ON p.id = i.plan_id
    WHERE b.household_number = :household AND b.account_id = :account ORDER BY b.role, b.birth_date, b.id, p.label"""
HISTORY = """SELECT e.action, e.at, u.first_name, u.last_name FROM audit_event e LEFT JOIN "user" u ON u.id = e.user_id
    WHERE e.object_type = 'beneficiary' AND e.object_id = :person ORDER BY e.number DESC LIMIT 20"""
MOVEMENTS = f"""SELECT m.kind, m.state, m.effective_on, m.reason, m.created_at, u.first_name, u.last_name
    FROM movement m JOIN employee_category c ON c.id = m.category_id LEFT JOIN "user" u ON u.id = m.author_id
    WHERE m.beneficiary_id = :person AND {HERE.format("c", "c.id")} ORDER BY m.id DESC LIMIT 50"""
DOCUMENTS = f"""SELECT d.public_id, d.title, d.published_on
    FROM document d JOIN beneficiary b ON b.id = d.beneficiary_id
    WHERE d.beneficiary_id = :person AND d.withdrawn_at IS NULL AND b.{DOOR} ORDER BY d.id DESC"""
ROLES = ("Salarié", "Conjoint", "Enfant")
MEMBER = (
    "\n    <li>{% if member.own %}<strong>{{ member.name }}</strong>{% else %}"
    '<a href="/salaries/{{ member.public_id }}">{{ member.name }}</a>{% endif %}'
    '<span class="text-body-secondary">{{ member.role }}, {{ member.birth_date }}</span></li>'
)


def people(where):
    """How to count them, and how to read a page of them."""
    ids = f"SELECT b.id FROM beneficiary b WHERE {where} ORDER BY {ORDER} LIMIT 25 OFFSET :skipped"
    return f"SELECT count(*) FROM beneficiary b WHERE {where}", f"{LIST} WHERE b.id IN ({ids}) ORDER BY {ORDER}"


def people_at_once(where):
    """The same in one reading, when few match: the count stands beside each row."""
    ids = f"SELECT b.id, count(*) OVER () FROM beneficiary b WHERE {where} ORDER BY {ORDER} LIMIT 25 OFFSET :skipped"
    return None, f"WITH found (found_id, total) AS ({ids}) {FOUND} ORDER BY {ORDER}"


class Database:
    """SQLite or PostgreSQL through its own driver, one connection for the process."""

    def __init__(self, url):
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            path = url.removeprefix("sqlite:///")
            self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self.connection.execute("PRAGMA cache_size = -32000")
        else:
            self.connection = psycopg.connect(url, autocommit=True)
        # Read along the index of the order, as long as the database is not tempted to begin with the door.
        self.door = f"+b.{DOOR}" if self.is_sqlite else f"(b.{DOOR}) IS TRUE"
        self.search = "instr(b.search_key, :word) > 0" if self.is_sqlite else "b.search_key LIKE :word"

    def rows(self, sql, **values):
        if self.is_sqlite:
            return self.connection.execute(sql, values).fetchall()
        return self.connection.execute(named(sql), values).fetchall()

    def word(self, typed):
        return typed if self.is_sqlite else f"%{typed}%"


def named(sql, known={}):  # noqa: B006  a cache
    """`:name` as psycopg writes it."""
    if sql not in known:
        words = sql.replace("%", "%%").split(":")
        known[sql] = words[0] + "".join(f"%({name(word)})s{word[len(name(word)) :]}" for word in words[1:])
    return known[sql]


def name(word):
    return "".join(letter if letter.isalpha() else " " for letter in word).split(" ")[0]


def create_app():
    app = Flask(__name__)
    app.secret_key = os.environ["SECRET_KEY"]
    app.add_url_rule("/bonjour", view_func=lambda: "bonjour", endpoint="hello")
    folder = Path(os.environ.get("BENCH_TEMPLATES", "/nowhere"))
    if folder.exists():
        Floor(app, folder)
    return app


class Floor:
    def __init__(self, app, folder):
        self.database = Database(os.environ["DATABASE_URL"])
        jinja = Environment(autoescape=True, keep_trailing_newline=True)
        self.templates = {path.stem: jinja.from_string(path.read_text()) for path in folder.glob("*.html")}
        self.signer = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token")
        door, search = self.database.door, self.database.search
        self.listed = people(f"{door} AND {ACTIVE}")
        self.searched = people_at_once(f"{door} AND {ACTIVE} AND {search}")
        self.fragment = people_at_once(f"{door} AND {search}")
        app.add_url_rule("/salaries", view_func=self.index, endpoint="index")
        app.add_url_rule("/salaries/<uuid:id>", view_func=self.show, endpoint="show")

    def signed_in(self):
        token = hashlib.sha256(session["_user_id"].encode()).hexdigest()
        today = datetime.date.today().isoformat()
        [user] = self.database.rows(SESSION, token=token, today=today)
        return {"user": user[0], "today": today}

    def frame(self, user):
        """What the page holds beside its list: the chooser's favourites, what waits in the menu, the forms' token."""
        favourites, waiting = self.database.rows(FAVOURITES, user=user["user"]), self.database.rows(WAITING, **user)
        return {"favourites": favourites, "waiting": waiting[0], "token": self.token()}

    def token(self):
        return self.signer.dumps(session["csrf_token"])

    def index(self):
        user, typed = self.signed_in(), request.args.get("q")
        fragment = "HX-Request" in request.headers
        count, rows = self.fragment if fragment else self.searched if typed else self.listed
        values = user | {"skipped": (int(request.args.get("page", 1)) - 1) * 25}
        if typed:
            values["word"] = self.database.word(typed)
        total = self.database.rows(count, **without(values, "skipped"))[0][0] if count else None
        found = self.database.rows(rows, **values)
        total = (found[0][-1] if found else 0) if total is None else total
        kind = "fragment" if fragment else "search" if typed else "page" if "page" in request.args else "first"
        frame = {"token": self.token()} if fragment else self.frame(user)
        return self.templates[kind].render(rows=map(written, found), total=f"{total:,}".replace(",", "\u202f"), **frame)

    def show(self, id):
        user = self.signed_in()
        key = id.hex if self.database.is_sqlite else id
        [person] = self.database.rows(PERSON, **user, person=key)
        members = self.database.rows(HOUSEHOLD, household=person[12], account=person[13])
        texts = {"person": details(person), "members": household(members, person[0])}
        texts["history"] = self.database.rows(HISTORY, person=str(id))
        texts["movements"] = self.database.rows(MOVEMENTS, person=person[-1], **user)
        texts["documents"] = self.database.rows(DOCUMENTS, person=person[-1], **user)
        return self.templates["person"].render(**texts, **self.frame(user))


def without(values, name):
    return {key: value for key, value in values.items() if key != name}


def written(row):
    """One row of a list as it is written."""
    return {
        "public_id": dashed(row[0]),
        "member_number": row[1],
        "role": ROLES[row[2]],
        "is_dependent": row[2],
        "title": row[3],
        "name": (row[5] or row[4]).upper(),
        "first_name": row[6],
        "birth_date": french(row[7]),
        "effective_on": french(row[8]),
        "ended": row[9] and french(row[9]),
        "feminine": "e" if row[3] == "Mme" else "",
        "contract": row[10],
        "account": row[11],
    }


def details(row):
    """One person as their page writes them."""
    full_name = f"{row[6]} {(row[5] or row[4]).upper()}"
    return written(row) | {
        "heading": f"{row[3]} {full_name}",
        "where": " · ".join(dict.fromkeys((ROLES[row[2]], row[16], row[11]))),
        "birth_name": row[4].upper(),
        "college": f"{row[14]} – {row[15]}",
        "nature": row[17],
        "plan": row[18],
    }


def household(rows, own):
    for public_id, first_name, birth_name, used_name, role, birth_date, _ in rows:
        full_name = f"{first_name} {(used_name or birth_name).upper()}"
        texts = {"name": full_name, "role": ROLES[role], "birth_date": french(birth_date)}
        yield texts | {"public_id": dashed(public_id), "own": public_id == own}


def french(day):
    text = str(day)
    return f"{text[8:10]}/{text[5:7]}/{text[:4]}"


def dashed(public_id):
    return str(uuid.UUID(public_id)) if isinstance(public_id, str) else str(public_id)
