"""Rows for tests: plain functions, valid by default."""

import datetime
import io
import itertools
import secrets
from types import SimpleNamespace

from portal import (
    clock,
    contributions,
    credentials,
    enrolments,
    factors,
    mandates,
    outbox,
    publishing,
    storage,
    threads,
)
from portal.formats import search_key, sort_key
from portal.models import (
    BankDetails,
    Beneficiary,
    BeneficiaryRole,
    Company,
    ContributionStatement,
    ContributionTariff,
    DebitBatch,
    DirectDebit,
    EmployeeCategory,
    Enrolment,
    GroupContract,
    LibraryFolder,
    ManagedAccount,
    MessageKind,
    MessageState,
    MessageThread,
    Notice,
    Payment,
    PermissionGrant,
    Plan,
    Registration,
    SecondFactor,
    SepaMandate,
    StatementLine,
    ThreadFollower,
    User,
    UserRole,
    Waiver,
    db,
    insert_many,
    vault,
)
from portal.rules import staff_roles, totp
from portal.rules import threads as thread_rules
from portal.rules import waivers as waiver_rules
from portal.rules.dates import month_end, months_after, months_before
from portal.rules.identifiers import nir_key
from tests import files

PASSWORD = "quatre mots vraiment quelconques"
counter = itertools.count(1)  # from 1 again in each test: what a page shows is the same in each run


def start_again():
    """The database is empty."""
    global counter
    counter = itertools.count(1)


def account(name="Ateliers Combe-Noire", **values):
    number = next(counter)
    values = {"code": f"C{number:06}", "name": name, "contact": "Karim Benali", "phone": "+33199002110"} | values
    keys = {
        "name_key": sort_key(values["name"]),
        "search_key": f"{search_key(values['name'])} {search_key(values['code'])}",
    }
    return ManagedAccount.create(**keys, **values)


def company(account, label="ATELIERS COMBE-NOIRE", **values):
    values = {"code": f"E{next(counter):06}", "siret": "73282932000074"} | values
    found_by = " ".join((search_key(label), search_key(values["code"]), values["siret"]))
    return Company.create(account=account, label=label, **{"search_key": found_by} | values)


def category(company, code="001", label="Non-cadres", **values):
    defaults = {
        "call_recipient_title": "Mme",
        "call_recipient_label": "Service paie",
        "contribution_payer": "Entreprise",
    }
    return EmployeeCategory.create(
        account=company.account_id, company=company, code=code, label=label, **defaults | values
    )


def plan(**values):
    defaults = {
        "code": f"P{next(counter):04}",
        "label": "Essentielle",
        "contract_nature": "Santé collective obligatoire",
        "contribution_structure": "UNIFORM_FAMILY",
        "valid_from": datetime.date(2017, 1, 1),
    }
    return Plan.create(**defaults | values)


def contract(category, **values):
    defaults = {
        "number": f"HJ{next(counter):06}",
        "payer": "ATELIERS COMBE-NOIRE",
        "payment_method": "Prélèvement",
        "billing_frequency": "Trimestrielle",
        "subscribed_on": datetime.date(2012, 1, 1),
        "employer_share": 6_000,
        "coverage_end_rule": "END_OF_MONTH",
        "child_max_age": 20,
        "child_student_max_age": 25,
    }
    values = {"plan": values.pop("plan", None) or plan()} | values
    return GroupContract.create(category=category, **defaults | values)


def beneficiary(contract, last_name="Barbaud", first_name="Philippe", nir=None, **values):
    number = next(counter)
    defaults = {
        "member_number": f"{number:08}",
        "household_number": f"F{number:06}",
        "role": BeneficiaryRole.EMPLOYEE,
        "title": "M.",
        "birth_name": last_name,
        "first_name": first_name,
        "birth_date": datetime.date(1968, 4, 12),
        "sex": "M",
        "effective_on": datetime.date(2016, 1, 1),
        "street_number": "14",
        "street": "rue du Tomachon",
        "postal_code": "39200",
        "city": "Saint-Claude",
        "country": "France",
    }
    person = Beneficiary(
        account=contract.category.account_id, category=contract.category_id, contract=contract, **defaults | values
    )
    person.name_key, person.first_name_key = sort_key(person.last_name), sort_key(person.first_name)
    names = (person.birth_name, person.used_name, person.first_name, person.member_number)
    person.search_key = " ".join(search_key(name) for name in names)
    if nir:
        person.seal("nir", nir)
        person.nir_index = vault.index(nir, "nir", person.account_id)
    person.save(force_insert=True)
    return person


