"""Exchanges: 20,000 threads of 200,000 messages, a library of 50,000 documents, their searches; an upload; a zip."""

import datetime
import io
import os
import random
import tempfile
import time
import uuid
from itertools import islice

from flask import Flask, request
from PIL import Image

from app import create_app
from bench import apart, beside, data
from bench.browser import TOKEN, Browser, signed_in_client
from bench.report import figure, table, verdict
from bench.servers import ask, serve
from portal import clock, database, models, storage
from portal.exchange import uploads
from portal.formats import sort_key
from portal.models import db
from tests import files

THREADS, MESSAGES, DOCUMENTS, IN_ZIP = 20_000, 200_000, 50_000, 500
SEARCHED, UPLOADED, ZIPPED = 2, 1.5, 30  # × the bare query, × a bare save, MB
WORD, RARE = "attestation", "teletransmission"  # in most messages, in one of a hundred
WORDS = data.words(
    "bonjour merci carte mutuelle contrat adhésion conjoint enfant garantie remboursement règlement bordereau échéance "
    "prélèvement attestation justificatif certificat scolarité radiation portabilité dispense collège salarié dossier"
)
FRAGMENT = {"HX-Request": "true"}
DEPOSIT, MOST = "/documents?perimetre=C000001", 4 * 1024 * 1024


# ── The data ─────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(place):
    models.db.initialize(database.connect(place.url))
    with db.connection_context(), db.atomic():
        colleges = list(models.EmployeeCategory.select())
        user = models.User.get(models.User.identifier == data.EVERYONE)
        chance = random.Random(4)  # nosec B311
        data.insert("message_thread", threads(colleges, user, chance))
        texts = [" ".join(chance.choices(WORDS, k=30)) for _ in range(500)]
        texts[::100] = [f"{text} {RARE}" for text in texts[::100]]
        data.insert("thread_message", messages(user, texts))
        index(models.message_words, ((number, texts[number % 500]) for number in range(1, MESSAGES + 1)))
        data.insert("document", documents(colleges, chance))
        titles = ((number, f"Attestation d’affiliation {number}") for number in range(1, DOCUMENTS + 1))
        index(models.document_words, titles)
    with db.connection_context():
        database.refresh_statistics(db)
    db.close_all()


def threads(colleges, user, chance):
    blank, now = data.blank(models.MessageThread), clock.now()
    states = list(models.ThreadState)
    for number in range(1, THREADS + 1):
        college = chance.choice(colleges)
        written = now - datetime.timedelta(minutes=20 * number)
        yield blank | {
            "id": number,
            "public_id": uuid.uuid4().hex,
            "number": number,
            "kind": "REQUEST" if number % 7 else "COMPLAINT",  # rare words are in both
            "nature": "OTHER",
            "subject": " ".join(chance.choices(WORDS, k=4)),
            "account_id": college.account_id,
            "company_id": college.company_id,
            "category_id": college.id,
            "author_id": user.id,
            "state": str(states[number % len(states)]),
            "created_at": str(written),
            "written_at": str(written),
            "due_on": str((written + datetime.timedelta(days=5)).date()),
            "last_message": number * 10,
            "last_said": number * 10,
        }


def messages(user, texts):
    blank, each = data.blank(models.ThreadMessage), MESSAGES // THREADS
    for number in range(1, MESSAGES + 1):
        yield blank | {
            "id": number,
            "public_id": uuid.uuid4().hex,
            "thread_id": (number - 1) // each + 1,
            "author_id": user.id,
            "by_staff": bool(number % 2),
            "body": texts[number % len(texts)],
        }


def documents(colleges, chance):
    blank, today = data.blank(models.Document), clock.today()
    for number in range(1, DOCUMENTS + 1):
        title = f"Attestation d’affiliation {number}"
        yield blank | {
            "id": number,
            "public_id": uuid.uuid4().hex,
            "account_id": chance.choice(colleges).account_id,
            "title": title,
            "title_key": sort_key(title),
            "document_type": "AFFILIATION_CERTIFICATE",
            "published_on": str(today - datetime.timedelta(days=number % 900)),
            "created_at": str(clock.now()),
        }


def index(words, rows):
    rows = iter(rows)
    while some := dict(islice(rows, 5_000)):
        words.put(db, some)


# ── Pages and searches ───────────────────────────────────────────────────────────────────────────────────────────


def show_pages(place, seconds):
    models.db.initialize(database.connect(place.url))
    with db.connection_context():
        first = models.MessageThread.get_by_id(5_001).public_id
    db.close_all()
    addresses = {
        "Demandes": ("/demandes?perimetre=tous", {}),
        "Demandes, page 500": ("/demandes?perimetre=tous&page=500", {}),
        "Demandes, fragment d’une recherche": (f"/demandes?perimetre=tous&q={RARE}", FRAGMENT),
        "Une demande": (f"/demandes/{first}?perimetre=tous", {}),
        "Espace documentaire": ("/espace-documentaire?perimetre=tous", {}),
        "Espace documentaire, page 1 000": ("/espace-documentaire?perimetre=tous&page=1000", {}),
        "Espace documentaire, fragment d’une recherche": (
            "/espace-documentaire?perimetre=tous&q=affiliation+4999",
            FRAGMENT,
        ),
    }
    name = f"{figure(THREADS)} échanges, {figure(MESSAGES)} messages, {figure(DOCUMENTS)} documents"
    beside.show(f"Échanges, {place.name}, {name}", place, seconds, addresses)


