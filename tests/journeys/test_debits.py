"""Direct debits and arrears in a browser: the file for the bank, its reject, what the company reads; a late one."""

import datetime

import pytest
from playwright.sync_api import expect

from portal import clock
from portal.models import Company, ContributionStatement, DebitBatch, DirectDebit, FormalNotice, UserRole
from tests import factories
from tests.journeys import scenery
from tests.journeys.browser import axe, same_after_reload, sign_in


@pytest.fixture
def company():
    """HR of a company whose contract is paid by direct debit, with a signed mandate."""
    user = scenery.roster()
    factories.mandate(user.companies().order_by(Company.code).first(), user)
    return user


def contract_of(user):
    company = user.companies().order_by(Company.code).first()
    return next(one for one in user.contracts() if one.category.company_id == company.id)


def test_a_file_of_debits_is_made_its_reject_loaded_and_the_company_sees_what_to_do(page, company, open_browser):
    today, contract = clock.today(), contract_of(company)
    due_on = today + datetime.timedelta(days=20)
    statement = factories.statement(contract, 126_40, issued_on=today, due_on=due_on)
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.goto("/gestion/prelevements")
    expect(page.get_by_role("main")).to_contain_text("126,40")
    axe(page)
    page.get_by_role("button", name="Préparer le fichier").click()
    expect(page.locator("#flash")).to_contain_text("est prêt")
    expect(page.get_by_role("region", name="À prélever")).to_contain_text("Rien à prélever")
    with page.expect_download() as given:
        page.get_by_role("button", name="Télécharger").click()
    batch = DebitBatch.get()
    assert given.value.suggested_filename == f"{batch.number}.xml"
    DebitBatch.update(collected_on=today).execute()  # its day has come, and a file told it as paid
    debit = DirectDebit.get()
    factories.payment(contract, debit.amount, payment_method="Prélèvement", reference="PRL1")
    assert ContributionStatement.get_by_id(statement.id).settled == 126_40

    page.complaints.expects(422)
    load(page, b"reference;date;motif\nINCONNU;01/01/2026;AM04\n")
    expect(page.get_by_role("alert")).to_contain_text("Rien n’a été enregistré")
    axe(page)
    load(page, f"reference;date;motif\n{debit.end_to_end};{today:%d/%m/%Y};AM04\n".encode())
    expect(page.locator("#flash")).to_contain_text("1 rejet enregistré")
    expect(page.get_by_role("region", name="Fichiers préparés")).to_contain_text("dont 1 rejeté")
    same_after_reload(page)

    theirs = open_browser(js=page.js)
    sign_in(theirs, company)
    theirs.goto("/cotisations")
    main = theirs.get_by_role("main")
    expect(main).to_contain_text("la provision du compte était insuffisante")
    expect(main).to_contain_text("Réglez ce bordereau par virement")
    expect(main.get_by_role("row").filter(has_text=f"REJET-{debit.end_to_end}")).to_contain_text("−126,40")
    axe(theirs)
    same_after_reload(theirs)
    theirs.get_by_role("link", name=statement.number).first.click()
    expect(theirs.get_by_role("main")).to_contain_text("126,40")
    expect(theirs.get_by_role("main")).to_contain_text("Prélèvement rejeté")
    axe(theirs)


def load(page, content):
    page.get_by_label("Fichier de la banque").set_input_files(
        [{"name": "rejets.csv", "mimeType": "text/csv", "buffer": content}]
    )
    page.get_by_role("button", name="Enregistrer les rejets").click()


def test_a_late_company_is_told_its_step_and_given_its_letter(page, company):
    today, contract = clock.today(), contract_of(company)
    day = today - datetime.timedelta(days=40)
    factories.statement(contract, 1_200_00, issued_on=day, due_on=day)
    sign_in(page, factories.user(role=UserRole.STAFF))
    page.goto("/gestion/impayes")
    row = page.get_by_role("row").filter(has_text=contract.number)
    expect(row).to_contain_text("Mise en demeure possible depuis le")
    axe(page)
    row.get_by_role("button", name="Mettre en demeure").click()
    expect(page.locator("#flash")).to_contain_text("La mise en demeure est établie")
    suspended = today + datetime.timedelta(days=30)
    expect(row).to_contain_text(f"Suspension possible dès le {suspended:%d/%m/%Y}")
    with page.expect_download() as given:
        row.get_by_role("button", name="La lettre").click()
    assert given.value.suggested_filename.endswith(".pdf")
    assert FormalNotice.get().amount == 1_200_00
    page.goto("/gestion/impayes")
    row.get_by_role("button", name="Régime de branche").click()
    expect(row).to_contain_text("Ni suspension, ni résiliation")
    expect(row).not_to_contain_text("Suspension possible")
    axe(page)
    same_after_reload(page)