def crowd(contract, count):
    """So many employees, each with a NIR of their own, in a few statements: [(person, NIR)]."""
    found = []
    for number in range(count):
        year, (month, order) = 40 + number // 11_988, divmod(number % 11_988, 999)
        body = f"1{year}{month + 1:02}39478{order + 1:03}"
        person = Beneficiary(
            account=contract.category.account_id,
            category=contract.category_id,
            contract=contract,
            member_number=f"F{number:07}",
            household_number=f"F{number:07}",
            role=BeneficiaryRole.EMPLOYEE,
            title="M.",
            birth_name=f"Foule{number}",
            first_name="Jean",
            name_key=sort_key(f"Foule{number}"),
            first_name_key=sort_key("Jean"),
            search_key=search_key(f"Foule{number} Jean F{number:07}"),
            birth_date=datetime.date(1900 + year, month + 1, 12),
            sex="M",
            effective_on=datetime.date(2016, 1, 1),
        )
        person.seal("nir", body + nir_key(body))
        person.nir_index = vault.index(body + nir_key(body), "nir", person.account_id)
        found.append((person, body + nir_key(body)))
    with db.atomic():
        insert_many(Beneficiary, [person for person, _ in found])
    return found


def thread(user, place=None, kind="REQUEST", body="Où est la carte ?", unread=False, days=None, **values):
    """A thread that this user opens, of the first account that they see; `unread`: by them."""
    place = place or threads.Place(user.accounts().order_by(ManagedAccount.id).first())
    natures = list(thread_rules.NATURES[kind])
    values = {"nature": natures[0], "subject": "Carte non reçue"} | values
    if kind == thread_rules.COMPLAINT:
        values.setdefault("complainant", thread_rules.COMPANY)
    state = values.pop("state", None)
    made = threads.begin(user, threads.Asked(kind=kind, body=body, place=place, **values), clock.now(), days or {})
    if state:
        MessageThread.update(state=state).where(MessageThread.id == made.id).execute()
    if unread:
        ThreadFollower.follow(made, user, unread=1)
    return MessageThread.whole(MessageThread.select(), user).where(MessageThread.id == made.id).get()


def publication(title="Fiche pratique", folder="GUIDES", content=None, name="fiche.pdf", **values):
    """Published today to everyone; `folder`: its path; `content`: a PDF by default."""
    place = None
    for part in folder.split("/"):
        place = LibraryFolder.at(place, part)
    now = values.pop("now", None) or clock.now()
    kind = "application/pdf" if name.endswith(".pdf") else "text/csv"
    stored = storage.file_away(io.BytesIO(files.pdf() if content is None else content), name, kind, account=None)
    defaults = {"nature": "GUIDE", "audience": "EVERYONE", "published_on": clock.day_of(now)}
    return publishing.publish({"folder": place, "title": title} | defaults | values, stored, None, now)[0]


def waiver(category, reason="OP_DEPENDENT", last_name="Vuillet", first_name="Élodie", **values):
    """In force for three months, by default; the columns that its case has no use for are left empty."""
    case = waiver_rules.CASES[reason]
    effect_on = values.get("effect_on", clock.today() - datetime.timedelta(days=90))
    defaults = {
        "title": "Mme",
        "birth_name": last_name,
        "first_name": first_name,
        "birth_date": datetime.date(1990, 5, 17),
        "employee_number": f"M{next(counter):04}",
        "requested_on": effect_on,
        "effect_on": effect_on,
        "occasion": case.occasions[0],
        "cover": case.covers[0] if case.covers else "",
        "hired_on": effect_on - datetime.timedelta(days=1) if case.hired else None,
        "valid_until": effect_on + datetime.timedelta(days=300) if case.until else None,
        "review_due_on": waiver_rules.first_review(case, effect_on),
    }
    return Waiver(account=category.account_id, category=category, reason=reason, **defaults | values).keep()


