"""Of an account, what somebody sees whole, to choose from: the account itself, its companies, its colleges."""

from flask_login import current_user

from portal.models import Company, EmployeeCategory
from portal.threads import Place


def places(account, each_college=False):
    """[(key, label, Place)]: a company stands for its colleges, unless each of them may be chosen too."""
    rows = EmployeeCategory.with_companies(current_user.categories().where(EmployeeCategory.account == account))
    whole = current_user.sees_whole(account)
    of_account = current_user.whole_company_ids().where(Company.account == account)
    companies = {company for (company,) in of_account.tuples()}
    found = {"tout": ("Tout le compte", Place(account))} if whole else {}
    for row in rows:
        is_whole = row.company_id in companies
        if is_whole:
            found[row.company.code] = (row.company.label, Place(account, row.company))
        if each_college or not is_whole:
            found[row.key] = (f"{row.company.label}, {row.label}", Place(account, row.company, row))
    return [(key, label, place) for key, (label, place) in found.items()]
