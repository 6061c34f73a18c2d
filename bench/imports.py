"""Affiliations by file: from the upload to every row staged, then confirmed, beside calamine and executemany."""

import datetime
import random
import sqlite3
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psycopg
from openpyxl import Workbook
from python_calamine import CalamineWorkbook

from bench import apart, data
from bench.browser import Browser
from bench.report import table, verdict
from bench.servers import serve
from portal import database, models
from portal.exchange import confirming, recognising, staging
from portal.exchange.affiliation_cells import TITLES
from portal.models import AffiliationImport, ImportState, User, db
from portal.rules.identifiers import nir_key

ROWS, ROUNDS = 10_000, 3
READING, CONFIRMING, MEMORY, BESIDE = 6, 4, 200, 2
SECONDS = 5


def show(place, rows=ROWS):
    """`place` has the accounts and contracts; each round has its own file, and the quietest of each work counts."""
    rounds = [measure(place, rows, seed) for seed in range(ROUNDS)]
    bare, reading, confirming = (min(works, key=lambda use: use.cpu) for works in zip(*rounds, strict=True))
    heads = ("", "lignes", "CPU s", "CPU nu s", "× CPU", "mémoire au plus, Mo")
    works = (("Lire, vérifier, ranger", reading, READING), ("Confirmer", confirming, CONFIRMING))
    lines = [
        [f"{name} : {use.gave}", rows, use.cpu, bare.cpu, verdict(use.cpu / bare.cpu, most), verdict(use.peak, MEMORY)]
        for name, use, most in works
    ]
    table(f"Affiliations par fichier, {place.name}", heads, lines)
    show_beside(place)


def measure(place, rows, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "affiliations.xlsx")
        source = write_file(path, place, rows, seed)
        bare = apart.measured(load_bare, path, f"sqlite:///{folder}/bare.db" if not place.cluster else place.url)
        return bare, apart.measured(read, source, place.settings), apart.measured(confirm, source, place.settings)


def show_beside(place):
    """The list of people, asked for by 16 browsers at once, in peace and while a file is read and confirmed."""
    with tempfile.TemporaryDirectory() as folder, serve("app:create_app", place.served, place.cluster) as portal:
        source = write_file(Path(folder, "affiliations.xlsx"), place, ROWS, ROUNDS)
        headers = Browser(portal).sign_in(data.EVERYONE, data.PASSWORD).headers
        portal.cost("/salaries?perimetre=tous", headers, 1)
        quiet = portal.cost("/salaries?perimetre=tous", headers, SECONDS)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as worker:
            work = worker.submit(read_and_confirm, source, place.settings)
            busy = portal.cost("/salaries?perimetre=tous", headers, SECONDS)
            line = [
                "La liste pendant ce temps",
                quiet.p99,
                busy.p99,
                verdict(busy.p99 / quiet.p99, BESIDE),
                busy.faults,
            ]
            line.append("oui" if work.running() else "non")
    table(
        f"Les autres pages, {place.name}",
        ("", "p99 ms", "p99 ms occupé", "× p99", "erreurs", "travail plus long"),
        [line],
    )


def read_and_confirm(source, settings):
    for work in (read, confirm):
        for _ in work(source, settings):
            pass


def opened(settings):
    models.db.initialize(database.connect(settings.database_url))
    models.vault.use(settings.vault_keys)
    return db.connection_context()


def read(source, settings):
    with opened(settings):
        yield
        staged = AffiliationImport.get_by_id(source)
        staging.read(staged)
        yield f"{staged.rows.where(models.ImportRow.verdict != 'ERROR').count()} bonnes"


def confirm(source, settings):
    with opened(settings):
        staged = AffiliationImport.get_by_id(source)
        staged.move(ImportState.CONFIRMING)
        yield
        confirming.confirm(staged)
        yield f"{staged.rows.where(models.ImportRow.movement.is_null(False)).count()} affiliations"


def load_bare(path, url):
    is_sqlite = url.startswith("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///")) if is_sqlite else psycopg.connect(url)
    texts = ", ".join(f"c{place} TEXT" for place in range(len(TITLES)))
    connection.execute("DROP TABLE IF EXISTS bare_rows")
    connection.execute(f"CREATE TABLE bare_rows ({texts})")
    connection.commit()
    marks = ", ".join(("?" if is_sqlite else "%s",) * len(TITLES))
    yield
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).iter_rows()
    next(rows)
    texts = ([str(cell) for cell in row] for row in rows)
    connection.cursor().executemany(f"INSERT INTO bare_rows VALUES ({marks})", texts)  # nosec B608
    connection.commit()
    yield


def write_file(path, place, rows, seed):
    """A workbook of employees and children of the first account, and its import, waiting: its id."""
    chance = random.Random(seed)  # nosec B311: fictional rows
    with opened(place.settings):
        user = User.known(data.EVERYONE)
        account = user.accounts().order_by(models.ManagedAccount.id).first()
        offered = recognising.offers(user, account.id)
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Salariés")
        sheet.append(list(TITLES))
        for number in range(rows):
            sheet.append(
                [person(seed * rows + number, chance.choice(offered), chance).get(title, "") for title in TITLES]
            )
        book.save(path)
        content = path.read_bytes()
        source = AffiliationImport(
            account=account, author=user, file_name=path.name, sha256="0" * 64, size=len(content), state="WAITING"
        )
        source.keep(content)
        source.save(force_insert=True)
    db.close_all()
    return source.id


def person(number, offer, chance):
    born = datetime.date(1960, 1, 1) + datetime.timedelta(days=chance.randrange(15_000))
    sex = chance.choice("MF")
    commune = f"{1 + number // 990 % 90:02}{1 + number % 990:03}"
    root = f"{'1' if sex == 'M' else '2'}{born:%y%m}{commune}{chance.randrange(1, 990):03}"
    return {
        "Type": "Salarié",
        "Matricule": f"M{number}",
        "Civilité": "M." if sex == "M" else "Mme",
        "Nom": data.surname(chance),
        "Prénom": chance.choice(data.FIRST_NAMES),
        "Date de naissance": f"{born:%d/%m/%Y}",
        "Sexe": sex,
        "N° S. Sociale": root + nir_key(root),
        "Type d'assuré": "Assuré social",
        "Code Entreprise": offer.company_code,
        "Code collège": offer.category_code,
        "Garantie": offer.plan_code,
        "Date d'effet": f"{datetime.date.today():%d/%m/%Y}",
        "N°": str(chance.randrange(1, 99)),
        "Rue": chance.choice(data.STREETS),
        "Code Postal": "39200",
        "Ville": "Saint-Claude",
        "Portable": f"06 12 {chance.randrange(10, 99)} {chance.randrange(10, 99)} {chance.randrange(10, 99)}",
        "E-mail": f"personne{number}@example.com",
        "Autre régime": "Non",
    }
