"""« Suivi des pièces justificatives »: the list, what narrows it, its order and its download."""

import csv
import datetime
import io

import pytest

from portal import clock, proofs
from portal.models import AuditEvent, Beneficiary, DocumentRequest, RequestState
from portal.rules import proofs as rules
from tests import factories

LISTE = "/justificatifs"


def await_of(person, due=10, proof=rules.SCHOOL_CERTIFICATE, campaign="Certificats 2026", **values):
    """A document that is awaited of a person, its deadline in so many days."""
    due_on = clock.today() + datetime.timedelta(days=due)
    row = proofs.ask(person, proof, campaign, proofs.INSURER, clock.now(), due_on)
    if values:
        DocumentRequest.update(values).where(DocumentRequest.id == row.id).execute()
    return DocumentRequest.get_by_id(row.id)


@pytest.fixture
def family(hr):
    """An employee with a mobile, their grown-up child and a minor."""
    contract = hr.contracts().first()
    born = clock.today() - datetime.timedelta(days=21 * 366)
    together = {"household_number": "F900"}
    employee = factories.beneficiary(contract, "Lamy", "Aurélie", mobile="+33639980102", title="Mme", **together)
    child = factories.beneficiary(contract, "Lamy", "Corentin", role=2, birth_date=born, **together)
    minor = factories.beneficiary(contract, "Lamy", "Léo", role=2, birth_date=clock.today(), **together)
    return employee, child, minor


def text(client, path=LISTE):
    return client.get(path).get_data(as_text=True)


def names(page):
    return [
        part.partition("<")[0] for part in page.split('class="is-main is-wide">')[1:] for part in [part.split(">")[1]]
    ]


def test_nothing_is_awaited(signed_in):
    assert "Tout est à jour" in text(signed_in)


def test_what_is_late_comes_first_with_words(signed_in, family):
    employee, child, minor = family
    await_of(employee, due=3, proof=rules.BANK_DETAILS)
    await_of(child, due=-8)
    await_of(minor, due=20)
    page = text(signed_in)
    assert names(page) == ["LAMY Corentin", "LAMY Aurélie", "LAMY Léo"]
    assert page.count('class="is-late"') == 1
    for words in (
        "dépassée de 8\u00a0jours",
        "dans 3\u00a0jours",
        "06\u00a039\u00a098\u00a001\u00a002",
        "LAMY Aurélie",
    ):
        assert words in page


def test_the_insurers_reminder_stands_apart_from_ours(signed_in, family):
    day = clock.today() - datetime.timedelta(days=5)
    await_of(family[1], insurer_reminded_on=day)
    page = text(signed_in)
    assert f"Mutuelle\u00a0: {day:%d/%m/%Y}" in page
    assert "Vous\u00a0: aucune" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=corentin", ["Corentin"]),
        ("q=lamy aurelie", ["Aurélie", "Corentin", "Léo"]),  # the employee answers for them
        ("q=personne", []),
        ("campagne=Adhésions", ["Aurélie"]),
        ("campagne=inconnue", ["Aurélie", "Corentin", "Léo"]),
        ("echeance=retard", ["Corentin"]),
        ("echeance=semaine", ["Aurélie"]),
        ("etat=recus", ["Zoé"]),
        ("etat=tous", ["Aurélie", "Corentin", "Léo", "Zoé"]),
        ("etat=x&contact=x&echeance=x", ["Aurélie", "Corentin", "Léo"]),
        ("contact=sans", []),
        ("contact=avec", ["Aurélie", "Corentin", "Léo"]),
        ("contact=sans&etat=tous", ["Zoé"]),
    ],
)
def test_the_list_is_narrowed(signed_in, family, query, found):
    employee, child, minor = family
    await_of(employee, due=3, proof=rules.BANK_DETAILS, campaign="Adhésions")
    await_of(child, due=-8)
    await_of(minor, due=20)
    other = factories.beneficiary(employee.contract, "Sans", "Zoé")
    await_of(other, state=RequestState.RECEIVED)
    assert sorted(name.split()[-1] for name in names(text(signed_in, f"{LISTE}?{query}"))) == found


