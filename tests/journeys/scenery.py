"""The people and accounts that journeys look for, made of the factories' rows."""

import datetime

from portal import clock
from portal.models import BeneficiaryRole, db
from tests import factories

NIR = "294063947803145"
IBAN = "FR7630006000011234567890189"
SURNAMES = ["Vuillet", "Grandclément", "Perrier", "Benoît-Gonin", "Lacroix", "Mermet", "Jeantet", "Dalloz", "Reffay"]
FIRST_NAMES = ["Alice", "Bruno", "Chloé", "David", "Élodie", "Farid", "Gaëlle", "Hugo"]


def day(**ahead):
    return clock.today() + datetime.timedelta(**ahead)


def roster():
    """HR of one account: two companies, three colleges, 67 people covered and one who left; see the names below."""
    with db.atomic():
        managed = factories.account("Ateliers Combe-Noire", email="paie@combe-noire.example")
        head = factories.company(managed, "ATELIERS COMBE-NOIRE – SIÈGE", code="0412701")
        branch = factories.company(managed, "ATELIERS COMBE-NOIRE – LAVANS", code="0412702")
        workers = factories.category(head, "001", "Non-cadres")
        managers = factories.category(head, "002", "Cadres")
        everyone = factories.category(branch, "001", "Ensemble du personnel")
        contracts = [factories.contract(college) for college in (workers, managers, everyone)]
        family(contracts[0])
        factories.beneficiary(contracts[1], "O’Neill", "Liam", member_number="00638300", birth_date=born(1990, 2, 3))
        factories.beneficiary(contracts[2], "Écuyer", "Zacharie", effective_on=datetime.date(2024, 3, 15))
        factories.beneficiary(
            contracts[0], "Parti", "Paul", terminated_on=day(days=-40), termination_reason="RESIGNATION"
        )
        for number in range(67 - 5):
            surname, first_name = SURNAMES[number % 9], FIRST_NAMES[number % 8]
            factories.beneficiary(
                contracts[number // 9 % 3],
                surname,
                first_name,
                birth_date=born(1960 + number % 40, 1 + number % 12, 1 + number % 28),
                effective_on=datetime.date(2014 + number % 9, 1 + number % 12, 1),
                title="Mme" if number % 2 else "M.",
                sex="F" if number % 2 else "M",
            )
    return factories.user(accounts=[managed], organisation="Ateliers Combe-Noire", title="Mme", phone="+33199001001")


def family(contract):
    """Zoé Barbaud, employee, with her NIR and bank details, her husband and their child who will soon be too old."""
    together = {"household_number": "F638246"}
    zoe = factories.beneficiary(
        contract,
        "Barbaud",
        "Zoé",
        nir=NIR,
        member_number="00638246",
        title="Mme",
        sex="F",
        birth_date=born(1994, 6, 30),
        mobile="+33639980102",
        email="zoe.barbaud@example.com",
        **together,
    )
    zoe.seal("reimbursement_iban", IBAN)
    zoe.save()
    factories.beneficiary(contract, "Barbaud", "Marc", role=BeneficiaryRole.SPOUSE, **together)
    soon = day(days=20)
    factories.beneficiary(
        contract,
        "Barbaud",
        "Noé",
        role=BeneficiaryRole.CHILD,
        birth_date=soon.replace(year=soon.year - contract.child_max_age, day=min(soon.day, 28)),
        **together,
    )
    return zoe


def born(year, month, of_month):
    return datetime.date(year, month, of_month)


def portfolio(size=105):
    """A manager of many accounts: « Acier Jura », « Zinguerie Morel », and others that look alike."""
    with db.atomic():
        accounts = [factories.account("Acier Jura"), factories.account("Zinguerie Morel")]
        accounts += [factories.account(f"Société {number:03} du Haut-Jura") for number in range(size - len(accounts))]
        for managed in accounts[:3]:
            signed = factories.contract(factories.category(factories.company(managed, f"{managed.name} SIÈGE")))
            factories.beneficiary(signed, "Perrier", f"De {managed.name}")
        for managed in accounts[3:]:
            factories.category(factories.company(managed, f"{managed.name} SIÈGE"))
        return factories.user(accounts=accounts)
