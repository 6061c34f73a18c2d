"""A database of so many beneficiaries for the measures: two users, 105 accounts, the same rows for the same size."""

import datetime
import random
import uuid
from itertools import chain, islice

from portal import commands, credentials, database, models
from portal.formats import search_key, sort_key
from portal.models import db

ACCOUNTS = 105
PEOPLE_OF_SMALL = 60  # what the account of the user of one account holds
EVERYONE, SMALL, DESK = "tout@bench.example", "petit@bench.example", "gestion@bench.example"
PASSWORD = "quatre mots pour mesurer"  # nosec B105: of a database that is thrown away
BATCH = 5_000


def words(text):
    return text.split()


ROOTS = words(
    "Bar Ben Ber Bon Bou Cham Char Clé Col Cor Dau Del Des Du Fau Fer Fon Gar Gau Ger Gi Gran Gué Hu Jac Jean Jo La "
    "Lam Lau Le Lé Mar Mas Mau Mer Mi Mon Mor Nau O’Ne Pa Per Pi Pon Pré Ra Re Ri Rou Sal Sau Thé Tour Va Ver Vi Vin"
)
ENDINGS = words(
    "baud beau bert blanc bois bot celin chard court dier don drin dry du dois ensen fort gey gnon lain land let lier "
    "lin lot met millet mont nand net nier ny pin quet ran reau ret rier ron roy sard seau sier son tat tel tier ton "
    "vallet ville vin voisin zet"
)
FIRST_NAMES = words(
    "Agnès Alain Aline André Anne Antoine Arthur Aurélie Benoît Camille Caroline Céline Chantal Chloé Claire Clément "
    "Corinne Damien Daniel David Denis Didier Dominique Élise Émile Emma Éric Étienne Eva Fabien Florence François "
    "Françoise Gaël Gérard Gilles Guillaume Hélène Henri Hugo Inès Isabelle Jacques Jade Jean Jeanne Joël José Jules "
    "Julie Julien Karim Laura Laurent Léa Léo Lina Louis Louise Luc Lucas Manon Marc Marie Marine Martin Mathilde "
    "Mehdi Michel Mila Nadia Nathan Nicolas Noé Odile Olivier Pascal Patricia Paul Philippe Pierre Raphaël Rémi Robert "
    "Rose Sabine Sacha Sandrine Sarah Sébastien Serge Simon Sophie Stéphane Sylvie Thierry Thomas Tom Valérie Victor "
    "Vincent Virginie Xavier Yann Yves Zoé"
)
STREETS = ("rue du Tomachon", "rue de la République", "avenue de Belfort", "chemin des Écoles", "place de l’Église")
CITIES = (
    ("39200", "Saint-Claude"),
    ("39260", "Moirans-en-Montagne"),
    ("39000", "Lons-le-Saunier"),
    ("01100", "Oyonnax"),
)


def fill(url, size, accounts=ACCOUNTS):
    """Make the schema at `url` and fill it, with the vault and the cost of passwords in force; 0: accounts alone."""
    models.db.initialize(database.connect(url))
    with db.connection_context():
        commands.migrate(db)
        with db.atomic():
            contracts = fill_accounts(accounts)
            if size:
                insert("beneficiary", beneficiaries(size, contracts))
                insert("individual_product", ({"beneficiary_id": n, "plan_id": 2} for n in range(1, size + 1, 7)))
        database.refresh_statistics(db)
    db.close_all()


def insert(table, rows):
    """Rows (dictionaries of the same keys) by the quickest way of each database."""
    rows = iter(rows)
    first = next(rows)
    columns, batches = ", ".join(first), chain([first], rows)
    while batch := [tuple(row.values()) for row in islice(batches, BATCH)]:
        if database.is_sqlite(db):
            marks = ", ".join("?" * len(first))
            db.connection().executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", batch)  # nosec B608
            continue
        with db.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in batch:
                copy.write_row(row)


def fill_accounts(count):
    """Accounts, companies, colleges, contracts and the two users: (account, college, contract) ids by account."""
    chance = random.Random(1)  # nosec B311: fictional rows
    plans = [make_plan(number) for number in (1, 2)]
    contracts = [fill_account(number, plans[0], chance) for number in range(1, count + 1)]
    accounts = [signed[0][0] for signed in contracts]
    make_user(EVERYONE, models.UserRole.MULTI_ACCOUNT_MANAGER, accounts)
    make_user(SMALL, models.UserRole.COMPANY, accounts[:1])
    make_user(DESK, models.UserRole.ADMIN, [])
    return contracts


def make_plan(number):
    return models.Plan.create(
        code=f"P{number}",
        label=("Essentielle", "Renfort hospitalier")[number - 1],
        contract_nature="Santé collective obligatoire",
        contribution_structure="UNIFORM_FAMILY",
        valid_from=datetime.date(2015, 1, 1),
    )


