"""Contributions: pages of 24 months × 2,000 contracts, a statement of 5,000 employees, its workbook and its PDF."""

import datetime
import random
import tempfile
import time
import uuid

from app import create_app
from bench import apart, beside, data, download
from bench.browser import signed_in_client
from bench.report import figure, table, verdict
from portal import (
    calling,
    clock,
    contributions,
    database,
    documents,
    drawing,
    drawing_child,
    models,
    printing,
    statements,
)
from portal.models import ContributionStatement, GroupContract, db, fn
from portal.rules.contributions import next_period, period
from portal.rules.dates import months_after, months_before

ACCOUNTS, MONTHS, EMPLOYEES = 500, 24, 5_000  # two companies of two colleges an account: 2,000 contracts
COMPUTED, PRINTED = 4, 1.3
GONE = 50
PAGES = {
    "Règlement des cotisations": "/cotisations?perimetre=tous",
    "Échéancier": "/echeancier?perimetre=tous",
    "Échéancier, page 400": "/echeancier?perimetre=tous&page=400",
    "Échéancier, fragment d’une recherche": "/echeancier?perimetre=tous&q=HJ000123",
    "Bordereau de 5 000 salariés": None,
}
FRAGMENTS = {"Échéancier, fragment d’une recherche"}


# ── The data ─────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(place):
    """Statements and payments of two years, a contract of 5,000 employees, its tariff: what that contract is."""
    models.db.initialize(database.connect(place.url))
    with db.connection_context(), db.atomic():
        contracts = list(GroupContract.select())
        data.insert("contribution_statement", called(contracts))
        data.insert("payment", paid(contracts))
        big = contracts[0]
        GroupContract.update(billing_frequency="Mensuelle").where(GroupContract.id == big.id).execute()
        data.insert("beneficiary", employees(big))
        tariff = {"amount_type": "EUR", "single": 4_180, "family": 11_720, "pro_rata": "DAILY", "term": "ARREARS"}
        since = datetime.date(2020, 1, 1)
        models.ContributionTariff.create(contract=big, valid_from=since, called_by_portal=True, **tariff)
    with db.connection_context():
        database.refresh_statistics(db)  # what follows reads and writes each contract’s rows among those of all
        with db.atomic():
            contributions.settle_contracts([contract.id for contract in contracts])
        database.refresh_statistics(db)
    db.close_all()


def months():
    """Those of the statements, the last but one ended: the present month is the big contract's to compute."""
    start, end = period("Mensuelle", months_before(clock.today(), MONTHS))
    for _ in range(MONTHS):
        yield start, end
        start, end = next_period(start, end)


def called(contracts):
    for contract in contracts[1:]:
        for start, end in months():
            yield {
                "public_id": uuid.uuid4().hex,
                "number": f"B{start:%y%m}-{contract.number}",
                "contract_id": contract.id,
                "plan_id": contract.plan_id,
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
                "payer": contract.payer,
                "issued_on": start.replace(day=15).isoformat(),
                "due_on": months_after(start, 1).replace(day=10).isoformat(),
                "total": 100_000 + contract.id,
                "settled": 0,
                "computed": False,
            }


def paid(contracts):
    for contract in contracts[1:]:
        for start, _ in months():
            number = f"B{start:%y%m}-{contract.number}"
            row = {"public_id": uuid.uuid4().hex, "reference": f"R-{number}", "contract_id": contract.id}
            day = months_after(start, 1).replace(day=9).isoformat()
            row |= {"paid_on": day, "payment_method": "Prélèvement"}
            yield row | {"amount": 100_000 + contract.id, "given_back": 0}


def employees(contract):
    """One a household: a quarter came in or left within the month that is called."""
    chance, month = random.Random(3), clock.today().replace(day=1)  # nosec B311
    where = contract.category.account_id, contract.category_id, contract.id
    for number in range(1, EMPLOYEES + 1):
        started = month.replace(day=1 + number % 20) if number % 4 == 0 else datetime.date(2016, 1, 1)
        yield data.person(number, number, 0, data.surname(chance), where, (started, None), chance)


# ── The pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def show_pages(place, seconds, statement):
    addresses = {
        name: (path or f"/echeancier/{statement}?perimetre=tous", {"HX-Request": "true"} if name in FRAGMENTS else {})
        for name, path in PAGES.items()
    }
    beside.show(
        f"Pages de cotisations, {place.name}, {figure(MONTHS)} mois × 2 000 contrats", place, seconds, addresses
    )


# ── A statement ──────────────────────────────────────────────────────────────────────────────────────────────────


def compute(settings, months_before_it, gone=0):
    """The portal issues it: its number, its rows as the loop below writes them; after so many months of the same.

    `gone`: how many turn out to have left in the month before, which is read again and corrected.
    """
    create_app(settings=settings)
    with db.connection_context(), db.atomic() as writing:
        contract, tariffs = calling.contracts_called()[0]
        for months in range(months_before_it, 0, -1):
            start, end = period("Mensuelle", months_before(clock.today(), months))
            calling.issue(contract, tariffs, start, end, {}, clock.now())
        if gone:
            leave(contract, gone, start.replace(day=15))
        start, end = period("Mensuelle", clock.today())
        yield
        calling.issue(contract, tariffs, start, end, {}, clock.now())
        if months_before_it:
            writing.rollback()
    yield


def leave(contract, count, day):
    row = models.Beneficiary
    some = row.select(row.id).where(row.contract == contract, row.effective_on < day).order_by(row.id).limit(count)
    row.update(terminated_on=day).where(row.id.in_(some)).execute()


