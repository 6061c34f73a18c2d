"""Certificates: what the portal attests of a person or a contract; the same words of the same day are one document."""

from portal import clock, documents
from portal.formats import date_fr
from portal.models import Beneficiary, BeneficiaryRole
from portal.rules import dsn_setup
from portal.rules.portability import continuation, portability

AFFILIATION, TERMINATION, DSN_SHEET = "AFFILIATION_CERTIFICATE", "TERMINATION_CERTIFICATE", "DSN_SETUP_SHEET"
ROLES = {BeneficiaryRole.EMPLOYEE: "Salarié", BeneficiaryRole.SPOUSE: "Conjoint", BeneficiaryRole.CHILD: "Enfant"}


def not_affiliated(person, today):
    """Why nothing can be attested of somebody's cover, in a sentence; None when it can."""
    feminine = "e" * (person.sex == "F")
    if person.terminated_on and person.terminated_on < today:
        return f"Radié{feminine} au {date_fr(person.terminated_on)} : demandez une attestation de radiation."
    if person.provisional:
        return "La mutuelle n’a pas encore traité cette affiliation : l’attestation sera possible ensuite."
    return None


def affiliation(person, dependents, now):
    """That somebody is covered, with these dependents; `person`: with contract, college and company, plan too."""
    words = of_person(person, now) | {"members": listed(dependents)}
    return issue("affiliation_certificate", words, now, AFFILIATION, person=person)


def termination(person, dependents, now, hired_on=None, last_day=None):
    """That a cover ends or ended, and what the law gives then: of an employee, from the first and last day of work."""
    words = of_person(person, now) | {"members": listed(dependents)}
    words |= {"last_day": "", "portability": None, "continuation": None}
    if last_day:
        words |= rights(person.termination_reason or "OTHER", hired_on, last_day)
    return issue("termination_certificate", words, now, TERMINATION, person=person)


def rights(reason, hired_on, last_day):
    """Portability and the loi Évin in dates; the reason for leaving itself is nobody's business who reads it."""
    given = portability(reason, hired_on, last_day)
    kept = continuation(reason, last_day, given.ends_on)
    ported = given.months and {
        "months": given.months,
        "starts_on": date_fr(given.starts_on),
        "ends_on": date_fr(given.ends_on),
    }
    asked = kept and {
        "who": kept.who,
        "asked_by": date_fr(kept.asked_by),
        "until": kept.at_least_until and date_fr(kept.at_least_until),
    }
    return {"portability": ported or None, "continuation": asked, "last_day": date_fr(last_day)}


def of_person(person, now):
    """What every certificate says of somebody."""
    today, category, contract = clock.day_of(now), person.category, person.contract
    return {
        "on": date_fr(today),
        "name": f"{person.title} {person.full_name}",
        "feminine": person.sex == "F",
        "role": ROLES[person.role],
        "born_on": date_fr(person.birth_date),
        "member_number": person.member_number,
        "company": category.company.label,
        "category": f"{category.code} – {category.label}",
        "contract": contract.number,
        "plan": contract.plan.label,
        "nature": contract.plan.contract_nature,
        "since": date_fr(person.effective_on),
        "until": date_fr(person.terminated_on) if person.terminated_on else "",
        "is_to_come": person.effective_on > today,
        "is_over": bool(person.terminated_on and person.terminated_on < today),
    }


def listed(dependents):
    return [
        (one.full_name, ROLES[one.role], date_fr(one.birth_date), date_fr(one.effective_on))
        for one in sorted(dependents, key=lambda one: (one.role, one.birth_date, one.id))
    ]


def dsn_sheet(contract, insurer_code, now):
    """What payroll software is told of a contract, with plan, college and company."""
    category, number, today = contract.category, contract.number, clock.day_of(now)
    payment = (contract.payment_method, contract.billing_frequency)
    words = {
        "on": date_fr(today),
        "company": category.company.label,
        "siret": category.company.siret,
        "category": f"{category.code} – {category.label}",
        "plan": contract.plan.label,
        "since": date_fr(max(contract.subscribed_on, contract.plan.valid_from)),
        "until": date_fr(contract.plan.valid_to) if contract.plan.valid_to else "",
        "frequency": contract.billing_frequency,
        "blocks": [
            ("Adhésion (bloc 15)", dsn_setup.membership(number, insurer_code)),
            (
                "Affiliation de chaque salarié (bloc 70)",
                dsn_setup.affiliation(contract.plan.code, category.code, contract.plan.contribution_structure),
            ),
            ("Cotisation (blocs 78, 79 et 81)", dsn_setup.contribution(number)),
            ("Paiement (blocs 20 et 55)", dsn_setup.payment(number, insurer_code, *payment, today)),
        ],
    }
    return issue("dsn_setup_sheet", words, now, DSN_SHEET, contract=contract)


def issue(template, words, now, kind, person=None, contract=None):
    contract = contract or person.contract
    about = person.full_name if person else f"contrat {contract.number}"
    return documents.ask_once(
        template,
        words,
        now,
        title=f"{documents.TYPES[kind]}, {about}",
        document_type=kind,
        account=person.account_id if person else contract.category.account_id,
        contract=contract,
        beneficiary=person,
    )


def shared(people, dependents):
    """Who gets a certificate of their own, and with which dependents: [(person, [dependent])].

    A dependent who was chosen beside their employee stands on the employee's.
    """
    homes: dict[tuple, list[Beneficiary]] = {}
    for one in dependents:
        homes.setdefault(home(one), []).append(one)
    led = {home(person) for person in people if person.is_employee}
    alone = [person for person in people if person.is_employee or home(person) not in led]
    return [(person, homes.get(home(person), []) if person.is_employee else []) for person in alone]


def home(person):
    return person.account_id, person.household_number
