"""The people and accounts that journeys look for, made of the factories' rows."""

import datetime

from portal import clock
from portal.exchange import confirming, staging
from portal.models import (
    AffiliationImport,
    Beneficiary,
    BeneficiaryRole,
    GroupContract,
    ImportState,
    MovementKind,
    Plan,
    db,
)
from tests import factories
from tests.exchange.test_affiliations import child, file_of, words

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


# ── Movements and files of affiliations ──────────────────────────────────────────────────────────────────────────


def moves(user):
    """A movement of each sort, some still to come."""
    zoe = Beneficiary.get(Beneficiary.member_number == "00638246")
    by = {"by": user, "now": clock.now()}
    address = {"street_number": "3", "street": "rue Pasteur", "complement": "", "postal_code": "39100", "city": "Dole"}
    zoe.modify(MovementKind.ADDRESS, address | {"country": "France"}, day(), version=1, household=True, **by)
    zoe.modify(MovementKind.CONTACT, {"email": "zoe@example.com"}, day(), version=2, **by)
    liam = Beneficiary.get(Beneficiary.birth_name == "O’Neill")
    Beneficiary.move_to([liam], user.contracts().order_by(GroupContract.id).first(), day(days=30), **by)
    Beneficiary.terminate([(Beneficiary.get(Beneficiary.birth_name == "Écuyer"), day(days=20), "RESIGNATION")], **by)


def offered(user):
    """The first contract of the user, with its codes."""
    return user.contracts().select_extend(Plan).join(Plan).order_by(GroupContract.id).first()


def mixed_rows(user):
    """The rows of a file that has one of each verdict: errors, repairs, a doubt, somebody who is there already."""
    signed = offered(user)
    return (
        words(signed, 1),
        words(signed, 2, **{"N° S. Sociale": "29406394780314"}),
        child(signed, 2),
        words(signed, 3, **{"Code Postal": "1000", "Ville": "Bourg-en-Bresse", "Date d'effet": "45000000", "Nom": ""}),
        words(signed, 4, Matricule="M4", **{"Autre régime": "Oui"}),
        words(signed, 5, **known(user)),
    )


def known(user):
    """Zoé Barbaud as a file tells of her, at another address."""
    zoe = {"Nom": "Barbaud", "Prénom": "Zoé", "Civilité": "Mme", "Sexe": "F", "Date de naissance": "30/06/1994"}
    return zoe | {"N° S. Sociale": NIR}


def sent(user, *rows, name="embauches-decembre.csv", data=None):
    """A file that waits to be read."""
    account = user.accounts().first()
    return AffiliationImport.send(account.id, user, name, data or file_of(*rows), None)


def checked(user, *rows, name="embauches-decembre.csv"):
    """A file whose rows wait to be confirmed."""
    source = sent(user, *(rows or mixed_rows(user)), name=name)
    staging.read(source)
    return source


def done(user, *rows, name="embauches-novembre.csv"):
    """A file whose people are affiliated."""
    source = checked(user, *(rows or (words(offered(user), 11), child(offered(user), 11))), name=name)
    source.move(ImportState.CONFIRMING, asked_by=user)
    confirming.confirm(source)
    return source


def failed(user, name="trombinoscope.csv"):
    """A file that is no template."""
    source = sent(user, name=name, data=b"a;b;c\n1;2;3\n")
    staging.read(source)
    return source