def enrolment(author, answers=None, contract=None, **values):
    """A draft of that user's, in their first contract; `answers`: {step: {field: text}}, the first step by default."""
    contract = contract or author.contracts().order_by(GroupContract.id).get()
    offer = enrolments.offer_of(SimpleNamespace(contract=contract, category=contract.category))
    first = {"contrat": contract.number, "datedeffet": f"{clock.today():%d/%m/%Y}"}
    typed = {"garantie": first} | (answers or {})
    kept = {step: {name: [text] for name, text in words.items()} for step, words in typed.items()}
    now = values.pop("now", None) or clock.now()
    draft = enrolments.begin(author, contract.category.account_id, offer, kept.pop("garantie"), None, now)
    for step, words in kept.items():
        page = SimpleNamespace(key=None, seen=10**6)
        enrolments.save(draft.read_whole(), step, words, page, enrolments.NEXT, author, now)
    for name, value in values.items():
        Enrolment.update({name: value}).where(Enrolment.id == draft.id).execute()
    return Enrolment.get_by_id(draft.id)


def user(role=UserRole.COMPANY, accounts=(), **values):
    defaults = {
        "identifier": f"personne{next(counter)}@example.com",
        "first_name": "Sylvie",
        "last_name": "Monneret",
        "password_hash": credentials.hash_password(PASSWORD),
        "duties": staff_roles.ALL if role == UserRole.STAFF else 0,
    }
    made = User.create(role=role, **defaults | values)
    for managed in accounts:
        PermissionGrant.create(user=made, account=managed, valid_from=datetime.date(2020, 1, 1))
    return made


def hr_user(people=3):
    """HR of one account with two companies, three colleges, and a few people in each."""
    managed = account()
    head, branch = company(managed, "ATELIERS COMBE-NOIRE – SIÈGE"), company(managed, "ATELIERS COMBE-NOIRE – LAVANS")
    colleges = [category(head), category(head, "002", "Cadres"), category(branch, label="Ensemble du personnel")]
    for college in colleges:
        signed = contract(college)
        for _ in range(people):
            beneficiary(signed)
    return user(accounts=[managed])


def statement(contract, total=100_000, months_ago=0, **values):
    """Of a month; issued on its 15th, due on the 10th of the next."""
    start = months_before(clock.today(), months_ago)
    days = {"issued_on": start.replace(day=15), "due_on": months_after(start, 1).replace(day=10)}
    defaults = {"number": f"B{next(counter):06}", "plan": contract.plan_id, "payer": contract.payer, "total": total}
    period = {"period_start": start, "period_end": month_end(start)}
    return ContributionStatement.create(contract=contract, **defaults | period | days | values)


def lines(statement, people, price=4_000, employer=None, **values):
    """A line for each, its total that of the price; the total of the statement is theirs."""
    for person in people:
        part = price // 2 if employer is None else employer
        days = {"starts_on": statement.period_start, "ends_on": statement.period_end}
        amounts = {"band": "Isolé", "price": price, "employer": part, "employee": price - part, "portion": 10_000}
        who = {"beneficiary": person, "member_number": person.member_number, "label": person.full_name}
        StatementLine.create(statement=statement, name_key=person.name_key, **who | days | amounts | values)
    total = sum(line.total for line in statement.lines)
    ContributionStatement.update(total=total).where(ContributionStatement.id == statement.id).execute()
    statement.total = total
    return statement


def tariff(contract, valid_from=datetime.date(2020, 1, 1), **values):
    """Of every structure, in euros."""
    prices = {"single": 4_001, "duo": 7_501, "family": 11_000, "adult": 3_500, "child": 1_801}
    how = {"amount_type": "EUR", "pro_rata": "STARTED_MONTH", "term": "ARREARS"}
    return ContributionTariff.create(contract=contract, valid_from=valid_from, **prices | how | values)


def payment(contract, amount=100_000, **values):
    defaults = {"reference": f"R{next(counter):06}", "paid_on": clock.today(), "payment_method": "Virement"}
    made = Payment.create(contract=contract, amount=amount, **defaults | values)
    contributions.settle_contracts([contract.id])
    return made


def rejected_debit(statement, mandate, code="AM04"):
    """The debit of a statement, in a file of its own, which the bank sent back today."""
    days, number = {"collected_on": clock.today(), "created_at": clock.now()}, f"P{next(counter):06}"
    batch = DebitBatch(number=number, scheme="CORE", count=1, total=statement.total, **days)
    batch.seal("<xml/>")
    batch.save(force_insert=True)
    told = {"amount": statement.total, "sequence": "RCUR", "end_to_end": f"E{number}", "reason": code}
    return DirectDebit.create(batch=batch, statement=statement, mandate=mandate, rejected_on=clock.today(), **told)