def fill_account(number, plan, chance):
    name = f"{chance.choice(('Ateliers', 'Établissements', 'Transports', 'Menuiserie'))} {surname(chance)} {number}"
    code = f"C{number:06}"
    account = models.ManagedAccount.create(
        code=code,
        name=name,
        description=f"Contrats collectifs de {name}",
        contact="Karim Benali",
        phone="+33199002110",
        name_key=sort_key(name),
        search_key=f"{search_key(name)} {search_key(code)}",
    )
    signed = []
    for rank in range(1 + number % 3):
        label = f"{name.upper()} – SITE {rank + 1}"
        keys = {"siret": f"{number:09}{rank:05}", "search_key": search_key(label)}
        company = models.Company.create(account=account, code=f"E{number:04}{rank}", label=label, **keys)
        for place, college in enumerate(("Non-cadres", "Cadres")):
            signed.append(sign_contract(account, company, f"{place + 1:03}", college, plan))
    return signed


def sign_contract(account, company, code, label, plan):
    college = models.EmployeeCategory.create(account=account, company=company, code=code, label=label)
    contract = models.GroupContract.create(
        public_id=uuid.UUID(int=college.id),
        number=f"HJ{college.id:06}",
        category=college,
        plan=plan,
        payer=company.label[:100],
        payment_method="Prélèvement",
        billing_frequency="Trimestrielle",
        subscribed_on=datetime.date(2012, 1, 1),
        employer_share=6_000,
        coverage_end_rule="END_OF_MONTH",
        child_max_age=20,
        child_student_max_age=25,
    )
    return account.id, college.id, contract.id


def make_user(identifier, role, accounts):
    hashed = credentials.hash_password(PASSWORD)
    names = {"first_name": "Sylvie", "last_name": "Monneret"}
    user = models.User.create(identifier=identifier, role=role, password_hash=hashed, **names)
    since = datetime.date(2020, 1, 1)
    grants = [{"user": user, "account": account, "valid_from": since} for account in accounts]
    if grants:
        models.PermissionGrant.insert_many(grants).execute()


def beneficiaries(size, contracts):
    """Households of one to five, drawn among the contracts of unequal accounts until there are `size` people."""
    chance = random.Random(2)  # nosec B311
    small, others = contracts[0], contracts[1:]
    weights = [chance.paretovariate(1.2) for _ in others]
    number = household = 0
    while number < size:
        household += 1
        signed = small if number < min(PEOPLE_OF_SMALL, size // 10) else chance.choices(others, weights)[0]
        contract, name = chance.choice(signed), surname(chance)
        members = chance.choices(((0,), (0, 1), (0, 1, 2), (0, 1, 2, 2), (0, 2)), (45, 12, 15, 20, 8))[0]
        ended = day(chance, 2017, 2026) if chance.random() < 0.12 else None
        started = day(chance, 2012, 2016)
        for role in members[: size - number]:
            number += 1
            yield person(number, household, role, name, contract, (started, ended), chance)


def person(number, household, role, name, contract, period, chance):
    account, category, signed = contract
    first_name, member_number, sex = chance.choice(FIRST_NAMES), f"{number:08}", chance.choice("MF")
    postal_code, city = chance.choice(CITIES)
    used_name = surname(chance) if role == 1 and chance.random() < 0.5 else ""
    return {
        "id": number,
        "public_id": uuid.UUID(int=chance.getrandbits(128), version=4).hex,
        "account_id": account,
        "category_id": category,
        "contract_id": signed,
        "member_number": member_number,
        "employee_number": "",
        "provisional": False,
        "household_number": f"F{household:07}",
        "role": role,
        "title": "M." if sex == "M" else "Mme",
        "birth_name": name,
        "used_name": used_name,
        "first_name": first_name,
        "birth_date": day(chance, *((2005, 2025) if role == 2 else (1960, 2000))).isoformat(),
        "sex": sex,
        "nir": chance.randbytes(48),
        "nir_index": chance.randbytes(16).hex(),
        "effective_on": period[0].isoformat(),
        "terminated_on": period[1] and period[1].isoformat(),
        "termination_reason": "",
        "street_number": str(chance.randrange(1, 90)),
        "street": chance.choice(STREETS),
        "complement": "",
        "postal_code": postal_code,
        "city": city,
        "country": "France",
        "phone": f"+33199{number % 10**6:06}",
        "mobile": f"+33639{number % 10**6:06}",
        "email": f"{search_key(first_name)}.{search_key(name)}@example.com",
        "reimbursement_iban": chance.randbytes(58) if role == 0 else None,
        "reimbursement_bic": "",
        "contribution_iban": None,
        "contribution_bic": "",
        "name_key": sort_key(used_name or name),
        "first_name_key": sort_key(first_name),
        "search_key": " ".join(search_key(part) for part in (name, used_name, first_name, member_number)),
        "version": 1,
    }


def blank(table):
    """A new row of a table, by column: what each is when nobody says otherwise."""
    fields = (field for field in table._meta.sorted_fields if field.name != "id")
    found = {field.column_name: field.default() if callable(field.default) else field.default for field in fields}
    return {name: plain(value) for name, value in found.items()}


def plain(value):
    if isinstance(value, uuid.UUID):
        return value.hex
    return value if isinstance(value, (int, str, bytes, type(None))) else str(value)


def surname(chance):
    return chance.choice(ROOTS) + chance.choice(ENDINGS)


def day(chance, first, last):
    return datetime.date(chance.randrange(first, last + 1), chance.randrange(1, 13), chance.randrange(1, 29))