def searched(settings, path, words, typed):
    """The statements of a search, those that read its page too, then its bare query: (seconds, seconds).

    The bare query answers the same question and nothing more: which threads hold the words, or which documents.
    """
    app, seen = create_app(settings=settings), []
    client, _ = signed_in_client(app)
    client.get(path, headers=FRAGMENT)
    hook = lambda event: seen.append((event.sql, event.params))  # noqa: E731
    db.obj.query_hooks.append(hook)
    client.get(path, headers=FRAGMENT)
    db.obj.query_hooks.remove(hook)
    mine = [(sql, values) for sql, values in seen if words.name in sql or '"assignee"' in sql]
    with db.connection_context():
        said = models.ThreadMessage.select(models.ThreadMessage.thread)
        said = said.where(models.ThreadMessage.id.in_(words.matching(db, typed)))
        sql, values = (
            models.MessageThread.select(models.MessageThread.id).where(models.MessageThread.id.in_(said)).sql()
        )
        if words is models.document_words:
            found = models.Document.select(models.Document.id)
            sql, values = found.where(models.Document.id.in_(words.matching(db, typed))).sql()
        yield
        yield fastest(mine), fastest([(sql, values)])


def fastest(statements):
    times = []
    for _ in range(7):
        began = time.perf_counter()
        for sql, values in statements:
            db.execute_sql(sql, values).fetchall()
        times.append(time.perf_counter() - began)
    return min(times)


def show_searches(place):
    rows = []
    for name, path, words, typed in (
        ("Messages, un mot très courant", f"/demandes?perimetre=tous&q={WORD}", models.message_words, WORD),
        ("Messages, un mot rare", f"/demandes?perimetre=tous&q={RARE}", models.message_words, RARE),
        (
            "Messages, deux mots",
            f"/demandes?perimetre=tous&q={WORD}+dispense",
            models.message_words,
            f"{WORD} dispense",
        ),
        (
            "Documents, un nom",
            "/espace-documentaire?perimetre=tous&q=affiliation+4999",
            models.document_words,
            "affiliation 4999",
        ),
    ):
        ours, bare = apart.measured(searched, place.settings, path, words, typed).gave
        rows.append([name, ours * 1_000, bare * 1_000, verdict(ours / bare, SEARCHED)])
    table(f"Recherches, {place.name}", ("", "SQL ms", "requête nue ms", "× temps"), rows)


# ── An upload, a zip ─────────────────────────────────────────────────────────────────────────────────────────────

BOUNDARY = "une-limite-que-rien-ne-contient"
UPLOADS = 15


def papers():
    """Files of 4 Mo: {name: (kind, content)}."""
    return {
        "un PDF": ("pdf", files.heavy_pdf(MOST)),
        "un PDF sans table, à reconstruire": ("pdf", files.heavy_pdf(MOST).replace(b"startxref", b"startxxxx")),
        "une photo de 12 Mpx, refaite": ("jpeg", photograph()),
    }


def photograph():
    """As a telephone makes one: 4,000 × 3,000, some 4 Mo."""
    noise = Image.frombytes("L", (400, 300), random.Random(4).randbytes(120_000))  # nosec B311
    out = io.BytesIO()
    noise.resize((4_000, 3_000)).convert("RGB").save(out, "JPEG", quality=97)
    return out.getvalue()


def saver():
    """A bare Flask that saves what comes; and one that waits until it is on the disk, as who keeps it must."""
    app, folder = Flask(__name__), os.environ["BENCH_FILES"]

    @app.post("/")
    def save():
        request.files["fichiers"].save(f"{folder}/{uuid.uuid4()}")
        return "", 204

    @app.post("/disque")
    def save_on_disk():
        with open(f"{folder}/{uuid.uuid4()}", "wb") as file:
            request.files["fichiers"].save(file)
            file.flush()
            os.fsync(file.fileno())
        return "", 204

    app.add_url_rule("/bonjour", view_func=lambda: "bonjour", endpoint="hello")
    return app


def body_of(words, content, extension):
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in words.items()]
    head = f'Content-Disposition: form-data; name="fichiers"; filename="un.{extension}"\r\n\r\n'
    text = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{BOUNDARY}\r\n{head}"
    return text.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def sent(server, path, headers, bodies):
    """Seconds of each answer."""
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    for body in bodies:
        began = time.perf_counter()
        status, _, _ = ask(server.port, "POST", path, headers | kind, body)
        if status not in (204, 303):
            raise SystemExit(f"L’envoi a répondu {status}.")
        yield time.perf_counter() - began