def loop(settings):
    """The same rows, one INSERT each, straight to the driver."""
    create_app(settings=settings)
    with db.connection_context():
        statement = ContributionStatement.get(ContributionStatement.computed)
        copy = ContributionStatement.select(fn.MAX(ContributionStatement.id)).scalar() + 1
        own = raw("contribution_statement", f"id = {statement.id}", id=copy)
        lines = raw("statement_line", f"statement_id = {statement.id}", statement_id=copy)
        given = [(name, list(rows[0]), [list(row.values()) for row in rows]) for name, rows in (own, lines)]
        yield
        with db.atomic():
            for table_name, columns, rows in given:
                marks = ", ".join([db.param] * len(columns))
                sql = f"INSERT INTO {table_name} ({', '.join(columns)}) VALUES ({marks})"  # nosec B608
                cursor = db.cursor()
                for row in rows:
                    cursor.execute(sql, row)
    yield


def raw(table_name, where, **values):
    """(table, these rows without their ids, with these values), to be written again."""
    cursor = db.execute_sql(f"SELECT * FROM {table_name} WHERE {where}")  # nosec B608
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    again = {"public_id": lambda _: uuid.uuid4().hex, "number": "bis{}".format}
    for row in rows:
        del row["id"]
        row |= {name: draw(row[name]) for name, draw in again.items() if name in row} | values
    return table_name, rows


def show_statement(place):
    later, mended = (apart.measured(compute, place.settings, 12, gone) for gone in (0, GONE))
    asked, bare = apart.measured(compute, place.settings, 0), apart.measured(loop, place.settings)
    heads = ("", "lignes", "CPU s", "CPU boucle nue s", "× CPU")
    named = {"Le premier": asked, "Après douze autres, qu’il vérifie": later}
    named[f"Après douze autres, {GONE} départs appris trop tard"] = mended
    rows = [[name, EMPLOYEES, one.cpu, bare.cpu, verdict(one.cpu / bare.cpu, COMPUTED)] for name, one in named.items()]
    table(f"Bordereau calculé et émis, {place.name}", heads, rows)
    with models.db.connection_context():
        ContributionStatement.delete().where(ContributionStatement.number.startswith("bis")).execute()


def workbook(settings, statement):
    app = create_app(settings=settings)
    client, token = signed_in_client(app)
    address = f"/echeancier/{statement}/telechargement"
    client.post(f"{address}?q=nobody", data={"csrf_token": token})  # what is imported at the first download
    yield
    answer = client.post(address, data={"csrf_token": token, "format": "xlsx"})
    yield b"".join(answer.response)


def show_workbook(place, statement):
    asked = apart.measured(workbook, place.settings, statement)
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(asked.gave)
        file.flush()
        bare = apart.measured(download.write_bare, file.name)
    ratio = verdict(asked.cpu / bare.cpu, download.CPU)
    memory = verdict(asked.peak - asked.before, download.MEMORY)
    heads = ("", "lignes", "octets", "CPU s", "CPU boucle nue s", "× CPU", "mémoire de plus, Mo")
    table(
        f"Tableur, {place.name}",
        heads,
        [["Lignes .xlsx", bare.gave, len(asked.gave), asked.cpu, bare.cpu, ratio, memory]],
    )


def printed(settings, statement):
    """The worker makes it: (seconds, its bytes, the page that is drawn)."""
    create_app(settings=settings)
    with db.connection_context():
        row = ContributionStatement.get(ContributionStatement.public_id == statement)
        whole = ContributionStatement.whole(ContributionStatement.select()).where(ContributionStatement.id == row.id)
        document = statements.document_of(whole.get(), ("Mutuelle", "", ""), clock.now())
        html = printing.html(document.template, title=document.title, code="x", **document.unseal())
        lines = row.lines.count()
        yield
        began = time.monotonic()
        with apart.looked_at() as seen:
            documents.make_long(clock.now(), lambda: False)
        took = time.monotonic() - began
        made = models.Document.get_by_id(document.id).file is not None
    yield took, made, html, lines, seen.peak


def drawn(html):
    """WeasyPrint alone, with what the portal gives it."""
    tools = drawing.engine()
    yield
    tools.HTML(string=html, base_url=drawing.HERE, url_fetcher=tools.fetcher).write_pdf(
        pdf_variant=drawing.VARIANT, stylesheets=[tools.style], font_config=tools.fonts, cache={}
    )
    yield


def show_print(place, statement):
    asked = apart.measured(printed, place.settings, statement)
    took, made, html, lines, peak = asked.gave
    bare = apart.measured(drawn, html)
    row = ["Bordereau .pdf", lines, "fait" if made else "pas fait", asked.cpu, bare.cpu]
    heads = (
        "",
        "lignes",
        "",
        "CPU s",
        "WeasyPrint nu, CPU s",
        "× CPU",
        "durée s",
        "mémoire du processus, Mo",
        "nu, Mo",
    )
    ratio, memory = verdict(asked.cpu / bare.cpu, PRINTED), verdict(peak, drawing_child.MEMORY / 2**20)
    table(f"PDF, {place.name}", heads, [[*row, ratio, took, memory, bare.peak - bare.before]])


def show(place, seconds):
    fill(place)
    models.db.initialize(database.connect(place.url))
    show_statement(place)
    with db.connection_context():
        statement = ContributionStatement.get(ContributionStatement.computed).public_id
    db.close_all()
    show_workbook(place, statement)
    show_print(place, statement)
    show_pages(place, seconds, statement)
