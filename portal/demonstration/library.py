"""The documents of the demonstration: certificates that were issued."""

from portal import certificates, documents
from portal.demonstration.draw import days_ago
from portal.models import Beneficiary, BeneficiaryRole, Company, EmployeeCategory, GroupContract, Plan

ISSUED = (33, 12)  # days ago


def make_certificates(draw, account):
    """Of two employees of an account."""
    for person, days in zip(employees(account), ISSUED, strict=False):
        at, followers = days_ago(days), Beneficiary.dependents_of([person])
        words = certificates.of_person(person, at) | {"members": certificates.listed(followers)}
        keep(draw, "affiliation_certificate", words, at, certificates.AFFILIATION, person.full_name, person)


def employees(account):
    """With contract, plan, college and company; those who have been covered for longest."""
    whole = (
        Beneficiary.select(Beneficiary, GroupContract, Plan, EmployeeCategory, Company)
        .join(GroupContract)
        .join(Plan)
        .switch(Beneficiary)
        .join(EmployeeCategory)
        .join(Company)
    )
    ours = Beneficiary.account == account["id"], Beneficiary.role == BeneficiaryRole.EMPLOYEE
    staying = Beneficiary.terminated_on.is_null()
    return list(whole.where(*ours, staying).order_by(Beneficiary.effective_on, Beneficiary.id).limit(len(ISSUED)))


def keep(draw, template, words, at, kind, about, person):
    title = f"{documents.TYPES[kind]}, {about}"
    asked = documents.row_of(at, title, kind, person.account_id, person.contract_id, person)
    asked.public_id, asked.template = draw.uuid(), template
    asked.seal(words)
    documents.enter(asked)
