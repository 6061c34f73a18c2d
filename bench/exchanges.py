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

from app import create_app
from bench import apart, beside, data
from bench.browser import signed_in_client
from bench.report import figure, table, verdict
from portal import clock, database, models, storage
from portal.formats import sort_key
from portal.models import db

THREADS, MESSAGES, DOCUMENTS, IN_ZIP = 20_000, 200_000, 50_000, 500
SEARCHED, UPLOADED, ZIPPED = 2, 1.5, 30  # × the bare query, × a bare save, MB
WORD, RARE = "attestation", "teletransmission"  # in most messages, in one of a hundred
WORDS = data.words(
    "bonjour merci carte mutuelle contrat adhésion conjoint enfant garantie remboursement règlement bordereau échéance "
    "prélèvement attestation justificatif certificat scolarité radiation portabilité dispense collège salarié dossier"
)
FRAGMENT = {"HX-Request": "true"}


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
            "kind": "REQUEST" if number % 5 else "COMPLAINT",
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
        "Demandes": ("/demandes", {}),
        "Demandes, page 500": ("/demandes?page=500", {}),
        "Demandes, fragment d’une recherche": (f"/demandes?q={RARE}", FRAGMENT),
        "Une demande": (f"/demandes/{first}", {}),
        "Espace documentaire": ("/espace-documentaire", {}),
        "Espace documentaire, page 1 000": ("/espace-documentaire?page=1000", {}),
        "Espace documentaire, fragment d’une recherche": ("/espace-documentaire?q=affiliation+4999", FRAGMENT),
    }
    name = f"{figure(THREADS)} échanges, {figure(MESSAGES)} messages, {figure(DOCUMENTS)} documents"
    beside.show(f"Échanges, {place.name}, {name}", place, seconds, addresses)


def searched(settings, path, words, typed):
    """The statements of a search, then the bare query of its words: (seconds, seconds)."""
    app, seen = create_app(settings=settings), []
    client, _ = signed_in_client(app)
    client.get(path, headers=FRAGMENT)
    hook = lambda event: seen.append((event.sql, event.params))  # noqa: E731
    db.obj.query_hooks.append(hook)
    client.get(path, headers=FRAGMENT)
    db.obj.query_hooks.remove(hook)
    mine = [(sql, values) for sql, values in seen if words.name in sql]
    with db.connection_context():
        bare = models.ThreadMessage.select().where(models.ThreadMessage.id.in_(words.matching(db, typed)))
        sql, values = bare.select(models.ThreadMessage.id).sql()
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
        ("Messages, un mot très courant", f"/demandes?q={WORD}", models.message_words, WORD),
        ("Messages, un mot rare", f"/demandes?q={RARE}", models.message_words, RARE),
        ("Messages, deux mots", f"/demandes?q={WORD}+dispense", models.message_words, f"{WORD} dispense"),
        ("Documents, un nom", "/espace-documentaire?q=affiliation+4999", models.document_words, "affiliation 4999"),
    ):
        ours, bare = apart.measured(searched, place.settings, path, words, typed).gave
        rows.append([name, ours * 1_000, bare * 1_000, verdict(ours / bare, SEARCHED)])
    table(f"Recherches, {place.name}", ("", "SQL ms", "requête nue ms", "× temps"), rows)


# ── An upload, a zip ─────────────────────────────────────────────────────────────────────────────────────────────


def picture():
    """A file of 4 Mo that the gate takes as it is: a PDF with a stream that does nothing."""
    filling = os.urandom(4 * 1024 * 1024 - 2_000)
    head = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    )
    stream = f"4 0 obj<</Length {len(filling)}>>stream\n".encode() + filling + b"\nendstream endobj\n"
    return head + stream + b"trailer<</Root 1 0 R>>\n%%EOF\n"


TIMES = 10


def kept(settings):
    """What `receive` does of one file: the gate in its child, encryption, the store and the row."""
    create_app(settings=settings)
    content = picture()
    with db.connection_context():
        storage.receive(io.BytesIO(content), "un.pdf", ("pdf",), account=None, holder="")
        yield
        began = time.perf_counter()
        for _ in range(TIMES):
            storage.receive(io.BytesIO(content), "un.pdf", ("pdf",), account=None, holder="")
        yield (time.perf_counter() - began) / TIMES


def saved(settings):
    """A bare Flask that saves what comes."""
    app, folder, content = Flask(__name__), tempfile.mkdtemp(), picture()

    @app.post("/")
    def save():
        request.files["fichier"].save(f"{folder}/{uuid.uuid4()}")
        return "", 204

    client = app.test_client()
    client.post("/", data={"fichier": (io.BytesIO(content), "un.pdf")})
    yield
    began = time.perf_counter()
    for _ in range(TIMES):
        client.post("/", data={"fichier": (io.BytesIO(content), "un.pdf")})
    yield (time.perf_counter() - began) / TIMES


def show_upload(place):
    ours, bare = apart.measured(kept, place.settings), apart.measured(saved, place.settings)
    ratio, memory = verdict(ours.gave / bare.gave, UPLOADED), verdict(ours.peak - ours.before, 8)
    row = ["Envoi de 4 Mo", ours.gave * 1_000, bare.gave * 1_000, ratio, ours.cpu / TIMES * 1_000, memory]
    heads = ("", "durée ms", "Flask nu ms", "× durée", "CPU ms", "mémoire de plus, Mo")
    table(f"Envoi, {place.name}", heads, [row])


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