def cost(server, *sending):
    """The quickest and the usual answer, and the CPU of one, in ms."""
    before = sum(server.used())
    times = sorted(sent(server, *sending))
    return times[0] * 1_000, times[len(times) // 2] * 1_000, (sum(server.used()) - before) / len(times) * 1_000


def checks(settings, content, kind):
    """The check of a content in its process, alone: seconds."""
    with uploads.checked(io.BytesIO(content), kind):
        yield
    times = []
    for _ in range(UPLOADS):
        began = time.perf_counter()
        with uploads.checked(io.BytesIO(content), kind):
            times.append(time.perf_counter() - began)
    yield min(times)


def kept(settings, content, kind):
    """What `receive` does of one file: the gate, encryption, the store and the row."""
    create_app(settings=settings)
    with db.connection_context():
        for number in range(UPLOADS):
            storage.receive(io.BytesIO(content), f"un.{kind}", (kind,), account=None, holder="")
            if not number:
                yield
        yield


def show_upload(place):
    rows, environment = [], place.environment | {"FILES_PER_DAY": "100000"}
    with tempfile.TemporaryDirectory() as folder, serve("app:create_app", environment, place.cluster) as portal:
        browser = Browser(portal).sign_in(data.SMALL, data.PASSWORD)
        with serve("bench.exchanges:saver", environment | {"BENCH_FILES": folder}, place.cluster) as bare:
            for name, (kind, content) in papers().items():
                token = TOKEN.search(browser.get(DEPOSIT))[1]
                words = {"csrf_token": token, "type": "GROUP", "entreprise": "compte"}
                forms = [body_of(words | {"form_key": uuid.uuid4()}, content, kind) for _ in range(2 * UPLOADS)]
                for server, path, headers in ((portal, DEPOSIT, browser.headers), (bare, "/", {})):
                    list(sent(server, path, headers, forms[:6]))  # both workers start what they keep
                ours = cost(portal, DEPOSIT, browser.headers, forms[6:])
                theirs = cost(bare, "/", {}, forms[6:])
                on_disk = cost(bare, "/disque", {}, forms[6:])[0]
                rows.append(upload_row(place, name, kind, content, ours, theirs, on_disk))
    heads = (
        "Par le formulaire",
        "ms",
        "médiane",
        "CPU",
        "nu ms",
        "médiane",
        "CPU",
        "× durée",
        "× CPU",
        "nu, sur disque ms",
    )
    alone = ("contrôle seul ms", "contrôle seul CPU", "× CPU, contrôle à part", "mémoire de plus, Mo")
    table(f"Envoi de 4 Mo, {place.name}", (*heads, *alone), rows)


def upload_row(place, name, kind, content, ours, theirs, on_disk):
    """A PDF is looked into, and a photo drawn again, by a child: what that costs is said apart, as the limit is."""
    check = apart.measured(checks, place.settings, content, kind)
    alone, its_cpu = check.gave * 1_000, check.cpu * 1_000 / UPLOADS
    memory = apart.measured(kept, place.settings, content, kind)
    ratios = [ours[part] / theirs[part] for part in (0, 2)]
    without = verdict((ours[2] - its_cpu) / theirs[2], UPLOADED)
    more = verdict(memory.peak - memory.before, 8)
    return [name, *ours, *theirs, *ratios, on_disk, alone, its_cpu, without, more]


def zipped(settings):
    """500 documents that are made already, as one zip: its size."""
    app = create_app(settings=settings)
    with db.connection_context():
        user = models.User.get(models.User.identifier == data.EVERYONE)
        mine = user.documents().order_by(models.Document.id).limit(IN_ZIP)
        for row in mine:
            content = io.BytesIO(os.urandom(60_000))
            file = storage.file_away(content, f"{row.id}.pdf", "application/pdf", account=row.account_id)
            file.attach()
            models.Document.update(file=file).where(models.Document.id == row.id).execute()
        marks = [f"D{row.public_id}" for row in mine]
    client, token = signed_in_client(app)
    form = {"csrf_token": token, "qui": marks}
    address = "/espace-documentaire/telechargement"
    client.post(address, data={"csrf_token": token, "qui": marks[:1]}).get_data()
    yield
    answer = client.post(address, data=form, buffered=False)
    if answer.status_code != 200:
        raise SystemExit(f"Le zip a répondu {answer.status_code}.")
    yield sum(len(piece) for piece in answer.response)


def show_zip(place):
    asked = apart.measured(zipped, place.settings)
    memory = verdict(asked.peak - asked.before, ZIPPED)
    heads = ("", "documents", "octets", "CPU s", "mémoire de plus, Mo")
    table(f"Zip, {place.name}", heads, [["Espace documentaire", IN_ZIP, asked.gave, asked.cpu, memory]])


def show(place, seconds):
    fill(place)
    show_searches(place)
    show_upload(place)
    show_zip(place)
    show_pages(place, seconds)
