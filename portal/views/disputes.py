"""The line of a statement that a request disputes: it is in the request from the start."""

from flask import request
from flask_login import current_user

from portal.formats import date_fr, euros
from portal.models import Company, ContributionStatement, EmployeeCategory, GroupContract, StatementLine
from portal.rendering import get_or_404
from portal.views import roster


def line():
    """The line of a statement that the address names."""
    public_id = request.args.get("ligne")
    if not public_id:
        return None
    tables = (StatementLine, ContributionStatement, GroupContract, EmployeeCategory, Company)
    lines = current_user.statement_lines().select(*tables).join(ContributionStatement)
    lines = lines.join(GroupContract).join(EmployeeCategory).join(Company)
    return get_or_404(lines, StatementLine.public_id == roster.uuid_or_404(public_id))


def words(line):
    """What a request about a line says from the start: the line itself, then the place of what is disputed."""
    statement, days = line.statement, f"du {date_fr(line.starts_on)} au {date_fr(line.ends_on)}"
    kind = "régularisation" if line.is_correction else f"{line.band}, {euros(line.price)} par mois"
    amounts = f"employeur {euros(line.employer)}, salarié {euros(line.employee)}, total {euros(line.total)}"
    message = (
        f"Bordereau n°\u00a0{statement.number} du {date_fr(statement.issued_on)}, "
        f"contrat {statement.contract.number}.\n"
        f"Ligne\u00a0: {line.label}, n° d’adhérent {line.member_number}, {kind}, {days}, {amounts}.\n\n"
        "Ce que nous contestons\u00a0: "
    )
    detail = f"Bordereau {statement.number}\u00a0: ligne de {line.label}"[:150]
    place = statement.contract.category.company.code
    return {"lieu": place, "nature": "CONTRIBUTIONS", "detail": detail, "message": message}