@pytest.mark.parametrize("sort", ["nom", "campagne", "salarie", "limite", "relance", "etat"])
def test_the_list_is_sorted_both_ways(signed_in, family, sort):
    employee, child, _ = family
    await_of(employee, due=3, proof=rules.BANK_DETAILS, campaign="A", reminded_at=datetime.datetime(2026, 1, 1))
    await_of(child, due=-8, state=RequestState.REFUSED)
    both = [names(text(signed_in, f"{LISTE}?tri={word}{sort}")) for word in ("", "-")]
    assert sorted(both[0]) == sorted(both[1]) == ["LAMY Aurélie", "LAMY Corentin"]
    assert sort == "salarie" or both[0] == both[1][::-1]


def test_the_query_and_the_rule_say_alike_who_can_be_reached(hr, family):
    employee, child, minor = family
    for person in family:
        await_of(person)
    cases = (
        ("", "", "", ""),
        ("+33639980102", "", "", ""),
        ("", "a@example.com", "", ""),
        ("", "", "+33639980103", "c@d.fr"),
        ("+33253001001", "", "", ""),
        ("+262262123456", "", "+590690123456", ""),
        ("+33384450001", "a@example.com", "", ""),
        ("+33199001001", "", "", ""),
    )
    for mobile, email, own_mobile, own_email in cases:
        Beneficiary.update(mobile=mobile, email=email).where(Beneficiary.id == employee.id).execute()
        own = Beneficiary.update(mobile=own_mobile, email=own_email)
        own.where(Beneficiary.id.in_([child.id, minor.id])).execute()
        rows = DocumentRequest.whole(hr.document_requests())
        unreachable = {row.id for row in rows.where(DocumentRequest.unreachable(clock.today()))}
        assert unreachable == {row.id for row in rows if row.reach(clock.today()) is None}


def test_the_menu_tells_how_many_are_awaited_and_a_scope_narrows_it(signed_in, hr, family):
    await_of(family[0])
    await_of(family[1], state=RequestState.REFUSED)
    await_of(family[2], state=RequestState.RECEIVED)
    assert '<span class="ui-count">2<' in text(signed_in, "/contrats")
    account = hr.accounts().get()
    other = next(one for one in hr.categories() if one.id != family[0].category_id)
    scope = f"{account.code}.{other.company.code}.{other.code}"
    assert '<span class="ui-count">' not in text(signed_in, f"/contrats?perimetre={scope}")


def test_what_tells_of_health_is_not_named_to_hr(signed_in, family):
    await_of(family[1], proof=rules.PROOFS["DISABILITY"])
    page = text(signed_in)
    assert rules.CONFIDENTIAL in page
    assert "MDPH" not in page


def test_a_nir_does_not_stay_in_the_address(signed_in):
    answer = signed_in.get(f"{LISTE}?q=294063947803145&etat=tous")
    assert (answer.status_code, answer.location) == (303, f"{LISTE}?etat=tous")


def test_the_download_holds_what_the_address_filters_and_is_written_down(signed_in, family):
    await_of(family[0], proof=rules.BANK_DETAILS)
    await_of(family[1], due=-8)
    answer = signed_in.post(f"{LISTE}/telechargement?echeance=retard", {"format": "csv"})
    heading, row = csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")), delimiter=";")
    told = dict(zip(heading, row, strict=True))
    assert (told["Nom"], told["Prénom"], told["Salarié"]) == ("LAMY", "Corentin", "LAMY Aurélie")
    assert told["Informations Salarié"] == "06\u00a039\u00a098\u00a001\u00a002"
    event = AuditEvent.select().order_by(AuditEvent.number.desc()).get()
    assert (event.action, event.after["rows"], event.after["filter"]) == (
        "document_requests.export",
        1,
        {"echeance": "retard"},
    )
    with signed_in.post(f"{LISTE}/telechargement", {"format": "xlsx"}) as workbook:
        assert workbook.mimetype.endswith("sheet")


def test_a_page_of_the_list_takes_few_queries_however_many_rows(signed_in, hr, family, queries):
    for person in hr.beneficiaries():
        await_of(person)
    queries.clear()
    signed_in.get(LISTE)
    assert len(queries) <= 8, queries