def bank_details(company, iban="FR7630006000011234567890189"):
    """The account on file of a company."""
    details = BankDetails(company=company, holder="ATELIERS COMBE-NOIRE", bic="AGRIFRPP", since=clock.now())
    details.seal(iban)
    details.save(force_insert=True)
    return details


def mandate(company, user, signed=True, scheme="CORE", **values):
    """One that is to sign, or signed; the company gets its account on file when it has none."""
    details = BankDetails.get_or_none(BankDetails.company == company, BankDetails.in_force()) or bank_details(company)
    creditor = "FR72ZZZ123456", "Mutuelle du Haut-Jura", "12 rue du Tomachon, 39200 Saint-Claude"
    made = mandates.begin(details, scheme, "3 rue du Lac, 39000 Lons-le-Saunier", creditor, user, clock.now())
    if signed:
        SepaMandate.update(signer=user, typed_name=user.full_name, place="Lons").where(
            SepaMandate.id == made.id
        ).execute()
        made = mandates.sign(made, user, clock.now())
    if values:
        SepaMandate.update(values).where(SepaMandate.id == made.id).execute()
    return SepaMandate.get_by_id(made.id)


def money(contract):
    """A contract whose statements are each in another state."""
    today = clock.today()
    settled = statement(contract, 120_000, 4)
    statement(contract, 130_000, 3)  # late
    half = statement(contract, 141_000, 1, issued_on=today, due_on=today + datetime.timedelta(days=9))
    statement(contract, 99_900, 0, issued_on=today, due_on=today + datetime.timedelta(days=19))
    statement(contract, 150_000, -1, issued_on=today + datetime.timedelta(days=9), due_on=months_after(today, 2))
    statement(contract, -5_000, 2)
    payment(contract, 120_000, paid_on=settled.due_on)
    return payment(contract, 70_000, reference=f"VIR {half.number}")


def message(state=MessageState.WAITING, kind=MessageKind.IMPORT, to="zoe@example.com", error="", user=None, **options):
    """An e-mail that met its end, unless it waits."""
    now = options.pop("now", None) or clock.now()
    words = {"told": "Votre fichier est vérifié", "link": "/affiliations"} | options
    made = outbox.email(to, "import", now, user, kind=kind, **words)
    if state != MessageState.WAITING:
        made.attempts = 8 if state == MessageState.FAILED else 1
        made.put_off(now)
        made.settle(state, now, error)
    return made


def messages():
    """One of each end, and two more that failed."""
    for state in MessageState:
        message(state, error="550 5.1.1" if state == MessageState.FAILED else "")
    message(MessageState.FAILED, MessageKind.SECURITY, "jules@example.com", "TimeoutError")
    message(MessageState.FAILED, MessageKind.PROOF, "anne@example.com", "ConnectionRefusedError")


def notice(author, **columns):
    """What the mutual says to everyone, unless told otherwise."""
    today = clock.today()
    return Notice.create(
        **{"title": "Fermeture", "body": "Nous fermons.", "starts_on": today, "author": author} | columns
    )


def registration(state="RECEIVED", role=UserRole.COMPANY, email="nouvelle@example.com", **values):
    """An access that is asked for, its details given."""
    said = {"first_name": "Nora", "last_name": "Vidal", "organisation": "Scierie Vidal", "phone": "+33199001020"}
    said |= {"siret": "44306184100047", "contract_number": "HJ-404", "password_hash": "!"}
    said |= {"sent_at": clock.now()} | values
    return Registration.create(email=email, role=role, state=state, **said)


def second_factor(user, name="Téléphone du bureau"):
    """An application of codes that counts already, and its key."""
    key = totp.written(secrets.token_bytes(totp.SEED))
    begun = SecondFactor.begin(user, key, clock.now())
    begun.confirm(name, 0, clock.now())
    return SecondFactor.get_by_id(begun.id), key


def code_of(key, late=0):
    """What that application shows now, or so many steps of thirty seconds later."""
    return totp.code(key, int(factors.second(clock.now())) // totp.STEP + late)
