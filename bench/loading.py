"""`load beneficiaries` of a large file, beside csv.reader and executemany into a table without anything."""

import csv
import random
import sqlite3
import tempfile
from itertools import islice
from pathlib import Path

import psycopg

from bench import apart, data
from bench.report import table, verdict
from portal import database, models
from portal.exchange import management_system
from portal.models import db

CPU, MEMORY = 6, 150
ROLES = ("Assuré", "Conjoint", "Enfant")
COLUMNS = (
    "member_number household_number role title birth_name used_name first_name birth_date sex nir contract_number "
    "effective_on terminated_on termination_reason street_number street complement postal_code city country phone "
    "mobile email individual_products"
)


def show(place, size):
    """`place` has the accounts and contracts, and nobody yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "beneficiaries.csv")
        write_file(path, place, size)
        bare = apart.measured(load_bare, path, f"sqlite:///{folder}/bare.db" if not place.cluster else place.url)
        ours = apart.measured(load, path, place.settings)
    heads = ("", "lignes", "CPU s", "CPU nu s", "× CPU", "attente s", "nue s", "×", "mémoire au plus, Mo")
    processor = (ours.cpu, bare.cpu, verdict(ours.cpu / bare.cpu, CPU))
    waited = (ours.wall, bare.wall, ours.wall / bare.wall)
    row = [str(ours.gave), size, *processor, *waited, verdict(ours.peak, MEMORY)]
    table(f"Chargement, {place.name}", heads, [row])


def load(path, settings):
    models.db.initialize(database.connect(settings.database_url))
    models.vault.use(settings.vault_keys)
    with db.connection_context():
        yield
        outcome = management_system.load("beneficiaries", path)
        yield " ".join(outcome.errors[:1]) or outcome.summary


def load_bare(path, url):
    names = ", ".join(COLUMNS.split())
    texts = ", ".join(f"{name} TEXT" for name in COLUMNS.split())
    is_sqlite = url.startswith("sqlite")
    connection = sqlite3.connect(url.removeprefix("sqlite:///")) if is_sqlite else psycopg.connect(url)
    marks = ", ".join(("?" if is_sqlite else "%s",) * len(COLUMNS.split()))
    connection.execute(f"CREATE TABLE bare ({texts})")
    connection.commit()
    yield
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows)
        connection.cursor().executemany(f"INSERT INTO bare ({names}) VALUES ({marks})", rows)  # nosec B608
    connection.commit()
    yield


def write_file(path, place, size):
    """Valid people of the contracts that are there."""
    models.db.initialize(database.connect(place.url))
    with db.connection_context():
        contracts = models.GroupContract.select(models.GroupContract, models.EmployeeCategory)
        signed, numbers = {}, {}
        for contract in contracts.join(models.EmployeeCategory):
            account = contract.category.account_id
            signed.setdefault(account, []).append((account, contract.category_id, contract.id))
            numbers[contract.id] = contract.number
    db.close_all()
    chance = random.Random(3)  # nosec B311: fictional rows
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS.split(), delimiter=";", extrasaction="ignore")
        writer.writeheader()
        people = data.beneficiaries(size, list(signed.values()))
        writer.writerows(as_in_file(person, numbers, chance) for person in islice(people, size))


def as_in_file(person, numbers, chance):
    birth, ended = person["birth_date"], person["terminated_on"] or ""
    root = int(f"{'1' if person['sex'] == 'M' else '2'}{birth[2:4]}{birth[5:7]}39478{chance.randrange(1, 990):03}")
    phone = f"01 99 00 {chance.randrange(10, 99)} {chance.randrange(10, 99)}"
    return person | {
        "role": ROLES[person["role"]],
        "nir": f"{root}{97 - root % 97:02}",
        "contract_number": numbers[person["contract_id"]],
        "effective_on": max(person["effective_on"], birth),
        "terminated_on": ended if ended > birth else "",
        "termination_reason": "RESIGNATION" if ended > birth else "",
        "phone": phone,
        "mobile": "",
        "individual_products": "P2" if chance.random() < 0.1 else "",
    }
